"""The hash by which PostgreSQL assigns rows to hash partitions, so that a row goes to the same partition here and there.

Bob Jenkins' lookup3 (2006), in PostgreSQL's 64-bit form with a seed (common/hashfn.c), over the bytes that PostgreSQL hashes for
each type; the hashes of several columns are combined as in `hash_combine64`. Types whose bytes are not told here are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lungfish import errors
from lungfish.types.calendar import MICROSECONDS_PER_DAY
from lungfish.types.compare import interval_span
from lungfish.types.sql_type import SqlType, TypeKind

_SEED = 0x7A5B22367996DCFD
_WORD = 0xFFFFFFFF
_LONG = 0xFFFFFFFFFFFFFFFF
_START = 0x9E3779B9 + 3923095
# PostgreSQL counts from 2000-01-01, we from 1970-01-01; the extreme values are the infinities of both.
_EPOCH_DAYS = 10_957
_DATE_MIN, _DATE_MAX = -(2**31), 2**31 - 1
_TIMESTAMP_MIN, _TIMESTAMP_MAX = -(2**63), 2**63 - 1
# Digits of numeric are hashed in groups of four.
_GROUP = 10_000


def _rotated(word: int, count: int) -> int:
    return ((word << count) | (word >> (32 - count))) & _WORD


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for count in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _WORD) ^ _rotated(c, count)
        c = (c + b) & _WORD
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotated(b, count)) & _WORD
        a, b, c = b, c, a
    # After seven turns b stands in the place of a, and c in that of b.
    return a << 32 | b


def _begin(length: int, seed: int) -> tuple[int, int, int]:
    start = (_START + length) & _WORD
    if not seed:
        return start, start, start
    return _mixed((start + (seed >> 32)) & _WORD, (start + seed) & _WORD, start)


def _hash_word(word: int, seed: int) -> int:
    a, b, c = _begin(4, seed)
    return _final((a + word) & _WORD, b, c)


def _hash_bytes(data: bytes, seed: int) -> int:
    a, b, c = _begin(len(data), seed)
    whole = len(data) // 12 * 12
    for x, y, z in struct.iter_unpack("<III", data[:whole]):
        a, b, c = _mixed((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)
    rest = data[whole:]
    # The lowest byte of c belongs to the length, so the last three bytes stand above it.
    x, y, z = struct.unpack("<III", rest[:8].ljust(8, b"\0") + b"\0" + rest[8:].ljust(3, b"\0"))
    return _final((a + x) & _WORD, (b + y) & _WORD, (c + z) & _WORD)


def _hash_int(value: int, seed: int) -> int:
    return _hash_word(value & _WORD, seed)


def _hash_long(value: int, seed: int) -> int:
    low, high = value & _WORD, value >> 32 & _WORD
    return _hash_word(low ^ (high if value >= 0 else ~high & _WORD), seed)


def _hash_date(value: int, seed: int) -> int:
    is_infinite = value in (_DATE_MIN, _DATE_MAX)
    return _hash_int(value if is_infinite else value - _EPOCH_DAYS, seed)


def _hash_timestamp(value: int, seed: int) -> int:
    is_infinite = value in (_TIMESTAMP_MIN, _TIMESTAMP_MAX)
    shifted = value if is_infinite else value - _EPOCH_DAYS * MICROSECONDS_PER_DAY
    return _hash_long(shifted, seed)


def _hash_boolean(value: bool, seed: int) -> int:
    return _hash_word(int(value), seed)


def _hash_float(value: float, seed: int) -> int:
    if value == 0:
        return seed
    return _hash_bytes(struct.pack("<d", float("nan") if value != value else value), seed)


def _hash_text(value: str, seed: int) -> int:
    return _hash_bytes(value.encode(), seed)


def _hash_char(value: str, seed: int) -> int:
    return _hash_bytes(value.rstrip(" ").encode(), seed)


def _hash_interval(value: Any, seed: int) -> int:
    # The span may need more than 64 bits; PostgreSQL takes the lower ones as a signed number.
    span = interval_span(value) & _LONG
    return _hash_long(span - (1 << 64) if span >> 63 else span, seed)


def _hash_numeric(value: Decimal, seed: int) -> int:
    """Digits in groups of four from the point on, without zero groups at either end; the weight counts from the first."""
    if not value.is_finite():
        return seed
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "a finite number has one"
    number = int("".join(map(str, digits)))
    if number == 0:
        return (seed - 1) & _LONG
    shift = exponent % 4
    number *= 10**shift
    scale = (exponent - shift) // 4
    groups: list[int] = []
    while number:
        number, group = divmod(number, _GROUP)
        groups.append(group)
    weight = scale + len(groups) - 1
    groups.reverse()
    while groups[-1] == 0:
        groups.pop()
    return _hash_bytes(struct.pack(f"<{len(groups)}h", *groups), seed) ^ (weight & _LONG)


_HASHES: dict[TypeKind, Callable[[Any, int], int]] = {
    TypeKind.SMALLINT: _hash_int,
    TypeKind.INTEGER: _hash_int,
    TypeKind.BIGINT: _hash_long,
    TypeKind.OID: _hash_int,
    TypeKind.REGISTERED: _hash_int,
    TypeKind.DATE: _hash_date,
    TypeKind.TIME: _hash_long,
    TypeKind.TIMESTAMP: _hash_timestamp,
    TypeKind.TIMESTAMPTZ: _hash_timestamp,
    TypeKind.INTERVAL: _hash_interval,
    TypeKind.BOOLEAN: _hash_boolean,
    TypeKind.REAL: _hash_float,
    TypeKind.DOUBLE: _hash_float,
    TypeKind.NUMERIC: _hash_numeric,
    TypeKind.TEXT: _hash_text,
    TypeKind.VARCHAR: _hash_text,
    TypeKind.NAME: _hash_text,
    TypeKind.CHAR: _hash_char,
    TypeKind.BYTEA: _hash_bytes,
    TypeKind.UUID: _hash_bytes,
}


def can_hash(kind: SqlType) -> bool:
    """Whether rows can be assigned by a value of the type."""
    return kind.kind in _HASHES


def seeded_hash(value: Any, kind: TypeKind, seed: int) -> int:
    """PostgreSQL's 64-bit hash of a value that is not null. With the seed 0 its lower half is the 32-bit hash."""
    return _HASHES[kind](value, seed)


def partition_hash(values: Sequence[Any], kinds: Sequence[SqlType]) -> int:
    """The hash of a partition key; nulls add nothing. Raises FeatureNotSupported for types that are not told here."""
    found = 0
    for value, kind in zip(values, kinds, strict=True):
        if value is None:
            continue
        hash_of = _HASHES.get(kind.kind)
        if hash_of is None:
            raise errors.FeatureNotSupported(f"hash partitioning by type {kind} is not supported")
        mixed = hash_of(value, _SEED) + 0x49A0F4DD15E5A8E3 + (found << 54) + (found >> 7)
        found ^= mixed & _LONG
    return found
