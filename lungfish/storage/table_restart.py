"""Restart's ways into a table: putting back, purging and redoing rows before anyone else is there.

No transaction runs, no snapshot is open, nothing is logged and no version is kept: what a row was before is gone at once, with its index
entries and its overflow pages. The order for each relation (design, section 8):

    1. `put_back`  for each retained row of a transaction that never committed, the newest first,
    2. `purge`     for each retained row of one that did,
    3. `redo`      for the committed records past the heap's mark: of several for one row the last is enough.

An index whose image is at the heap's mark goes along with it. One with a mark of its own is left out (`indexes`), and gets
`replay_entry` for each committed record past its mark, in their order; that needs no heap.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lungfish.errors import CorruptLog
from lungfish.storage.ids import LSN, TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, OverflowPointer
from lungfish.storage.table_index import TableIndex
from lungfish.storage.table_rows import TableRows
from lungfish.storage.versions import RetainedRow


def put_back(rows: TableRows, retained: RetainedRow) -> None:
    """Undo a change of a transaction that did not commit."""
    run_with_pages(
        partial(
            rows.take_back,
            retained.transaction_id,
            retained.address,
            retained.before,
            after=None,
            is_logged=False,
        )
    )


def purge(rows: TableRows, retained: RetainedRow) -> None:
    """Drop a version that a committed transaction replaced, or the row that it deleted."""
    if retained.before is not None:
        run_with_pages(partial(_purge, rows, retained.address, retained.before))


def _purge(rows: TableRows, address: TupleId, before: bytes) -> None:
    with rows.latch:
        current = rows.heap.stored(address)
        is_live = current is not None and not current[FLAGS_OFFSET] & DELETED
        gone = rows.stored_keys(before)
        kept = [rows.stored_keys(current)] if current is not None and is_live else []
    rows.remove_entries(gone, kept, address)
    lsn = rows.log.end_lsn()
    with rows.latch:
        if not is_live:
            rows.heap.erase(address, lsn)
    rows.heap.free_overflow(before, lsn)


def redo(rows: TableRows, address: TupleId, after: bytes | None, lsn: LSN) -> None:
    """Make a row what a committed record says: the packed row, or None if it was deleted. Bears being done again."""
    run_with_pages(partial(_redo, rows, address, after, lsn))


def _redo(rows: TableRows, address: TupleId, after: bytes | None, lsn: LSN) -> None:
    with rows.latch:
        current = rows.heap.stored(address)
        if current is not None and current[FLAGS_OFFSET] & DELETED:
            current = None
        old = [] if current is None else rows.stored_keys(current)
        new = [] if after is None else rows.stored_keys(after)
    if old != new:
        if old:
            rows.remove_entries(old, [new] if new else [], address)
        if new:
            rows.add_entries(new, address, lsn)
    with rows.latch:
        rows.heap.apply(address, after, lsn)


def replay_entry(
    rows: TableRows,
    index: TableIndex,
    address: TupleId,
    before: bytes | None,
    after: bytes | None,
    lsn: LSN,
) -> None:
    """Bring an index that is past the heap's mark, or behind it, over one committed record, from the record's images alone."""
    layout = rows.layout
    old = None if before is None else index.stored_key(layout, before, _missing_long_value)
    new = None if after is None else index.stored_key(layout, after, _missing_long_value)
    if old is not None and old != new:
        index.remove(old, address, lsn)
    if new is not None and old != new:
        index.add(new, address, lsn)


def _missing_long_value(pointer: OverflowPointer) -> bytes:
    raise CorruptLog(f"a record lacks a long value of {pointer.size} bytes that an index needs")


def retained_of(
    retained: Sequence[RetainedRow], committed: set[int]
) -> tuple[list[RetainedRow], list[RetainedRow]]:
    """A relation's retained rows in the order of their doing: those to put back, those to purge."""
    lost = [each for each in retained if each.transaction_id not in committed]
    kept = [each for each in retained if each.transaction_id in committed]
    return lost[::-1], kept
