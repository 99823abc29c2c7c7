"""Mathematical functions: rounding, roots, powers, logarithms, divisors, buckets, and random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import (
    ArraySubscriptError,
    InvalidArgumentForLogarithm,
    InvalidArgumentForPowerFunction,
    InvalidArgumentForWidthBucketFunction,
    NullValueNotAllowed,
)
from lungfish.functions import numeric_functions as numeric
from lungfish.functions.arithmetic import check_float, out_of_range
from lungfish.functions.registry import (
    Function,
    Polymorphic,
    ScalarForm,
    VectorForm,
)
from lungfish.functions.vector_tools import Argument, map_rows, operands, result_vector
from lungfish.types.array_value import ArrayValue
from lungfish.types.casts_numbers import round_words
from lungfish.types.compare import comparison_key
from lungfish.types.numerics import (
    CONTEXT,
    NAN,
    SCALE_MAX,
    canonical,
    checked,
    decimal_vector,
    round_to_scale,
    scale_of,
    small_words,
    unit_of_scale,
    validity,
)
from lungfish.types.parse_numbers import integer_range
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, NUMERIC, SqlType

# Floats


def _float_vector(ufunc: Any) -> VectorForm:
    """A ufunc that cannot go wrong on any float."""

    def vector(value: Argument) -> Argument:
        found = operands((value,))
        with np.errstate(all="ignore"):
            return result_vector(ufunc(found.arrays[0]), found.valid, is_scalar=found.is_scalar)

    return vector


def _rounded(function: Callable[[float], int]) -> ScalarForm:
    """A rounding of floats to whole ones that keeps the sign of zero."""

    def scalar(value: float) -> float:
        if not math.isfinite(value):
            return value
        return math.copysign(float(function(value)), value)

    return scalar


def square_root(value: float) -> float:
    """sqrt. Raises 2201F."""
    if value < 0:
        raise InvalidArgumentForPowerFunction("cannot take square root of a negative number")
    return math.sqrt(value)


def exponential(value: float) -> float:
    """exp. Raises 22003."""
    try:
        found = math.exp(value)
    except OverflowError:
        found = math.inf
    return check_float(found, math.isfinite(value), not math.isfinite(value))


def _require_positive(value: float) -> None:
    if value == 0.0:
        raise InvalidArgumentForLogarithm("cannot take logarithm of zero")
    if value < 0:
        raise InvalidArgumentForLogarithm("cannot take logarithm of a negative number")


def natural_logarithm(value: float) -> float:
    """ln. Raises 2201E."""
    _require_positive(value)
    return math.log(value)


def common_logarithm(value: float) -> float:
    """log10. Raises 2201E."""
    _require_positive(value)
    return math.log10(value)


def power(base: float, exponent: float) -> float:
    """pow, with its special cases for NaN and the infinities. Raises 2201F, 22003."""
    if math.isnan(base) or math.isnan(exponent):
        return 1.0 if exponent == 0.0 or base == 1.0 else math.nan
    if base == 0.0 and exponent < 0.0:
        raise InvalidArgumentForPowerFunction("zero raised to a negative power is undefined")
    if base < 0.0 and math.isfinite(exponent) and exponent != math.floor(exponent):
        raise InvalidArgumentForPowerFunction(
            "a negative number raised to a non-integer power yields a complex result"
        )
    is_finite = math.isfinite(base) and math.isfinite(exponent)
    try:
        found = math.pow(base, exponent)
    except OverflowError:
        found = math.inf
    return check_float(found, is_finite, base == 0.0 or not is_finite)


def _sign(value: float) -> float:
    # NaN is neither: PostgreSQL answers 0.
    return float((value > 0) - (value < 0))


# NUMERIC rounding


def round_numeric(value: Decimal, digits: int = 0) -> Decimal:
    """round: halves away from zero; negative digits round before the point."""
    digits = max(-SCALE_MAX * 16, min(digits, SCALE_MAX))
    if not value.is_finite():
        return value
    if digits < 0 and (not value or -digits > value.adjusted() + 1):
        return Decimal(0)
    return checked(round_to_scale(value, digits))


def truncate_numeric(value: Decimal, digits: int = 0) -> Decimal:
    """trunc: toward zero."""
    digits = max(-SCALE_MAX * 16, min(digits, SCALE_MAX))
    if not value.is_finite():
        return value
    if digits < 0 and (not value or -digits > value.adjusted()):
        return Decimal(0)
    return canonical(value.quantize(unit_of_scale(digits), ROUND_DOWN, CONTEXT))


def _round_vector(value: Argument, digits: Argument | None = None) -> Argument:
    places = 0 if digits is None else _constant(digits)
    words = None if isinstance(value, pa.Scalar) or places is None else small_words(value)
    if words is None or places is None or not 0 <= places <= value.type.scale:
        if digits is None:
            return map_rows(round_numeric, (value,), (NUMERIC,), NUMERIC)
        return map_rows(round_numeric, (value, digits), (NUMERIC, INTEGER), NUMERIC)
    shift = value.type.scale - places
    valid = validity(value) if value.null_count else None
    return decimal_vector(round_words(words, shift) if shift else words, scale=places, valid=valid)


def _constant(argument: Argument) -> int | None:
    if isinstance(argument, pa.Scalar) and argument.is_valid:
        constant: int = argument.as_py()
        return constant
    return None


def ceiling_numeric(value: Decimal) -> Decimal:
    """The smallest whole number that is not less."""
    return (
        canonical(value.quantize(Decimal(1), ROUND_CEILING, CONTEXT))
        if value.is_finite()
        else value
    )


def floor_numeric(value: Decimal) -> Decimal:
    """The largest whole number that is not greater."""
    return (
        canonical(value.quantize(Decimal(1), ROUND_FLOOR, CONTEXT)) if value.is_finite() else value
    )


def _sign_numeric(value: Decimal) -> Decimal:
    return value if value.is_nan() else Decimal((value > 0) - (value < 0))


def min_scale(value: Decimal) -> int | None:
    """The fewest digits after the point that hold the value exactly."""
    return scale_of(value.normalize(CONTEXT)) if value.is_finite() else None


def _trim_scale(value: Decimal) -> Decimal:
    return canonical(value.normalize(CONTEXT)) if value.is_finite() else value


def _scale(value: Decimal) -> int | None:
    return scale_of(value) if value.is_finite() else None


# Divisors


def _gcd(sql_type: SqlType) -> ScalarForm:
    high = integer_range(sql_type.kind)[1]

    def scalar(left: int, right: int) -> int:
        found = math.gcd(left, right)
        if found > high:
            raise out_of_range(sql_type)
        return found

    return scalar


def _lcm(sql_type: SqlType) -> ScalarForm:
    high = integer_range(sql_type.kind)[1]

    def scalar(left: int, right: int) -> int:
        found = math.lcm(left, right)
        if found > high:
            raise out_of_range(sql_type)
        return found

    return scalar


def gcd_numeric(left: Decimal, right: Decimal) -> Decimal:
    """The greatest common divisor, also of fractions."""
    if not (left.is_finite() and right.is_finite()):
        return NAN
    scale = max(scale_of(left), scale_of(right))
    one, other = int(left.scaleb(scale, CONTEXT)), int(right.scaleb(scale, CONTEXT))
    return Decimal(math.gcd(one, other)).scaleb(-scale, CONTEXT)


def lcm_numeric(left: Decimal, right: Decimal) -> Decimal:
    """The least common multiple, also of fractions."""
    if not (left.is_finite() and right.is_finite()):
        return NAN
    scale = max(scale_of(left), scale_of(right))
    one, other = int(left.scaleb(scale, CONTEXT)), int(right.scaleb(scale, CONTEXT))
    return checked(Decimal(math.lcm(one, other)).scaleb(-scale, CONTEXT))


# Buckets


def width_bucket(value: Any, low: Any, high: Any, count: int) -> int:
    """The number of the bucket of equal width that the value falls into; 0 and count + 1 outside. Raises 2201G, 22003."""
    if count <= 0:
        raise InvalidArgumentForWidthBucketFunction("count must be greater than zero")
    if value != value or low != low or high != high:
        raise InvalidArgumentForWidthBucketFunction(
            "operand, lower bound, and upper bound cannot be NaN"
        )
    if _is_infinite(low) or _is_infinite(high):
        raise InvalidArgumentForWidthBucketFunction("lower and upper bounds must be finite")
    if low == high:
        raise InvalidArgumentForWidthBucketFunction("lower bound cannot equal upper bound")
    is_rising = low < high
    if value < low if is_rising else value > low:
        return 0
    if value >= high if is_rising else value <= high:
        if count + 1 > integer_range(INTEGER.kind)[1]:
            raise out_of_range(INTEGER)
        return count + 1
    if isinstance(value, Decimal):
        distance = CONTEXT.abs(CONTEXT.subtract(value, low))
        width = CONTEXT.abs(CONTEXT.subtract(high, low))
        return int(CONTEXT.multiply(distance, Decimal(count)) // width) + 1
    # Halved first, so that the width of the widest range does not overflow.
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return min(int(count * share), count - 1) + 1


def _is_infinite(value: Any) -> bool:
    return bool(value.is_infinite() if isinstance(value, Decimal) else math.isinf(value))


def _width_bucket_array(value: Any, thresholds: ArrayValue, *, types: Any) -> int:
    if len(thresholds.dimensions) > 1:
        raise ArraySubscriptError("thresholds must be one-dimensional array")
    if None in thresholds.elements:
        raise NullValueNotAllowed("thresholds array must not contain NULLs")
    key = comparison_key(types[0]) or (lambda item: item)
    wanted = key(value)
    low, high = 0, len(thresholds.elements)
    while low < high:
        middle = (low + high) // 2
        if wanted < key(thresholds.elements[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _float_function(name: str, scalar: ScalarForm, vector: VectorForm | None = None) -> Function:
    return Function(name, (DOUBLE,), DOUBLE, scalar, vector)


def _numeric_function(name: str, scalar: ScalarForm, vector: VectorForm | None = None) -> Function:
    return Function(name, (NUMERIC,), NUMERIC, scalar, vector)


_CEILING, _FLOOR, _ROUND, _TRUNC = (
    (_rounded(math.ceil), _float_vector(np.ceil)),
    (_rounded(math.floor), _float_vector(np.floor)),
    (_rounded(round), _float_vector(np.rint)),
    (_rounded(math.trunc), _float_vector(np.trunc)),
)

FUNCTIONS: tuple[Function, ...] = (
    *(_float_function(name, *_CEILING) for name in ("ceil", "ceiling")),
    *(_numeric_function(name, ceiling_numeric) for name in ("ceil", "ceiling")),
    _float_function("floor", *_FLOOR),
    _numeric_function("floor", floor_numeric),
    _float_function("round", *_ROUND),
    _numeric_function("round", round_numeric, _round_vector),
    Function("round", (NUMERIC, INTEGER), NUMERIC, round_numeric, _round_vector),
    _float_function("trunc", *_TRUNC),
    _numeric_function("trunc", truncate_numeric),
    Function("trunc", (NUMERIC, INTEGER), NUMERIC, truncate_numeric),
    *(_float_function(name, square_root) for name in ("sqrt", "|/")),
    *(_float_function(name, math.cbrt) for name in ("cbrt", "||/")),
    _numeric_function("sqrt", numeric.square_root),
    _float_function("exp", exponential),
    _numeric_function("exp", numeric.exponential),
    _float_function("ln", natural_logarithm),
    _numeric_function("ln", numeric.natural_logarithm),
    *(_float_function(name, common_logarithm) for name in ("log", "log10")),
    *(_numeric_function(name, numeric.common_logarithm) for name in ("log", "log10")),
    Function("log", (NUMERIC, NUMERIC), NUMERIC, numeric.logarithm),
    *(Function(name, (DOUBLE, DOUBLE), DOUBLE, power) for name in ("power", "pow", "^")),
    *(Function(name, (NUMERIC, NUMERIC), NUMERIC, numeric.power) for name in ("power", "pow", "^")),
    _float_function("sign", _sign),
    _numeric_function("sign", _sign_numeric),
    *(Function("gcd", (kind, kind), kind, _gcd(kind)) for kind in (INTEGER, BIGINT)),
    *(Function("lcm", (kind, kind), kind, _lcm(kind)) for kind in (INTEGER, BIGINT)),
    Function("gcd", (NUMERIC, NUMERIC), NUMERIC, gcd_numeric),
    Function("lcm", (NUMERIC, NUMERIC), NUMERIC, lcm_numeric),
    Function("factorial", (BIGINT,), NUMERIC, numeric.factorial),
    Function("scale", (NUMERIC,), INTEGER, _scale),
    Function("min_scale", (NUMERIC,), INTEGER, min_scale),
    Function("trim_scale", (NUMERIC,), NUMERIC, _trim_scale),
    *(
        Function("width_bucket", (kind, kind, kind, INTEGER), INTEGER, width_bucket)
        for kind in (DOUBLE, NUMERIC)
    ),
    Function(
        "width_bucket",
        (Polymorphic.ANYCOMPATIBLE, Polymorphic.ANYCOMPATIBLEARRAY),
        INTEGER,
        _width_bucket_array,
        needs_types=True,
    ),
)
