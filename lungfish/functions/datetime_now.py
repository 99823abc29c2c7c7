"""The current date and time, and changes of time zone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lungfish.errors import DatetimeFieldOverflow, InvalidParameterValue
from lungfish.functions.datetime_operators import checked_timestamp, text_settings
from lungfish.functions.interval_math import is_infinite as is_infinite_interval
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.calendar import (
    DAY_NAMES,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    MONTH_NAMES,
    day_of_week,
    is_infinite_timestamp,
    split_timestamp,
)
from lungfish.types.casts_datetime import round_fraction, round_timestamp
from lungfish.types.format_interval import format_interval
from lungfish.types.sql_type import (
    DATE,
    DOUBLE,
    INFINITE_TIMESTAMP,
    INTEGER,
    INTERVAL,
    MINUS_INFINITE_TIMESTAMP,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    VOID,
    Interval,
    SqlType,
)
from lungfish.types.time_zones import abbreviation_offset, zone_by_name


def _now(context: FunctionContext) -> int:
    return context.transaction_timestamp()


def _statement_timestamp(context: FunctionContext) -> int:
    return context.statement_timestamp()


def _sleep(context: FunctionContext, seconds: float) -> str:
    context.sleep(seconds)
    return ""


def _clock_timestamp(context: FunctionContext) -> int:
    return context.clock_timestamp()


def _local_now(context: FunctionContext) -> int:
    return text_settings(context).time_zone.to_local(context.transaction_timestamp())


def _current_date(context: FunctionContext) -> int:
    return _local_now(context) // MICROSECONDS_PER_DAY


def _local_time(context: FunctionContext, digits: int = 6) -> int:
    return round_fraction(_local_now(context) % MICROSECONDS_PER_DAY, digits)


def _current_time(context: FunctionContext, digits: int = 6) -> tuple[int, int]:
    offset = text_settings(context).time_zone.offset_at(context.transaction_timestamp())
    return _local_time(context, digits), -offset


def _local_timestamp(context: FunctionContext, digits: int = 6) -> int:
    return round_timestamp(_local_now(context), digits)


def _current_timestamp(context: FunctionContext, digits: int = 6) -> int:
    return round_timestamp(context.transaction_timestamp(), digits)


def _time_of_day(context: FunctionContext) -> str:
    """The wall clock as text: Wed Feb 26 19:10:25.628026 2020 UTC."""
    instant = context.clock_timestamp()
    zone = text_settings(context).time_zone
    local = zone.to_local(instant)
    civil = split_timestamp(local)
    day = DAY_NAMES[day_of_week(local // MICROSECONDS_PER_DAY)][:3]
    clock = f"{civil.hour:02d}:{civil.minute:02d}:{civil.second:02d}.{civil.microsecond:06d}"
    month = MONTH_NAMES[civil.month - 1][:3]
    return f"{day} {month} {civil.day:02d} {clock} {civil.year:04d} {zone.abbreviation_at(instant)}"


# Time zones


def _local_to_instant(name: str, timestamp: int) -> int:
    if is_infinite_timestamp(timestamp):
        return timestamp
    return checked_timestamp(zone_by_name(name).to_instant(timestamp))


def _instant_to_local(name: str, instant: int) -> int:
    if is_infinite_timestamp(instant):
        return instant
    return checked_timestamp(zone_by_name(name).to_local(instant))


def _offset_of(zone: Interval) -> int:
    """Seconds east of an interval that stands for a zone. Raises 22023."""
    if is_infinite_interval(zone):
        raise InvalidParameterValue(f'interval time zone "{format_interval(zone)}" must be finite')
    if zone.months or zone.days:
        raise InvalidParameterValue(
            f'interval time zone "{format_interval(zone)}" must not include months or days'
        )
    quotient = abs(zone.microseconds) // MICROSECONDS_PER_SECOND
    return -quotient if zone.microseconds < 0 else quotient


def _local_by_interval(zone: Interval, timestamp: int) -> int:
    if is_infinite_timestamp(timestamp):
        return timestamp
    return checked_timestamp(timestamp - _offset_of(zone) * MICROSECONDS_PER_SECOND)


def _instant_by_interval(zone: Interval, instant: int) -> int:
    if is_infinite_timestamp(instant):
        return instant
    return checked_timestamp(instant + _offset_of(zone) * MICROSECONDS_PER_SECOND)


def _move_timetz(value: tuple[int, int], offset: int) -> tuple[int, int]:
    microseconds, west = value
    moved = microseconds + (west + offset) * MICROSECONDS_PER_SECOND
    return moved % MICROSECONDS_PER_DAY, -offset


def _timetz_in_zone(context: FunctionContext, name: str, value: tuple[int, int]) -> tuple[int, int]:
    fixed = abbreviation_offset(name)
    if fixed is None:
        fixed = zone_by_name(name).offset_at(context.transaction_timestamp())
    return _move_timetz(value, fixed)


def _timetz_by_interval(zone: Interval, value: tuple[int, int]) -> tuple[int, int]:
    return _move_timetz(value, _offset_of(zone))


def _session_to_instant(context: FunctionContext, timestamp: int) -> int:
    if is_infinite_timestamp(timestamp):
        return timestamp
    return checked_timestamp(text_settings(context).time_zone.to_instant(timestamp))


def _session_to_local(context: FunctionContext, instant: int) -> int:
    if is_infinite_timestamp(instant):
        return instant
    return checked_timestamp(text_settings(context).time_zone.to_local(instant))


def _session_timetz(context: FunctionContext, value: tuple[int, int]) -> tuple[int, int]:
    offset = text_settings(context).time_zone.offset_at(context.transaction_timestamp())
    return _move_timetz(value, offset)


def timestamp_of_epoch(seconds: float) -> int:
    """to_timestamp of seconds since 1970. Raises 22008."""
    if math.isnan(seconds):
        raise DatetimeFieldOverflow("timestamp cannot be NaN")
    if math.isinf(seconds):
        return INFINITE_TIMESTAMP if seconds > 0 else MINUS_INFINITE_TIMESTAMP
    # PostgreSQL counts from 2000, in doubles: the rounding must be the same.
    from_2000 = seconds - 946_684_800.0
    try:
        microseconds = round(from_2000 * MICROSECONDS_PER_SECOND)
        return checked_timestamp(microseconds + 946_684_800 * MICROSECONDS_PER_SECOND)
    except (DatetimeFieldOverflow, OverflowError):
        raise DatetimeFieldOverflow(f'timestamp out of range: "{seconds:g}"') from None


def _entry(
    name: str,
    arguments: tuple[SqlType, ...],
    result: SqlType,
    scalar: Callable[..., Any],
    volatility: Volatility = Volatility.STABLE,
) -> Function:
    return Function(name, arguments, result, scalar, volatility=volatility, needs_context=True)


def _with_precision(name: str, result: SqlType, scalar: Callable[..., Any]) -> tuple[Function, ...]:
    return _entry(name, (), result, scalar), _entry(name, (INTEGER,), result, scalar)


FUNCTIONS: tuple[Function, ...] = (
    _entry("now", (), TIMESTAMPTZ, _now),
    _entry("transaction_timestamp", (), TIMESTAMPTZ, _now),
    _entry("statement_timestamp", (), TIMESTAMPTZ, _statement_timestamp),
    _entry("clock_timestamp", (), TIMESTAMPTZ, _clock_timestamp, Volatility.VOLATILE),
    _entry("pg_sleep", (DOUBLE,), VOID, _sleep, Volatility.VOLATILE),
    _entry("timeofday", (), TEXT, _time_of_day, Volatility.VOLATILE),
    _entry("current_date", (), DATE, _current_date),
    *_with_precision("current_time", TIMETZ, _current_time),
    *_with_precision("localtime", TIME, _local_time),
    *_with_precision("current_timestamp", TIMESTAMPTZ, _current_timestamp),
    *_with_precision("localtimestamp", TIMESTAMP, _local_timestamp),
    Function("timezone", (TEXT, TIMESTAMP), TIMESTAMPTZ, _local_to_instant),
    Function("timezone", (TEXT, TIMESTAMPTZ), TIMESTAMP, _instant_to_local),
    Function("timezone", (INTERVAL, TIMESTAMP), TIMESTAMPTZ, _local_by_interval),
    Function("timezone", (INTERVAL, TIMESTAMPTZ), TIMESTAMP, _instant_by_interval),
    _entry("timezone", (TEXT, TIMETZ), TIMETZ, _timetz_in_zone),
    Function("timezone", (INTERVAL, TIMETZ), TIMETZ, _timetz_by_interval),
    _entry("timezone", (TIMESTAMP,), TIMESTAMPTZ, _session_to_instant),
    _entry("timezone", (TIMESTAMPTZ,), TIMESTAMP, _session_to_local),
    _entry("timezone", (TIMETZ,), TIMETZ, _session_timetz),
    Function("to_timestamp", (DOUBLE,), TIMESTAMPTZ, timestamp_of_epoch),
)
