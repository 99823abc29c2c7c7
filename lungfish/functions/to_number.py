"""to_number, after PostgreSQL's formatting.c (`NUM_numpart_from_char`): a text read along a template, rather forgivingly."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from lungfish.errors import FeatureNotSupported, InvalidTextRepresentation, NumericValueOutOfRange
from lungfish.functions.format_templates import PieceKind
from lungfish.functions.number_templates import NumberFormat, number_format
from lungfish.functions.registry import Function, Volatility
from lungfish.functions.to_char_numbers import ROMAN_NUMERALS, roman_numeral
from lungfish.types.numerics import CONTEXT, PRECISION_MAX
from lungfish.types.sql_type import NUMERIC, TEXT

_POWER_SCALE = 16
_DATA = frozenset("0123456789.,+-")


class _Reader:
    """A text on its way through a template."""

    def __init__(self, form: NumberFormat, text: str) -> None:
        self.form = form
        # Each byte of UTF-8 as a character: one digit pattern stands for one byte, as there.
        self.text = text.encode().decode("latin-1")
        # Digits before the point that the number may have.
        self.pre = form.pre
        self.place = 0
        self.sign = ""
        self.digits: list[str] = []
        self.read_pre = self.read_post = 0
        self.has_point = False

    def read(self) -> str:
        """The number as NUMERIC's input would have it."""
        for piece in self.form.pieces:
            if self._is_over():
                break
            if piece.kind is not PieceKind.PATTERN:
                # Whether it matches or not, and a whole character.
                self._pass_character()
            elif piece.text in ("9", "0", ".", "D"):
                self._digit(piece.text)
                self.place += 1
            elif piece.text in (",", "G"):
                self.place += self.text[self.place] == "," and not self.form.is_fill
            elif piece.text in ("MI", "PL", "SG"):
                self._sign(piece.text)
            elif piece.text == "L":
                self._eat(1)
            elif piece.text in ("TH", "th"):
                # Where to_char would write no suffix either.
                if not (self.form.is_roman or self.form.has_decimal or self.sign == "-"):
                    self._eat(2)
            elif piece.text in ("RN", "rn"):
                self._roman()
        return self.sign + "".join(self.digits).removesuffix(".")

    def _sign(self, pattern: str) -> None:
        character = self.text[self.place]
        if character in {"MI": "-", "PL": "+", "SG": "+-"}[pattern]:
            self.sign = character
            self.place += 1
        else:
            self._eat(1)

    def _is_over(self) -> bool:
        return self.place >= len(self.text)

    def _eat(self, count: int) -> None:
        """Pass characters that cannot belong to a number."""
        for _ in range(count):
            if self._is_over() or self.text[self.place] in _DATA:
                return
            self._pass_character()

    def _pass_character(self) -> None:
        self.place += 1
        while not self._is_over() and "\x80" <= self.text[self.place] < "\xc0":
            self.place += 1

    def _roman(self) -> None:
        """Roman letters, which stand for their digits."""
        found = _ROMAN_LETTERS.match(self.text, self.place)
        assert found is not None
        self.place = found.end()
        number = str(_roman_number(found[1]))
        self.digits.append(number)
        self.pre = len(number)

    def _digit(self, pattern: str) -> None:
        if self.text[self.place] == " ":
            self.place += 1
        if self._is_over():
            return
        if not self.sign and pattern in ("0", "9") and not self.read_pre + self.read_post:
            self._sign_before()
        if self._is_over():
            return
        character = self.text[self.place]
        is_read = False
        if "0" <= character <= "9":
            if self.has_point and self.read_post == self.form.post:
                return
            self.digits.append(character)
            if self.has_point:
                self.read_post += 1
            else:
                self.read_pre += 1
            is_read = True
        elif self.form.has_decimal and not self.has_point and character == ".":
            self.digits.append(".")
            self.has_point = is_read = True
        if not self.sign and self.read_pre + self.read_post:
            self._sign_behind(is_read)

    def _sign_before(self) -> None:
        character = self.text[self.place]
        if self.form.has_locale_sign:
            if self.form.locale_sign == "pre":
                self._take_sign(character)
        elif self.form.has_bracket and character == "<":
            self._take_sign("-")
        else:
            self._take_sign(character)

    def _take_sign(self, character: str) -> None:
        if character in ("-", "+"):
            self.sign = character
            self.place += 1

    def _sign_behind(self, is_read: bool) -> None:
        """A sign right behind the last digit, which only the text shows."""
        following = self.text[self.place + 1 : self.place + 2]
        if self.form.has_locale_sign:
            if is_read and following in ("-", "+") and following:
                self.sign = following
                self.place += 1
        elif not is_read and (self.form.has_plus or self.form.has_minus):
            if self.text[self.place] in ("-", "+"):
                self.sign = self.text[self.place]


def to_number(text: str, template: str) -> Decimal | None:
    """The number. Raises 22P02 where no digit was found."""
    if not template:
        return None
    form = number_format(template)
    if form.is_scientific:
        raise FeatureNotSupported('"EEEE" not supported for input')
    reader = _Reader(form, text)
    written = reader.read()
    if not any(character.isdigit() for character in written):
        shown = f"{reader.sign or ' '}{''.join(reader.digits).removesuffix('.')}"
        raise InvalidTextRepresentation(f'invalid input syntax for type numeric: "{shown}"')
    found = Decimal(written)
    if reader.pre + form.multi + reader.read_post > PRECISION_MAX or abs(found) >= 10 ** (
        reader.pre + form.multi
    ):
        raise NumericValueOutOfRange("numeric field overflow")
    scale = reader.read_post
    if form.has_multi:
        found = found.scaleb(-form.multi, CONTEXT)
        # That of the power of ten it is multiplied by.
        scale += _POWER_SCALE + form.multi
    return found.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, CONTEXT)


_ROMAN_MAX = 3999
_ROMAN_LETTERS = re.compile(r"\s*([IVXLCDM]{0,15})", re.ASCII | re.IGNORECASE)


def _roman_number(text: str) -> int:
    letters = text.upper()
    total, rest = 0, letters
    for size, word in ROMAN_NUMERALS:
        while rest.startswith(word):
            total += size
            rest = rest[len(word) :]
    # Written again it must be the same: IIII and VX are none.
    if not letters or rest or total > _ROMAN_MAX or roman_numeral(total) != letters:
        raise InvalidTextRepresentation("invalid Roman numeral")
    return total


FUNCTIONS: tuple[Function, ...] = (
    Function("to_number", (TEXT, TEXT), NUMERIC, to_number, volatility=Volatility.STABLE),
)
