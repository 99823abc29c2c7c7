"""Arrays with one slot a group that grow as groups appear: the storage of accumulators."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lungfish.functions.vector_tools import Mask
from lungfish.types.batch import Vector
from lungfish.types.numerics import validity

GroupIds = npt.NDArray[np.int64]


class GroupArray:
    """A NumPy array of one value a group; new slots get `fill`."""

    def __init__(self, dtype: npt.DTypeLike, fill: Any = 0) -> None:
        self._fill = fill
        self._slots: npt.NDArray[Any] = np.full(0, fill, dtype)

    def grow(self, group_count: int) -> npt.NDArray[Any]:
        """The array, with at least `group_count` slots. Room is doubled, so that growing costs little."""
        slots = self._slots
        if len(slots) < group_count:
            larger = np.full(max(group_count, 2 * len(slots)), self._fill, slots.dtype)
            larger[: len(slots)] = slots
            self._slots = slots = larger
        return slots

    def final(self, group_count: int) -> npt.NDArray[Any]:
        """The values of the first `group_count` groups."""
        return self.grow(group_count)[:group_count]


def keep_valid(group_ids: GroupIds, *vectors: Vector) -> tuple[GroupIds, Mask | None]:
    """The group ids of the rows where no vector is null, and the mask of these rows (None: all of them)."""
    mask: Mask | None = None
    for vector in vectors:
        if vector.null_count:
            own = validity(vector)
            mask = own if mask is None else mask & own
    return (group_ids, None) if mask is None else (group_ids[mask], mask)


def count_groups(counts: GroupArray, group_ids: GroupIds, group_count: int) -> None:
    """Add the number of rows of each group."""
    slots = counts.grow(group_count)
    if group_count == 1:
        slots[0] += len(group_ids)
    else:
        slots[:group_count] += np.bincount(group_ids, minlength=group_count)
