"""The partitions of a table: their bounds as values, their order, and which of them a row's key belongs to.

Keys are compared as the comparison operators of their types compare (`types/compare.py`). An end of a range is a tuple with a
pair for each column of the key, and a row's key has the same form, so that plain comparison of tuples is the order:

    MINVALUE  (-1, None)        a value  (0, its comparison key)        MAXVALUE  (1, None)

Invariants, kept by whoever makes partitions:
1. No two partitions take the same row, and at most one is the default.
2. Of two moduli of hash partitions the greater is a multiple of the smaller.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.catalog.partition_parts import PartitionBound, RangeDatum
from lungfish.functions.partition_hash import partition_hash
from lungfish.types.compare import comparison_key
from lungfish.types.sql_type import SqlType
from lungfish.types.text_parse import parse_value

# The values of a partition key, in its order; None is NULL.
KeyRow = Sequence[Any]
RangeEnd = tuple[tuple[int, Any], ...]


def key_types(table: Table) -> tuple[SqlType, ...]:
    """The types of a partitioned table's key."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    return tuple(
        table.columns[table.position_of_number(item.column_number)].type
        if item.column_number
        else item.type
        for item in table.partition_key.columns
    )


@lru_cache(maxsize=4096)
def _parsed(text: str, kind: SqlType) -> Any:
    return parse_value(text, kind)


def list_value(text: str | None, kind: SqlType) -> Any:
    """The value of a bound's text."""
    return None if text is None else _parsed(text, kind.unmodified)


def comparable(value: Any, kind: SqlType) -> Any:
    """What a value that is not NULL is compared by."""
    key = comparison_key(kind)
    return value if key is None else key(value)


def range_end(datums: Sequence[RangeDatum], kinds: Sequence[SqlType]) -> RangeEnd:
    """An end of a range, to be compared."""
    return tuple(
        (0, comparable(list_value(datum.text, kind), kind))
        if datum.kind == 0
        else (datum.kind, None)
        for datum, kind in zip(datums, kinds, strict=True)
    )


def partitions_of(table: Table, catalog: Catalog) -> list[Table]:
    """The partitions of a table, by oid."""
    return catalog.children(table.oid)


def bound_of(partition: Table) -> PartitionBound:
    """The bound of a partition."""
    assert partition.partition_bound is not None, "asked of partitions only"
    return partition.partition_bound


def ordered_partitions(table: Table, catalog: Catalog) -> list[Table]:
    """The partitions in the order of their bounds, the default last."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    kinds = key_types(table)
    strategy = table.partition_key.strategy

    def place(partition: Table) -> Any:
        bound = bound_of(partition)
        if bound.is_default:
            return (2,)
        if strategy == "range":
            return (0, range_end(bound.upper, kinds))
        if strategy == "hash":
            return (0, bound.modulus, bound.remainder)
        values = [list_value(text, kinds[0]) for text in bound.values]
        known = [comparable(value, kinds[0]) for value in values if value is not None]
        return (0, min(known)) if known else (1,)

    return sorted(partitions_of(table, catalog), key=place)


@dataclass(frozen=True, slots=True)
class PartitionMap:
    """Where the rows of one partitioned table go. `find` answers the partition of a key, None if no partition takes it."""

    table: Table
    find: Callable[[KeyRow], Table | None]


def make_partition_map(table: Table, catalog: Catalog) -> PartitionMap:
    """The map of a partitioned table as the catalog has it."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    maker = {"range": _range_finder, "list": _list_finder, "hash": _hash_finder}
    partitions = ordered_partitions(table, catalog)
    find = maker[table.partition_key.strategy](partitions, key_types(table))
    return PartitionMap(table, find)


def _default_of(partitions: Sequence[Table]) -> Table | None:
    return next((item for item in partitions if bound_of(item).is_default), None)


def _range_finder(
    partitions: Sequence[Table], kinds: Sequence[SqlType]
) -> Callable[[KeyRow], Table | None]:
    default = _default_of(partitions)
    plain = [item for item in partitions if not bound_of(item).is_default]
    lowers = [range_end(bound_of(item).lower, kinds) for item in plain]
    uppers = [range_end(bound_of(item).upper, kinds) for item in plain]
    keys = [comparison_key(kind) for kind in kinds]

    def find(row: KeyRow) -> Table | None:
        if None in row:
            return default
        place = tuple(
            [
                (0, value if key is None else key(value))
                for value, key in zip(row, keys, strict=True)
            ]
        )
        at = bisect_right(uppers, place)
        if at < len(plain) and lowers[at] <= place:
            return plain[at]
        return default

    return find


def _list_finder(
    partitions: Sequence[Table], kinds: Sequence[SqlType]
) -> Callable[[KeyRow], Table | None]:
    default = _default_of(partitions)
    (kind,) = kinds
    key = comparison_key(kind)
    owners: dict[Any, Table] = {}
    for item in partitions:
        for text in bound_of(item).values:
            value = list_value(text, kind)
            owners[None if value is None else ("value", comparable(value, kind))] = item

    def find(row: KeyRow) -> Table | None:
        value = row[0]
        if value is None:
            return owners.get(None, default)
        return owners.get(("value", value if key is None else key(value)), default)

    return find


def _hash_finder(
    partitions: Sequence[Table], kinds: Sequence[SqlType]
) -> Callable[[KeyRow], Table | None]:
    greatest = max((bound_of(item).modulus for item in partitions), default=1)
    owners: list[Table | None] = [None] * greatest
    for item in partitions:
        bound = bound_of(item)
        for remainder in range(bound.remainder, greatest, bound.modulus):
            owners[remainder] = item

    def find(row: KeyRow) -> Table | None:
        return owners[partition_hash(row, kinds) % greatest]

    return find
