"""Intervals as PostgreSQL writes them, in each of its four styles."""

from __future__ import annotations

from typing import NamedTuple

from lungfish.types.calendar import MICROSECONDS_PER_SECOND
from lungfish.types.parse_interval import INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL
from lungfish.types.sql_type import Interval


class _Parts(NamedTuple):
    """An interval's units; each has the sign of the part it comes from."""

    years: int
    months: int
    days: int
    hours: int
    minutes: int
    seconds: int
    microseconds: int


def format_interval(value: Interval, style: str = "postgres") -> str:
    """An interval's text in the given IntervalStyle."""
    if value == INFINITE_INTERVAL:
        return "infinity"
    if value == MINUS_INFINITE_INTERVAL:
        return "-infinity"
    parts = split_interval(value)
    if style == "postgres":
        return _postgres_text(parts)
    if style == "iso_8601":
        return _iso_text(parts)
    if style == "sql_standard":
        return _sql_text(parts)
    return _verbose_text(parts)


def split_interval(value: Interval) -> _Parts:
    """An interval in years, months, days, hours, minutes, seconds and microseconds."""
    month_sign = -1 if value.months < 0 else 1
    years, months = divmod(abs(value.months), 12)
    time_sign = -1 if value.microseconds < 0 else 1
    seconds, microseconds = divmod(abs(value.microseconds), MICROSECONDS_PER_SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return _Parts(
        month_sign * years,
        month_sign * months,
        value.days,
        time_sign * hours,
        time_sign * minutes,
        time_sign * seconds,
        time_sign * microseconds,
    )


def _seconds_text(parts: _Parts, *, is_padded: bool) -> str:
    whole = f"{abs(parts.seconds):02d}" if is_padded else str(abs(parts.seconds))
    if parts.microseconds:
        whole += f".{abs(parts.microseconds):06d}".rstrip("0")
    return whole


def _is_time_negative(parts: _Parts) -> bool:
    return min(parts.hours, parts.minutes, parts.seconds, parts.microseconds) < 0


def _postgres_text(parts: _Parts) -> str:
    pieces = []
    is_before = False
    for value, unit in ((parts.years, "year"), (parts.months, "mon"), (parts.days, "day")):
        if value:
            sign = "+" if is_before and value > 0 else ""
            pieces.append(f"{sign}{value} {unit}{'' if value == 1 else 's'}")
            is_before = value < 0
    if not pieces or any(parts[3:]):
        sign = "-" if _is_time_negative(parts) else "+" if is_before else ""
        seconds = _seconds_text(parts, is_padded=True)
        pieces.append(f"{sign}{abs(parts.hours):02d}:{abs(parts.minutes):02d}:{seconds}")
    return " ".join(pieces)


def _verbose_text(parts: _Parts) -> str:
    text = "@"
    is_before: bool | None = None
    units = ("year", "mon", "day", "hour", "min")
    for value, unit in zip(parts[:5], units, strict=True):
        if not value:
            continue
        if is_before is None:
            is_before, shown = value < 0, abs(value)
        else:
            shown = -value if is_before else value
        text += f" {shown} {unit}{'' if shown == 1 else 's'}"
    if parts.seconds or parts.microseconds:
        is_negative = parts.seconds < 0 or parts.microseconds < 0
        sign = ""
        if is_before is None:
            is_before = is_negative
        elif is_negative != is_before:
            sign = "-"
        is_one = abs(parts.seconds) == 1 and not parts.microseconds
        text += f" {sign}{_seconds_text(parts, is_padded=False)} sec{'' if is_one else 's'}"
    if is_before is None:
        text += " 0"
    return text + (" ago" if is_before else "")


def _sql_text(parts: _Parts) -> str:
    has_negative, has_positive = min(parts) < 0, max(parts) > 0
    has_year_month = bool(parts.years or parts.months)
    has_day_time = any(parts[2:])
    if not has_negative and not has_positive:
        return "0"
    seconds = _seconds_text(parts, is_padded=True)
    clock = f"{abs(parts.hours)}:{abs(parts.minutes):02d}:{seconds}"
    if (has_negative and has_positive) or (has_year_month and has_day_time):
        year_sign = "-" if parts.years < 0 or parts.months < 0 else "+"
        day_sign = "-" if parts.days < 0 else "+"
        time_sign = "-" if _is_time_negative(parts) else "+"
        return (
            f"{year_sign}{abs(parts.years)}-{abs(parts.months)}"
            f" {day_sign}{abs(parts.days)} {time_sign}{clock}"
        )
    sign = "-" if has_negative else ""
    if has_year_month:
        return f"{sign}{abs(parts.years)}-{abs(parts.months)}"
    if parts.days:
        return f"{sign}{abs(parts.days)} {clock}"
    return sign + clock


def _iso_text(parts: _Parts) -> str:
    if not any(parts):
        return "PT0S"
    units = zip(parts[:3], "YMD", strict=True)
    text = "P" + "".join(f"{value}{unit}" for value, unit in units if value)
    if any(parts[3:]):
        text += "T"
        text += "".join(
            f"{value}{unit}" for value, unit in zip(parts[3:5], "HM", strict=True) if value
        )
        if parts.seconds or parts.microseconds:
            sign = "-" if parts.seconds < 0 or parts.microseconds < 0 else ""
            text += f"{sign}{_seconds_text(parts, is_padded=False)}S"
    return text
