"""Undo, purge and redo of one table: from its image and the log to the rows of committed transactions and no others.

After `storage/table_restart.py`, in its order: put back what transactions that never committed had changed in the image, drop what
committed ones had left behind there, then bring the rows to where the last committed record past the mark has them.

Invariants:
1. Undo comes before redo, and reads the image's own retained rows only: whatever the log says came later.
2. Of a row's committed records only the last one is applied, so nothing is written twice.
3. Pages are built anew, some at a time, from what stays and what the log says (`storage/heap_rebuild.py`); those that take more thought
   are done row by row. What fits on a page depends on the order: a row that grew late, when its page was full, has its long value
   elsewhere. So everything that changes is taken off first, then the slots are made, then what fits is placed. What did not change,
   with the slots, fitted before and fits now.
4. A table of which every row comes from the log, or most, gets its indexes built at the end, in bulk.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from lungfish.recovery.relation_state import COMMITTED, RelationState
from lungfish.storage.heap_blocks import Workspace
from lungfish.storage.heap_rebuild import build_pages
from lungfish.storage.ids import LSN, PageId, TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.row_states import RowStates, distinct_sorted
from lungfish.storage.table_restart import purge, put_back, retained_of
from lungfish.storage.table_rows import TableRows

# How many rows, and how many whole pages, are changed before memory is looked after.
TRIM_INTERVAL = 256
PAGE_TRIM_INTERVAL = 8
# Pages are built in groups of so many bytes: what fits the processor's cache is built fastest.
GROUP_BYTES = 1 << 20


@dataclass(slots=True)
class ReplayCounts:
    """What was done, over all tables."""

    records_applied: int = 0
    records_skipped: int = 0
    rows_redone: int = 0
    rows_put_back: int = 0
    rows_purged: int = 0
    indexes_built: int = 0
    indexes_replayed: int = 0

    def add(self, other: ReplayCounts) -> None:
        """Sum up."""
        self.records_applied += other.records_applied
        self.records_skipped += other.records_skipped
        self.rows_redone += other.rows_redone
        self.rows_put_back += other.rows_put_back
        self.rows_purged += other.rows_purged
        self.indexes_built += other.indexes_built
        self.indexes_replayed += other.indexes_replayed


def settle_image(
    rows: TableRows, state: RelationState, committed: Container[int], trim: Callable[[], None]
) -> ReplayCounts:
    """Bring a table's image to the rows of committed transactions, one version each."""
    counts = ReplayCounts()
    rows_retained = state.retained
    writers = {retained.transaction_id for retained in rows_retained}
    lost, kept = retained_of(
        rows_retained, {each for each in writers if each == COMMITTED or each in committed}
    )
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


def redo_rows(
    rows: TableRows,
    states: RowStates,
    trim: Callable[[], None],
    tell: Callable[[int, int], None] | None = None,
) -> int:
    """Bring the rows there, some pages at a time; answers how many. `tell` is given the rows and pages of each time."""
    group_size = max(1, GROUP_BYTES // rows.heap.format.page_size)
    page_ids = states.page_ids()
    firsts = np.flatnonzero(np.diff(page_ids, prepend=-1))
    bounds = [*firsts[::group_size].tolist(), len(states)]
    space = Workspace()
    for start, end in pairwise(bounds):
        page_count = _redo_group(rows, states.pick(slice(start, end)), space, trim)
        trim()
        if tell is not None:
            tell(end - start, page_count)
    return len(states)


def _redo_group(
    rows: TableRows, states: RowStates, space: Workspace, trim: Callable[[], None]
) -> int:
    """Bring the rows of some pages there; answers how many pages."""
    if rows.indexes:
        for index in range(len(states)):
            address = TupleId(int(states.addresses[index]))
            run_with_pages(partial(_redo_entries, rows, address, states.end, states.packed(index)))
            if index % TRIM_INTERVAL == 0:
                trim()
    page_ids = states.page_ids()
    old_pages = {}
    there = distinct_sorted(page_ids[: int(np.searchsorted(page_ids, rows.heap.pages.page_count))])
    for page_id in there.tolist():
        old = run_with_pages(partial(_used_page, rows, PageId(page_id)))
        if old is not None:
            old_pages[page_id] = old
            trim()
    built = build_pages(rows.heap.format, states, old_pages, space)
    lsn = states.end
    for number, page_id in enumerate(built.page_ids):
        image = built.images[number].data
        if page_id == rows.heap.pages.page_count:
            with rows.latch:
                rows.heap.append_page(image, lsn)
        else:
            run_with_pages(partial(_replace_page, rows, PageId(page_id), image, lsn))
        if number % PAGE_TRIM_INTERVAL == 0:
            trim()
    for page_id in built.left:
        _redo_page(rows, states.pick(page_ids == page_id))
        trim()
    return len(built.page_ids) + len(built.left)


def _used_page(rows: TableRows, page_id: PageId) -> bytes | None:
    with rows.latch:
        return rows.heap.used_page(page_id)


def _replace_page(rows: TableRows, page_id: PageId, image: memoryview, lsn: LSN) -> None:
    with rows.latch:
        rows.heap.replace_page(page_id, image, lsn)


def _redo_page(rows: TableRows, states: RowStates) -> None:
    """Bring one page's rows there one by one.

    All that changes is taken off the page before anything is placed, and the highest slot is placed first (invariant 3). Each row
    waits for its own pages, and is not touched again: together they may have more long values than fit into memory.
    """
    addresses = [TupleId(address) for address in states.addresses.tolist()]
    for address in addresses:
        run_with_pages(partial(_take_off, rows, address, states.end))
    for index in reversed(range(len(states))):
        after = states.packed(index)
        if after is not None:
            run_with_pages(partial(_place, rows, addresses[index], states.end, after))


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
