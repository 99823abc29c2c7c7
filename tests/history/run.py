"""Runs a history: threads at work, checkpoints meanwhile, and from time to time a crash, after which the history goes on.

The disk is simulated. A crash cuts its record off at some operation while the threads are at full speed: whoever had been told of his
commit before that must find it afterwards; of the others nothing is known but that it was all or nothing.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import lungfish
from lungfish.connection import Connection
from lungfish.session import Session
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.sql_drill import open_on
from tests.history.checker import Anomaly, History, Transaction, forbidden_anomalies
from tests.history.workload import SCHEMA, Actor, Shared, numbers_in

_POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a history is, and what happens in it."""

    level: str
    operation_count: int
    thread_count: int = 8
    seed: int = 1
    operations_between_checkpoints: int = 1_000
    operations_between_crashes: int = 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a history."""

    anomalies: list[Anomaly]
    operation_count: int
    transaction_count: int
    retry_count: int
    crash_count: int
    seconds: float


class Runner:
    """One history on one simulated disk after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._disk = SimulatedDisk()
        self._shared = Shared(plan.level)
        self._chance = random.Random(f"history {plan.seed} {plan.level}")
        self._committed: list[Transaction] = []
        self._in_doubt: list[Transaction] = []
        self._crash_count = 0
        connection = open_on(self._disk)
        connection.execute(SCHEMA)
        connection.close()

    def run(self) -> Result:
        """Run it to its end and judge it. Raises what a session ran into besides 40001 and 40P01."""
        began = time.monotonic()
        done = 0
        with _quick_switches():
            while done < self._plan.operation_count:
                done += self._run_until_crash(self._plan.operation_count - done)
        history = self._history()
        return Result(
            forbidden_anomalies(history, self._plan.level),
            done,
            len(self._committed),
            self._shared.retry_count,
            self._crash_count,
            time.monotonic() - began,
        )

    def _run_until_crash(self, count: int) -> int:
        """Let the threads work for so many operations at most, then crash; answers how many there were."""
        shared, plan = self._shared, self._plan
        count = min(count, plan.operations_between_crashes)
        shared.operation_count = 0
        shared.is_over.clear()
        main = open_on(self._disk)
        database = main._session.database
        actors = []
        for _ in range(plan.thread_count):
            session = Session(database, autocommit=True, read_only=False)
            chance = random.Random(self._chance.random())
            actors.append(Actor(Connection(session), shared, chance))
        for each in actors:
            each.thread.start()
        next_checkpoint = plan.operations_between_checkpoints
        while shared.operation_count < count and not shared.is_over.is_set():
            time.sleep(_POLL_S)
            if shared.operation_count >= next_checkpoint:
                # On a busy machine the writers may not be held in time: then there is one less.
                with suppress(lungfish.errors.LockNotAvailable):
                    main.execute("CHECKPOINT")
                next_checkpoint = shared.operation_count + plan.operations_between_checkpoints
        self._crash(main, actors)
        return shared.operation_count

    def _crash(self, main: Connection, actors: list[Actor]) -> None:
        shared = self._shared
        # In this order: whatever was acknowledged by now lies before the cut.
        acknowledged = len(shared.acknowledged)
        cut = self._disk.operation_count
        shared.is_over.set()
        main._session.database.crash()
        for each in actors:
            each.stop()
            each._connection.close()
        main.close()
        if shared.failures:
            raise shared.failures[0]
        persistence = self._chance.choice(list(Persistence))
        self._disk = self._disk.crash_state(cut, persistence, self._chance.randrange(1_000))
        self._crash_count += 1
        surely = shared.acknowledged[:acknowledged]
        known = {each.number for each in surely}
        for each in shared.in_doubt:
            if each.number not in known:
                each.is_acknowledged = False
                self._in_doubt.append(each)
        self._committed += surely
        shared.acknowledged.clear()
        shared.in_doubt.clear()

    def _history(self) -> History:
        main = open_on(self._disk)
        rows = main.execute("SELECT k, v FROM lists").fetchall()
        registers = main.execute("SELECT k, v FROM registers").fetchall()
        main.close()
        lists = {key: numbers_in(text) for key, text in rows}
        return History([*self._committed, *self._in_doubt], lists, dict(registers))


@contextmanager
def _quick_switches() -> Iterator[None]:
    """Let threads change over often, so that statements meet each other in their midst."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
