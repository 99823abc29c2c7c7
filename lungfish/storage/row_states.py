"""What many rows become, by column: how redo hands rows of the log to heap pages without an object for each.

A row's packed form stays where it was read (`buffers`); the columns say where. Rows are in the order of their addresses, none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lungfish.storage.ids import LSN, SLOT_BITS

Integers: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]

# The length of a row that is not there any more.
GONE = -1
# More distinct lengths than this share of the rows: then copying one by one is no slower than by length.
_LENGTH_SHARE = 16
# Runs shorter than this on average are not worth a call of their own.
_RUN_LENGTH_MIN = 16


@dataclass(frozen=True, slots=True)
class RowStates:
    """For each row: its address, and its packed form there."""

    addresses: Integers
    # Of each buffer: the LSN behind it. What it holds is older.
    ends: Sequence[LSN]
    # The packed row: which buffer, from where, how long (GONE: there is no row).
    buffers: Sequence[Bytes]
    buffer_of: Integers
    starts: Integers
    lengths: Integers

    def __len__(self) -> int:
        return len(self.addresses)

    def pick(self, chosen: slice | Flags | Integers) -> RowStates:
        """Some of the rows."""
        return RowStates(
            self.addresses[chosen],
            self.ends,
            self.buffers,
            self.buffer_of[chosen],
            self.starts[chosen],
            self.lengths[chosen],
        )

    @property
    def end(self) -> LSN:
        """An LSN behind the records of all rows."""
        return self.ends[int(self.buffer_of.max())]

    def page_ids(self) -> Integers:
        """The page of each row."""
        return self.addresses >> SLOT_BITS

    def packed(self, index: int) -> bytes | None:
        """One row; None if it is gone."""
        length = int(self.lengths[index])
        if length == GONE:
            return None
        start = int(self.starts[index])
        return self.buffers[int(self.buffer_of[index])][start : start + length].tobytes()


def distinct(numbers: Integers) -> list[int]:
    """The different numbers, ascending. Most often there is one."""
    if not len(numbers):
        return []
    lowest = int(numbers.min())
    return [lowest] if lowest == int(numbers.max()) else np.unique(numbers).tolist()


def distinct_sorted(numbers: Integers) -> Integers:
    """The different ones of ascending numbers."""
    return numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]


def gather(
    buffers: Sequence[Bytes],
    buffer_of: Integers,
    starts: Integers,
    size: int,
    to: Bytes | None = None,
) -> npt.NDArray[np.void]:
    """Stretches of one size from several buffers, one behind the other, in `to` if that is given."""
    found = np.empty(len(starts) * size, np.uint8) if to is None else to
    places = np.arange(0, len(found), size)
    numbers = distinct(buffer_of)
    if len(numbers) == 1:
        copy_items(buffers[numbers[0]], starts, found, places, size)
        return found.view(f"V{size}")
    for number in numbers:
        chosen = np.flatnonzero(buffer_of == number)
        copy_items(buffers[number], starts[chosen], found, places[chosen], size)
    return found.view(f"V{size}")


def copy_stretches(source: Bytes, starts: Integers, target: Bytes, to: Integers, sizes: Integers) -> None:  # fmt: skip
    """Copy stretches of any sizes: all of one length at a time, or one by one if there are too many lengths."""
    lengths = distinct(sizes)
    if len(lengths) == 1:
        copy_items(source, starts, target, to, lengths[0])
    elif len(lengths) * _LENGTH_SHARE > len(sizes) + _LENGTH_SHARE:
        source_view, target_view = source.data, target.data
        for start, place, size in zip(starts.tolist(), to.tolist(), sizes.tolist(), strict=True):
            target_view[place : place + size] = source_view[start : start + size]
    else:
        for length in lengths:
            chosen = np.flatnonzero(sizes == length)
            copy_items(source, starts[chosen], target, to[chosen], length)


def copy_items(source: Bytes, starts: Integers, target: Bytes, to: Integers, size: int) -> None:
    """Copy stretches of one size. Where they lie at equal distances, as rows of one batch do, runs of them go as one array."""
    count = len(starts)
    if not count or not size:
        return
    if count > _RUN_LENGTH_MIN:
        source_steps, target_steps = np.diff(starts), np.diff(to)
        # A step of most of them, if there is such a thing.
        source_step, target_step = int(source_steps[count // 2]), int(target_steps[count // 2])
        breaks = np.flatnonzero((source_steps != source_step) | (target_steps != target_step)) + 1
        if len(breaks) * _RUN_LENGTH_MIN < count and source_step > 0 and target_step > 0:
            bounds = [0, *breaks.tolist(), count]
            froms, places = starts[bounds[:-1]].tolist(), to[bounds[:-1]].tolist()
            for start, place, (first, end) in zip(froms, places, pairwise(bounds), strict=True):
                shape = (end - first, size)
                taken = np.ndarray(shape, np.uint8, source, start, (source_step, 1))
                np.ndarray(shape, np.uint8, target, place, (target_step, 1))[:] = taken
            return
    _windows(target, size)[to] = _windows(source, size)[starts]


def _windows(buffer: Bytes, size: int) -> npt.NDArray[np.void]:
    """Every stretch of `size` bytes of a buffer as one item, by where it starts: to copy many at once."""
    count = max(0, len(buffer) - size + 1)
    return np.ndarray((count,), f"V{size}", buffer=buffer, strides=(1,))
