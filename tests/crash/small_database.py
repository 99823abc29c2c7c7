"""A database without SQL: the real storage and recovery, and a catalog of one JSON row a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from lungfish.recovery.checkpoint_request import CheckpointRequest
from lungfish.recovery.core import CoreOptions, StorageCore
from lungfish.recovery.relation_state import restore_free_space
from lungfish.recovery.restart_relations import TableRelations
from lungfish.storage.btree import BTree
from lungfish.storage.check import check_pages
from lungfish.storage.clock import ManualClock
from lungfish.storage.disk import Disk
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.keys import KeyCodec
from lungfish.storage.overflow import Overflow
from lungfish.storage.rows import RowLayout, Values
from lungfish.storage.table import TableIndex, TableStore
from lungfish.storage.table_build import build_index, check_heap, check_index
from lungfish.storage.transactions import Transaction
from lungfish.types.sql_type import BIGINT, TEXT, SqlType

PATH = "app.db"
IDENTITY = UUID(int=0xC0FFEE)
OPTIONS = CoreOptions(page_size=4096, segment_size=16 * 1024, buffer_size=24 * 4096)

CATALOG = TableRelations(RelationId(2), RelationId(3), (RelationId(4),))
CATALOG_TYPES = (BIGINT, TEXT)
# id, n, tag, body
USER_TYPES = (BIGINT, BIGINT, TEXT, TEXT)
# The positions of each index's key; the first is unique.
USER_KEYS = ((0,), (2, 1))
FIRST_RELATION_ID = 16
# Relation numbers a table takes: heap, overflow, and room for five indexes.
RELATION_STEP = 7


class SmallDatabase:
    """Opens, and recovers, in the constructor. Rows are (id, n, tag, body); tables go by number."""

    def __init__(self, disk: Disk, options: CoreOptions = OPTIONS) -> None:
        self.core = StorageCore.open(
            disk, PATH, create_with=IDENTITY, clock=ManualClock(), options=options
        )
        self.relations: dict[int, TableRelations] = {}
        self._addresses: dict[int, TupleId] = {}
        self._stores: dict[RelationId, TableStore] = {}
        self._next_relation_id = FIRST_RELATION_ID
        # The tables of the committed catalog, and its rows that running transactions changed.
        self._settled: dict[int, TableRelations] = {}
        self.report = self.core.recover(
            self, lambda: list(self._stores.values()), lambda: list(self._settled.values())
        )

    # What restart asks

    def catalog_tables(self) -> Sequence[TableRelations]:
        return [CATALOG]

    def load(self) -> None:
        self.relations = {}
        snapshot = self.core.transactions.take_snapshot()
        for address, (heap, text) in scan_rows(self.table(CATALOG.heap), snapshot):
            indexes = tuple(RelationId(each) for each in json.loads(text))
            number = (heap - FIRST_RELATION_ID) // RELATION_STEP
            self.relations[number] = TableRelations(heap, RelationId(heap + 1), indexes)
            self._addresses[number] = address
        self.core.transactions.release(snapshot)
        # Above all that anyone speaks of: the catalog, and what image and log say of tables that are gone or never came to be.
        highest = [self.core.driver.highest_relation_id, *(t.heap for t in self.relations.values())]
        steps = (max(highest) - FIRST_RELATION_ID) // RELATION_STEP + 1
        self._next_relation_id = FIRST_RELATION_ID + RELATION_STEP * max(0, steps)
        self._settled = self.relations.copy()

    def tables(self) -> Sequence[TableRelations]:
        return list(self.relations.values())

    def table(self, heap: RelationId) -> TableStore:
        store = self._stores.get(heap)
        if store is None:
            relations = [CATALOG, *self.relations.values()]
            table = next(each for each in relations if each.heap == heap)
            store = self._stores[heap] = self._open_table(table)
            restore_free_space(self.core.store, store)
        return store

    # Tables

    def create_table(self, transaction: Transaction, index_count: int = 2) -> int:
        """Make a table; on rollback it is dropped again."""
        heap = RelationId(self._next_relation_id)
        self._next_relation_id += RELATION_STEP
        indexes = tuple(RelationId(heap + 2 + each) for each in range(index_count))
        table = TableRelations(heap, RelationId(heap + 1), indexes)
        self.core.pool.create_relation(table.heap, RelationKind.HEAP)
        self.core.pool.create_relation(table.overflow, RelationKind.OVERFLOW)
        for relation_id in indexes:
            self.core.pool.create_relation(relation_id, RelationKind.INDEX)
        number = (heap - FIRST_RELATION_ID) // RELATION_STEP
        text = json.dumps(indexes)
        address = self.table(CATALOG.heap).insert(transaction, (heap, text))
        self.relations[number] = table
        self._addresses[number] = address
        transaction.on_publish.append(lambda: self._settle(number))
        transaction.on_rollback.append(lambda: self._forget(number))
        return number

    def create_index(
        self, transaction: Transaction, number: int, meanwhile: Callable[[], None]
    ) -> None:
        """Build one more index over a table's rows; not undone by a rollback here, so it must commit.

        `meanwhile` is done while there is an index and no entry in it yet.
        """
        table = self.relations[number]
        relation_id = RelationId(table.heap + 2 + len(table.indexes))
        self.core.pool.create_relation(relation_id, RelationKind.INDEX)
        indexes = (*table.indexes, relation_id)
        self.relations[number] = TableRelations(table.heap, table.overflow, indexes)
        self._update_catalog(transaction, number, indexes)
        store = self._stores[table.heap]
        index = self._index(relation_id, len(table.indexes))
        transaction.on_publish.append(lambda: self._settle(number))
        meanwhile()
        build_index(store.rows, index)
        store.rows.set_indexes([*store.rows.indexes, index])

    def drop_table(self, transaction: Transaction, number: int) -> None:
        """Drop a table at commit."""
        self._lock_catalog_row(transaction, number)
        self.table(CATALOG.heap).delete(transaction, self._addresses[number])
        transaction.on_commit.append(lambda: self._forget(number))

    def store(self, number: int) -> TableStore:
        return self.table(self.relations[number].heap)

    def begin(self) -> Transaction:
        return self.core.transactions.begin()

    # Rows, by id

    def insert(self, transaction: Transaction, number: int, row: Values) -> None:
        self.store(number).insert(transaction, row)

    def update(self, transaction: Transaction, number: int, row: Values) -> None:
        address = self._lock(transaction, number, row[0])
        self.store(number).update(transaction, address, row)

    def delete(self, transaction: Transaction, number: int, row_id: int) -> None:
        address = self._lock(transaction, number, row_id)
        self.store(number).delete(transaction, address)

    def checkpoint(self, request: CheckpointRequest | None = None) -> None:
        self.core.checkpoints.run(request or CheckpointRequest(requested_by="drill"))

    def dump(self, *, only_settled: bool = False) -> dict[int, dict[int, Values]]:
        """Every table's rows by id, as a new snapshot sees them; perhaps without the tables that running transactions have made."""
        tables = self._settled if only_settled else self.relations
        snapshot = self.core.transactions.take_snapshot()
        try:
            return {
                number: {row[0]: row for _, row in scan_rows(self.store(number), snapshot)}
                for number in sorted(tables)
            }
        finally:
            self.core.transactions.release(snapshot)

    def check(self, *, allows_leaks: bool = False) -> None:
        """Raise unless every page, heap and index is sound, and index and heap agree. A leak is a unit that nobody refers to."""
        findings = [
            each
            for each in check_pages(self.core.store).findings
            if not (allows_leaks and "nothing refers to it" in each.message)
        ]
        assert not findings, findings
        for table in [CATALOG, *self.relations.values()]:
            store = self.table(table.heap)
            check_heap(store.rows)
            for index in store.indexes:
                check_index(store.rows, index)

    def close(self) -> None:
        self.core.close()

    def crash(self) -> None:
        self.core.crash()

    # Helpers

    def _lock(self, transaction: Transaction, number: int, row_id: int) -> TupleId:
        store = self.store(number)
        snapshot = transaction.statement_snapshot()
        index = store.indexes[0]
        for rows in store.index_scan(
            snapshot, index, index.btree.codec.key_range(index.btree.codec.encode((row_id,)))
        ):
            for address, _ in rows:
                store.lock(transaction, snapshot, address)
                return address
        raise KeyError(row_id)

    def _lock_catalog_row(self, transaction: Transaction, number: int) -> None:
        snapshot = transaction.statement_snapshot()
        self.table(CATALOG.heap).lock(transaction, snapshot, self._addresses[number])

    def _update_catalog(
        self, transaction: Transaction, number: int, indexes: tuple[RelationId, ...]
    ) -> None:
        self._lock_catalog_row(transaction, number)
        row = (self.relations[number].heap, json.dumps(indexes))
        self.table(CATALOG.heap).update(transaction, self._addresses[number], row)

    def _settle(self, number: int) -> None:
        self._settled[number] = self.relations[number]

    def _forget(self, number: int) -> None:
        table = self.relations.pop(number)
        self._settled.pop(number, None)
        self._stores.pop(table.heap, None)
        for relation_id in (table.heap, table.overflow, *table.indexes):
            self.core.pool.drop_relation(relation_id)

    def _open_table(self, table: TableRelations) -> TableStore:
        is_catalog = table == CATALOG
        types: tuple[SqlType, ...] = CATALOG_TYPES if is_catalog else USER_TYPES
        pool, size = self.core.pool, self.core.store.page_size_bytes
        overflow = Overflow(
            pool.open_relation(self._made(table.overflow, RelationKind.OVERFLOW)), size
        )
        heap = Heap(pool.open_relation(table.heap), overflow, RowLayout(types), size)
        indexes = [
            self._index(each, 0 if is_catalog else at) for at, each in enumerate(table.indexes)
        ]
        return TableStore(heap, indexes, self.core.transactions, trim=pool.trim)

    def _made(self, relation_id: RelationId, kind: RelationKind) -> RelationId:
        assert self.core.store.kind(relation_id) is kind
        return relation_id

    def _index(self, relation_id: RelationId, number: int) -> TableIndex:
        """Index 0 is on the id, and unique; the others are on tag and n."""
        positions = USER_KEYS[0] if number == 0 else USER_KEYS[1]
        codec = KeyCodec([BIGINT] if number == 0 else [TEXT, BIGINT])
        pages = self.core.pool.open_relation(relation_id)
        tree = BTree(pages, codec) if pages.page_count else BTree.create(pages, codec, LSN(0))
        return TableIndex(tree, key_function(positions), is_unique=number == 0, positions=positions)


def key_function(positions: tuple[int, ...]) -> Callable[[Values], Values]:
    return lambda values: tuple(values[each] for each in positions)


def scan_rows(store: TableStore, snapshot: object) -> Iterator[tuple[TupleId, Values]]:
    positions = tuple(range(len(store.layout.types)))
    for batch in store.scan(snapshot, positions, with_tuple_id=True):
        columns = [column.to_pylist() for column in batch.columns]
        for *values, address in zip(*columns, strict=True):
            yield address, tuple(values)
