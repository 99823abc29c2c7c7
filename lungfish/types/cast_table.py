"""The table of conversions between kinds of types that do not simply go through text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lungfish.errors import InvalidParameterValue, NumericValueOutOfRange
from lungfish.types.batch import Vector
from lungfish.types.casts_datetime import (
    date_to_timestamp_value,
    date_to_timestamptz_value,
    dates_to_timestamps,
    interval_to_time_value,
    time_to_timetz_value,
    timestamp_to_date_value,
    timestamp_to_time_value,
    timestamp_to_timestamptz_value,
    timestamps_to_dates,
    timestamptz_to_timestamp_value,
    timestamptz_to_timetz_value,
    zone_shift,
)
from lungfish.types.casts_numbers import (
    DOUBLE_TO_REAL,
    INTEGER_TO_NUMERIC,
    NUMERIC_TO_DOUBLE,
    NUMERIC_TO_REAL,
    REAL_TO_DOUBLE,
    float_to_integer,
    float_to_numeric,
    integer_to_float,
    integer_to_integer,
    integer_to_oid_value,
    numeric_to_double_value,
    numeric_to_integer,
    numeric_to_integer_value,
    numeric_to_real_value,
    oid_to_integer_value,
)
from lungfish.types.casts_text import (
    bits_to_integer,
    boolean_to_text,
    booleans_to_texts,
    bytes_to_integer,
    char_to_text,
    chars_to_texts,
    integer_to_bytes,
    jsonb_scalar,
)
from lungfish.types.compute import pc
from lungfish.types.json_text import normalize_jsonb
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import Interval, TypeKind
from lungfish.types.text_parse import truncate_name

K = TypeKind
Conversion = tuple[
    Callable[[Any, TextSettings], Any], Callable[[Vector, TextSettings], Vector] | None
]
_INTEGERS = (K.SMALLINT, K.INTEGER, K.BIGINT)
_STRINGS = (K.TEXT, K.VARCHAR)


def _plain(
    function: Callable[[Any], Any], vector: Callable[[Vector], Vector] | None = None
) -> Conversion:
    """A conversion that needs no settings."""
    vector_form = None if vector is None else (lambda values, settings: vector(values))
    return (lambda value, settings: function(value)), vector_form


def _same_vector(values: Vector) -> Vector:
    return values


def _same_value(value: Any) -> Any:
    return value


def _jsonb_to(kind: TypeKind, name: str) -> Conversion:
    """Jsonb's scalar as a boolean or a number. Raises 22023."""

    def convert(value: str, settings: TextSettings) -> Any:
        tree = jsonb_scalar(value)
        if kind is K.BOOLEAN:
            if isinstance(tree, bool):
                return tree
        elif isinstance(tree, Decimal):
            return _numeric_as(tree, kind)
        if tree is None:
            return None
        raise InvalidParameterValue(f"cannot cast jsonb {_json_kind(tree)} to type {name}")

    return convert, None


def _json_kind(tree: Any) -> str:
    if isinstance(tree, bool):
        return "boolean"
    if isinstance(tree, str):
        return "string"
    if isinstance(tree, Decimal):
        return "numeric"
    return "array" if isinstance(tree, list) else "object"


def _numeric_as(value: Decimal, kind: TypeKind) -> Any:
    if kind in _INTEGERS:
        return numeric_to_integer_value(value, kind)
    if kind is K.REAL:
        return numeric_to_real_value(value)
    return numeric_to_double_value(value) if kind is K.DOUBLE else value


def _number_conversions() -> dict[tuple[TypeKind, TypeKind], Conversion]:
    table: dict[tuple[TypeKind, TypeKind], Conversion] = {
        (K.REAL, K.DOUBLE): REAL_TO_DOUBLE,
        (K.DOUBLE, K.REAL): DOUBLE_TO_REAL,
        (K.REAL, K.NUMERIC): float_to_numeric(6),
        (K.DOUBLE, K.NUMERIC): float_to_numeric(15),
        (K.NUMERIC, K.REAL): NUMERIC_TO_REAL,
        (K.NUMERIC, K.DOUBLE): NUMERIC_TO_DOUBLE,
        (K.INTEGER, K.BOOLEAN): _plain(bool, lambda values: pc.not_equal(values, 0)),
        (K.BOOLEAN, K.INTEGER): _plain(int, lambda values: values.cast(pa.int32())),
        (K.OID, K.INTEGER): _plain(oid_to_integer_value),
        (K.REGISTERED, K.INTEGER): _plain(oid_to_integer_value),
        (K.OID, K.REGISTERED): _plain(_same_value, _same_vector),
        (K.REGISTERED, K.OID): _plain(_same_value, _same_vector),
        (K.REGISTERED, K.REGISTERED): _plain(_same_value, _same_vector),
        (K.REGISTERED, K.BIGINT): _plain(_same_value, _same_vector),
        (K.INTEGER, K.INTERNAL_CHAR): _plain(integer_to_char),
        (K.INTERNAL_CHAR, K.INTEGER): _plain(char_to_integer),
        (K.OID, K.BIGINT): _plain(_same_value, _same_vector),
    }
    for source in _INTEGERS:
        for target in _INTEGERS:
            if source is not target:
                table[source, target] = integer_to_integer(target)
        for target in (K.REAL, K.DOUBLE):
            table[source, target] = integer_to_float(target)
            table[target, source] = float_to_integer(source)
        table[source, K.NUMERIC] = INTEGER_TO_NUMERIC
        table[K.NUMERIC, source] = numeric_to_integer(source)
        table[source, K.OID] = _to_oid(source)
        table[source, K.REGISTERED] = _to_oid(source)
        table[source, K.BYTEA] = _bytes_of(source)
        table[K.BYTEA, source] = _integer_of_bytes(source)
    for kind in (K.INTEGER, K.BIGINT):
        table[K.BIT, kind] = _integer_of_bits(kind)
    for kind in (*_INTEGERS, K.REAL, K.DOUBLE, K.NUMERIC, K.BOOLEAN):
        table[K.JSONB, kind] = _jsonb_to(kind, kind.value)
    return table


def integer_to_char(value: int) -> str:
    """The "char" of a signed byte. Raises NumericValueOutOfRange."""
    if not -128 <= value <= 127:
        raise NumericValueOutOfRange('"char" out of range')
    return chr(value & 0xFF) if value else ""


def char_to_integer(value: str) -> int:
    """The byte of a "char", which has a sign."""
    code = ord(value) if value else 0
    return code - 256 if code > 127 else code


def _to_oid(kind: TypeKind) -> Conversion:
    return _plain(lambda value: integer_to_oid_value(value, kind))


def _bytes_of(kind: TypeKind) -> Conversion:
    return _plain(lambda value: integer_to_bytes(value, kind))


def _integer_of_bytes(kind: TypeKind) -> Conversion:
    return _plain(lambda value: bytes_to_integer(value, kind))


def _integer_of_bits(kind: TypeKind) -> Conversion:
    return _plain(lambda value: bits_to_integer(value, kind))


def _string_conversions() -> dict[tuple[TypeKind, TypeKind], Conversion]:
    same = _plain(_same_value, _same_vector)
    trimmed = _plain(char_to_text, chars_to_texts)
    table: dict[tuple[TypeKind, TypeKind], Conversion] = {}
    for target in _STRINGS:
        table[K.CHAR, target] = trimmed
        table[K.NAME, target] = same
        table[K.BOOLEAN, target] = _plain(boolean_to_text, booleans_to_texts)
        table[target, K.CHAR] = same
        table[target, K.NAME] = _plain(truncate_name)
        table[K.JSON, target] = same
        table[K.JSONB, target] = same
    table[K.BOOLEAN, K.CHAR] = _plain(boolean_to_text, booleans_to_texts)
    table[K.TEXT, K.VARCHAR] = same
    table[K.VARCHAR, K.TEXT] = same
    table[K.NAME, K.CHAR] = same
    table[K.CHAR, K.NAME] = _plain(lambda value: truncate_name(value.rstrip(" ")))
    table[K.UNKNOWN, K.TEXT] = same
    table[K.UNKNOWN, K.VARCHAR] = same
    table[K.UNKNOWN, K.CHAR] = same
    table[K.BIT, K.VARBIT] = same
    table[K.VARBIT, K.BIT] = same
    table[K.JSON, K.JSONB] = _plain(normalize_jsonb)
    table[K.JSONB, K.JSON] = same
    return table


def _datetime_conversions() -> dict[tuple[TypeKind, TypeKind], Conversion]:
    return {
        (K.DATE, K.TIMESTAMP): (
            lambda value, settings: date_to_timestamp_value(value),
            dates_to_timestamps,
        ),
        (K.DATE, K.TIMESTAMPTZ): (
            date_to_timestamptz_value,
            lambda values, settings: zone_shift(timestamp_to_timestamptz_value)(
                dates_to_timestamps(values, settings), settings
            ),
        ),
        (K.TIMESTAMP, K.TIMESTAMPTZ): (
            timestamp_to_timestamptz_value,
            zone_shift(timestamp_to_timestamptz_value),
        ),
        (K.TIMESTAMPTZ, K.TIMESTAMP): (
            timestamptz_to_timestamp_value,
            zone_shift(timestamptz_to_timestamp_value),
        ),
        (K.TIMESTAMP, K.DATE): (
            lambda value, settings: timestamp_to_date_value(value),
            timestamps_to_dates,
        ),
        (K.TIMESTAMPTZ, K.DATE): (
            lambda value, settings: timestamp_to_date_value(
                timestamptz_to_timestamp_value(value, settings)
            ),
            lambda values, settings: timestamps_to_dates(
                zone_shift(timestamptz_to_timestamp_value)(values, settings), settings
            ),
        ),
        (K.TIMESTAMP, K.TIME): _plain(timestamp_to_time_value),
        (K.TIMESTAMPTZ, K.TIME): (
            lambda value, settings: timestamp_to_time_value(
                timestamptz_to_timestamp_value(value, settings)
            ),
            None,
        ),
        (K.TIMESTAMPTZ, K.TIMETZ): (timestamptz_to_timetz_value, None),
        (K.TIME, K.TIMETZ): (time_to_timetz_value, None),
        (K.TIMETZ, K.TIME): _plain(lambda value: value[0]),
        (K.TIME, K.INTERVAL): _plain(lambda value: Interval(0, 0, value)),
        (K.INTERVAL, K.TIME): _plain(interval_to_time_value),
    }


CONVERSIONS: dict[tuple[TypeKind, TypeKind], Conversion] = {
    **_number_conversions(),
    **_string_conversions(),
    **_datetime_conversions(),
}
# Conversions between dates and times that look at the session's zone.
DEPENDS_ON_SETTINGS = frozenset(
    {
        (K.DATE, K.TIMESTAMPTZ), (K.TIMESTAMP, K.TIMESTAMPTZ), (K.TIMESTAMPTZ, K.TIMESTAMP),
        (K.TIMESTAMPTZ, K.DATE), (K.TIMESTAMPTZ, K.TIME), (K.TIMESTAMPTZ, K.TIMETZ), (K.TIME, K.TIMETZ),
    }
)  # fmt: skip
