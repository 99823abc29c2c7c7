"""Byte strings that compare as PostgreSQL compares the values: one encoder for each type.

Every encoding is *self-delimiting*: no encoded value is a proper prefix of another of its type, so encodings can be joined and the whole
still compares column by column. Equal values (1.0 and 1.00, -0.0 and 0.0, '1 month' and '30 days') have equal bytes. The
encoding keeps no more than the order: a display scale or the parts of an interval cannot be read back.

    integers, dates, times   big-endian, biased so that the smallest is 0
    boolean                  one byte
    real, double             8 bytes of the double: sign bit flipped, negatives inverted; -0 is 0; NaN, greatest, is all ones
    numeric                  class (-inf, negative, zero, positive, inf, NaN), decimal exponent in 3 bytes, then the digits two to a
                             byte, each byte one up, ended by 0; all inverted for negatives
    text, bytea, bit         the bytes with 00 written as 00 FF, ended by 00 01 (text: UTF-8, which is the order of the C
                             collation); CHAR(n) without its trailing blanks
    uuid                     16 bytes
    interval                 months as 30 days, days as 24 hours: whole days and the microseconds beyond, 5 bytes each
    time with time zone      UTC time, then the zone
    pg_lsn                   8 bytes
    enum                     the label's position
    array                    each element as a column of a key with NULLs last, ended by 00, then the shape
    record                   each field as a column with NULLs last
    range                    empty first; bounds with their openness
    multirange               its ranges, ended by 00
    jsonb                    a byte for the kind (the empty array at the top before all), then a string as text, a number as numeric, a
                             boolean as a byte, of a container the count of its parts and these, members with short keys first

The escape of 00 and the flipped floats are common practice (FoundationDB's tuple layer, CockroachDB's keys); the numeric form is our
own, made for `bytes.fromhex`, which packs decimal digits at C speed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lungfish import errors
from lungfish.types.array_value import ArrayValue
from lungfish.types.json_text import JsonTree, key_order, load_json
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import SqlType, TypeKind

# From a value (never None) to its bytes.
ValueEncoder = Callable[[Any], bytes]

NULL_FIRST = b"\x00"
NOT_NULL = b"\x01"
NULL_LAST = b"\x02"
# Greater than whatever may follow an encoded column in a key.
AFTER_PREFIX = b"\xff"

ZERO_ESCAPE = b"\x00\xff"
TERMINATOR = b"\x00\x01"
INVERTED = bytes(255 - byte for byte in range(256))

INTEGER_WIDTHS = {
    TypeKind.SMALLINT: 2,
    TypeKind.INTEGER: 4,
    TypeKind.BIGINT: 8,
    TypeKind.OID: 8,
    TypeKind.REGISTERED: 8,
    TypeKind.DATE: 4,
    TypeKind.TIME: 8,
    TypeKind.TIMESTAMP: 8,
    TypeKind.TIMESTAMPTZ: 8,
}
# Kinds whose bytes are text; they may stay open (without terminator) at the end of a key.
TEXT_KINDS = frozenset(
    {
        TypeKind.TEXT,
        TypeKind.VARCHAR,
        TypeKind.CHAR,
        TypeKind.NAME,
        TypeKind.INTERNAL_CHAR,
        TypeKind.UNKNOWN,
        TypeKind.BIT,
        TypeKind.VARBIT,
    }
)

_DOUBLE = struct.Struct(">d")
_WORD = struct.Struct(">Q")
_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1
_NAN_BYTES = b"\xff" * 8

MICROSECONDS_A_DAY = 86_400_000_000
# Days need 37 bits and a sign.
INTERVAL_DAYS_BIAS = 1 << 39

_NUMERIC_MINUS_INFINITY = b"\x01"
_NUMERIC_NEGATIVE = b"\x02"
_NUMERIC_ZERO = b"\x03"
_NUMERIC_POSITIVE = b"\x04"
_NUMERIC_INFINITY = b"\x05"
_NUMERIC_NAN = b"\x06"
_EXPONENT_BIAS = 1 << 23
# Two digits in a byte reach 0x99, so one up leaves 0 for the end.
_ONE_UP = bytes((byte + 1) % 256 for byte in range(256))


def value_encoder(sql_type: SqlType) -> ValueEncoder:
    """The encoder of a type. Raises UndefinedObject (42704) for types without an order."""
    kind = sql_type.kind
    width = INTEGER_WIDTHS.get(kind)
    if width is not None:
        return integer_encoder(width)
    if kind in TEXT_KINDS:
        raw = open_encoder(sql_type)
        return lambda value: raw(value).replace(b"\x00", ZERO_ESCAPE) + TERMINATOR
    if kind is TypeKind.BYTEA:
        return lambda value: value.replace(b"\x00", ZERO_ESCAPE) + TERMINATOR
    maker = _MAKERS.get(kind)
    if maker is not None:
        return maker(sql_type)
    raise errors.UndefinedObject(
        f'data type {sql_type} has no default operator class for access method "btree"',
        hint="You must specify an operator class for the index or define a default operator class for the data type.",
    )


def open_encoder(sql_type: SqlType) -> ValueEncoder:
    """The bytes without escape and end, for text and bytea in the last column of a key, where nothing follows."""
    kind = sql_type.kind
    if kind is TypeKind.BYTEA:
        return bytes
    if kind is TypeKind.CHAR:
        return lambda value: bytes(value.rstrip(" ").encode())
    return str.encode


def column_encoder(
    sql_type: SqlType, *, is_descending: bool, nulls_first: bool, is_last: bool
) -> ValueEncoder:
    """The encoder of one column of a key: a byte that tells NULL from a value, then the value, inverted if descending."""
    null = NULL_FIRST if nulls_first else NULL_LAST
    if is_descending:
        raw = value_encoder(sql_type)
        return lambda value: null if value is None else NOT_NULL + raw(value).translate(INVERTED)
    width = INTEGER_WIDTHS.get(sql_type.kind)
    if width is not None:
        # The leading NOT_NULL is part of the bias.
        bias = (1 << 8 * width) + (1 << (8 * width - 1))
        size = width + 1
        return lambda value: null if value is None else (value + bias).to_bytes(size, "big")
    is_open = is_last and (sql_type.kind in TEXT_KINDS or sql_type.kind is TypeKind.BYTEA)
    encode = open_encoder(sql_type) if is_open else value_encoder(sql_type)
    return lambda value: null if value is None else NOT_NULL + encode(value)


def integer_encoder(width: int) -> ValueEncoder:
    """Signed integers of `width` bytes."""
    bias = 1 << (8 * width - 1)
    return lambda value: (value + bias).to_bytes(width, "big")


def encode_double(value: float) -> bytes:
    """A double, or a real as a double."""
    if value != value:
        return _NAN_BYTES
    # Adding 0.0 makes 0.0 of -0.0.
    bits: int = _WORD.unpack(_DOUBLE.pack(value + 0.0))[0]
    return _WORD.pack(bits ^ (_ALL_BITS if bits & _SIGN_BIT else _SIGN_BIT))


def encode_numeric(value: Decimal) -> bytes:
    """A number of any precision: 0.DIGITS times ten to the exponent, with neither leading nor trailing zeros."""
    text = str(value)
    is_negative = text[0] == "-"
    if is_negative:
        text = text[1:]
    if text[0] > "9":
        if text[0] == "I":
            return _NUMERIC_MINUS_INFINITY if is_negative else _NUMERIC_INFINITY
        return _NUMERIC_NAN
    mantissa, _, power = text.partition("E")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return _NUMERIC_ZERO
    exponent = len(digits) - len(fraction) + (int(power) if power else 0) + _EXPONENT_BIAS
    digits = digits.rstrip("0")
    if len(digits) % 2:
        digits += "0"
    encoded = exponent.to_bytes(3, "big") + bytes.fromhex(digits).translate(_ONE_UP) + b"\x00"
    if is_negative:
        return _NUMERIC_NEGATIVE + encoded.translate(INVERTED)
    return _NUMERIC_POSITIVE + encoded


def encode_interval(value: tuple[int, int, int]) -> bytes:
    """An interval by the length that PostgreSQL compares."""
    months, days, microseconds = value
    more_days, rest = divmod(microseconds, MICROSECONDS_A_DAY)
    whole_days = months * 30 + days + more_days + INTERVAL_DAYS_BIAS
    return (whole_days << 40 | rest).to_bytes(10, "big")


def _time_with_zone(value: tuple[int, int]) -> bytes:
    microseconds, west_s = value
    utc = microseconds + west_s * 1_000_000
    return (utc + _SIGN_BIT).to_bytes(8, "big") + (west_s + (1 << 31)).to_bytes(4, "big")


def _log_position(value: str) -> bytes:
    high, _, low = value.partition("/")
    return (int(high, 16) << 32 | int(low, 16)).to_bytes(8, "big")


def _enum(sql_type: SqlType) -> ValueEncoder:
    places = {label: place.to_bytes(4, "big") for place, label in enumerate(sql_type.labels)}
    return places.__getitem__


def _inner_encoder(sql_type: SqlType) -> ValueEncoder:
    return column_encoder(sql_type, is_descending=False, nulls_first=False, is_last=False)


def _array(sql_type: SqlType) -> ValueEncoder:
    assert sql_type.element is not None, "an array has an element type"
    element = _inner_encoder(sql_type.element)
    size = integer_encoder(4)

    def encode(value: ArrayValue) -> bytes:
        parts = [element(item) for item in value.elements]
        parts.append(NULL_FIRST)
        parts.append(len(value.dimensions).to_bytes(1, "big"))
        parts.extend(size(length) for length in value.dimensions)
        parts.extend(size(bound) for bound in value.lower_bounds)
        return b"".join(parts)

    return encode


def _record(sql_type: SqlType) -> ValueEncoder:
    if not sql_type.fields:
        raise errors.FeatureNotSupported("a key of an anonymous record is not supported")
    fields = [_inner_encoder(field) for field in sql_type.fields]
    return lambda value: b"".join(
        [encode(part) for encode, part in zip(fields, value, strict=True)]
    )


def _range(sql_type: SqlType) -> ValueEncoder:
    assert sql_type.element is not None, "a range has a bound type"
    bound = value_encoder(sql_type.element)

    def encode(value: RangeValue) -> bytes:
        if value.is_empty:
            return b"\x00"
        # An exclusive lower bound begins later, an exclusive upper bound ends earlier.
        if value.lower is None:
            lower = b"\x00"
        else:
            lower = b"\x01" + bound(value.lower) + bytes([not value.is_lower_inclusive])
        if value.upper is None:
            return b"\x01" + lower + b"\x02"
        return b"\x01" + lower + b"\x01" + bound(value.upper) + bytes([value.is_upper_inclusive])

    return encode


def _multirange(sql_type: SqlType) -> ValueEncoder:
    assert sql_type.element is not None, "a multirange has a range type"
    each = _range(sql_type.element)
    # Every range begins with 1, so 0 ends them, and fewer ranges come first.
    return lambda value: b"".join([each(item) for item in value]) + b"\x00"


def _jsonb(_: SqlType) -> ValueEncoder:
    def encode(value: str) -> bytes:
        tree = load_json(value)
        return b"\x00" if tree == [] and isinstance(tree, list) else _json_tree(tree)

    return encode


def _json_tree(tree: JsonTree) -> bytes:
    """Jsonb's order: null, strings, numbers, booleans, arrays, objects; of containers the smaller first."""
    if tree is None:
        return b"\x01"
    if isinstance(tree, str):
        return b"\x02" + _delimited(tree)
    if isinstance(tree, Decimal):
        return b"\x03" + encode_numeric(tree)
    if isinstance(tree, bool):
        return b"\x04" + bytes([tree])
    size = len(tree).to_bytes(4, "big")
    if isinstance(tree, list):
        return b"\x05" + size + b"".join([_json_tree(item) for item in tree])
    # The shortest key comes first, yet one key is compared with another as text.
    keys = sorted(tree, key=key_order)
    parts = [_delimited(key) + _json_tree(tree[key]) for key in keys]
    return b"\x06" + size + b"".join(parts)


def _delimited(text: str) -> bytes:
    return text.encode().replace(b"\x00", ZERO_ESCAPE) + TERMINATOR


_MAKERS: dict[TypeKind, Callable[[SqlType], ValueEncoder]] = {
    TypeKind.BOOLEAN: lambda _: lambda value: b"\x01" if value else b"\x00",
    TypeKind.REAL: lambda _: encode_double,
    TypeKind.DOUBLE: lambda _: encode_double,
    TypeKind.NUMERIC: lambda _: encode_numeric,
    TypeKind.UUID: lambda _: bytes,
    TypeKind.INTERVAL: lambda _: encode_interval,
    TypeKind.TIMETZ: lambda _: _time_with_zone,
    TypeKind.PG_LSN: lambda _: _log_position,
    TypeKind.ENUM: _enum,
    TypeKind.ARRAY: _array,
    TypeKind.RECORD: _record,
    TypeKind.RANGE: _range,
    TypeKind.MULTIRANGE: _multirange,
    TypeKind.JSONB: _jsonb,
}
