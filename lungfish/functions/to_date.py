"""to_date and to_timestamp: what was read along a template, put together, after PostgreSQL's formatting.c (`do_to_timestamp`).

The clock of 12 hours, centuries, weeks and days of the year are turned into one day and one time of day.
"""

from __future__ import annotations

from lungfish.errors import (
    DatetimeFieldOverflow,
    InvalidDatetimeFormat,
    InvalidTimeZoneDisplacementValue,
)
from lungfish.functions.datetime_operators import checked_timestamp, text_settings
from lungfish.functions.format_templates import PieceKind
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.template_reader import TemplateReader
from lungfish.types.calendar import (
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    civil_from_days,
    days_from_civil,
    days_in_month,
    is_valid_date,
    iso_week_start,
)
from lungfish.types.casts_datetime import round_fraction, round_timestamp
from lungfish.types.sql_type import DATE, TEXT, TIMESTAMPTZ

_ZONE_HOURS_MAX = 15


class _Assembly:
    """What a reader found, put together to a date and a time of day."""

    def __init__(self, reader: TemplateReader) -> None:
        self.reader = reader
        self.fields = reader.fields
        self.year, self.month, self.day = 0, 1, 1
        # Which of them the text has said.
        self.given: set[str] = set()

    def get(self, field: str) -> int:
        return self.fields.get(field, 0)

    def out_of_range(self) -> DatetimeFieldOverflow:
        return DatetimeFieldOverflow(f'date/time field value out of range: "{self.reader.text}"')

    def days(self) -> int:
        """The date. Raises 22007, 22008."""
        self._set_year()
        if self.get("julian"):
            self._set_date(self.get("julian") - EPOCH_JULIAN_DAY)
        day_of_year = self.get("day_of_year")
        if self.get("week"):
            if self.reader.convention == "iso":
                start = iso_week_start(self.year, self.get("week"))
                # Sunday is 1 and the last day of the week.
                self._set_date(
                    start + ((self.get("weekday") + 5) % 7 if self.get("weekday") else 0)
                )
            else:
                day_of_year = (self.get("week") - 1) * 7 + 1
        week_day = (self.get("week_of_month") - 1) * 7 + 1 if self.get("week_of_month") else 0
        if week_day or self.get("day"):
            self.day = week_day or self.get("day")
            self.given.add("day")
        if self.get("month"):
            self.month = self.get("month")
            self.given.add("month")
        if day_of_year and (self.month <= 1 or self.day <= 1):
            self._set_day_of_year(day_of_year)
        # The length of a month is asked only where all three were given: without a year the 31st of June is the 1st of July.
        last = (
            days_in_month(self.year, self.month)
            if len(self.given) == 3 and 1 <= self.month <= 12
            else 31
        )
        if not 1 <= self.month <= 12 or not 1 <= self.day <= last:
            raise self.out_of_range()
        days = days_from_civil(self.year, self.month, 1) + self.day - 1
        if not is_valid_date(days):
            raise self.out_of_range()
        return days

    def _set_date(self, days: int) -> None:
        self.year, self.month, self.day = civil_from_days(days)
        self.given.update(("year", "month", "day"))

    def _set_year(self) -> None:
        year, century = self.get("year"), self.get("century")
        is_bc = bool(self.get("era"))
        if year or century:
            self.given.add("year")
        if year:
            if century and self.reader.year_digits <= 2:
                century = -century if is_bc else century
                self.year = year % 100
                if self.year and century < 0:
                    self.year = (century + 1) * 100 - self.year + 1
                elif self.year:
                    self.year += (century - 1) * 100
                else:
                    self.year = century * 100 + (century < 0)
            else:
                self.year = -year if is_bc else year
                self.year += self.year < 0
        elif century:
            century = -century if is_bc else century
            self.year = (century - 1) * 100 + 1 if century >= 0 else century * 100 + 1

    def _set_day_of_year(self, day_of_year: int) -> None:
        if not self.year and not self.get("era"):
            raise InvalidDatetimeFormat("cannot calculate day of year without year information")
        if self.reader.convention == "iso":
            self._set_date(iso_week_start(self.year, 1) + day_of_year - 1)
            return
        month, day = 1, day_of_year
        while month <= 12 and day > days_in_month(self.year, month):
            day -= days_in_month(self.year, month)
            month += 1
        # What the text has said already stays; beyond the year's end it is the 13th month.
        self.month = month if self.month <= 1 else self.month
        self.day = day if self.day <= 1 else self.day
        self.given.update(("month", "day"))

    def clock(self) -> tuple[int, int, int]:
        """Hour, minute and second. Raises 22007 for an hour that the 12-hour clock does not have."""
        minutes, second = divmod(self.get("seconds"), 60)
        hour, minute = divmod(minutes, 60)
        hour, minute = self.get("hour") or hour, self.get("minute") or minute
        second = self.get("second") or second
        if self.reader.is_12_hour:
            if not 1 <= hour <= 12:
                raise InvalidDatetimeFormat(
                    f'hour "{hour}" is invalid for the 12-hour clock',
                    hint="Use the 24-hour clock, or give an hour between 1 and 12.",
                )
            hour = hour % 12 + 12 * self.get("half")
        return hour, minute, second

    def checked_microseconds(self, hour: int, minute: int, second: int) -> int:
        """The time of day. Raises 22008."""
        fraction = self.get("millisecond") * 1000 + self.get("microsecond")
        is_valid = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60
        if not is_valid or not 0 <= fraction < MICROSECONDS_PER_SECOND:
            raise self.out_of_range()
        return ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + fraction

    def zone_offset(self) -> int | None:
        """Seconds east of UTC that the text names, or None."""
        if not self.get("zone_sign"):
            return self.fields.get("zone")
        hours, minutes = self.get("zone_hour"), self.get("zone_minute")
        if not 0 <= hours <= _ZONE_HOURS_MAX or not 0 <= minutes < 60:
            raise InvalidTimeZoneDisplacementValue(
                f'time zone displacement out of range: "{self.reader.text}"'
            )
        return self.fields["zone_sign"] * (hours * 3600 + minutes * 60)


def _assemble(text: str, template: str) -> _Assembly:
    reader = TemplateReader(text, template)
    reader.read()
    return _Assembly(reader)


def to_date(text: str, template: str) -> int:
    """The date that the text says. Raises 22007, 22008."""
    return _read_parts(_assemble(text, template))[0]


def _read_parts(found: _Assembly) -> tuple[int, int, int | None]:
    """Days, time of day and offset, looked at in the order in which PostgreSQL finds mistakes in them."""
    clock = found.clock()
    days = found.days()
    return days, found.checked_microseconds(*clock), found.zone_offset()


_ZONE_PATTERNS = frozenset({"TZ", "OF", "TZH", "TZM"})
_CLOCK_PATTERNS = frozenset(
    {"HH", "HH12", "HH24", "MI", "SS", "MS", "US", "SSSS", "SSSSS", "AM", "PM", "A.M.", "P.M."}
)


def read_datetime(text: str, template: str) -> tuple[int | None, int | None, int | None]:
    """The days, the time of day and the zone's offset east in seconds, as far as the template speaks of them.

    Reads as the SQL standard has it. Raises 22007, 22008.
    """
    reader = TemplateReader(text, template, is_strict=True)
    patterns = {
        piece.text.upper() for piece in reader.pieces if piece.kind is PieceKind.PATTERN
    } - {"FX", "FM"}
    is_zoned = bool(patterns & _ZONE_PATTERNS)
    is_timed = any(each in _CLOCK_PATTERNS or each.startswith("FF") for each in patterns)
    is_dated = any(
        each not in _ZONE_PATTERNS and each not in _CLOCK_PATTERNS and not each.startswith("FF")
        for each in patterns
    )
    reader.read()
    found = _Assembly(reader)
    if not is_timed and (is_zoned or not is_dated):
        what = "zoned but not timed" if is_dated else "not dated and not timed"
        raise InvalidDatetimeFormat(f"datetime format is {what}")
    days, microseconds, offset = _read_parts(found)
    microseconds = round_fraction(microseconds, reader.fraction_digits)
    return (
        days if is_dated else None,
        microseconds if is_timed else None,
        offset if is_zoned else None,
    )


def _to_timestamp(context: FunctionContext, text: str, template: str) -> int:
    found = _assemble(text, template)
    days, microseconds, offset = _read_parts(found)
    local = days * MICROSECONDS_PER_DAY + microseconds
    if offset is not None:
        instant = local - offset * MICROSECONDS_PER_SECOND
    else:
        instant = text_settings(context).time_zone.to_instant(local)
    return round_timestamp(checked_timestamp(instant), found.reader.fraction_digits)


_STABLE = Volatility.STABLE
FUNCTIONS: tuple[Function, ...] = (
    Function("to_date", (TEXT, TEXT), DATE, to_date, volatility=_STABLE),
    Function(
        "to_timestamp",
        (TEXT, TEXT),
        TIMESTAMPTZ,
        _to_timestamp,
        volatility=_STABLE,
        needs_context=True,
    ),
)
