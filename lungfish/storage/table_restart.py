"""Restart's ways back in a table: what its image retains of transactions is put back or purged before anyone else is there.

No transaction runs, no snapshot is open and nothing is logged. The order for each relation (design, section 8; the loop around
these, and redo after them, is in `recovery/restart_tables.py`):

    1. the retained rows of transactions that never committed go onto their chains, the oldest first,
    2. `put_back`  each of them, the newest first,
    3. `purge`     each retained row of a transaction that did commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lungfish.storage.ids import TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET
from lungfish.storage.table_rows import TableRows
from lungfish.storage.versions import RetainedRow


def put_back(rows: TableRows, retained: RetainedRow) -> None:
    """Undo a change of a transaction that did not commit; the version leaves its chain.

    Requires: the row's older retained versions are on its chain, so that their index entries stay.
    """
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


def retained_of(
    retained: Sequence[RetainedRow], committed: set[int]
) -> tuple[list[RetainedRow], list[RetainedRow]]:
    """A relation's retained rows in the order of their doing: those to put back, those to purge."""
    lost = [each for each in retained if each.transaction_id not in committed]
    kept = [each for each in retained if each.transaction_id in committed]
    return lost[::-1], kept
