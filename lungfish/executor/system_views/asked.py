"""What the functions about the catalog ask: the catalog and the search path of the statement that calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.catalog import Relation
from lungfish.catalog.objects import Index, Oid, Table, UserType
from lungfish.errors import UndefinedTable
from lungfish.sql.quoting import relation_name
from lungfish.types.sql_type import TypeKind


def is_composite(item: UserType) -> bool:
    """Whether the type is one of CREATE TYPE AS (...), which is a relation without rows too."""
    return item.base is None and item.type.kind is TypeKind.RECORD


class Asked:
    """The catalog and the search path of the statement that asks."""

    def __init__(self, catalog: Catalog, search_path: tuple[str, ...]) -> None:
        self.catalog = catalog
        self.search_path = search_path

    def relation(self, name: str) -> Relation | UserType | tuple[Table, Index]:
        """What regclass finds under a name. Raises UndefinedTable, and as `relation_name`."""
        schema, bare = relation_name(name)
        found = self.catalog.find_relation(bare, schema, self.search_path)
        if found is not None:
            return found
        index = self.catalog.find_index(bare, schema, self.search_path)
        if index is not None:
            return index
        composite = self.catalog.find_type(bare, schema, self.search_path)
        if composite is not None and is_composite(composite):
            return composite
        shown = bare if schema is None else f"{schema}.{bare}"
        raise UndefinedTable(f'relation "{shown}" does not exist')

    def index(self, oid: int) -> tuple[Table, Index] | None:
        """The index with that oid."""
        for table in self.catalog.tables():
            for index in table.indexes:
                if index.oid == oid:
                    return table, index
        return None

    def is_visible(self, name: str, namespace_oid: Oid, oid: int) -> bool:
        """Whether the bare name means the object."""
        found = self.catalog.find_relation(name, None, self.search_path)
        return found is not None and found.oid == oid and found.namespace_oid == namespace_oid

    def schemas(self) -> list[str]:
        """Where bare names of functions and types are looked for, in that order."""
        path = list(self.search_path)
        return path if "pg_catalog" in path else ["pg_catalog", *path]


# A function about the catalog, of its arguments.
Answer = Callable[[Asked, Sequence[Any]], Any]
