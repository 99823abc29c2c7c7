"""The internal value of a RANGE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RangeValue:
    """Bounds of the element type; None is unbounded. An empty range has no bounds at all."""

    lower: Any = None
    upper: Any = None
    is_lower_inclusive: bool = False
    is_upper_inclusive: bool = False
    is_empty: bool = False


EMPTY_RANGE = RangeValue(is_empty=True)
