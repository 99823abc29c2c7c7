"""Small transactions in SQL, one statement at a time in every order, judged by what the same transactions do one after the other.

One thread takes all the steps, so a statement that would wait is a failure of its transaction, which is rolled back: `lock_timeout` is as short
as it can be. The transactions that commit must have answered, and left, what some serial order of them answers and leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.history.interleavings import Choose, every

Rows = tuple[tuple[Any, ...], ...]
# Of each statement of a transaction, in its order.
Answers = tuple[Rows, ...]


class Refused(Exception):
    """A statement failed, with this SQLSTATE."""


class Session(Protocol):
    """A session of some database."""

    def run(self, sql: str) -> Rows:
        """The rows, sorted. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Program:
    """A transaction: what comes behind BEGIN, and its statements."""

    statements: tuple[str, ...]
    modes: str = "ISOLATION LEVEL SERIALIZABLE"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some programs in one order of their steps."""

    # The number of each step's program.
    order: tuple[int, ...]
    # Of each program that has committed.
    answers: dict[int, Answers]
    # SQLSTATEs of those that have not.
    failures: dict[int, str]
    left: tuple[Rows, ...]


@dataclass(slots=True)
class Bench:
    """Sessions of one database, and how it begins anew."""

    sessions: Sequence[Session]
    # Statements that bring every table to its first state.
    reset: Sequence[str]
    # Queries that show it.
    look: Sequence[str]
    # Run by each session before its transaction begins: a statement that it is to find ready.
    ready: Sequence[str] = field(default=())

    def start(self) -> None:
        for sql in self.reset:
            self.sessions[0].run(sql)
        for session in self.sessions:
            for sql in self.ready:
                session.run(sql)

    def left(self) -> tuple[Rows, ...]:
        return tuple(self.sessions[0].run(sql) for sql in self.look)

    def outcomes(self, programs: Sequence[Program]) -> Iterator[Outcome]:
        """What comes of every order of the programs' steps."""

        def run(choose: Choose[int]) -> Outcome:
            self.start()
            return _Run(self, programs).go(choose)

        return every(run)

    def wrong(self, outcomes: Iterator[Outcome], programs: Sequence[Program]) -> Iterator[Outcome]:
        """Those that no serial order explains."""
        found: dict[tuple[int, ...], tuple[dict[int, Answers], tuple[Rows, ...]]] = {}

        def serially(order: tuple[int, ...]) -> tuple[dict[int, Answers], tuple[Rows, ...]]:
            if order not in found:
                self.start()
                serial = _Run(self, programs, order).go(lambda waiting: waiting[0])
                found[order] = serial.answers, serial.left
            return found[order]

        for outcome in outcomes:
            if not any(
                serially(order) == (outcome.answers, outcome.left)
                for order in itertools.permutations(outcome.answers)
            ):
                yield outcome


def _steps(program: Program) -> list[str]:
    return [*program.statements, "COMMIT"]


class _Run:
    def __init__(
        self, bench: Bench, programs: Sequence[Program], taking_part: Sequence[int] | None = None
    ) -> None:
        self._bench = bench
        self._programs = programs
        numbers = range(len(programs)) if taking_part is None else taking_part
        self._steps = {number: _steps(programs[number]) for number in numbers}
        self._answers: dict[int, list[Rows]] = {}
        self._failures: dict[int, str] = {}

    def go(self, choose: Choose[int]) -> Outcome:
        order = []
        while waiting := [number for number, steps in self._steps.items() if steps]:
            number = choose(waiting)
            order.append(number)
            self._step(number)
        answers = {
            number: tuple(rows)
            for number, rows in self._answers.items()
            if number not in self._failures
        }
        return Outcome(tuple(order), answers, self._failures, self._bench.left())

    def _step(self, number: int) -> None:
        session, steps = self._bench.sessions[number], self._steps[number]
        if number not in self._answers:
            self._answers[number] = []
            session.run(f"BEGIN {self._programs[number].modes}")
        try:
            self._answers[number].append(session.run(steps.pop(0)))
        except Refused as error:
            self._failures[number] = str(error)
            steps.clear()
            session.run("ROLLBACK")


def lungfish_session(connection: Any) -> Session:
    """A session of ours."""
    return _Lungfish(connection)


class _Lungfish:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.execute("SET lock_timeout = '1ms'")

    def run(self, sql: str) -> Rows:
        import lungfish

        try:
            cursor = self._connection.execute(sql)
            return tuple(sorted(cursor.fetchall(), key=repr)) if cursor.description else ()
        except lungfish.Error as error:
            raise Refused(error.sqlstate) from error
