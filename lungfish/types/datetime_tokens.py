"""The lexer of date, time and interval input: text to fields, and the words with a meaning.

PostgreSQL accepts dates in almost any spelling, because it first cuts the text into fields by their look and then
decides what each number means from those already seen. These are the rules for cutting; `parse_datetime.py` and
`parse_interval.py` decide.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

_FIELDS_MAX = 25


class FieldKind(enum.Enum):
    """What a field looks like."""

    NUMBER = "number"  # 42, 3.5
    DATE = "date"  # 1-2-3, jan-1-2000, America/New_York
    TIME = "time"  # 1:02:03.4
    TZ = "tz"  # +5, -08:30, and signed numbers of intervals
    STRING = "string"  # jan, pm, est
    SPECIAL = "special"  # a sign and letters: -infinity


@dataclass(slots=True)
class Field:
    kind: FieldKind
    text: str


class Word(enum.Enum):
    """What a word of date and time input is."""

    RESERVED = enum.auto()
    MONTH = enum.auto()
    WEEKDAY = enum.auto()
    MERIDIEM = enum.auto()
    ERA = enum.auto()
    UNIT = enum.auto()
    ISO_TIME = enum.auto()
    DST_MODIFIER = enum.auto()
    AGO = enum.auto()
    IGNORED = enum.auto()


_MONTHS = {
    "jan": 1, "january": 1, "feb": 2, "february": 2, "mar": 3, "march": 3, "apr": 4, "april": 4, "may": 5,
    "jun": 6, "june": 6, "jul": 7, "july": 7, "aug": 8, "august": 8, "sep": 9, "sept": 9, "september": 9,
    "oct": 10, "october": 10, "nov": 11, "november": 11, "dec": 12, "december": 12,
}  # fmt: skip
_WEEKDAYS = (
    "sun", "sunday", "mon", "monday", "tue", "tues", "tuesday", "wed", "weds", "wednesday",
    "thu", "thur", "thurs", "thursday", "fri", "friday", "sat", "saturday",
)  # fmt: skip
# "inf" is not among them: PostgreSQL takes only the whole word.
_RESERVED = (
    "-infinity",
    "infinity",
    "+infinity",
    "epoch",
    "now",
    "today",
    "tomorrow",
    "yesterday",
    "allballs",
)
_FIELD_UNITS = {
    "d": "day", "h": "hour", "m": "month", "mm": "minute", "s": "second", "y": "year",
    "j": "julian", "jd": "julian", "julian": "julian", "dow": "dow", "doy": "doy",
    "isodow": "isodow", "isoyear": "isoyear",
}  # fmt: skip

DATE_WORDS: dict[str, tuple[Word, str | int]] = {
    **{name: (Word.MONTH, number) for name, number in _MONTHS.items()},
    **dict.fromkeys(_WEEKDAYS, (Word.WEEKDAY, 0)),
    **{name: (Word.RESERVED, name.lstrip("+")) for name in _RESERVED},
    **{name: (Word.UNIT, unit) for name, unit in _FIELD_UNITS.items()},
    "ad": (Word.ERA, "ad"),
    "bc": (Word.ERA, "bc"),
    "am": (Word.MERIDIEM, "am"),
    "pm": (Word.MERIDIEM, "pm"),
    "at": (Word.IGNORED, 0),
    "on": (Word.IGNORED, 0),
    "t": (Word.ISO_TIME, "time"),
    "dst": (Word.DST_MODIFIER, 3600),
}

_UNIT_SPELLINGS = {
    "century": "c cent centuries century",
    "day": "d day days",
    "decade": "dec decade decades decs",
    "hour": "h hour hours hr hrs",
    "microsecond": "microsecon microsecond microseconds us usec usecond useconds usecs",
    "minute": "m min mins minute minutes",
    "millennium": "mil millennia millennium mils",
    "millisecond": "millisecon millisecond milliseconds ms msec msecond mseconds msecs",
    "month": "mon mons month months",
    "quarter": "qtr quarter",
    "second": "s sec second seconds secs",
    "timezone": "timezone",
    "timezone_hour": "timezone_h timezone_hour",
    "timezone_minute": "timezone_m timezone_minute",
    "week": "w week weeks",
    "year": "y year years yr yrs",
}
UNIT_WORDS = {
    spelling: unit for unit, spellings in _UNIT_SPELLINGS.items() for spelling in spellings.split()
}


def find_date_word(text: str) -> tuple[Word, str | int] | None:
    """The meaning of a lower-case word in a date or time."""
    return DATE_WORDS.get(text)


# Of longer words PostgreSQL looks at the beginning only.
WORD_LENGTH_MAX = 10


def find_unit(text: str) -> str | None:
    """The unit that a lower-case word names, in an interval or in EXTRACT."""
    return UNIT_WORDS.get(text) or UNIT_WORDS.get(text[:WORD_LENGTH_MAX])


class FieldSyntaxError(ValueError):
    """The text cannot be cut into fields."""


def split_fields(text: str) -> list[Field]:
    """Cut a text into fields. Raises FieldSyntaxError."""
    if not text.isascii():
        raise FieldSyntaxError
    fields: list[Field] = []
    place, end = 0, len(text)
    while place < end:
        character = text[place]
        if character.isspace():
            place += 1
            continue
        if character.isdigit():
            field, place = _numeric_field(text, place)
        elif character == ".":
            stop = _skip_digits(text, place + 1)
            field, place = Field(FieldKind.NUMBER, text[place:stop]), stop
        elif character.isalpha():
            field, place = _word_field(text, place)
        elif character in "+-":
            field, place = _signed_field(text, place)
        elif character.isprintable():
            # Other punctuation only separates.
            place += 1
            continue
        else:
            raise FieldSyntaxError
        fields.append(field)
        if len(fields) > _FIELDS_MAX:
            raise FieldSyntaxError
    return fields


def _skip_digits(text: str, place: int) -> int:
    while place < len(text) and text[place].isdigit():
        place += 1
    return place


def _at(text: str, place: int) -> str:
    return text[place] if place < len(text) else ""


def _numeric_field(text: str, start: int) -> tuple[Field, int]:
    place = _skip_digits(text, start)
    mark = _at(text, place)
    if mark == ":":
        while place < len(text) and (text[place].isdigit() or text[place] in ":."):
            place += 1
        return Field(FieldKind.TIME, text[start:place]), place
    if mark and mark in "-/.":
        place += 1
        if _at(text, place).isdigit():
            kind = FieldKind.NUMBER if mark == "." else FieldKind.DATE
            place = _skip_digits(text, place)
            if _at(text, place) == mark:
                kind = FieldKind.DATE
                while place < len(text) and (text[place].isdigit() or text[place] == mark):
                    place += 1
            return Field(kind, text[start:place]), place
        while place < len(text) and (text[place].isalnum() or text[place] == mark):
            place += 1
        return Field(FieldKind.DATE, text[start:place].lower()), place
    return Field(FieldKind.NUMBER, text[start:place]), place


def _word_field(text: str, start: int) -> tuple[Field, int]:
    place = start
    while place < len(text) and text[place].isalpha():
        place += 1
    word = text[start:place].lower()
    mark = _at(text, place)
    is_date = bool(mark) and mark in "-/."
    if mark and (mark == "+" or mark.isdigit()):
        is_date = word not in DATE_WORDS
    if not is_date:
        return Field(FieldKind.STRING, word), place
    while place < len(text) and (text[place].isalnum() or text[place] in "+-/_.:"):
        place += 1
    return Field(FieldKind.DATE, text[start:place].lower()), place


def _signed_field(text: str, start: int) -> tuple[Field, int]:
    sign, place = text[start], start + 1
    while _at(text, place).isspace():
        place += 1
    begin = place
    if _at(text, place).isdigit():
        while place < len(text) and (text[place].isdigit() or text[place] in ":.-"):
            place += 1
        return Field(FieldKind.TZ, sign + text[begin:place]), place
    if _at(text, place).isalpha():
        while place < len(text) and text[place].isalpha():
            place += 1
        return Field(FieldKind.SPECIAL, sign + text[begin:place].lower()), place
    raise FieldSyntaxError
