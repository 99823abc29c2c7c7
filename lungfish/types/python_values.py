"""Python's own values to internal ones and back: what `Connection` takes as parameters and hands out as results.

A naive datetime is a TIMESTAMP, an aware one a TIMESTAMPTZ; results of TIMESTAMPTZ are aware, in the session's zone. Values that
Python has no type for are refused rather than bent: dates before the year 1 or after 9999 and infinite ones raise 22008.
An interval becomes a timedelta as psycopg makes one, with years of 365 and months of 30 days (interval_delta.py); one that is
too long for that becomes its text.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import ipaddress
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pyarrow as pa

from lungfish.errors import InterfaceError
from lungfish.types.array_value import ArrayValue
from lungfish.types.batch import Vector
from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from lungfish.types.casts import find_cast
from lungfish.types.coercion import common_type
from lungfish.types.encodable import check_encodable
from lungfish.types.format_interval import format_interval
from lungfish.types.interval_delta import IntervalDelta
from lungfish.types.json_text import normalize_jsonb
from lungfish.types.numerics import checked
from lungfish.types.python_range import Range
from lungfish.types.range_value import RangeValue
from lungfish.types.record_value import Record
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    JSONB,
    NUMERIC,
    REAL,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UNKNOWN,
    UUID,
    Interval,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.text_format import format_value
from lungfish.types.time_zones import find_zone
from lungfish.types.vectors import to_values

_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
_SECONDS_PER_DAY = 86_400
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
K = TypeKind


# Python to internal


def from_python(value: Any, settings: TextSettings = CANONICAL) -> tuple[Any, SqlType]:
    """The internal value and its type. A str is UNKNOWN: its use decides. Raises InterfaceError for a type without a match."""
    if value is None:
        return None, UNKNOWN
    reader = _READERS.get(type(value))
    if reader is not None:
        return reader(value)
    for python_type, general in _GENERAL_READERS:
        if isinstance(value, python_type):
            return general(value, settings)
    raise InterfaceError(
        f"cannot use a value of Python type {type(value).__name__!r} as a parameter"
    )


def _from_int(value: int) -> tuple[Any, SqlType]:
    if -(2**31) <= value < 2**31:
        return value, INTEGER
    if -(2**63) <= value < 2**63:
        return value, BIGINT
    return decimal.Decimal(value), NUMERIC


def _from_str(value: str) -> tuple[Any, SqlType]:
    if "\0" in value:
        raise InterfaceError("a text cannot contain the character NUL (0x00)")
    check_encodable(value)
    return value, UNKNOWN


def _from_decimal(value: decimal.Decimal) -> tuple[Any, SqlType]:
    if value.is_snan():
        raise InterfaceError("a signalling NaN cannot be stored")
    return checked(value), NUMERIC


def _from_date(value: datetime.date) -> tuple[Any, SqlType]:
    return value.toordinal() - _EPOCH_ORDINAL, DATE


def _from_datetime(value: datetime.datetime) -> tuple[Any, SqlType]:
    if value.utcoffset() is None:
        return (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND, TIMESTAMP
    return (value - _EPOCH_UTC) // _MICROSECOND, TIMESTAMPTZ


def _from_time(value: datetime.time) -> tuple[Any, SqlType]:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    microseconds = seconds * MICROSECONDS_PER_SECOND + value.microsecond
    offset = value.utcoffset()
    if offset is None:
        return microseconds, TIME
    return (microseconds, -int(offset.total_seconds())), TIMETZ


def _from_timedelta(value: datetime.timedelta) -> tuple[Any, SqlType]:
    microseconds = value.seconds * MICROSECONDS_PER_SECOND + value.microseconds
    return Interval(0, value.days, microseconds), INTERVAL


_READERS: dict[type, Callable[[Any], tuple[Any, SqlType]]] = {
    bool: lambda value: (value, BOOLEAN),
    int: _from_int,
    float: lambda value: (value, DOUBLE),
    str: _from_str,
    decimal.Decimal: _from_decimal,
    bytes: lambda value: (value, BYTEA),
    bytearray: lambda value: (bytes(value), BYTEA),
    memoryview: lambda value: (value.tobytes(), BYTEA),
    datetime.date: _from_date,
    datetime.datetime: _from_datetime,
    datetime.time: _from_time,
    datetime.timedelta: _from_timedelta,
    IntervalDelta: lambda value: (value.interval, INTERVAL),
    Record: lambda value: (value.internal, value.sql_type),
    uuid.UUID: lambda value: (value.bytes, UUID),
    Interval: lambda value: (value, INTERVAL),
    # Its use decides what the bounds are.
    Range: lambda value: (str(value), UNKNOWN),
}


def _from_enum(value: enum.Enum, settings: TextSettings) -> tuple[Any, SqlType]:
    return from_python(value.value, settings)


def _from_mapping(value: Mapping[str, Any], settings: TextSettings) -> tuple[Any, SqlType]:
    return normalize_jsonb(_json_text(value)), JSONB


class ListText(str):
    """A list whose use decides what it is: as a text that of an array, and where JSON is wanted `json_text`."""

    json_text: str

    def __new__(cls, text: str, json_text: str) -> Self:
        """Requires: both are texts of the same list."""
        made = super().__new__(cls, text)
        made.json_text = json_text
        return made


def _json_text(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=_json_default)
    except (TypeError, ValueError) as error:
        raise InterfaceError(f"cannot write the value as json: {error}") from error
    check_encodable(text)
    return text


def _json_default(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _from_sequence(value: Sequence[Any], settings: TextSettings) -> tuple[Any, SqlType]:
    """An array: the elements' common type; lists of equal length in it are further dimensions."""
    items, dimensions = _flatten(value)
    pairs = [from_python(item, settings) for item in items]
    known = [kind for item, kind in pairs if item is not None]
    if not known:
        text = "{" + ",".join(["NULL"] * len(items)) + "}"
        return ListText(text, _json_text(value)), UNKNOWN
    element = common_type(known, "ARRAY")
    if all(kind.kind is K.UNKNOWN for kind in known):
        # Its use decides what the elements are: hand on the text of the array.
        strings = ArrayValue(tuple(items), dimensions, (1,) * len(dimensions))
        text = format_value(strings, array_of(TEXT), settings)
        return ListText(text, _json_text(value)), UNKNOWN
    converted = [_as_element(item, kind, element, settings) for item, kind in pairs]
    return ArrayValue(tuple(converted), dimensions, (1,) * len(dimensions)), array_of(element)


def _as_element(value: Any, source: SqlType, target: SqlType, settings: TextSettings) -> Any:
    if value is None:
        return None
    cast = find_cast(source, target)
    if cast is None:
        raise InterfaceError(f"array elements of types {source} and {target} do not match")
    return cast.scalar(value, settings)


def _flatten(value: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]]:
    nested = [isinstance(item, (list, tuple)) for item in value]
    if not any(nested):
        return list(value), (len(value),) if value else ()
    parts = [
        _flatten(item) if is_list else ([item], None)
        for item, is_list in zip(value, nested, strict=True)
    ]
    shapes = {shape for _, shape in parts}
    shape = shapes.pop()
    if shapes or shape is None:
        raise InterfaceError("nested lists must all have the same length to become an array")
    return [item for items, _ in parts for item in items], (len(value), *shape)


def _from_address(value: Any, settings: TextSettings) -> tuple[Any, SqlType]:
    return str(value), UNKNOWN


def _from_subclass(value: Any, settings: TextSettings) -> tuple[Any, SqlType]:
    # The nearest base class decides: a datetime is a date too.
    for python_type in type(value).__mro__:
        reader = _READERS.get(python_type)
        if reader is not None:
            return reader(value)
    raise InterfaceError(
        f"cannot use a value of Python type {type(value).__name__!r} as a parameter"
    )


_ADDRESSES = (
    ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
    ipaddress.IPv4Interface, ipaddress.IPv6Interface,
)  # fmt: skip
_GENERAL_READERS: tuple[tuple[Any, Callable[[Any, TextSettings], tuple[Any, SqlType]]], ...] = (
    (enum.Enum, _from_enum),
    (Mapping, _from_mapping),
    ((list, tuple), _from_sequence),
    (_ADDRESSES, _from_address),
    (tuple(_READERS), _from_subclass),
)


# Internal to Python


def column_to_python(
    vector: Vector, sql_type: SqlType, settings: TextSettings = CANONICAL
) -> list[Any]:
    """The Python values of a vector, None for NULL."""
    kind = sql_type.kind
    if kind in (K.DATE, K.TIME, K.TIMESTAMP) and _is_in_python_calendar(vector):
        column: list[Any] = vector.to_pylist()
        return column
    values = to_values(vector, sql_type)
    writer = writer_of(sql_type, settings)
    if writer is None:
        return values
    return [None if value is None else writer(value) for value in values]


# 0001-01-01 and 9999-12-31 in days.
_FIRST_DAY = 1 - _EPOCH_ORDINAL
_LAST_DAY = datetime.date.max.toordinal() - _EPOCH_ORDINAL


def _is_in_python_calendar(vector: Vector) -> bool:
    if pa.types.is_time64(vector.type):
        # 24:00:00 is a time in SQL only.
        integers = vector.view(pa.int64())
        low, high = 0, MICROSECONDS_PER_DAY
    elif pa.types.is_date32(vector.type):
        integers = vector.view(pa.int32())
        low, high = _FIRST_DAY, _LAST_DAY + 1
    else:
        integers = vector.view(pa.int64())
        low, high = _FIRST_DAY * MICROSECONDS_PER_DAY, (_LAST_DAY + 1) * MICROSECONDS_PER_DAY
    numbers = integers.fill_null(0).to_numpy()
    return not len(numbers) or (numbers.min() >= low and numbers.max() < high)


# Kinds whose Python value is their text: names of objects, and "char".
_AS_TEXT = (K.REGISTERED, K.INTERNAL_CHAR)


def writer_of(sql_type: SqlType, settings: TextSettings) -> Callable[[Any], Any] | None:
    """The function from internal values to Python's, or None where they are the same."""
    kind = sql_type.kind
    if kind in _AS_TEXT:
        return lambda value: format_value(value, sql_type, settings)
    if settings.extra_float_digits <= 0 and kind in (K.REAL, K.DOUBLE):
        # What a driver reads that is sent the rounded text.
        return lambda value: float(format_value(value, sql_type, settings))
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer
    if kind is K.INTERVAL:
        return lambda value: _as_timedelta(value, settings.interval_style)
    if kind is K.TIMESTAMPTZ:
        tzinfo = _tzinfo(settings.time_zone.name)
        return lambda value: _in_zone(value, tzinfo)
    if kind is K.ARRAY:
        assert sql_type.element is not None
        item_writer = writer_of(sql_type.element, settings)
        return lambda value: _as_lists(value, item_writer)
    if kind is K.RECORD:
        writers = [writer_of(field, settings) for field in sql_type.fields]
        return lambda value: Record(
            [_apply(w, v) for w, v in zip(writers, value, strict=True)], value, sql_type
        )
    if kind is K.RANGE:
        assert sql_type.element is not None
        bound_writer = writer_of(sql_type.element, settings)
        return lambda value: _as_range(value, bound_writer)
    if kind is K.MULTIRANGE:
        assert sql_type.element is not None
        range_writer = writer_of(sql_type.element, settings)
        return lambda value: [_apply(range_writer, each) for each in value]
    return None


def _apply(writer: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if value is None or writer is None else writer(value)


def _tzinfo(zone: str) -> datetime.tzinfo:
    found = find_zone(zone)
    if found is None or found.fixed_offset == 0:
        return datetime.UTC
    if found.zone is not None:
        return found.zone
    offset = datetime.timedelta(seconds=found.fixed_offset or 0)
    if abs(offset) >= datetime.timedelta(days=1):
        # Further from UTC than Python's zones may be: the same instant, told by UTC.
        return datetime.UTC
    return datetime.timezone(offset, found.name)


def _as_date(value: int) -> datetime.date | str:
    """A date; PostgreSQL's text of one that Python's calendar does not reach, infinity among them."""
    if not _FIRST_DAY <= value <= _LAST_DAY:
        return format_value(value, DATE)
    return datetime.date.fromordinal(value + _EPOCH_ORDINAL)


def _as_datetime(value: int, tzinfo: datetime.tzinfo | None) -> datetime.datetime | str:
    """A timestamp; PostgreSQL's text of one that Python's calendar does not reach, infinity among them."""
    days, microseconds = divmod(value, MICROSECONDS_PER_DAY)
    if not _FIRST_DAY <= days <= _LAST_DAY:
        return format_value(value, TIMESTAMP if tzinfo is None else TIMESTAMPTZ)
    epoch = _EPOCH if tzinfo is None else _EPOCH_UTC
    return epoch + datetime.timedelta(days, 0, microseconds)


def _in_zone(value: int, tzinfo: datetime.tzinfo) -> datetime.datetime | str:
    instant = _as_datetime(value, datetime.UTC)
    return instant if isinstance(instant, str) else instant.astimezone(tzinfo)


def _as_single(value: float) -> float:
    """A REAL as the number that its text spells: 4.7, not the nearest 32-bit number's 4.699999809265137."""
    return float(format_value(value, REAL))


def _as_time(value: int, tzinfo: datetime.tzinfo | None = None) -> datetime.time | str:
    """A time of day; PostgreSQL's text of 24:00:00, which Python has not."""
    if value >= MICROSECONDS_PER_DAY:
        return format_value(value, TIME)
    seconds, microsecond = divmod(value, MICROSECONDS_PER_SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return datetime.time(hour, minute, second, microsecond, tzinfo)


def _as_timetz(value: tuple[int, int]) -> datetime.time | str:
    """A time with its offset; PostgreSQL's text of one that Python has not."""
    microseconds, west = value
    if microseconds >= MICROSECONDS_PER_DAY or abs(west) >= _SECONDS_PER_DAY:
        return format_value(value, TIMETZ)
    return _as_time(microseconds, datetime.timezone(datetime.timedelta(seconds=-west)))


def _as_timedelta(value: Interval, style: str) -> datetime.timedelta | str:
    try:
        return IntervalDelta(value, style)
    except OverflowError:
        return format_interval(value, style)


def _as_lists(value: ArrayValue, writer: Callable[[Any], Any] | None) -> list[Any]:
    if writer is None:
        return value.nested()
    items = tuple(None if item is None else writer(item) for item in value.elements)
    return ArrayValue(items, value.dimensions, value.lower_bounds).nested()


def _as_range(value: RangeValue, writer: Callable[[Any], Any] | None) -> Range:
    if value.is_empty:
        return Range(isempty=True)
    bounds = ("[" if value.is_lower_inclusive else "(") + ("]" if value.is_upper_inclusive else ")")
    return Range(_apply(writer, value.lower), _apply(writer, value.upper), bounds)


_WRITERS: dict[TypeKind, Callable[[Any], Any]] = {
    K.REAL: _as_single,
    K.DATE: _as_date,
    K.TIME: _as_time,
    K.TIMETZ: _as_timetz,
    K.TIMESTAMP: lambda value: _as_datetime(value, None),
    K.UUID: lambda value: uuid.UUID(bytes=value),
    K.JSON: json.loads,
    K.JSONB: json.loads,
}
