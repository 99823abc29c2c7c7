"""What the functions of `functions/partition_functions.py` answer, from the catalog as the statement sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.inheritance import index_of_oid
from lungfish.catalog.objects import Index, Oid, Table
from lungfish.catalog.partitions import key_types, partitions_of
from lungfish.errors import InvalidParameterValue
from lungfish.executor.partition_texts import partition_constraint_text, partition_key_text
from lungfish.functions.partition_hash import partition_hash
from lungfish.sql.rename import without_schema

Answer = Callable[[Catalog, Sequence[Any]], Any]
# oid, oid of what it is part of, whether it has no parts of its own, level below the root asked for.
TreeRow = tuple[int, int | None, bool, int]


def _table(catalog: Catalog, oid: int) -> Table | None:
    found = catalog.object(Oid(oid))
    return found if isinstance(found, Table) else None


def _index(catalog: Catalog, oid: int) -> Index | None:
    try:
        return index_of_oid(Oid(oid), catalog)
    except KeyError:
        return None


def key_text(
    catalog: Catalog, arguments: Sequence[Any], search_path: tuple[str, ...]
) -> str | None:
    """What pg_get_partkeydef answers: without the schemas that the search path makes needless."""
    table = _table(catalog, arguments[0])
    if table is None or table.partition_key is None:
        return None
    text = partition_key_text(table)
    for schema in search_path:
        text = without_schema(text, schema)
    return text


def _constraint_text(catalog: Catalog, arguments: Sequence[Any]) -> str | None:
    table = _table(catalog, arguments[0])
    if table is None or table.partition_bound is None:
        return None
    return partition_constraint_text(table, catalog)


def _is_part_or_whole(catalog: Catalog, oid: int) -> bool:
    table = _table(catalog, oid)
    if table is not None:
        return table.partition_key is not None or table.partition_bound is not None
    index = _index(catalog, oid)
    return index is not None and (
        index.parent_oid is not None or catalog.table(index.table_oid).partition_key is not None
    )


def _parent_of(catalog: Catalog, oid: int) -> int | None:
    table = _table(catalog, oid)
    if table is not None:
        return int(table.parents[0]) if table.partition_bound is not None else None
    index = _index(catalog, oid)
    return None if index is None or index.parent_oid is None else int(index.parent_oid)


def _ancestors(catalog: Catalog, arguments: Sequence[Any]) -> list[int]:
    """The relation itself, then what it is part of, up to the root."""
    oid: int | None = arguments[0]
    if oid is None or not _is_part_or_whole(catalog, oid):
        return []
    found: list[int] = []
    while oid is not None:
        found.append(oid)
        oid = _parent_of(catalog, oid)
    return found


def _root(catalog: Catalog, arguments: Sequence[Any]) -> int | None:
    found = _ancestors(catalog, arguments)
    return found[-1] if found else None


def _parts(catalog: Catalog, oid: int) -> list[int]:
    table = _table(catalog, oid)
    if table is not None:
        return [int(item.oid) for item in partitions_of(table, catalog)]
    index = _index(catalog, oid)
    if index is None:
        return []
    return sorted(
        int(item.oid)
        for part in partitions_of(catalog.table(index.table_oid), catalog)
        for item in part.indexes
        if item.parent_oid == index.oid
    )


def _has_parts(catalog: Catalog, oid: int) -> bool:
    table = _table(catalog, oid)
    if table is None:
        index = _index(catalog, oid)
        assert index is not None, "asked of relations only"
        table = catalog.table(index.table_oid)
    return table.partition_key is not None


def _tree(catalog: Catalog, arguments: Sequence[Any]) -> list[TreeRow]:
    """The relation and what is part of it, nearer ones first."""
    oid = arguments[0]
    if not _is_part_or_whole(catalog, oid):
        return []
    found: list[TreeRow] = []
    level, waiting = 0, [oid]
    while waiting:
        for each in waiting:
            parent = _parent_of(catalog, each)
            found.append((each, parent, not _has_parts(catalog, each), level))
        waiting = [part for each in waiting for part in _parts(catalog, each)]
        level += 1
    return found


def _satisfies(catalog: Catalog, arguments: Sequence[Any]) -> bool:
    oid, modulus, remainder, values, types = arguments
    table = _table(catalog, oid)
    if table is None or table.partition_key is None or table.partition_key.strategy != "hash":
        name = oid if table is None else table.name
        raise InvalidParameterValue(f'"{name}" is not a hash partitioned table')
    if modulus <= 0:
        raise InvalidParameterValue(
            "modulus for hash partition must be an integer value greater than zero"
        )
    if remainder < 0:
        raise InvalidParameterValue(
            "remainder for hash partition must be an integer value greater than or equal to zero"
        )
    if remainder >= modulus:
        raise InvalidParameterValue("remainder for hash partition must be less than modulus")
    kinds = key_types(table)
    if len(values) != len(kinds):
        raise InvalidParameterValue(
            f"number of partitioning columns ({len(kinds)}) does not match number of partition keys "
            f"provided ({len(values)})"
        )
    for number, (kind, given) in enumerate(zip(kinds, types, strict=True), 1):
        if kind.unmodified != given.unmodified:
            raise InvalidParameterValue(
                f'column {number} of the partition key has type "{kind}", but supplied value is of type "{given}"'
            )
    return bool(partition_hash(values, kinds) % modulus == remainder)


PARTITION_ANSWERS: dict[str, Answer] = {
    "pg_get_partition_constraintdef": _constraint_text,
    "pg_partition_root": _root,
    "pg_partition_ancestors": _ancestors,
    "pg_partition_tree": _tree,
    "satisfies_hash_partition": _satisfies,
}
