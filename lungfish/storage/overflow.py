"""Overflow pages: values too long for their row's page, cut into chunks.

    0        24                                       page size
    +--------+--------+--------+- - - -+-------------------+
    | header | slot 0 | slot 1 |  gap  |      chunks       |
    +--------+--------+--------+- - - -+-------------------+

    header: magic 2s "LO", version u1, pad, slot count u4, used count u4, chunks start u4, garbage u4, pad u4
    slot:   offset u4 (0: free), size u4
    chunk:  next chunk's page + 1 u4 (0: the last), its slot u4, then its share of the value

A value longer than a page fills pages of its own and puts its rest on a shared page, where short overflowed values live side by
side (a row whose page is full sends even short ones here). Chunks stay in their slots; the bytes move when a page is compacted.

Invariants:
1. A value is written once and never changed. It belongs to exactly one row version, and is freed when that is purged or undone.
2. A chain is written wholly, or not at all, in one passage of the fence: all pages it needs are fetched before the first change.
   Freeing is the same. Cut off by an exception from outside, chunks may be lost until the table is rewritten, but none that is
   pointed to.
3. As long as some snapshot can see the version that owns a value, its chunks stay in their slots: so a reader may take the latch for
   each chunk anew.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from lungfish.errors import CorruptPage
from lungfish.storage.free_space import FreeSpace
from lungfish.storage.ids import LSN, PageId
from lungfish.storage.relation_pages import Frame, PageMiss, RelationPages
from lungfish.storage.rows import OverflowPointer

MAGIC = b"LO"
VERSION = 1
_HEADER = struct.Struct("<2sBxIIII4x")
_HEADER_SIZE = 24
_SLOT = struct.Struct("<II")
_LINK = struct.Struct("<II")
# Chunks are compacted for the sake of garbage only when it is at least this share of the page.
_COMPACTION_SHARE = 16
# How many pages with room are looked at before a new one is taken.
_CANDIDATE_COUNT = 3


Result = TypeVar("Result")


def run_with_pages(operation: Callable[[], Result]) -> Result:
    """Do the operation, again from its beginning after each page that was not in memory. No latch may be held."""
    while True:
        try:
            return operation()
        except PageMiss as miss:
            miss.load()


class Overflow:
    """The overflow pages of one heap. Their latch may be taken under the heap's, never the other way round."""

    def __init__(self, pages: RelationPages, page_size: int) -> None:
        self.pages = pages
        self._page_size = page_size
        self.chunk_size_max = page_size - _HEADER_SIZE - _SLOT.size - _LINK.size
        self.free_space = FreeSpace(page_size, _SLOT.size + _LINK.size + 1)

    # Reading

    def read(self, pointer: OverflowPointer) -> bytes:
        """The value. No latch may be held: pages are loaded as they are needed (invariant 3)."""
        parts = []
        left, page_id, slot = pointer
        while left > 0:
            chunk, number, slot = self._read_chunk(PageId(page_id), slot)
            parts.append(chunk)
            left -= len(chunk)
            page_id = number - 1
            if (left > 0) != (number > 0):
                break
        if left:
            raise CorruptPage(f"an overflowed value of {pointer.size} bytes lacks {left}")
        return b"".join(parts)

    def _read_chunk(self, page_id: PageId, slot: int) -> tuple[bytes, int, int]:
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    data = pages.fetch(page_id).data
                    offset, size = self._slot(data, page_id, slot)
                    number, next_slot = _LINK.unpack_from(data, offset)
                    return bytes(data[offset + _LINK.size : offset + size]), number, next_slot
            except PageMiss as miss:
                miss.load()

    def _slot(self, data: bytearray, page_id: PageId, slot: int) -> tuple[int, int]:
        """A used slot's offset and size, checked."""
        magic, version, slots, _, start, _ = _HEADER.unpack_from(data, 0)
        if magic == MAGIC and version == VERSION and slot < slots:
            offset, size = _SLOT.unpack_from(data, _HEADER_SIZE + slot * _SLOT.size)
            if start <= offset and size > _LINK.size and offset + size <= len(data):
                return offset, size
        raise CorruptPage(f"overflow page {page_id} of relation has no chunk {slot}")

    def chain(self, first: OverflowPointer) -> list[tuple[Frame, int]]:
        """The frame and slot of each of a value's chunks. Under the latch; raises PageMiss."""
        chain = []
        number, slot = first.page_id + 1, first.slot
        while number:
            frame = self.pages.fetch(PageId(number - 1))
            chain.append((frame, slot))
            offset, _ = self._slot(frame.data, frame.page_id, slot)
            number, slot = _LINK.unpack_from(frame.data, offset)
            if len(chain) > first.size:
                raise CorruptPage(
                    f"an overflowed value of {first.size} bytes has a cycle of chunks"
                )
        return chain

    def load(self, pointer: OverflowPointer) -> None:
        """Bring a value's pages into memory. No latch may be held."""
        number, slot = pointer.page_id + 1, pointer.slot
        while number:
            _, number, slot = self._read_chunk(PageId(number - 1), slot)

    def read_resident(self, pointer: OverflowPointer) -> bytes:
        """The value, read under the heap's latch, of a version that may go at any time. Raises PageMiss."""
        with self.pages.latch:
            parts = []
            for frame, slot in self.chain(pointer):
                offset, size = self._slot(frame.data, frame.page_id, slot)
                parts.append(frame.data[offset + _LINK.size : offset + size])
        return b"".join(parts)

    # Writing

    def replace(
        self, freed: Sequence[OverflowPointer], values: Sequence[bytes], lsn: LSN
    ) -> list[OverflowPointer]:
        """Free some values and store others. Inside the fence; under the heap's latch if a row still points to what is freed.

        Raises PageMiss before any change (invariant 2).
        """
        with self.pages.latch:
            chunks = [chunk for pointer in freed for chunk in self.chain(pointer)]
            self._fetch_shared_pages(values)
            for frame, slot in chunks:
                self._erase_chunk(self.pages.writable(frame, lsn), slot)
                self._note_room(frame)
            return [self._write_one(value, lsn) for value in values]

    def _fetch_shared_pages(self, values: Sequence[bytes]) -> None:
        """Have every page in memory that writing the values may look at."""
        for value in values:
            full_count, rest = divmod(len(value), self.chunk_size_max)
            if full_count:
                # One more, for the rest may take one of them.
                for page_id in self._candidates(self.chunk_size_max, full_count + 1):
                    self.pages.fetch(page_id)
            for page_id in self._candidates(rest):
                self.pages.fetch(page_id)

    def _candidates(self, size: int, count: int = _CANDIDATE_COUNT) -> list[PageId]:
        """Pages to try for a chunk; few, because each must be in memory."""
        needed = size + _LINK.size + _SLOT.size
        return list(islice(self.free_space.candidates(needed), count))

    def _write_one(self, value: bytes, lsn: LSN) -> OverflowPointer:
        """Write the chunks last to first, so that each knows the next."""
        size_max = self.chunk_size_max
        number, slot = 0, 0
        for start in reversed(range(0, len(value), size_max)):
            chunk = value[start : start + size_max]
            frame = self._page_for(len(chunk))
            slot = self._add_chunk(self.pages.writable(frame, lsn), chunk, number, slot)
            self._note_room(frame)
            number = frame.page_id + 1
        return OverflowPointer(len(value), number - 1, slot)

    def _page_for(self, size: int) -> Frame:
        needed = size + _LINK.size + _SLOT.size
        for page_id in self._candidates(size):
            frame = self.pages.frames.get(page_id)
            # A page that was not there when `_fetch_shared_pages` asked is passed over: no miss may happen now.
            if frame is not None and self._room(frame.data) >= needed:
                return frame
        return self.pages.allocate()

    def _room(self, data: bytearray) -> int:
        """What a chunk with its slot may take."""
        if not data[0]:
            return self._page_size - _HEADER_SIZE
        _, _, slots, _, start, garbage = _HEADER.unpack_from(data, 0)
        gap: int = start - _HEADER_SIZE - slots * _SLOT.size
        return gap + (garbage if garbage * _COMPACTION_SHARE >= self._page_size else 0)

    def _note_room(self, frame: Frame) -> None:
        self.free_space.note(frame.page_id, self._room(frame.data))

    def _add_chunk(self, data: bytearray, chunk: bytes, number: int, slot: int) -> int:
        """Put a chunk on a page that has room for it; answer its slot."""
        if not data[0]:
            _HEADER.pack_into(data, 0, MAGIC, VERSION, 0, 0, self._page_size, 0)
        _, _, slots, used, start, garbage = _HEADER.unpack_from(data, 0)
        free_slot = slots if used == slots else self._free_slot(data, slots)
        size = len(chunk) + _LINK.size
        if start - size < _HEADER_SIZE + max(slots, free_slot + 1) * _SLOT.size:
            start, garbage = self._compact(data), 0
        start -= size
        _LINK.pack_into(data, start, number, slot)
        data[start + _LINK.size : start + size] = chunk
        _SLOT.pack_into(data, _HEADER_SIZE + free_slot * _SLOT.size, start, size)
        slots = max(slots, free_slot + 1)
        _HEADER.pack_into(data, 0, MAGIC, VERSION, slots, used + 1, start, garbage)
        return free_slot

    def _free_slot(self, data: bytearray, slots: int) -> int:
        for slot in range(slots):
            if not _SLOT.unpack_from(data, _HEADER_SIZE + slot * _SLOT.size)[0]:
                return slot
        return slots

    def _compact(self, data: bytearray) -> int:
        """Write the chunks anew, without gaps; answer where they start now. In one step: see heap_page.py."""
        _, _, slots, used, old_start, _ = _HEADER.unpack_from(data, 0)
        compacted = bytearray(data)
        compacted[old_start:] = bytes(self._page_size - old_start)
        start = self._page_size
        for at in range(_HEADER_SIZE, _HEADER_SIZE + slots * _SLOT.size, _SLOT.size):
            offset, size = _SLOT.unpack_from(data, at)
            if offset:
                start -= size
                compacted[start : start + size] = data[offset : offset + size]
                _SLOT.pack_into(compacted, at, start, size)
        _HEADER.pack_into(compacted, 0, MAGIC, VERSION, slots, used, start, 0)
        data[:] = compacted
        return start

    # Freeing

    def _erase_chunk(self, data: bytearray, slot: int) -> None:
        _, _, slots, used, start, garbage = _HEADER.unpack_from(data, 0)
        at = _HEADER_SIZE + slot * _SLOT.size
        offset, size = _SLOT.unpack_from(data, at)
        _SLOT.pack_into(data, at, 0, 0)
        if offset == start:
            data[start : start + size] = bytes(size)
            start += size
        else:
            garbage += size
        while slots and not _SLOT.unpack_from(data, _HEADER_SIZE + (slots - 1) * _SLOT.size)[0]:
            slots -= 1
        if slots:
            _HEADER.pack_into(data, 0, MAGIC, VERSION, slots, used - 1, start, garbage)
        else:
            data[:] = bytes(self._page_size)

    # Free space

    def rebuild_free_space(self) -> None:
        """Look at every page: at restart, when no map was kept. No latch may be held."""
        for page_id in range(self.pages.page_count):
            run_with_pages(partial(self._note_page, PageId(page_id)))

    def _note_page(self, page_id: PageId) -> None:
        with self.pages.latch:
            self._note_room(self.pages.fetch(page_id))

    def check_page(self, page_id: PageId) -> Iterator[tuple[int, int]]:
        """Yield (slot, size) of each chunk of a page. Under the latch. Raises CorruptPage, PageMiss."""
        data = self.pages.fetch(page_id).data
        if data[0]:
            slots = _HEADER.unpack_from(data, 0)[2]
            for slot in range(slots):
                if _SLOT.unpack_from(data, _HEADER_SIZE + slot * _SLOT.size)[0]:
                    yield slot, self._slot(data, page_id, slot)[1] - _LINK.size


assert _HEADER.size == _HEADER_SIZE
