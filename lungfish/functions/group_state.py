"""Arrays with one place a group, which grow as groups come; and the passes over them that NumPy does fast.

Group ids are dense and start at 0. One group (no GROUP BY) is common enough to have its own short ways.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.types.batch import Vector
from lungfish.types.numerics import validity

GroupIds = npt.NDArray[np.int64]


def grown(
    state: npt.NDArray[np.generic], group_count: int, fill: float | int = 0
) -> npt.NDArray[np.generic]:
    """The array with room for `group_count` groups; doubled, so that growing stays cheap."""
    if len(state) >= group_count:
        return state
    larger = np.full(max(group_count, 2 * len(state)), fill, state.dtype)
    larger[: len(state)] = state
    return larger


def count_groups(group_ids: GroupIds, group_count: int) -> npt.NDArray[np.int64]:
    """How many rows each group has."""
    return np.bincount(group_ids, minlength=group_count).astype(np.int64, copy=False)


def valid_rows(group_ids: GroupIds, vector: Vector) -> tuple[GroupIds, Vector]:
    """The group ids and values of the rows whose value is not null."""
    if not vector.null_count:
        return group_ids, vector
    return group_ids[validity(vector)], vector.drop_null()


def add_to_groups(
    totals: npt.NDArray[np.int64], group_ids: GroupIds, values: npt.NDArray[np.int64]
) -> None:
    """`totals[group] += value` for each row."""
    if len(totals) == 1 or (len(group_ids) and int(group_ids.max()) == 0):
        totals[0] += values.sum()
    else:
        np.add.at(totals, group_ids, values)


def mask_vector(valid: npt.NDArray[np.bool_]) -> pa.Array:
    """A mask for Arrow: true where null."""
    return pa.array(~valid)


class RowsByGroup:
    """The rows of a batch put in the order of their groups: for aggregates that look at each group's values together."""

    def __init__(self, group_ids: GroupIds) -> None:
        self.order = np.argsort(group_ids, kind="stable")
        ordered = group_ids[self.order]
        starts = (
            np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
            if len(ordered)
            else np.empty(0, np.int64)
        )
        self.starts = starts
        self.ends = np.r_[starts[1:], len(ordered)] if len(starts) else starts
        # The group of each run of rows.
        self.groups = ordered[starts] if len(starts) else starts
