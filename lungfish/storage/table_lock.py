"""Locking one row for a change, and what the one who waited for it finds.

First writer wins: a row written by a running transaction is locked by that alone, its writer's id in the row being the lock. Explicit
locks (FOR UPDATE and weaker; also those that UPDATE and DELETE take before they compute the new row) stand in the lock manager. A
contender takes its lock there first, which queues fairly, then waits for the writer.
"""

from __future__ import annotations

import enum
from functools import partial
from typing import NamedTuple

from lungfish import errors
from lungfish.storage.ids import TransactionId, TupleId
from lungfish.storage.lock_modes import LockMode, row_tag
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, Values, writer_of
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import Transaction


class LockWait(enum.Enum):
    """What to do when another transaction has the row."""

    BLOCK = "block"
    # Raise LockNotAvailable.
    NOWAIT = "nowait"
    SKIP_LOCKED = "skip locked"


class LockStatus(enum.Enum):
    """What became of the row."""

    # The snapshot sees the newest version.
    SAME = "same"
    # Someone has committed a newer one (READ COMMITTED: check it against the condition again).
    CHANGED = "changed"
    # Someone has deleted it, or it never came to be.
    GONE = "gone"
    # Another transaction has it, and the caller did not want to wait.
    SKIPPED = "skipped"


class LockedRow(NamedTuple):
    """The outcome of locking a row: `values` are the newest ones, None unless the status is SAME or CHANGED."""

    status: LockStatus
    values: Values | None


_GONE = LockedRow(LockStatus.GONE, None)
_SKIPPED = LockedRow(LockStatus.SKIPPED, None)


def lock_row(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    *,
    wait: LockWait = LockWait.BLOCK,
    mode: LockMode = LockMode.FOR_UPDATE,
) -> LockedRow:
    """Lock a row until the transaction ends. Nobody else can change it from then on.

    Raises SerializationFailure above READ COMMITTED if the snapshot does not see the newest version, LockNotAvailable,
    DeadlockDetected, QueryCanceled.
    """
    if not _acquire(rows, transaction, address, wait, mode):
        return _SKIPPED
    while True:
        stored = run_with_pages(partial(_newest, rows, address))
        if stored is None:
            return _GONE
        writer = writer_of(stored)
        if writer == transaction.id or not rows.transactions.is_running(writer):
            break
        if mode is LockMode.FOR_KEY_SHARE:
            committed = run_with_pages(partial(_version_with_same_keys, rows, address, writer))
            if committed is not None:
                stored = committed
                break
        if wait is LockWait.SKIP_LOCKED:
            return _SKIPPED
        if wait is LockWait.NOWAIT:
            raise _not_available(rows)
        rows.transactions.wait_for_end(transaction, writer)
    return _outcome(rows, transaction, snapshot, stored)


def _acquire(
    rows: TableRows, transaction: Transaction, address: TupleId, wait: LockWait, mode: LockMode
) -> bool:
    """Take the explicit lock. False if another has it and the caller does not wait."""
    locks = rows.transactions.locks
    tag = row_tag(rows.relation_id, address)
    if locks.try_acquire(transaction.lock_owner, tag, mode):
        return True
    if wait is LockWait.SKIP_LOCKED:
        return False
    if wait is LockWait.NOWAIT:
        raise _not_available(rows)
    locks.acquire(transaction.lock_owner, tag, mode)
    return True


def _not_available(rows: TableRows) -> errors.LockNotAvailable:
    return errors.LockNotAvailable(f'could not obtain lock on row in relation "{rows.name}"')


def _newest(rows: TableRows, address: TupleId) -> bytes | None:
    with rows.latch:
        return rows.heap.stored(address)


def _version_with_same_keys(
    rows: TableRows, address: TupleId, writer: TransactionId
) -> bytes | None:
    """The version before the running writer's, if that has neither deleted the row nor changed a key: it can be referred to."""
    with rows.latch:
        stored = rows.heap.stored(address)
        if stored is None or stored[FLAGS_OFFSET] & DELETED:
            return None
        for version in reversed(rows.chains.of(address)):
            if not rows.have_same_keys(version, stored):
                return None
            if writer_of(version) != writer:
                return version
    # The writer has inserted it.
    return None


def _outcome(
    rows: TableRows, transaction: Transaction, snapshot: Snapshot, stored: bytes
) -> LockedRow:
    is_deleted = bool(stored[FLAGS_OFFSET] & DELETED)
    is_seen = snapshot.is_visible(writer_of(stored))
    if not is_seen and not transaction.sees_each_commit:
        what = "delete" if is_deleted else "update"
        raise errors.SerializationFailure(f"could not serialize access due to concurrent {what}")
    if is_deleted:
        return _GONE
    status = LockStatus.SAME if is_seen else LockStatus.CHANGED
    return LockedRow(status, rows.heap.values(stored))
