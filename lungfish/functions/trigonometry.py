"""Trigonometric and hyperbolic functions, in radians and (exact at the round angles) in degrees; the error functions."""

from __future__ import annotations

import math
from collections.abc import Callable

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions.arithmetic import check_float
from lungfish.functions.registry import Function
from lungfish.types.sql_type import DOUBLE

_RADIANS_PER_DEGREE = 0.0174532925199432957692


def _out_of_range() -> NumericValueOutOfRange:
    return NumericValueOutOfRange("input is out of range")


def _finite_only(function: Callable[[float], float]) -> Callable[[float], float]:
    def scalar(value: float) -> float:
        if math.isinf(value):
            raise _out_of_range()
        found = function(value)
        return check_float(found, math.isfinite(value), may_vanish=True)

    return scalar


def _within_one(function: Callable[[float], float]) -> Callable[[float], float]:
    def scalar(value: float) -> float:
        if value < -1.0 or value > 1.0:
            raise _out_of_range()
        return function(value)

    return scalar


def _cotangent(value: float) -> float:
    if math.isinf(value):
        raise _out_of_range()
    tangent = math.tan(value)
    return math.copysign(math.inf, tangent) if tangent == 0.0 else 1.0 / tangent


def _hyperbolic(function: Callable[[float], float], *, is_odd: bool) -> Callable[[float], float]:
    def scalar(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.copysign(math.inf, value) if is_odd else math.inf

    return scalar


def _gamma(value: float) -> float:
    """The gamma function. Raises NumericValueOutOfRange at its poles and beyond the range of floats."""
    try:
        found = math.gamma(value)
    except (ValueError, OverflowError):
        raise NumericValueOutOfRange("value out of range: overflow") from None
    if found == 0.0:
        raise NumericValueOutOfRange("value out of range: underflow")
    return found


def _log_gamma(value: float) -> float:
    """The logarithm of the gamma function's size. Raises NumericValueOutOfRange at its poles."""
    try:
        return math.lgamma(value)
    except (ValueError, OverflowError):
        raise NumericValueOutOfRange("value out of range: overflow") from None


def _inverse_cosh(value: float) -> float:
    if value < 1.0:
        raise _out_of_range()
    return math.acosh(value)


def _inverse_tanh(value: float) -> float:
    if value < -1.0 or value > 1.0:
        raise _out_of_range()
    return math.copysign(math.inf, value) if abs(value) == 1.0 else math.atanh(value)


# Degrees: the functions of 30 and 45 degrees are divided out, so that round angles give round results.

_SIN_30 = math.sin(30.0 * _RADIANS_PER_DEGREE)
_ONE_MINUS_COS_60 = 1.0 - math.cos(60.0 * _RADIANS_PER_DEGREE)
_ASIN_HALF = math.asin(0.5)
_ACOS_HALF = math.acos(0.5)
_ATAN_ONE = math.atan(1.0)


def _sin_to_30(degrees: float) -> float:
    return (math.sin(degrees * _RADIANS_PER_DEGREE) / _SIN_30) / 2.0


def _cos_to_60(degrees: float) -> float:
    return 1.0 - ((1.0 - math.cos(degrees * _RADIANS_PER_DEGREE)) / _ONE_MINUS_COS_60) / 2.0


def _sin_quadrant(degrees: float) -> float:
    return _sin_to_30(degrees) if degrees <= 30.0 else _cos_to_60(90.0 - degrees)


def _cos_quadrant(degrees: float) -> float:
    return _cos_to_60(degrees) if degrees <= 60.0 else _sin_to_30(90.0 - degrees)


_TAN_45 = _sin_quadrant(45.0) / _cos_quadrant(45.0)
_COT_45 = _cos_quadrant(45.0) / _sin_quadrant(45.0)


def _require_finite(value: float) -> None:
    if math.isinf(value):
        raise _out_of_range()


def sine_degrees(value: float) -> float:
    """sind."""
    if math.isnan(value):
        return value
    _require_finite(value)
    degrees, sign = math.fmod(value, 360.0), 1.0
    if degrees < 0.0:
        degrees, sign = -degrees, -sign
    if degrees > 180.0:
        degrees, sign = 360.0 - degrees, -sign
    if degrees > 90.0:
        degrees = 180.0 - degrees
    return sign * _sin_quadrant(degrees)


def cosine_degrees(value: float) -> float:
    """cosd."""
    if math.isnan(value):
        return value
    _require_finite(value)
    degrees, sign = abs(math.fmod(value, 360.0)), 1.0
    if degrees > 180.0:
        degrees = 360.0 - degrees
    if degrees > 90.0:
        degrees, sign = 180.0 - degrees, -sign
    return sign * _cos_quadrant(degrees)


def _folded(value: float) -> tuple[float, float]:
    """An angle brought to the first quadrant, with the sign of its tangent."""
    degrees, sign = math.fmod(value, 360.0), 1.0
    if degrees < 0.0:
        degrees, sign = -degrees, -sign
    if degrees > 180.0:
        degrees, sign = 360.0 - degrees, -sign
    if degrees > 90.0:
        degrees, sign = 180.0 - degrees, -sign
    return degrees, sign


def tangent_degrees(value: float) -> float:
    """tand."""
    if math.isnan(value):
        return value
    _require_finite(value)
    degrees, sign = _folded(value)
    cosine = _cos_quadrant(degrees)
    tangent = math.inf if cosine == 0.0 else (_sin_quadrant(degrees) / cosine) / _TAN_45
    result = sign * tangent
    # -0 is made 0.
    return 0.0 if result == 0.0 else result


def cotangent_degrees(value: float) -> float:
    """cotd."""
    if math.isnan(value):
        return value
    _require_finite(value)
    degrees, sign = _folded(value)
    sine = _sin_quadrant(degrees)
    cotangent = (
        math.copysign(math.inf, sine) if sine == 0.0 else (_cos_quadrant(degrees) / sine) / _COT_45
    )
    result = sign * cotangent
    return 0.0 if result == 0.0 else result


def _asin_quadrant(value: float) -> float:
    if value <= 0.5:
        return (math.asin(value) / _ASIN_HALF) * 30.0
    return 90.0 - (math.acos(value) / _ACOS_HALF) * 60.0


def _acos_quadrant(value: float) -> float:
    if value <= 0.5:
        return 90.0 - (math.asin(value) / _ASIN_HALF) * 30.0
    return (math.acos(value) / _ACOS_HALF) * 60.0


def arcsine_degrees(value: float) -> float:
    """asind."""
    if math.isnan(value):
        return value
    return _asin_quadrant(value) if value >= 0.0 else -_asin_quadrant(-value)


def arccosine_degrees(value: float) -> float:
    """acosd."""
    if math.isnan(value):
        return value
    return _acos_quadrant(value) if value >= 0.0 else 90.0 + _asin_quadrant(-value)


def arctangent_degrees(value: float) -> float:
    """atand."""
    return (math.atan(value) / _ATAN_ONE) * 45.0


def arctangent2_degrees(ordinate: float, abscissa: float) -> float:
    """atan2d."""
    return (math.atan2(ordinate, abscissa) / _ATAN_ONE) * 45.0


def _degrees(value: float) -> float:
    return check_float(value / _RADIANS_PER_DEGREE, math.isfinite(value), value == 0.0)


def _radians(value: float) -> float:
    return check_float(value * _RADIANS_PER_DEGREE, math.isfinite(value), value == 0.0)


_UNARY: dict[str, Callable[[float], float]] = {
    "sin": _finite_only(math.sin),
    "cos": _finite_only(math.cos),
    "tan": _finite_only(math.tan),
    "cot": _cotangent,
    "asin": _within_one(math.asin),
    "acos": _within_one(math.acos),
    "atan": math.atan,
    "sinh": _hyperbolic(math.sinh, is_odd=True),
    "cosh": _hyperbolic(math.cosh, is_odd=False),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _inverse_cosh,
    "atanh": _inverse_tanh,
    "sind": sine_degrees,
    "cosd": cosine_degrees,
    "tand": tangent_degrees,
    "cotd": cotangent_degrees,
    "asind": _within_one(arcsine_degrees),
    "acosd": _within_one(arccosine_degrees),
    "atand": arctangent_degrees,
    "degrees": _degrees,
    "radians": _radians,
    "erf": math.erf,
    "erfc": math.erfc,
    "gamma": _gamma,
    "lgamma": _log_gamma,
}

FUNCTIONS: tuple[Function, ...] = (
    *(Function(name, (DOUBLE,), DOUBLE, scalar) for name, scalar in _UNARY.items()),
    Function("atan2", (DOUBLE, DOUBLE), DOUBLE, math.atan2),
    Function("atan2d", (DOUBLE, DOUBLE), DOUBLE, arctangent2_degrees),
    Function("pi", (), DOUBLE, lambda: math.pi),
)
