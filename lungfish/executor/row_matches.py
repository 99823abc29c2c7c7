"""Pairs of matching rows: what every join makes before it makes columns.

A match is (row of the left batch, row of the kept right side), as two integer arrays. `RowLists` holds the right rows by code,
like the buckets of a hash table flattened into one array:

    order:   rows sorted by code        [ 4 0 7 | 2 | 1 3 ]
    starts:  where each code begins     [ 0     3   4     6 ]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lungfish.executor.integer_codes import UNKNOWN, Codes
from lungfish.types.batch import BATCH_ROW_COUNT, Batch, Vector

# Pairs are handed on in pieces of about this many, so that a skewed key cannot make one huge batch.
PAIR_COUNT_MAX = 4 * BATCH_ROW_COUNT
# In the place of a right row: there is none.
NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of rows; `left` ascends."""

    left: Codes
    right: Codes


class RowLists:
    """For each code the rows that have it."""

    def __init__(self, codes: Codes, code_count: int) -> None:
        rows = np.flatnonzero(codes != UNKNOWN)
        used = codes[rows]
        self._lengths = np.bincount(used, minlength=code_count)
        self.is_unique = code_count == len(rows)
        if self.is_unique:
            # One row a code: a plain table from code to row.
            self._order = np.empty(code_count, np.int64)
            self._order[used] = rows
        else:
            self._order = rows[np.argsort(used, kind="stable")]
        self._starts = np.concatenate(([0], np.cumsum(self._lengths)))

    @property
    def size_bytes(self) -> int:
        """The memory of the lists."""
        return int(self._order.nbytes + self._starts.nbytes + self._lengths.nbytes)

    def first_matches(self, codes: Codes) -> Matches:
        """For each row with a known code one of its pairs: enough where only existence counts."""
        left = np.flatnonzero(codes != UNKNOWN)
        first = codes[left] if self.is_unique else self._starts[codes[left]]
        return Matches(left, self._order[first])

    def matches(self, codes: Codes) -> Iterator[Matches]:
        """The pairs of the rows that have these codes (UNKNOWN: none), in pieces."""
        if self.is_unique:
            left = np.flatnonzero(codes != UNKNOWN)
            yield Matches(left, self._order[codes[left]])
            return
        left = np.flatnonzero(codes != UNKNOWN)
        used = codes[left]
        counts, starts = self._lengths[used], self._starts[used]
        for part in pieces(counts):
            yield Matches(
                np.repeat(left[part], counts[part]),
                self._order[ranges(starts[part], counts[part])],
            )


def cross_matches(left: Codes, right: Codes) -> Iterator[Matches]:
    """Every pair of the two."""
    counts = np.full(len(left), len(right))
    for part in pieces(counts):
        taken = left[part]
        yield Matches(np.repeat(taken, len(right)), np.tile(right, len(taken)))


def pieces(counts: Codes) -> Iterator[slice]:
    """Slices of `counts` whose sums stay near PAIR_COUNT_MAX (one element alone may be larger)."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = int(ends[start - 1]) if start else 0
        end = int(np.searchsorted(ends, done + PAIR_COUNT_MAX, side="right"))
        end = max(end, start + 1)
        yield slice(start, end)
        start = end


def ranges(starts: Codes, lengths: Codes) -> Codes:
    """The integers start, start + 1, ... (`length` of them) of each pair, one after the other."""
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    members: Codes = np.arange(total) + np.repeat(starts - before, lengths)
    return members


def take_rows(batch: Batch, rows: Codes) -> tuple[Vector, ...]:
    """The columns of the batch at `rows`; nulls for `NO_ROW`."""
    if len(rows) == batch.row_count and _is_identity(rows):
        return batch.columns
    is_none = rows == NO_ROW
    indices = pa.array(rows, mask=is_none) if is_none.any() else pa.array(rows)
    return tuple(column.take(indices) for column in batch.columns)


def _is_identity(rows: Codes) -> bool:
    return len(rows) == 0 or (rows[0] == 0 and bool((np.diff(rows) == 1).all()))
