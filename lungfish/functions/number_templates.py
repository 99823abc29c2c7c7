"""What a number template asks for as a whole: digits before and after the point, sign, fill mode.

PostgreSQL's `NUMDesc_prepare`: each pattern changes the description, and some do not go together (42601).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from lungfish.errors import SyntaxError
from lungfish.functions.format_templates import Piece, PieceKind, number_template


@dataclass(slots=True)
class NumberFormat:
    """The description of a template. `pre` and `post` count digits before and after the point."""

    pieces: tuple[Piece, ...]
    pre: int = 0
    post: int = 0
    # Digits that V multiplies by.
    multi: int = 0
    # Where the first 0 stands (from 1) and where the last one ends.
    zero_start: int = 0
    zero_end: int = 0
    # "pre" or "post", or nothing where there is no S.
    locale_sign: str = ""
    # How many digits stood before S.
    pre_sign: int = 0
    has_decimal: bool = False
    has_zero: bool = False
    has_multi: bool = False
    is_fill: bool = False
    is_blank: bool = False
    has_locale_sign: bool = False
    has_bracket: bool = False
    has_minus: bool = False
    has_plus: bool = False
    is_roman: bool = False
    is_scientific: bool = False

    def take(self, pattern: str) -> None:
        """Note one pattern. Raises 42601 where it does not go with those before."""
        if self.is_scientific and pattern != "EEEE":
            raise SyntaxError('"EEEE" must be the last pattern used')
        match pattern:
            case "9" | "0":
                self._take_digit(pattern)
            case "B":
                self.is_blank = self.is_blank or not (self.pre or self.post or self.has_zero)
            case "D" | ".":
                _refuse(self.has_decimal, "multiple decimal points")
                _refuse(self.has_multi, 'cannot use "V" and decimal point together')
                self.has_decimal = True
            case "FM":
                self.is_fill = True
            case "S" | "MI" | "PL" | "SG" | "PR":
                self._take_sign(pattern)
            case "RN" | "rn":
                _refuse(self.is_roman, 'cannot use "RN" twice')
                self.is_roman = True
            case "V":
                _refuse(self.has_decimal, 'cannot use "V" and decimal point together')
                self.has_multi = True
            case "EEEE":
                self._take_exponent()
        self._check_roman()

    def _take_digit(self, pattern: str) -> None:
        _refuse(self.has_bracket, f'"{pattern}" must be ahead of "PR"')
        if pattern == "9" and self.has_multi:
            self.multi += 1
            return
        if pattern == "0" and not self.has_zero and not self.has_decimal:
            self.has_zero = True
            self.zero_start = self.pre + 1
        if self.has_decimal:
            self.post += 1
        else:
            self.pre += 1
        if pattern == "0":
            self.zero_end = self.pre + self.post

    def _take_sign(self, pattern: str) -> None:
        together = 'cannot use "S" and "PL"/"MI"/"SG"/"PR" together'
        if pattern == "S":
            _refuse(self.has_locale_sign, 'cannot use "S" twice')
            _refuse(self.has_plus or self.has_minus or self.has_bracket, together)
            self.has_locale_sign = True
            if not self.has_decimal:
                self.locale_sign, self.pre_sign = "pre", self.pre
            elif not self.locale_sign:
                self.locale_sign = "post"
            return
        if pattern == "PR":
            _refuse(
                self.has_locale_sign or self.has_plus or self.has_minus,
                'cannot use "PR" and "S"/"PL"/"MI"/"SG" together',
            )
            self.has_bracket = True
        else:
            _refuse(self.has_locale_sign, f'cannot use "S" and "{pattern}" together')
        self.has_minus = self.has_minus or pattern in ("MI", "SG")
        self.has_plus = self.has_plus or pattern in ("PL", "SG")

    def _take_exponent(self) -> None:
        _refuse(self.is_scientific, 'cannot use "EEEE" twice')
        _refuse(
            self.is_blank or self.is_fill or self.has_locale_sign or self.has_bracket
            or self.has_minus or self.has_plus or self.is_roman or self.has_multi,
            '"EEEE" is incompatible with other formats',
            '"EEEE" may only be used together with digit and decimal point patterns.',
        )  # fmt: skip
        self.is_scientific = True

    def _check_roman(self) -> None:
        _refuse(
            self.is_roman and (
                self.has_zero or self.is_blank or self.has_decimal or self.has_multi or self.has_locale_sign
                or self.has_bracket or self.has_minus or self.has_plus or self.is_scientific
            ),
            '"RN" is incompatible with other formats',
            '"RN" may only be used together with "FM".',
        )  # fmt: skip


def _refuse(is_wrong: bool, message: str, detail: str | None = None) -> None:
    if is_wrong:
        raise SyntaxError(message, detail=detail)


@functools.lru_cache(maxsize=512)
def number_format(template: str) -> NumberFormat:
    """The description of a template; shared, so never changed afterwards. Raises 42601."""
    found = NumberFormat(number_template(template))
    for piece in found.pieces:
        if piece.kind is PieceKind.PATTERN:
            found.take(piece.text)
    return found
