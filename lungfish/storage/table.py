"""`TableStore`: one table's rows and indexes, under MVCC, logged. What the executor reads and writes.

Values are tuples of internal values in the order of the table's stored types. Writing a row that exists goes in two steps: `lock`
it (and look at what it says now), then `update` or `delete` it. Each row operation is whole or not done at all: when one raises, the
row, the indexes and the transaction's undo list are as they were before it.

Invariants:
1. Only the transaction that holds a row's lock changes it. A new row needs no lock: nobody else sees it.
2. Waiting (for a row, for the owner of a unique key) happens outside the fence and all latches.
3. A unique key is checked after the row and its entry are there, against the rows that had the entry before: see table_index.py,
   invariant 3. Of two writers of one key the later one waits for the earlier one's end, then raises or goes on; as in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from lungfish.storage.direct_change import change_directly, change_with_keys
from lungfish.storage.heap import Heap
from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.keys import KeyRange
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.log import RowLog, Unlogged
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.relation_pages import PageMiss
from lungfish.storage.row_codec_pack import pack_columns, rows_from_columns
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, Values, writer_of
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_build import TellBuild, build_index
from lungfish.storage.table_clash import ClashSearch, find_clash
from lungfish.storage.table_index import IndexKey, IndexKeys, TableIndex, UniqueConflict
from lungfish.storage.table_lock import LockedRow, LockStatus, LockWait, lock_row
from lungfish.storage.table_rows import Suspects, TableRows, changed_keys, key_owner
from lungfish.storage.table_scan import Rows, index_scan, key_lookup, scan
from lungfish.storage.transactions import Transaction, TransactionManager
from lungfish.storage.undo_runs import InsertRun
from lungfish.types.batch import Batch, Vector

__all__ = ["LockStatus", "LockWait", "LockedRow", "TableIndex", "TableStore", "UniqueConflict"]

Keys = list[IndexKey | None]
# The most rows that one passage of the fence inserts: a millisecond or two with an index.
RUN_ROW_COUNT = 256


class _NewRows(NamedTuple):
    """Rows to be inserted together."""

    packed: Sequence[bytes]
    # In each index.
    keys: Sequence[IndexKeys]
    # Gives the rows' values, of which only those need be there that indexes use: for messages.
    values: Callable[[], Sequence[Values]]

    def keys_of(self, row: int) -> Keys:
        """A row's key in each index."""
        return [keys.of(row) for keys in self.keys]


class TableStore:
    """One table."""

    def __init__(
        self,
        heap: Heap,
        indexes: Iterable[TableIndex],
        transactions: TransactionManager,
        *,
        name: str = "",
        trim: Callable[[], None] = lambda: None,
        is_logged: bool = True,
    ) -> None:
        """`trim` is the buffer pool's, called after operations that may have made memory short.

        The rows of a table with `is_logged` false do not outlive the process.
        """
        log: RowLog = transactions.log if is_logged else Unlogged(transactions.log)
        self.rows = TableRows(heap, indexes, transactions, name=name, log=log, trim=trim)
        self.heap = heap
        self.layout = heap.layout
        self._transactions = transactions
        self._fence = transactions.fence
        self._log = log
        self._latch = heap.pages.latch
        self._trim = trim

    @property
    def relation_id(self) -> RelationId:
        """The heap's relation."""
        return self.rows.relation_id

    @property
    def indexes(self) -> tuple[TableIndex, ...]:
        """The table's indexes."""
        return self.rows.indexes

    # Insert

    def insert(self, transaction: Transaction, values: Values) -> TupleId:
        """Insert a row. Raises UniqueConflict."""
        rows = self.rows
        writer = transaction.id or transaction.assign_id()
        placed = None if rows.native is None else rows.native.insert(transaction, values)
        if placed is not None:
            return placed
        packed = self.layout.pack(values, writer)
        keys = rows.keys(values)
        self._prepare(keys)
        mark = len(transaction.undo)
        try:
            while True:
                try:
                    with self._fence:
                        address = self._place_new(transaction, packed)
                        suspects = rows.add_entries(keys, address, self._log.end_lsn())
                    break
                except PageMiss as miss:
                    miss.load()
            if suspects:
                self._settle(transaction, keys, suspects, values)
        except BaseException:
            self.undo_to(transaction, mark)
            raise
        self._trim()
        return address

    def _place_new(self, transaction: Transaction, packed: bytes) -> TupleId:
        """Steps 1 to 3 of table_rows.py for a new row. Raises PageMiss before any change."""
        rows = self.rows
        heap = self.heap
        with self._latch:
            lsn = self._log.end_lsn()
            address = heap.room_for(packed)
            stored = heap.store(packed, address, lsn) if heap.is_long(packed) else packed
            transaction.undo.append((rows, address, None))
            heap.place(address, stored, lsn)
            self._log.append_row(transaction.id, rows.relation_id, address, None, packed)
        return address

    def insert_many(self, transaction: Transaction, rows: Sequence[Values]) -> list[TupleId]:
        """Insert rows in order; if one cannot be, none is. Raises UniqueConflict."""
        writer = transaction.id or transaction.assign_id()
        pack = self.layout.pack
        packed = [pack(values, writer) for values in rows]
        keys = [index.keys_of_rows(rows) for index in self.indexes]
        return self._insert_packed(transaction, _NewRows(packed, keys, lambda: rows))

    def insert_batch(
        self, transaction: Transaction, columns: Sequence[Vector], row_count: int
    ) -> list[TupleId]:
        """`insert_many` of rows that come by column, in the order of the stored types."""
        writer = transaction.id or transaction.assign_id()
        packed = pack_columns(self.layout, columns, row_count, writer)

        @cache
        def values() -> Sequence[Values]:
            return rows_from_columns(self.layout, columns, row_count, self.rows.key_positions)

        keys = [
            index.keys_of_columns(columns) or index.keys_of_rows(values()) for index in self.indexes
        ]
        return self._insert_packed(transaction, _NewRows(packed, keys, values))

    def _insert_packed(self, transaction: Transaction, new: _NewRows) -> list[TupleId]:
        """Insert rows that are packed and have their keys."""
        mark = len(transaction.undo)
        addresses: list[TupleId] = []
        try:
            while len(addresses) < len(new.packed):
                self._prepare(new.keys_of(len(addresses)))
                insert_run = partial(self._insert_run, transaction, new, addresses)
                for row, number, others in run_with_pages(insert_run):
                    values = new.values()[row]
                    self._settle(transaction, new.keys_of(row), [(number, others)], values)
                self._trim()
        except BaseException:
            self.undo_to(transaction, mark)
            raise
        return addresses

    def _insert_run(
        self, transaction: Transaction, new: _NewRows, addresses: list[TupleId]
    ) -> list[tuple[int, int, list[TupleId]]]:
        """Insert as many of the rows that are left as go side by side on one page.

        Answers (row, number of the index, other rows with the key) where there may be a conflict, by row. Raises PageMiss before any change.
        """
        rows, packed = self.rows, new.packed
        start = len(addresses)
        end = min(len(packed), start + RUN_ROW_COUNT)
        found: list[tuple[int, int, list[TupleId]]] = []
        with self._fence:
            with self._latch:
                lsn = self._log.end_lsn()
                first, count = self.heap.room_for_run(packed, start, end)
                run: list[Any] = list(range(first, first + count))
                stored = packed[start : start + count]
                if count == 1:
                    stored = [self.heap.store(packed[start], first, lsn)]
                transaction.undo.append((InsertRun(rows, first, count), first, None))
                self.heap.place_run(first, stored, lsn)
                if count == 1:
                    self._log.append_row(
                        transaction.id, rows.relation_id, first, None, packed[start]
                    )
                else:
                    self._log.append_rows(transaction.id, rows.relation_id, run, stored)
            addresses += run
            lsn = self._log.end_lsn()
            for number, (index, keys) in enumerate(zip(rows.indexes, new.keys, strict=True)):
                for row, others in index.add_run(keys, start, run, lsn):
                    found.append((row, number, others))
        found.sort()
        return found

    # Update and delete

    def lock(
        self,
        transaction: Transaction,
        snapshot: Snapshot,
        address: TupleId,
        *,
        wait: LockWait = LockWait.BLOCK,
        mode: LockMode = LockMode.FOR_UPDATE,
    ) -> LockedRow:
        """Lock a row for a change or for FOR UPDATE; see `lock_row`, also for what it raises."""
        return lock_row(self.rows, transaction, snapshot, address, wait=wait, mode=mode)

    def change_directly(
        self,
        transaction: Transaction,
        snapshot: Snapshot,
        address: TupleId,
        values: Values | None,
        *,
        old: Values | None = None,
    ) -> bool:
        """Update a row that was read with the snapshot, or delete it (None), in one step without locking it before.

        False: that cannot be done, nothing has changed: `lock` it, and so on. `old`: what the snapshot sees, needed if a field of an index
        changes. Raises UniqueConflict.
        """
        rows = self.rows
        writer = transaction.id or transaction.assign_id()
        packed = None if values is None else self.layout.pack(values, writer)
        keys: Keys = []
        if old is not None and values is not None:
            keys = changed_keys(rows.keys(values), rows.keys(old))
            if keys:
                self._prepare(keys)
        mark = len(transaction.undo)
        try:
            if keys and packed is not None and values is not None:
                suspects = change_with_keys(rows, transaction, snapshot, address, packed, keys)
                if suspects:
                    self._settle(transaction, keys, suspects, values)
                is_done = suspects is not None
            else:
                is_done = change_directly(rows, transaction, snapshot, address, packed)
        except PageMiss:
            return False
        except BaseException:
            self.undo_to(transaction, mark)
            raise
        self._trim()
        return is_done

    def update(self, transaction: Transaction, address: TupleId, values: Values) -> None:
        """Replace a row that the transaction has locked. Raises UniqueConflict."""
        packed = self.layout.pack(values, transaction.id or transaction.assign_id())
        find_keys = partial(self._changed_keys, address, values)
        keys: Keys = run_with_pages(find_keys) if self.rows.indexes else []
        mark = len(transaction.undo)
        try:
            while True:
                try:
                    suspects = self._replace_with_keys(transaction, address, packed, keys)
                    break
                except PageMiss as miss:
                    miss.load()
            if suspects:
                self._settle(transaction, keys, suspects, values)
        except BaseException:
            self.undo_to(transaction, mark)
            raise
        self._trim()

    def _changed_keys(self, address: TupleId, values: Values) -> Keys:
        """`_changed` of the row there and its new values. Raises PageMiss."""
        rows = self.rows
        with self._latch:
            found = self.heap.row_at(address)
            assert found is not None, "an updated row exists"
            data, offset = found
            positions = rows.key_positions
            read = self.heap.overflow.read_resident
            fields = self.layout.unpack_fields(data, positions, offset, read)
            if fields == tuple([values[position] for position in positions]):
                return []
            old = self.heap.stored(address)
            assert old is not None
            old_keys = rows.stored_keys(old)
        return changed_keys(rows.keys(values), old_keys)

    def _replace_with_keys(
        self, transaction: Transaction, address: TupleId, packed: bytes, keys: Keys
    ) -> Suspects:
        """Replace a row, adding entries for the keys that change. Raises PageMiss before any change."""
        rows = self.rows
        if not keys:
            with self._fence:
                self._replace(transaction, address, packed)
            return []
        self._prepare(keys)
        with self._fence, rows.key_gate:
            rows.note_key_change(address)
            self._replace(transaction, address, packed)
            return rows.add_entries(keys, address, self._log.end_lsn())

    def _replace(self, transaction: Transaction, address: TupleId, packed: bytes) -> None:
        """Steps 1 to 3 of table_rows.py for a row that exists. Inside the fence. Raises PageMiss before any change."""
        rows = self.rows
        heap = self.heap
        with self._latch:
            before = self._stored_before(transaction, address)
            image = rows.log_image(before)
            lsn = self._log.end_lsn()
            # What is no longer than the row before fits in its place.
            stored = packed if len(packed) <= len(before) else heap.store(packed, address, lsn)
            transaction.undo.append((rows, address, before))
            rows.chains.push(address, before)
            heap.place(address, stored, lsn)
            self._log.append_row(transaction.id, rows.relation_id, address, image, packed)

    def _stored_before(self, transaction: Transaction, address: TupleId) -> bytes:
        """The live row that is to be changed. Under the latch; raises PageMiss."""
        before = self.heap.stored(address)
        assert before is not None, "a changed row exists"
        assert not before[FLAGS_OFFSET] & DELETED, "a changed row is not deleted"
        writer = writer_of(before)
        assert writer == transaction.id or not self._transactions.is_running(writer), (
            "a changed row is locked"
        )
        return before

    def delete(self, transaction: Transaction, address: TupleId) -> None:
        """Delete a row that the transaction has locked. Its slot and entries go when no snapshot needs them."""
        if not transaction.id:
            transaction.assign_id()
        mark = len(transaction.undo)
        try:
            run_with_pages(partial(self._mark_deleted, transaction, address))
        except BaseException:
            self.undo_to(transaction, mark)
            raise

    def _mark_deleted(self, transaction: Transaction, address: TupleId) -> None:
        rows = self.rows
        with self._fence, self._latch:
            before = self._stored_before(transaction, address)
            image = rows.log_image(before)
            transaction.undo.append((rows, address, before))
            rows.chains.push(address, before)
            self.heap.mark_deleted(address, transaction.id, self._log.end_lsn())
            self._log.append_row(transaction.id, rows.relation_id, address, image, None)

    # Unique keys

    def find_conflict(
        self, transaction: Transaction, index: TableIndex, values: Values
    ) -> TupleId | None:
        """The row that keeps a row of these values out of a unique index; waits for those that may still go either way."""
        key = index.key(values)
        if key is None or not key.is_exclusive:
            return None
        for address in index.addresses(key.key):
            if self._is_in_the_way(transaction, index, key, address):
                return address
        return None

    def find_double(
        self, transaction: Transaction, index: TableIndex, address: TupleId
    ) -> UniqueConflict | None:
        """Whether another row has the key of the row at `address`, as that is now; waits as `find_conflict` does."""
        snapshot = self._transactions.take_snapshot(transaction.id)
        try:
            values = self.get(snapshot, address)
        finally:
            self._transactions.release(snapshot)
        key = None if values is None else index.key(values)
        if values is None or key is None or not key.is_exclusive:
            return None
        for other in index.addresses(key.key):
            if other != address and self._is_in_the_way(transaction, index, key, other):
                return UniqueConflict(index, other, index.key_of(values))
        return None

    def find_clash(
        self, transaction: Transaction, index: TableIndex, search: ClashSearch
    ) -> tuple[TupleId, Values] | None:
        """See `table_clash.py`."""
        return find_clash(self.rows, self._transactions, transaction, index, search)

    def _settle(
        self, transaction: Transaction, keys: Keys, suspects: Suspects, values: Values
    ) -> None:
        """Look at the rows that had a new row's keys before it; raise if one of them has it still."""
        for number, others in suspects:
            index, key = self.indexes[number], keys[number]
            assert key is not None
            for other in others:
                if self._is_in_the_way(transaction, index, key, other):
                    raise UniqueConflict(index, other, index.key_of(values))

    def _is_in_the_way(
        self, transaction: Transaction, index: TableIndex, key: IndexKey, address: TupleId
    ) -> bool:
        """Whether the row has the key for good, or this transaction gave it that. Waits for a running writer to decide."""
        while True:
            verdict = run_with_pages(
                partial(key_owner, self.rows, transaction, index, key, address)
            )
            if isinstance(verdict, bool):
                return verdict
            self._transactions.wait_for_end(transaction, verdict)

    def undo_to(self, transaction: Transaction, mark: int) -> None:
        """Take back what the transaction did since its undo list had that length."""
        while len(transaction.undo) > mark:
            entry = transaction.undo[-1]
            entry[0].undo(transaction, entry, is_logged=True)

    def _prepare(self, keys: Keys) -> None:
        """Bring the indexes' pages into memory before the fence (table_index.py)."""
        for index, key in zip(self.indexes, keys, strict=True):
            if key is not None:
                index.prepare(key.key)

    def build_index(self, index: TableIndex, tell: TellBuild | None = None) -> None:
        """Fill a new, empty index from the rows that are there. Requires: nobody writes to the table. Raises UniqueConflict.

        `tell` is told how far it is, and may raise to give up. The table uses the index once `set_indexes` says so.
        """
        build_index(self.rows, index, tell)

    def set_indexes(self, indexes: Iterable[TableIndex]) -> None:
        """Take another set of indexes. Requires: nobody else uses the table."""
        self.rows.set_indexes(indexes)

    # Reading

    def get(self, snapshot: Snapshot, address: TupleId) -> Values | None:
        """The row at an address as the snapshot sees it. A hot path: see bench/rows.py."""
        rows = self.rows
        while True:
            try:
                with self._latch:
                    found = rows.visible_row(snapshot, address)
                    if found is None:
                        return None
                    data, offset = found
                    if not data[offset + FLAGS_OFFSET] & HAS_OVERFLOW:
                        return self.layout.unpack(data, offset)
                    stored = rows.visible(snapshot, address)
                break
            except PageMiss as miss:
                miss.load()
        assert stored is not None
        return self.heap.values(stored)

    def scan(
        self,
        snapshot: Snapshot,
        positions: Sequence[int] | None = None,
        *,
        with_tuple_id: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[Batch]:
        """The rows seen, in batches: the fields at `positions` (None: all), then the TupleId. The snapshot is held, and `check` called for each page."""
        fields = range(len(self.layout.types)) if positions is None else positions
        rows, trim = self.rows, self._trim
        return scan(rows, snapshot, fields, with_tuple_id=with_tuple_id, trim=trim, check=check)

    def index_scan(
        self,
        snapshot: Snapshot,
        index: TableIndex,
        key_range: KeyRange,
        *,
        is_backward: bool = False,
    ) -> Iterator[Rows]:
        """The rows that the snapshot sees with a key in the range, in the index's order or backwards, in chunks."""
        return index_scan(self.rows, snapshot, index, key_range, is_backward=is_backward)

    def key_lookup(self, snapshot: Snapshot, index: TableIndex, values: Sequence[Any]) -> Rows:
        """The rows that the snapshot sees whose key columns have these values, none of them NULL; by address."""
        return key_lookup(self.rows, snapshot, index, values)
