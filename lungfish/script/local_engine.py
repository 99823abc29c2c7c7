"""A script's database in this process: on a simulated disk, or (in the child of an `IsolatedEngine`) on files.

A failpoint that is to crash stops the medium, which raises SimulatedCrash through the statement that came there, or kills the process.
Checkpoints begin only where a script says so, and segments are small, so that a few statements meet every step of storage.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from lungfish import errors
from lungfish.connection import Connection
from lungfish.database import Database, DatabaseOptions, open_database
from lungfish.script.engine import EngineCrashed, Outcome, Waited
from lungfish.script.media import Medium
from lungfish.script.worker import LungfishSession, SessionWorker
from lungfish.session import Session
from lungfish.sql.ast.directives import CrashOptions, Fault
from lungfish.storage.clock import SystemClock
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.faulty_disk import FAULTS, FaultyDisk
from lungfish.storage.simulated_disk import SimulatedCrash

LOCAL_FEATURES = frozenset({"lungfish", "restart", "crash", "fault", "permute"})
_LOOK_AGAIN_S = 0.0005
# A statement that takes longer is stopped: scripts are short.
_STATEMENT_TIMEOUT = "60s"
_SEGMENT_SIZE = 64 * 1024
_HOUR_S = 3600
_SETTINGS = {"TimeZone": "UTC", "lock_timeout": "30s", "statement_timeout": _STATEMENT_TIMEOUT}


class JumpingClock(SystemClock):
    """The machine's clock, whose calendar can be put forward or back."""

    def __init__(self) -> None:
        self._jump_us = 0

    def utc_us(self) -> int:
        return super().utc_us() + self._jump_us

    def jump(self, seconds: float) -> None:
        """Let the calendar show another time; durations are as they are."""
        self._jump_us += round(seconds * 1_000_000)


class LocalEngine:
    """See `engine.Engine`."""

    features = LOCAL_FEATURES

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._failpoints = Failpoints()
        self._failpoints.watch()
        self._clock = JumpingClock()
        self._disk = FaultyDisk(medium.disk)
        self._database: Database | None = None
        self._workers: dict[str, SessionWorker] = {}

    def open(self) -> None:
        self._disk = FaultyDisk(self._medium.disk)
        options = DatabaseOptions(
            wal_segment_bytes=_SEGMENT_SIZE,
            checkpoint_wal_bytes=0,
            checkpoint_thread=False,
            disk=self._disk,
            clock=self._clock,
            random=random.Random(1),
            failpoints=self._failpoints,
        )
        try:
            self._database = open_database(
                self._medium.path, create=True, read_only=False, options=options
            )
        except SimulatedCrash:
            raise EngineCrashed from None
        # It stays open when the last session goes.
        self._database.join(self)

    # Statements

    def start(self, session: str, sql: str, data: str | None) -> None:
        worker = self._workers.get(session)
        if worker is None:
            worker = self._workers[session] = self._connect(session)
        worker.start(sql, data)

    def _connect(self, name: str) -> SessionWorker:
        assert self._database is not None, "the database is open"
        session = Session(self._database, autocommit=True, read_only=False)
        for setting, value in _SETTINGS.items():
            session.set_default(setting, value)
        return SessionWorker(name, LungfishSession(Connection(session)))

    def wait(self, session: str) -> Waited:
        worker = self._workers[session]
        while True:
            if worker.is_done.wait(_LOOK_AGAIN_S):
                break
            blockers = worker.blockers()
            if blockers:
                names = [
                    each.name for each in self._workers.values() if each.session.number in blockers
                ]
                return Waited("blocked", tuple(names))
        has_crashed = any(each.has_crashed for each in self._workers.values())
        return Waited("crashed" if has_crashed else "done")

    def take(self, session: str) -> Outcome:
        return self._workers[session].take()

    def cancel(self, session: str) -> None:
        self._workers[session].session.cancel()

    def own_state(self) -> str:
        states = [
            "a running statement" if each.is_running else each.session.own_state()
            for each in self._workers.values()
        ]
        return ", ".join(state for state in [*states, self._failed_state()] if state)

    def _failed_state(self) -> str:
        """What a restart would heal."""
        database = self._database
        if database is None:
            return "a crash"
        has_failed = database.core.log.failure is not None or database.core.store.slots.is_poisoned
        return "a failed disk" if has_failed else ""

    # Ends and beginnings

    def shut(self, *, is_crash: bool, options: CrashOptions) -> None:
        has_crashed = any(each.has_crashed for each in self._workers.values())
        self._end_sessions(is_crash=is_crash)
        database, self._database = self._database, None
        if database is None:
            # It crashed as it was opened.
            has_crashed = True
        elif is_crash:
            database.crash()
        else:
            try:
                database.close()
            except SimulatedCrash:
                self._database = database
                self._workers = {}
                raise EngineCrashed from None
        for worker in self._workers.values():
            worker.session.close()
        self._workers = {}
        if is_crash:
            self._medium.lose(options)
        assert is_crash or not has_crashed, "after a crash there is nothing to close"

    def _end_sessions(self, *, is_crash: bool) -> None:
        for worker in self._workers.values():
            worker.end()
        if not is_crash:
            for worker in self._workers.values():
                worker.session.close()

    def arm_crash(self, point: str, hit: int, options: CrashOptions) -> None:
        self._failpoints.arm(point, lambda name: self._medium.stop(options), hit=hit)

    def plant(self, fault: Fault) -> None:
        self._failpoints.arm(fault.point, lambda name: self._break(fault), hit=fault.hit)

    def _break(self, fault: Fault) -> None:
        if fault.kind in FAULTS:
            self._disk.plant(fault.kind, size=fault.amount or 0)
        elif fault.kind == "clock_jump":
            self._clock.jump(_HOUR_S if fault.amount is None else fault.amount)
        else:
            raise errors.OutOfMemory(f"out of memory at failpoint {fault.point}")

    def disarm(self) -> None:
        self._failpoints.disarm()
        self._disk.heal()

    def hits(self) -> Mapping[str, int]:
        return self._failpoints.hits()

    def save(self) -> object:
        return self._medium.save()

    def revert(self, saved: object) -> None:
        self._medium.revert(saved)

    def close(self) -> None:
        self._end_sessions(is_crash=True)
        if self._database is not None:
            self._database.crash()
            self._database = None
        for worker in self._workers.values():
            worker.session.close()
        self._workers = {}


def wait_a_moment() -> None:
    """Let other threads go on, where a script waits for one of them."""
    time.sleep(_LOOK_AGAIN_S)
