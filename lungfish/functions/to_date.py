"""to_date and to_timestamp: a text read along a template, after PostgreSQL's formatting.c (`DCH_from_char`, `do_to_timestamp`).

Reading is forgiving unless FX was met: blanks are passed over, one separator of the template stands for one of the text or for
none, and a literal character for any. What was read is then put together: 12-hour clock, centuries, weeks, days of the year.
"""

from __future__ import annotations

import re

from lungfish.errors import DatetimeFieldOverflow, InvalidDatetimeFormat
from lungfish.functions.datetime_operators import checked_timestamp, text_settings
from lungfish.functions.format_templates import Piece, PieceKind, date_template, is_separator
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.functions.to_char_dates import ROMAN_MONTHS
from lungfish.types.calendar import (
    DAY_NAMES,
    EPOCH_JULIAN_DAY,
    MICROSECONDS_PER_DAY,
    MICROSECONDS_PER_SECOND,
    MONTH_NAMES,
    civil_from_days,
    days_from_civil,
    days_in_month,
    is_valid_date,
    iso_week_start,
)
from lungfish.types.sql_type import DATE, TEXT, TIMESTAMPTZ
from lungfish.types.time_zones import abbreviation_offset

_INT_MAX = 2**31 - 1
_NUMBER = re.compile(r"\s*[+-]?\d+", re.ASCII)
_ZONE_WORD = re.compile(r"[A-Za-z]+")
_ZONE_HOURS_MAX = 15
# Pattern -> (field, digits); the length only matters where the next pattern is digits too.
_NUMBERS: dict[str, tuple[str, int]] = {
    "HH": ("hour", 2), "HH12": ("hour", 2), "HH24": ("hour", 2), "MI": ("minute", 2), "SS": ("second", 2),
    "MS": ("millisecond", 3), "US": ("microsecond", 6), "SSSS": ("seconds", 4), "SSSSS": ("seconds", 5),
    "MM": ("month", 2), "DD": ("day", 2), "DDD": ("day_of_year", 3), "IDDD": ("day_of_year", 3), "D": ("weekday", 1),
    "ID": ("weekday", 1), "WW": ("week", 2), "IW": ("week", 2), "W": ("week_of_month", 1), "Q": ("quarter", 1),
    "CC": ("century", 2), "J": ("julian", 1), "YYYY": ("year", 4), "IYYY": ("year", 4), "YYY": ("year", 3),
    "IYY": ("year", 3), "YY": ("year", 2), "IY": ("year", 2), "Y": ("year", 1), "I": ("year", 1),
    **{f"FF{digits}": ("microsecond", digits) for digits in range(1, 7)},
}  # fmt: skip
_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "AM": ("half", ("am", "pm")), "PM": ("half", ("am", "pm")),
    "A.M.": ("half", ("a.m.", "p.m.")), "P.M.": ("half", ("a.m.", "p.m.")),
    "AD": ("era", ("ad", "bc")), "BC": ("era", ("ad", "bc")),
    "A.D.": ("era", ("a.d.", "b.c.")), "B.C.": ("era", ("a.d.", "b.c.")),
    "MONTH": ("month", tuple(name.lower() for name in MONTH_NAMES)),
    "MON": ("month", tuple(name[:3].lower() for name in MONTH_NAMES)),
    "DAY": ("weekday", tuple(name.lower() for name in DAY_NAMES)),
    "DY": ("weekday", tuple(name[:3].lower() for name in DAY_NAMES)),
    # XII first: the first that fits is taken.
    "RM": ("month", tuple(word.lower() for word in reversed(ROMAN_MONTHS))),
}  # fmt: skip
_ISO = frozenset({"IYYY", "IYY", "IY", "I", "IW", "ID", "IDDD"})
_GREGORIAN = frozenset(
    {"YYYY", "YYY", "YY", "Y", "Y,YYY", "MONTH", "MON", "MM", "RM", "DDD", "DD", "D", "WW", "W"}
)


class _Reader:
    """A text on its way along a template; `fields` collects what it says."""

    def __init__(self, text: str, template: str, *, is_strict: bool = False) -> None:
        self.text = text
        self.pieces = date_template(template)
        self.place = 0
        self.fields: dict[str, int] = {}
        # As the SQL standard has it: text and template fit each other to the character.
        self.is_strict = is_strict
        self.is_exact = is_strict
        # How many characters more were passed over than the template had separators for.
        self.skipped = 0
        self.year_digits = 4
        self.is_12_hour = False
        # "iso" or "gregorian" once a pattern of one of them was met.
        self.convention = ""

    def read(self) -> None:
        """Read the whole text. Raises 22007, 22008."""
        for index, piece in enumerate(self.pieces):
            if self.place >= len(self.text):
                if self.is_strict:
                    raise InvalidDatetimeFormat("input string is too short for datetime format")
                return
            if not self.is_exact and (piece.kind is PieceKind.PATTERN or index == 0):
                if piece.text.upper() != "FX":
                    self.skipped += self._pass_blanks()
            if piece.kind in (PieceKind.SPACE, PieceKind.SEPARATOR):
                self._require(piece, "separator")
                self._separator()
            elif piece.kind is PieceKind.CHARACTER:
                self._require(piece, "character")
                if self.is_exact or self.skipped <= 0:
                    self.place += 1
                else:
                    self.skipped -= 1
            else:
                self._pattern(index, piece)
                if not self.is_exact:
                    self.skipped = self._pass_blanks()

        if self.is_strict and self.text[self.place :].strip():
            raise InvalidDatetimeFormat(
                "trailing characters remain in input string after datetime format"
            )

    def _require(self, piece: Piece, what: str) -> None:
        """The template's own character, where the standard's reading wants it in the text too."""
        if self.is_strict and self.text[self.place] != piece.text:
            raise InvalidDatetimeFormat(f'unmatched format {what} "{piece.text}"')

    def _pass_blanks(self) -> int:
        start = self.place
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.place - start

    def _separator(self) -> None:
        if self.is_exact:
            self.place += 1
            return
        self.skipped -= 1
        character = self.text[self.place : self.place + 1]
        if character and (character.isspace() or is_separator(character)):
            self.place += 1
            self.skipped += 1

    def _pattern(self, index: int, piece: Piece) -> None:
        upper = piece.text.upper()
        if upper in _ISO or upper in _GREGORIAN:
            self._agree("iso" if upper in _ISO else "gregorian")
        if upper == "FX":
            self.is_exact = True
        elif upper in _WORDS:
            self._word(upper, piece)
        elif upper == "Y,YYY":
            self._year_with_comma(piece)
        elif upper in ("TZ", "OF", "TZH", "TZM"):
            self._zone(upper, index)
        else:
            field, digits = _NUMBERS[upper]
            number, length = self._number(index, piece, digits)
            self._take_number(upper, field, number, length, piece)
            if piece.ordinal:
                self.place += 2

    def _agree(self, convention: str) -> None:
        if self.convention not in ("", convention):
            raise InvalidDatetimeFormat(
                "invalid combination of date conventions",
                hint="Do not mix Gregorian and ISO week date conventions in a formatting template.",
            )
        self.convention = convention

    def _word(self, upper: str, piece: Piece) -> None:
        field, words = _WORDS[upper]
        rest = self.text[self.place :].lower()
        number = next(
            (index for index, word in enumerate(words) if rest.startswith(word)), len(words)
        )
        if number == len(words):
            shown = self.text[self.place :].split()[0] if rest.split() else ""
            raise InvalidDatetimeFormat(
                f'invalid value "{shown}" for "{piece.text}"',
                detail="The given value did not match any of the allowed values for this field.",
            )
        self.place += len(words[number])
        if field == "half":
            self.is_12_hour = True
        if field == "month":
            number = 12 - number if upper == "RM" else number + 1
        self._set(field, number, piece)
        if field == "weekday":
            # As there: a day that is named twice contradicts itself, because it is counted from 0 here and kept from 1.
            self.fields[field] += 1

    def _number(self, index: int, piece: Piece, digits: int) -> tuple[int, int]:
        """The number at the place, and how many characters it took."""
        start = self.place
        self._pass_blanks()
        if piece.is_fill or self._is_free(index):
            match = _NUMBER.match(self.text, start)
            used = match.end() if match else start
        else:
            used = self._fixed_end(piece, digits)
        written = self.text[start:used]
        if not written.strip():
            raise self._invalid(piece, digits, "Value must be an integer.")
        self.place = used
        number = int(written)
        if abs(number) > _INT_MAX:
            raise DatetimeFieldOverflow(
                f'value for "{piece.text}" in source string is out of range',
                detail=f"Value must be in the range -2147483648 to {_INT_MAX}.",
            )
        return number, used - start

    def _fixed_end(self, piece: Piece, digits: int) -> int:
        """Where exactly `digits` characters end, for a pattern with digits right behind it."""
        rest = self.text[self.place :]
        if len(rest) < digits:
            raise InvalidDatetimeFormat(
                f'source string too short for "{piece.text}" formatting field',
                detail=f"Field requires {digits} characters, but only {len(rest)} remain.",
                hint='If your source string is not fixed-width, try using the "FM" modifier.',
            )
        match = _NUMBER.match(rest[:digits])
        length = match.end() if match else 0
        if 0 < length < digits:
            raise self._invalid(
                piece,
                digits,
                f"Field requires {digits} characters, but only {length} could be parsed.",
            )
        return self.place + length

    def _invalid(self, piece: Piece, digits: int, detail: str) -> InvalidDatetimeFormat:
        shown = self.text[self.place : self.place + digits]
        return InvalidDatetimeFormat(f'invalid value "{shown}" for "{piece.text}"', detail=detail)

    def _is_free(self, index: int) -> bool:
        """Whether what follows cannot be a digit, so that a number may be of any length."""
        if self.pieces[index].ordinal:
            return True
        if index + 1 == len(self.pieces):
            return True
        following = self.pieces[index + 1]
        if following.kind is PieceKind.PATTERN:
            upper = following.text.upper()
            return not (upper in _NUMBERS or upper == "Y,YYY")
        return not following.text.isdigit()

    def _take_number(self, upper: str, field: str, number: int, length: int, piece: Piece) -> None:
        if field == "hour":
            self.is_12_hour = self.is_12_hour or upper in ("HH", "HH12")
        elif field in ("millisecond", "microsecond"):
            # What was written is held against what is kept, which is in full digits.
            self._set(field, number, piece)
            number *= 10 ** max(0, (3 if field == "millisecond" else 6) - length)
            self.fields[field] = number
            return
        elif upper == "ID":
            # From Monday = 1 to Sunday = 1, which is also what days after the seventh are.
            number = number + 1 if number < 7 else 1
        elif field == "year":
            self.year_digits = len(upper)
            if len(upper) < 4 and length < 4:
                number = _near_2020(number)
        elif field == "quarter":
            return
        self._set(field, number, piece)

    def _year_with_comma(self, piece: Piece) -> None:
        match = re.compile(r"\s*([+-]?\d+),(\d{1,3})", re.ASCII).match(self.text, self.place)
        if match is None:
            raise InvalidDatetimeFormat(f'invalid value for "{piece.text}"')
        self.place = match.end()
        self._set("year", int(match[1]) * 1000 + int(match[2]), piece)
        if piece.ordinal:
            self.place += 2

    def _zone(self, upper: str, index: int) -> None:
        if upper == "TZ":
            word = _ZONE_WORD.match(self.text, self.place)
            if word is not None:
                offset = abbreviation_offset(word[0])
                if offset is None:
                    raise InvalidDatetimeFormat(
                        f'invalid value "{word[0]}" for "TZ"',
                        detail="Time zone abbreviation is not recognized.",
                    )
                self.place = word.end()
                self.fields["zone"] = offset
                return
        piece = self.pieces[index]
        if upper != "TZM":
            character = self.text[self.place]
            if character in "+- ":
                self.fields["zone_sign"] = -1 if character == "-" else 1
                self.place += 1
            else:
                is_minus = self.skipped > 0 and self.text[self.place - 1] == "-"
                self.fields["zone_sign"] = -1 if is_minus else 1
            self.fields["zone_hour"] = self._number(index, piece, 2)[0]
            if upper in ("TZ", "OF") and self.text[self.place : self.place + 1] == ":":
                self.place += 1
                self.fields["zone_minute"] = self._number(index, piece, 2)[0]
            return
        self.fields.setdefault("zone_sign", 1)
        self.fields["zone_minute"] = self._number(index, piece, 2)[0]

    def _set(self, field: str, number: int, piece: Piece) -> None:
        if self.fields.get(field, number) != number and self.fields[field]:
            raise InvalidDatetimeFormat(
                f'conflicting values for "{piece.text}" field in formatting string',
                detail="This value contradicts a previous setting for the same field type.",
            )
        self.fields[field] = number


def _near_2020(year: int) -> int:
    """Years of less than four digits, moved next to 2020."""
    if year < 70:
        return year + 2000
    if year < 100:
        return year + 1900
    if year < 520:
        return year + 2000
    return year + 1000 if year < 1000 else year


class _Assembly:
    """What a reader found, put together to a date and a time of day."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.fields = reader.fields
        self.year, self.month, self.day = 0, 1, 1

    def get(self, field: str) -> int:
        return self.fields.get(field, 0)

    def out_of_range(self) -> DatetimeFieldOverflow:
        return DatetimeFieldOverflow(f'date/time field value out of range: "{self.reader.text}"')

    def days(self) -> int:
        """The date. Raises 22007, 22008."""
        self._set_year()
        if self.get("julian"):
            self.year, self.month, self.day = civil_from_days(self.get("julian") - EPOCH_JULIAN_DAY)
        day_of_year = self.get("day_of_year")
        if self.get("week"):
            if self.reader.convention == "iso":
                start = iso_week_start(self.year, self.get("week"))
                # Sunday is 1 and the last day of the week.
                shift = (self.get("weekday") + 5) % 7 if self.get("weekday") else 0
                self.year, self.month, self.day = civil_from_days(start + shift)
            else:
                day_of_year = (self.get("week") - 1) * 7 + 1
        self.day = self.get("day") or self.day
        if self.get("week_of_month"):
            self.day = self.get("day") or (self.get("week_of_month") - 1) * 7 + 1
        self.month = self.get("month") or self.month
        if day_of_year and (self.month <= 1 or self.day <= 1):
            self._set_day_of_year(day_of_year)
        if not 1 <= self.month <= 12 or not 1 <= self.day <= days_in_month(self.year, self.month):
            raise self.out_of_range()
        days = days_from_civil(self.year, self.month, self.day)
        if not is_valid_date(days):
            raise self.out_of_range()
        return days

    def _set_year(self) -> None:
        year, century = self.get("year"), self.get("century")
        is_bc = bool(self.get("era"))
        if year:
            if century and self.reader.year_digits <= 2:
                century = -century if is_bc else century
                self.year = year % 100
                if self.year:
                    self.year += (century + 1 if century < 0 else century - 1) * 100
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
            first = iso_week_start(self.year, 1)
        else:
            first = days_from_civil(self.year, 1, 1)
            if not 1 <= day_of_year <= 365 + (days_in_month(self.year, 2) == 29):
                raise self.out_of_range()
        year, month, day = civil_from_days(first + day_of_year - 1)
        if self.reader.convention == "iso":
            self.year, self.month, self.day = year, month, day
        else:
            # What the text has said already stays.
            self.month = month if self.month <= 1 else self.month
            self.day = day if self.day <= 1 else self.day

    def microseconds(self) -> int:
        """The time of day."""
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
        fraction = self.get("millisecond") * 1000 + self.get("microsecond")
        is_valid = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60
        if not is_valid or not 0 <= fraction < MICROSECONDS_PER_SECOND:
            raise self.out_of_range()
        return ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + fraction

    def zone_offset(self) -> int | None:
        """Seconds east of UTC that the text names, or None."""
        if "zone" in self.fields:
            return self.fields["zone"]
        if "zone_sign" not in self.fields:
            return None
        hours, minutes = self.get("zone_hour"), self.get("zone_minute")
        if not 0 <= hours <= _ZONE_HOURS_MAX or not 0 <= minutes < 60:
            raise self.out_of_range()
        return self.fields["zone_sign"] * (hours * 3600 + minutes * 60)


def _assemble(text: str, template: str) -> _Assembly:
    reader = _Reader(text, template)
    reader.read()
    return _Assembly(reader)


def to_date(text: str, template: str) -> int:
    """The date that the text says. Raises 22007, 22008."""
    found = _assemble(text, template)
    days = found.days()
    found.microseconds()
    return days


_ZONE_PATTERNS = frozenset({"TZ", "OF", "TZH", "TZM"})
_CLOCK_PATTERNS = frozenset(
    {"HH", "HH12", "HH24", "MI", "SS", "MS", "US", "SSSS", "SSSSS", "AM", "PM", "A.M.", "P.M."}
)


def read_datetime(text: str, template: str) -> tuple[int | None, int | None, int | None]:
    """The days, the time of day and the zone's offset east in seconds, as far as the template speaks of them.

    Reads as the SQL standard has it. Raises 22007, 22008.
    """
    reader = _Reader(text, template, is_strict=True)
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
    days, microseconds = found.days(), found.microseconds()
    return (
        days if is_dated else None,
        microseconds if is_timed else None,
        found.zone_offset() if is_zoned else None,
    )


def _to_timestamp(context: FunctionContext, text: str, template: str) -> int:
    found = _assemble(text, template)
    local = found.days() * MICROSECONDS_PER_DAY + found.microseconds()
    offset = found.zone_offset()
    if offset is not None:
        return checked_timestamp(local - offset * MICROSECONDS_PER_SECOND)
    return checked_timestamp(text_settings(context).time_zone.to_instant(local))


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
