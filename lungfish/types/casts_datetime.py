"""Casts between dates, times, timestamps and intervals, and rounding to a declared number of fraction digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import DatetimeFieldOverflow, IntervalFieldOverflow
from lungfish.types.batch import Vector
from lungfish.types.calendar import (
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    is_infinite_timestamp,
    is_valid_timestamp,
)
from lungfish.types.numerics import validity
from lungfish.types.parse_interval import INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import (
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
    Interval,
)
from lungfish.types.vectors import integer_view


def date_to_timestamp_value(days: int) -> int:
    """Midnight of a date. Raises 22008."""
    if days == INFINITE_DATE:
        return INFINITE_TIMESTAMP
    if days == MINUS_INFINITE_DATE:
        return MINUS_INFINITE_TIMESTAMP
    timestamp = days * MICROSECONDS_PER_DAY
    if not is_valid_timestamp(timestamp):
        raise DatetimeFieldOverflow("date out of range for timestamp")
    return timestamp


def dates_to_timestamps(values: Vector, settings: TextSettings) -> Vector:
    """`date_to_timestamp_value` for a vector."""
    valid = validity(values) if values.null_count else None
    days = integer_view(values).fill_null(0).to_numpy().astype(np.int64)
    plus, minus = days == INFINITE_DATE, days == MINUS_INFINITE_DATE
    finite = np.where(plus | minus, 0, days)
    limits = TIMESTAMP_MIN // MICROSECONDS_PER_DAY, TIMESTAMP_MAX // MICROSECONDS_PER_DAY
    if len(finite) and (finite.min() < limits[0] or finite.max() > limits[1]):
        raise DatetimeFieldOverflow("date out of range for timestamp")
    timestamps = finite * MICROSECONDS_PER_DAY
    timestamps[plus], timestamps[minus] = INFINITE_TIMESTAMP, MINUS_INFINITE_TIMESTAMP
    return as_timestamps(timestamps, valid)


def as_timestamps(numbers: np.ndarray[Any, Any], valid: np.ndarray[Any, Any] | None) -> Vector:
    """A timestamp vector of int64 microseconds, null where not `valid`."""
    mask = None if valid is None else ~valid
    return pa.array(numbers, pa.int64(), mask=mask).view(pa.timestamp("us"))


def date_to_timestamptz_value(days: int, settings: TextSettings) -> int:
    """The instant of midnight in the session's zone."""
    return timestamp_to_timestamptz_value(date_to_timestamp_value(days), settings)


def timestamp_to_timestamptz_value(timestamp: int, settings: TextSettings) -> int:
    """The instant of a local time in the session's zone. Raises 22008."""
    if is_infinite_timestamp(timestamp):
        return timestamp
    instant = settings.time_zone.to_instant(timestamp)
    if not is_valid_timestamp(instant):
        raise DatetimeFieldOverflow("timestamp out of range")
    return instant


def timestamptz_to_timestamp_value(instant: int, settings: TextSettings) -> int:
    """The local time of an instant in the session's zone. Raises 22008."""
    if is_infinite_timestamp(instant):
        return instant
    local = settings.time_zone.to_local(instant)
    if not is_valid_timestamp(local):
        raise DatetimeFieldOverflow("timestamp out of range")
    return local


def zone_shift(
    scalar: Callable[[int, TextSettings], int],
) -> Callable[[Vector, TextSettings], Vector]:
    """The vector form of a conversion between local times and instants; nothing to do where the zone is UTC."""

    def vector(values: Vector, settings: TextSettings) -> Vector:
        if settings.time_zone.fixed_offset == 0:
            return values
        found = [
            None if value is None else scalar(value, settings)
            for value in integer_view(values).to_pylist()
        ]
        return pa.array(found, pa.int64()).view(pa.timestamp("us"))

    return vector


def timestamp_to_date_value(timestamp: int) -> int:
    """The day of a timestamp."""
    if timestamp == INFINITE_TIMESTAMP:
        return INFINITE_DATE
    if timestamp == MINUS_INFINITE_TIMESTAMP:
        return MINUS_INFINITE_DATE
    return timestamp // MICROSECONDS_PER_DAY


def timestamps_to_dates(values: Vector, settings: TextSettings) -> Vector:
    """`timestamp_to_date_value` for a vector."""
    mask = ~validity(values) if values.null_count else None
    timestamps = integer_view(values).fill_null(0).to_numpy()
    days = timestamps // MICROSECONDS_PER_DAY
    days[timestamps == INFINITE_TIMESTAMP] = INFINITE_DATE
    days[timestamps == MINUS_INFINITE_TIMESTAMP] = MINUS_INFINITE_DATE
    return pa.array(days.astype(np.int32), mask=mask).view(pa.date32())


def timestamp_to_time_value(timestamp: int) -> int | None:
    """The time of day; NULL for an infinite timestamp."""
    if is_infinite_timestamp(timestamp):
        return None
    return timestamp % MICROSECONDS_PER_DAY


def timestamptz_to_timetz_value(instant: int, settings: TextSettings) -> tuple[int, int] | None:
    """The time of day in the session's zone, with its offset."""
    if is_infinite_timestamp(instant):
        return None
    offset = settings.time_zone.offset_at(instant)
    return (instant + offset * MICROSECONDS_PER_SECOND) % MICROSECONDS_PER_DAY, -offset


def time_to_timetz_value(time: int, settings: TextSettings) -> tuple[int, int]:
    """A time in the session's zone, whose offset is that of the current date."""
    today = (settings.transaction_timestamp or 0) // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY
    return time, -settings.time_zone.offset_of_local(today + time)


def interval_to_time_value(value: Interval) -> int:
    """The time part of an interval, within a day. Raises 22008 for infinity."""
    if value in (INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL):
        raise DatetimeFieldOverflow("cannot convert infinite interval to time")
    return value.microseconds % MICROSECONDS_PER_DAY


def round_fraction(microseconds: int, digits: int) -> int:
    """Microseconds rounded to that many digits of a second, halves away from zero."""
    if digits >= 6:
        return microseconds
    unit: int = 10 ** (6 - digits)
    if microseconds >= 0:
        return (microseconds + unit // 2) // unit * unit
    return -((-microseconds + unit // 2) // unit * unit)


# PostgreSQL counts timestamps from 2000-01-01, and rounds their distance from there.
_ROUNDING_ORIGIN = 946_684_800 * MICROSECONDS_PER_SECOND


def round_timestamp(timestamp: int, digits: int) -> int:
    """A timestamp rounded to that many digits of a second."""
    if is_infinite_timestamp(timestamp):
        return timestamp
    return round_fraction(timestamp - _ROUNDING_ORIGIN, digits) + _ROUNDING_ORIGIN


def round_timestamps(values: Vector, digits: int) -> Vector:
    """`round_timestamp` for a vector."""
    if digits >= 6:
        return values
    valid = validity(values) if values.null_count else None
    numbers = integer_view(values).fill_null(0).to_numpy()
    is_infinite = (numbers == INFINITE_TIMESTAMP) | (numbers == MINUS_INFINITE_TIMESTAMP)
    distance = np.where(is_infinite, 0, numbers) - _ROUNDING_ORIGIN
    unit = 10 ** (6 - digits)
    rounded = np.sign(distance) * ((np.abs(distance) + unit // 2) // unit * unit)
    return as_timestamps(np.where(is_infinite, numbers, rounded + _ROUNDING_ORIGIN), valid)


_SMALLEST_FIELD_LENGTHS = {
    "hour": 3600 * MICROSECONDS_PER_SECOND,
    "minute": 60 * MICROSECONDS_PER_SECOND,
    "second": 1,
}


def cut_interval(value: Interval, fields: str) -> Interval:
    """An interval without what is smaller than the last of the declared fields; larger parts stay, as in PostgreSQL."""
    if value in (INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL):
        return value
    smallest = fields.rpartition(" ")[2]
    months, days, microseconds = value
    if smallest == "year":
        whole_years = abs(months) // 12 * 12
        return Interval(whole_years if months >= 0 else -whole_years, 0, 0)
    if smallest == "month":
        return Interval(months, 0, 0)
    if smallest == "day":
        return Interval(months, days, 0)
    length = _SMALLEST_FIELD_LENGTHS[smallest]
    whole = abs(microseconds) // length * length
    return Interval(months, days, whole if microseconds >= 0 else -whole)


def round_interval(value: Interval, digits: int) -> Interval:
    """An interval whose seconds have at most that many digits after the point. Raises 22015."""
    if value in (INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL):
        return value
    microseconds = round_fraction(value.microseconds, digits)
    if not -(2**63) <= microseconds < 2**63:
        raise IntervalFieldOverflow("interval out of range")
    return Interval(value.months, value.days, microseconds)
