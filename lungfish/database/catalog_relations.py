"""The catalog's own relations, and the counters from which new numbers come."""

from __future__ import annotations

import threading

from lungfish.catalog.store import (
    CATALOG_HEAP,
    CATALOG_INDEX,
    CATALOG_OVERFLOW,
    CATALOG_TYPES,
    FIRST_RELATION_ID,
)
from lungfish.catalog.objects import FIRST_USER_OID
from lungfish.storage import BufferPool, PageStore, RelationKind
from lungfish.storage.btree import BTree
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN
from lungfish.storage.keys import KeyCodec
from lungfish.storage.overflow import Overflow
from lungfish.storage.rows import RowLayout
from lungfish.storage.table import TableIndex, TableStore
from lungfish.storage.transactions import TransactionManager
from lungfish.types.sql_type import BIGINT


def create_catalog_relations(pool: BufferPool) -> None:
    """Make the catalog's relations in a new database."""
    pool.create_relation(CATALOG_HEAP, RelationKind.HEAP)
    pool.create_relation(CATALOG_OVERFLOW, RelationKind.OVERFLOW)
    BTree.create(
        pool.create_relation(CATALOG_INDEX, RelationKind.INDEX), KeyCodec([BIGINT]), LSN(0)
    )


def open_catalog_table(
    pool: BufferPool, pages: PageStore, transactions: TransactionManager
) -> TableStore:
    """The catalog's heap with its index on the oid."""
    size = pages.page_size_bytes
    overflow = Overflow(pool.open_relation(CATALOG_OVERFLOW), size)
    heap = Heap(pool.open_relation(CATALOG_HEAP), overflow, RowLayout(CATALOG_TYPES), size)
    tree = BTree(pool.open_relation(CATALOG_INDEX), KeyCodec([BIGINT]))
    index = TableIndex(tree, lambda values: (values[0],), is_unique=True, positions=(0,))
    return TableStore(heap, [index], transactions, name="the catalog", trim=pool.trim)


class NumberCounters:
    """Hands out oids and relation numbers, each once in the life of the database; see `catalog/store.py`, invariant 2.

    Relation numbers go up in steps of two: a heap's long values live in the relation after it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next_oid = FIRST_USER_OID
        self._next_relation_id = FIRST_RELATION_ID

    def go_on_from(self, next_oid: int, next_relation_id: int) -> None:
        """Hand out nothing below these."""
        with self._lock:
            self._next_oid = max(self._next_oid, next_oid)
            self._next_relation_id = max(self._next_relation_id, next_relation_id)

    def new_oid(self) -> int:
        """A number for an object."""
        with self._lock:
            self._next_oid += 1
            return self._next_oid - 1

    def new_relation_id(self) -> int:
        """A number for a relation."""
        with self._lock:
            self._next_relation_id += 2
            return self._next_relation_id - 2

    def counters(self) -> tuple[int, int]:
        """What will be handed out next."""
        with self._lock:
            return self._next_oid, self._next_relation_id
