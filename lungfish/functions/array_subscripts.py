"""Elements and parts of arrays by subscript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.types.array_value import EMPTY_ARRAY, ArrayValue


def subscript(array: ArrayValue, *indices: int | None) -> Any:
    """array[i], array[i][j]: NULL outside of the bounds, or with another number of subscripts than dimensions."""
    if len(indices) != len(array.dimensions) or None in indices:
        return None
    place = 0
    for index, length, lower in zip(indices, array.dimensions, array.lower_bounds, strict=True):
        assert index is not None
        offset = index - lower
        if not 0 <= offset < length:
            return None
        place = place * length + offset
    return array.elements[place]


def slice_array(array: ArrayValue | None, *bounds: int | None) -> ArrayValue | None:
    """array[i:j][k:l]: the part within the bounds, counted from 1. A missing bound (None) is the array's own."""
    if array is None:
        return None
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    if len(pairs) > len(array.dimensions):
        return EMPTY_ARRAY
    starts, lengths = [], []
    for axis, (length, lower) in enumerate(zip(array.dimensions, array.lower_bounds, strict=True)):
        low, high = pairs[axis] if axis < len(pairs) else (None, None)
        first = lower if low is None else max(low, lower)
        last = lower + length - 1 if high is None else min(high, lower + length - 1)
        if first > last:
            return EMPTY_ARRAY
        starts.append(first - lower)
        lengths.append(last - first + 1)
    elements = _block(array.elements, array.dimensions, starts, lengths)
    return ArrayValue(tuple(elements), tuple(lengths), (1,) * len(lengths))


def _block(
    elements: Sequence[Any],
    dimensions: Sequence[int],
    starts: Sequence[int],
    lengths: Sequence[int],
) -> list[Any]:
    if len(dimensions) == 1:
        return list(elements[starts[0] : starts[0] + lengths[0]])
    size = len(elements) // dimensions[0]
    found: list[Any] = []
    for row in range(starts[0], starts[0] + lengths[0]):
        part = elements[row * size : (row + 1) * size]
        found += _block(part, dimensions[1:], starts[1:], lengths[1:])
    return found


# Sizes
