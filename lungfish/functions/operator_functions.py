"""The functions behind operators under PostgreSQL's names for them: int4pl is + of integers, booleq is = of booleans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish.functions import arithmetic, comparison, datetime_operators, strings
from lungfish.functions.registry import Function
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERNAL_CHAR,
    INTERVAL,
    NAME,
    NUMERIC,
    OID,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    SqlType,
)

_COMPARISONS = (("eq", "="), ("ne", "<>"), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="))
_ARITHMETIC = (("pl", "+"), ("mi", "-"), ("mul", "*"), ("div", "/"), ("mod", "%"))
_COMPARED: tuple[tuple[str, SqlType], ...] = (
    ("bool", BOOLEAN), ("char", INTERNAL_CHAR), ("int2", SMALLINT), ("int4", INTEGER), ("int8", BIGINT), ("float4", REAL), ("float8", DOUBLE),
    ("oid", OID), ("bpchar", CHAR), ("name", NAME), ("bytea", BYTEA), ("date_", DATE), ("time_", TIME), ("timetz_", TIMETZ),
    ("timestamp_", TIMESTAMP), ("timestamptz_", TIMESTAMPTZ), ("interval_", INTERVAL), ("uuid_", UUID), ("numeric_", NUMERIC),
)  # fmt: skip
_COUNTED: tuple[tuple[str, SqlType], ...] = (
    ("int2", SMALLINT), ("int4", INTEGER), ("int8", BIGINT), ("float4", REAL), ("float8", DOUBLE),
)  # fmt: skip
_OTHERS: tuple[tuple[str, str, SqlType], ...] = (
    ("texteq", "=", TEXT), ("textne", "<>", TEXT), ("text_lt", "<", TEXT), ("text_le", "<=", TEXT), ("text_gt", ">", TEXT),
    ("text_ge", ">=", TEXT), ("text_pattern_lt", "~<~", TEXT), ("text_pattern_le", "~<=~", TEXT), ("text_pattern_gt", "~>~", TEXT),
    ("text_pattern_ge", "~>=~", TEXT), ("bpchar_pattern_lt", "~<~", CHAR), ("bpchar_pattern_le", "~<=~", CHAR),
    ("bpchar_pattern_gt", "~>~", CHAR), ("bpchar_pattern_ge", "~>=~", CHAR), ("textcat", "||", TEXT), ("numeric_add", "+", NUMERIC), ("numeric_sub", "-", NUMERIC),
    ("numeric_mul", "*", NUMERIC), ("numeric_div", "/", NUMERIC), ("numeric_mod", "%", NUMERIC),
    ("interval_pl", "+", INTERVAL), ("interval_mi", "-", INTERVAL), ("date_mi", "-", DATE),
)  # fmt: skip


def _names() -> Iterator[tuple[str, str, SqlType]]:
    for prefix, kind in _COMPARED:
        for word, symbol in _COMPARISONS:
            yield prefix + word, symbol, kind
    for prefix, kind in _COUNTED:
        for word, symbol in _ARITHMETIC:
            yield prefix + word, symbol, kind
    yield from _OTHERS


def _aliases() -> Iterator[Function]:
    sources = (comparison, arithmetic, datetime_operators, strings)
    known = {(item.name, item.arguments): item for source in sources for item in source.FUNCTIONS}
    for name, symbol, kind in _names():
        found = known.get((symbol, (kind, kind)))
        if found is not None:
            yield replace(found, name=name)


FUNCTIONS: tuple[Function, ...] = tuple(_aliases())
