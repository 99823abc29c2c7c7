"""Aggregates over window frames wherever these begin and end, in a few steps a row however long the frames are.

    count, bool_and, bool_or, sum and avg of whole numbers and NUMERIC    differences of running totals (`prefix_sums.py`)
    min, max, sum and avg of floats                                       folds of ranges (`range_folds.py`)

(V. Leis et al., Efficient Processing of Window Functions in Analytical SQL Queries, VLDB 2015, do all by segment trees.) The results are
those of the accumulators of `functions`. Sums of floats depend on the order in which they are added: short frames are added
value by value as PostgreSQL does, by the caller; long ones in pieces, which may differ in the last digits and errs less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.frame_ranges import Range
from lungfish.executor.integer_codes import Codes
from lungfish.executor.prefix_sums import INTEGER_KINDS, integer_sums, numeric_sums, range_sums
from lungfish.executor.range_folds import fold_frames
from lungfish.executor.sort_keys import dense_ranks
from lungfish.types.batch import Vector
from lungfish.types.numerics import validity
from lungfish.types.sql_type import SqlType, TypeKind

Mask = npt.NDArray[np.bool_]

_FLOAT_KINDS = frozenset({TypeKind.REAL, TypeKind.DOUBLE})
# Frames that are shorter on the average are added value by value.
_FLOAT_LENGTH_MIN = 64


@dataclass(frozen=True, slots=True)
class FrameCall:
    """An aggregate call over frames."""

    name: str
    types: tuple[SqlType, ...]
    result: SqlType
    arguments: Sequence[Vector]
    # The rows that FILTER lets through; None: all.
    wanted: Mask | None
    ranges: tuple[Range, ...]
    # Raises if the statement is to stop.
    check: Callable[[], None]

    def valid(self) -> Mask:
        """The rows that count."""
        mask = np.ones(len(self.ranges[0][0]), np.bool_)
        if self.arguments:
            mask = validity(self.arguments[0])
        return mask if self.wanted is None else mask & self.wanted


def aggregate_frames(call: FrameCall) -> Vector | None:
    """The aggregate of each frame; None where this way is not open."""
    if len(call.arguments) > 1:
        return None
    match call.name:
        case "count":
            return pa.array(_count(call.valid(), call.ranges))
        case "sum" | "avg":
            return _sums(call)
        case "bool_and" | "every" | "bool_or":
            return _truths(call)
        case "min" | "max":
            return _extremes(call)
    return None


def _count(mask: Mask, ranges: Sequence[Range]) -> Codes:
    return range_sums(mask.astype(np.int64), ranges)


def _sums(call: FrameCall) -> Vector | None:
    values, kind, is_average = call.arguments[0], call.types[0].kind, call.name == "avg"
    valid = call.valid()
    if kind in INTEGER_KINDS:
        words = values.fill_null(0).to_numpy().astype(np.int64)
        return integer_sums(
            words, valid, call.ranges, call.check, result=call.result, is_average=is_average
        )
    if kind is TypeKind.NUMERIC:
        return numeric_sums(values, valid, call.ranges, call.check, is_average=is_average)
    return _float_sums(call, valid) if kind in _FLOAT_KINDS else None


def _float_sums(call: FrameCall, valid: Mask) -> Vector | None:
    lengths = sum((ends - starts for starts, ends in call.ranges), np.zeros(1, np.int64))
    if lengths.mean() < _FLOAT_LENGTH_MIN:
        return None
    is_average = call.name == "avg"
    is_single = call.types[0].kind is TypeKind.REAL and not is_average
    dtype = np.float32 if is_single else np.float64
    # What is added to -0.0 stays as it is.
    values = np.where(valid, call.arguments[0].fill_null(0.0).to_numpy(), -0.0).astype(dtype)
    finite = np.where(np.isfinite(values), values, 0.0)
    with np.errstate(all="ignore"):
        if not np.isfinite(np.abs(finite).sum(dtype=dtype)):
            # Where sums may overflow, it matters in which order they are added.
            return None
        sums, _ = fold_frames(np.add, values, call.ranges, call.check)
        counts = _count(valid, call.ranges)
        if is_average:
            sums = sums / np.maximum(counts, 1)
    return pa.array(sums + dtype(0), mask=counts == 0)


def _truths(call: FrameCall) -> Vector:
    valid = call.valid()
    is_any = call.name == "bool_or"
    values = call.arguments[0].fill_null(False).to_numpy(zero_copy_only=False)
    decisive = _count(valid & (values if is_any else ~values), call.ranges)
    found = decisive > 0 if is_any else decisive == 0
    return pa.array(found, mask=_count(valid, call.ranges) == 0)


def _extremes(call: FrameCall) -> Vector:
    """By the values' places in their order; of equal ones the last in the frame, as PostgreSQL has it."""
    values, is_max = call.arguments[0], call.name == "max"
    call.check()
    ranks = dense_ranks(values, call.types[0])
    call.check()
    count = len(values)
    rows = np.arange(count)
    # Rank before row in one number. The row counts backwards where the least number is looked for.
    keys = ranks * count + (rows if is_max else count - 1 - rows)
    nothing = -1 if is_max else np.iinfo(np.int64).max
    keys[~call.valid()] = nothing
    operation = np.maximum if is_max else np.minimum
    best, are_known = fold_frames(operation, keys, call.ranges, call.check)
    are_known &= best != nothing
    places = best % max(count, 1)
    places = places if is_max else count - 1 - places
    return values.take(pa.array(np.where(are_known, places, 0), mask=~are_known))
