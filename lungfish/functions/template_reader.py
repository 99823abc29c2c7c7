"""Reads a text along a template for dates, after PostgreSQL's formatting.c (`DCH_from_char`).

Reading is forgiving unless FX was met: blanks are passed over, one separator of the template stands for one of the text or for
none, and a literal character for any.
"""

from __future__ import annotations

import re

from lungfish.errors import DatetimeFieldOverflow, InvalidDatetimeFormat
from lungfish.functions.format_templates import Piece, PieceKind, date_template, is_separator
from lungfish.functions.to_char_dates import ROMAN_MONTHS
from lungfish.types.calendar import DAY_NAMES, MONTH_NAMES
from lungfish.types.time_zones import abbreviation_offset

_INT_MAX = 2**31 - 1
_NUMBER = re.compile(r"\s*[+-]?\d+", re.ASCII)
_ZONE_WORD = re.compile(r"[A-Za-z]+")
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
# A number before one of these takes no more digits than its own pattern has.
_DIGITS = frozenset({*_NUMBERS, "Y,YYY", "TZM"})
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


class TemplateReader:
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
        # What the last of FF1 to FF6 rounds the moment to.
        self.fraction_digits = 6
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
            return upper not in _DIGITS
        return not following.text.isdigit()

    def _take_number(self, upper: str, field: str, number: int, length: int, piece: Piece) -> None:
        if field == "hour":
            self.is_12_hour = self.is_12_hour or upper in ("HH", "HH12")
        elif field in ("millisecond", "microsecond"):
            # What was written is held against what is kept, which is in full digits.
            self._set(field, number, piece)
            if upper.startswith("FF"):
                self.fraction_digits = int(upper[2])
            number *= 10 ** max(0, (3 if field == "millisecond" else 6) - length)
            self.fields[field] = number
            return
        elif upper == "ID":
            self._set(field, number, piece)
            # From Monday = 1 to Sunday = 1, which is also what days after the seventh are.
            self.fields[field] = number + 1 if number < 7 else 1
            return
        elif field == "year":
            self.year_digits = len(upper)
            self._set(field, number, piece)
            if len(upper) < 4 and length < 4:
                # As with fractions: what was written is held against what is kept.
                self.fields[field] = _near_2020(number)
            return
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
                self._zone_word(word[0])
                return
        piece = self.pieces[index]
        if upper != "TZM":
            character = self.text[self.place : self.place + 1]
            if character and character in "+- ":
                self.fields["zone_sign"] = -1 if character == "-" else 1
                self.place += 1
            else:
                is_minus = self.skipped > 0 and self.text[self.place - 1] == "-"
                self.fields["zone_sign"] = -1 if is_minus else 1
            self._set("zone_hour", self._number(index, piece, 2)[0], piece)
            if upper in ("TZ", "OF") and self.text[self.place : self.place + 1] == ":":
                self.place += 1
                self._set("zone_minute", self._number(index, piece, 2)[0], piece)
            return
        self.fields["zone_sign"] = self.fields.get("zone_sign") or 1
        self._set("zone_minute", self._number(index, piece, 2)[0], piece)

    def _zone_word(self, word: str) -> None:
        """The longest abbreviation with which the word begins."""
        for length in range(len(word), 0, -1):
            offset = abbreviation_offset(word[:length])
            if offset is not None:
                self.place += length
                # Numbers that were read before count no more.
                self.fields.update(zone=offset, zone_sign=0)
                return
        raise InvalidDatetimeFormat(
            f'invalid value "{self.text[self.place :]}" for "TZ"',
            detail="Time zone abbreviation is not recognized.",
        )

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
