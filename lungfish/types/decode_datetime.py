"""Decides what the fields of a date or time text mean: the reading half of PostgreSQL's date/time input.

The fields come in any order. Each one is judged by its look and by what is known already (`Part`); a part
that comes twice is an error. `DateTimeDecoder.decode` answers the parts; `parse_datetime.py` makes values of them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from lungfish.types.calendar import (
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    CivilTime,
    civil_from_days,
    days_from_civil,
    days_in_month,
    split_timestamp,
)
from lungfish.types.clock_text import (
    parse_fraction,
    parse_int,
    parse_zone_offset,
    split_clock,
)
from lungfish.types.datetime_errors import DecodingError, Fault
from lungfish.types.datetime_tokens import Field, FieldKind, Word, find_date_word
from lungfish.types.settings import TextSettings
from lungfish.types.time_zones import (
    DAYLIGHT_ABBREVIATIONS,
    STANDARD_ABBREVIATIONS,
    TimeZone,
    find_zone,
    refuse_dated_abbreviation,
)


class Part(enum.Flag):
    """The parts of a date and time that have been seen."""

    NONE = 0
    YEAR = enum.auto()
    MONTH = enum.auto()
    DAY = enum.auto()
    DAY_OF_YEAR = enum.auto()
    TIME = enum.auto()
    ZONE = enum.auto()
    DST = enum.auto()
    WEEKDAY = enum.auto()
    MERIDIEM = enum.auto()
    ERA = enum.auto()
    DATE = YEAR | MONTH | DAY


# A run of digits or of letters, with the one character after it, whatever that is.
_DATE_PIECE = re.compile(r"[^0-9a-z]*([0-9]+|[a-z]+).?")


class DateTimeDecoder:
    """The state of one decoding. `special` is set where a word such as infinity or epoch stands for the value."""

    def __init__(
        self, settings: TextSettings, *, allows_zone: bool = True, is_time_only: bool = False
    ) -> None:
        self.settings = settings
        self.allows_zone = allows_zone
        # For TIME and TIMETZ: numbers are times rather than dates.
        self.is_time_only = is_time_only
        self.seen = Part.NONE
        self.year = self.month = self.day = self.day_of_year = 0
        self.hour = self.minute = self.second = self.microsecond = 0
        # Seconds east, where the text gave a numeric zone or an abbreviation.
        self.offset: int | None = None
        self.zone: TimeZone | None = None
        self.special: str | None = None
        self._unit: str | None = None
        self._meridiem: str | None = None
        self._era: str | None = None
        self._has_text_month = False
        self._has_short_year = False
        self._is_julian = False
        self._is_dst = False
        self._may_start_date = True

    def decode(self, fields: Sequence[Field]) -> None:
        """Take in all fields. Raises DecodingError."""
        for index, field in enumerate(fields):
            self._may_start_date = index == 0 and _starts_with_date(fields)
            found = self._take(field)
            if found & self.seen:
                raise DecodingError
            self.seen |= found
        if self._unit is not None:
            raise DecodingError
        if self.special is None:
            self._validate_date()
            self._apply_meridiem()

    def clock_microseconds(self) -> int:
        """The time of day."""
        seconds = (self.hour * 60 + self.minute) * 60 + self.second
        return seconds * MICROSECONDS_PER_SECOND + self.microsecond

    def check_clock(self) -> None:
        """Raise FIELD_OVERFLOW where the parts are no time of day."""
        if self.hour > 24 or self.minute > 59 or self.second > 60:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        if self.clock_microseconds() > MICROSECONDS_PER_DAY:
            raise DecodingError(Fault.FIELD_OVERFLOW)

    def local_timestamp(self) -> int:
        """The date and time, without regard to a zone."""
        return (
            days_from_civil(self.year, self.month, self.day) * MICROSECONDS_PER_DAY
            + self.clock_microseconds()
        )

    def zone_offset(self, local: int) -> int:
        """Seconds east at that local time: by the text's zone, else by the session's."""
        if self.offset is not None:
            return self.offset
        if self._is_dst and Part.ZONE not in self.seen:
            raise DecodingError
        return (self.zone or self.settings.time_zone).offset_of_local(local)

    def _take(self, field: Field) -> Part:
        match field.kind:
            case FieldKind.DATE:
                return self._take_date(field.text)
            case FieldKind.TIME:
                if self._unit is not None:
                    if self._unit != "time":
                        raise DecodingError
                    self._unit = None
                self._set_clock(*split_clock(field.text))
                return Part.TIME
            case FieldKind.TZ:
                self._require_zone_allowed()
                self.offset = parse_zone_offset(field.text)
                return Part.ZONE
            case FieldKind.NUMBER:
                return self._take_number(field.text)
            case FieldKind.STRING | FieldKind.SPECIAL:
                return self._take_word(field.text)

    def _require_zone_allowed(self) -> None:
        if not self.allows_zone:
            raise DecodingError

    def _set_clock(self, hour: int, minute: int, second: int, microsecond: int) -> None:
        total = ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + microsecond
        if total > MICROSECONDS_PER_DAY:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        self.hour, self.minute, self.second, self.microsecond = hour, minute, second, microsecond

    # Dates and numbers

    def _take_date(self, text: str) -> Part:
        if self._unit == "julian":
            return self._take_julian_with_zone(text)
        has_month_and_day = (Part.MONTH | Part.DAY) in self.seen
        if self.is_time_only:
            may_be_date = self._may_start_date
        else:
            may_be_date = self._unit is None and not has_month_and_day
        if may_be_date:
            return self._split_date(text)
        self._require_zone_allowed()
        if text[0].isdigit() or self._unit is not None:
            return self._take_run_together(text)
        zone = find_zone(text)
        if zone is None:
            raise DecodingError(Fault.UNKNOWN_ZONE, text)
        self.zone = zone
        return Part.ZONE

    def _take_run_together(self, text: str) -> Part:
        """A time with its zone after it: 040506-08."""
        if self._unit is not None:
            if self._unit != "time":
                raise DecodingError
            self._unit = None
        digits, sign, zone = text.partition("-")
        if Part.TIME in self.seen or not sign:
            raise DecodingError
        self.offset = parse_zone_offset(sign + zone)
        seen = self.seen | Part.DATE if self.is_time_only else self.seen
        return self._number_field(digits, seen) | Part.ZONE

    def _take_julian_with_zone(self, text: str) -> Part:
        self._require_zone_allowed()
        digits, sign, zone = text.partition("-")
        if not sign:
            raise DecodingError
        self._unit = None
        self._set_julian(parse_int(digits))
        self.offset = parse_zone_offset(sign + zone)
        return Part.DATE | Part.TIME | Part.ZONE

    def _set_julian(self, julian: int) -> None:
        if julian < 0:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        self.year, self.month, self.day = civil_from_days(julian - EPOCH_JULIAN_DAY)
        self._is_julian = True

    def _split_date(self, text: str) -> Part:
        """A date in one field: 1999-01-08, 8-jan-99, 1/8/1999."""
        pieces = [match[1] for match in _DATE_PIECE.finditer(text)]
        if not pieces or not text[-1].isalnum():
            raise DecodingError
        found = Part.NONE
        for piece in pieces:
            if piece[0].isalpha():
                word = find_date_word(piece)
                if word is None or word[0] not in (Word.MONTH, Word.IGNORED):
                    raise DecodingError
                if word[0] is Word.MONTH:
                    if Part.MONTH in self.seen | found:
                        raise DecodingError
                    self.month = int(word[1])
                    self._has_text_month = True
                    found |= Part.MONTH
        for piece in pieces:
            if piece[0].isdigit():
                part = self._number(piece, self.seen | found)
                if part & (self.seen | found):
                    raise DecodingError
                found |= part
        if (self.seen | found) & ~(Part.DAY_OF_YEAR | Part.ZONE) != Part.DATE:
            raise DecodingError
        return found

    def _take_number(self, text: str) -> Part:
        if self._unit is not None:
            return self._take_labelled_number(text)
        whole, point, _ = text.partition(".")
        if self.is_time_only:
            if point and self._may_start_date:
                return self._split_date(text)
            if point and len(whole) <= 2:
                raise DecodingError
            return self._number_field(text, self.seen | Part.DATE)
        if point and not self.seen & Part.DATE:
            return self._split_date(text)
        if point and len(whole) > 2:
            return self._number_field(text, self.seen)
        if len(text) >= 6 and (not self.seen & Part.DATE or Part.TIME not in self.seen):
            return self._number_field(text, self.seen)
        return self._number(text, self.seen)

    def _take_labelled_number(self, text: str) -> Part:
        unit, self._unit = self._unit, None
        whole, point, fraction = text.partition(".")
        if unit == "julian":
            self._set_julian(parse_int(whole))
            if not point:
                return Part.DATE
            microseconds = int(float("0." + (fraction or "0")) * MICROSECONDS_PER_DAY)
            civil = split_timestamp(microseconds)
            self._set_clock(civil.hour, civil.minute, civil.second, civil.microsecond)
            return Part.DATE | Part.TIME
        if unit == "time":
            found = self._number_field(text, self.seen | Part.DATE)
            if found != Part.TIME:
                raise DecodingError
            return found
        raise DecodingError

    def _number(self, text: str, seen: Part) -> Part:
        """A number that is one part; which one depends on the parts already seen and on DateStyle."""
        whole, point, _ = text.partition(".")
        value = parse_int(whole)
        if point:
            if len(whole) > 2:
                return self._number_field(text, seen | Part.DATE)
            self.microsecond = parse_fraction(text[len(whole) :])
        length = len(text)
        known = seen & Part.DATE
        if length == 3 and known == Part.YEAR and 1 <= value <= 366:
            self.day_of_year = value
            return Part.DAY_OF_YEAR | Part.MONTH | Part.DAY
        if known == Part.DATE:
            return self._number_field(text, seen)
        part = self._part_of_number(length, known)
        if part is Part.YEAR:
            if known == Part.YEAR | Part.MONTH:
                # The first number was the day after all: 08-jan-1999 read with the year first.
                self.day, self.year, self._has_short_year = self.year, value, False
                return Part.DAY
            self.year, self._has_short_year = value, length <= 2
        elif part is Part.MONTH:
            self.month = value
        else:
            self.day = value
        return part

    def _part_of_number(self, length: int, known: Part) -> Part:
        order = self.settings.date_order
        if known == Part.NONE:
            if length >= 3 or order == "YMD":
                return Part.YEAR
            return Part.DAY if order == "DMY" else Part.MONTH
        if known == Part.YEAR or known == Part.DAY:
            return Part.MONTH
        if known == Part.MONTH:
            if self._has_text_month and (length >= 3 or order == "YMD"):
                return Part.YEAR
            return Part.DAY
        if known == Part.YEAR | Part.MONTH:
            if self._has_text_month and length >= 3 and self._has_short_year:
                return Part.YEAR
            return Part.DAY
        if known == Part.MONTH | Part.DAY:
            return Part.YEAR
        raise DecodingError

    def _number_field(self, text: str, seen: Part) -> Part:
        """Digits run together: yyyymmdd, yymmdd, hhmmss, hhmm."""
        digits, point, _ = text.partition(".")
        if not digits.isascii() or not digits.isdigit():
            raise DecodingError
        if point:
            self.microsecond = parse_fraction(text[len(digits) :])
        elif seen & Part.DATE != Part.DATE and len(digits) >= 6:
            self.day, self.month = int(digits[-2:]), int(digits[-4:-2])
            self.year = parse_int(digits[:-4])
            self._has_short_year = len(digits) == 6
            return Part.DATE
        if Part.TIME not in seen and len(digits) in (4, 6):
            second = int(digits[4:6]) if len(digits) == 6 else 0
            self.hour, self.minute, self.second = int(digits[:2]), int(digits[2:4]), second
            return Part.TIME
        raise DecodingError

    # Words

    def _take_word(self, text: str) -> Part:
        offset = STANDARD_ABBREVIATIONS.get(text)
        if offset is None:
            offset = DAYLIGHT_ABBREVIATIONS.get(text)
        if offset is not None:
            self._require_zone_allowed()
            self.offset = offset
            return Part.ZONE
        found = find_date_word(text)
        if found is None:
            refuse_dated_abbreviation(text)
            zone = find_zone(text)
            if zone is None or not self.allows_zone:
                raise DecodingError
            self.zone = zone
            return Part.ZONE
        return self._take_known_word(*found)

    def _take_known_word(self, word: Word, value: str | int) -> Part:
        if self.is_time_only and word in (Word.MONTH, Word.WEEKDAY):
            raise DecodingError
        match word:
            case Word.IGNORED:
                return Part.NONE
            case Word.RESERVED:
                return self._take_reserved(str(value))
            case Word.MONTH:
                part = Part.MONTH
                if (
                    Part.MONTH in self.seen
                    and not self._has_text_month
                    and Part.DAY not in self.seen
                ):
                    # What was taken for the month is the day.
                    if not 1 <= self.month <= 31:
                        raise DecodingError
                    self.day, part = self.month, Part.DAY
                self._has_text_month, self.month = True, int(value)
                return part
            case Word.WEEKDAY:
                return Part.WEEKDAY
            case Word.MERIDIEM:
                self._meridiem = str(value)
                return Part.MERIDIEM
            case Word.ERA:
                self._era = str(value)
                return Part.ERA
            case Word.DST_MODIFIER:
                if not self.allows_zone or self.offset is None:
                    raise DecodingError
                self._is_dst = True
                self.offset += int(value)
                return Part.DST
            case Word.UNIT | Word.ISO_TIME:
                if self._unit is not None or (word is Word.ISO_TIME and not self._may_have_time()):
                    raise DecodingError
                self._unit = str(value)
                return Part.NONE
            case Word.AGO:
                raise DecodingError

    def _may_have_time(self) -> bool:
        return self.is_time_only or self.seen & Part.DATE == Part.DATE

    def _take_reserved(self, word: str) -> Part:
        everything = Part.DATE | Part.TIME | Part.ZONE
        if word in ("infinity", "-infinity", "epoch"):
            self.special = word
            return everything
        if word == "allballs":
            self._set_clock(0, 0, 0, 0)
            self.offset = 0
            return Part.TIME | Part.ZONE
        now = self._now()
        if word == "now":
            self._set_civil(split_timestamp(now))
            self._set_clock(*split_timestamp(now)[3:])
            return everything
        shift = {"yesterday": -1, "today": 0, "tomorrow": 1}[word]
        self._set_civil(split_timestamp(now + shift * MICROSECONDS_PER_DAY))
        return Part.DATE

    def _now(self) -> int:
        instant = self.settings.transaction_timestamp
        if instant is None:
            raise DecodingError
        return self.settings.time_zone.to_local(instant)

    def _set_civil(self, civil: CivilTime) -> None:
        self.year, self.month, self.day = civil.year, civil.month, civil.day
        # A year from the clock is astronomical already.
        self._is_julian = True

    # Checks

    def _validate_date(self) -> None:
        seen = self.seen
        if Part.YEAR in seen and not self._is_julian:
            if self._era == "bc":
                if self.year <= 0:
                    raise DecodingError(Fault.FIELD_OVERFLOW)
                self.year = 1 - self.year
            elif self._has_short_year:
                self.year += 2000 if self.year < 70 else 1900 if self.year < 100 else 0
            elif self.year <= 0:
                raise DecodingError(Fault.FIELD_OVERFLOW)
        if Part.DAY_OF_YEAR in seen:
            first = days_from_civil(self.year, 1, 1)
            self.year, self.month, self.day = civil_from_days(first + self.day_of_year - 1)
        if Part.MONTH in seen and not 1 <= self.month <= 12:
            raise DecodingError(Fault.ORDER_OVERFLOW)
        if Part.DAY in seen and not 1 <= self.day <= 31:
            raise DecodingError(Fault.ORDER_OVERFLOW)
        if seen & Part.DATE == Part.DATE and self.day > days_in_month(self.year, self.month):
            raise DecodingError(Fault.FIELD_OVERFLOW)

    def _apply_meridiem(self) -> None:
        if self._meridiem is None:
            return
        if self.hour > 12:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        if self._meridiem == "am" and self.hour == 12:
            self.hour = 0
        elif self._meridiem == "pm" and self.hour != 12:
            self.hour += 12


def _starts_with_date(fields: Sequence[Field]) -> bool:
    """Whether a time's text may begin with a date that is then forgotten."""
    return len(fields) >= 2 and (
        fields[-1].kind is FieldKind.DATE or fields[1].kind is FieldKind.TIME
    )
