"""Runs one schedule of an isolation spec: a thread for each session, and the report as PostgreSQL's tester writes it.

A step that waits for a lock is reported as waiting, and the next one begins. Whether it waits is no matter of time here: the lock
manager says so.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import lungfish
from tests.isolation.spec import Blocker, Place, Spec

# How long a step may run without waiting for a lock, in seconds.
_STEP_TIMEOUT_S = 5.0
_LOOK_AGAIN_S = 0.0005
_NUMBER = re.compile(r"[-+]?[0-9.eE+-]*[0-9]")


@dataclass(slots=True)
class _Step:
    """A step on its way."""

    place: Place
    sql: str
    report: list[str] = field(default_factory=list)
    is_done: threading.Event = field(default_factory=threading.Event)
    has_waited_once: bool = False
    # How many notices the sessions of its blockers must have sent before it counts as done.
    notice_targets: dict[Blocker, int] = field(default_factory=dict)


class _Worker:
    """A session with its thread."""

    def __init__(self, name: str, database: lungfish.Database) -> None:
        self.name = name
        self.connection = database.connect(autocommit=True)
        self.connection.execute("SET lock_timeout = 0")
        self.connection.execute("SELECT set_config('application_name', ?, false)", (name,))
        self.current: _Step | None = None
        self._notices: list[str] = []
        self.notice_count = 0
        self.connection.on_notice(self._take_notice)
        self._work: queue.SimpleQueue[_Step | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _take_notice(self, severity: str, text: str) -> None:
        self._notices.append(f"{self.name}: {severity}:  {text}")
        self.notice_count += 1

    def start(self, step: _Step) -> None:
        self.current = step
        self._work.put(step)

    def is_blocked(self) -> bool:
        """Whether it waits for a lock."""
        owner = self.connection._session._lock_owner
        return owner.request is not None and not owner.request.is_granted

    def finish(self) -> None:
        """Let the thread end."""
        self._work.put(None)
        self._thread.join(_STEP_TIMEOUT_S)
        self.connection.close()

    def _run(self) -> None:
        while (step := self._work.get()) is not None:
            step.report += execute(self.connection, step.sql, self._notices)
            step.is_done.set()


def execute(connection: lungfish.Connection, sql: str, notices: list[str]) -> list[str]:
    """Run the text and report results, notices and the error that ended it."""
    report: list[str] = []
    notices.clear()
    try:
        cursor = connection.execute(sql)
    except lungfish.Error as error:
        return [*notices, f"ERROR:  {error.message}"]
    report += notices
    for _ in cursor.results():
        if cursor.description is not None:
            names = [column.name for column in cursor.description]
            report += table(names, [list(row) for row in cursor.fetch_text()])
    return report


def table(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[str]:
    """A result in the tester's layout; numbers stand at the right."""
    texts = [["" if value is None else value for value in row] for row in rows]
    widths = [
        max([len(name), *(len(row[index]) for row in texts)]) for index, name in enumerate(names)
    ]
    are_numbers = [
        all(_NUMBER.fullmatch(row[index]) for row in texts if row[index])
        and any(row[index] for row in texts)
        for index in range(len(names))
    ]

    def line(cells: Sequence[str]) -> str:
        return "|".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(cells, widths, are_numbers, strict=True)
        )

    count = "(1 row)" if len(rows) == 1 else f"({len(rows)} rows)"
    head = [line(names), "+".join("-" * width for width in widths)]
    return [*head, *map(line, texts), count, ""]


def run_schedule(spec: Spec, places: Sequence[Place]) -> list[str]:
    """The report of one schedule, line by line."""
    report = [f"starting permutation: {' '.join(place.step for place in places)}"]
    with lungfish.open(":memory:") as database:
        control = _Worker("control", database)
        workers = [_Worker(session.name, database) for session in spec.sessions]
        try:
            for sql in spec.setups:
                report += execute(control.connection, sql, [])
            for session, worker in zip(spec.sessions, workers, strict=True):
                if session.setup is not None:
                    report += execute(worker.connection, session.setup, worker._notices)
            _Schedule(spec, workers, report).run(places)
            report += _tear_down(spec, workers, control)
        finally:
            for worker in [*workers, control]:
                worker.connection.cancel()
                worker.finish()
    return report


def _tear_down(spec: Spec, workers: Sequence[_Worker], control: _Worker) -> list[str]:
    """Run the teardown of each session, then the spec's own; errors of these go unreported, as in PostgreSQL's tester."""
    report: list[str] = []
    texts = [
        *(
            (worker, session.teardown)
            for session, worker in zip(spec.sessions, workers, strict=True)
        ),
        (control, spec.teardown),
    ]
    for worker, sql in texts:
        if sql is not None:
            lines = execute(worker.connection, sql, worker._notices)
            report += [line for line in lines if not line.startswith("ERROR:")]
    return report


class _Schedule:
    """The steps of one schedule, as `run_permutation` of PostgreSQL's tester runs them."""

    def __init__(self, spec: Spec, workers: Sequence[_Worker], report: list[str]) -> None:
        self._steps = spec.steps
        self._workers = workers
        self._report = report
        self._waiting: list[tuple[_Worker, _Step]] = []

    def run(self, places: Sequence[Place]) -> None:
        for place in places:
            number, sql = self._steps[place.step]
            worker = self._workers[number]
            while any(each is worker for each, _ in self._waiting):
                self._retry(must_end=worker)
            step = _Step(place, sql)
            for blocker in place.blockers:
                if blocker.step is not None and blocker.notice_count:
                    owner = self._workers[self._steps[blocker.step][0]]
                    step.notice_targets[blocker] = owner.notice_count + blocker.notice_count
            worker.start(step)
            must_wait = self._try_complete(worker, step, is_retry=False)
            if self._waiting:
                self._retry()
            if must_wait:
                self._waiting.append((worker, step))
        patience = int(_STEP_TIMEOUT_S / _LOOK_AGAIN_S)
        while self._waiting and patience:
            self._retry()
            patience -= 1
        if self._waiting:
            self._report.append("some steps wait for ever")

    def _retry(self, must_end: _Worker | None = None) -> None:
        """Look at all that wait, again as long as one has ended."""
        has_ended = True
        while has_ended:
            has_ended = False
            for worker, step in list(self._waiting):
                if not self._try_complete(worker, step, is_retry=True, must_end=worker is must_end):
                    self._waiting.remove((worker, step))
                    has_ended = True

    def _try_complete(
        self, worker: _Worker, step: _Step, *, is_retry: bool, must_end: bool = False
    ) -> bool:
        """Report the step if it is done; True if it has to wait."""
        spent_s = 0.0
        while not step.is_done.wait(_LOOK_AGAIN_S):
            spent_s += _LOOK_AGAIN_S
            if worker.is_blocked() and not must_end:
                return self._wait(step, is_retry=is_retry)
            if spent_s > _STEP_TIMEOUT_S:
                worker.connection.cancel()
                step.is_done.wait()
        for blocker in step.place.blockers:
            if blocker.step is None:
                if not step.has_waited_once:
                    step.has_waited_once = True
                    return self._wait(step, is_retry=is_retry)
            elif blocker.notice_count:
                owner = self._workers[self._steps[blocker.step][0]]
                if owner.notice_count < step.notice_targets[blocker]:
                    return self._wait(step, is_retry=is_retry)
            elif any(each.place.step == blocker.step for _, each in self._waiting):
                return self._wait(step, is_retry=is_retry)
        text = "<... completed>" if is_retry else step.sql
        self._report.append(f"step {step.place.step}: {text}")
        self._report.extend(step.report)
        worker.current = None
        return False

    def _wait(self, step: _Step, *, is_retry: bool) -> bool:
        if not is_retry:
            self._report.append(f"step {step.place.step}: {step.sql} <waiting ...>")
        return True
