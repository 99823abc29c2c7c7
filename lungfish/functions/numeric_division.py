"""NUMERIC division with PostgreSQL's choice of result scale (its `select_div_scale`): at least 16 significant digits, and no fewer
digits after the point than either operand shows."""

from __future__ import annotations

from decimal import Decimal

from lungfish.errors import DivisionByZero
from lungfish.types.numerics import CONTEXT, NAN, ZERO, round_to_scale, scale_of

_SIGNIFICANT_DIGITS_MIN = 16
_DISPLAY_SCALE_MAX = 1000
# PostgreSQL computes in groups of four decimal digits; the rule counts in them.
_GROUP_DIGITS = 4
_GUARD_DIGITS = 4


def _weight_and_first_group(value: Decimal) -> tuple[int, int]:
    """The power of 10000 of the first group that is not zero, and that group."""
    if not value:
        return 0, 0
    weight = value.adjusted() // _GROUP_DIGITS
    shifted = abs(value).scaleb(-weight * _GROUP_DIGITS, CONTEXT)
    return weight, int(shifted)


def division_scale(dividend: Decimal, divisor: Decimal) -> int:
    """How many digits after the point the quotient has."""
    weight, first = _weight_and_first_group(dividend)
    other_weight, other_first = _weight_and_first_group(divisor)
    quotient_weight = weight - other_weight
    if first <= other_first:
        quotient_weight -= 1
    scale = _SIGNIFICANT_DIGITS_MIN - quotient_weight * _GROUP_DIGITS
    return min(max(scale, scale_of(dividend), scale_of(divisor), 0), _DISPLAY_SCALE_MAX)


def quotient_at_scale(dividend: Decimal, divisor: Decimal, scale: int) -> Decimal:
    """The exact quotient rounded to `scale` digits, halves away from zero. Requires finite operands and a divisor not 0."""
    shift = scale + 1 + scale_of(divisor)
    numerator = int(dividend.scaleb(shift + scale_of(dividend), CONTEXT))
    denominator = int(divisor.scaleb(scale_of(divisor), CONTEXT))
    digits, rest = divmod(abs(numerator), abs(denominator))
    # A trailing one keeps an inexact quotient on the right side of a half.
    unscaled = digits * 10 + (1 if rest else 0)
    exponent = -(shift + scale_of(dividend) - scale_of(divisor)) - 1
    magnitude = Decimal(unscaled).scaleb(exponent, CONTEXT)
    is_negative = (numerator < 0) != (denominator < 0)
    return round_to_scale(-magnitude if is_negative else magnitude, scale)


def divide_numeric(dividend: Decimal, divisor: Decimal) -> Decimal:
    """`dividend / divisor` as PostgreSQL's NUMERIC gives it. Raises DivisionByZero."""
    if dividend.is_nan() or divisor.is_nan():
        return NAN
    if divisor.is_infinite():
        return NAN if dividend.is_infinite() else ZERO
    if not divisor:
        raise DivisionByZero("division by zero")
    if dividend.is_infinite():
        return dividend if divisor > 0 else -dividend
    return quotient_at_scale(dividend, divisor, division_scale(dividend, divisor))
