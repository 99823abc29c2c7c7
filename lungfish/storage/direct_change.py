"""Changing a row in one step where nobody is in the way: what most updates and deletes of short transactions are.

The general way (table_lock.py, then table.py) locks a row, looks at its newest version, and changes it in a third step. Here one
passage of the fence and of the heap's latch does all of it, provided that

    the newest version is live, in memory, has no overflowed values, and is seen by the snapshot, so it is the one that was read;
    nobody else holds, or waits for, an explicit lock on the row;
    an update changes no field that an index uses: the executor, which knows what it assigns, looks after that.

Otherwise nothing is done, and the caller goes the general way.

Invariants:
1. Once the row is written its header is the lock (locks.py): there is no entry in the lock table. Whoever wants the row takes an
   explicit lock first and looks at the row under the latch after that; a writer here looks for explicit locks under the same latch before it
   writes. So of the two the later one sees the other.
2. The steps are those of table_rows.py, in that order: the undo entry comes first, so the caller can put right what an exception
   has cut off.
"""

from __future__ import annotations

from lungfish.storage.heap import Heap
from lungfish.storage.ids import SLOT_MASK, TransactionId, TupleId
from lungfish.storage.lock_modes import LockMode, row_tag
from lungfish.storage.relation_pages import Frame
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, HAS_TAIL, writer_of
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import IsolationLevel, Transaction

# Any of these locks that the transaction itself has taken is enough.
_ENOUGH_FOR_UPDATE = 1 << LockMode.FOR_NO_KEY_UPDATE | 1 << LockMode.FOR_UPDATE
_ENOUGH_FOR_DELETE = 1 << LockMode.FOR_UPDATE


def change_directly(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    packed: bytes | None,
) -> bool:
    """Replace a row, or delete it (`packed` None). False if it needs the general way; then nothing has changed.

    Hot: every update and delete by key of bench/. Requires: the transaction has an id. Raises PageMiss before any change.
    """
    heap = rows.heap
    writer = transaction.id
    with rows.fence, rows.latch:
        frame = heap.frame_of(address)
        if frame is None:
            return False
        slot = address & SLOT_MASK
        before = _own_to_change(heap, frame, slot, writer, snapshot)
        if before is None or _is_locked(rows, transaction, address, is_delete=packed is None):
            return False
        lsn = rows.log.end_lsn()
        stored = packed
        if packed is not None and len(packed) > len(before):
            # What is no longer than the row before fits in its place.
            stored = heap.store(packed, address, lsn)
        transaction.undo.append((rows, address, before))
        rows.chains.push(address, before)
        if stored is None:
            heap.mark_deleted(address, writer, lsn)
        else:
            heap.place_on(frame, slot, stored, lsn)
        rows.log.append_row(writer, rows.relation_id, address, before, packed)
        return True


def _own_to_change(
    heap: Heap, frame: Frame, slot: int, own_id: TransactionId, snapshot: Snapshot
) -> bytes | None:
    """The row as it lies there, if it may be changed as far as its header tells."""
    data = frame.data
    offset = heap.format.row_at(data, slot)
    if not offset:
        return None
    flags = data[offset + FLAGS_OFFSET]
    if flags & (DELETED | HAS_OVERFLOW):
        return None
    writer = writer_of(data, offset)
    # What the snapshot sees has committed, or is the transaction's own.
    if writer >= snapshot.xmin and writer != own_id and not snapshot.is_visible(writer):
        return None
    if flags & HAS_TAIL:
        return heap.format.extract(data, slot)
    return bytes(data[offset : offset + heap.layout.stride])


def _is_locked(
    rows: TableRows, transaction: Transaction, address: TupleId, *, is_delete: bool
) -> bool:
    """Whether somebody else has, or wants, an explicit lock on the row."""
    locks = rows.transactions.locks
    if not locks.row_lock_count:
        return False
    tag = row_tag(rows.relation_id, address)
    if not locks.has_row_lock(tag):
        return False
    enough = _ENOUGH_FOR_DELETE if is_delete else _ENOUGH_FOR_UPDATE
    return not transaction.lock_owner.held.get(tag, 0) & enough


def may_change_directly(transaction: Transaction) -> bool:
    """Whether the transaction's changes need nothing more than this: a serializable one's are watched."""
    return transaction.isolation is not IsolationLevel.SERIALIZABLE
