"""Changing a row in one step where nobody is in the way: what most updates and deletes of short transactions are.

The general way (table_lock.py, then table.py) locks a row, looks at its newest version, and changes it in a third step. Here one
passage of the fence and of the heap's latch does all of it, provided that

    the newest version is live, in memory, has no overflowed values, and is seen by the snapshot, so it is the one that was read;
    nobody else holds, or waits for, an explicit lock on the row.

Otherwise nothing is done, and the caller goes the general way.

Invariants:
1. Once the row is written its header is the lock (locks.py): there is no entry in the lock table. Whoever wants the row takes an
   explicit lock first and looks at the row under the latch after that; a writer here looks for explicit locks under the same latch before it
   writes. So of the two the later one sees the other.
2. The steps are those of table_rows.py, in that order: the undo entry comes first, so the caller can put right what an exception
   has cut off.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.storage.heap import Heap
from lungfish.storage.ids import SLOT_MASK, TransactionId, TupleId
from lungfish.storage.lock_modes import LockMode, row_tag
from lungfish.storage.relation_pages import Frame
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, HAS_TAIL, writer_of
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_index import IndexKey
from lungfish.storage.table_rows import Suspects, TableRows
from lungfish.storage.transactions import Transaction

# Any of these locks that the transaction itself has taken is enough.
_ENOUGH_FOR_UPDATE = 1 << LockMode.FOR_NO_KEY_UPDATE | 1 << LockMode.FOR_UPDATE
_ENOUGH_FOR_KEY = 1 << LockMode.FOR_UPDATE


def change_directly(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    packed: bytes | None,
) -> bool:
    """Replace a row without a change of its keys, or delete it (`packed` None). False: nothing has changed.

    Hot: every update and delete by key of bench/. Requires: the transaction has an id. Raises PageMiss before any change.
    """
    if rows.native is not None and rows.native.change_directly(
        transaction, snapshot, address, packed
    ):
        return True
    enough = _ENOUGH_FOR_UPDATE if packed is not None else _ENOUGH_FOR_KEY
    with rows.fence, rows.latch:
        return _change(rows, transaction, snapshot, address, packed, enough)


def change_with_keys(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    packed: bytes,
    keys: Sequence[IndexKey | None],
) -> Suspects | None:
    """Replace a row that gets other keys, and add their entries. None: nothing has changed; else see `TableRows.add_entries`.

    `keys`: of each index the new key, None where it stays or the row leaves the index. Raises PageMiss before any change.
    """
    with rows.fence, rows.key_gate:
        with rows.latch:
            if not _change(rows, transaction, snapshot, address, packed, _ENOUGH_FOR_KEY):
                return None
            # Still before the first entry: nobody finds it without having read this.
            rows.note_key_change(address)
        return rows.add_entries(keys, address, rows.log.end_lsn())


def _change(
    rows: TableRows,
    transaction: Transaction,
    snapshot: Snapshot,
    address: TupleId,
    packed: bytes | None,
    enough: int,
) -> bool:
    """Inside the fence and the latch. `enough`: a mask of the row locks that suffice if the transaction has one."""
    heap = rows.heap
    writer = transaction.id
    frame = heap.frame_of(address)
    if frame is None:
        return False
    slot = address & SLOT_MASK
    before = _own_to_change(heap, frame, slot, writer, snapshot)
    if before is None or _is_locked(rows, transaction, address, enough):
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


def _is_locked(rows: TableRows, transaction: Transaction, address: TupleId, enough: int) -> bool:
    """Whether somebody else has, or wants, an explicit lock on the row."""
    locks = rows.transactions.locks
    if not locks.row_lock_count:
        return False
    tag = row_tag(rows.relation_id, address)
    return locks.has_row_lock(tag) and not transaction.lock_owner.held.get(tag, 0) & enough
