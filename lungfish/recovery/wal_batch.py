"""Many records of the log at once: where they lie in a stretch that was read, found and checked without an object for each.

    stretch   | header body | header body | ... | header bo        all offsets are multiples of 8
                ^starts[0]    ^starts[1]        ^ `size` of the batch: where the first record that is not whole, or bad, begins

A header names its own LSN, so in the stretch seen as 64-bit words every header is a word that is its own position: one vectorised
compare finds all candidates, and a second one shows that each ends where the next begins. What a row holds may look like a header,
but it lies inside a record; the walk steps over it.

Invariants:
1. A batch's records lie one behind the other from the stretch's beginning, each at the LSN it names, each with the checksum it names.
2. What is not sound, or not whole, is not in the batch: the caller looks at the place where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from lungfish.recovery.wal_records import (
    BODY_SIZE_MAX,
    CHECKSUM_MASK,
    HEADER,
    Record,
)
from lungfish.storage.ids import LSN

Integers: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_LENGTH_MASK = np.uint64(0xFFFF_FFFF)
_CHECKSUM_SHIFT = np.uint64(32)

# Records that are longer on average are found one by one, as that looks at their headers only.
_LONG_RECORD_SIZE = 1024


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Whole, sound records that lie one behind the other. Offsets count from `base`, in bytes."""

    base: LSN
    data: memoryview
    # Of each record's header, and where its body ends.
    starts: Integers
    ends: Integers

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.starts)

    @property
    def size(self) -> int:
        """Where the last record ends."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def end(self) -> LSN:
        """The position after the last record."""
        return LSN(self.base + self.size)

    def words(self) -> Words:
        """The stretch as 64-bit words."""
        return np.frombuffer(self.data, "<u8", len(self.data) // 8)

    def bytes(self) -> Bytes:
        """The stretch as bytes."""
        return np.frombuffer(self.data, np.uint8)

    def record(self, index: int) -> Record:
        """One of them, as an object."""
        start, end = int(self.starts[index]), int(self.ends[index])
        body = self.data[start + HEADER.size : end]
        return Record(LSN(self.base + start), LSN(self.base + end), body)

    def records(self) -> Iterator[Record]:
        """All of them, oldest first."""
        base, data = self.base, self.data
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield Record(LSN(base + start), LSN(base + end), data[start + HEADER.size : end])


def batch_at(base: LSN, data: memoryview, seed: int, *, limit: int | None = None) -> RecordBatch:
    """The sound records from the beginning of a stretch that lies at `base`; none may end past `limit`.

    Requires: `base` is a multiple of 8.
    """
    starts, ends = _long_chain(base, data) or _chain(
        base, np.frombuffer(data, "<u8", len(data) // 8)
    )
    # The last may not be whole; and a life ends where its successor says.
    size = len(data) if limit is None else min(len(data), limit)
    whole = int(np.searchsorted(ends, size, side="right"))
    starts, ends = starts[:whole], ends[:whole]
    sound = _sound_count(data, starts, ends, seed)
    return RecordBatch(base, data, starts[:sound], ends[:sound])


def _long_chain(base: LSN, data: memoryview) -> tuple[Integers, Integers] | None:
    """`_chain` for long records, by going from one to the next; None once they turn out to be short ones."""
    starts, ends = [], []
    unpack, size = HEADER.unpack_from, len(data)
    at, left = 0, size // _LONG_RECORD_SIZE
    while at + HEADER.size <= size:
        length, _, lsn = unpack(data, at)
        if lsn != base + at or not 0 < length < BODY_SIZE_MAX or length & 7:
            break
        if not left:
            return None
        left -= 1
        starts.append(at)
        at += HEADER.size + length
        ends.append(at)
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _chain(base: LSN, words: Words) -> tuple[Integers, Integers]:
    """Where the headers that follow from the first one begin, and where their bodies end."""
    expected = np.arange(base, base + 8 * (len(words) - 1), 8, dtype=np.uint64)
    # The second word of a header is the position of the first.
    starts = 8 * np.flatnonzero(words[1:] == expected)
    lengths = (words[starts >> 3] & _LENGTH_MASK).astype(np.int64)
    is_header = (lengths > 0) & (lengths < BODY_SIZE_MAX) & (lengths & 7 == 0)
    if not is_header.all():
        starts, lengths = starts[is_header], lengths[is_header]
    ends = starts + (HEADER.size + lengths)
    if len(starts) and not starts[0] and (ends[:-1] == starts[1:]).all():
        return starts, ends
    kept = _walk(starts, ends)
    return starts[kept], ends[kept]


def _walk(starts: Integers, ends: Integers) -> Integers:
    """Which candidates are reached from offset 0, each from the end of the one before: not what only looks like a header."""
    kept = []
    fits = np.append(ends[:-1] == starts[1:], False)
    # Where the candidates stop following each other.
    breaks = np.flatnonzero(~fits)
    at, index = 0, 0
    while index < len(starts) and starts[index] == at:
        last = int(breaks[np.searchsorted(breaks, index)])
        kept.append(np.arange(index, last + 1))
        at = int(ends[last])
        index = int(np.searchsorted(starts, at))
    return np.concatenate(kept) if kept else np.zeros(0, np.int64)


def _sound_count(data: memoryview, starts: Integers, ends: Integers, seed: int) -> int:
    """How many records, from the first on, have the checksum that they name."""
    bodies = map(slice, (starts + HEADER.size).tolist(), ends.tolist())
    digests = map(xxh3_64_intdigest, map(data.__getitem__, bodies), repeat(seed))
    found = np.fromiter(digests, np.uint64, len(starts)) & np.uint64(CHECKSUM_MASK)
    stored = np.frombuffer(data, "<u8", len(data) // 8)[starts >> 3] >> _CHECKSUM_SHIFT
    wrong = np.flatnonzero(found != stored)
    return int(wrong[0]) if len(wrong) else len(starts)


assert HEADER.size == 16
