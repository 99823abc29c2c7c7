"""Page tables: where in the file each page of a relation is, and its checksum.

    PageTable ── chunks: [ chunk 0 | chunk 1 | ... ]      256 pages each
                              │
                              ├ locations  256 x u64      0 = a page of zeros, stored nowhere
                              └ checksums  256 x u64      xxh3-64 of the bytes stored

    location:   63      48 47    40 39    32 31              0
                |  zero  | tail  | head   |   first unit     |      head, tail: counts of 4 KiB units

A page is stored as its first `head` units and its last `tail` units, one after the other; the units between them are zero and
are not stored. This suits pages that fill from both ends (rows from the front, long values from the back) and those that
fill from the front only (tail = 0), and needs no word from the page's owner but that what is freed is zeroed.

A chunk in the file is its two arrays, little-endian: exactly one unit. Invariants:
1. A chunk held by more than one table is never changed: `freeze` shares all chunks, and `set` copies a shared one first.
2. A chunk's `address` is where the file has exactly this content, or None if the file does not have it.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lungfish.storage.ids import PageId

Units = NDArray[np.int64]

UNIT_SIZE = 4096
CHUNK_BITS = 8
CHUNK_PAGES = 1 << CHUNK_BITS
CHUNK_MASK = CHUNK_PAGES - 1
# The first unit of a page has 32 bits: 16 TiB of file.
UNIT_COUNT_MAX = 1 << 32
UNIT_MASK = UNIT_COUNT_MAX - 1

_ZEROS = array("Q", bytes(8 * CHUNK_PAGES))
assert len(_ZEROS.tobytes()) * 2 == UNIT_SIZE


class PageLocation(NamedTuple):
    """Where a page is stored."""

    first_unit: int
    # How many units of the page's beginning, and of its end, are stored.
    head: int
    tail: int

    @property
    def unit_count(self) -> int:
        return self.head + self.tail


class ChunkAddress(NamedTuple):
    """Where a chunk is stored, and its checksum."""

    unit: int
    checksum: int


def pack_location(first_unit: int, *, head: int, tail: int) -> int:
    """Pack a place; a page of zeros has no units and is 0."""
    return first_unit | head << 32 | tail << 40


def unpack_location(location: int) -> PageLocation:
    """The parts of a packed place."""
    return PageLocation(location & UNIT_MASK, location >> 32 & 0xFF, location >> 40)


def unit_count_of(location: int) -> int:
    """How many units a place takes."""
    return (location >> 32 & 0xFF) + (location >> 40)


class PageTableChunk:
    """The entries of 256 pages."""

    __slots__ = ("address", "checksums", "locations")

    def __init__(
        self,
        locations: array[int] | None = None,
        checksums: array[int] | None = None,
        address: ChunkAddress | None = None,
    ) -> None:
        self.locations = locations if locations is not None else array("Q", _ZEROS)
        self.checksums = checksums if checksums is not None else array("Q", _ZEROS)
        self.address = address

    def copy(self) -> PageTableChunk:
        return PageTableChunk(self.locations[:], self.checksums[:])

    def has_same_entries(self, other: PageTableChunk) -> bool:
        return self.locations == other.locations and self.checksums == other.checksums

    def runs_not_in(self, others: Iterable[PageTableChunk]) -> tuple[Units, Units]:
        """The first units and the unit counts of our pages where none of the others, chunks for the same pages, has its page too."""
        locations = np.frombuffer(self.locations, np.int64)
        is_ours = locations != 0
        for other in others:
            is_ours &= locations != np.frombuffer(other.locations, np.int64)
        ours = locations[is_ours]
        return ours & UNIT_MASK, _unit_counts(ours)

    @property
    def unit_count(self) -> int:
        """How many units all pages take together."""
        return int(_unit_counts(np.frombuffer(self.locations, np.int64)).sum())

    def encode(self) -> bytes:
        return _encode(self.locations) + _encode(self.checksums)

    @staticmethod
    def decode(data: bytes, address: ChunkAddress | None) -> PageTableChunk:
        half = len(data) // 2
        return PageTableChunk(_decode(data[:half]), _decode(data[half:]), address)


def _unit_counts(locations: Units) -> Units:
    counts: Units = (locations >> 32 & 0xFF) + (locations >> 40)
    return counts


class PageTable:
    """The pages of one relation. Not safe for threads by itself: the page store's lock guards it."""

    __slots__ = ("_own", "chunks", "page_count", "unit_count")

    def __init__(
        self,
        chunks: list[PageTableChunk] | None = None,
        *,
        page_count: int = 0,
        unit_count: int = 0,
    ) -> None:
        self.chunks = chunks if chunks is not None else []
        # Pages from this number on were never written.
        self.page_count = page_count
        # How many units all pages take together.
        self.unit_count = unit_count
        # The chunks that no other table shares.
        self._own: set[int] = set()

    def freeze(self) -> PageTable:
        """A table of the same entries that later changes of this one do not touch."""
        self._own.clear()
        return PageTable(self.chunks.copy(), page_count=self.page_count, unit_count=self.unit_count)

    def location(self, page_id: PageId) -> int:
        """Where a page is stored; 0 also for a page that the table does not have."""
        index = page_id >> CHUNK_BITS
        if index >= len(self.chunks):
            return 0
        return self.chunks[index].locations[page_id & CHUNK_MASK]

    def entry(self, page_id: PageId) -> tuple[int, int]:
        """Where a page is stored, and its checksum. Requires: page_id < page_count."""
        chunk = self.chunks[page_id >> CHUNK_BITS]
        index = page_id & CHUNK_MASK
        return chunk.locations[index], chunk.checksums[index]

    def set(self, page_id: PageId, location: int, checksum: int) -> int:
        """Note where a page is stored now; answers where it was before."""
        index = page_id >> CHUNK_BITS
        chunks = self.chunks
        while index >= len(chunks):
            self._own.add(len(chunks))
            chunks.append(PageTableChunk())
        chunk = chunks[index]
        if index not in self._own:
            chunk = chunks[index] = chunk.copy()
            self._own.add(index)
        chunk.address = None
        at = page_id & CHUNK_MASK
        before = chunk.locations[at]
        chunk.locations[at] = location
        chunk.checksums[at] = checksum
        self.unit_count += unit_count_of(location) - unit_count_of(before)
        if page_id >= self.page_count:
            self.page_count = page_id + 1
        return before

    def unit_count_not_in(self, others: Iterable[PageTable]) -> int:
        """How many units our pages take that none of the others has at the same page. Requires: no table changes meanwhile."""
        tables = list(others)
        count = 0
        for index, chunk in enumerate(self.chunks):
            theirs = [each.chunks[index] for each in tables if index < len(each.chunks)]
            if not any(each is chunk for each in theirs):
                count += int(chunk.runs_not_in(theirs)[1].sum())
        return count

    def adopt_equal_chunks(self, other: PageTable) -> None:
        """Share every chunk of `other` that has the same entries as ours: what it knows of the file is then ours too."""
        for index, (mine, theirs) in enumerate(zip(self.chunks, other.chunks, strict=False)):
            if mine is not theirs and mine.has_same_entries(theirs):
                self.chunks[index] = theirs
                self._own.discard(index)
        other._own.clear()


def _encode(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _decode(data: bytes) -> array[int]:
    values = array("Q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
