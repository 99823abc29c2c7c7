"""Reads the templates of to_char, to_date, to_timestamp and to_number into patterns and literal characters.

A template is a run of patterns (`YYYY`, `FM999`), quoted texts and single characters. Patterns are matched by their longest spelling,
upper and lower case told apart, as PostgreSQL's formatting.c has them; a date pattern may have a prefix (FM, TM) and a
suffix (TH, th, SP).
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass

from lungfish.errors import InvalidTextRepresentation


class PieceKind(enum.Enum):
    PATTERN = "pattern"
    CHARACTER = "character"
    SEPARATOR = "separator"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class Piece:
    """A pattern (`text` is its spelling) or one literal character."""

    kind: PieceKind
    text: str
    is_fill: bool = False
    # "TH", "th" or nothing.
    ordinal: str = ""


_UPPER_DATES = (
    "A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "Day", "Dy", "D", "FF1", "FF2", "FF3", "FF4",
    "FF5", "FF6", "FX", "HH24", "HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON",
    "MS", "Month", "Mon", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS", "TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY",
    "YYYY", "YYY", "YY", "Y",
)  # fmt: skip
_NUMBERS = (
    ",",
    ".",
    "0",
    "9",
    "B",
    "C",
    "D",
    "EEEE",
    "FM",
    "G",
    "L",
    "MI",
    "PL",
    "PR",
    "RN",
    "SG",
    "SP",
    "S",
    "TH",
    "V",
)
_DATE_PATTERNS = frozenset({*_UPPER_DATES, *(word.lower() for word in _UPPER_DATES)})
# `th` differs from `TH`, `rn` from `RN`; the others mean the same in both cases.
_NUMBER_PATTERNS = frozenset({*_NUMBERS, *(word.lower() for word in _NUMBERS)})
_LONGEST = 5
_FILLS = ("FM", "fm", "TM", "tm")
_SUFFIXES = ("TH", "th", "SP")


@functools.lru_cache(maxsize=512)
def date_template(template: str) -> tuple[Piece, ...]:
    """The pieces of a template for dates."""
    pieces: list[Piece] = []
    place = 0
    while place < len(template):
        prefix = template[place : place + 2] if template[place : place + 2] in _FILLS else ""
        place += len(prefix)
        pattern = _pattern_at(template, place, _DATE_PATTERNS)
        if pattern:
            place += len(pattern)
            suffix = template[place : place + 2] if template[place : place + 2] in _SUFFIXES else ""
            place += len(suffix)
            # The names of a language, which TM asks for, are of any length.
            is_translated = prefix in ("TM", "tm") and pattern.upper() in ("MONTH", "DAY")
            is_fill = prefix in ("FM", "fm") or is_translated
            ordinal = suffix if suffix != "SP" else ""
            pieces.append(
                Piece(
                    PieceKind.PATTERN,
                    pattern.upper() if pattern.isupper() else pattern,
                    is_fill,
                    ordinal,
                )
            )
        elif place < len(template):
            place = _literal(template, place, pieces)
    return tuple(pieces)


@functools.lru_cache(maxsize=512)
def number_template(template: str) -> tuple[Piece, ...]:
    """The pieces of a template for numbers; patterns in upper case but for `th` and `rn`."""
    pieces: list[Piece] = []
    place = 0
    while place < len(template):
        pattern = _pattern_at(template, place, _NUMBER_PATTERNS)
        if pattern:
            place += len(pattern)
            shown = pattern if pattern in ("th", "rn") else pattern.upper()
            pieces.append(Piece(PieceKind.PATTERN, shown))
        else:
            place = _literal(template, place, pieces)
    return tuple(pieces)


def _pattern_at(template: str, place: int, patterns: frozenset[str]) -> str:
    for length in range(_LONGEST, 0, -1):
        word = template[place : place + length]
        if len(word) == length and word in patterns:
            return word
    return ""


def _literal(template: str, place: int, pieces: list[Piece]) -> int:
    """Add the literal characters at `place`; answers where to go on."""
    if template[place] == '"':
        place += 1
        while place < len(template):
            if template[place] == '"':
                return place + 1
            if template[place] == "\\" and place + 1 < len(template):
                place += 1
            pieces.append(Piece(PieceKind.CHARACTER, template[place]))
            place += 1
        return place
    # Outside of quotes a backslash only takes a quote's meaning away.
    if template[place] == "\\" and template[place + 1 : place + 2] == '"':
        place += 1
    pieces.append(Piece(_kind_of(template[place]), template[place]))
    return place + 1


def _kind_of(character: str) -> PieceKind:
    if is_separator(character):
        return PieceKind.SEPARATOR
    return PieceKind.SPACE if character.isspace() else PieceKind.CHARACTER


def is_separator(character: str) -> bool:
    """Whether it is a printable ASCII character other than a letter or digit."""
    return " " < character < "\x7f" and not character.isalnum()


def ordinal_suffix(digits: str, *, is_upper: bool) -> str:
    """The st, nd, rd or th of a number. Raises 22P02 for NaN and Infinity."""
    last = digits[-1:]
    if not last.isdigit():
        raise InvalidTextRepresentation(f'"{digits}" is not a number')
    suffix = "th" if digits[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(last, "th")
    return suffix.upper() if is_upper else suffix
