"""Exact sums of integers and decimals by group, at NumPy's speed and without overflow.

A 64-bit value is added as two halves of 32 bits, a 128-bit one as four; 2**31 rows fit before a half's sum could overflow. Where a
batch's largest value shows that whole sums fit 64 bits, they are added as they are. The halves are put together at the end, as
Python integers.
"""

from __future__ import annotations

import numpy as np

from lungfish.functions.group_state import GroupArray, GroupIds
from lungfish.types.batch import Vector
from lungfish.types.numerics import Words, decimal_words, validity

_LOW_HALF = np.int64(0xFFFFFFFF)
_PLAIN_LIMIT = 2**62


class ExactSum:
    """Sums of int64 or of 128-bit values."""

    def __init__(self) -> None:
        # Sums of halves, by the power of 2**32 that they count.
        self._parts: dict[int, GroupArray] = {}
        self._plain = GroupArray(np.int64)
        # No group's plain sum can be larger than this.
        self._plain_bound = 0

    def add(self, group_ids: GroupIds, group_count: int, values: Words) -> None:
        """Add int64 values to their groups."""
        if not len(values):
            return
        bound = max(abs(int(values.min())), abs(int(values.max()))) * len(values)
        if self._plain_bound + bound < _PLAIN_LIMIT:
            self._plain_bound += bound
            _add_to(self._plain, group_ids, group_count, values)
            return
        self._add_part(0, group_ids, group_count, values & _LOW_HALF)
        self._add_part(1, group_ids, group_count, values >> 32)

    def add_wide(self, group_ids: GroupIds, group_count: int, vector: Vector) -> None:
        """Add the unscaled values of a decimal128 vector without nulls."""
        words = decimal_words(vector)
        low, high = words[:, 0], words[:, 1]
        self._add_part(0, group_ids, group_count, low & _LOW_HALF)
        self._add_part(1, group_ids, group_count, (low >> 32) & _LOW_HALF)
        self._add_part(2, group_ids, group_count, high & _LOW_HALF)
        self._add_part(3, group_ids, group_count, high >> 32)

    def _add_part(self, power: int, group_ids: GroupIds, group_count: int, values: Words) -> None:
        part = self._parts.get(power)
        if part is None:
            part = self._parts[power] = GroupArray(np.int64)
        _add_to(part, group_ids, group_count, values)

    def totals(self, group_count: int) -> list[int]:
        """The sum of each group."""
        totals: list[int] = self._plain.final(group_count).tolist()
        for power, part in self._parts.items():
            sums = part.final(group_count).tolist()
            totals = [
                total + (own << (32 * power)) for total, own in zip(totals, sums, strict=True)
            ]
        return totals

    def plain_totals(self, group_count: int) -> Words | None:
        """The sums as int64 where none had to be split, else None."""
        return None if self._parts else self._plain.final(group_count)


def _add_to(slots: GroupArray, group_ids: GroupIds, group_count: int, values: Words) -> None:
    sums = slots.grow(group_count)
    if group_count == 1:
        sums[0] += values.sum()
    else:
        np.add.at(sums, group_ids, values)


def valid_part(vector: Vector, group_ids: GroupIds) -> tuple[Vector, GroupIds]:
    """The rows that are not null."""
    if not vector.null_count:
        return vector, group_ids
    return vector.drop_null(), group_ids[validity(vector)]
