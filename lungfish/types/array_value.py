"""The internal value of an ARRAY: its elements in row-major order, with the shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


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


def array_value(elements: Sequence[Any]) -> ArrayValue:
    """The one-dimensional array of `elements`, counted from 1."""
    if not elements:
        return EMPTY_ARRAY
    return ArrayValue(tuple(elements), (len(elements),), (1,))
