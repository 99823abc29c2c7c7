"""Any associative operation over many ranges of one column at once: n log n steps to prepare, one or two for each range.

A disjoint sparse table (N. Alon and B. Schieber, Optimal Preprocessing for Answering On-Line Product Queries, 1987): level k cuts the
column into blocks of 2 ** (k + 1) values and folds from the middle of each block outwards:

    values       a  b  c  d  e  f  g  h
    level 1   ab  b  c  cd   ef  f  g  gh           [0, 3) = ab + c
    level 2  abcd bcd cd d   e  ef efg efgh         [1, 6) = bcd + ef

The first and the last place of a range differ in a highest bit: at its level they lie on both sides of a block's middle. One
level is made, used and forgotten before the next, so that memory stays a few times the column's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lungfish.executor.frame_ranges import Range

Numbers = npt.NDArray[Any]


def fold_frames(
    operation: np.ufunc, values: Numbers, ranges: Sequence[Range], check: Callable[[], None]
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Each frame's values folded from the first to the last, and which frames have any. `check` is called between steps."""
    count = len(ranges[0][0])
    results = np.zeros(count, values.dtype)
    are_known = np.zeros(count, np.bool_)
    for starts, ends in ranges:
        rows = np.flatnonzero(ends > starts)
        found = fold_ranges(operation, values, (starts[rows], ends[rows]), check)
        before = are_known[rows]
        results[rows] = np.where(before, operation(results[rows], found), found)
        are_known[rows] = True
    return results, are_known


def fold_ranges(
    operation: np.ufunc, values: Numbers, ranges: Range, check: Callable[[], None]
) -> Numbers:
    """The values of each range folded; no range may be empty."""
    first, last = ranges[0], ranges[1] - 1
    results = values[first]
    differing = first ^ last
    level = 0
    while bool((differing >> level).any()):
        rows = np.flatnonzero(differing >> level == 1)
        if len(rows):
            check()
            table = _level(operation, values, level)
            results[rows] = operation(table[first[rows]], table[last[rows]])
        level += 1
    return results


def _level(operation: np.ufunc, values: Numbers, level: int) -> Numbers:
    if not level:
        return values
    half = 1 << level
    blocks = -(-len(values) // (2 * half))
    padded = np.zeros(blocks * 2 * half, values.dtype)
    padded[: len(values)] = values
    table = padded.reshape(blocks, 2, half)
    left, right = table[:, 0, ::-1], table[:, 1]
    folded = np.empty_like(table)
    if half <= _SHORT:
        _accumulate_columns(operation, left, folded[:, 0, ::-1])
        _accumulate_columns(operation, right, folded[:, 1])
    else:
        # From the middle leftwards, each further value stands before those folded so far.
        operation.accumulate(left, axis=1, out=folded[:, 0, ::-1])
        operation.accumulate(right, axis=1, out=folded[:, 1])
    return folded.reshape(-1)


# Blocks as short as this are folded all at once, a place at a time.
_SHORT = 32


def _accumulate_columns(operation: np.ufunc, values: Numbers, out: Numbers) -> None:
    out[:, 0] = values[:, 0]
    for place in range(1, values.shape[1]):
        operation(out[:, place - 1], values[:, place], out=out[:, place])
