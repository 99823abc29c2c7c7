"""Dates, times and intervals as PostgreSQL writes them."""

from __future__ import annotations

from lungfish.types.calendar import (
    DAY_NAMES,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    MONTH_NAMES,
    CivilTime,
    civil_from_days,
    day_of_week,
    split_timestamp,
)
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import (
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
)
from lungfish.types.time_zones import offset_text


def format_date(days: int, settings: TextSettings = CANONICAL) -> str:
    """A date's text in the session's DateStyle."""
    if days == INFINITE_DATE:
        return "infinity"
    if days == MINUS_INFINITE_DATE:
        return "-infinity"
    year, month, day = civil_from_days(days)
    return _date_text(year, month, day, settings) + (" BC" if year <= 0 else "")


def _date_text(year: int, month: int, day: int, settings: TextSettings) -> str:
    shown = year if year > 0 else 1 - year
    style = settings.date_style
    is_day_first = settings.date_order == "DMY"
    if style == "ISO":
        return f"{shown:04d}-{month:02d}-{day:02d}"
    if style == "German":
        return f"{day:02d}.{month:02d}.{shown:04d}"
    first, second = (day, month) if is_day_first else (month, day)
    separator = "/" if style == "SQL" else "-"
    return f"{first:02d}{separator}{second:02d}{separator}{shown:04d}"


def format_time(microseconds: int) -> str:
    """A time of day's text."""
    seconds, fraction = divmod(microseconds, MICROSECONDS_PER_SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}{_fraction_text(fraction)}"


def format_timetz(value: tuple[int, int]) -> str:
    """A time with its zone's offset; the value keeps seconds west."""
    microseconds, west = value
    return format_time(microseconds) + offset_text(-west)


def format_timestamp(timestamp: int, settings: TextSettings = CANONICAL) -> str:
    """A timestamp's text, without a zone."""
    if timestamp == INFINITE_TIMESTAMP:
        return "infinity"
    if timestamp == MINUS_INFINITE_TIMESTAMP:
        return "-infinity"
    return _timestamp_text(split_timestamp(timestamp), timestamp, settings, None, None)


def format_timestamptz(instant: int, settings: TextSettings = CANONICAL) -> str:
    """An instant's text in the session's zone."""
    if instant == INFINITE_TIMESTAMP:
        return "infinity"
    if instant == MINUS_INFINITE_TIMESTAMP:
        return "-infinity"
    zone = settings.time_zone
    offset = zone.offset_at(instant)
    local = instant + offset * MICROSECONDS_PER_SECOND
    abbreviation = None
    if settings.date_style != "ISO":
        abbreviation = zone.abbreviation_at(instant)
    return _timestamp_text(split_timestamp(local), local, settings, offset, abbreviation)


def _timestamp_text(
    civil: CivilTime,
    local: int,
    settings: TextSettings,
    offset: int | None,
    abbreviation: str | None,
) -> str:
    year, month, day, hour, minute, second, microsecond = civil
    time = f"{hour:02d}:{minute:02d}:{second:02d}{_fraction_text(microsecond)}"
    style = settings.date_style
    if style == "Postgres":
        weekday = DAY_NAMES[day_of_week(local // MICROSECONDS_PER_DAY)][:3]
        month_name = MONTH_NAMES[month - 1][:3]
        shown = year if year > 0 else 1 - year
        middle = (
            f"{day:02d} {month_name}" if settings.date_order == "DMY" else f"{month_name} {day:02d}"
        )
        text = f"{weekday} {middle} {time} {shown:04d}"
        if offset is not None:
            text += f" {abbreviation}"
    else:
        text = f"{_date_text(year, month, day, settings)} {time}"
        if offset is not None:
            text += offset_text(offset) if style == "ISO" else f" {abbreviation}"
    return text + (" BC" if year <= 0 else "")


def _fraction_text(microsecond: int) -> str:
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""
