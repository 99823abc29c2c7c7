"""date_trunc and date_bin: timestamps and intervals cut down to a unit or into bins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lungfish.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
)
from lungfish.functions.civil_vectors import civil_dates, days_of_civil
from lungfish.functions.datetime_operators import checked_timestamp, text_settings
from lungfish.functions.datetime_parts import unknown_unit, unsupported_unit
from lungfish.functions.interval_math import is_infinite as is_infinite_interval
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.vector_tools import Argument, map_rows, operands
from lungfish.types.calendar import (
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    civil_from_days,
    days_from_civil,
    is_infinite_timestamp,
)
from lungfish.types.casts_datetime import as_timestamps
from lungfish.types.datetime_tokens import find_unit
from lungfish.types.format_interval import split_interval
from lungfish.types.sql_type import (
    INFINITE_TIMESTAMP,
    INTERVAL,
    MINUS_INFINITE_TIMESTAMP,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Interval,
    SqlType,
)
from lungfish.types.time_zones import TimeZone, zone_by_name

# Units within a day, in microseconds.
_CLOCK_UNITS = {
    "microsecond": 1,
    "millisecond": 1000,
    "second": MICROSECONDS_PER_SECOND,
    "minute": 60 * MICROSECONDS_PER_SECOND,
    "hour": 3600 * MICROSECONDS_PER_SECOND,
}
_DATE_UNITS = ("day", "week", "month", "quarter", "year", "decade", "century", "millennium")


def _require_unit(text: str, sql_type: SqlType) -> str:
    unit = find_unit(text.lower())
    if unit is None:
        raise unknown_unit(text, sql_type)
    if unit not in _CLOCK_UNITS and unit not in _DATE_UNITS:
        raise unsupported_unit(text, sql_type)
    return unit


def _truncate_days(unit: str, days: int) -> int:
    """The first day of the unit that a day is in."""
    if unit == "day":
        return days
    if unit == "week":
        return days - (days + 3) % 7
    year, month, _ = civil_from_days(days)
    match unit:
        case "month":
            return days_from_civil(year, month, 1)
        case "quarter":
            return days_from_civil(year, (month - 1) // 3 * 3 + 1, 1)
        case "year":
            return days_from_civil(year, 1, 1)
        case "decade":
            return days_from_civil(year // 10 * 10, 1, 1)
        case "century":
            # Centuries begin with the year 1, and before it with -100 (101 BC), -200, ...
            return days_from_civil((year - 1) // 100 * 100 + 1, 1, 1)
    return days_from_civil((year - 1) // 1000 * 1000 + 1, 1, 1)


def _truncate_local(unit: str, local: int) -> int:
    if unit in _CLOCK_UNITS:
        size = _CLOCK_UNITS[unit]
        return local // size * size
    return checked_timestamp(
        _truncate_days(unit, local // MICROSECONDS_PER_DAY) * MICROSECONDS_PER_DAY
    )


def truncate_timestamp(text: str, timestamp: int) -> int:
    """date_trunc of a timestamp. Raises 22023, 0A000."""
    unit = _require_unit(text, TIMESTAMP)
    return timestamp if is_infinite_timestamp(timestamp) else _truncate_local(unit, timestamp)


def _truncate_in_zone(text: str, instant: int, zone: TimeZone) -> int:
    unit = _require_unit(text, TIMESTAMPTZ)
    if is_infinite_timestamp(instant):
        return instant
    offset = zone.offset_at(instant)
    local = _truncate_local(unit, instant + offset * MICROSECONDS_PER_SECOND)
    if unit in _CLOCK_UNITS:
        # Within a day the offset does not change back: the same hour may come twice.
        return checked_timestamp(local - offset * MICROSECONDS_PER_SECOND)
    return checked_timestamp(zone.to_instant(local))


def _truncate_timestamptz(context: FunctionContext, text: str, instant: int) -> int:
    return _truncate_in_zone(text, instant, text_settings(context).time_zone)


def _truncate_named_zone(text: str, instant: int, zone: str) -> int:
    return _truncate_in_zone(text, instant, zone_by_name(zone))


def truncate_interval(text: str, value: Interval) -> Interval:
    """date_trunc of an interval."""
    unit = find_unit(text.lower())
    if unit is None:
        raise unknown_unit(text, INTERVAL)
    if unit == "week":
        raise FeatureNotSupported(
            f'unit "{text.lower()}" not supported for type interval',
            detail="Months usually have fractional weeks.",
        )
    if unit not in _CLOCK_UNITS and unit not in _DATE_UNITS:
        raise unsupported_unit(text, INTERVAL)
    if is_infinite_interval(value):
        return value
    if unit in _CLOCK_UNITS:
        size = _CLOCK_UNITS[unit]
        kept = abs(value.microseconds) // size * size
        return Interval(value.months, value.days, -kept if value.microseconds < 0 else kept)
    if unit == "day":
        return Interval(value.months, value.days, 0)
    parts = split_interval(value)
    if unit == "month":
        return Interval(value.months, 0, 0)
    if unit == "quarter":
        return Interval(parts.years * 12 + int(parts.months / 3) * 3, 0, 0)
    size = {"year": 1, "decade": 10, "century": 100, "millennium": 1000}[unit]
    return Interval(int(parts.years / size) * size * 12, 0, 0)


def _truncate_vector(field: Argument, moments: Argument) -> Argument:
    """The vector form for a constant unit."""
    unit = None
    if isinstance(field, pa.Scalar) and field.is_valid and not isinstance(moments, pa.Scalar):
        unit = _require_unit(field.as_py(), TIMESTAMP)
    simple = (*_CLOCK_UNITS, "day", "week", "month", "quarter", "year")
    found = operands((moments,))
    numbers = found.arrays[0]
    is_infinite = (numbers == INFINITE_TIMESTAMP) | (numbers == MINUS_INFINITE_TIMESTAMP)
    if unit not in simple or bool(np.any(is_infinite)):
        return map_rows(truncate_timestamp, (field, moments), (TEXT, TIMESTAMP), TIMESTAMP)
    if unit in _CLOCK_UNITS:
        size = _CLOCK_UNITS[str(unit)]
        return as_timestamps(numbers // size * size, found.valid)
    days = numbers // MICROSECONDS_PER_DAY
    if unit == "week":
        days = days - (days + 3) % 7
    elif unit != "day":
        years, months, _ = civil_dates(days)
        if unit == "year":
            months = np.ones_like(months)
        elif unit == "quarter":
            months = (months - 1) // 3 * 3 + 1
        days = days_of_civil(years, months, np.ones_like(months))
    return as_timestamps(days * MICROSECONDS_PER_DAY, found.valid)


def bin_timestamp(stride: Interval, timestamp: int, origin: int) -> int:
    """date_bin: the start of the bin, counted from the origin. Raises 22008, 0A000."""
    if is_infinite_timestamp(timestamp):
        return timestamp
    if is_infinite_timestamp(origin):
        raise DatetimeFieldOverflow("origin out of range")
    if is_infinite_interval(stride):
        raise DatetimeFieldOverflow("timestamps cannot be binned into infinite intervals")
    if stride.months:
        raise FeatureNotSupported(
            "timestamps cannot be binned into intervals containing months or years"
        )
    width = stride.days * MICROSECONDS_PER_DAY + stride.microseconds
    if width <= 0:
        raise DatetimeFieldOverflow("stride must be greater than zero")
    if width >= 2**63:
        raise DatetimeFieldOverflow("interval out of range")
    return checked_timestamp(origin + (timestamp - origin) // width * width)


FUNCTIONS: tuple[Function, ...] = (
    Function("date_trunc", (TEXT, TIMESTAMP), TIMESTAMP, truncate_timestamp, _truncate_vector),
    Function(
        "date_trunc",
        (TEXT, TIMESTAMPTZ),
        TIMESTAMPTZ,
        _truncate_timestamptz,
        volatility=Volatility.STABLE,
        needs_context=True,
    ),
    Function("date_trunc", (TEXT, TIMESTAMPTZ, TEXT), TIMESTAMPTZ, _truncate_named_zone),
    Function("date_trunc", (TEXT, INTERVAL), INTERVAL, truncate_interval),
    Function("date_bin", (INTERVAL, TIMESTAMP, TIMESTAMP), TIMESTAMP, bin_timestamp),
    Function("date_bin", (INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ), TIMESTAMPTZ, bin_timestamp),
)
