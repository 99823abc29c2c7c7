"""Rows that were inserted side by side, and how they are taken back: a page's rows at once.

A bulk insert leaves one undo entry for each page that it filled. Undoing that takes one passage of the fence: the rows' entries leave each index in
descending order, so that neighbours are found on the same leaf; then the rows leave their page, and the entry the list. Invariants:

1. All of it is one passage of the fence, so a checkpoint sees the run whole or gone.
2. Cut off anywhere, it is done again from its beginning: entries that have gone are not looked for twice, rows that have gone are passed over, and a
   record of the log that says the same again does no harm.
3. Only rows that are as the insert left them go this way: whoever changed one later has an entry of his own, which was undone before.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from lungfish.storage.ids import TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, writer_of
from lungfish.storage.table_index import TableIndex
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import Transaction, UndoEntry


class InsertRun:
    """The undo entry's store for rows inserted side by side on one page: one entry instead of one a row."""

    __slots__ = ("first", "row_count", "rows")

    def __init__(self, rows: TableRows, first: TupleId, row_count: int) -> None:
        self.rows = rows
        self.first = first
        self.row_count = row_count

    def undo(self, transaction: Transaction, entry: UndoEntry, *, is_logged: bool) -> None:
        """Take the rows back, then take the entry off: see `UndoStore`."""
        if self.row_count > 1 and run_with_pages(partial(self._undo_all, transaction, is_logged)):
            return
        for left in reversed(range(self.row_count)):
            run_with_pages(partial(self._undo_last, transaction, left, is_logged))
        with self.rows.fence:
            transaction.own_undo().pop()

    def _undo_all(self, transaction: Transaction, is_logged: bool) -> bool:
        """Take all rows back in one passage; False if one of them must be looked at by itself. Raises PageMiss before any change."""
        rows = self.rows
        with rows.fence, rows.key_gate:
            with rows.latch:
                found = self._inserted(transaction)
                if found is None:
                    return False
                entries = [(index, _entries(rows, index, found)) for index in rows.indexes]
            lsn = rows.log.end_lsn()
            for index, own in entries:
                index.btree.remove_all(own, lsn)
            with rows.latch:
                if is_logged:
                    log = rows.log.append_row
                    for address, stored in reversed(found):
                        log(transaction.id, rows.relation_id, address, stored, None)
                rows.heap.erase_run(self.first, self.row_count, lsn)
            transaction.own_undo().pop()
            return True

    def _inserted(self, transaction: Transaction) -> list[tuple[TupleId, bytes]] | None:
        """The rows that are there still; None if one is not as it was inserted, or has long values. Under the latch."""
        rows, writer = self.rows, transaction.id
        found = []
        for offset in range(self.row_count):
            address = TupleId(self.first + offset)
            stored = rows.heap.stored(address)
            if stored is None or writer_of(stored) != writer:
                continue
            if stored[FLAGS_OFFSET] & (DELETED | HAS_OVERFLOW) or address in rows.chains:
                return None
            found.append((address, stored))
        return found

    def _undo_last(self, transaction: Transaction, left: int, is_logged: bool) -> None:
        rows, first = self.rows, self.first
        with rows.fence, rows.key_gate:
            address = TupleId(first + left)
            rows.take_back(transaction.id, address, None, after=None, is_logged=is_logged)
            transaction.own_undo()[-1] = (InsertRun(rows, first, left), first, None)


def _entries(
    rows: TableRows, index: TableIndex, found: list[tuple[TupleId, bytes]]
) -> list[tuple[Any, int]]:
    """The stored form of the rows' entries in an index, the greatest first. Under the heap's latch."""
    read, codec, layout = rows.heap.overflow.read_resident, index.btree.codec, rows.layout
    entry, positions = codec.entry, index.positions
    if index.picks_fields and positions is not None:
        encode, fields = codec.encode, layout.unpack_fields
        entries = [
            entry(encode(fields(stored, positions, 0, read)), address) for address, stored in found
        ]
    else:
        keys = [index.stored_key(layout, stored, read) for _, stored in found]
        entries = [
            entry(key.key, address)
            for key, (address, _) in zip(keys, found, strict=True)
            if key is not None
        ]
    entries.sort(reverse=True)
    return entries
