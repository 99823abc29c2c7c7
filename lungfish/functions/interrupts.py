"""Asking, from inside of a function, whether the statement is to stop.

Operators look at their statement's cancellation once a batch. A function may compute for long over a single value (a regular
expression over a long text), and knows nothing of statements. So a session says, by thread, whose statement runs; a function that may
take long calls `check_interrupts` every millisecond or so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Interruptible(Protocol):
    """A statement that may be asked to stop."""

    def check(self) -> None:
        """Raise QueryCanceled (57014) if it was."""

    def compute(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """What the call answers, unless it is asked to stop before: then QueryCanceled is raised. Requires: the call computes, and nothing else."""


class _Running(threading.local):
    """The statement that the thread runs; where none has been run yet, None."""

    statement: Interruptible | None = None


RUNNING = _Running()


def check_interrupts() -> None:
    """Raise QueryCanceled (57014) if this thread's statement was asked to stop."""
    statement = RUNNING.statement
    if statement is not None:
        statement.check()


def compute(call: Callable[..., Result], *arguments: Any) -> Result:
    """What the call answers; if this thread's statement is asked to stop meanwhile, QueryCanceled is raised at once.

    Requires: the call computes, and nothing else (`executor/cancellation.py`, invariant 1).
    """
    statement = RUNNING.statement
    return call(*arguments) if statement is None else statement.compute(call, *arguments)
