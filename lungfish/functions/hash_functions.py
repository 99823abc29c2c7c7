"""hashtext, hashint4 and their kin: PostgreSQL's hashes of values, which applications make keys of advisory locks from."""

from __future__ import annotations

from lungfish.functions.partition_hash import seeded_hash
from lungfish.functions.registry import Function, ScalarForm
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
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
    UUID,
    SqlType,
)

_HASHED: tuple[tuple[str, SqlType], ...] = (
    ("hashbool", BOOLEAN), ("hashint2", SMALLINT), ("hashint4", INTEGER), ("hashint8", BIGINT), ("hashoid", OID),
    ("hashfloat4", REAL), ("hashfloat8", DOUBLE), ("hash_numeric", NUMERIC), ("hashtext", TEXT), ("hashbpchar", CHAR),
    ("hashname", NAME), ("hashbytea", BYTEA), ("hashdate", DATE), ("time_hash", TIME), ("timestamp_hash", TIMESTAMP),
    ("timestamptz_hash", TIMESTAMPTZ), ("interval_hash", INTERVAL), ("uuid_hash", UUID),
)  # fmt: skip
_WORD, _LONG = 1 << 32, 1 << 64


def _signed(number: int, size: int) -> int:
    number %= size
    return number - size if number >= size // 2 else number


def _short(kind: SqlType) -> ScalarForm:
    return lambda value: _signed(seeded_hash(value, kind.kind, 0), _WORD)


def _long(kind: SqlType) -> ScalarForm:
    return lambda value, seed: _signed(seeded_hash(value, kind.kind, seed % _LONG), _LONG)


FUNCTIONS: tuple[Function, ...] = (
    *(Function(name, (kind,), INTEGER, _short(kind)) for name, kind in _HASHED),
    *(
        Function(f"{name}{'_' if '_' in name else ''}extended", (kind, BIGINT), BIGINT, _long(kind))
        for name, kind in _HASHED
    ),
)
