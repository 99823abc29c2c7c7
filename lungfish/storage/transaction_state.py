"""The states and levels of a transaction, its savepoints, and its row in the system views."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from lungfish.errors import InvalidSavepointSpecification, StatementCompletionUnknown
from lungfish.storage.ids import TransactionId


class IsolationLevel(enum.Enum):
    """PostgreSQL's levels; the value is their SQL name. READ UNCOMMITTED behaves as READ COMMITTED."""

    READ_UNCOMMITTED = "read uncommitted"
    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


class TransactionState(enum.Enum):
    """See the drawing in `transactions.py`."""

    RUNNING = "running"
    COMMITTING = "committing"
    COMMITTED = "committed"
    ABORTED = "aborted"


# Bound once: looking a member of an enumeration up takes longer than most else that a commit does in Python.
RUNNING = TransactionState.RUNNING
COMMITTING = TransactionState.COMMITTING
COMMITTED = TransactionState.COMMITTED
ABORTED = TransactionState.ABORTED


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A point to roll back to: how long the transaction's lists were."""

    name: str
    undo_count: int
    lock_count: int
    on_publish_count: int
    on_commit_count: int
    on_rollback_count: int


def find_savepoint(savepoints: Sequence[Savepoint], name: str) -> int:
    """The index of the newest savepoint of that name. Raises InvalidSavepointSpecification."""
    for index in range(len(savepoints) - 1, -1, -1):
        if savepoints[index].name == name:
            return index
    raise InvalidSavepointSpecification(f'savepoint "{name}" does not exist')


def unknown_end(reason: str, detail: str) -> StatementCompletionUnknown:
    """The error of a commit whose record is logged, and maybe on the disk."""
    return StatementCompletionUnknown(
        f"whether the transaction has committed is unknown: {reason}",
        detail=detail,
        hint="Open the database again to find out.",
    )


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """A transaction as the system views show it."""

    # 0 while it has written nothing.
    xid: TransactionId
    # The oldest transaction that its snapshot may not see; 0 without a snapshot.
    xmin: TransactionId
    isolation: IsolationLevel
    state: TransactionState
    is_read_only: bool
    # Microseconds since 1970, UTC.
    begun_at: int
    undo_count: int
    # As in `LockFact` and in messages about deadlocks; None if it never took a lock.
    owner_number: int | None
