"""Arithmetic of dates, times, timestamps and intervals.

Months and days of an interval are added to the calendar, its microseconds to the clock; for timestamptz the calendar is that of the
session's time zone, so `+ interval '1 day'` keeps the local time over a change of the clocks.
"""

from __future__ import annotations

import math
from typing import Any

from lungfish.errors import DatetimeFieldOverflow, DivisionByZero, IntervalFieldOverflow
from lungfish.functions.registry import Function, FunctionContext, ScalarForm, Volatility
from lungfish.types.calendar import (
    MICROSECONDS_PER_DAY,
    add_months,
    is_infinite_date,
    is_infinite_timestamp,
    is_valid_date,
    is_valid_timestamp,
)
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import (
    DATE,
    DOUBLE,
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    INTEGER,
    INTERVAL,
    MINUS_INFINITE_TIMESTAMP,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Interval,
    SqlType,
)
from lungfish.types.time_zones import TimeZone

_INT32 = 2**31
_INT64 = 2**63


def checked_interval(months: int, days: int, microseconds: int) -> Interval:
    """An interval of parts that fit. Raises IntervalFieldOverflow (22015)."""
    fits = -_INT32 <= months < _INT32 and -_INT32 <= days < _INT32
    if not fits or not -_INT64 <= microseconds < _INT64:
        raise IntervalFieldOverflow("interval out of range")
    return Interval(months, days, microseconds)


def zone_of(context: FunctionContext) -> TimeZone:
    """The session's time zone."""
    settings: TextSettings = context.session_fact("text_settings")
    return settings.time_zone


# Dates


def _checked_date(days: int) -> int:
    if not is_valid_date(days):
        raise DatetimeFieldOverflow("date out of range")
    return days


def _add_days(date: int, days: int) -> int:
    return date if is_infinite_date(date) else _checked_date(date + days)


def _subtract_days(date: int, days: int) -> int:
    return date if is_infinite_date(date) else _checked_date(date - days)


def _days_between(left: int, right: int) -> int:
    if is_infinite_date(left) or is_infinite_date(right):
        raise DatetimeFieldOverflow("cannot subtract infinite dates")
    return left - right


def date_to_timestamp(date: int) -> int:
    """Midnight of a date."""
    if is_infinite_date(date):
        return INFINITE_TIMESTAMP if date == INFINITE_DATE else MINUS_INFINITE_TIMESTAMP
    return _checked_timestamp(date * MICROSECONDS_PER_DAY)


def _date_and_time(date: int, time: int) -> int:
    midnight = date_to_timestamp(date)
    return midnight if is_infinite_timestamp(midnight) else _checked_timestamp(midnight + time)


# Timestamps


def _checked_timestamp(timestamp: int) -> int:
    if not is_valid_timestamp(timestamp):
        raise DatetimeFieldOverflow("timestamp out of range")
    return timestamp


def add_interval(timestamp: int, interval: Interval) -> int:
    """A timestamp without time zone plus an interval. Raises DatetimeFieldOverflow (22008)."""
    if is_infinite_timestamp(timestamp):
        return timestamp
    months, days, microseconds = interval
    if months or days:
        date, clock = divmod(timestamp, MICROSECONDS_PER_DAY)
        if months:
            date = add_months(date, months)
        timestamp = _checked_timestamp((date + days) * MICROSECONDS_PER_DAY + clock)
    return _checked_timestamp(timestamp + microseconds)


def negated(interval: Interval) -> Interval:
    """The interval with its sign turned."""
    return checked_interval(-interval.months, -interval.days, -interval.microseconds)


def subtract_interval(timestamp: int, interval: Interval) -> int:
    """A timestamp without time zone minus an interval."""
    return add_interval(timestamp, negated(interval))


def add_interval_in_zone(zone: TimeZone, instant: int, interval: Interval) -> int:
    """An instant plus an interval, by the zone's calendar."""
    if is_infinite_timestamp(instant):
        return instant
    months, days, microseconds = interval
    if months or days:
        local = add_interval(zone.to_local(instant), Interval(months, days, 0))
        instant = _checked_timestamp(zone.to_instant(local))
    return _checked_timestamp(instant + microseconds)


def _add_in_session_zone(context: FunctionContext, instant: int, interval: Interval) -> int:
    return add_interval_in_zone(zone_of(context), instant, interval)


def _subtract_in_session_zone(context: FunctionContext, instant: int, interval: Interval) -> int:
    return add_interval_in_zone(zone_of(context), instant, negated(interval))


def timestamp_difference(left: int, right: int) -> Interval:
    """left - right in days and time, as PostgreSQL gives it. Raises DatetimeFieldOverflow for infinities of one sign."""
    if is_infinite_timestamp(left) or is_infinite_timestamp(right):
        raise IntervalFieldOverflow("interval out of range")
    gap = left - right
    sign = -1 if gap < 0 else 1
    days, rest = divmod(abs(gap), MICROSECONDS_PER_DAY)
    return checked_interval(0, sign * days, sign * rest)


def _time_plus_interval(time: int, interval: Interval) -> int:
    return (time + interval.microseconds) % MICROSECONDS_PER_DAY


def _time_minus_interval(time: int, interval: Interval) -> int:
    return (time - interval.microseconds) % MICROSECONDS_PER_DAY


# Intervals


def add_intervals(left: Interval, right: Interval) -> Interval:
    """The sum, part by part."""
    return checked_interval(*(one + other for one, other in zip(left, right, strict=True)))


def _subtract_intervals(left: Interval, right: Interval) -> Interval:
    return checked_interval(*(one - other for one, other in zip(left, right, strict=True)))


def _rounded(value: float) -> int:
    """To the nearest integer, ties to even, as C's rint."""
    return round(value)


def multiply_interval(interval: Interval, factor: float) -> Interval:
    """Fractions of months become days of 1/30 month, fractions of days become time."""
    if math.isnan(factor) or math.isinf(factor):
        raise IntervalFieldOverflow("interval out of range")
    whole_months = math.trunc(interval.months * factor)
    whole_days = math.trunc(interval.days * factor)
    month_rest = _cut((interval.months * factor - whole_months) * 30)
    extra_days = math.trunc(month_rest)
    seconds = _cut((interval.days * factor - whole_days + month_rest - extra_days) * 86_400)
    if abs(seconds) >= 86_400:
        extra_days += math.trunc(seconds / 86_400)
        seconds -= math.trunc(seconds / 86_400) * 86_400
    microseconds = _rounded(interval.microseconds * factor + seconds * 1_000_000)
    return checked_interval(whole_months, whole_days + extra_days, microseconds)


def _cut(value: float) -> float:
    """PostgreSQL's TSROUND: to a millionth, so that 0.1 + 0.2 does not leave its trace."""
    return round(value * 1_000_000) / 1_000_000


def _factor_first(factor: float, interval: Interval) -> Interval:
    return multiply_interval(interval, factor)


def divide_interval(interval: Interval, divisor: float) -> Interval:
    """The interval multiplied by 1 / divisor. Raises DivisionByZero (22012)."""
    if divisor == 0:
        raise DivisionByZero("division by zero")
    months, days, microseconds = interval
    whole_months = math.trunc(months / divisor)
    whole_days = math.trunc(days / divisor)
    month_rest = _cut((months / divisor - whole_months) * 30)
    extra_days = math.trunc(month_rest)
    seconds = _cut((days / divisor - whole_days + month_rest - extra_days) * 86_400)
    if abs(seconds) >= 86_400:
        extra_days += math.trunc(seconds / 86_400)
        seconds -= math.trunc(seconds / 86_400) * 86_400
    return checked_interval(
        whole_months,
        whole_days + extra_days,
        _rounded(microseconds / divisor + seconds * 1_000_000),
    )


def _operator(
    symbol: str, left: SqlType, right: SqlType, result: SqlType, scalar: ScalarForm
) -> Function:
    return Function(symbol, (left, right), result, scalar)


def _zoned(symbol: str, left: SqlType, right: SqlType, scalar: Any) -> Function:
    return Function(
        symbol, (left, right), TIMESTAMPTZ, scalar, volatility=Volatility.STABLE, needs_context=True
    )


FUNCTIONS: tuple[Function, ...] = (
    _operator("+", DATE, INTEGER, DATE, _add_days),
    _operator("+", INTEGER, DATE, DATE, lambda days, date: _add_days(date, days)),
    _operator("-", DATE, INTEGER, DATE, _subtract_days),
    _operator("-", DATE, DATE, INTEGER, _days_between),
    _operator("+", DATE, TIME, TIMESTAMP, _date_and_time),
    _operator("+", TIME, DATE, TIMESTAMP, lambda time, date: _date_and_time(date, time)),
    _operator("+", DATE, INTERVAL, TIMESTAMP, lambda date, step: add_interval(date_to_timestamp(date), step)),
    _operator("+", INTERVAL, DATE, TIMESTAMP, lambda step, date: add_interval(date_to_timestamp(date), step)),
    _operator("-", DATE, INTERVAL, TIMESTAMP, lambda date, step: subtract_interval(date_to_timestamp(date), step)),
    _operator("+", TIMESTAMP, INTERVAL, TIMESTAMP, add_interval),
    _operator("+", INTERVAL, TIMESTAMP, TIMESTAMP, lambda step, timestamp: add_interval(timestamp, step)),
    _operator("-", TIMESTAMP, INTERVAL, TIMESTAMP, subtract_interval),
    _operator("-", TIMESTAMP, TIMESTAMP, INTERVAL, timestamp_difference),
    _operator("-", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, timestamp_difference),
    _zoned("+", TIMESTAMPTZ, INTERVAL, _add_in_session_zone),
    _zoned("+", INTERVAL, TIMESTAMPTZ, lambda context, step, instant: _add_in_session_zone(context, instant, step)),
    _zoned("-", TIMESTAMPTZ, INTERVAL, _subtract_in_session_zone),
    _operator("+", TIME, INTERVAL, TIME, _time_plus_interval),
    _operator("+", INTERVAL, TIME, TIME, lambda step, time: _time_plus_interval(time, step)),
    _operator("-", TIME, INTERVAL, TIME, _time_minus_interval),
    _operator("-", TIME, TIME, INTERVAL, lambda left, right: Interval(0, 0, left - right)),
    _operator("+", INTERVAL, INTERVAL, INTERVAL, add_intervals),
    _operator("-", INTERVAL, INTERVAL, INTERVAL, _subtract_intervals),
    _operator("*", INTERVAL, DOUBLE, INTERVAL, multiply_interval),
    _operator("*", DOUBLE, INTERVAL, INTERVAL, _factor_first),
    _operator("/", INTERVAL, DOUBLE, INTERVAL, divide_interval),
    Function("-", (INTERVAL,), INTERVAL, negated),
)  # fmt: skip
