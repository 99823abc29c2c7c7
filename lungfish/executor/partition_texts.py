"""Partition keys and bounds as PostgreSQL writes them."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import RangeDatum, Table
from lungfish.catalog.partitions import bound_of, key_types, list_value
from lungfish.sql.quoting import quote_identifier, quote_literal
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_value

_BARE = frozenset(
    {
        TypeKind.SMALLINT,
        TypeKind.INTEGER,
        TypeKind.BIGINT,
        TypeKind.NUMERIC,
        TypeKind.DOUBLE,
        TypeKind.REAL,
        TypeKind.OID,
    }
)
_WORDS = {-1: "MINVALUE", 1: "MAXVALUE"}


def key_texts(table: Table) -> list[str]:
    """The columns and expressions of a partition key, as SQL."""
    assert table.partition_key is not None, "asked of partitioned tables only"
    return [
        item.expression
        if item.expression is not None
        else quote_identifier(table.columns[table.position_of_number(item.column_number)].name)
        for item in table.partition_key.columns
    ]


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
    return f"FOR VALUES FROM ({_end(bound.lower, kinds)}) TO ({_end(bound.upper, kinds)})"


def _end(datums: Sequence[RangeDatum], kinds: Sequence[SqlType]) -> str:
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
    if kind.kind in _BARE and shown.replace(".", "", 1).isdigit():
        return shown
    return quote_literal(shown)
