"""Locking one row for a change, and what the one who waited for it finds.

First writer wins: a row written by a running transaction is locked by that alone, its writer's id in the row being the lock
(direct_change.py). Explicit locks (FOR UPDATE and weaker; also those that an UPDATE or DELETE takes when it cannot change the row at
once) stand in the lock manager. A contender takes its lock there first, which queues fairly, then waits for the writer.

So a transaction may find that another one has an explicit lock on a row that it has itself written, and waits for it. It does not queue
behind that one, which would be a deadlock: the row is its own. Only who holds FOR KEY SHARE may have got it rightly meanwhile, as the
writer had changed no key: for a change of the key that one is waited for.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from lungfish import errors
from lungfish.storage.ids import TransactionId, TupleId
from lungfish.storage.lock_modes import LockMode, row_tag
from lungfish.storage.relation_pages import PageMiss
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, Values, writer_of
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

    Raises SerializationFailure above READ COMMITTED if the snapshot does not see the newest version, and at every level if that has gone to
    another partition, where nobody looks for it; LockNotAvailable, DeadlockDetected, QueryCanceled.
    """
    if not _acquire(rows, transaction, address, wait, mode):
        return _SKIPPED
    while True:
        try:
            found = _newest(rows, transaction, snapshot, address, mode)
        except PageMiss as miss:
            miss.load()
            continue
        if not isinstance(found, int):
            if found is None:
                return _GONE
            has_moved = found.is_deleted and address in rows.moved_out
            is_shared = mode in (LockMode.FOR_SHARE, LockMode.FOR_KEY_SHARE)
            return _outcome(
                rows, transaction, snapshot, found, has_moved=has_moved, is_shared=is_shared
            )
        if wait is LockWait.SKIP_LOCKED:
            return _SKIPPED
        if wait is LockWait.NOWAIT:
            raise _not_available(rows)
        rows.transactions.wait_for_end(transaction, found)


def _acquire(
    rows: TableRows, transaction: Transaction, address: TupleId, wait: LockWait, mode: LockMode
) -> bool:
    """Take the explicit lock. False if another has it and the caller does not wait."""
    locks = rows.transactions.locks
    tag = row_tag(rows.relation_id, address)
    if locks.try_acquire(transaction.lock_owner, tag, mode):
        return True
    if _is_own(rows, transaction, address) and not (
        mode is LockMode.FOR_UPDATE and locks.has_key_share(transaction.lock_owner, tag)
    ):
        return True
    if wait is LockWait.SKIP_LOCKED:
        return False
    if wait is LockWait.NOWAIT:
        raise _not_available(rows)
    locks.acquire(transaction.lock_owner, tag, mode)
    return True


def _is_own(rows: TableRows, transaction: Transaction, address: TupleId) -> bool:
    """Whether the transaction has written the row's newest version."""
    if not transaction.id:
        return False
    while True:
        try:
            with rows.latch:
                found = rows.heap.row_at(address)
                return found is not None and writer_of(*found) == transaction.id
        except PageMiss as miss:
            miss.load()


def _not_available(rows: TableRows) -> errors.LockNotAvailable:
    return errors.LockNotAvailable(f'could not obtain lock on row in relation "{rows.name}"')


class _Newest(NamedTuple):
    """The newest version of a row, by this transaction or a committed one."""

    writer: TransactionId
    is_deleted: bool
    # The stored row in place of its values if it has overflowed ones: they are read outside the latch.
    row: Values | bytes


def _newest(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    mode: LockMode,
) -> _Newest | TransactionId | None:
    """The newest version, or the running transaction that wrote it, or None if there is no row. Raises PageMiss.

    FOR KEY SHARE of a snapshot that holds for the whole transaction is content with the version that it sees, while the keys are the same.

    Whether the writer is running is asked under the latch, without which no rollback puts the row back: so a writer found here that is
    not running has committed.
    """
    with rows.latch:
        found = rows.heap.row_at(address)
        if found is None:
            return None
        data, offset = found
        writer = writer_of(data, offset)
        if writer != transaction.id and rows.transactions.is_running(writer):
            if mode is not LockMode.FOR_KEY_SHARE:
                return writer
            version = _version_with_same_keys(rows, address, writer)
            return writer if version is None else _Newest(writer_of(version), False, version)
        holds = not transaction.sees_each_commit and not snapshot.is_visible(writer)
        if holds and mode is LockMode.FOR_KEY_SHARE:
            version = _version_with_same_keys(rows, address, writer, snapshot)
            if version is not None:
                return _Newest(writer_of(version), False, version)
        flags = data[offset + FLAGS_OFFSET]
        if flags & DELETED:
            return _Newest(writer, True, ())
        if flags & HAS_OVERFLOW:
            stored = rows.heap.stored(address)
            assert stored is not None
            return _Newest(writer, False, stored)
        return _Newest(writer, False, rows.layout.unpack(data, offset))


def _version_with_same_keys(
    rows: TableRows,
    address: TupleId,
    writer: TransactionId,
    snapshot: Snapshot | None = None,
) -> bytes | None:
    """The version before the running writer's, or the newest one that a snapshot sees, if nobody since has deleted the row or changed a unique key:
    it can be referred to.

    Under the latch; raises PageMiss.
    """
    stored = rows.heap.stored(address)
    if stored is None or stored[FLAGS_OFFSET] & DELETED:
        return None
    for version in reversed(rows.chains.of(address)):
        if not rows.have_same_keys(version, stored, rows.unique_positions):
            return None
        before = writer_of(version)
        if before != writer if snapshot is None else snapshot.is_visible(before):
            return version
    # The writer has inserted it.
    return None


def _outcome(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    newest: _Newest,
    *,
    has_moved: bool,
    is_shared: bool,
) -> LockedRow:
    writer, is_deleted, row = newest
    is_seen = snapshot.is_visible(writer)
    if not is_seen and not transaction.sees_each_commit:
        # Who only locks is told of an update, as in PostgreSQL; FOR UPDATE is also what a DELETE takes.
        what = "delete" if is_deleted and not (has_moved or is_shared) else "update"
        raise errors.SerializationFailure(f"could not serialize access due to concurrent {what}")
    if has_moved and not is_seen:
        raise errors.SerializationFailure(
            "tuple to be locked was already moved to another partition due to concurrent update"
        )
    if is_deleted:
        return _GONE
    status = LockStatus.SAME if is_seen else LockStatus.CHANGED
    return LockedRow(status, rows.heap.values(row) if isinstance(row, bytes) else row)
