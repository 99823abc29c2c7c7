"""What a script runs against: the seam between its interpreter and a database, with its sessions and its ways to end.

    LocalEngine        in this process, on a simulated disk or on files (`local_engine.py`)
    IsolatedEngine     in a child process that is killed for a crash (`isolated_engine.py`)
    PostgresEngine     a real PostgreSQL, the oracle (`postgres_engine.py`)

A statement is started in a session and looked after by `wait`, which returns once it is done, waits for a lock, or the machine has
stopped: a script never sleeps to find out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lungfish.sql.ast.directives import CrashOptions, Fault

Row = tuple[str | None, ...]


class EngineCrashed(Exception):
    """The machine has stopped at a failpoint; open the database again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a statement: rows as PostgreSQL's text output, or an error."""

    tag: str = ""
    row_count: int = -1
    # None: a statement that gives no rows.
    columns: tuple[str, ...] | None = None
    rows: tuple[Row, ...] = ()
    sqlstate: str | None = None
    message: str = ""
    # Line, caret, detail and hint, as a shell shows them below the message.
    more: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waited:
    """How far a statement has got: running, done, blocked or crashed."""

    state: str
    # Whom it waits for, by the script's names.
    blockers: tuple[str, ...] = ()


class Engine(Protocol):
    """A database for a script. One thread drives it."""

    # What scripts may require: lungfish, restart, crash, fault, ...
    features: frozenset[str]

    def open(self) -> None:
        """Open the database. Raises what recovery raises; EngineCrashed."""

    def start(self, session: str, sql: str, data: str | None) -> None:
        """Begin a statement in a session, which is connected if it is not. `data`: for COPY FROM STDIN."""

    def wait(self, session: str) -> Waited:
        """Return once the statement is done, or waits for a lock, or the machine has stopped."""

    def take(self, session: str) -> Outcome:
        """What became of the statement that is done."""

    def cancel(self, session: str) -> None:
        """Stop the statement that is running."""

    def shut(self, *, is_crash: bool, options: CrashOptions) -> None:
        """End the database with all sessions, cleanly or not. Raises EngineCrashed."""

    def arm_crash(self, point: str, hit: int, options: CrashOptions) -> None:
        """Stop the machine at a failpoint. Raises UndefinedObject."""

    def plant(self, fault: Fault) -> None:
        """Let something go wrong at a failpoint. Raises UndefinedObject."""

    def disarm(self) -> None:
        """Forget what was armed and planted, and go on with a sound disk."""

    def hits(self) -> Mapping[str, int]:
        """How often each failpoint was passed so far."""

    def own_state(self) -> str:
        """What sessions have that would end with them, in words; "" if a restart would change nothing for them."""

    def save(self) -> object:
        """Keep the database as it is now. Requires: it is shut."""

    def revert(self, saved: object) -> None:
        """Put back what was kept, any number of times. Requires: the database is shut."""

    def close(self) -> None:
        """Let go of everything, whatever state it is in."""
