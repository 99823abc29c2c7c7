"""How one value lies in a row: the storage class of each SQL type.

    SQL type                         field                          bytes
    boolean                          0 or 1                         1
    smallint / integer, date         integer                        2 / 4
    bigint, oid, time, timestamp[tz] integer                        8
    real / double precision          IEEE 754                       4 / 8
    numeric(p, s), p <= 18           value * 10^s, an integer       8    smallest integer: NaN
    numeric(p, s), p <= 38           the same, as Arrow's decimal128 16  smallest integer: NaN
    interval                         microseconds i8, days i4, months i4
    uuid                             its bytes                      16
    everything else                  a view                         16

All integers are little-endian. A *view* is Arrow's string_view: length u4, then either the value (up to 12 bytes, padded
with zeros), or its first 4 bytes, a buffer number u4 and a position u4. Buffer 0 is the row's own page or packed row and
the position a byte offset in it; buffer n > 0 means overflow page n - 1, and the position is a slot there.

Other numerics are kept as ASCII text so that each value keeps its own display scale. Arrays, ranges, records and
timetz are kept as PostgreSQL's text of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from lungfish.errors import FeatureNotSupported
from lungfish.types.container_text import container_from_text, container_text
from lungfish.types.numerics import numeric_text
from lungfish.types.sql_type import Interval, SqlType, TypeKind

VIEW_SIZE = 16
INLINE_SIZE_MAX = 12
# A view with its value inside, and one that points elsewhere: length, prefix, buffer, position.
INLINE_VIEW = struct.Struct("<I12s")
LONG_VIEW = struct.Struct("<I4sII")
# The last two alone.
PLACE = struct.Struct("<II")
PLACE_OFFSET = 8
EMPTY_VIEW = bytes(VIEW_SIZE)
PREFIX_SIZE = 4

SMALL_NUMERIC_DIGITS_MAX = 18
LARGE_NUMERIC_DIGITS_MAX = 38
# The fields that stand for NaN: no declared precision reaches them.
SMALL_NAN = -(2**63)
LARGE_NAN = (-(2**127)).to_bytes(16, "little", signed=True)

_INTERVAL = struct.Struct("<qii")
# Wide enough for 38 digits and any shift, so that scaling is exact.
_EXACT = Context(prec=2 * LARGE_NUMERIC_DIGITS_MAX)
_NAN = Decimal("NaN")


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """One field: how `struct` and NumPy see it, and the way from and to the internal value.

    For a view, `encode` gives the value's bytes and `decode` takes them; otherwise they give and take what `struct` does.
    None means that the internal value needs no change.
    """

    struct_format: str
    numpy_format: str
    size: int
    alignment: int
    # What stands in the field of a NULL, in `struct`'s terms.
    zero: Any
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None
    is_view: bool = False


_BOOLEAN = FieldCodec("?", "?", 1, 1, False)
_INT2 = FieldCodec("h", "<i2", 2, 2, 0)
_INT4 = FieldCodec("i", "<i4", 4, 4, 0)
_INT8 = FieldCodec("q", "<i8", 8, 8, 0)
_FLOAT4 = FieldCodec("f", "<f4", 4, 4, 0.0)
_FLOAT8 = FieldCodec("d", "<f8", 8, 8, 0.0)
_BYTES16 = FieldCodec("16s", "V16", 16, 8, bytes(16))


def _decode_interval(field: bytes) -> Interval:
    microseconds, days, months = _INTERVAL.unpack(field)
    return Interval(months, days, microseconds)


def _encode_interval(value: Interval) -> bytes:
    months, days, microseconds = value
    return _INTERVAL.pack(microseconds, days, months)


_INTERVAL_CODEC = FieldCodec(
    "16s", "V16", 16, 8, bytes(16), encode=_encode_interval, decode=_decode_interval
)


def _view(
    encode: Callable[[Any], bytes] | None, decode: Callable[[bytes], Any] | None
) -> FieldCodec:
    return FieldCodec(
        "16s", "V16", VIEW_SIZE, 4, EMPTY_VIEW, encode=encode, decode=decode, is_view=True
    )


def _decode_numeric_text(raw: bytes) -> Decimal:
    return Decimal(raw.decode("ascii"))


def _encode_numeric_text(value: Decimal) -> bytes:
    return numeric_text(value).encode("ascii")


_TEXT = _view(str.encode, bytes.decode)
_BYTES = _view(None, None)
_NUMERIC_TEXT = _view(_encode_numeric_text, _decode_numeric_text)

_CODECS: dict[TypeKind, FieldCodec] = {
    TypeKind.BOOLEAN: _BOOLEAN,
    TypeKind.SMALLINT: _INT2,
    TypeKind.INTEGER: _INT4,
    TypeKind.BIGINT: _INT8,
    TypeKind.OID: _INT8,
    TypeKind.REGISTERED: _INT8,
    TypeKind.REAL: _FLOAT4,
    TypeKind.DOUBLE: _FLOAT8,
    TypeKind.TEXT: _TEXT,
    TypeKind.VARCHAR: _TEXT,
    TypeKind.CHAR: _TEXT,
    TypeKind.NAME: _TEXT,
    TypeKind.INTERNAL_CHAR: _TEXT,
    TypeKind.BYTEA: _BYTES,
    TypeKind.DATE: _INT4,
    TypeKind.TIME: _INT8,
    TypeKind.TIMESTAMP: _INT8,
    TypeKind.TIMESTAMPTZ: _INT8,
    TypeKind.INTERVAL: _INTERVAL_CODEC,
    TypeKind.UUID: _BYTES16,
    TypeKind.JSON: _TEXT,
    TypeKind.JSONB: _TEXT,
    TypeKind.JSONPATH: _TEXT,
    TypeKind.BIT: _TEXT,
    TypeKind.VARBIT: _TEXT,
    TypeKind.ENUM: _TEXT,
    TypeKind.UNKNOWN: _TEXT,
    TypeKind.PG_LSN: _TEXT,
}
_AS_CONTAINER_TEXT = frozenset(
    {TypeKind.ARRAY, TypeKind.RECORD, TypeKind.RANGE, TypeKind.MULTIRANGE, TypeKind.TIMETZ}
)


def field_codec(sql_type: SqlType) -> FieldCodec:
    """The codec of a stored field. Raises FeatureNotSupported (0A000) for a type that cannot be stored."""
    kind = sql_type.kind
    if kind is TypeKind.NUMERIC:
        return _numeric_codec(sql_type)
    if kind in _AS_CONTAINER_TEXT:
        return _container_codec(sql_type)
    codec = _CODECS.get(kind)
    if codec is None:
        raise FeatureNotSupported(f"columns of type {sql_type} are not supported")
    return codec


def numeric_digits(sql_type: SqlType) -> tuple[int, int] | None:
    """(precision, scale) of a NUMERIC that is stored as a scaled integer; None if it is stored as text."""
    if len(sql_type.modifiers) != 2:
        return None
    precision, scale = sql_type.modifiers
    if precision > LARGE_NUMERIC_DIGITS_MAX or not 0 <= scale <= precision:
        return None
    return precision, scale


def _numeric_codec(sql_type: SqlType) -> FieldCodec:
    digits = numeric_digits(sql_type)
    if digits is None:
        return _NUMERIC_TEXT
    precision, scale = digits
    if precision <= SMALL_NUMERIC_DIGITS_MAX:
        return _small_numeric_codec(scale)
    return _large_numeric_codec(scale)


def _unscaled(value: Decimal, scale: int) -> int:
    """The integer value * 10^scale. Requires: the value was rounded to that scale by the assignment to its column."""
    scaled = value.scaleb(scale, _EXACT)
    unscaled = int(scaled)
    assert unscaled == scaled, f"numeric {value} has more than {scale} decimals"
    return unscaled


def _small_numeric_codec(scale: int) -> FieldCodec:
    def encode(value: Decimal) -> int:
        return SMALL_NAN if value.is_nan() else _unscaled(value, scale)

    def decode(field: int) -> Decimal:
        return _NAN if field == SMALL_NAN else Decimal(field).scaleb(-scale, _EXACT)

    return FieldCodec("q", "<i8", 8, 8, 0, encode=encode, decode=decode)


def _large_numeric_codec(scale: int) -> FieldCodec:
    def encode(value: Decimal) -> bytes:
        if value.is_nan():
            return LARGE_NAN
        return _unscaled(value, scale).to_bytes(16, "little", signed=True)

    def decode(field: bytes) -> Decimal:
        if field == LARGE_NAN:
            return _NAN
        return Decimal(int.from_bytes(field, "little", signed=True)).scaleb(-scale, _EXACT)

    return FieldCodec("16s", "V16", 16, 8, bytes(16), encode=encode, decode=decode)


def _container_codec(sql_type: SqlType) -> FieldCodec:
    """The text form that `types` gives to structured values."""

    def encode(value: Any) -> bytes:
        return container_text(value, sql_type).encode()

    def decode(raw: bytes) -> Any:
        return container_from_text(raw.decode(), sql_type)

    return _view(encode, decode)
