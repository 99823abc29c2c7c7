"""The arithmetic operators of numbers: + - * / % and signs, with the functions that share their rules (abs, mod, div).

Integers overflow with 22003, their division truncates toward zero and % has the dividend's sign; floats raise where a result
overflows or vanishes; division by zero is 22012 everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import DivisionByZero, NumericValueOutOfRange
from lungfish.functions import numeric_math
from lungfish.functions.numeric_words import add_words, multiply_words, subtract_words
from lungfish.functions.registry import Function, ScalarForm, VectorForm
from lungfish.functions.vector_tools import Argument, Numbers, map_rows, operands, result_vector
from lungfish.types.compute import pc
from lungfish.types.parse_numbers import integer_range, to_single
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INTEGER,
    NUMERIC,
    REAL,
    SMALLINT,
    SqlType,
)

_INTEGERS = (SMALLINT, INTEGER, BIGINT)
_ARROW = {SMALLINT: pa.int16(), INTEGER: pa.int32(), BIGINT: pa.int64()}
_ZERO_MESSAGE = "division by zero"


def wider(left: SqlType, right: SqlType) -> SqlType:
    """The wider of two integer types."""
    return _INTEGERS[max(_INTEGERS.index(left), _INTEGERS.index(right))]


def out_of_range(sql_type: SqlType) -> NumericValueOutOfRange:
    """The error of an integer result that does not fit."""
    return NumericValueOutOfRange(f"{sql_type.kind.value} out of range")


# Integers


def _integer_scalar(compute: Callable[[int, int], int], sql_type: SqlType) -> ScalarForm:
    low, high = integer_range(sql_type.kind)

    def scalar(left: int, right: int) -> int:
        found = compute(left, right)
        if not low <= found <= high:
            raise out_of_range(sql_type)
        return found

    return scalar


def _integer_vector(kernel: Any, sql_type: SqlType) -> VectorForm:
    arrow = _ARROW[sql_type]

    def vector(left: Argument, right: Argument) -> Argument:
        try:
            return kernel(left.cast(arrow), right.cast(arrow))
        except pa.ArrowInvalid as error:
            if "divide by zero" in str(error):
                raise DivisionByZero(_ZERO_MESSAGE) from error
            raise out_of_range(sql_type) from error

    return vector


def divide_integers(left: int, right: int) -> int:
    """Left / right, truncated toward zero. Raises 22012."""
    if right == 0:
        raise DivisionByZero(_ZERO_MESSAGE)
    quotient = abs(left) // abs(right)
    return -quotient if (left < 0) != (right < 0) else quotient


def modulo_integers(left: int, right: int) -> int:
    """The rest of that division, with the sign of `left`. Raises 22012."""
    if right == 0:
        raise DivisionByZero(_ZERO_MESSAGE)
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _modulo_vector(left: Argument, right: Argument) -> Argument:
    found = operands((left, right))
    dividend, divisor = found.arrays
    is_zero = divisor == 0
    if found.valid is not None:
        is_zero = is_zero & found.valid
    if bool(np.any(is_zero)):
        raise DivisionByZero(_ZERO_MESSAGE)
    # The smallest integer divided by -1 overflows in C, though the rest is 0.
    divisor = np.where((divisor == 0) | (divisor == -1), 1, divisor).astype(divisor.dtype)
    return result_vector(np.fmod(dividend, divisor), found.valid, is_scalar=found.is_scalar)


# Floats


def check_float(result: float, is_finite_input: bool, may_vanish: bool) -> float:
    """The result of a float operation. Raises 22003 where it overflowed, or vanished though it should not be 0."""
    if is_finite_input and math.isinf(result):
        raise NumericValueOutOfRange("value out of range: overflow")
    if result == 0.0 and not may_vanish:
        raise NumericValueOutOfRange("value out of range: underflow")
    return result


def _float_scalar(
    compute: Callable[[float, float], float], symbol: str, is_single: bool
) -> ScalarForm:
    def scalar(left: float, right: float) -> float:
        if symbol == "/" and right == 0.0:
            if left == left:
                raise DivisionByZero(_ZERO_MESSAGE)
            return left
        try:
            found = compute(left, right)
        except OverflowError:
            found = math.inf
        if is_single:
            found = to_single(found)
        is_finite = math.isfinite(left) and math.isfinite(right)
        if symbol == "*":
            may_vanish = left == 0.0 or right == 0.0
        else:
            may_vanish = symbol != "/" or left == 0.0 or math.isinf(right)
        return check_float(found, is_finite, may_vanish)

    return scalar


def _float_vector(ufunc: Any, symbol: str, dtype: Any) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        found = operands((left, right))
        one, other = (array.astype(dtype, copy=False) for array in found.arrays)
        with np.errstate(all="ignore"):
            if symbol == "/":
                _refuse_zero_divisors(one, other, found.valid)
            result = ufunc(one, other)
        _check_floats(result, one, other, found.valid, symbol)
        return result_vector(result, found.valid, is_scalar=found.is_scalar)

    return vector


def _refuse_zero_divisors(dividend: Numbers, divisor: Numbers, valid: Any) -> None:
    is_zero = (divisor == 0.0) & ~np.isnan(dividend)
    if valid is not None:
        is_zero = is_zero & valid
    if bool(np.any(is_zero)):
        raise DivisionByZero(_ZERO_MESSAGE)


def _check_floats(result: Numbers, one: Numbers, other: Numbers, valid: Any, symbol: str) -> None:
    overflowed = np.isinf(result) & np.isfinite(one) & np.isfinite(other)
    if valid is not None:
        overflowed = overflowed & valid
    if bool(np.any(overflowed)):
        raise NumericValueOutOfRange("value out of range: overflow")
    if symbol not in ("*", "/"):
        return
    vanished = (result == 0.0) & (one != 0.0)
    vanished &= (other != 0.0) if symbol == "*" else ~np.isinf(other)
    if valid is not None:
        vanished = vanished & valid
    if bool(np.any(vanished)):
        raise NumericValueOutOfRange("value out of range: underflow")


# NUMERIC


def _numeric_vector(
    fast: Callable[[Argument, Argument], Argument | None], scalar: ScalarForm
) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        found = fast(left, right)
        if found is None:
            return map_rows(scalar, (left, right), (NUMERIC, NUMERIC), NUMERIC)
        return found

    return vector


# Signs


def _negate_integer(sql_type: SqlType) -> tuple[ScalarForm, VectorForm]:
    low = integer_range(sql_type.kind)[0]

    def scalar(value: int) -> int:
        if value == low:
            raise out_of_range(sql_type)
        return -value

    return scalar, _checked_unary(pc.negate_checked, sql_type)


def _absolute_integer(sql_type: SqlType) -> tuple[ScalarForm, VectorForm]:
    low = integer_range(sql_type.kind)[0]

    def scalar(value: int) -> int:
        if value == low:
            raise out_of_range(sql_type)
        return abs(value)

    return scalar, _checked_unary(pc.abs_checked, sql_type)


def _checked_unary(kernel: Any, sql_type: SqlType) -> VectorForm:
    def vector(value: Argument) -> Argument:
        try:
            return kernel(value)
        except pa.ArrowInvalid as error:
            raise out_of_range(sql_type) from error

    return vector


def _same(value: Any) -> Any:
    return value


_KERNELS: tuple[tuple[str, Callable[[Any, Any], Any], Any, Any], ...] = (
    ("+", lambda left, right: left + right, pc.add_checked, np.add),
    ("-", lambda left, right: left - right, pc.subtract_checked, np.subtract),
    ("*", lambda left, right: left * right, pc.multiply_checked, np.multiply),
    ("/", lambda left, right: left / right, pc.divide_checked, np.divide),
)


def _integer_operators() -> list[Function]:
    found: list[Function] = []
    for symbol, compute, kernel, _ in _KERNELS:
        for left in _INTEGERS:
            for right in _INTEGERS:
                result = wider(left, right)
                whole = divide_integers if symbol == "/" else compute
                scalar = _integer_scalar(whole, result)
                vector = _integer_vector(kernel, result)
                found.append(Function(symbol, (left, right), result, scalar, vector))
    for sql_type in _INTEGERS:
        both = (sql_type, sql_type)
        for name in ("%", "mod"):
            found.append(Function(name, both, sql_type, modulo_integers, _modulo_vector))
        found.append(Function("-", (sql_type,), sql_type, *_negate_integer(sql_type)))
        for name in ("@", "abs"):
            found.append(Function(name, (sql_type,), sql_type, *_absolute_integer(sql_type)))
    return found


def _float_operators() -> list[Function]:
    found: list[Function] = []
    pairs = (
        (REAL, REAL, REAL),
        (DOUBLE, DOUBLE, DOUBLE),
        (REAL, DOUBLE, DOUBLE),
        (DOUBLE, REAL, DOUBLE),
    )
    for symbol, compute, _, ufunc in _KERNELS:
        for left, right, result in pairs:
            is_single = result is REAL
            scalar = _float_scalar(compute, symbol, is_single)
            vector = _float_vector(ufunc, symbol, np.float32 if is_single else np.float64)
            found.append(Function(symbol, (left, right), result, scalar, vector))
    for sql_type in (REAL, DOUBLE):
        found.append(Function("-", (sql_type,), sql_type, lambda value: -value, pc.negate))
        for name in ("@", "abs"):
            found.append(Function(name, (sql_type,), sql_type, abs, pc.abs))
    return found


def _numeric_operators() -> list[Function]:
    both = (NUMERIC, NUMERIC)
    fast = {
        "+": (numeric_math.add, add_words),
        "-": (numeric_math.subtract, subtract_words),
        "*": (numeric_math.multiply, multiply_words),
    }
    found = [
        Function(symbol, both, NUMERIC, scalar, _numeric_vector(words, scalar))
        for symbol, (scalar, words) in fast.items()
    ]
    found.append(Function("/", both, NUMERIC, numeric_math.divide))
    for name in ("%", "mod"):
        found.append(Function(name, both, NUMERIC, numeric_math.modulo))
    found.append(Function("div", both, NUMERIC, numeric_math.divide_truncated))
    found.append(Function("-", (NUMERIC,), NUMERIC, numeric_math.negate))
    for name in ("@", "abs"):
        found.append(Function(name, (NUMERIC,), NUMERIC, numeric_math.absolute))
    return found


_PLUS_SIGNS = [
    Function("+", (sql_type,), sql_type, _same, _same)
    for sql_type in (*_INTEGERS, REAL, DOUBLE, NUMERIC)
]

FUNCTIONS: tuple[Function, ...] = (
    *_integer_operators(),
    *_float_operators(),
    *_numeric_operators(),
    *_PLUS_SIGNS,
)
