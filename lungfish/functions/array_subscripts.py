"""Elements and parts of arrays by subscript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.errors import ArraySubscriptError, NullValueNotAllowed, ProgramLimitExceeded
from lungfish.types.array_value import EMPTY_ARRAY, ArrayValue

# What stands for the bounds that `a[:]` leaves out: every subscript there is lies between them.
OPEN_BOUNDS = (-(2**31), 2**31 - 1)
_NAME_SIZE_BYTES = 64


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


def name_byte(name: str, *indices: int) -> str | None:
    """A byte of a name, which PostgreSQL keeps as 64 of type "char", counted from 0 and filled with zeros."""
    if len(indices) != 1 or not 0 <= indices[0] < _NAME_SIZE_BYTES:
        return None
    return name.encode()[indices[0] : indices[0] + 1].decode("latin-1")


def slice_array(array: ArrayValue, *bounds: int) -> ArrayValue:
    """array[i:j][k:l]: the part within the bounds, counted from 1; of a null bound null."""
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    if len(pairs) > len(array.dimensions):
        return EMPTY_ARRAY
    starts, lengths = [], []
    for axis, (length, lower) in enumerate(zip(array.dimensions, array.lower_bounds, strict=True)):
        low, high = pairs[axis] if axis < len(pairs) else OPEN_BOUNDS
        first = max(low, lower)
        last = min(high, lower + length - 1)
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


# Assignment

_SIZE_MAX = 134_217_727


def set_element(array: ArrayValue | None, value: Any, *indices: int | None) -> ArrayValue:
    """The array after `a[i][j] = value`. One dimension grows as needed, with NULLs between. Raises 22004, 2202E."""
    if None in indices:
        raise NullValueNotAllowed("array subscript in assignment must not be null")
    places = [index for index in indices if index is not None]
    if array is None or not array.dimensions:
        return ArrayValue((value,), (1,) * len(places), tuple(places))
    if len(places) != len(array.dimensions):
        raise ArraySubscriptError("wrong number of array subscripts")
    if len(places) == 1:
        index = places[0]
        array = _grown(array, index, index)
        place = index - array.lower_bounds[0]
    else:
        place = 0
        for index, length, lower in zip(places, array.dimensions, array.lower_bounds, strict=True):
            if not 0 <= index - lower < length:
                raise ArraySubscriptError("array subscript out of range")
            place = place * length + index - lower
    elements = (*array.elements[:place], value, *array.elements[place + 1 :])
    return ArrayValue(elements, array.dimensions, array.lower_bounds)


def _grown(array: ArrayValue, first: int, last: int) -> ArrayValue:
    """A one-dimensional array made to reach from `first` to `last`, NULLs where there was nothing."""
    lower, length = array.lower_bounds[0], array.dimensions[0]
    before = max(lower - first, 0)
    after = max(last - (lower + length - 1), 0)
    if not before and not after:
        return array
    if length + before + after > _SIZE_MAX:
        raise _too_large()
    elements = (*(None,) * before, *array.elements, *(None,) * after)
    return ArrayValue(elements, (len(elements),), (lower - before,))


def _too_large() -> ProgramLimitExceeded:
    return ProgramLimitExceeded(f"array size exceeds the maximum allowed ({_SIZE_MAX})")


def set_slice(
    array: ArrayValue | None, source: ArrayValue | None, *bounds: int | None
) -> ArrayValue | None:
    """The array after `a[i:j] = source`; a missing bound (None) is the array's own. Raises 2202E."""
    if source is None:
        return array
    pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
    if array is None or not array.dimensions:
        return _new_from_slice(source, pairs)
    if len(pairs) > len(array.dimensions):
        raise ArraySubscriptError("wrong number of array subscripts")
    ends = []
    for axis, (length, lower) in enumerate(zip(array.dimensions, array.lower_bounds, strict=True)):
        low, high = pairs[axis] if axis < len(pairs) else (None, None)
        first = lower if low is None else low
        last = lower + length - 1 if high is None else high
        if first > last:
            raise ArraySubscriptError("upper bound cannot be less than lower bound")
        ends.append((first, last))
    _require_size(source, ends)
    if len(ends) == 1:
        first, last = ends[0]
        array = _grown(array, first, last)
    for (first, last), length, lower in zip(
        ends, array.dimensions, array.lower_bounds, strict=True
    ):
        if first < lower or last > lower + length - 1:
            raise ArraySubscriptError("array subscript out of range")
    elements = list(array.elements)
    starts = [first - lower for (first, _), lower in zip(ends, array.lower_bounds, strict=True)]
    lengths = [last - first + 1 for first, last in ends]
    places = _block(range(len(elements)), array.dimensions, starts, lengths)
    for place, item in zip(places, source.elements, strict=False):
        elements[place] = item
    return ArrayValue(tuple(elements), array.dimensions, array.lower_bounds)


def _new_from_slice(
    source: ArrayValue, pairs: Sequence[tuple[int | None, int | None]]
) -> ArrayValue:
    """What assigning a slice makes of an empty array: the slice is all that there is."""
    ends = []
    for low, high in pairs:
        if low is None or high is None:
            raise ArraySubscriptError(
                "array slice subscript must provide both boundaries",
                detail="When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
            )
        # Here a dimension may have nothing in it, as it may not in an array that has elements.
        if low > high + 1:
            raise _too_large()
        ends.append((low, high))
    _require_size(source, ends)
    lengths = tuple(high - low + 1 for low, high in ends)
    if 0 in lengths:
        return EMPTY_ARRAY
    count = 1
    for length in lengths:
        count *= length
    return ArrayValue(source.elements[:count], lengths, tuple(low for low, _ in ends))


def _require_size(source: ArrayValue, ends: Sequence[tuple[int, int]]) -> None:
    count = 1
    for first, last in ends:
        count *= last - first + 1
    if len(source.elements) < count:
        raise ArraySubscriptError("source array too small")
