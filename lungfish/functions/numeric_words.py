"""Exact arithmetic on decimal128 vectors whose unscaled values fit 64 bits: the fast path of NUMERIC.

An operand is the int64 of each value without its decimal point, with the scale and a bound on the values' size; the bound shows
that a result cannot overflow, so that no row has to be looked at. Where it cannot be shown the caller takes the slow path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.functions.vector_tools import Argument, Mask, as_vector
from lungfish.types.numerics import decimal_vector, small_words, validity

WORD_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class WordOperand:
    """Unscaled values (0 for nulls) of one scale; none is larger than `bound`."""

    words: npt.NDArray[np.int64]
    scale: int
    bound: int
    valid: Mask | None
    is_scalar: bool

    def scaled_up(self, digits: int) -> WordOperand | None:
        """The same values with more digits after the point, or None where they may not fit."""
        if digits == 0:
            return self
        factor = 10**digits
        if factor >= WORD_LIMIT or self.bound * factor >= WORD_LIMIT:
            return None
        return WordOperand(
            self.words * np.int64(factor),
            self.scale + digits,
            self.bound * factor,
            self.valid,
            self.is_scalar,
        )


def word_operand(argument: Argument) -> WordOperand | None:
    """The operand of a NUMERIC argument, or None where it is not of the small form."""
    if not pa.types.is_decimal128(argument.type):
        return None
    vector = as_vector(argument)
    words = small_words(vector)
    if words is None:
        return None
    bound = max(int(words.max()), -int(words.min())) if len(words) else 0
    valid = validity(vector) if vector.null_count else None
    return WordOperand(words, vector.type.scale, bound, valid, isinstance(argument, pa.Scalar))


def aligned_operands(left: Argument, right: Argument) -> tuple[WordOperand, WordOperand] | None:
    """Two operands brought to the larger of their scales, or None."""
    one, other = word_operand(left), word_operand(right)
    if one is None or other is None:
        return None
    scale = max(one.scale, other.scale)
    one, other = one.scaled_up(scale - one.scale), other.scaled_up(scale - other.scale)
    return None if one is None or other is None else (one, other)


def joint_valid(one: WordOperand, other: WordOperand) -> Mask | None:
    """Where both operands are valid; None where they are everywhere."""
    if one.valid is None:
        return other.valid
    return one.valid if other.valid is None else one.valid & other.valid


def word_result(
    words: npt.NDArray[np.int64], scale: int, one: WordOperand, other: WordOperand
) -> Argument:
    """The NUMERIC vector (or scalar) of a result's unscaled values."""
    valid = joint_valid(one, other)
    if valid is not None and len(valid) != len(words):
        valid = np.broadcast_to(valid, words.shape)
    vector = decimal_vector(words, scale=scale, valid=valid)
    return vector[0] if one.is_scalar and other.is_scalar else vector


def add_words(left: Argument, right: Argument) -> Argument | None:
    """Left + right, or None."""
    return _add_or_subtract(left, right, np.add)


def subtract_words(left: Argument, right: Argument) -> Argument | None:
    """Left - right, or None."""
    return _add_or_subtract(left, right, np.subtract)


def _add_or_subtract(
    left: Argument, right: Argument, operation: Callable[..., Any]
) -> Argument | None:
    pair = aligned_operands(left, right)
    if pair is None or pair[0].bound + pair[1].bound >= WORD_LIMIT:
        return None
    return word_result(operation(pair[0].words, pair[1].words), pair[0].scale, *pair)


def multiply_words(left: Argument, right: Argument) -> Argument | None:
    """Left * right, or None."""
    one, other = word_operand(left), word_operand(right)
    if one is None or other is None or one.bound * other.bound >= WORD_LIMIT:
        return None
    scale = one.scale + other.scale
    return None if scale > 38 else word_result(one.words * other.words, scale, one, other)


def compare_words(
    left: Argument, right: Argument, operation: Callable[..., Any]
) -> Argument | None:
    """A comparison by a NumPy ufunc, or None."""
    pair = aligned_operands(left, right)
    if pair is None:
        return None
    one, other = pair
    found = operation(one.words, other.words)
    valid = joint_valid(one, other)
    mask = None if valid is None else ~np.broadcast_to(valid, found.shape)
    array = pa.array(found, mask=mask)
    return array[0] if one.is_scalar and other.is_scalar else array
