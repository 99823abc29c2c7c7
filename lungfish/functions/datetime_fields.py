"""Taking dates and times apart: extract, date_part, date_trunc, age, justify, isfinite, and making them from parts.

extract gives NUMERIC with the digits that PostgreSQL shows (six for seconds and epoch), date_part the same as double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lungfish.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidParameterValue
from lungfish.functions.datetime_operators import checked_interval, zone_of
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.vector_tools import map_rows
from lungfish.types.calendar import (
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_HOUR,
    MICROSECONDS_PER_MINUTE,
    MICROSECONDS_PER_SECOND,
    CivilTime,
    day_of_week,
    day_of_year,
    days_from_civil,
    days_in_month,
    is_infinite_date,
    is_infinite_timestamp,
    is_valid_date,
    is_valid_timestamp,
    iso_week_start,
    iso_year_and_week,
    split_timestamp,
)
from lungfish.types.datetime_tokens import find_unit
from lungfish.types.sql_type import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    MINUS_INFINITE_TIMESTAMP,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Interval,
    SqlType,
)

_STABLE = Volatility.STABLE


def _unit(name: str, kind: SqlType) -> str:
    """The field's own name. Raises InvalidParameterValue (22023) for a word that is none."""
    folded = name.lower()
    found = find_unit(folded) or _FIELD_ALIASES.get(folded, folded)
    if found not in _FIELDS:
        raise InvalidParameterValue(f'unit "{name}" not recognized for type {kind.kind.value}')
    return found


_FIELD_ALIASES = {"timezone_h": "timezone_hour", "timezone_m": "timezone_minute", "j": "julian"}
_FIELDS = {
    "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century",
    "millennium", "dow", "isodow", "doy", "isoyear", "epoch", "julian", "timezone", "timezone_hour", "timezone_minute",
}  # fmt: skip


def _unsupported(name: str, kind: SqlType) -> FeatureNotSupported:
    return FeatureNotSupported(f'unit "{name}" not supported for type {kind.kind.value}')


def _scaled(value: int, scale: int) -> Decimal:
    return Decimal(value).scaleb(-scale)


def _bc_aware(year: int) -> int:
    """The year as people count: there is no year 0."""
    return year if year > 0 else year - 1


def _group_of_years(year: int, size: int) -> int:
    """The century or millennium of an astronomical year."""
    return (year + size - 1) // size if year > 0 else -((size - (year - 1)) // size)


_CALENDAR: dict[str, Callable[[CivilTime], int]] = {
    "day": lambda civil: civil.day,
    "month": lambda civil: civil.month,
    "quarter": lambda civil: (civil.month - 1) // 3 + 1,
    "year": lambda civil: _bc_aware(civil.year),
    "decade": lambda civil: civil.year // 10,
    "century": lambda civil: _group_of_years(civil.year, 100),
    "millennium": lambda civil: _group_of_years(civil.year, 1000),
    "week": lambda civil: iso_year_and_week(civil.year, civil.month, civil.day)[1],
    "isoyear": lambda civil: _bc_aware(iso_year_and_week(civil.year, civil.month, civil.day)[0]),
    "doy": lambda civil: day_of_year(civil.year, civil.month, civil.day),
    "dow": lambda civil: day_of_week(days_from_civil(civil.year, civil.month, civil.day)),
    "isodow": lambda civil: day_of_week(days_from_civil(civil.year, civil.month, civil.day)) or 7,
}


def _clock_field(unit: str, microseconds: int) -> Decimal | None:
    """A field of a time of day."""
    match unit:
        case "hour":
            return Decimal(microseconds // MICROSECONDS_PER_HOUR)
        case "minute":
            return Decimal(microseconds // MICROSECONDS_PER_MINUTE % 60)
        case "second":
            return _scaled(microseconds % MICROSECONDS_PER_MINUTE, 6)
        case "millisecond":
            return _scaled(microseconds % MICROSECONDS_PER_MINUTE, 3)
        case "microsecond":
            return Decimal(microseconds % MICROSECONDS_PER_MINUTE)
    return None


# Units that an infinite date or timestamp answers with infinity; the others are null.
_MONOTONIC = {"year", "decade", "century", "millennium", "julian", "isoyear", "epoch"}


def _of_infinity(unit: str, *, is_negative: bool) -> Decimal | None:
    if unit in _MONOTONIC:
        return Decimal("-Infinity" if is_negative else "Infinity")
    return None


def extract_timestamp(name: str, timestamp: int) -> Decimal | None:
    """A field of a timestamp without time zone."""
    unit = _unit(name, TIMESTAMP)
    if is_infinite_timestamp(timestamp):
        return _of_infinity(unit, is_negative=timestamp == MINUS_INFINITE_TIMESTAMP)
    if unit.startswith("timezone"):
        raise _unsupported(name, TIMESTAMP)
    return _field_of_timestamp(unit, timestamp)


def _field_of_timestamp(unit: str, timestamp: int) -> Decimal:
    calendar = _CALENDAR.get(unit)
    if calendar is not None:
        return Decimal(calendar(split_timestamp(timestamp)))
    if unit == "epoch":
        return _scaled(timestamp, 6)
    if unit == "julian":
        days, rest = divmod(timestamp, MICROSECONDS_PER_DAY)
        whole = Decimal(days + EPOCH_JULIAN_DAY)
        return whole + Decimal(rest) / Decimal(MICROSECONDS_PER_DAY) if rest else whole
    found = _clock_field(unit, timestamp % MICROSECONDS_PER_DAY)
    assert found is not None, "every unit is a field of the calendar or of the clock"
    return found


def _extract_timestamptz(context: FunctionContext, name: str, instant: int) -> Decimal | None:
    unit = _unit(name, TIMESTAMPTZ)
    if is_infinite_timestamp(instant):
        return _of_infinity(unit, is_negative=instant == MINUS_INFINITE_TIMESTAMP)
    if unit == "epoch":
        return _scaled(instant, 6)
    zone = zone_of(context)
    if unit.startswith("timezone"):
        offset = zone.offset_at(instant)
        sign = -1 if offset < 0 else 1
        if unit == "timezone":
            return Decimal(offset)
        hours, rest = divmod(abs(offset), 3600)
        return Decimal(sign * (hours if unit == "timezone_hour" else rest // 60))
    return _field_of_timestamp(unit, zone.to_local(instant))


def _extract_date(name: str, date: int) -> Decimal | None:
    unit = _unit(name, DATE)
    if unit in ("hour", "minute", "second", "millisecond", "microsecond") or unit.startswith(
        "timezone"
    ):
        raise _unsupported(name, DATE)
    if is_infinite_date(date):
        return _of_infinity(unit, is_negative=date < 0)
    if unit == "epoch":
        return Decimal(date * 86_400)
    if unit == "julian":
        return Decimal(date + EPOCH_JULIAN_DAY)
    return _field_of_timestamp(unit, date * MICROSECONDS_PER_DAY)


def _extract_time(name: str, time: int) -> Decimal:
    unit = _unit(name, TIME)
    if unit == "epoch":
        return _scaled(time, 6)
    found = _clock_field(unit, time)
    if found is None:
        raise _unsupported(name, TIME)
    return found


def _extract_interval(name: str, interval: Interval) -> Decimal:
    unit = _unit(name, INTERVAL)
    months, days, microseconds = interval
    sign = -1 if months < 0 else 1
    years, rest = divmod(abs(months), 12)
    clock_sign = -1 if microseconds < 0 else 1
    match unit:
        case "year":
            return Decimal(sign * years)
        case "month":
            return Decimal(sign * rest)
        case "quarter":
            return Decimal(sign * (rest // 3 + 1) if sign > 0 else -(rest // 3) + 1)
        case "decade" | "century" | "millennium":
            size = {"decade": 10, "century": 100, "millennium": 1000}[unit]
            return Decimal(sign * (years // size))
        case "week":
            return Decimal(int(days / 7))
        case "day":
            return Decimal(days)
        case "epoch":
            total = (
                sign * years * 36_525 * 864 + sign * rest * 30 * 86_400 + days * 86_400
            ) * 1_000_000
            return _scaled(total + microseconds, 6)
        case "hour":
            return Decimal(clock_sign * (abs(microseconds) // MICROSECONDS_PER_HOUR))
    found = _clock_field(unit, abs(microseconds))
    if found is None:
        raise _unsupported(name, INTERVAL)
    return clock_sign * found if found else found


_ARROW_FIELDS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "quarter": pc.quarter,
}


def _extract_date_vector(name: Any, dates: Any) -> Any:
    """The common fields of whole columns of dates; the rest goes row by row."""
    take = (
        _ARROW_FIELDS.get(name.as_py().lower())
        if isinstance(name, pa.Scalar) and name.is_valid
        else None
    )
    if take is not None and isinstance(dates, pa.Array):
        limits = pc.min_max(dates.view(pa.int32())).as_py()
        # Infinities, and years before 1, have rules of their own.
        if limits["min"] is None or (limits["min"] > -719_163 and limits["max"] < 2**31 - 1):
            return take(dates).cast(pa.decimal128(38, 0))
    return map_rows(_extract_date, (name, dates), (TEXT, DATE), NUMERIC)


def _as_double(extract: Callable[..., Decimal | None]) -> Callable[..., float | None]:
    def part(*arguments: Any) -> float | None:
        found = extract(*arguments)
        return None if found is None else float(found)

    return part


# Cutting


_CLOCK_UNITS = {
    "microsecond": 1, "millisecond": 1000, "second": MICROSECONDS_PER_SECOND, "minute": MICROSECONDS_PER_MINUTE,
    "hour": MICROSECONDS_PER_HOUR,
}  # fmt: skip


def truncate_timestamp(name: str, timestamp: int) -> int:
    """date_trunc of a timestamp without time zone. Raises InvalidParameterValue, FeatureNotSupported."""
    unit = _unit(name, TIMESTAMP)
    if is_infinite_timestamp(timestamp):
        return timestamp
    size = _CLOCK_UNITS.get(unit)
    if size is not None:
        return timestamp - timestamp % size
    civil = split_timestamp(timestamp)
    match unit:
        case "day":
            days = timestamp // MICROSECONDS_PER_DAY
        case "week":
            days = iso_week_start(*iso_year_and_week(civil.year, civil.month, civil.day))
        case "month":
            days = days_from_civil(civil.year, civil.month, 1)
        case "quarter":
            days = days_from_civil(civil.year, (civil.month - 1) // 3 * 3 + 1, 1)
        case "year":
            days = days_from_civil(civil.year, 1, 1)
        case "decade":
            days = days_from_civil(civil.year // 10 * 10, 1, 1)
        case "century" | "millennium":
            years = 100 if unit == "century" else 1000
            days = days_from_civil((civil.year + years - 1) // years * years - years + 1, 1, 1)
        case _:
            raise _unsupported(name, TIMESTAMP)
    return days * MICROSECONDS_PER_DAY


def _truncate_timestamptz(context: FunctionContext, name: str, instant: int) -> int:
    if is_infinite_timestamp(instant):
        return instant
    zone = zone_of(context)
    return zone.to_instant(truncate_timestamp(name, zone.to_local(instant)))


def _truncate_interval(name: str, interval: Interval) -> Interval:
    unit = _unit(name, INTERVAL)
    months, days, microseconds = interval
    size = _CLOCK_UNITS.get(unit)
    if size is not None:
        return Interval(months, days, int(microseconds / size) * size)
    if unit == "day":
        return Interval(months, days, 0)
    spans = {
        "month": 1,
        "quarter": 3,
        "year": 12,
        "decade": 120,
        "century": 1200,
        "millennium": 12_000,
    }
    if unit not in spans:
        raise _unsupported(name, INTERVAL)
    return Interval(int(months / spans[unit]) * spans[unit], 0, 0)


# Ages


def age(later: int, earlier: int) -> Interval:
    """The difference in years, months, days and time, counted as people do."""
    if is_infinite_timestamp(later) or is_infinite_timestamp(earlier):
        raise DatetimeFieldOverflow("interval out of range")
    sign = 1
    if later < earlier:
        later, earlier, sign = earlier, later, -1
    end, start = split_timestamp(later), split_timestamp(earlier)
    months = (end.year - start.year) * 12 + end.month - start.month
    days = end.day - start.day
    clock = later % MICROSECONDS_PER_DAY - earlier % MICROSECONDS_PER_DAY
    if clock < 0:
        clock += MICROSECONDS_PER_DAY
        days -= 1
    if days < 0:
        # The month that the count began in lends its days.
        borrowed = (
            start if sign > 0 else CivilTime(end.year, (end.month - 2) % 12 + 1, 1, 0, 0, 0, 0)
        )
        days += days_in_month(borrowed.year, borrowed.month)
        months -= 1
    return checked_interval(sign * months, sign * days, sign * clock)


def _age_today(context: FunctionContext, earlier: int) -> Interval:
    zone = zone_of(context)
    today = (
        zone.to_local(context.transaction_timestamp())
        // MICROSECONDS_PER_DAY
        * MICROSECONDS_PER_DAY
    )
    return age(today, earlier)


def _age_of_instants(context: FunctionContext, later: int, earlier: int) -> Interval:
    zone = zone_of(context)
    return age(zone.to_local(later), zone.to_local(earlier))


def _justify_hours(interval: Interval) -> Interval:
    extra, clock = divmod(interval.microseconds, MICROSECONDS_PER_DAY)
    days = interval.days + extra
    if days > 0 and clock < 0:
        days, clock = days - 1, clock + MICROSECONDS_PER_DAY
    elif days < 0 and clock > 0:
        days, clock = days + 1, clock - MICROSECONDS_PER_DAY
    return checked_interval(interval.months, days, clock)


def _justify_days(interval: Interval) -> Interval:
    extra, days = divmod(interval.days, 30)
    months = interval.months + extra
    if months < 0 and days > 0:
        months, days = months + 1, days - 30
    return checked_interval(months, days, interval.microseconds)


def _make_date(year: int, month: int, day: int) -> int:
    astronomical = year if year > 0 else year + 1
    if year == 0 or not 1 <= month <= 12 or not 1 <= day <= days_in_month(astronomical, month):
        raise DatetimeFieldOverflow(f"date field value out of range: {year}-{month:02d}-{day:02d}")
    days = days_from_civil(astronomical, month, day)
    if not is_valid_date(days):
        raise DatetimeFieldOverflow(f"date out of range: {year}-{month:02d}-{day:02d}")
    return days


def _make_time(hour: int, minute: int, second: float) -> int:
    if not (0 <= hour <= 24 and 0 <= minute <= 59 and 0 <= second <= 60) or (
        hour == 24 and (minute or second)
    ):
        raise DatetimeFieldOverflow(
            f"time field value out of range: {hour}:{minute:02d}:{second:02g}"
        )
    return (
        hour * MICROSECONDS_PER_HOUR + minute * MICROSECONDS_PER_MINUTE + round(second * 1_000_000)
    )


def _make_timestamp(*parts: Any) -> int:
    timestamp = _make_date(*parts[:3]) * MICROSECONDS_PER_DAY + _make_time(*parts[3:])
    if not is_valid_timestamp(timestamp):
        raise DatetimeFieldOverflow("timestamp out of range")
    return int(timestamp)


def _make_interval(
    years: int, months: int, weeks: int, days: int, hours: int, minutes: int, seconds: float
) -> Interval:
    clock = (
        hours * MICROSECONDS_PER_HOUR
        + minutes * MICROSECONDS_PER_MINUTE
        + round(seconds * 1_000_000)
    )
    return checked_interval(years * 12 + months, weeks * 7 + days, clock)


def _extracts(name: str, wrap: Callable[[Any], Any], result: SqlType) -> tuple[Function, ...]:
    plain = {
        TIMESTAMP: extract_timestamp,
        DATE: _extract_date,
        TIME: _extract_time,
        INTERVAL: _extract_interval,
    }
    return (
        *(
            Function(
                name,
                (TEXT, kind),
                result,
                wrap(scalar),
                vector=_extract_date_vector if kind == DATE and result == NUMERIC else None,
            )
            for kind, scalar in plain.items()
        ),
        Function(
            name,
            (TEXT, TIMESTAMPTZ),
            result,
            wrap(_extract_timestamptz),
            volatility=_STABLE,
            needs_context=True,
        ),
    )


FUNCTIONS: tuple[Function, ...] = (
    *_extracts("extract", lambda scalar: scalar, NUMERIC),
    *_extracts("date_part", _as_double, DOUBLE),
    Function("date_trunc", (TEXT, TIMESTAMP), TIMESTAMP, truncate_timestamp),
    Function("date_trunc", (TEXT, TIMESTAMPTZ), TIMESTAMPTZ, _truncate_timestamptz, volatility=_STABLE, needs_context=True),
    Function("date_trunc", (TEXT, INTERVAL), INTERVAL, _truncate_interval),
    Function("age", (TIMESTAMP, TIMESTAMP), INTERVAL, age),
    Function("age", (TIMESTAMPTZ, TIMESTAMPTZ), INTERVAL, _age_of_instants, volatility=_STABLE, needs_context=True),
    Function("age", (TIMESTAMP,), INTERVAL, _age_today, volatility=_STABLE, needs_context=True),
    Function("justify_hours", (INTERVAL,), INTERVAL, _justify_hours),
    Function("justify_days", (INTERVAL,), INTERVAL, _justify_days),
    Function("isfinite", (DATE,), BOOLEAN, lambda date: not is_infinite_date(date)),
    Function("isfinite", (TIMESTAMP,), BOOLEAN, lambda timestamp: not is_infinite_timestamp(timestamp)),
    Function("isfinite", (TIMESTAMPTZ,), BOOLEAN, lambda instant: not is_infinite_timestamp(instant)),
    Function("isfinite", (INTERVAL,), BOOLEAN, lambda interval: True),
    Function("make_date", (INTEGER, INTEGER, INTEGER), DATE, _make_date),
    Function("make_time", (INTEGER, INTEGER, DOUBLE), TIME, _make_time),
    Function("make_timestamp", (INTEGER,) * 5 + (DOUBLE,), TIMESTAMP, _make_timestamp),
    Function("make_interval", (INTEGER,) * 6 + (DOUBLE,), INTERVAL, _make_interval, defaults=(0, 0, 0, 0, 0, 0, 0.0)),
)  # fmt: skip
