"""Sorting many Python objects in calls that are short enough to be stopped between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

# So many are sorted in one call: some milliseconds.
RUN_COUNT = 16_384

Item = TypeVar("Item", bound=Any)


def in_order(items: Sequence[Item], look: Callable[[], None]) -> list[Item]:
    """`sorted`, with a call of `look` between parts of the work, which may raise to give up. The last part takes a comparison for each item."""
    runs = []
    for start in range(0, len(items), RUN_COUNT):
        look()
        runs.append(sorted(items[start : start + RUN_COUNT]))
    while len(runs) > 1:
        merged = []
        for start in range(0, len(runs), 2):
            look()
            # Python's sort sees that these are two runs, and merges them (timsort, Peters 2002).
            merged.append(sorted(chain.from_iterable(runs[start : start + 2])))
        runs = merged
    return runs[0] if runs else []
