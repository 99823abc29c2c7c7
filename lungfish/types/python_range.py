"""A range as Python gets it, and gives it: psycopg's `Range` in its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lungfish.types.range_text import format_range
from lungfish.types.range_value import EMPTY_RANGE, RangeValue


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of any type that has an order; None is unbounded. `bounds` says which are part of the range."""

    lower: Any = None
    upper: Any = None
    bounds: str = "[)"
    isempty: bool = False

    def __post_init__(self) -> None:
        if self.bounds not in ("[)", "[]", "(]", "()"):
            raise ValueError(f"bounds must be one of [), [], (], (): {self.bounds!r}")

    @property
    def lower_inc(self) -> bool:
        """Whether the lower bound is part of the range."""
        return self.lower is not None and self.bounds[0] == "["

    @property
    def upper_inc(self) -> bool:
        """Whether the upper bound is part of the range."""
        return self.upper is not None and self.bounds[1] == "]"

    def __contains__(self, item: Any) -> bool:
        if self.isempty:
            return False
        if self.lower is not None:
            if item < self.lower or (item == self.lower and not self.lower_inc):
                return False
        if self.upper is not None:
            return bool(item < self.upper or (item == self.upper and self.upper_inc))
        return True

    def __bool__(self) -> bool:
        return not self.isempty

    def __str__(self) -> str:
        """PostgreSQL's text of the range, from which the database reads it."""
        if self.isempty:
            return format_range(EMPTY_RANGE, str)
        value = RangeValue(self.lower, self.upper, self.lower_inc, self.upper_inc)
        return format_range(value, str)
