"""Asking, from inside of a function, whether the statement is to stop.

Operators look at their statement's cancellation once a batch. A function may compute for long over a single value (a regular
expression over a long text), and knows nothing of statements. So a session says, by thread, whose statement runs; a function that may
take long calls `check_interrupts` every millisecond or so.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Interruptible(Protocol):
    """A statement that may be asked to stop."""

    def check(self) -> None:
        """Raise QueryCanceled (57014) if it was."""


class _Running(threading.local):
    """The statement that the thread runs; where none has been run yet, None."""

    statement: Interruptible | None = None


RUNNING = _Running()


def check_interrupts() -> None:
    """Raise QueryCanceled (57014) if this thread's statement was asked to stop."""
    statement = RUNNING.statement
    if statement is not None:
        statement.check()
