"""The tables that a dump of some tables only is of."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from lungfish.catalog import Catalog
from lungfish.catalog.objects import CatalogObject, Table, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import UndefinedTable


def select_tables(
    catalog: Catalog, items: Iterable[CatalogObject], patterns: Sequence[str]
) -> list[CatalogObject]:
    """The tables, views and sequences that a pattern names: `t`, `s.t`, with `*` and `?`. A name without a schema is looked for in all.

    Sequences that a chosen table owns come with it. Raises UndefinedTable for a pattern that names nothing.
    """
    relations = [item for item in items if isinstance(item, (Table, View, SequenceObject))]
    chosen: dict[int, CatalogObject] = {}
    for pattern in patterns:
        found = [item for item in relations if _matches(catalog, item, pattern)]
        if not found:
            raise UndefinedTable(f'no matching tables were found for "{pattern}"')
        for item in found:
            chosen[item.oid] = item
            if isinstance(item, Table):
                chosen.update((each.oid, each) for each in catalog.owned_sequences(item.oid))
    return list(chosen.values())


def _matches(catalog: Catalog, item: Table | View | SequenceObject, pattern: str) -> bool:
    schema = catalog.namespace_name(item.namespace_oid)
    name = f"{schema}.{item.name}" if "." in pattern else item.name
    return fnmatch.fnmatchcase(name, pattern)
