"""extract and date_part: the fields of dates, times and intervals.

extract answers NUMERIC with a scale that belongs to the field (seconds have six digits after the point), date_part DOUBLE.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import FeatureNotSupported, InvalidParameterValue
from lungfish.functions import numeric_math
from lungfish.functions.civil_vectors import civil_fields
from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.interval_math import is_infinite as is_infinite_interval
from lungfish.functions.registry import Function, FunctionContext, ScalarForm, Volatility
from lungfish.functions.vector_tools import Argument, map_rows, operands
from lungfish.types.calendar import (
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    SECONDS_PER_DAY,
    civil_from_days,
    day_of_week,
    day_of_year,
    is_infinite_date,
    is_infinite_timestamp,
    iso_year_and_week,
)
from lungfish.types.casts_datetime import date_to_timestamp_value
from lungfish.types.casts_numbers import numeric_to_double_value
from lungfish.types.datetime_tokens import DATE_WORDS, UNIT_WORDS, Word
from lungfish.types.format_interval import split_interval
from lungfish.types.numerics import INFINITY, MINUS_INFINITY, decimal_vector
from lungfish.types.parse_interval import INFINITE_INTERVAL
from lungfish.types.sql_type import (
    DATE,
    DOUBLE,
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    Interval,
    SqlType,
)

# Units that grow without bound: of an infinite timestamp they are infinite, all others NULL.
_UNBOUNDED = frozenset({"year", "decade", "century", "millennium", "julian", "isoyear", "epoch"})
_ZONE_UNITS = frozenset({"timezone", "timezone_hour", "timezone_minute"})
_CLOCK_UNITS = frozenset({"hour", "minute", "second", "millisecond", "microsecond"})
_NAMED_UNITS = frozenset({"epoch", "julian", "isoyear", "dow", "doy", "isodow"})


def find_field(text: str) -> str | None:
    """The unit that EXTRACT's or date_trunc's word names, or None."""
    word = text.lower()
    found = UNIT_WORDS.get(word)
    if found is not None:
        return found
    if word == "epoch":
        return word
    kind = DATE_WORDS.get(word)
    if kind is not None and kind[0] is Word.UNIT and kind[1] in _NAMED_UNITS:
        return str(kind[1])
    return None


def unknown_unit(text: str, sql_type: SqlType) -> InvalidParameterValue:
    """The error of a word that names no unit."""
    return InvalidParameterValue(f'unit "{text.lower()}" not recognized for type {sql_type}')


def unsupported_unit(text: str, sql_type: SqlType) -> FeatureNotSupported:
    """The error of a unit that the type does not have."""
    return FeatureNotSupported(f'unit "{text.lower()}" not supported for type {sql_type}')


def _require_unit(text: str, sql_type: SqlType) -> str:
    unit = find_field(text)
    if unit is None:
        raise unknown_unit(text, sql_type)
    return unit


def _scaled(number: int, scale: int) -> Decimal:
    return numeric_math.scaled(number, scale)


def _infinite_part(text: str, sql_type: SqlType, *, is_positive: bool) -> Decimal | None:
    unit = _require_unit(text, sql_type)
    if sql_type is DATE and unit in _ZONE_UNITS | _CLOCK_UNITS:
        raise unsupported_unit(text, sql_type)
    if unit in _UNBOUNDED:
        return INFINITY if is_positive else MINUS_INFINITY
    return None


def date_field(unit: str, days: int) -> int | None:
    """The value of a field of a date; None for units that dates do not have."""
    year, month, day = civil_from_days(days)
    match unit:
        case "year":
            return year if year > 0 else year - 1
        case "month":
            return month
        case "day":
            return day
        case "quarter":
            return (month - 1) // 3 + 1
        case "week":
            return iso_year_and_week(year, month, day)[1]
        case "decade":
            return year // 10
        case "century":
            return (year + 99) // 100 if year > 0 else -((99 - (year - 1)) // 100)
        case "millennium":
            return (year + 999) // 1000 if year > 0 else -((999 - (year - 1)) // 1000)
        case "isoyear":
            iso_year = iso_year_and_week(year, month, day)[0]
            return iso_year if iso_year > 0 else iso_year - 1
        case "dow":
            return day_of_week(days)
        case "isodow":
            return day_of_week(days) or 7
        case "doy":
            return day_of_year(year, month, day)
    return None


def extract_date(text: str, days: int) -> Decimal | None:
    """A field of a date. Raises 22023, 0A000."""
    if is_infinite_date(days):
        return _infinite_part(text, DATE, is_positive=days == INFINITE_DATE)
    unit = _require_unit(text, DATE)
    if unit == "epoch":
        return Decimal(days * SECONDS_PER_DAY)
    if unit == "julian":
        return Decimal(days + EPOCH_JULIAN_DAY)
    found = date_field(unit, days)
    if found is None:
        raise unsupported_unit(text, DATE)
    return Decimal(found)


def extract_timestamp(text: str, timestamp: int) -> Decimal | None:
    """A field of a timestamp. Raises 22023, 0A000."""
    return _timestamp_part(text, timestamp, TIMESTAMP, timestamp, 0)


def _timestamp_part(
    text: str, local: int, sql_type: SqlType, instant: int, offset: int
) -> Decimal | None:
    """`local` is what the fields are taken from, `instant` what the epoch is; `offset` seconds east."""
    if is_infinite_timestamp(instant):
        return _infinite_part(text, sql_type, is_positive=instant == INFINITE_TIMESTAMP)
    unit = _require_unit(text, sql_type)
    if unit == "epoch":
        return _scaled(instant, 6)
    days, clock = divmod(local, MICROSECONDS_PER_DAY)
    if unit == "julian":
        share = numeric_math.divide(Decimal(clock), Decimal(MICROSECONDS_PER_DAY))
        return numeric_math.add(Decimal(days + EPOCH_JULIAN_DAY), share)
    if unit in _CLOCK_UNITS:
        return _clock_part(unit, clock)
    if unit in _ZONE_UNITS:
        if sql_type is not TIMESTAMPTZ:
            raise unsupported_unit(text, sql_type)
        return _zone_part(unit, offset)
    found = date_field(unit, days)
    if found is None:
        raise unsupported_unit(text, sql_type)
    return Decimal(found)


def _clock_part(unit: str, clock: int) -> Decimal:
    seconds = clock // MICROSECONDS_PER_SECOND
    within_minute = clock % (60 * MICROSECONDS_PER_SECOND)
    match unit:
        case "hour":
            return Decimal(seconds // 3600)
        case "minute":
            return Decimal(seconds // 60 % 60)
        case "second":
            return _scaled(within_minute, 6)
        case "millisecond":
            return _scaled(within_minute, 3)
    return Decimal(within_minute)


def _zone_part(unit: str, offset: int) -> Decimal:
    if unit == "timezone":
        return Decimal(offset)
    minutes = abs(offset) // 60
    sign = -1 if offset < 0 else 1
    return Decimal(sign * (minutes // 60 if unit == "timezone_hour" else minutes % 60))


def _extract_timestamptz(context: FunctionContext, text: str, instant: int) -> Decimal | None:
    if is_infinite_timestamp(instant):
        return _timestamp_part(text, instant, TIMESTAMPTZ, instant, 0)
    offset = text_settings(context).time_zone.offset_at(instant)
    local = instant + offset * MICROSECONDS_PER_SECOND
    return _timestamp_part(text, local, TIMESTAMPTZ, instant, offset)


def extract_time(text: str, clock: int) -> Decimal:
    """A field of a time of day."""
    unit = _require_unit(text, TIME)
    if unit == "epoch":
        return _scaled(clock, 6)
    if unit not in _CLOCK_UNITS:
        raise unsupported_unit(text, TIME)
    return _clock_part(unit, clock)


def _extract_timetz(text: str, value: tuple[int, int]) -> Decimal:
    clock, west = value
    unit = _require_unit(text, TIMETZ)
    if unit == "epoch":
        return _scaled(clock + west * MICROSECONDS_PER_SECOND, 6)
    if unit in _ZONE_UNITS:
        return _zone_part(unit, -west)
    if unit not in _CLOCK_UNITS:
        raise unsupported_unit(text, TIMETZ)
    return _clock_part(unit, clock)


def _part_of_date(text: str, days: int) -> float | None:
    """date_part of a date, which PostgreSQL takes for a timestamp: it has an hour too."""
    found = extract_timestamp(text, date_to_timestamp_value(days))
    return None if found is None else numeric_to_double_value(found)


def _part_of_timetz(text: str, value: tuple[int, int]) -> float:
    """date_part of a time with zone; the epoch is computed in doubles, as PostgreSQL does it."""
    if _require_unit(text, TIMETZ) == "epoch":
        clock, west = value
        return clock / MICROSECONDS_PER_SECOND + west
    return numeric_to_double_value(_extract_timetz(text, value))


def extract_interval(text: str, value: Interval) -> Decimal | None:
    """A field of an interval."""
    unit = _require_unit(text, INTERVAL)
    if is_infinite_interval(value):
        return _infinite_interval_part(unit, text, value)
    parts = split_interval(value)
    match unit:
        case "epoch":
            return _interval_epoch(value)
        case "second" | "millisecond" | "microsecond":
            total = parts.seconds * MICROSECONDS_PER_SECOND + parts.microseconds
            scale = {"second": 6, "millisecond": 3, "microsecond": 0}[unit]
            return _scaled(total, scale)
        case "minute":
            return Decimal(parts.minutes)
        case "hour":
            return Decimal(parts.hours)
        case "day":
            return Decimal(parts.days)
        case "week":
            return Decimal(_toward_zero(parts.days, 7))
        case "month":
            return Decimal(parts.months)
        case "quarter":
            return Decimal(_quarter(value.months, parts.months))
        case "year":
            return Decimal(parts.years)
        case "decade" | "century" | "millennium":
            size = {"decade": 10, "century": 100, "millennium": 1000}[unit]
            return Decimal(_toward_zero(parts.years, size))
    raise unsupported_unit(text, INTERVAL)


def _quarter(months: int, month_of_year: int) -> int:
    """From 1 to 4; for negative intervals from -1 down to -4."""
    if months < 0:
        return -(-month_of_year // 3 + 1)
    return month_of_year // 3 + 1


def _toward_zero(value: int, size: int) -> int:
    quotient = abs(value) // size
    return -quotient if value < 0 else quotient


def _interval_epoch(value: Interval) -> Decimal:
    """Seconds, with years of 365.25 days and months of 30."""
    years = _toward_zero(value.months, 12)
    months = value.months - 12 * years
    quarter_days = years * 1461 + (months * 30 + value.days) * 4
    seconds = quarter_days * (SECONDS_PER_DAY // 4)
    return _scaled(seconds * MICROSECONDS_PER_SECOND + value.microseconds, 6)


def _part_of_interval(text: str, value: Interval) -> float | None:
    """date_part of an interval; the epoch is computed in doubles, in PostgreSQL's order."""
    if _require_unit(text, INTERVAL) == "epoch" and not is_infinite_interval(value):
        years = _toward_zero(value.months, 12)
        seconds = value.microseconds / MICROSECONDS_PER_SECOND
        seconds += SECONDS_PER_DAY * 365.25 * years
        seconds += SECONDS_PER_DAY * 30.0 * (value.months - 12 * years)
        return seconds + float(SECONDS_PER_DAY) * value.days
    found = extract_interval(text, value)
    return None if found is None else numeric_to_double_value(found)


def _infinite_interval_part(unit: str, text: str, value: Interval) -> Decimal | None:
    if unit in ("hour", "day", "year", "decade", "century", "millennium", "epoch"):
        return INFINITY if value == INFINITE_INTERVAL else MINUS_INFINITY
    if unit in ("second", "millisecond", "microsecond", "minute", "week", "month", "quarter"):
        return None
    raise unsupported_unit(text, INTERVAL)


# Vectors

_VECTOR_UNITS = frozenset({"year", "month", "day", "quarter", "dow", "isodow", "hour", "minute"})


def _extract_vector(scalar: Callable[..., Any], sql_type: SqlType) -> Callable[..., Argument]:
    """The vector form for a constant field of dates or timestamps."""

    def vector(field: Argument, moments: Argument) -> Argument:
        unit = None
        if isinstance(field, pa.Scalar) and field.is_valid and not isinstance(moments, pa.Scalar):
            unit = find_field(field.as_py())
        if unit not in _VECTOR_UNITS or (sql_type is DATE and unit in _CLOCK_UNITS):
            return map_rows(scalar, (field, moments), (TEXT, sql_type), NUMERIC)
        found = operands((moments,))
        numbers = found.arrays[0].astype(np.int64)
        limit = INFINITE_DATE if sql_type is DATE else INFINITE_TIMESTAMP
        if len(numbers) and (numbers.max() == limit or numbers.min() == -limit - 1):
            return map_rows(scalar, (field, moments), (TEXT, sql_type), NUMERIC)
        values = civil_fields(numbers, str(unit), is_date=sql_type is DATE)
        return decimal_vector(values, scale=0, valid=found.valid)

    return vector


def _as_double(scalar: Callable[..., Decimal | None]) -> Callable[..., float | None]:
    """date_part from extract."""

    def part(*values: Any) -> float | None:
        found = scalar(*values)
        return None if found is None else numeric_to_double_value(found)

    return part


_SCALARS: tuple[tuple[SqlType, Callable[..., Decimal | None]], ...] = (
    (DATE, extract_date),
    (TIMESTAMP, extract_timestamp),
    (TIME, extract_time),
    (TIMETZ, _extract_timetz),
    (INTERVAL, extract_interval),
)


def _functions() -> list[Function]:
    found: list[Function] = []
    for sql_type, scalar in _SCALARS:
        vector = _extract_vector(scalar, sql_type) if sql_type in (DATE, TIMESTAMP) else None
        found.append(Function("extract", (TEXT, sql_type), NUMERIC, scalar, vector))
        special: dict[SqlType, ScalarForm] = {
            TIMETZ: _part_of_timetz,
            DATE: _part_of_date,
            INTERVAL: _part_of_interval,
        }
        part = special.get(sql_type, _as_double(scalar))
        found.append(Function("date_part", (TEXT, sql_type), DOUBLE, part))
    for name, result in (("extract", NUMERIC), ("date_part", DOUBLE)):
        zoned = _extract_timestamptz if result is NUMERIC else _as_double(_extract_timestamptz)
        found.append(
            Function(
                name,
                (TEXT, TIMESTAMPTZ),
                result,
                zoned,
                volatility=Volatility.STABLE,
                needs_context=True,
            )
        )
    return found


FUNCTIONS: tuple[Function, ...] = tuple(_functions())
