"""Partition keys and bounds as PostgreSQL writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.catalog.partition_parts import PartitionBound, RangeDatum
from lungfish.catalog.partitions import (
    bound_of,
    comparable,
    key_types,
    list_value,
    partitions_of,
    range_end,
)
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_value

_WORDS = {-1: "MINVALUE", 1: "MAXVALUE"}


def key_texts(table: Table) -> list[str]:
    """The columns and expressions of a partition key, as SQL."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    return [
        _expression(item.expression)
        if item.expression is not None
        else quote_identifier(table.columns[table.position_of_number(item.column_number)].name)
        for item in table.partition_key.columns
    ]


def _expression(text: str) -> str:
    return text if _is_call(text) else f"({text})"


def partition_key_text(table: Table) -> str:
    """What stands behind PARTITION BY."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    texts = []
    for text, item in zip(key_texts(table), table.partition_key.columns, strict=True):
        shown = text if item.expression is None or _is_call(text) else f"({text})"
        if item.collation is not None:
            shown += f" COLLATE {quote_identifier(item.collation)}"
        if item.operator_class is not None:
            shown += f" {quote_identifier(item.operator_class)}"
        texts.append(shown)
    return f"{table.partition_key.strategy.upper()} ({', '.join(texts)})"


def _is_call(text: str) -> bool:
    head, _, rest = text.partition("(")
    return re.sub('[_."]', "", head).isalnum() and rest.endswith(")") and "(" not in rest[:-1]


def partition_bound_text(partition: Table, catalog: Catalog) -> str:
    """FOR VALUES ... of a partition, or DEFAULT."""
    bound = bound_of(partition)
    if bound.is_default:
        return "DEFAULT"
    parent = catalog.table(partition.parents[0])
    kinds = key_types(parent)
    if bound.modulus:
        return f"FOR VALUES WITH (modulus {bound.modulus}, remainder {bound.remainder})"
    if bound.values:
        texts = ", ".join(_datum(text, kinds[0]) for text in bound.values)
        return f"FOR VALUES IN ({texts})"
    return f"FOR VALUES FROM ({end_text(bound.lower, kinds)}) TO ({end_text(bound.upper, kinds)})"


def end_text(datums: Sequence[RangeDatum], kinds: Sequence[SqlType]) -> str:
    """One end of a range."""
    return ", ".join(
        _WORDS[datum.kind] if datum.kind else _datum(datum.text, kind)
        for datum, kind in zip(datums, kinds, strict=True)
    )


def _datum(text: str | None, kind: SqlType) -> str:
    if text is None:
        return "NULL"
    if kind.kind is TypeKind.BOOLEAN:
        return "true" if text.startswith("t") else "false"
    value = list_value(text, kind)
    shown = format_value(value, kind.unmodified)
    # Only what is read as a constant of that very type stands without quotes.
    has_point = "." in shown
    if shown.replace(".", "", 1).isdigit() and (
        kind.kind is (TypeKind.NUMERIC if has_point else TypeKind.INTEGER)
    ):
        return shown
    return quote_literal(shown)


# The same as a condition over rows.


def partition_constraint_text(partition: Table, catalog: Catalog) -> str:
    """The condition that is true of a partition's rows, with those of the tables above it."""
    found: list[str] = []
    while partition.partition_bound is not None:
        parent = catalog.table(partition.parents[0])
        found = [*_conditions(bound_of(partition), parent, partition, catalog), *found]
        partition = parent
    if len(found) == 1:
        return found[0]
    return f"({' AND '.join(found)})" if found else "true"


def bound_condition(bound: PartitionBound, parent: Table) -> str:
    """The condition that is true of the rows which a bound takes."""
    return f"({' AND '.join(_plain_conditions(bound, parent))})"


def _conditions(
    bound: PartitionBound, parent: Table, partition: Table, catalog: Catalog
) -> list[str]:
    if not bound.is_default:
        return _plain_conditions(bound, parent)
    others = [
        bound_of(item) for item in partitions_of(parent, catalog) if item.oid != partition.oid
    ]
    return [f"(NOT ({_any_of(others, parent)}))"] if others else []


def _any_of(bounds: Sequence[PartitionBound], parent: Table) -> str:
    """The condition that is true of the rows which one of the bounds takes, none of them the default one."""
    names, kinds = key_texts(parent), key_types(parent)
    if bounds[0].values:
        values = sorted(
            (text for bound in bounds for text in bound.values if text is not None),
            key=lambda text: comparable(list_value(text, kinds[0]), kinds[0]),
        )
        has_null = any(None in bound.values for bound in bounds)
        merged = (*values, None) if has_null else tuple(values)
        parts = _list_parts(merged, names[0], kinds[0])
        return (" OR " if has_null else " AND ").join(parts)
    in_order = sorted(bounds, key=lambda bound: range_end(bound.lower, kinds))
    ranges = [_range_conditions(bound, names, kinds) for bound in in_order]
    if not all(ranges):
        # One of them takes every key that is not null.
        return " AND ".join(_all_given(names) * 2)
    shown = [f"({' AND '.join(each)})" if len(each) > 1 else each[0] for each in ranges]
    either = shown[0] if len(shown) == 1 else f"({' OR '.join(shown)})"
    return " AND ".join([*_all_given(names), either])


def _plain_conditions(bound: PartitionBound, parent: Table) -> list[str]:
    names = key_texts(parent)
    kinds = key_types(parent)
    if bound.modulus:
        arguments = ", ".join(names)
        return [
            f"satisfies_hash_partition('{parent.oid}'::oid, {bound.modulus}, {bound.remainder}, {arguments})"
        ]
    if bound.values:
        return _list_conditions(bound, names[0], kinds[0])
    return [*_all_given(names), *_range_conditions(bound, names, kinds)]


def _all_given(names: Sequence[str]) -> list[str]:
    return [f"({name} IS NOT NULL)" for name in names]


def _range_conditions(
    bound: PartitionBound, names: Sequence[str], kinds: Sequence[SqlType]
) -> list[str]:
    """What a range asks of a key that is not null; columns for which it has one value come first."""
    same = 0
    for low, high in zip(bound.lower, bound.upper, strict=True):
        if low.kind or high.kind or low.text != high.text:
            break
        same += 1
    found = [
        f"({name} = {_typed(datum.text, kind)})"
        for name, datum, kind in zip(names[:same], bound.lower, kinds, strict=False)
    ]
    lower = _lower(names[same:], bound.lower[same:], kinds[same:])
    upper = _upper(names[same:], bound.upper[same:], kinds[same:])
    return [*found, *(each for each in (lower, upper) if each is not None)]


def _list_conditions(bound: PartitionBound, name: str, kind: SqlType) -> list[str]:
    parts = _list_parts(bound.values, name, kind)
    return [f"({' OR '.join(parts)})"] if None in bound.values and len(parts) > 1 else parts


def _list_parts(texts: Sequence[str | None], name: str, kind: SqlType) -> list[str]:
    """Whether the key is null, and whether it is among the values: either, if null is taken, else not the one and the other."""
    values = [_typed(text, kind) for text in texts if text is not None]
    null = f"({name} IS NULL)" if None in texts else f"({name} IS NOT NULL)"
    if not values:
        return [null]
    if len(values) == 1:
        return [null, f"({name} = {values[0]})"]
    return [null, f"({name} = ANY (ARRAY[{', '.join(values)}]))"]


def _typed(text: str | None, kind: SqlType) -> str:
    shown = _datum(text, kind)
    return f"{shown}::{kind.unmodified}" if shown.startswith("'") else shown


def _lower(
    names: Sequence[str], datums: Sequence[RangeDatum], kinds: Sequence[SqlType]
) -> str | None:
    """The row is not below the range; None where that is always so."""
    if datums[0].kind:
        return None if datums[0].kind < 0 else "false"
    name, value = names[0], _typed(datums[0].text, kinds[0])
    if len(datums) == 1 or datums[1].kind < 0:
        return f"({name} >= {value})"
    if datums[1].kind > 0:
        return f"({name} > {value})"
    return f"(({name} > {value}) OR (({name} = {value}) AND {_lower(names[1:], datums[1:], kinds[1:])}))"


def _upper(
    names: Sequence[str], datums: Sequence[RangeDatum], kinds: Sequence[SqlType]
) -> str | None:
    """The row is below the range's end; None where that is always so."""
    if datums[0].kind:
        return None if datums[0].kind > 0 else "false"
    name, value = names[0], _typed(datums[0].text, kinds[0])
    if len(datums) == 1 or datums[1].kind < 0:
        return f"({name} < {value})"
    if datums[1].kind > 0:
        return f"({name} <= {value})"
    return f"(({name} < {value}) OR (({name} = {value}) AND {_upper(names[1:], datums[1:], kinds[1:])}))"
