"""The internal value of an ARRAY: its elements in row-major order, with the shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.errors import ArraySubscriptError, NullValueNotAllowed


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """A rectangular array of internal values (None is a NULL element).

    `dimensions` are the lengths, outermost first; the empty array has none. `lower_bounds` are the subscripts of the
    first elements, 1 unless the text said otherwise.
    """

    elements: tuple[Any, ...]
    dimensions: tuple[int, ...]
    lower_bounds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.elements)

    @property
    def has_default_bounds(self) -> bool:
        """Whether every subscript starts at 1."""
        return all(bound == 1 for bound in self.lower_bounds)

    def nested(self) -> list[Any]:
        """The elements as lists in lists."""
        items: list[Any] = list(self.elements)
        for length in reversed(self.dimensions[1:]):
            items = [items[start : start + length] for start in range(0, len(items), length)]
        return items


EMPTY_ARRAY = ArrayValue((), (), ())


def have_same_shape(one: ArrayValue, other: ArrayValue) -> bool:
    """Whether two arrays have the same subscripts."""
    return one.dimensions == other.dimensions and one.lower_bounds == other.lower_bounds


def stack_arrays(parts: Sequence[ArrayValue]) -> ArrayValue:
    """The array with a dimension more whose parts are arrays of one shape, at least one."""
    elements = tuple([item for part in parts for item in part.elements])
    bounds = (1, *parts[0].lower_bounds)
    return ArrayValue(elements, (len(parts), *parts[0].dimensions), bounds)


def check_stackable(part: ArrayValue | None, first: ArrayValue | None) -> ArrayValue:
    """One more array to be stacked upon others, of which `first` is the first. Raises 22004, 2202E."""
    if part is None:
        raise NullValueNotAllowed("cannot accumulate null arrays")
    if not part.dimensions:
        raise ArraySubscriptError("cannot accumulate empty arrays")
    if first is not None and not have_same_shape(first, part):
        raise ArraySubscriptError("cannot accumulate arrays of different dimensionality")
    return part


def array_value(elements: Sequence[Any]) -> ArrayValue:
    """The one-dimensional array of `elements`, counted from 1."""
    if not elements:
        return EMPTY_ARRAY
    return ArrayValue(tuple(elements), (len(elements),), (1,))
