"""NUMERIC arithmetic with PostgreSQL's rules for the scale of results.

Sums have the larger scale of their operands, products the sum of both; a quotient gets at least 16 significant digits, counted as
PostgreSQL does in its digits of base 10000. NaN and the infinities behave as in floats.
"""

from __future__ import annotations

from decimal import Decimal

from lungfish.errors import DivisionByZero
from lungfish.types.numerics import (
    CONTEXT,
    INFINITY,
    MINUS_INFINITY,
    NAN,
    SCALE_MAX,
    ZERO,
    canonical,
    checked,
    round_to_scale,
    scale_of,
)

# PostgreSQL's NUMERIC_MIN_SIG_DIGITS and the largest display scale of results that are not exact.
SIGNIFICANT_DIGITS_MIN = 16
DISPLAY_SCALE_MAX = 1000
BASE_DIGITS = 4


def add(left: Decimal, right: Decimal) -> Decimal:
    """Left + right."""
    if not (left.is_finite() and right.is_finite()):
        return _add_special(left, right)
    return checked(CONTEXT.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Left - right."""
    if not (left.is_finite() and right.is_finite()):
        return _add_special(left, right.copy_negate())
    return checked(CONTEXT.subtract(left, right))


def _add_special(left: Decimal, right: Decimal) -> Decimal:
    if left.is_nan() or right.is_nan():
        return NAN
    if left.is_infinite() and right.is_infinite() and left != right:
        return NAN
    return left if left.is_infinite() else right


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """Left * right."""
    if not (left.is_finite() and right.is_finite()):
        if left.is_nan() or right.is_nan() or not left or not right:
            return NAN
        return INFINITY if (left > 0) == (right > 0) else MINUS_INFINITY
    product = CONTEXT.multiply(left, right)
    if scale_of(product) > SCALE_MAX:
        product = round_to_scale(product, SCALE_MAX)
    return checked(product)


def base_weight(value: Decimal) -> tuple[int, int]:
    """The weight of the first base-10000 digit, and that digit; (0, 0) for zero."""
    if not value:
        return 0, 0
    exponent = value.adjusted()
    weight = exponent // BASE_DIGITS
    digits = value.as_tuple().digits
    # The first digit of base 10000 has as many decimal digits as stand above its weight.
    count = exponent - weight * BASE_DIGITS + 1
    leading = digits[:count]
    first = 0
    for digit in leading:
        first = first * 10 + digit
    return weight, first * 10 ** (count - len(leading))


def quotient_scale(left: Decimal, right: Decimal) -> int:
    """The scale of left / right."""
    left_weight, left_first = base_weight(left)
    right_weight, right_first = base_weight(right)
    weight = left_weight - right_weight - (left_first <= right_first)
    scale = SIGNIFICANT_DIGITS_MIN - weight * BASE_DIGITS
    return min(max(scale, scale_of(left), scale_of(right), 0), DISPLAY_SCALE_MAX)


def divide(left: Decimal, right: Decimal) -> Decimal:
    """Left / right. Raises 22012."""
    if not (left.is_finite() and right.is_finite()):
        return _divide_special(left, right)
    if not right:
        raise DivisionByZero("division by zero")
    return divide_to_scale(left, right, quotient_scale(left, right))


def divide_to_scale(left: Decimal, right: Decimal, scale: int) -> Decimal:
    """Left / right rounded to a scale, halves away from zero; exact in the decision."""
    left_scale, right_scale = scale_of(left), scale_of(right)
    dividend, divisor = unscaled(left, left_scale), unscaled(right, right_scale)
    shift = scale + right_scale - left_scale
    if shift >= 0:
        dividend *= 10**shift
    else:
        divisor *= 10**-shift
    is_negative = (dividend < 0) != (divisor < 0)
    quotient, rest = divmod(abs(dividend), abs(divisor))
    if 2 * rest >= abs(divisor):
        quotient += 1
    return checked(scaled(-quotient if is_negative else quotient, scale))


def unscaled(value: Decimal, scale: int) -> int:
    """The integer of a finite value's digits, with `scale` of them after the point."""
    return int(value.scaleb(scale, CONTEXT)) if scale else int(value)


def scaled(number: int, scale: int) -> Decimal:
    """The NUMERIC of an integer of digits with `scale` of them after the point."""
    return Decimal(number).scaleb(-scale, CONTEXT) if scale else Decimal(number)


def _divide_special(left: Decimal, right: Decimal) -> Decimal:
    if left.is_nan() or right.is_nan():
        return NAN
    if left.is_infinite():
        if right.is_infinite():
            return NAN
        if not right:
            raise DivisionByZero("division by zero")
        return INFINITY if (left > 0) == (right > 0) else MINUS_INFINITY
    return ZERO


def divide_truncated(left: Decimal, right: Decimal) -> Decimal:
    """div(): the integer part of left / right. Raises 22012."""
    if not (left.is_finite() and right.is_finite()):
        return _divide_special(left, right)
    if not right:
        raise DivisionByZero("division by zero")
    scale = max(scale_of(left), scale_of(right))
    dividend, divisor = unscaled(left, scale), unscaled(right, scale)
    quotient = abs(dividend) // abs(divisor)
    return checked(Decimal(-quotient if (dividend < 0) != (divisor < 0) else quotient))


def modulo(left: Decimal, right: Decimal) -> Decimal:
    """Left % right, with the sign of left. Raises 22012."""
    if left.is_nan() or right.is_nan():
        return NAN
    if left.is_infinite():
        if not right:
            raise DivisionByZero("division by zero")
        return NAN
    if right.is_infinite():
        return left
    if not right:
        raise DivisionByZero("division by zero")
    scale = max(scale_of(left), scale_of(right))
    dividend, divisor = unscaled(left, scale), unscaled(right, scale)
    rest = abs(dividend) % abs(divisor)
    return canonical(scaled(-rest if dividend < 0 else rest, scale))


def negate(value: Decimal) -> Decimal:
    """-value."""
    return (
        value
        if value.is_nan()
        else canonical(value.copy_negate())
        if value.is_finite()
        else value.copy_negate()
    )


def absolute(value: Decimal) -> Decimal:
    """The value without its sign."""
    return value if value.is_nan() else value.copy_abs()
