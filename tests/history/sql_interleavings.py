"""Small transactions in SQL, one statement at a time in every order, judged by what the same transactions do one after the other.

One thread takes all the steps, so a statement that would wait is a failure of its transaction, which is rolled back: `lock_timeout` is as short
as it can be. The transactions that commit must have answered, and left, what some serial order of them answers and leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import lungfish
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

    def start(self) -> None:
        """Begin anew."""
        for sql in self.reset:
            self.sessions[0].run(sql)

    def left(self) -> tuple[Rows, ...]:
        """What is there now."""
        return tuple(self.sessions[0].run(sql) for sql in self.look)

    def outcomes(self, programs: Sequence[Program]) -> Iterator[Outcome]:
        """What comes of every order of the programs' steps."""

        return every(partial(self.outcome, programs))

    def outcome(self, programs: Sequence[Program], choose: Choose[int]) -> Outcome:
        """What comes of one order."""
        self.start()
        return _Run(self, programs, range(len(programs))).go(choose)

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


class _Run:
    """One run of some of the programs."""

    def __init__(
        self, bench: Bench, programs: Sequence[Program], taking_part: Sequence[int]
    ) -> None:
        self._bench = bench
        self._programs = programs
        self._steps = {number: [*programs[number].statements, "COMMIT"] for number in taking_part}
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


class LungfishSession:
    """A session of ours."""

    def __init__(self, connection: lungfish.Connection) -> None:
        self._connection = connection
        connection.execute("SET lock_timeout = '1ms'")

    def run(self, sql: str) -> Rows:
        try:
            cursor = self._connection.execute(sql)
        except lungfish.Error as error:
            raise Refused(error.sqlstate) from error
        if cursor.description is None:
            return ()
        return tuple(sorted((tuple(row) for row in cursor.fetch_text()), key=repr))
