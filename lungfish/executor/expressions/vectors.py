"""Small tools that evaluators share: scalars and arrays told apart, subsets of a batch, masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.types.batch import BATCH_BYTES, Batch, Vector
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import to_values

VectorOrScalar: TypeAlias = pa.Array | pa.Scalar


def as_array(result: VectorOrScalar, row_count: int) -> Vector:
    """A result as an array of the batch's length."""
    if isinstance(result, pa.Scalar):
        if not result.is_valid:
            return pa.nulls(row_count, result.type)
        return pa.repeat(result, row_count)
    return result


def spread(results: Sequence[VectorOrScalar], row_count: int) -> Iterator[Batch]:
    """The results as columns: in several batches if the scalars are so large that all their copies would be too much for one."""
    width = sum(as_array(result, 1).nbytes for result in results if isinstance(result, pa.Scalar))
    if width * row_count <= BATCH_BYTES:
        yield Batch(tuple([as_array(result, row_count) for result in results]), row_count)
        return
    step = max(1, BATCH_BYTES // width)
    for first in range(0, row_count, step):
        count = min(step, row_count - first)
        columns = [
            as_array(result, count) if isinstance(result, pa.Scalar) else result.slice(first, count)
            for result in results
        ]
        yield Batch(tuple(columns), count)


def scalar_value(scalar: pa.Scalar, sql_type: SqlType) -> Any:
    """The internal value of an Arrow scalar."""
    return to_values(scalar_array(scalar), sql_type)[0]


def scalar_array(scalar: pa.Scalar) -> Vector:
    """An array of length one."""
    if not scalar.is_valid:
        return pa.nulls(1, scalar.type)
    return pa.repeat(scalar, 1)


def true_mask(condition: VectorOrScalar, row_count: int) -> pa.BooleanArray:
    """The rows where a condition is true: null counts as false."""
    array = as_array(condition, row_count)
    return array.fill_null(False) if array.null_count else array


def subset(batch: Batch, used: frozenset[int], indices: pa.Array) -> Batch:
    """The rows at `indices`, with only the `used` columns there; the others must not be looked at."""
    columns = tuple(
        column.take(indices) if index in used else None
        for index, column in enumerate(batch.columns)
    )
    return Batch(columns, len(indices))


def inverse_permutation(parts: list[npt.NDArray[np.int64]], row_count: int) -> pa.Array:
    """Where each row of the batch stands in the concatenation of disjoint `parts` that cover it."""
    order = np.concatenate(parts) if parts else np.empty(0, np.int64)
    inverse = np.empty(row_count, np.int64)
    inverse[order] = np.arange(row_count)
    return pa.array(inverse)
