"""The functions behind operators under PostgreSQL's names for them: int4pl is + of integers, booleq is = of booleans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish.functions import (
    arithmetic,
    arrays,
    binary_strings,
    bit_operators,
    comparison,
    comparison_dates,
    datetime_operators,
    enums,
    interval_math,
    json_path_functions,
    like,
    log_positions,
    math_functions,
    ranges,
    regexp_functions,
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
    JSONPATH,
    NAME,
    NUMERIC,
    OID,
    PG_LSN,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    SqlType,
    TypeKind,
)

BIT, VARBIT = SqlType(TypeKind.BIT), SqlType(TypeKind.VARBIT)
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


# Comparisons and arithmetic of two types, by the number that stands for both: int24pl is smallint + integer.
_MIXED: tuple[tuple[str, SqlType, SqlType], ...] = (
    ("int24", SMALLINT, INTEGER), ("int28", SMALLINT, BIGINT), ("int42", INTEGER, SMALLINT), ("int48", INTEGER, BIGINT),
    ("int82", BIGINT, SMALLINT), ("int84", BIGINT, INTEGER), ("float48", REAL, DOUBLE), ("float84", DOUBLE, REAL),
)  # fmt: skip
_MOMENTS: tuple[tuple[str, SqlType], ...] = (
    ("date", DATE), ("timestamp", TIMESTAMP), ("timestamptz", TIMESTAMPTZ),
)  # fmt: skip
_MATCHES = (
    ("like", "~~"), ("nlike", "!~~"), ("iclike", "~~*"), ("icnlike", "!~~*"), ("regexeq", "~"), ("regexne", "!~"),
    ("icregexeq", "~*"), ("icregexne", "!~*"),
)  # fmt: skip
_BY_TYPES: tuple[tuple[str, str, tuple[ArgumentType, ...]], ...] = (
    *(
        (prefix + word, symbol, (left, right))
        for prefix, left, right in _MIXED
        for word, symbol in (*_COMPARISONS, *_ARITHMETIC[:4])
    ),
    *(
        (f"{one}_{word}_{other}", symbol, (left, right))
        for one, left in _MOMENTS
        for other, right in _MOMENTS
        for word, symbol in _COMPARISONS
        if one != other
    ),
    *((f"name{word}text", symbol, (NAME, TEXT)) for word, symbol in _COMPARISONS),
    *((f"text{word}name", symbol, (TEXT, NAME)) for word, symbol in _COMPARISONS),
    *(
        (prefix + word, symbol, (kind, TEXT))
        for prefix, kind in (("text", TEXT), ("name", NAME), ("bpchar", CHAR))
        for word, symbol in _MATCHES
    ),
    *(
        (f"{prefix}{word}", symbol, (kind, kind))
        for prefix, kind in (("bit", BIT), ("varbit", VARBIT), ("pg_lsn_", PG_LSN))
        for word, symbol in _COMPARISONS
    ),
    *(
        (f"{prefix}{word}", symbol, (kind, kind))
        for prefix, kind in _COUNTED[:3]
        for word, symbol in (("and", "&"), ("or", "|"), ("xor", "#"))
    ),
    *(
        (f"{prefix}{word}", symbol, (kind, INTEGER))
        for prefix, kind in _COUNTED[:3]
        for word, symbol in (("shl", "<<"), ("shr", ">>"))
    ),
    *((f"{prefix}abs", "@", (kind,)) for prefix, kind in (*_COUNTED, ("numeric_", NUMERIC))),
    ("bytealike", "~~", (BYTEA, BYTEA)), ("byteanlike", "!~~", (BYTEA, BYTEA)), ("byteacat", "||", (BYTEA, BYTEA)),
    ("bitand", "&", (BIT, BIT)), ("bitor", "|", (BIT, BIT)), ("bitxor", "#", (BIT, BIT)), ("bitnot", "~", (BIT,)),
    ("bitcat", "||", (VARBIT, VARBIT)), ("bitshiftleft", "<<", (BIT, INTEGER)), ("bitshiftright", ">>", (BIT, INTEGER)),
    ("dpow", "^", (DOUBLE, DOUBLE)), ("numeric_power", "^", (NUMERIC, NUMERIC)), ("dsqrt", "|/", (DOUBLE,)), ("dcbrt", "||/", (DOUBLE,)),
    ("textanycat", "||", (TEXT, _P.ANYNONARRAY)), ("anytextcat", "||", (_P.ANYNONARRAY, TEXT)),
    ("jsonb_path_exists_opr", "@?", (JSONB, JSONPATH)), ("jsonb_path_match_opr", "@@", (JSONB, JSONPATH)),
    ("date_pli", "+", (DATE, INTEGER)), ("integer_pl_date", "+", (INTEGER, DATE)), ("date_mii", "-", (DATE, INTEGER)),
    ("date_pl_interval", "+", (DATE, INTERVAL)), ("date_mi_interval", "-", (DATE, INTERVAL)), ("interval_pl_date", "+", (INTERVAL, DATE)),
    ("datetime_pl", "+", (DATE, TIME)), ("timedate_pl", "+", (TIME, DATE)), ("datetimetz_pl", "+", (DATE, TIMETZ)),
    ("timetzdate_pl", "+", (TIMETZ, DATE)), ("time_pl_interval", "+", (TIME, INTERVAL)), ("time_mi_interval", "-", (TIME, INTERVAL)),
    ("interval_pl_time", "+", (INTERVAL, TIME)), ("time_mi_time", "-", (TIME, TIME)), ("timetz_pl_interval", "+", (TIMETZ, INTERVAL)),
    ("timetz_mi_interval", "-", (TIMETZ, INTERVAL)), ("interval_pl_timetz", "+", (INTERVAL, TIMETZ)),
    ("timestamp_pl_interval", "+", (TIMESTAMP, INTERVAL)), ("timestamp_mi_interval", "-", (TIMESTAMP, INTERVAL)),
    ("interval_pl_timestamp", "+", (INTERVAL, TIMESTAMP)), ("timestamp_mi", "-", (TIMESTAMP, TIMESTAMP)),
    ("timestamptz_pl_interval", "+", (TIMESTAMPTZ, INTERVAL)), ("timestamptz_mi_interval", "-", (TIMESTAMPTZ, INTERVAL)),
    ("interval_pl_timestamptz", "+", (INTERVAL, TIMESTAMPTZ)), ("timestamptz_mi", "-", (TIMESTAMPTZ, TIMESTAMPTZ)),
    ("interval_mul", "*", (INTERVAL, DOUBLE)), ("mul_d_interval", "*", (DOUBLE, INTERVAL)), ("interval_div", "/", (INTERVAL, DOUBLE)),
    ("pg_lsn_mi", "-", (PG_LSN, PG_LSN)), ("pg_lsn_pli", "+", (PG_LSN, NUMERIC)), ("numeric_pl_pg_lsn", "+", (NUMERIC, PG_LSN)),
    ("pg_lsn_mii", "-", (PG_LSN, NUMERIC)),
    ("dexp", "exp", (DOUBLE,)), ("dlog1", "ln", (DOUBLE,)), ("dlog10", "log", (DOUBLE,)), ("dround", "round", (DOUBLE,)),
    ("dtrunc", "trunc", (DOUBLE,)), ("numeric_exp", "exp", (NUMERIC,)), ("numeric_ln", "ln", (NUMERIC,)),
    ("numeric_log", "log", (NUMERIC, NUMERIC)), ("numeric_sqrt", "sqrt", (NUMERIC,)), ("numeric_div_trunc", "div", (NUMERIC, NUMERIC)),
    ("textlen", "length", (TEXT,)),
)  # fmt: skip


def _wanted() -> Iterator[tuple[str, str, tuple[ArgumentType, ...]]]:
    for name, symbol, kind in _names():
        yield name, symbol, (kind, kind)
    for name, symbol, kind in _PREFIXES:
        yield name, symbol, (kind,)
    yield from _POLYMORPHIC
    yield from _BY_TYPES


def _aliases() -> Iterator[Function]:
    sources = (
        comparison, comparison_dates, arithmetic, math_functions, bit_operators, binary_strings, datetime_operators, strings, like,
        regexp_functions, ranges, arrays, enums, interval_math, json_path_functions, log_positions,
    )  # fmt: skip
    known = {(item.name, item.arguments): item for source in sources for item in source.FUNCTIONS}
    for name, symbol, kinds in _wanted():
        found = known.get((symbol, kinds))
        if found is not None:
            yield replace(found, name=name)


FUNCTIONS: tuple[Function, ...] = tuple(_aliases())
