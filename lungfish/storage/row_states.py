"""What many rows become, by column: how redo hands rows of the log to heap pages without an object for each.

A row's packed form stays where it was read (`buffers`); the columns say where. Rows are in the order of their addresses, none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lungfish.storage.ids import SLOT_BITS

Integers: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]

# The length of a row that is not there any more.
GONE = -1
# More distinct lengths than this share of the rows: then copying one by one is no slower than by length.
_LENGTH_SHARE = 16


@dataclass(frozen=True, slots=True)
class RowStates:
    """For each row: its address, the LSN of its last record, and its packed form there."""

    addresses: Integers
    lsns: Integers
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
            self.lsns[chosen],
            self.buffers,
            self.buffer_of[chosen],
            self.starts[chosen],
            self.lengths[chosen],
        )

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


def windows(buffer: Bytes, size: int) -> npt.NDArray[np.void]:
    """Every stretch of `size` bytes of a buffer as one item, by where it starts: to copy many at once."""
    count = max(0, len(buffer) - size + 1)
    return np.ndarray((count,), f"V{size}", buffer=buffer, strides=(1,))


def gather(
    buffers: Sequence[Bytes], buffer_of: Integers, starts: Integers, size: int
) -> npt.NDArray[np.void]:
    """Stretches of one size from several buffers, one behind the other."""
    found = np.empty(len(starts), f"V{size}")
    for number in np.unique(buffer_of).tolist():
        chosen = np.flatnonzero(buffer_of == number)
        if len(chosen) == len(starts):
            return windows(buffers[number], size)[starts]
        found[chosen] = windows(buffers[number], size)[starts[chosen]]
    return found


def copy_stretches(source: Bytes, starts: Integers, target: Bytes, to: Integers, sizes: Integers) -> None:  # fmt: skip
    """Copy stretches of any sizes: all of one length at a time, or one by one if there are too many lengths."""
    lengths = np.unique(sizes).tolist()
    if len(lengths) * _LENGTH_SHARE > len(sizes) + _LENGTH_SHARE:
        rows = zip(starts.tolist(), to.tolist(), sizes.tolist(), strict=True)
        source_view, target_view = source.data, target.data
        for start, place, size in rows:
            target_view[place : place + size] = source_view[start : start + size]
        return
    for length in lengths:
        if not length:
            continue
        if len(lengths) == 1:
            windows(target, length)[to] = windows(source, length)[starts]
        else:
            chosen = np.flatnonzero(sizes == length)
            windows(target, length)[to[chosen]] = windows(source, length)[starts[chosen]]
