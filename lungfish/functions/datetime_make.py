"""Making dates and times from numbers, age, overlaps, isfinite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lungfish.errors import DatetimeFieldOverflow, InvalidParameterValue, NumericValueOutOfRange
from lungfish.functions.datetime_operators import (
    add_interval,
    add_interval_in_zone,
    checked_timestamp,
    text_settings,
)
from lungfish.functions.interval_math import checked_interval, out_of_range
from lungfish.functions.interval_math import is_infinite as is_infinite_interval
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.calendar import (
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    CivilTime,
    days_from_civil,
    days_in_month,
    is_infinite_date,
    is_infinite_timestamp,
    is_valid_date,
    is_valid_timestamp,
    split_timestamp,
)
from lungfish.types.clock_text import parse_zone_offset
from lungfish.types.datetime_errors import DecodingError, Fault
from lungfish.types.parse_interval import INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL
from lungfish.types.sql_type import (
    BOOLEAN,
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
    Interval,
    SqlType,
)
from lungfish.types.time_zones import zone_by_name

_MINUTE = 60 * MICROSECONDS_PER_SECOND


def make_date(year: int, month: int, day: int) -> int:
    """The date; a negative year is BC. Raises 22008."""
    days = _calendar_day(year, month, day)
    if not is_valid_date(days):
        raise DatetimeFieldOverflow(f"date out of range: {year}-{month:02d}-{day:02d}")
    return days


def _calendar_day(year: int, month: int, day: int) -> int:
    """Days since 1970, however far away. Raises 22008 where the calendar has no such day."""
    astronomical = year if year > 0 else year + 1
    is_day = year != 0 and 1 <= month <= 12 and 1 <= day <= days_in_month(astronomical, month)
    if not is_day:
        shown = f"{year}-{month:02d}-{day:02d}"
        raise DatetimeFieldOverflow(f"date field value out of range: {shown}")
    return days_from_civil(astronomical, month, day)


def make_time(hour: int, minute: int, second: float) -> int:
    """The time of day. Raises 22008."""
    clock = _clock(hour, minute, second)
    if clock is None:
        shown = f"{hour}:{minute:02d}:{_seconds_text(second)}"
        raise DatetimeFieldOverflow(f"time field value out of range: {shown}")
    return clock


def _clock(hour: int, minute: int, second: float) -> int | None:
    scaled = second * MICROSECONDS_PER_SECOND
    # Seconds count as they are rounded: -1e-7 is none, 60.0000001 a minute.
    if not (0 <= hour <= 24 and 0 <= minute <= 59 and -1 < scaled < _MINUTE + 1):
        return None
    microseconds = round(scaled)
    if not 0 <= microseconds <= _MINUTE:
        return None
    clock = (hour * 60 + minute) * 60 * MICROSECONDS_PER_SECOND + microseconds
    return clock if clock <= MICROSECONDS_PER_DAY else None


def _seconds_text(second: float) -> str:
    if math.isfinite(second):
        return f"{second:02g}"
    return "NaN" if math.isnan(second) else "Infinity" if second > 0 else "-Infinity"


def make_timestamp(year: int, month: int, day: int, hour: int, minute: int, second: float) -> int:
    """The timestamp. Raises 22008."""
    days = _calendar_day(year, month, day)
    # A day before the first one that a date may be: its last moment is a timestamp.
    if days < days_from_civil(-4713, 11, 1):
        raise DatetimeFieldOverflow(f"date out of range: {year}-{month:02d}-{day:02d}")
    clock = _clock(hour, minute, second)
    if clock is None:
        shown = f"{hour}:{minute:02d}:{_seconds_text(second)}"
        raise DatetimeFieldOverflow(f"time field value out of range: {shown}")
    found = days * MICROSECONDS_PER_DAY + clock
    if not is_valid_timestamp(found):
        shown = f"{year}-{month:02d}-{day:02d} {hour}:{minute:02d}:{_seconds_text(second)}"
        raise DatetimeFieldOverflow(f"timestamp out of range: {shown}")
    return found


def _make_timestamptz(context: FunctionContext, *parts: Any) -> int:
    local = make_timestamp(*parts)
    return checked_timestamp(text_settings(context).time_zone.to_instant(local))


def _make_timestamptz_in_zone(*parts: Any) -> int:
    *numbers, name = parts
    local = make_timestamp(*numbers)
    if name[:1] in ("+", "-"):
        try:
            offset = parse_zone_offset(name)
            return checked_timestamp(local - offset * MICROSECONDS_PER_SECOND)
        except DecodingError as error:
            if error.fault is not Fault.BAD_FORMAT:
                raise InvalidParameterValue(f'numeric time zone "{name}" out of range') from error
            # Perhaps a zone that POSIX would understand, such as +1x.
    if name[:1].isdigit():
        raise InvalidParameterValue(
            f'invalid input syntax for type numeric time zone: "{name}"',
            hint='Numeric time zones must have "-" or "+" as first character.',
        )
    return checked_timestamp(zone_by_name(name).to_instant(local))


def _make_interval(*parts: Any) -> Interval:
    years, months, weeks, days, hours, minutes, seconds = parts
    if not math.isfinite(seconds):
        raise out_of_range()
    checked_interval(years * 12 + months, weeks * 7 + days, 0)
    microseconds = seconds * MICROSECONDS_PER_SECOND
    if math.isinf(microseconds):
        raise NumericValueOutOfRange("value out of range: overflow")
    total_seconds = round(microseconds)
    clock = (hours * 60 + minutes) * 60 * MICROSECONDS_PER_SECOND + total_seconds
    return checked_interval(years * 12 + months, weeks * 7 + days, clock)


# Age


def age_between(left: int, right: int) -> Interval:
    """left - right in years, months, days and time, as one counts on a calendar."""
    if is_infinite_timestamp(left) or is_infinite_timestamp(right):
        if left == right:
            raise out_of_range()
        is_positive = left == INFINITE_TIMESTAMP or right == MINUS_INFINITE_TIMESTAMP
        return INFINITE_INTERVAL if is_positive else MINUS_INFINITE_INTERVAL
    if left < right:
        found = _age(split_timestamp(right), split_timestamp(left))
        return Interval(-found.months, -found.days, -found.microseconds)
    return _age(split_timestamp(left), split_timestamp(right))


def _age(later: CivilTime, earlier: CivilTime) -> Interval:
    clock = _clock_of(later) - _clock_of(earlier)
    days = later.day - earlier.day
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    if clock < 0:
        clock += MICROSECONDS_PER_DAY
        days -= 1
    if days < 0:
        # A month is borrowed, as long as the one in which the earlier moment lies.
        days += days_in_month(earlier.year, earlier.month)
        months -= 1
    return Interval(months, days, clock)


def _clock_of(civil: CivilTime) -> int:
    seconds = (civil.hour * 60 + civil.minute) * 60 + civil.second
    return seconds * MICROSECONDS_PER_SECOND + civil.microsecond


def _age_timestamptz(context: FunctionContext, left: int, right: int) -> Interval:
    zone = text_settings(context).time_zone
    return age_between(_local(left, zone.to_local), _local(right, zone.to_local))


def _local(instant: int, convert: Callable[[int], int]) -> int:
    return instant if is_infinite_timestamp(instant) else convert(instant)


def _midnight(context: FunctionContext) -> int:
    zone = text_settings(context).time_zone
    local = zone.to_local(context.transaction_timestamp())
    return local // MICROSECONDS_PER_DAY * MICROSECONDS_PER_DAY


def _age_from_today(context: FunctionContext, timestamp: int) -> Interval:
    return age_between(_midnight(context), timestamp)


def _age_from_today_zoned(context: FunctionContext, instant: int) -> Interval:
    zone = text_settings(context).time_zone
    return age_between(_midnight(context), _local(instant, zone.to_local))


# Overlaps


def overlaps(start: Any, end: Any, other_start: Any, other_end: Any) -> bool | None:
    """Whether two periods have a moment in common; NULL bounds are looked through as SQL wants it."""
    first, second = _ordered(start, end), _ordered(other_start, other_end)
    if first is None or second is None:
        return None
    (start, end), (other_start, other_end) = first, second
    if start > other_start:
        if other_end is None:
            return None
        if start < other_end:
            return True
        return None if end is None else False
    if start < other_start:
        if end is None:
            return None
        if other_start < end:
            return True
        return None if other_end is None else False
    # Equal starts overlap, also where a period is a moment.
    return None if end is None or other_end is None else True


def _ordered(start: Any, end: Any) -> tuple[Any, Any] | None:
    """A period with its start first; None if there is no start."""
    if start is None:
        return None if end is None else (end, None)
    if end is not None and start > end:
        return end, start
    return start, end


def _plus_optional(start: Any, length: Any, add: Callable[[Any, Any], Any]) -> Any:
    return None if start is None or length is None else add(start, length)


def _with_lengths(
    add: Callable[[Any, Any], Any], which: tuple[bool, bool]
) -> Callable[..., bool | None]:
    """overlaps where the second bound of a period may be its length."""

    def scalar(start: Any, end: Any, other_start: Any, other_end: Any) -> bool | None:
        if which[0]:
            end = _plus_optional(start, end, add)
        if which[1]:
            other_end = _plus_optional(other_start, other_end, add)
        return overlaps(start, end, other_start, other_end)

    return scalar


def _zoned_with_lengths(which: tuple[bool, bool]) -> Callable[..., bool | None]:
    def scalar(context: FunctionContext, *bounds: Any) -> bool | None:
        zone = text_settings(context).time_zone
        return _with_lengths(
            lambda instant, length: add_interval_in_zone(instant, length, zone), which
        )(*bounds)

    return scalar


def _add_to_time(time: int, length: Interval) -> int:
    if is_infinite_interval(length):
        raise DatetimeFieldOverflow("cannot add infinite interval to time")
    return (time + length.microseconds) % MICROSECONDS_PER_DAY


def _timetz_overlaps(*bounds: Any) -> bool | None:
    keys = [None if b is None else (b[0] + b[1] * MICROSECONDS_PER_SECOND, b[1]) for b in bounds]
    return overlaps(*keys)


def _overlaps_functions() -> list[Function]:
    found = [Function("overlaps", (TIMETZ,) * 4, BOOLEAN, _timetz_overlaps, is_strict=False)]
    for which in ((False, False), (True, False), (False, True), (True, True)):
        for sql_type, add in ((TIMESTAMP, add_interval), (TIME, _add_to_time)):
            found.append(
                Function(
                    "overlaps",
                    _period_types(sql_type, which),
                    BOOLEAN,
                    _with_lengths(add, which),
                    is_strict=False,
                )
            )
        found.append(
            Function(
                "overlaps",
                _period_types(TIMESTAMPTZ, which),
                BOOLEAN,
                _zoned_with_lengths(which),
                is_strict=False,
                volatility=Volatility.STABLE,
                needs_context=True,
            )
        )
    return found


def _period_types(sql_type: SqlType, which: tuple[bool, bool]) -> tuple[SqlType, ...]:
    return (
        sql_type,
        INTERVAL if which[0] else sql_type,
        sql_type,
        INTERVAL if which[1] else sql_type,
    )


def _stable(name: str, arguments: tuple[SqlType, ...], result: SqlType, scalar: Any) -> Function:
    return Function(
        name, arguments, result, scalar, volatility=Volatility.STABLE, needs_context=True
    )


_DATE_PARTS = (INTEGER, INTEGER, INTEGER)
_ALL_PARTS = (*_DATE_PARTS, INTEGER, INTEGER, DOUBLE)

FUNCTIONS: tuple[Function, ...] = (
    Function("make_date", _DATE_PARTS, DATE, make_date),
    Function("make_time", (INTEGER, INTEGER, DOUBLE), TIME, make_time),
    Function("make_timestamp", _ALL_PARTS, TIMESTAMP, make_timestamp),
    _stable("make_timestamptz", _ALL_PARTS, TIMESTAMPTZ, _make_timestamptz),
    _stable(
        "make_timestamptz",
        (*_ALL_PARTS, TEXT),
        TIMESTAMPTZ,
        lambda context, *parts: _make_timestamptz_in_zone(*parts),
    ),
    Function(
        "make_interval",
        (INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, DOUBLE),
        INTERVAL,
        _make_interval,
        defaults=(0, 0, 0, 0, 0, 0, 0.0),
    ),
    Function("age", (TIMESTAMP, TIMESTAMP), INTERVAL, age_between),
    _stable("age", (TIMESTAMPTZ, TIMESTAMPTZ), INTERVAL, _age_timestamptz),
    _stable("age", (TIMESTAMP,), INTERVAL, _age_from_today),
    _stable("age", (TIMESTAMPTZ,), INTERVAL, _age_from_today_zoned),
    Function("isfinite", (DATE,), BOOLEAN, lambda value: not is_infinite_date(value)),
    Function("isfinite", (TIMESTAMP,), BOOLEAN, lambda value: not is_infinite_timestamp(value)),
    Function("isfinite", (TIMESTAMPTZ,), BOOLEAN, lambda value: not is_infinite_timestamp(value)),
    Function("isfinite", (INTERVAL,), BOOLEAN, lambda value: not is_infinite_interval(value)),
    *_overlaps_functions(),
)
