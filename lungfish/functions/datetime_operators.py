"""The operators + and - of dates, times and timestamps.

Adding an interval to a timestamp adds its months (a day past the month's end becomes its last), then its days, then its time; for a
timestamp with time zone months and days are added to the local time of the session's zone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import DatetimeFieldOverflow
from lungfish.functions import interval_math
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.vector_tools import Argument, map_rows, operands, result_vector
from lungfish.types.calendar import (
    DAYS_MAX,
    DAYS_MIN,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    add_months,
    is_infinite_date,
    is_infinite_timestamp,
    is_valid_date,
    is_valid_timestamp,
)
from lungfish.types.casts_datetime import (
    as_timestamps,
    date_to_timestamp_value,
    dates_to_timestamps,
)
from lungfish.types.parse_interval import INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import (
    DATE,
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    INTEGER,
    INTERVAL,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    Interval,
)
from lungfish.types.time_zones import TimeZone, zone_by_name
from lungfish.types.vectors import to_values


def text_settings(context: FunctionContext) -> TextSettings:
    """The session's settings."""
    settings: TextSettings = context.session_fact("text_settings")
    return settings


def _timestamp_out_of_range() -> DatetimeFieldOverflow:
    return DatetimeFieldOverflow("timestamp out of range")


def checked_timestamp(timestamp: int) -> int:
    """A computed finite timestamp. Raises 22008."""
    if not is_valid_timestamp(timestamp):
        raise _timestamp_out_of_range()
    return timestamp


# Dates and integers


def add_days(date: int, days: int) -> int:
    """date + integer. Raises 22008."""
    if is_infinite_date(date):
        return date
    found = date + days
    if not is_valid_date(found):
        raise DatetimeFieldOverflow("date out of range")
    return found


def _add_days_reversed(days: int, date: int) -> int:
    return add_days(date, days)


def _subtract_days(date: int, days: int) -> int:
    return add_days(date, -days)


def subtract_dates(left: int, right: int) -> int:
    """date - date, in days. Raises 22008."""
    if is_infinite_date(left) or is_infinite_date(right):
        raise DatetimeFieldOverflow("cannot subtract infinite dates")
    return left - right


def _days_vector(ufunc: Any, scalar: Callable[[int, int], int]) -> Callable[..., Argument]:
    def vector(left: Argument, right: Argument) -> Argument:
        found = operands((left, right))
        one, other = (array.astype(np.int64) for array in found.arrays)
        days = ufunc(one, other)
        dates = one if pa.types.is_date32(left.type) else other
        is_plain = (np.abs(dates) < INFINITE_DATE) & (days >= DAYS_MIN) & (days <= DAYS_MAX)
        if not bool(np.all(is_plain)):
            types = (DATE, INTEGER) if pa.types.is_date32(left.type) else (INTEGER, DATE)
            return map_rows(scalar, (left, right), types, DATE)
        return result_vector(
            days.astype(np.int32), found.valid, is_scalar=found.is_scalar, arrow_type=pa.date32()
        )

    return vector


def _subtract_dates_vector(left: Argument, right: Argument) -> Argument:
    found = operands((left, right))
    one, other = (array.astype(np.int64) for array in found.arrays)
    is_infinite = (np.abs(one) >= INFINITE_DATE) | (np.abs(other) >= INFINITE_DATE)
    if found.valid is not None:
        is_infinite = is_infinite & found.valid
    if bool(np.any(is_infinite)):
        raise DatetimeFieldOverflow("cannot subtract infinite dates")
    return result_vector((one - other).astype(np.int32), found.valid, is_scalar=found.is_scalar)


# Timestamps and intervals


def add_interval(timestamp: int, interval: Interval) -> int:
    """timestamp + interval. Raises 22008."""
    infinite = _infinite_sum(timestamp, interval)
    if infinite is not None:
        return infinite
    if interval.months or interval.days:
        days, clock = divmod(timestamp, MICROSECONDS_PER_DAY)
        if interval.months:
            days = add_months(days, interval.months)
        timestamp = checked_timestamp((days + interval.days) * MICROSECONDS_PER_DAY + clock)
    return checked_timestamp(timestamp + interval.microseconds)


def _infinite_sum(timestamp: int, interval: Interval) -> int | None:
    """The sum where an operand is infinite, else None. Raises 22008 for infinity and -infinity."""
    if interval == INFINITE_INTERVAL:
        if timestamp == MINUS_INFINITE_TIMESTAMP:
            raise _timestamp_out_of_range()
        return INFINITE_TIMESTAMP
    if interval == MINUS_INFINITE_INTERVAL:
        if timestamp == INFINITE_TIMESTAMP:
            raise _timestamp_out_of_range()
        return MINUS_INFINITE_TIMESTAMP
    return timestamp if is_infinite_timestamp(timestamp) else None


def subtract_interval(timestamp: int, interval: Interval) -> int:
    """timestamp - interval."""
    return add_interval(timestamp, interval_math.negate(interval))


def _interval_plus(interval: Interval, timestamp: int) -> int:
    return add_interval(timestamp, interval)


def add_interval_in_zone(instant: int, interval: Interval, zone: TimeZone) -> int:
    """timestamptz + interval, months and days counted in the zone's local time."""
    infinite = _infinite_sum(instant, interval)
    if infinite is not None:
        return infinite
    if interval.months or interval.days:
        days, clock = divmod(zone.to_local(instant), MICROSECONDS_PER_DAY)
        if interval.months:
            days = add_months(days, interval.months)
        local = checked_timestamp((days + interval.days) * MICROSECONDS_PER_DAY + clock)
        instant = checked_timestamp(zone.to_instant(local))
    return checked_timestamp(instant + interval.microseconds)


def _zoned_plus(context: FunctionContext, instant: int, interval: Interval) -> int:
    return add_interval_in_zone(instant, interval, text_settings(context).time_zone)


def _zoned_plus_reversed(context: FunctionContext, interval: Interval, instant: int) -> int:
    return _zoned_plus(context, instant, interval)


def _zoned_minus(context: FunctionContext, instant: int, interval: Interval) -> int:
    return _zoned_plus(context, instant, interval_math.negate(interval))


def _date_add(instant: int, interval: Interval, zone: str) -> int:
    return add_interval_in_zone(instant, interval, zone_by_name(zone))


def _date_subtract(instant: int, interval: Interval, zone: str) -> int:
    return _date_add(instant, interval_math.negate(interval), zone)


def _date_plus_interval(date: int, interval: Interval) -> int:
    return add_interval(date_to_timestamp_value(date), interval)


def _date_minus_interval(date: int, interval: Interval) -> int:
    return subtract_interval(date_to_timestamp_value(date), interval)


def _interval_plus_date(interval: Interval, date: int) -> int:
    return _date_plus_interval(date, interval)


def _interval_vector(scalar: Callable[..., int], sign: int) -> Callable[..., Argument]:
    """The vector form for a column of timestamps or dates and one constant interval without months."""

    def vector(left: Argument, right: Argument) -> Argument:
        moments, interval = (left, right) if not _is_interval(left) else (right, left)
        is_date = pa.types.is_date32(moments.type)
        kinds = {False: DATE if is_date else TIMESTAMP, True: INTERVAL}
        types = (kinds[_is_interval(left)], kinds[_is_interval(right)])
        shift = _constant_shift(interval)
        if shift is None or isinstance(moments, pa.Scalar):
            return map_rows(scalar, (left, right), types, TIMESTAMP)
        timestamps = dates_to_timestamps(moments, CANONICAL) if is_date else moments
        found = operands((timestamps,))
        numbers = found.arrays[0]
        limit = abs(shift)
        is_safe = len(numbers) == 0 or (
            numbers.min() >= TIMESTAMP_MIN + limit and numbers.max() <= TIMESTAMP_MAX - limit
        )
        if not is_safe:
            return map_rows(scalar, (left, right), types, TIMESTAMP)
        return as_timestamps(numbers + sign * shift, found.valid)

    return vector


def _is_interval(argument: Argument) -> bool:
    return bool(pa.types.is_fixed_size_binary(argument.type))


def _constant_shift(argument: Argument) -> int | None:
    """The microseconds of a constant interval of days and time; None for any other."""
    if not isinstance(argument, pa.Scalar) or not argument.is_valid:
        return None
    value = to_values(pa.repeat(argument, 1), INTERVAL)[0]
    if value.months or interval_math.is_infinite(value):
        return None
    shift: int = value.days * MICROSECONDS_PER_DAY + value.microseconds
    return shift if abs(shift) < TIMESTAMP_MAX // 4 else None


def subtract_timestamps(left: int, right: int) -> Interval:
    """timestamp - timestamp: days and time."""
    if is_infinite_timestamp(left) or is_infinite_timestamp(right):
        if left == right:
            raise interval_math.out_of_range()
        is_positive = left == INFINITE_TIMESTAMP or right == MINUS_INFINITE_TIMESTAMP
        return INFINITE_INTERVAL if is_positive else MINUS_INFINITE_INTERVAL
    return interval_math.justify_hours(interval_math.checked_interval(0, 0, left - right))


# Times of day


def _time_plus(time: int, interval: Interval) -> int:
    if interval_math.is_infinite(interval):
        raise DatetimeFieldOverflow("cannot add infinite interval to time")
    return (time + interval.microseconds) % MICROSECONDS_PER_DAY


def _interval_plus_time(interval: Interval, time: int) -> int:
    return _time_plus(time, interval)


def _time_minus(time: int, interval: Interval) -> int:
    if interval_math.is_infinite(interval):
        raise DatetimeFieldOverflow("cannot subtract infinite interval from time")
    return (time - interval.microseconds) % MICROSECONDS_PER_DAY


def _subtract_times(left: int, right: int) -> Interval:
    return Interval(0, 0, left - right)


def _timetz_plus(value: tuple[int, int], interval: Interval) -> tuple[int, int]:
    return _time_plus(value[0], interval), value[1]


def _interval_plus_timetz(interval: Interval, value: tuple[int, int]) -> tuple[int, int]:
    return _timetz_plus(value, interval)


def _timetz_minus(value: tuple[int, int], interval: Interval) -> tuple[int, int]:
    return _time_minus(value[0], interval), value[1]


def _date_plus_time(date: int, time: int) -> int:
    midnight = date_to_timestamp_value(date)
    return midnight if is_infinite_timestamp(midnight) else checked_timestamp(midnight + time)


def _time_plus_date(time: int, date: int) -> int:
    return _date_plus_time(date, time)


def _date_plus_timetz(date: int, value: tuple[int, int]) -> int:
    if date == INFINITE_DATE:
        return INFINITE_TIMESTAMP
    if date == MINUS_INFINITE_DATE:
        return MINUS_INFINITE_TIMESTAMP
    time, west = value
    return checked_timestamp(date * MICROSECONDS_PER_DAY + time + west * MICROSECONDS_PER_SECOND)


def _timetz_plus_date(value: tuple[int, int], date: int) -> int:
    return _date_plus_timetz(date, value)


def _zoned(name: str, left: Any, right: Any, scalar: Any) -> Function:
    return Function(
        name, (left, right), TIMESTAMPTZ, scalar, volatility=Volatility.STABLE, needs_context=True
    )


FUNCTIONS: tuple[Function, ...] = (
    Function("+", (DATE, INTEGER), DATE, add_days, _days_vector(np.add, add_days)),
    Function(
        "+", (INTEGER, DATE), DATE, _add_days_reversed, _days_vector(np.add, _add_days_reversed)
    ),
    Function("-", (DATE, INTEGER), DATE, _subtract_days, _days_vector(np.subtract, _subtract_days)),
    Function("-", (DATE, DATE), INTEGER, subtract_dates, _subtract_dates_vector),
    Function(
        "+",
        (DATE, INTERVAL),
        TIMESTAMP,
        _date_plus_interval,
        _interval_vector(_date_plus_interval, 1),
    ),
    Function(
        "+",
        (INTERVAL, DATE),
        TIMESTAMP,
        _interval_plus_date,
        _interval_vector(_interval_plus_date, 1),
    ),
    Function(
        "-",
        (DATE, INTERVAL),
        TIMESTAMP,
        _date_minus_interval,
        _interval_vector(_date_minus_interval, -1),
    ),
    Function(
        "+", (TIMESTAMP, INTERVAL), TIMESTAMP, add_interval, _interval_vector(add_interval, 1)
    ),
    Function(
        "+", (INTERVAL, TIMESTAMP), TIMESTAMP, _interval_plus, _interval_vector(_interval_plus, 1)
    ),
    Function(
        "-",
        (TIMESTAMP, INTERVAL),
        TIMESTAMP,
        subtract_interval,
        _interval_vector(subtract_interval, -1),
    ),
    Function("-", (TIMESTAMP, TIMESTAMP), INTERVAL, subtract_timestamps),
    Function("-", (TIMESTAMPTZ, TIMESTAMPTZ), INTERVAL, subtract_timestamps),
    _zoned("+", TIMESTAMPTZ, INTERVAL, _zoned_plus),
    _zoned("+", INTERVAL, TIMESTAMPTZ, _zoned_plus_reversed),
    _zoned("-", TIMESTAMPTZ, INTERVAL, _zoned_minus),
    _zoned("date_add", TIMESTAMPTZ, INTERVAL, _zoned_plus),
    _zoned("date_subtract", TIMESTAMPTZ, INTERVAL, _zoned_minus),
    Function("date_add", (TIMESTAMPTZ, INTERVAL, TEXT), TIMESTAMPTZ, _date_add),
    Function("date_subtract", (TIMESTAMPTZ, INTERVAL, TEXT), TIMESTAMPTZ, _date_subtract),
    Function("+", (TIME, INTERVAL), TIME, _time_plus),
    Function("+", (INTERVAL, TIME), TIME, _interval_plus_time),
    Function("-", (TIME, INTERVAL), TIME, _time_minus),
    Function("-", (TIME, TIME), INTERVAL, _subtract_times),
    Function("+", (TIMETZ, INTERVAL), TIMETZ, _timetz_plus),
    Function("+", (INTERVAL, TIMETZ), TIMETZ, _interval_plus_timetz),
    Function("-", (TIMETZ, INTERVAL), TIMETZ, _timetz_minus),
    Function("+", (DATE, TIME), TIMESTAMP, _date_plus_time),
    Function("+", (TIME, DATE), TIMESTAMP, _time_plus_date),
    Function("+", (DATE, TIMETZ), TIMESTAMPTZ, _date_plus_timetz),
    Function("+", (TIMETZ, DATE), TIMESTAMPTZ, _timetz_plus_date),
)
