"""to_char of numbers, after PostgreSQL's formatting.c (`NUM_processor` and `NUM_numpart_to_char`).

The number is written as digits with the template's scale first; `_Writer` then walks through the template and puts digits, blanks
and signs. Thousands are parted by a comma and the currency sign is a blank, as in the C locale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions.format_templates import PieceKind, ordinal_suffix
from lungfish.functions.number_templates import NumberFormat, number_format
from lungfish.functions.registry import Function, Volatility
from lungfish.types.numerics import CONTEXT
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, NUMERIC, REAL, TEXT

ROMAN_NUMERALS = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"),
    (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
ROMAN_MAX = 3999
_ROMAN_WIDTH = 15
_DOUBLE_DIGITS, _REAL_DIGITS = 15, 6
# What a digit pattern writes where the number has no character left: PostgreSQL copies the end of the C string, and its
# text ends there, whatever else the template has.
_END = "\0"


class _Writer:
    """One number on its way through a template."""

    def __init__(self, form: NumberFormat, number: str, sign: str, pre_spaces: int) -> None:
        self.form = form
        self.number = number
        # The next digit of `number` to write.
        self.place = 0
        self.sign = sign
        self.pre_spaces = pre_spaces
        self.out: list[str] = []
        # How many digit patterns were met.
        self.current = 0
        self.is_inside = False
        self.zero_start = form.zero_start - 1 if form.zero_start else 0
        self.locale_sign = form.locale_sign
        self.has_bracket = form.has_bracket
        self._prepare_sign()
        self.count = form.post + form.pre - 1
        # The place of the last digit after the point worth writing in fill mode; -1 where all are.
        self.last_relevant = self._last_relevant() if form.is_fill and form.has_decimal else -1
        if not self.is_sign_written and not self.pre_spaces:
            self.count += 1

    def _prepare_sign(self) -> None:
        form = self.form
        if form.has_plus or form.has_minus:
            self.is_sign_written = not (form.has_plus and not form.has_minus)
            return
        if self.sign != "-" and form.is_fill:
            self.has_bracket = False
        self.is_sign_written = self.sign == "+" and form.is_fill and not form.has_locale_sign
        if self.locale_sign == "pre" and form.pre == form.pre_sign:
            self.locale_sign = "post"

    def _last_relevant(self) -> int:
        point = self.number.find(".")
        if point < 0:
            return -1
        last = point
        for place in range(point + 1, len(self.number)):
            if self.number[place] != "0":
                last = place
        if self.form.zero_end > self.pre_spaces:
            last = max(last, min(len(self.number) - 1, self.form.zero_end - self.pre_spaces))
        return last

    def write(self) -> str:
        """The whole text."""
        for piece in self.form.pieces:
            if piece.kind is not PieceKind.PATTERN:
                self.out.append(piece.text)
            elif piece.text in ("9", "0", ".", "D"):
                self._digit(piece.text)
            else:
                self.out.append(self._other(piece.text))
        return "".join(self.out).partition(_END)[0]

    def _other(self, pattern: str) -> str:
        is_fill = self.form.is_fill
        blank = "" if is_fill else " "
        match pattern:
            case "," | "G":
                return "," if self.is_inside else blank
            case "L":
                return " "
            case "RN" | "rn":
                text = self.number if is_fill else self.number.rjust(_ROMAN_WIDTH)
                return text if pattern == "RN" else text.lower()
            case "TH" | "th":
                is_plain = not (self.form.is_roman or self.form.has_decimal or self.sign == "-")
                if not is_plain or self.number.startswith("#"):
                    return ""
                return ordinal_suffix(self.number, is_upper=pattern == "TH")
            case "MI":
                return "-" if self.sign == "-" else blank
            case "PL":
                return "+" if self.sign == "+" else blank
            case "SG":
                return self.sign
        return ""

    def _digit(self, pattern: str) -> None:
        if self.form.is_roman:
            return
        self.is_inside = False
        self._sign_before()
        form = self.form
        if self.current < self.pre_spaces and (self.zero_start > self.current or not form.has_zero):
            self.out.append("" if form.is_fill else " ")
        elif form.has_zero and self.current < self.pre_spaces:
            self.out.append("0")
            self.is_inside = True
        else:
            self._number_character(pattern)
        end = self.count + (self.pre_spaces > 0) + form.has_decimal
        if self.last_relevant >= 0 and self.last_relevant == self.place:
            end = self.current
        if self.current + 1 == end:
            self._sign_behind()
        self.current += 1

    def _sign_before(self) -> None:
        is_due = self.current >= self.pre_spaces or (
            self.form.has_zero and self.zero_start == self.current
        )
        if self.is_sign_written or not is_due:
            return
        if self._is_blank_before_point() and not self._ends_at_point():
            return
        if self.form.has_locale_sign:
            if self.locale_sign != "pre":
                return
            self.out.append(self.sign)
        elif self.has_bracket:
            self.out.append(" " if self.sign == "+" else "<")
        elif self.sign == "+":
            self.out.append("" if self.form.is_fill else " ")
        else:
            self.out.append("-")
        self.is_sign_written = True

    def _sign_behind(self) -> None:
        if self.is_sign_written and self.has_bracket:
            self.out.append(" " if self.sign == "+" else ">")
        elif self.form.has_locale_sign and self.locale_sign == "post":
            self.out.append(self.sign)

    def _is_blank_before_point(self) -> bool:
        """0.5 by 9.9 is `  .5`: the zero before the point is not written."""
        return (
            not self.form.has_zero
            and self.place == 0
            and self.number.startswith("0")
            and self.form.post != 0
        )

    def _ends_at_point(self) -> bool:
        return self.last_relevant >= 0 and self.number[self.last_relevant] == "."

    def _number_character(self, pattern: str) -> None:
        character = self.number[self.place : self.place + 1] or _END
        if character == ".":
            self.out.append(".")
        elif self.last_relevant >= 0 and self.place > self.last_relevant and pattern != "0":
            pass
        elif self._is_blank_before_point():
            if not self.form.is_fill:
                self.out.append(" ")
            elif self._ends_at_point():
                self.out.append("0")
        else:
            self.out.append(character)
            self.is_inside = True
        if self.place < len(self.number):
            self.place += 1


def _written(form: NumberFormat, digits: str, post: int) -> str:
    """Digits with their sign through the template; # signs where there are more than it has room for."""
    is_negative = digits.startswith("-")
    number = digits[1:] if is_negative else digits
    pre = form.pre + form.multi
    length = number.find(".") if "." in number else len(number)
    spaces = 0
    if length < pre:
        spaces = pre - length
    elif length > pre:
        number = "#" * pre + "." + "#" * post
    shaped = form if pre == form.pre and post == form.post else _reshaped(form, pre, post)
    return _Writer(shaped, number, "-" if is_negative else "+", spaces).write()


def _reshaped(form: NumberFormat, pre: int, post: int) -> NumberFormat:
    fields = {name: getattr(form, name) for name in form.__slots__}
    return NumberFormat(**{**fields, "pre": pre, "post": post})


def numeric_to_char(value: Decimal, template: str) -> str:
    """A NUMERIC by a template."""
    form = number_format(template)
    if form.is_roman:
        return _roman(form, value)
    if form.is_scientific:
        if not value.is_finite():
            return f" {'#' * form.pre}.{'#' * (form.post + 4)}"
        return _scientific(value, form.post)
    if value.is_finite():
        scaled = value.scaleb(form.multi, CONTEXT) if form.multi else value
        digits = format(scaled.quantize(Decimal(1).scaleb(-form.post), ROUND_HALF_UP, CONTEXT), "f")
        if digits.startswith("-") and not digits.strip("-0."):
            # There is no negative zero among NUMERICs.
            digits = digits[1:]
    else:
        digits = str(value)
    return _written(form, digits, form.post)


def _scientific(value: Decimal, post: int) -> str:
    if not value:
        text = f"{0:.{post}f}e+00"
    else:
        exponent = value.adjusted()
        shifted = value.scaleb(-exponent, CONTEXT)
        # Rounding may give 10.00e+02; PostgreSQL leaves it so.
        rounded = shifted.quantize(Decimal(1).scaleb(-post), ROUND_HALF_UP, CONTEXT)
        text = f"{rounded:f}e{exponent:+03d}"
    return text if text.startswith("-") else " " + text


def _roman(form: NumberFormat, value: Decimal) -> str:
    number = int(value.quantize(Decimal(1), ROUND_HALF_UP, CONTEXT)) if value.is_finite() else 0
    text = roman_numeral(number) if 1 <= number <= ROMAN_MAX else "#" * _ROMAN_WIDTH
    shaped = NumberFormat(form.pieces, is_fill=form.is_fill, is_roman=True)
    return _Writer(shaped, text, "", 0).write()


def roman_numeral(number: int) -> str:
    """A number from 1 to 3999 in Roman letters."""
    text = ""
    for size, letters in ROMAN_NUMERALS:
        count, number = divmod(number, size)
        text += letters * count
    return text


def integer_to_char(value: int, template: str) -> str:
    """An integer by a template. Raises NumericValueOutOfRange where V makes too much of it."""
    form = number_format(template)
    if form.is_scientific:
        # Rounded as floats are: 999 is 1e+03, where a NUMERIC is 10e+02.
        return f"{value: .{form.post}e}"
    if form.multi and not form.is_roman and not -(2**31) <= value * 10**form.multi < 2**31:
        # PostgreSQL shows what is left of the product in 32 bits, which differs by the machine: refused here.
        raise NumericValueOutOfRange("integer out of range")
    return numeric_to_char(Decimal(value), template)


def bigint_to_char(value: int, template: str) -> str:
    """A bigint by a template. Raises NumericValueOutOfRange where V makes too much of it."""
    form = number_format(template)
    if form.multi and not (form.is_roman or form.is_scientific):
        if not -(2**63) <= (value or 1) * 10**form.multi < 2**63:
            raise NumericValueOutOfRange("bigint out of range")
    return numeric_to_char(Decimal(value), template)


def _float_to_char(digits_max: int) -> Callable[[float, str], str]:
    def scalar(value: float, template: str) -> str:
        form = number_format(template)
        if form.is_roman:
            return _roman(form, Decimal(round(value)) if math.isfinite(value) else Decimal("NaN"))
        if form.is_scientific:
            if not math.isfinite(value):
                return f" {'#' * form.pre}.{'#' * (form.post + 4)}"
            return f"{value: .{form.post}e}"
        if form.multi:
            value *= 10.0**form.multi
        if math.isfinite(value):
            whole = f"{abs(value):.0f}"
        else:
            whole = "NaN" if math.isnan(value) else "Infinity"
        length = len(whole)
        post = 0 if length >= digits_max else min(form.post, digits_max - length)
        if math.isfinite(value):
            return _written(form, f"{value:.{post}f}", post)
        return _written(form, f"-{whole}" if value < 0 else whole, post)

    return scalar


def _entry(sql_type: Any, scalar: Callable[..., str]) -> Function:
    def or_null(value: Any, template: str) -> str | None:
        return scalar(value, template) if template else ""

    return Function("to_char", (sql_type, TEXT), TEXT, or_null, volatility=Volatility.STABLE)


FUNCTIONS: tuple[Function, ...] = (
    _entry(INTEGER, integer_to_char),
    _entry(BIGINT, bigint_to_char),
    _entry(NUMERIC, numeric_to_char),
    _entry(REAL, _float_to_char(_REAL_DIGITS)),
    _entry(DOUBLE, _float_to_char(_DOUBLE_DIGITS)),
)
