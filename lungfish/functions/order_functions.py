"""The functions that say which of two values comes first, under PostgreSQL's names: btint4cmp, numeric_cmp, bttextcmp and their kin.

They answer a number below, equal to or above 0. It is -1, 0 or 1 where PostgreSQL compares numbers and times; the difference where it
subtracts (smallint, "char", boolean), and that of the first two bytes that differ where it compares memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lungfish.functions.registry import ArgumentType, Function, Polymorphic
from lungfish.types.compare import compare_values
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

_BIT, _VARBIT = SqlType(TypeKind.BIT), SqlType(TypeKind.VARBIT)
_P = Polymorphic

# Compared as values of the first type, which holds those of the second.
_SIGNED: tuple[tuple[str, SqlType, SqlType], ...] = (
    ("btint4cmp", INTEGER, INTEGER), ("btint8cmp", BIGINT, BIGINT), ("btint24cmp", SMALLINT, INTEGER),
    ("btint42cmp", INTEGER, SMALLINT), ("btint28cmp", SMALLINT, BIGINT), ("btint82cmp", BIGINT, SMALLINT),
    ("btint48cmp", INTEGER, BIGINT), ("btint84cmp", BIGINT, INTEGER), ("btfloat4cmp", REAL, REAL),
    ("btfloat8cmp", DOUBLE, DOUBLE), ("btfloat48cmp", REAL, DOUBLE), ("btfloat84cmp", DOUBLE, REAL), ("btoidcmp", OID, OID),
    ("numeric_cmp", NUMERIC, NUMERIC), ("date_cmp", DATE, DATE), ("time_cmp", TIME, TIME), ("timetz_cmp", TIMETZ, TIMETZ),
    ("timestamp_cmp", TIMESTAMP, TIMESTAMP), ("timestamptz_cmp", TIMESTAMPTZ, TIMESTAMPTZ),
    ("interval_cmp", INTERVAL, INTERVAL),
)  # fmt: skip
_POLYMORPHIC: tuple[tuple[str, Polymorphic], ...] = (
    ("btarraycmp", _P.ANYARRAY), ("btrecordcmp", _P.RECORD), ("enum_cmp", _P.ANYENUM), ("range_cmp", _P.ANYRANGE),
    ("multirange_cmp", _P.ANYMULTIRANGE),
)  # fmt: skip
_CHOSEN: tuple[tuple[str, ArgumentType], ...] = (
    ("array", _P.ANYARRAY), ("enum", _P.ANYENUM), ("bytea", BYTEA), ("pg_lsn", PG_LSN),
)  # fmt: skip


def _encoded(value: str) -> bytes:
    return value.encode()


def _ended(value: str) -> bytes:
    """With the zero behind it, which takes part where names are compared."""
    return value.encode() + b"\0"


def _unpadded(value: str) -> bytes:
    return value.rstrip(" ").encode()


def _packed(value: str) -> bytes:
    """The bits in bytes, the last one filled with zeros."""
    return bytes([int(value[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(value), 8)])


_BYTES: tuple[tuple[str, SqlType, SqlType, Callable[[Any], bytes]], ...] = (
    ("bttextcmp", TEXT, TEXT, _encoded), ("bttext_pattern_cmp", TEXT, TEXT, _encoded), ("btnamecmp", NAME, NAME, _ended),
    ("btnametextcmp", NAME, TEXT, _encoded), ("bttextnamecmp", TEXT, NAME, _encoded), ("bpcharcmp", CHAR, CHAR, _unpadded),
    ("btbpchar_pattern_cmp", CHAR, CHAR, _unpadded), ("byteacmp", BYTEA, BYTEA, bytes), ("uuid_cmp", UUID, UUID, bytes),
)  # fmt: skip


def _compare_bytes(left: bytes, right: bytes) -> int:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return one - other
    return _sign(len(left), len(right))


def _sign(left: int, right: int) -> int:
    return (left > right) - (left < right)


def _compare_bits(left: str, right: str) -> int:
    return _compare_bytes(_packed(left), _packed(right)) or _sign(len(left), len(right))


def _ordered(kind: SqlType) -> Callable[[Any, Any], int]:
    return lambda left, right: compare_values(left, right, kind)


def _by_bytes(encode: Callable[[Any], bytes]) -> Callable[[Any, Any], int]:
    return lambda left, right: _compare_bytes(encode(left), encode(right))


def _wider(left: SqlType, right: SqlType) -> SqlType:
    return DOUBLE if REAL in (left, right) and DOUBLE in (left, right) else left


def _compare_typed(left: Any, right: Any, *, types: tuple[SqlType, ...]) -> int:
    return compare_values(left, right, types[0])


def _larger(left: Any, right: Any, *, types: tuple[SqlType, ...]) -> Any:
    return left if compare_values(left, right, types[0]) > 0 else right


def _smaller(left: Any, right: Any, *, types: tuple[SqlType, ...]) -> Any:
    return left if compare_values(left, right, types[0]) < 0 else right


def _all() -> Iterator[Function]:
    for name, left, right in _SIGNED:
        yield Function(name, (left, right), INTEGER, _ordered(_wider(left, right)))
    for name, left, right, encode in _BYTES:
        yield Function(name, (left, right), INTEGER, _by_bytes(encode))
    for name, kind in (("bitcmp", _BIT), ("varbitcmp", _VARBIT)):
        yield Function(name, (kind, kind), INTEGER, _compare_bits)
    for name, kind in (("btint2cmp", SMALLINT), ("btboolcmp", BOOLEAN)):
        yield Function(name, (kind, kind), INTEGER, lambda left, right: int(left) - int(right))
    yield Function(
        "btcharcmp",
        (INTERNAL_CHAR, INTERNAL_CHAR),
        INTEGER,
        lambda left, right: ord(left or "\0") - ord(right or "\0"),
    )
    for name, polymorphic in _POLYMORPHIC:
        both = (polymorphic, polymorphic)
        yield Function(name, both, INTEGER, _compare_typed, needs_types=True)
    for name, argument in _CHOSEN:
        for word, choose in (("larger", _larger), ("smaller", _smaller)):
            yield Function(
                f"{name}_{word}", (argument, argument), argument, choose, needs_types=True
            )


FUNCTIONS: tuple[Function, ...] = tuple(_all())
