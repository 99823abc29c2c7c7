"""The catalog's own heap: one row an object, written in the transaction that makes the change.

    relation 2 heap, 3 its overflow, 4 index on oid
    row:  oid bigint | object text (JSON, see codec.py)
    oid 0 keeps the counters from which oids and relation numbers are handed out

Invariants:
1. One transaction at a time writes here: whoever runs DDL holds the catalog's lock until it ends. So the committed
   successor of the catalog is simply the writer's own.
2. The counters are written with every change, so a number that a committed object has is never handed out again; not
   even after the object is gone, because the log may still speak of its relation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.codec import decode_object, encode_object
from lungfish.catalog.objects import CatalogObject, Oid, SystemView
from lungfish.catalog.roles import RoleObject
from lungfish.errors import CorruptDatabase
from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.rows import Values
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table import LockWait, TableStore
from lungfish.storage.transactions import Transaction
from lungfish.types.sql_type import BIGINT, TEXT

CATALOG_HEAP = RelationId(2)
CATALOG_OVERFLOW = RelationId(3)
CATALOG_INDEX = RelationId(4)
CATALOG_TYPES = (BIGINT, TEXT)
# Relations from here on are users' own.
FIRST_RELATION_ID = 16
_COUNTERS = Oid(0)


class CatalogStore:
    """Reads and writes catalog objects in a TableStore whose only index is on the oid."""

    def __init__(self, table: TableStore) -> None:
        self.table = table

    def load(self, snapshot: Snapshot, system_views: Iterable[SystemView]) -> Catalog:
        """The catalog that the snapshot sees. Raises CorruptDatabase if a row is none of ours."""
        empty = Catalog.empty(system_views)
        objects: dict[Oid, CatalogObject] = {item.oid: item for item in empty.objects()}
        roles: list[RoleObject] = []
        counters = (empty.next_oid, empty.next_relation_id)
        for batch in self.table.scan(snapshot, (0, 1)):
            for oid, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if oid == _COUNTERS:
                    counters = _decode_counters(text)
                    continue
                item = decode_object(text)
                if isinstance(item, RoleObject):
                    roles.append(item)
                else:
                    objects[Oid(oid)] = item
        authority = empty.authority.put(*roles) if roles else empty.authority
        return Catalog(objects, authority, next_oid=counters[0], next_relation_id=counters[1])

    def find(self, snapshot: Snapshot, oid: Oid) -> TupleId | None:
        """Where the object's row is."""
        index = self.table.indexes[0]
        for rows in self.table.index_scan(snapshot, index, index.btree.codec.key_range(oid)):
            for address, _ in rows:
                return address
        return None


def _decode_counters(text: str) -> tuple[int, int]:
    try:
        next_oid, next_relation_id = json.loads(text)
        return int(next_oid), int(next_relation_id)
    except (ValueError, TypeError) as error:
        raise CorruptDatabase(f"the catalog's counters cannot be read: {text[:80]!r}") from error


class CatalogRowWriter:
    """One transaction's writes. Implements `executor.ddl.context.CatalogRows`."""

    def __init__(self, store: CatalogStore, transaction: Transaction) -> None:
        self._store = store
        self._transaction = transaction

    def write(self, item: CatalogObject | RoleObject) -> None:
        """Insert the object's row, or replace it."""
        self._put(item.oid, encode_object(item))

    def write_counters(self, next_oid: int, next_relation_id: int) -> None:
        """Keep the counters."""
        self._put(_COUNTERS, json.dumps([next_oid, next_relation_id]))

    def remove(self, oid: Oid) -> None:
        """Delete the object's row."""
        snapshot = self._transaction.statement_snapshot()
        address = self._store.find(snapshot, oid)
        if address is not None:
            self._lock(snapshot, address)
            self._store.table.delete(self._transaction, address)

    def _put(self, oid: Oid, text: str) -> None:
        snapshot = self._transaction.statement_snapshot()
        address = self._store.find(snapshot, oid)
        values: Values = (oid, text)
        if address is None:
            self._store.table.insert(self._transaction, values)
        else:
            self._lock(snapshot, address)
            self._store.table.update(self._transaction, address, values)

    def _lock(self, snapshot: Snapshot, address: TupleId) -> None:
        self._store.table.lock(self._transaction, snapshot, address, wait=LockWait.BLOCK)
