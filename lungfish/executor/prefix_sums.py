"""count, sum and avg over any window frames at once: differences of running totals, which are exact for integers and NUMERIC.

    totals:  0  v0  v0+v1  v0+v1+v2 ...       sum of [start, end) = totals[end] - totals[start]

Totals are 64-bit integers where all of them fit, else Python's. A NUMERIC column whose values have no common form is brought to its
greatest scale; how many NaN and infinities a frame has is counted, and its own greatest scale, which the result shows, is found by
`range_folds.py`. Floats are not done so: differences of rounded totals are not what adding the frame's values gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish import errors
from lungfish.executor.frame_ranges import Range
from lungfish.executor.integer_codes import Codes
from lungfish.executor.range_folds import fold_frames
from lungfish.functions import numeric_math
from lungfish.types.batch import Vector
from lungfish.types.numerics import decimal_vector, numeric_values, scale_of, small_words
from lungfish.types.sql_type import NUMERIC, SqlType, TypeKind
from lungfish.types.vectors import build_vector

T = TypeVar("T")
Mask = npt.NDArray[np.bool_]
Totals = npt.NDArray[Any]
# Raises if the statement is to stop; asked every so many values.
Check = Callable[[], None]
_VALUES_BETWEEN_CHECKS = 4_096

INTEGER_KINDS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
_TOTAL_MAX = 2**63 - 1


def range_sums(values: Totals, ranges: Sequence[Range]) -> Totals:
    """The sum of the whole numbers in each frame: 64-bit where no running total can leave them, else Python's integers."""
    if values.dtype != object and not _fits(values):
        values = values.astype(object)
    totals = np.concatenate((np.zeros(1, values.dtype), np.cumsum(values)))
    sums: Totals = np.zeros(len(ranges[0][0]), values.dtype)
    for starts, ends in ranges:
        sums = sums + (totals[ends] - totals[starts])
    return sums


def _fits(words: Codes) -> bool:
    if not len(words):
        return True
    largest = max(abs(int(words.min())), abs(int(words.max())))
    return largest * len(words) <= _TOTAL_MAX


def integer_sums(
    words: Codes,
    valid: Mask,
    ranges: Sequence[Range],
    check: Check,
    *,
    result: SqlType,
    is_average: bool,
) -> Vector:
    """sum or avg of whole numbers, of the rows that are `valid`. Raises 22003."""
    counts = range_sums(valid.astype(np.int64), ranges)
    sums = range_sums(np.where(valid, words, 0), ranges)
    if is_average:
        return _averages(map(Decimal, sums.tolist()), counts, check)
    is_known = counts > 0
    if result.kind is TypeKind.BIGINT:
        if sums.dtype == object and any(not -(2**63) <= total < 2**63 for total in sums.tolist()):
            raise errors.NumericValueOutOfRange("bigint out of range")
        return pa.array(sums.astype(np.int64), mask=~is_known)
    return _numeric_sums(sums, is_known, 0)


def _numeric_sums(sums: Totals, is_known: Mask, scale: int) -> Vector:
    if sums.dtype != object:
        return decimal_vector(sums, scale=scale, valid=is_known)
    return build_vector(
        [
            numeric_math.scaled(total, scale) if known else None
            for total, known in zip(sums.tolist(), is_known.tolist(), strict=True)
        ],
        NUMERIC,
    )


def _watched(values: Iterable[T], check: Check) -> Iterator[T]:
    """The values, with a look at whether to stop every now and then."""
    for number, value in enumerate(values):
        if not number % _VALUES_BETWEEN_CHECKS:
            check()
        yield value


def _averages(sums: Iterable[Decimal], counts: Codes, check: Check) -> Vector:
    found = [
        numeric_math.divide(total, Decimal(count)) if count else None
        for total, count in zip(_watched(sums, check), counts.tolist(), strict=True)
    ]
    return build_vector(found, NUMERIC)


def numeric_sums(
    vector: Vector,
    valid: Mask,
    ranges: Sequence[Range],
    check: Check,
    *,
    is_average: bool,
) -> Vector:
    """sum or avg of NUMERIC, of the rows that are `valid`."""
    counts = range_sums(valid.astype(np.int64), ranges)
    words = small_words(vector)
    if words is not None:
        scale = vector.type.scale
        sums = range_sums(np.where(valid, words, 0), ranges)
        if not is_average:
            return _numeric_sums(sums, counts > 0, scale)
        totals = (numeric_math.scaled(total, scale) for total in sums.tolist())
        return _averages(totals, counts, check)
    found = _any_sums(numeric_values(vector), valid, ranges, check)
    if is_average:
        return _averages(found, counts, check)
    known = zip(found, counts.tolist(), strict=True)
    return build_vector([total if count else None for total, count in known], NUMERIC)


def _any_sums(
    values: Sequence[Decimal | None], valid: Mask, ranges: Sequence[Range], check: Check
) -> list[Decimal]:
    """The sums of numbers of any size and scale; NaN and the infinities are counted instead of added."""
    pairs = zip(_watched(values, check), valid.tolist(), strict=True)
    kept = [value if is_kept else None for value, is_kept in pairs]
    finite = [v if v is not None and v.is_finite() else None for v in kept]
    scales = np.array([0 if v is None else scale_of(v) for v in finite], np.int64)
    scale = int(scales.max()) if len(scales) else 0
    numbers = np.empty(len(finite), object)
    numbers[:] = [
        0 if v is None else numeric_math.unscaled(v, scale) for v in _watched(finite, check)
    ]
    sums = range_sums(numbers, ranges)
    own_scales, _ = fold_frames(np.maximum, scales, ranges, check)
    totals = zip(_watched(sums.tolist(), check), own_scales.tolist(), strict=True)
    found = [numeric_math.scaled(total // 10 ** (scale - own), own) for total, own in totals]
    for name, test in _SPECIAL.items():
        flags = np.array([v is not None and test(v) for v in kept], np.int64)
        for row in np.flatnonzero(range_sums(flags, ranges)) if flags.any() else ():
            found[row] = numeric_math.add(found[row], Decimal(name))
    return found


_SPECIAL: dict[str, Callable[[Decimal], bool]] = {
    "NaN": Decimal.is_nan,
    "Infinity": lambda value: value.is_infinite() and value > 0,
    "-Infinity": lambda value: value.is_infinite() and value < 0,
}
