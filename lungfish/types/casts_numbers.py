"""Casts between numbers: integers, floats, NUMERIC, BOOLEAN and OID; scalar and vector forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import FeatureNotSupported, NumericValueOutOfRange
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.numerics import (
    CONTEXT,
    INFINITY,
    MINUS_INFINITY,
    NAN,
    canonical,
    decimal_vector,
    numeric_text,
    numeric_values,
    small_words,
    text_vector,
    validity,
)
from lungfish.types.parse_numbers import integer_range, to_single
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import TypeKind

ScalarCast = Callable[[Any, TextSettings], Any]
VectorCast = Callable[[Vector, TextSettings], Vector]

_INTEGERS = (TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT)
_NUMPY = {TypeKind.SMALLINT: np.int16, TypeKind.INTEGER: np.int32, TypeKind.BIGINT: np.int64}
_ARROW = {
    TypeKind.SMALLINT: pa.int16(),
    TypeKind.INTEGER: pa.int32(),
    TypeKind.BIGINT: pa.int64(),
    TypeKind.OID: pa.int64(),
    TypeKind.REGISTERED: pa.int64(),
}
OID_MAX = 2**32 - 1


def out_of_range(kind: TypeKind) -> NumericValueOutOfRange:
    """The error of an integer or OID that does not fit."""
    name = "OID" if kind is TypeKind.OID else kind.value
    return NumericValueOutOfRange(f"{name} out of range")


def check_integer(value: int, kind: TypeKind) -> int:
    """The value if it fits the integer type. Raises 22003."""
    low, high = integer_range(kind)
    if not low <= value <= high:
        raise out_of_range(kind)
    return value


def integer_to_integer(kind: TypeKind) -> tuple[ScalarCast, VectorCast]:
    """A cast between integer types."""

    def vector(values: Vector, settings: TextSettings) -> Vector:
        try:
            return values.cast(_ARROW[kind])
        except pa.ArrowInvalid as error:
            raise out_of_range(kind) from error

    return lambda value, settings: check_integer(value, kind), vector


def integer_to_float(kind: TypeKind) -> tuple[ScalarCast, VectorCast]:
    """A cast of an integer to REAL or DOUBLE."""
    if kind is TypeKind.REAL:
        return (
            lambda value, settings: float(np.float32(value)),
            lambda values, settings: values.cast(pa.float32(), safe=False),
        )
    return (
        lambda value, settings: float(value),
        lambda values, settings: values.cast(pa.float64(), safe=False),
    )


def float_to_integer_value(value: float, kind: TypeKind) -> int:
    """A float rounded to the nearest integer, halves to even. Raises 22003."""
    if not math.isfinite(value):
        raise out_of_range(kind)
    return check_integer(round(value), kind)


def float_to_integer(kind: TypeKind) -> tuple[ScalarCast, VectorCast]:
    """A cast of REAL or DOUBLE to an integer."""

    def vector(values: Vector, settings: TextSettings) -> Vector:
        numbers = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False).astype(np.float64)
        rounded = np.rint(numbers)
        low, high = integer_range(kind)
        # The upper bound of BIGINT is no float: the next one above it is already out of range.
        if not bool(
            np.all(
                (rounded >= float(low)) & (rounded < float(high) + (kind is not TypeKind.BIGINT))
            )
        ):
            raise out_of_range(kind)
        return with_nulls_of(rounded.astype(_NUMPY[kind]), values)

    return lambda value, settings: float_to_integer_value(value, kind), vector


def with_nulls_of(numbers: np.ndarray[Any, Any], source: Vector) -> Vector:
    """An Arrow array of the numbers, null where `source` is."""
    if not source.null_count:
        return pa.array(numbers)
    return pa.array(numbers, mask=~validity(source))


def double_to_real_value(value: float) -> float:
    """A DOUBLE rounded to 32 bits. Raises 22003 where it overflows or vanishes."""
    single = to_single(value)
    if math.isinf(single) and not math.isinf(value):
        raise NumericValueOutOfRange("value out of range: overflow")
    if single == 0.0 and value != 0.0:
        raise NumericValueOutOfRange("value out of range: underflow")
    return single


def _double_to_real_vector(values: Vector, settings: TextSettings) -> Vector:
    singles = values.cast(pa.float32(), safe=False)
    became_infinite = pc.and_(pc.is_inf(singles), pc.invert(pc.is_inf(values)))
    if pc.any(became_infinite).as_py():
        raise NumericValueOutOfRange("value out of range: overflow")
    vanished = pc.and_(pc.equal(singles, 0.0), pc.not_equal(values, 0.0))
    if pc.any(vanished).as_py():
        raise NumericValueOutOfRange("value out of range: underflow")
    return singles


DOUBLE_TO_REAL: tuple[ScalarCast, VectorCast] = (
    lambda value, settings: double_to_real_value(value),
    _double_to_real_vector,
)
REAL_TO_DOUBLE: tuple[ScalarCast, VectorCast] = (
    lambda value, settings: value,
    lambda values, settings: values.cast(pa.float64()),
)


def _integers_to_numeric(values: Vector, settings: TextSettings) -> Vector:
    words = pc.fill_null(values.cast(pa.int64()), 0).to_numpy()
    valid = validity(values) if values.null_count else None
    return decimal_vector(words, scale=0, valid=valid)


INTEGER_TO_NUMERIC: tuple[ScalarCast, VectorCast] = (
    lambda value, settings: Decimal(value),
    _integers_to_numeric,
)


def numeric_to_integer_value(value: Decimal, kind: TypeKind) -> int:
    """A NUMERIC rounded to the nearest integer, halves away from zero. Raises 22003, 0A000."""
    if not value.is_finite():
        what = "NaN" if value.is_nan() else "infinity"
        raise FeatureNotSupported(f"cannot convert {what} to {kind.value}")
    if value.adjusted() > 20:
        raise out_of_range(kind)
    return check_integer(int(value.to_integral_value(ROUND_HALF_UP, CONTEXT)), kind)


def numeric_to_integer(kind: TypeKind) -> tuple[ScalarCast, VectorCast]:
    """A cast of NUMERIC to an integer."""

    def vector(values: Vector, settings: TextSettings) -> Vector:
        words = small_words(values)
        if words is None:
            found = [
                None if value is None else numeric_to_integer_value(value, kind)
                for value in numeric_values(values)
            ]
            return pa.array(found, _ARROW[kind])
        scale = values.type.scale
        if scale:
            words = round_words(words, scale)
        low, high = integer_range(kind)
        if kind is not TypeKind.BIGINT and len(words) and (words.min() < low or words.max() > high):
            raise out_of_range(kind)
        return with_nulls_of(words.astype(_NUMPY[kind]), values)

    return lambda value, settings: numeric_to_integer_value(value, kind), vector


def round_words(
    words: np.ndarray[Any, np.dtype[np.int64]], digits: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Unscaled values without their last `digits` digits, halves away from zero."""
    if digits > 18:
        return np.zeros_like(words)
    unit = np.int64(10**digits)
    quotient, rest = np.divmod(words, unit)
    # divmod rounds down: count up where the rest is over one half, or is one half of a positive value.
    half = unit // 2
    is_up = (rest > half) | ((rest == half) & (words >= 0))
    rounded: np.ndarray[Any, np.dtype[np.int64]] = quotient + is_up
    return rounded


def float_to_numeric_value(value: float, digits: int) -> Decimal:
    """A float as the NUMERIC of its first 15 (DOUBLE) or 6 (REAL) digits."""
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return INFINITY if value > 0 else MINUS_INFINITY
    return canonical(Decimal(f"{value:.{digits}g}"))


def float_to_numeric(digits: int) -> tuple[ScalarCast, VectorCast]:
    """A cast of REAL or DOUBLE to NUMERIC."""

    def vector(values: Vector, settings: TextSettings) -> Vector:
        return text_vector(
            [
                None if value is None else float_to_numeric_value(value, digits)
                for value in values.to_pylist()
            ]
        )

    return lambda value, settings: float_to_numeric_value(value, digits), vector


def numeric_to_double_value(value: Decimal) -> float:
    """The nearest DOUBLE. Raises 22003."""
    number = float(value)
    if math.isinf(number) and value.is_finite():
        raise NumericValueOutOfRange(
            f'"{numeric_text(value)}" is out of range for type double precision'
        )
    if number == 0.0 and value:
        raise NumericValueOutOfRange(
            f'"{numeric_text(value)}" is out of range for type double precision'
        )
    return number


def _numerics_to_doubles(values: Vector, settings: TextSettings) -> Vector:
    words = small_words(values)
    # Both numbers exact in 53 bits: then one division is correctly rounded.
    if words is not None and values.type.scale <= 22:
        if not len(words) or (words.min() >= -(2**53) and words.max() <= 2**53):
            return with_nulls_of(words.astype(np.float64) / 10.0**values.type.scale, values)
    found = [
        None if value is None else numeric_to_double_value(value)
        for value in numeric_values(values)
    ]
    return pa.array(found, pa.float64())


def numeric_to_real_value(value: Decimal) -> float:
    """The nearest REAL. Raises 22003."""
    if not value.is_finite():
        return float(value)
    single = to_single(float(value))
    if math.isinf(single) or (single == 0.0 and value):
        raise NumericValueOutOfRange(f'"{numeric_text(value)}" is out of range for type real')
    return single


NUMERIC_TO_DOUBLE: tuple[ScalarCast, VectorCast] = (
    lambda value, settings: numeric_to_double_value(value),
    _numerics_to_doubles,
)
NUMERIC_TO_REAL: tuple[ScalarCast, VectorCast | None] = (
    lambda value, settings: numeric_to_real_value(value),
    None,
)


def integer_to_oid_value(value: int, kind: TypeKind) -> int:
    """An OID from an integer: INTEGER keeps its bits, BIGINT must fit."""
    if kind is TypeKind.BIGINT:
        if not 0 <= value <= OID_MAX:
            raise out_of_range(TypeKind.OID)
        return value
    return value % 2**32


def oid_to_integer_value(value: int) -> int:
    """The INTEGER of the same 32 bits."""
    return value - 2**32 if value >= 2**31 else value
