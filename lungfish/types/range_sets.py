"""Sets of ranges over one type: the order of bounds, and union, intersection and difference.

A bound's key puts it on a line with the others: (0, key of the value, shift), where the shift is +1 for a lower bound that leaves
its value out and -1 for such an upper bound; (-1,) and (1,) are the ends of the line. So a range holds what is between its two
keys, and two ranges touch where one's upper key and the other's lower key have the same value and shifts one apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lungfish.types.compare import comparison_key
from lungfish.types.range_value import EMPTY_RANGE, RangeValue
from lungfish.types.ranges import canonical_range
from lungfish.types.sql_type import SqlType

BoundKey = tuple[Any, ...]


class RangeLine:
    """The line of one range type, with its ranges."""

    def __init__(self, range_type: SqlType) -> None:
        element = range_type.element
        assert element is not None, "ranges have bounds of a type"
        self.range_type = range_type
        self._key = comparison_key(element) or (lambda value: value)

    def point(self, value: Any) -> BoundKey:
        """Where a value is."""
        return 0, self._key(value), 0

    def low(self, value: RangeValue) -> BoundKey:
        """Where a range that is not empty begins."""
        if value.lower is None:
            return (-1,)
        return 0, self._key(value.lower), 0 if value.is_lower_inclusive else 1

    def high(self, value: RangeValue) -> BoundKey:
        """Where a range that is not empty ends."""
        if value.upper is None:
            return (1,)
        return 0, self._key(value.upper), 0 if value.is_upper_inclusive else -1

    def holds(self, value: RangeValue, point: BoundKey) -> bool:
        """Whether the range contains what is at `point`."""
        return not value.is_empty and self.low(value) <= point <= self.high(value)

    def contains(self, outer: RangeValue, inner: RangeValue) -> bool:
        """Whether all of `inner` is in `outer`."""
        if inner.is_empty or outer.is_empty:
            return inner.is_empty
        return self.low(outer) <= self.low(inner) and self.high(inner) <= self.high(outer)

    def overlaps(self, left: RangeValue, right: RangeValue) -> bool:
        """Whether the two have a value in common."""
        if left.is_empty or right.is_empty:
            return False
        return self.low(left) <= self.high(right) and self.low(right) <= self.high(left)

    def is_before(self, left: RangeValue, right: RangeValue) -> bool:
        """Whether all of `left` is before all of `right`."""
        if left.is_empty or right.is_empty:
            return False
        return self.high(left) < self.low(right)

    def is_adjacent(self, left: RangeValue, right: RangeValue) -> bool:
        """Whether nothing fits between the two, and nothing is in both."""
        if left.is_empty or right.is_empty:
            return False
        return self.meets(left, right) or self.meets(right, left)

    def meets(self, left: RangeValue, right: RangeValue) -> bool:
        """Whether `right`, not empty either, begins just where `left` ends."""
        end, start = self.high(left), self.low(right)
        return len(end) == len(start) == 3 and end[1] == start[1] and end[2] + 1 == start[2]

    def span(self, left: RangeValue, right: RangeValue) -> RangeValue:
        """The smallest range with both in it. Of equal bounds, which may be written otherwise, it has those of `right`."""
        if left.is_empty or right.is_empty:
            return right if left.is_empty else left
        first = left if self.low(left) < self.low(right) else right
        last = left if self.high(left) > self.high(right) else right
        return RangeValue(
            first.lower, last.upper, first.is_lower_inclusive, last.is_upper_inclusive
        )

    def common(self, left: RangeValue, right: RangeValue) -> RangeValue:
        """What is in both."""
        if not self.overlaps(left, right):
            return EMPTY_RANGE
        first = left if self.low(left) >= self.low(right) else right
        last = left if self.high(left) <= self.high(right) else right
        made = RangeValue(
            first.lower, last.upper, first.is_lower_inclusive, last.is_upper_inclusive
        )
        return canonical_range(made, self.range_type)

    def without(self, left: RangeValue, right: RangeValue) -> list[RangeValue]:
        """What of `left` is not in `right`: none, one or two ranges."""
        if left.is_empty:
            return []
        if not self.overlaps(left, right):
            return [left]
        rest: list[RangeValue] = []
        if self.low(left) < self.low(right):
            rest.append(
                RangeValue(
                    left.lower, right.lower, left.is_lower_inclusive, not right.is_lower_inclusive
                )
            )
        if self.high(right) < self.high(left):
            rest.append(
                RangeValue(
                    right.upper, left.upper, not right.is_upper_inclusive, left.is_upper_inclusive
                )
            )
        return [canonical_range(each, self.range_type) for each in rest]

    # Several ranges: apart from each other, in order.

    def united(self, ranges: Iterable[RangeValue]) -> tuple[RangeValue, ...]:
        """The ranges in order, those that overlap or touch made one."""
        found: list[RangeValue] = []
        filled = [item for item in ranges if not item.is_empty]
        for each in sorted(filled, key=lambda item: (self.low(item), self.high(item))):
            if found and (self.overlaps(found[-1], each) or self.is_adjacent(found[-1], each)):
                found[-1] = self.span(found[-1], each)
            else:
                found.append(each)
        return tuple(found)

    def all_common(
        self, left: Sequence[RangeValue], right: Sequence[RangeValue]
    ) -> tuple[RangeValue, ...]:
        """What is in both sets."""
        return self.united(self.common(one, other) for one in left for other in right)

    def all_without(
        self, left: Sequence[RangeValue], right: Sequence[RangeValue]
    ) -> tuple[RangeValue, ...]:
        """What of `left` is in no range of `right`."""
        rest = list(left)
        for other in right:
            rest = [part for one in rest for part in self.without(one, other)]
        return self.united(rest)
