"""Casts called as functions: int4(2.5), text(true), date(now()).

PostgreSQL has a function behind each cast that does more than relabel a value or read its text, and it can be called by the name of
the type. These signatures say which there are; the binder makes the cast of a call (`planner/bind_call.py`), so they have no form.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
    VARCHAR,
    SqlType,
    TypeKind,
)
from lungfish.types.type_oids import registered_type

_BIT = SqlType(TypeKind.BIT)
# Under a function's name: what it makes, and of what.
_CASTS: tuple[tuple[str, SqlType, tuple[SqlType, ...]], ...] = (
    ("bool", BOOLEAN, (INTEGER, JSONB)),
    ("bpchar", CHAR, (NAME, INTERNAL_CHAR)),
    ("bytea", BYTEA, (SMALLINT, INTEGER, BIGINT)),
    ("char", INTERNAL_CHAR, (INTEGER, TEXT)),
    ("date", DATE, (TIMESTAMPTZ, TIMESTAMP)),
    ("float4", REAL, (SMALLINT, DOUBLE, INTEGER, BIGINT, NUMERIC, JSONB)),
    ("float8", DOUBLE, (SMALLINT, REAL, INTEGER, BIGINT, NUMERIC, JSONB)),
    ("int2", SMALLINT, (DOUBLE, REAL, INTEGER, BIGINT, NUMERIC, JSONB, BYTEA)),
    (
        "int4",
        INTEGER,
        (INTERNAL_CHAR, SMALLINT, DOUBLE, REAL, BIGINT, _BIT, NUMERIC, BOOLEAN, JSONB, BYTEA),
    ),
    ("int8", BIGINT, (INTEGER, DOUBLE, REAL, SMALLINT, OID, NUMERIC, _BIT, JSONB, BYTEA)),
    ("interval", INTERVAL, (TIME,)),
    ("name", NAME, (TEXT, CHAR, VARCHAR)),
    ("numeric", NUMERIC, (INTEGER, REAL, DOUBLE, BIGINT, SMALLINT, JSONB)),
    ("oid", OID, (BIGINT,)),
    ("regclass", registered_type("regclass"), (TEXT,)),
    ("text", TEXT, (CHAR, NAME, INTERNAL_CHAR, BOOLEAN)),
    ("time", TIME, (TIMESTAMP, INTERVAL, TIMESTAMPTZ, TIMETZ)),
    ("timestamp", TIMESTAMP, (DATE, TIMESTAMPTZ)),
    ("timestamptz", TIMESTAMPTZ, (DATE, TIMESTAMP)),
    ("timetz", TIMETZ, (TIMESTAMPTZ, TIME)),
    ("varchar", VARCHAR, (NAME,)),
)
CAST_FUNCTIONS: Mapping[str, tuple[Function, ...]] = MappingProxyType(
    {
        name: tuple(Function(name, (source,), made) for source in sources)
        for name, made, sources in _CASTS
    }
)


def is_cast_function(function: Function) -> bool:
    """Whether a call of the function is to be made a cast to what it answers."""
    return function.scalar is None and function in CAST_FUNCTIONS.get(function.name, ())
