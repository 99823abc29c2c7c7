"""count and sum over any window frames at once: differences of running totals, where these are exact.

    totals:  0  v0  v0+v1  v0+v1+v2 ...       sum of [start, end) = totals[end] - totals[start]

That holds for integers and for NUMERIC in its decimal128 form, as long as the totals fit 64 bits. Floats are not done so:
differences of rounded totals are not what adding the frame's values gives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.integer_codes import Codes
from lungfish.executor.window_frame import Frames
from lungfish.types.batch import Vector
from lungfish.types.numerics import decimal_vector, small_words, validity
from lungfish.types.sql_type import SqlType, TypeKind

Mask = npt.NDArray[np.bool_]

_INTEGER_KINDS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
_TOTAL_MAX = 2**63 - 1


def prefix_aggregate(
    name: str,
    arguments: Sequence[Vector],
    types: Sequence[SqlType],
    result: SqlType,
    frames: Frames,
    wanted: Mask | None,
) -> Vector | None:
    """count or sum of each frame; None where this way is not open. `wanted`: the rows that FILTER lets through."""
    if len(arguments) > 1 or name not in ("count", "sum"):
        return None
    valid = np.ones(len(frames.starts), np.bool_)
    if arguments:
        valid = validity(arguments[0])
    if wanted is not None:
        valid = valid & wanted
    counts = _differences(valid.astype(np.int64), frames)
    if name == "count":
        return pa.array(counts)
    words = _words(arguments[0], types[0])
    if words is None or not _fits(words):
        return None
    sums = _differences(np.where(valid, words, 0), frames)
    is_known = counts > 0
    if result.kind is TypeKind.BIGINT:
        return pa.array(sums, mask=~is_known)
    scale = arguments[0].type.scale if pa.types.is_decimal(arguments[0].type) else 0
    return decimal_vector(sums, scale=scale, valid=is_known)


def _words(vector: Vector, sql_type: SqlType) -> Codes | None:
    """The values as exact 64-bit integers; what stands for a null does not matter."""
    if sql_type.kind in _INTEGER_KINDS:
        integers: Codes = vector.fill_null(0).to_numpy().astype(np.int64)
        return integers
    if sql_type.kind is TypeKind.NUMERIC:
        return small_words(vector)
    return None


def _fits(words: Codes) -> bool:
    """Whether no running total can leave 64 bits."""
    if not len(words):
        return True
    largest = max(abs(int(words.min())), abs(int(words.max())))
    return largest * len(words) <= _TOTAL_MAX


def _differences(values: Codes, frames: Frames) -> Codes:
    totals = np.concatenate(([0], np.cumsum(values)))
    found: Codes = totals[frames.ends] - totals[frames.starts]
    return found
