"""Table stores: from a table of the catalog to its pages, open once for all sessions.

A heap with relation number n keeps its long values in relation n + 1; numbers are handed out in steps of two. A store serves one heap for
ever: ALTER TABLE and TRUNCATE make a new heap, under a new number. Its set of indexes follows the catalog's when CREATE INDEX
makes one and when the catalog that dropped one is published.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from operator import itemgetter

from lungfish.catalog.objects import Index, Table
from lungfish.catalog.store import CATALOG_HEAP, CATALOG_INDEX, CATALOG_TYPES
from lungfish.recovery.relation_state import restore_free_space
from lungfish.storage import BufferPool, PageStore, RelationKind, RelationPages
from lungfish.storage.btree import BTree
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.keys import KeyCodec
from lungfish.storage.overflow import Overflow
from lungfish.storage.rows import RowLayout, Values
from lungfish.storage.table import TableIndex, TableStore
from lungfish.storage.transactions import TransactionManager
from lungfish.types.sql_type import BIGINT, SqlType

# Gives the value of an index's expression, or whether its predicate holds, from a table's stored values.
StoredExpression = Callable[[Values], object]
ExpressionCompiler = Callable[[Table, str], StoredExpression]


def overflow_of(heap: RelationId) -> RelationId:
    """The relation that keeps a heap's long values."""
    return RelationId(heap + 1)


class TableStores:
    """Every open table. `_lock` guards the maps; making a store is done under it, so each is made once."""

    def __init__(
        self,
        pool: BufferPool,
        pages: PageStore,
        transactions: TransactionManager,
        compile_expression: ExpressionCompiler,
    ) -> None:
        self._pool = pool
        self._pages = pages
        self._transactions = transactions
        self._compile = compile_expression
        self._lock = threading.Lock()
        self._stores: dict[RelationId, TableStore] = {}

    def get(self, table: Table) -> TableStore:
        """The store of a table whose relations exist."""
        found = self._stores.get(RelationId(table.relation_id))
        return found if found is not None else self._open(table)

    def find(self, relation_id: RelationId) -> TableStore | None:
        """The store of a heap, if it is open."""
        return self._stores.get(relation_id)

    def all(self) -> list[TableStore]:
        """Every open store."""
        with self._lock:
            return list(self._stores.values())

    def create(self, table: Table) -> TableStore:
        """Make the relations of a new table."""
        with self._lock:
            heap = RelationId(table.relation_id)
            self._pool.create_relation(heap, RelationKind.HEAP)
            self._pool.create_relation(overflow_of(heap), RelationKind.OVERFLOW)
            indexes = [self.new_index(table, index) for index in table.indexes]
            store = self._make(table, indexes)
            self._stores[heap] = store
            return store

    def drop(self, relation_ids: set[RelationId]) -> None:
        """Remove relations that nobody uses any more, heaps with their long values."""
        with self._lock:
            for relation_id in relation_ids:
                self._stores.pop(relation_id, None)
                for each in (relation_id, overflow_of(relation_id)):
                    if each in self._pages.relations():
                        self._pool.drop_relation(each)

    def keep_indexes(self, table: Table) -> None:
        """Let the table's store go on with those indexes only that the catalog still has."""
        store = self._stores.get(RelationId(table.relation_id))
        if store is None:
            return
        wanted = {index.relation_id for index in table.indexes}
        kept = [index for index in store.indexes if index.relation_id in wanted]
        if len(kept) != len(store.indexes):
            store.rows.set_indexes(kept)

    def new_index(self, table: Table, index: Index) -> TableIndex:
        """Make the tree of an index, empty."""
        pages = self._pool.create_relation(RelationId(index.relation_id), RelationKind.INDEX)
        return self._table_index(table, index, BTree.create(pages, key_codec(index), LSN(0)))

    def catalog_table(self) -> TableStore:
        """The catalog's own heap with its index on the oid; opened once."""
        with self._lock:
            store = self._stores.get(CATALOG_HEAP)
            if store is None:
                pages = self._pool.open_relation(CATALOG_INDEX)
                tree = open_tree(pages, KeyCodec([BIGINT]))
                index = TableIndex(
                    tree, lambda values: (values[0],), is_unique=True, positions=(0,)
                )
                store = self._make_store(CATALOG_HEAP, CATALOG_TYPES, [index], "the catalog")
                self._stores[CATALOG_HEAP] = store
            return store

    def open_index(self, table: Table, index: Index) -> TableIndex:
        """Open an index whose pages exist."""
        pages = self._pool.open_relation(RelationId(index.relation_id))
        return self._table_index(table, index, open_tree(pages, key_codec(index)))

    def _open(self, table: Table) -> TableStore:
        with self._lock:
            heap = RelationId(table.relation_id)
            store = self._stores.get(heap)
            if store is None:
                indexes = [self.open_index(table, index) for index in table.indexes]
                store = self._stores[heap] = self._make(table, indexes)
            return store

    def _make(self, table: Table, indexes: list[TableIndex]) -> TableStore:
        return self._make_store(
            RelationId(table.relation_id),
            table.stored_types,
            indexes,
            table.name,
            is_logged=table.persistence != "temporary",
        )

    def _make_store(
        self,
        heap: RelationId,
        types: Sequence[SqlType],
        indexes: list[TableIndex],
        name: str,
        *,
        is_logged: bool = True,
    ) -> TableStore:
        size = self._pages.page_size_bytes
        overflow = Overflow(self._pool.open_relation(overflow_of(heap)), size)
        rows = Heap(self._pool.open_relation(heap), overflow, RowLayout(types), size)
        store = TableStore(
            rows,
            indexes,
            self._transactions,
            name=name,
            trim=self._pool.trim,
            is_logged=is_logged,
        )
        restore_free_space(self._pages, store)
        return store

    def _table_index(self, table: Table, index: Index, tree: BTree) -> TableIndex:
        key_of, positions = self._key_function(table, index)
        predicate = None
        if index.predicate is not None:
            holds = self._compile(table, index.predicate)

            def predicate(values: Values) -> bool:
                return holds(values) is True

        return TableIndex(
            tree,
            key_of,
            is_unique=index.is_unique,
            nulls_not_distinct=index.nulls_not_distinct,
            predicate=predicate,
            positions=positions if predicate is None else None,
            is_deferrable=index.is_deferrable,
            picks_fields=positions is not None,
        )

    def _key_function(
        self, table: Table, index: Index
    ) -> tuple[Callable[[Values], Values], tuple[int, ...] | None]:
        """How a row's key values are taken from its stored values, and which fields that needs (None: any)."""
        if all(key.expression is None for key in index.columns):
            positions = tuple(
                table.stored_positions[table.position_of_number(key.column_number)]
                for key in index.columns
            )
            if len(positions) == 1:
                (only,) = positions
                return lambda values: (values[only],), positions
            return itemgetter(*positions), positions
        parts = [
            self._compile(table, key.expression)
            if key.expression is not None
            else itemgetter(table.stored_positions[table.position_of_number(key.column_number)])
            for key in index.columns
        ]
        return lambda values: tuple([part(values) for part in parts]), None


def open_tree(pages: RelationPages, codec: KeyCodec) -> BTree:
    """The tree in a relation; a relation that never had a page gets an empty one."""
    if pages.page_count == 0:
        return BTree.create(pages, codec, LSN(0))
    return BTree(pages, codec)


def key_codec(index: Index) -> KeyCodec:
    """How an index's keys are encoded."""
    types: list[SqlType] = []
    for key in index.columns:
        assert key.type is not None, "an index in the catalog knows the types of its keys"
        types.append(key.type)
    return KeyCodec(
        types,
        [key.is_descending for key in index.columns],
        [key.nulls_first for key in index.columns],
    )
