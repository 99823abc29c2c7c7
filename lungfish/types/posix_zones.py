"""POSIX specifications of time zones, which PostgreSQL takes beside names: EST5EDT, <+03>-3, CET-1CEST,M3.5.0,M10.5.0/3.

An abbreviation (or <...>, or nothing), an offset west of Greenwich, and perhaps daylight saving time: its abbreviation, its own
offset, and the rules for when it begins and ends. Without an offset it is an hour ahead; without rules it follows those of the United
States. Offsets are seconds east here.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from lungfish.types.calendar import civil_from_days, days_from_civil

_NAME = r"(?:<([^>]*)>|((?!<)[^\d,+-]*))"
_OFFSET = r"([+-]?\d+)(?::(\d+)(?::(\d+))?)?(?!:)"
_STANDARD = re.compile(_NAME + _OFFSET, re.ASCII)
_DAYLIGHT = re.compile(f"{_NAME}(?:{_OFFSET})?", re.ASCII)
_RULE = re.compile(rf"(?:J(\d+)|(\d+)|M(\d+)\.(\d+)\.(\d+))(?:/{_OFFSET})?", re.ASCII)
_UNITED_STATES = ",M3.2.0,M11.1.0"
_HOURS_MAX = 167
_TWO_HOURS = 7_200
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Turn:
    """When a year's daylight saving time begins or ends: a day, and the seconds from its midnight by the clock before."""

    # "J": the day of the year from 1, of which February 29 is none; "n": from 0; "M": a week's day of a month.
    kind: str
    day: int
    month: int
    week: int
    seconds: int

    def at(self, year: int) -> int:
        """The local time in seconds since 1970."""
        return self._day_of(year) * _DAY + self.seconds

    def _day_of(self, year: int) -> int:
        first = days_from_civil(year, 1, 1)
        if self.kind == "n":
            return first + self.day
        if self.kind == "J":
            is_leap = days_from_civil(year + 1, 1, 1) - first == 366
            return first + self.day - 1 + (is_leap and self.day >= 60)
        month = days_from_civil(year, self.month, 1)
        following = days_from_civil(year + self.month // 12, self.month % 12 + 1, 1)
        # 1970-01-01 was a Thursday.
        found = month + (self.day - (month + 4)) % 7 + (self.week - 1) * 7
        return found if found < following else found - 7


@dataclass(frozen=True, slots=True)
class PosixZone:
    """A specification that was read. Without daylight saving time `daylight` is None."""

    abbreviation: str
    standard: int
    daylight_abbreviation: str = ""
    daylight: int | None = None
    start: _Turn | None = None
    end: _Turn | None = None

    def is_daylight_at(self, seconds: int) -> bool:
        """Whether there is daylight saving time at an instant (seconds since 1970 in UTC)."""
        if self.daylight is None or self.start is None or self.end is None:
            return False
        year, _, _ = civil_from_days((seconds + self.standard) // _DAY)
        turns = [
            (turn.at(each) - offset, turn is self.start)
            for each in (year - 1, year, year + 1)
            for turn, offset in ((self.start, self.standard), (self.end, self.daylight))
        ]
        before = [turn for turn in turns if turn[0] <= seconds]
        return max(before)[1] if before else False

    def offset_at(self, seconds: int) -> int:
        """The offset at an instant."""
        if self.daylight is not None and self.is_daylight_at(seconds):
            return self.daylight
        return self.standard

    def offset_of_local(self, seconds: int) -> int:
        """The offset of a local time. In a gap, and where a local time comes twice, the smaller one holds."""
        if self.daylight is None:
            return self.standard
        both = (self.standard, self.daylight)
        fitting = [offset for offset in both if self.offset_at(seconds - offset) == offset]
        return min(fitting or both)


@functools.lru_cache(maxsize=128)
def parse_posix_zone(text: str) -> PosixZone | None:
    """The zone that a specification means; None if the text is none."""
    match = _STANDARD.match(text)
    if match is None:
        return None
    quoted, plain, *parts = match.groups()
    west = _offset(*parts)
    if west is None:
        return None
    name = (plain or quoted or "").upper()
    rest = text[match.end() :]
    return PosixZone(name, -west) if not rest else _with_daylight(name, west, rest)


def _with_daylight(name: str, west: int, rest: str) -> PosixZone | None:
    match = _DAYLIGHT.match(rest)
    if match is None:
        return None
    quoted, plain, *parts = match.groups()
    shown = plain or quoted
    rules = rest[match.end() :]
    summer = west - 3_600
    if parts[0] is not None:
        own = _offset(*parts)
        if own is None:
            return None
        summer = own
    if not shown:
        return None
    turns = _turns(rules or _UNITED_STATES)
    if turns is None:
        return None
    return PosixZone(name, -west, shown.upper(), -summer, *turns)


def _turns(rules: str) -> tuple[_Turn, _Turn] | None:
    if rules[0] not in ",;":
        return None
    start = _RULE.match(rules, 1)
    if start is None or rules[start.end() : start.end() + 1] != ",":
        return None
    end = _RULE.fullmatch(rules, start.end() + 1)
    first, last = _turn(start), None if end is None else _turn(end)
    return None if first is None or last is None else (first, last)


def _turn(match: re.Match[str]) -> _Turn | None:
    julian, zero_based, month, week, weekday, *parts = match.groups()
    seconds = _TWO_HOURS if parts[0] is None else _offset(*parts)
    if seconds is None:
        return None
    if julian is not None:
        return _Turn("J", int(julian), 0, 0, seconds) if 1 <= int(julian) <= 365 else None
    if zero_based is not None:
        return _Turn("n", int(zero_based), 0, 0, seconds) if int(zero_based) <= 365 else None
    is_valid = 1 <= int(month) <= 12 and 1 <= int(week) <= 5 and int(weekday) <= 6
    return _Turn("M", int(weekday), int(month), int(week), seconds) if is_valid else None


def _offset(hours: str, minutes: str | None, seconds: str | None) -> int | None:
    """The seconds of an offset as written; None where a part is too large."""
    count = abs(int(hours))
    if count > _HOURS_MAX or int(minutes or 0) > 59 or int(seconds or 0) > 60:
        return None
    found = count * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return -found if hours.startswith("-") else found
