"""pg_relation_size and its kin: bytes of a relation's pages, in memory or in the file, and of the whole file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Oid, Table
from lungfish.errors import InvalidCatalogName, InvalidParameterValue, UndefinedObject

if TYPE_CHECKING:
    from lungfish.catalog.catalog import Catalog
    from lungfish.database import Database

# There is one database; its tablespaces are those that PostgreSQL has from the first.
_DATABASE_OID = 1
_TABLESPACES = {"pg_default": 1663, "pg_global": 1664}
_FORKS = ("main", "fsm", "vm", "init")


def size_in_bytes(
    database: Database, catalog: Catalog, name: str, arguments: Sequence[Any]
) -> int | None:
    """What the function of that name answers."""
    item = arguments[0]
    match name:
        case "pg_database_size":
            return _database_size(database, item)
        case "pg_tablespace_size":
            return _tablespace_size(database, item)
    fork = arguments[1] if len(arguments) > 1 else "main"
    if fork not in _FORKS:
        raise InvalidParameterValue(
            "invalid fork name", hint='Valid fork names are "main", "fsm", "vm", and "init".'
        )
    size = _relation_size(database, catalog, name, item)
    # Free space and visibility have no pages of their own here.
    return size if size is None or fork == "main" else 0


def _database_size(database: Database, item: str | int) -> int | None:
    if isinstance(item, str) and item != database.name:
        raise InvalidCatalogName(f'database "{item}" does not exist')
    if isinstance(item, int) and item != _DATABASE_OID:
        return None
    return database.core.store.usage().file_bytes


def _tablespace_size(database: Database, item: str | int) -> int:
    """All of the file is in the default one."""
    if isinstance(item, str) and item not in _TABLESPACES:
        raise UndefinedObject(f'tablespace "{item}" does not exist')
    if isinstance(item, int) and item not in _TABLESPACES.values():
        raise UndefinedObject(f"tablespace with OID {item} does not exist")
    is_default = item in ("pg_default", _TABLESPACES["pg_default"])
    return database.core.store.usage().file_bytes if is_default else 0


def _relation_size(database: Database, catalog: Catalog, name: str, oid: int) -> int | None:
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
