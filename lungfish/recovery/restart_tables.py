"""Undo, purge and redo of one table: from its image and the log to the rows of committed transactions and no others.

After `storage/table_restart.py`, in its order: put back what transactions that never committed had changed in the image, drop what
committed ones had left behind there, then bring the rows to where the last committed record past the mark has them.

Invariants:
1. Undo comes before redo, and reads the image's own retained rows only: whatever the log says came later.
2. Of a row's committed records only the last one is applied, so nothing is written twice.
3. Rows are redone page by page. What fits on a page depends on the order: a row that grew late, when its page was full, has its long
   value elsewhere. So everything that changes is taken off first, then the slots are made, then what fits is placed. What did not
   change, with the slots, fitted before and fits now.
4. A table of which every row comes from the log, or most, gets its indexes built at the end, in bulk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from lungfish.recovery.relation_state import COMMITTED, RelationState
from lungfish.recovery.wal_records import ROW_PREFIX, RecordType, decode_row_after, decode_rows
from lungfish.storage.heap import TAIL_SHARE, Heap
from lungfish.storage.heap_page import HEADER_SIZE
from lungfish.storage.ids import LSN, SLOT_BITS, SLOT_MASK, TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.table_restart import purge, put_back, retained_of
from lungfish.storage.table_rows import TableRows

# How many rows are changed before memory is looked after.
TRIM_INTERVAL = 256
_ROW = int(RecordType.ROW)

# What becomes of a row: the last record's LSN, and the packed row after it (None: there is no such row).
Changes = dict[TupleId, tuple[LSN, bytes | None]]
RowState = tuple[TupleId, LSN, bytes | None]


@dataclass(slots=True)
class ReplayCounts:
    """What was done, over all tables."""

    records_applied: int = 0
    records_skipped: int = 0
    rows_redone: int = 0
    rows_put_back: int = 0
    rows_purged: int = 0
    indexes_built: int = 0

    def add(self, other: ReplayCounts) -> None:
        """Sum up."""
        self.records_applied += other.records_applied
        self.records_skipped += other.records_skipped
        self.rows_redone += other.rows_redone
        self.rows_put_back += other.rows_put_back
        self.rows_purged += other.rows_purged
        self.indexes_built += other.indexes_built


def settle_image(
    rows: TableRows, state: RelationState, committed: set[int], trim: Callable[[], None]
) -> ReplayCounts:
    """Bring a table's image to the rows of committed transactions, one version each."""
    counts = ReplayCounts()
    lost, kept = retained_of(state.retained, committed | {COMMITTED})
    for retained in reversed(lost):
        # Put back one by one, a row must still be known to have its older versions: their index entries stay.
        if retained.before is not None:
            rows.chains.push(retained.address, retained.before)
    for number, retained in enumerate(lost, 1):
        put_back(rows, retained)
        if number % TRIM_INTERVAL == 0:
            trim()
    for number, retained in enumerate(kept, 1):
        purge(rows, retained)
        if number % TRIM_INTERVAL == 0:
            trim()
    trim()
    counts.rows_put_back = len(lost)
    counts.rows_purged = sum(retained.before is not None for retained in kept)
    return counts


def last_changes(
    records: Iterable[tuple[LSN, memoryview]], *, mark: LSN, committed: set[int]
) -> tuple[Changes, ReplayCounts]:
    """What the committed records past the mark make of each row."""
    changes: Changes = {}
    counts = ReplayCounts()
    for lsn, body in records:
        kind, _, transaction_id = ROW_PREFIX.unpack_from(body)
        if lsn < mark or transaction_id not in committed:
            counts.records_skipped += 1
            continue
        counts.records_applied += 1
        if kind == _ROW:
            address, after = decode_row_after(body)
            changes[address] = (lsn, after)
        else:
            addresses, packed = decode_rows(body)
            changes.update(
                (TupleId(each), (lsn, row)) for each, row in zip(addresses, packed, strict=True)
            )
    return changes, counts


def redo_rows(rows: TableRows, changes: Changes, trim: Callable[[], None]) -> int:
    """Bring the rows there, page by page; answers how many."""
    done = 0
    for _, group in groupby(sorted(changes), lambda address: address >> SLOT_BITS):
        page = [(address, *changes[address]) for address in group]
        _redo_page(rows, page)
        done += len(page)
        trim()
    return done


def _redo_page(rows: TableRows, page: list[RowState]) -> None:
    """Bring one page's rows there, given in the order of their slots.

    All that changes is taken off the page before anything is placed, and the highest slot is placed first (invariant 3). Each row
    waits for its own pages, and is not touched again: together they may have more long values than fit into memory.
    """
    if rows.indexes:
        for state in page:
            run_with_pages(partial(_redo_entries, rows, *state))
    for address, lsn, _ in page:
        run_with_pages(partial(_take_off, rows, address, lsn))
    if run_with_pages(partial(_place_as_run, rows, page)):
        return
    for address, lsn, after in reversed(page):
        if after is not None:
            run_with_pages(partial(_place, rows, address, lsn, after))


def _redo_entries(rows: TableRows, address: TupleId, lsn: LSN, after: bytes | None) -> None:
    """Bring a row's index entries from what is there to what will be. Raises PageMiss."""
    with rows.latch:
        current = rows.heap.stored(address)
        old = [] if current is None else rows.stored_keys(current)
        new = [] if after is None else rows.stored_keys(after)
    if old != new:
        if old:
            rows.remove_entries(old, [new] if new else [], address)
        if new:
            rows.add_entries(new, address, lsn)


def _take_off(rows: TableRows, address: TupleId, lsn: LSN) -> None:
    """Free a row's slot and long values, if there is such a row. Raises PageMiss before any change."""
    with rows.latch:
        if rows.heap.stored(address) is not None:
            rows.heap.apply(address, None, lsn)


def _place(rows: TableRows, address: TupleId, lsn: LSN, after: bytes) -> None:
    """Place a row where there is none. Raises PageMiss before any change."""
    with rows.latch:
        rows.heap.apply(address, after, lsn)


def _place_as_run(rows: TableRows, page: list[RowState]) -> bool:
    """Place all rows at once, if they go side by side; whether they did. Raises PageMiss before any change."""
    with rows.latch:
        if not _is_run(rows.heap, page):
            return False
        packed = [after for _, _, after in page if after is not None]
        rows.heap.place_run(page[0][0], packed, page[-1][1])
        return True


def _is_run(heap: Heap, page: list[RowState]) -> bool:
    """Whether the rows go side by side behind those that the page has, and none needs overflow pages. Under the latch."""
    first = page[0][0]
    if page[-1][0] - first != len(page) - 1:
        return False
    room = heap.format.page_size - HEADER_SIZE
    frame = heap.frame_of(first)
    if frame is not None:
        if heap.format.slot_count(frame.data) != first & SLOT_MASK:
            return False
        room = heap.format.tail_room(frame.data, first & SLOT_MASK) + heap.layout.stride
    elif first & SLOT_MASK:
        return False
    size_max = heap.layout.stride + heap.format.page_size // TAIL_SHARE
    total = 0
    for _, _, after in page:
        if after is None or len(after) > size_max:
            return False
        total += len(after)
    return total <= room
