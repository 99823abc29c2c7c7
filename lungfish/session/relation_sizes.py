"""pg_relation_size and its kin: bytes of a relation's pages, in memory or in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.catalog.objects import Oid, Table

if TYPE_CHECKING:
    from lungfish.catalog.catalog import Catalog
    from lungfish.database import Database


def relation_size(database: Database, catalog: Catalog, name: str, oid: int) -> int | None:
    """What the function of that name answers; None for an oid that is nothing's, 0 for what has no pages."""
    item = catalog.object(Oid(oid))
    page_size = database.core.store.page_size_bytes
    if isinstance(item, Table):
        store = database.stores.get(item)
        heap = store.heap.pages.page_count
        overflow = store.heap.overflow.pages.page_count
        indexes = sum(index.btree.pages.page_count for index in store.indexes)
        pages = {
            "pg_relation_size": heap,
            "pg_table_size": heap + overflow,
            "pg_indexes_size": indexes,
            "pg_total_relation_size": heap + overflow + indexes,
        }
        return pages[name] * page_size
    if item is not None:
        return 0
    for table in catalog.tables():
        for place, index in enumerate(table.indexes):
            if index.oid == oid:
                stored = database.stores.get(table).indexes[place]
                return stored.btree.pages.page_count * page_size
    return None
