"""Floats as PostgreSQL writes them: the fewest digits that read back the same, in its own choice of notation."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction

_SINGLE = struct.Struct("<f")
# Fixed notation is used from 1e-4 up to these powers of ten.
_DOUBLE_FIXED_DIGITS = 15
_SINGLE_FIXED_DIGITS = 6
# From here on not every whole number is a float.
_DOUBLE_EXACT_MAX = 2.0**53
_SINGLE_EXACT_MAX = 2.0**24
# Midway between the largest REAL and what would come next.
_SINGLE_OVERFLOW = (2.0 - 2.0**-24) * 2.0**127


def format_double(value: float, extra_float_digits: int = 1) -> str:
    """A DOUBLE PRECISION's text."""
    if not math.isfinite(value):
        return _special_text(value)
    if extra_float_digits < 1:
        return f"{value:.{max(1, 15 + extra_float_digits)}g}"
    text = repr(value)
    if abs(value) >= _DOUBLE_EXACT_MAX:
        text = _off_the_midpoint(text, value, math.nextafter)
    return _notation(text, _DOUBLE_FIXED_DIGITS)


def format_real(value: float, extra_float_digits: int = 1) -> str:
    """A REAL's text; the value is a 32-bit float in a 64-bit one."""
    if not math.isfinite(value):
        return _special_text(value)
    if extra_float_digits < 1:
        return f"{value:.{max(1, 6 + extra_float_digits)}g}"
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if _SINGLE.unpack(_SINGLE.pack(_clamped(float(text))))[0] == value:
            break
    if abs(value) >= _SINGLE_EXACT_MAX:
        text = _off_the_midpoint(text, value, _next_single)
    return _notation(text, _SINGLE_FIXED_DIGITS)


def _off_the_midpoint(text: str, value: float, neighbour: Callable[[float, float], float]) -> str:
    """A text of digits that lies strictly between the midpoints to the neighbouring floats.

    Whether a text on a midpoint reads back the same depends on the reader's rounding of ties, so PostgreSQL takes one more
    digit there. Only whole numbers past the exact ones have such short midpoints.
    """
    exact = Fraction(value)
    digits = len(text.partition("e")[0].replace(".", "").strip("-0"))
    while True:
        found = Fraction(text)
        if found == exact:
            return text
        other = neighbour(value, math.inf if found > exact else -math.inf)
        if not math.isfinite(other) or abs(found - exact) * 2 != abs(Fraction(other) - exact):
            return text
        digits += 1
        text = f"{value:.{digits - 1}e}"


def _next_single(value: float, toward: float) -> float:
    bits: int = struct.unpack("<i", _SINGLE.pack(value))[0]
    step = 1 if (toward > value) == (value > 0) else -1
    found: float = _SINGLE.unpack(struct.pack("<i", bits + step))[0]
    return found


def _clamped(value: float) -> float:
    """A value that packing takes: what reads as no REAL, because digits were rounded up past the largest, is an infinity."""
    return value if abs(value) < _SINGLE_OVERFLOW else math.copysign(math.inf, value)


def _special_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _notation(text: str, fixed_digits: int) -> str:
    """Digits in any notation, written again in PostgreSQL's."""
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent_text = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return sign + "0"
    leading_zeros = len(whole + fraction) - len(digits)
    # The place of the decimal point after the first `point` digits.
    point = len(whole) - leading_zeros + int(exponent_text or "0")
    digits = digits.rstrip("0")
    exponent = point - 1
    if -4 <= exponent < fixed_digits:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        if len(digits) <= point:
            return sign + digits + "0" * (point - len(digits))
        return f"{sign}{digits[:point]}.{digits[point:]}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
