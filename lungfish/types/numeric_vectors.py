"""Rescaling of NUMERIC vectors to a declared precision and scale."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lungfish.types.batch import Vector
from lungfish.types.casts_numbers import round_words
from lungfish.types.numerics import (
    DECIMAL128_DIGITS_MAX,
    Words,
    build_numeric_vector,
    decimal_vector,
    fit_decimal,
    numeric_values,
    small_words,
    validity,
)


def fit_numeric_vector(values: Vector, precision: int, scale: int) -> Vector:
    """A NUMERIC vector rounded to (precision, scale), precision at most 38. Raises 22003."""
    words = small_words(values)
    if words is not None:
        fitted = _fit_words(words, values.type.scale, precision, scale)
        if fitted is not None:
            valid = validity(values) if values.null_count else None
            wide = decimal_vector(fitted, scale=scale, valid=valid)
            return with_precision(wide, precision)
    found = [
        None if value is None else fit_decimal(value, precision, scale)
        for value in numeric_values(values)
    ]
    return build_numeric_vector(found, precision, scale)


def _fit_words(words: Words, from_scale: int, precision: int, scale: int) -> Words | None:
    """The unscaled values at the other scale, or None where they may not fit (the slow way then tells)."""
    shift = scale - from_scale
    if shift < 0:
        words = round_words(words, -shift)
    largest = int(max(-int(words.min()), int(words.max()))) if len(words) else 0
    if shift > 0:
        largest *= 10**shift
        if largest >= 2**63:
            return None
        words = words * np.int64(10**shift)
    return words if largest < 10**precision else None


def with_precision(vector: Vector, precision: int) -> Vector:
    """The same decimal128 values under another precision, without a check or a copy."""
    if vector.type.precision == precision:
        return vector
    assert precision <= DECIMAL128_DIGITS_MAX
    narrow = pa.decimal128(precision, vector.type.scale)
    return pa.Array.from_buffers(
        narrow, len(vector), vector.buffers(), vector.null_count, vector.offset
    )
