"""The names of all relations, from the committed catalog."""

from __future__ import annotations

from lungfish.catalog import Catalog
from lungfish.catalog.store import CATALOG_HEAP, CATALOG_INDEX, CATALOG_OVERFLOW
from lungfish.database.table_stores import overflow_of
from lungfish.recovery.relation_names import RelationName
from lungfish.storage.ids import RelationId

_CATALOG = "catalog"
_PG_CATALOG = "pg_catalog"


def relation_names(catalog: Catalog) -> dict[RelationId, RelationName]:
    """What each relation is called; the catalog's own three among them."""
    names = {
        CATALOG_HEAP: RelationName(0, _PG_CATALOG, _CATALOG, "table", _CATALOG),
        CATALOG_OVERFLOW: RelationName(0, _PG_CATALOG, _CATALOG, "toast", _CATALOG),
        CATALOG_INDEX: RelationName(0, _PG_CATALOG, "catalog_oid_index", "index", _CATALOG),
    }
    for table in catalog.tables():
        schema = catalog.namespace_name(table.namespace_oid)
        heap = RelationId(table.relation_id)
        names[heap] = RelationName(table.oid, schema, table.name, "table", table.name)
        names[overflow_of(heap)] = RelationName(table.oid, schema, table.name, "toast", table.name)
        for index in table.indexes:
            names[RelationId(index.relation_id)] = RelationName(
                index.oid, schema, index.name, "index", table.name
            )
    return names
