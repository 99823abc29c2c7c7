"""NUMERIC functions that are not exact: square root, exponential, logarithms, powers, with PostgreSQL's result scales.

Results have at least 16 significant digits, and no fewer digits after the point than the arguments. The scale is chosen
from an estimate of the result's size, in double precision, exactly as PostgreSQL estimates it; the value is then computed with
guard digits and rounded, halves away from zero.
"""

from __future__ import annotations

import decimal
import math
from decimal import ROUND_HALF_UP, Decimal

from lungfish.errors import (
    DivisionByZero,
    InvalidArgumentForLogarithm,
    InvalidArgumentForPowerFunction,
    NumericValueOutOfRange,
)
from lungfish.functions.numeric_math import (
    BASE_DIGITS,
    DISPLAY_SCALE_MAX,
    SIGNIFICANT_DIGITS_MIN,
    base_weight,
    divide_to_scale,
    scaled,
    unscaled,
)
from lungfish.types.numerics import (
    CONTEXT,
    INFINITY,
    INTEGER_DIGITS_MAX,
    MINUS_INFINITY,
    NAN,
    ZERO,
    checked,
    round_to_scale,
    scale_of,
)

_ONE = Decimal(1)
_LOG10_E = 0.434294481903252
_LN_10 = 2.302585092994046
# PostgreSQL's NUMERIC_MAX_RESULT_SCALE, which bounds exponents.
_RESULT_SCALE_MAX = 2000
_GUARD_DIGITS = 25


def _overflow() -> NumericValueOutOfRange:
    return NumericValueOutOfRange("value overflows numeric format")


def _clamped_scale(weight: int, *values: Decimal) -> int:
    """The scale of a result of that decimal weight."""
    scale = SIGNIFICANT_DIGITS_MIN - weight
    return min(max(scale, 0, *(scale_of(value) for value in values)), DISPLAY_SCALE_MAX)


def _context(digits: int) -> decimal.Context:
    return decimal.Context(
        prec=max(digits, 1) + _GUARD_DIGITS,
        Emin=-999_999_999,
        Emax=999_999_999,
        rounding=ROUND_HALF_UP,
    )


def square_root(value: Decimal) -> Decimal:
    """The square root. Raises 2201F."""
    if value.is_nan():
        return NAN
    if value < 0:
        raise InvalidArgumentForPowerFunction("cannot take square root of a negative number")
    if value.is_infinite():
        return value
    weight, _ = base_weight(value)
    digits = weight * BASE_DIGITS
    # Half the weight, rounded down, as the root's; PostgreSQL's own estimate.
    root_weight = digits // 2 + 1 if digits >= 0 else 1 - (1 - digits) // 2
    scale = _clamped_scale(root_weight, value)
    own = scale_of(value)
    exponent = 2 * (scale + 1) - own
    number = unscaled(value, own)
    number = number * 10**exponent if exponent >= 0 else number // 10**-exponent
    # One digit more than wanted decides the rounding: a root is never exactly between.
    root, last = divmod(math.isqrt(number), 10)
    return scaled(root + (last >= 5), scale)


def exponential(value: Decimal) -> Decimal:
    """e to that power. Raises 22003."""
    if value.is_nan():
        return NAN
    if value.is_infinite():
        return INFINITY if value > 0 else ZERO
    estimate = float(value) * _LOG10_E
    weight = int(max(min(estimate, _RESULT_SCALE_MAX), -_RESULT_SCALE_MAX))
    return _exponential_to_scale(value, _clamped_scale(weight, value))


def _exponential_to_scale(value: Decimal, scale: int) -> Decimal:
    if value.copy_abs() >= _RESULT_SCALE_MAX * 3:
        if value > 0:
            raise _overflow()
        return round_to_scale(ZERO, scale)
    digits = scale + max(int(float(value) * _LOG10_E), 0)
    return checked(round_to_scale(_context(digits).exp(value), scale))


def estimate_log_weight(value: Decimal) -> int:
    """The decimal weight of ln(value), as PostgreSQL estimates it."""
    if value <= 0:
        return 0
    if Decimal("0.9") <= value <= Decimal("1.1"):
        distance = CONTEXT.subtract(value, _ONE).copy_abs()
        if not distance:
            return 0
        weight, first = base_weight(distance)
        return weight * BASE_DIGITS + int(math.log10(first))
    weight, first = base_weight(value)
    digits, exponent = first, weight * BASE_DIGITS
    following = _second_base_digit(value, weight)
    if following is not None:
        digits = digits * 10_000 + following
        exponent -= BASE_DIGITS
    logarithm = math.log(digits) + exponent * _LN_10
    return int(math.log10(abs(logarithm)))


def _second_base_digit(value: Decimal, weight: int) -> int | None:
    """The second base-10000 digit, or None where the value has only one."""
    rest = CONTEXT.scaleb(value, -(weight - 1) * BASE_DIGITS)
    whole = int(rest)
    if whole % 10_000 == 0 and rest == whole:
        return None
    return whole % 10_000


def natural_logarithm(value: Decimal) -> Decimal:
    """ln. Raises 2201E."""
    if value.is_nan():
        return NAN
    _require_positive(value)
    if value.is_infinite():
        return INFINITY
    scale = _clamped_scale(estimate_log_weight(value), value)
    return round_to_scale(_logarithm(value, scale), scale)


def _require_positive(value: Decimal) -> None:
    if value < 0:
        raise InvalidArgumentForLogarithm("cannot take logarithm of a negative number")
    if not value:
        raise InvalidArgumentForLogarithm("cannot take logarithm of zero")


def _logarithm(value: Decimal, scale: int) -> Decimal:
    """ln with guard digits beyond that scale."""
    return _context(scale + 8).ln(value)


def logarithm(base: Decimal, value: Decimal) -> Decimal:
    """The logarithm to a base. Raises 2201E, 22012."""
    if base.is_nan() or value.is_nan():
        return NAN
    _require_positive(base)
    _require_positive(value)
    if base.is_infinite() or value.is_infinite():
        if base.is_infinite():
            return NAN if value.is_infinite() else ZERO
        return INFINITY
    base_weight_ = estimate_log_weight(base)
    scale = _clamped_scale(estimate_log_weight(value) - base_weight_, base, value)
    precise = _context(scale + 2 * abs(base_weight_) + 16)
    divisor = precise.ln(base)
    if not divisor:
        raise DivisionByZero("division by zero")
    return round_to_scale(precise.divide(precise.ln(value), divisor), scale)


def common_logarithm(value: Decimal) -> Decimal:
    """The logarithm to base 10."""
    return logarithm(Decimal(10), value)


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """base to the power of exponent. Raises 2201F, 22003."""
    special = _special_power(base, exponent)
    if special is not None:
        return special
    if not base and exponent < 0:
        raise InvalidArgumentForPowerFunction("zero raised to a negative power is undefined")
    is_integer = exponent == exponent.to_integral_value(context=CONTEXT)
    if base < 0 and not is_integer:
        raise InvalidArgumentForPowerFunction(
            "a negative number raised to a non-integer power yields a complex result"
        )
    if is_integer and -(2**31) <= exponent < 2**31:
        return _integer_power(base, int(exponent), scale_of(exponent))
    if not base:
        return round_to_scale(ZERO, SIGNIFICANT_DIGITS_MIN)
    is_negative = base < 0 and int(exponent) % 2 == 1
    base = base.copy_abs()
    log_scale = max(8 - estimate_log_weight(base), 0)
    rough_log = round_to_scale(_logarithm(base, log_scale), log_scale)
    rough = float(round_to_scale(CONTEXT.multiply(rough_log, exponent), log_scale))
    if abs(rough) > _RESULT_SCALE_MAX * 3.01:
        if rough > 0:
            raise _overflow()
        return round_to_scale(ZERO, DISPLAY_SCALE_MAX)
    weight = rough * _LOG10_E
    scale = _clamped_scale(int(weight), base, exponent)
    digits = scale + max(int(weight), 0) + 16
    precise = _context(digits + max(exponent.adjusted(), 0) + log_scale)
    product = precise.multiply(precise.ln(base), exponent)
    result = _exponential_to_scale(product, scale)
    return result.copy_negate() if is_negative else result


def _special_power(base: Decimal, exponent: Decimal) -> Decimal | None:
    """Powers of and to NaN and the infinities, as POSIX pow() has them."""
    if base.is_finite() and exponent.is_finite():
        return None
    if base.is_nan():
        return _ONE if exponent.is_finite() and not exponent else NAN
    if exponent.is_nan():
        return _ONE if base.is_finite() and base == 1 else NAN
    if exponent.is_infinite():
        size = base.copy_abs()
        if size == 1:
            return _ONE
        if not base and exponent < 0:
            raise InvalidArgumentForPowerFunction("zero raised to a negative power is undefined")
        return INFINITY if (size > 1) == (exponent > 0) else ZERO
    if not exponent:
        return _ONE
    if base > 0:
        return INFINITY if exponent > 0 else ZERO
    if exponent != exponent.to_integral_value(context=CONTEXT):
        raise InvalidArgumentForPowerFunction(
            "a negative number raised to a non-integer power yields a complex result"
        )
    if exponent < 0:
        return ZERO
    return MINUS_INFINITY if int(exponent) % 2 == 1 else INFINITY


def _integer_power(base: Decimal, exponent: int, exponent_scale: int) -> Decimal:
    weight = exponent * _decimal_weight(base) if base else 0.0
    if weight > INTEGER_DIGITS_MAX + BASE_DIGITS:
        raise _overflow()
    if weight + 1 < -DISPLAY_SCALE_MAX:
        return round_to_scale(ZERO, DISPLAY_SCALE_MAX)
    scale = SIGNIFICANT_DIGITS_MIN - int(weight)
    scale = min(max(scale, scale_of(base), exponent_scale, 0), DISPLAY_SCALE_MAX)
    if exponent == 0:
        return round_to_scale(_ONE, scale)
    if exponent == 1:
        return round_to_scale(base, scale)
    if exponent == -1:
        return divide_to_scale(_ONE, base, scale)
    if not base:
        return round_to_scale(ZERO, scale)
    precise = _context(scale + max(int(weight), 0) + len(str(abs(exponent))) + 8)
    return checked(round_to_scale(precise.power(base, exponent), scale))


def _decimal_weight(value: Decimal) -> float:
    """log10 of the value's size from its first 16 digits or so, as PostgreSQL computes it."""
    weight, first = base_weight(value)
    digits = float(first)
    exponent = weight * BASE_DIGITS
    count = 1
    significant = value.normalize(CONTEXT).as_tuple()
    last = significant.exponent if isinstance(significant.exponent, int) else 0
    while count * BASE_DIGITS < 16 and exponent > last:
        shifted = int(CONTEXT.scaleb(value, -(exponent - BASE_DIGITS)).copy_abs()) % 10_000
        digits = digits * 10_000 + shifted
        exponent -= BASE_DIGITS
        count += 1
    return math.log10(digits) + exponent


def factorial(value: int) -> Decimal:
    """n! Raises 22003."""
    if value < 0:
        raise NumericValueOutOfRange("factorial of a negative number is undefined")
    if value > 32_177:
        raise _overflow()
    return Decimal(math.factorial(value))
