"""The functions behind operators under PostgreSQL's names for them: int4pl is + of integers, booleq is = of booleans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish.functions import (
    arithmetic,
    arrays,
    bit_operators,
    comparison,
    datetime_operators,
    ranges,
    strings,
)
from lungfish.functions.registry import ArgumentType, Function, Polymorphic
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
    JSONB,
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


_P = Polymorphic
_RANGE, _MULTI, _ARRAY = _P.ANYRANGE, _P.ANYMULTIRANGE, _P.ANYARRAY
_PLACES = (
    ("before", "<<"), ("after", ">>"), ("overleft", "&<"), ("overright", "&>"), ("adjacent", "-|-"),
)  # fmt: skip
# Of which operator, and over which types.
_POLYMORPHIC: tuple[tuple[str, str, tuple[ArgumentType, ...]], ...] = (
    *((f"range_{word}", symbol, (_RANGE, _RANGE)) for word, symbol in (*_COMPARISONS, *_PLACES)),
    *((f"multirange_{word}", symbol, (_MULTI, _MULTI)) for word, symbol in _COMPARISONS),
    *((f"array_{word}", symbol, (_ARRAY, _ARRAY)) for word, symbol in _COMPARISONS),
    *((f"record_{word}", symbol, (_P.RECORD, _P.RECORD)) for word, symbol in _COMPARISONS),
    *((f"enum_{word}", symbol, (_P.ANYENUM, _P.ANYENUM)) for word, symbol in _COMPARISONS),
    *((f"jsonb_{word}", symbol, (JSONB, JSONB)) for word, symbol in _COMPARISONS),
    *((f"range_{word}_multirange", symbol, (_RANGE, _MULTI)) for word, symbol in _PLACES),
    *((f"multirange_{word}_range", symbol, (_MULTI, _RANGE)) for word, symbol in _PLACES),
    *((f"multirange_{word}_multirange", symbol, (_MULTI, _MULTI)) for word, symbol in _PLACES),
    *(
        (f"{prefix}_{word}", symbol, (kind, kind))
        for prefix, kind in (("range", _RANGE), ("multirange", _MULTI))
        for word, symbol in (("union", "+"), ("minus", "-"), ("intersect", "*"))
    ),
    ("range_overlaps", "&&", (_RANGE, _RANGE)), ("range_overlaps_multirange", "&&", (_RANGE, _MULTI)),
    ("multirange_overlaps_range", "&&", (_MULTI, _RANGE)), ("multirange_overlaps_multirange", "&&", (_MULTI, _MULTI)),
    ("range_contains", "@>", (_RANGE, _RANGE)), ("range_contained_by", "<@", (_RANGE, _RANGE)),
    ("range_contains_elem", "@>", (_RANGE, _P.ANYELEMENT)), ("elem_contained_by_range", "<@", (_P.ANYELEMENT, _RANGE)),
    ("range_contains_multirange", "@>", (_RANGE, _MULTI)), ("range_contained_by_multirange", "<@", (_RANGE, _MULTI)),
    ("multirange_contains_elem", "@>", (_MULTI, _P.ANYELEMENT)), ("elem_contained_by_multirange", "<@", (_P.ANYELEMENT, _MULTI)),
    ("multirange_contains_range", "@>", (_MULTI, _RANGE)), ("multirange_contained_by_range", "<@", (_MULTI, _RANGE)),
    ("multirange_contains_multirange", "@>", (_MULTI, _MULTI)), ("multirange_contained_by_multirange", "<@", (_MULTI, _MULTI)),
    ("arraycontains", "@>", (_ARRAY, _ARRAY)), ("arraycontained", "<@", (_ARRAY, _ARRAY)), ("arrayoverlap", "&&", (_ARRAY, _ARRAY)),
)  # fmt: skip
_PREFIXES: tuple[tuple[str, str, SqlType], ...] = (
    *((f"{prefix}um", "-", kind) for prefix, kind in _COUNTED),
    *((f"{prefix}up", "+", kind) for prefix, kind in _COUNTED),
    *((f"{prefix}not", "~", kind) for prefix, kind in _COUNTED[:3]),
    ("numeric_uminus", "-", NUMERIC), ("numeric_uplus", "+", NUMERIC), ("interval_um", "-", INTERVAL),
)  # fmt: skip


def _wanted() -> Iterator[tuple[str, str, tuple[ArgumentType, ...]]]:
    for name, symbol, kind in _names():
        yield name, symbol, (kind, kind)
    for name, symbol, kind in _PREFIXES:
        yield name, symbol, (kind,)
    yield from _POLYMORPHIC


def _aliases() -> Iterator[Function]:
    sources = (
        comparison, arithmetic, bit_operators, datetime_operators, strings, ranges, arrays,
    )  # fmt: skip
    known = {(item.name, item.arguments): item for source in sources for item in source.FUNCTIONS}
    for name, symbol, kinds in _wanted():
        found = known.get((symbol, kinds))
        if found is not None:
            yield replace(found, name=name)


FUNCTIONS: tuple[Function, ...] = tuple(_aliases())
