"""Partition keys and bounds as PostgreSQL writes them."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import PartitionBound, RangeDatum, Table
from lungfish.catalog.partitions import bound_of, key_types, list_value, partitions_of
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
        texts.append(shown)
    return f"{table.partition_key.strategy.upper()} ({', '.join(texts)})"


def _is_call(text: str) -> bool:
    head, _, rest = text.partition("(")
    return head.replace("_", "").isalnum() and rest.endswith(")") and "(" not in rest[:-1]


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
        bound_condition(bound_of(item), parent)
        for item in partitions_of(parent, catalog)
        if item.oid != partition.oid
    ]
    return [f"(NOT ({' OR '.join(others)}))"] if others else []


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
    found = [f"({name} IS NOT NULL)" for name in names]
    lower = _lower(names, bound.lower, kinds)
    upper = _upper(names, bound.upper, kinds)
    return [*found, *(each for each in (lower, upper) if each is not None)]


def _list_conditions(bound: PartitionBound, name: str, kind: SqlType) -> list[str]:
    values = [_typed(text, kind) for text in bound.values if text is not None]
    if not values:
        return [f"({name} IS NULL)"]
    if len(values) == 1:
        test = f"({name} = {values[0]})"
    else:
        test = f"({name} = ANY (ARRAY[{', '.join(values)}]))"
    if None in bound.values:
        return [f"(({name} IS NULL) OR {test})"]
    return [f"({name} IS NOT NULL)", test]


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
