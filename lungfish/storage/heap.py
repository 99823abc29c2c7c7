"""A heap: the rows of a table on their pages, each at a stable address.

The heap knows nothing of transactions. It finds room, places, extracts and erases packed rows, and moves long values to overflow
pages and back. Its methods are called under the heap's latch unless they say otherwise.

A packed row comes in two forms. *Self-contained*: its long values follow it in its tail (what `RowLayout.pack` makes, and the log
carries). *Stored*: some views point to overflow pages instead (what pages and version chains hold). `store` and `inline` turn
one into the other.

Invariants:
1. Every overflowed value is pointed to by exactly one stored row version: the one on the page, or one on a version chain.
   The exception: a deleted row on a page, which shares the pointers of the version beneath it (heap_page.py).
2. A method that changes pages fetches all it needs first, so it raises PageMiss before any change or not at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from functools import partial
from itertools import accumulate, islice

from lungfish.errors import ProgramLimitExceeded
from lungfish.storage.free_space import FreeSpace
from lungfish.storage.heap_page import HEADER_SIZE, HeapPageFormat
from lungfish.storage.ids import (
    LSN,
    SLOT_BITS,
    SLOT_MASK,
    PageId,
    TransactionId,
    TupleId,
    tuple_id,
)
from lungfish.storage.overflow import Overflow, run_with_pages
from lungfish.storage.relation_pages import Frame, RelationPages
from lungfish.storage.rows import (
    DELETED,
    FLAGS_OFFSET,
    HAS_OVERFLOW,
    OverflowPointer,
    OverflowReader,
    RowLayout,
    Values,
)

# A tail longer than this share of a page is moved to overflow pages, longest values first: four rows a page, as PostgreSQL's
# TOAST_TUPLE_THRESHOLD has it.
TAIL_SHARE = 4
# How many pages of the free-space map are looked at before a new page is taken.
_CANDIDATE_COUNT = 4


class Heap:
    """The pages of one table."""

    # Named is what compiled code looks at for each new row.
    __slots__ = ("__dict__", "__weakref__", "_current")

    def __init__(
        self, pages: RelationPages, overflow: Overflow, layout: RowLayout, page_size: int
    ) -> None:
        self.pages = pages
        self.overflow = overflow
        self.layout = layout
        layout.place_of = self._place_of
        self.format = HeapPageFormat(layout, page_size)
        if layout.stride > page_size - HEADER_SIZE:
            raise ProgramLimitExceeded(
                f"row is too big: its fixed part takes {layout.stride} bytes,"
                f" a page has room for {page_size - HEADER_SIZE}"
            )
        self.free_space = FreeSpace(page_size, layout.stride)
        self._tail_size_max = page_size // TAIL_SHARE
        # Where the last row went: the next one is tried there first.
        self._current = PageId(0)

    # Reading

    def frame_of(self, address: TupleId) -> Frame | None:
        """The frame of a row's page, checked; None if the relation has no such page. Raises PageMiss."""
        page_id = address >> SLOT_BITS
        if page_id >= self.pages.page_count:
            return None
        frame = self.pages.fetch(PageId(page_id))
        if frame.cache is not self.format:
            self._check(frame)
        return frame

    def _place_of(self, buffer: bytes | bytearray, offset: int) -> str:
        """Where a damaged row is: known of one that was read from its page."""
        relation = f"relation {self.pages.relation_id}"
        for page_id, frame in list(self.pages.frames.items()):
            if frame.data is buffer:
                slot = (offset - HEADER_SIZE) // self.layout.stride
                return f"It is in slot {slot} of page {page_id} of {relation}."
        return f"It is a version of a row of {relation}."

    def _check(self, frame: Frame) -> None:
        """Check a page's header once in its time in memory."""
        if self.format.is_initialized(frame.data):
            self.format.check_header(frame.data)
            frame.cache = self.format

    def row_at(self, address: TupleId) -> tuple[bytearray, int] | None:
        """The page and the offset on it of a row, which may be marked deleted; None if the slot is free. Raises PageMiss."""
        # Hot (every look at a row): what `frame_of` does for a page in memory is in line.
        pages, form = self.pages, self.format
        frame = pages.frames.get(address >> SLOT_BITS)
        if frame is None or frame.cache is not form:
            frame = self.frame_of(address)
            if frame is None:
                return None
        else:
            frame.touches += 1
            pages.hits += 1
        data = frame.data
        offset = form.row_at(data, address & SLOT_MASK)
        return (data, offset) if offset else None

    def stored(self, address: TupleId) -> bytes | None:
        """The stored row at an address, which may be marked deleted; None if the slot is free. Raises PageMiss."""
        frame = self.frame_of(address)
        if frame is None:
            return None
        return self.format.extract(frame.data, address & SLOT_MASK)

    # Room

    def find_room(self, size: int) -> TupleId:
        """A free slot of a page that has room for a stored row of `size` bytes. Raises PageMiss.

        The slot is not reserved: place the row before letting go of the latch.
        """
        pages = self.pages
        if self._current < pages.page_count:
            frame = pages.fetch(self._current)
            slot = self._slot_for(frame, size)
            if slot >= 0:
                return tuple_id(self._current, slot)
            self.free_space.note(self._current, self.format.room(frame.data))
        for page_id in list(islice(self.free_space.candidates(size), _CANDIDATE_COUNT)):
            if page_id < pages.page_count:
                frame = pages.fetch(page_id)
                slot = self._slot_for(frame, size)
                if slot >= 0:
                    self._current = page_id
                    return tuple_id(page_id, slot)
                self.free_space.note(page_id, self.format.room(frame.data))
        self._current = pages.allocate().page_id
        # A page is noted as empty while it is the current one: its room is found out when it is left, or by whoever is sent to it.
        self.free_space.note(self._current, self.format.page_size)
        return tuple_id(self._current, 0)

    def _slot_for(self, frame: Frame, size: int) -> int:
        """A slot for a stored row of that size, or -1."""
        if frame.cache is not self.format:
            self._check(frame)
        return self.format.slot_for(frame.data, size)

    def room_for(self, packed: bytes) -> TupleId:
        """A free slot for a new row, once its longest values have moved to overflow pages. Raises PageMiss."""
        size = len(packed)
        if self.is_long(packed):
            size -= sum(
                spilled for _, spilled, _ in self._values_to_spill(packed, self._tail_size_max)
            )
        return self.find_room(size)

    def is_long(self, packed: bytes) -> bool:
        """Whether a row does not go on any page without overflow pages."""
        return len(packed) - self.layout.stride > self._tail_size_max

    def room_for_run(self, packed: Sequence[bytes], start: int, end: int) -> tuple[TupleId, int]:
        """Where the rows from `start` to at most `end` can go side by side: (first address, count >= 1). Raises PageMiss.

        Unless it is the only one, no row of the run needs overflow pages.
        """
        first = self.room_for(packed[start])
        frame = self.pages.fetch(PageId(first >> SLOT_BITS))
        data, slot = frame.data, first & SLOT_MASK
        if slot < self.format.slot_count(data):
            return first, 1
        stride, tail_size_max = self.layout.stride, self._tail_size_max
        room = self.format.tail_room(data, slot) + stride
        end = min(end, start + SLOT_MASK + 1 - slot)
        sizes = list(map(len, packed[start:end]))
        if max(sizes) - stride > tail_size_max:
            is_long = [size - stride > tail_size_max for size in sizes]
            del sizes[is_long.index(True) :]
        count = bisect_right(list(accumulate(sizes)), room)
        return first, max(count, 1)

    def _note_room(self, page_id: PageId, data: bytearray) -> None:
        if page_id != self._current:
            self.free_space.note(page_id, self.format.room(data))

    # Writing

    def place_run(self, first: TupleId, stored: Sequence[bytes], lsn: LSN) -> None:
        """Put new rows side by side, from the address that `room_for_run` gave."""
        frame = self._frame_to_write(first)
        data = self.pages.writable(frame, lsn)
        if not data[0]:
            self.format.initialize(data)
        slot = first & SLOT_MASK
        try:
            if len(stored) > 1:
                self.format.place_run(data, slot, stored)
            else:
                self.format.place(data, slot, stored[0])
        except BaseException:
            self.format.repair(data)
            raise
        self._note_room(frame.page_id, data)

    def place(self, address: TupleId, stored: bytes, lsn: LSN) -> None:
        """Put a stored row at an address, whatever is there; the relation grows if need be.

        Requires: the row was made by `store` for this address under the same hold of the latch, and what is there now has given
        up its overflowed values or handed them on.
        """
        self.place_on(self._frame_to_write(address), address & SLOT_MASK, stored, lsn)

    def place_on(self, frame: Frame, slot: int, stored: bytes, lsn: LSN) -> None:
        """`place` on a page at hand."""
        data = self.pages.writable(frame, lsn)
        if not data[0]:
            self.format.initialize(data)
        try:
            has_moved = self.format.place(data, slot, stored)
        except BaseException:
            self.format.repair(data)
            raise
        if has_moved:
            self._note_room(frame.page_id, data)

    def mark_deleted(self, address: TupleId, writer: TransactionId, lsn: LSN) -> None:
        """Flag the live row at an address as deleted."""
        frame = self._frame_to_write(address)
        data = self.pages.writable(frame, lsn)
        try:
            self.format.mark_deleted(data, address & SLOT_MASK, writer)
        except BaseException:
            self.format.repair(data)
            raise

    def erase(self, address: TupleId, lsn: LSN) -> None:
        """Free the slot. Its overflowed values must have been freed or handed on."""
        frame = self.frame_of(address)
        if frame is not None:
            data = self.pages.writable(frame, lsn)
            if data[0]:
                try:
                    self.format.erase(data, address & SLOT_MASK)
                except BaseException:
                    self.format.repair(data)
                    raise
                self._note_room(frame.page_id, data)

    def erase_run(self, first: TupleId, count: int, lsn: LSN) -> None:
        """Free slots side by side on one page, from the last one on. None of the rows has overflowed values. Raises PageMiss."""
        frame = self.frame_of(first)
        if frame is None:
            return
        data, start = self.pages.writable(frame, lsn), first & SLOT_MASK
        try:
            for slot in range(start + count - 1, start - 1, -1):
                if data[0]:
                    self.format.erase(data, slot)
        except BaseException:
            self.format.repair(data)
            raise
        self._note_room(frame.page_id, data)

    def _frame_to_write(self, address: TupleId) -> Frame:
        """The frame of a page that may not exist yet. Raises PageMiss."""
        page_id = PageId(address >> SLOT_BITS)
        pages = self.pages
        while page_id >= pages.page_count:
            pages.allocate()
        frame = pages.fetch(page_id)
        if frame.cache is not self.format:
            self._check(frame)
        return frame

    # Long values

    def store(
        self, packed: bytes, address: TupleId, lsn: LSN, *, replaced: bytes | None = None
    ) -> bytes:
        """The stored form of a row that will be placed at the address: what does not fit there moves to overflow pages.

        The overflowed values of `replaced`, a stored row that goes for good, are freed. Raises PageMiss before any change.
        """
        if replaced is None and len(packed) == self.layout.stride:
            return packed
        frame = self.frame_of(address)
        size_max = self._tail_size_max
        if frame is not None:
            size_max = min(size_max, self.format.tail_room(frame.data, address & SLOT_MASK))
        freed = self.layout.overflow_pointers(replaced) if replaced is not None else []
        spilled = self._values_to_spill(packed, size_max)
        if not freed and not spilled:
            return packed
        return self._spill(packed, spilled, lsn, freed)

    def _spill(
        self,
        packed: bytes,
        spilled: Sequence[tuple[int, int, int]],
        lsn: LSN,
        freed: Sequence[OverflowPointer] = (),
    ) -> bytes:
        values = [packed[position : position + size] for _, size, position in spilled]
        pointers = self.overflow.replace(freed, values, lsn)
        changes: dict[int, bytes | OverflowPointer] = {
            view: pointer for (view, _, _), pointer in zip(spilled, pointers, strict=True)
        }
        return self.layout.with_long_values(packed, changes) if changes else packed

    def _values_to_spill(self, packed: bytes, size_max: int) -> list[tuple[int, int, int]]:
        """(offset of the view, size, position) of the longest values, as many as must go to leave a tail of at most `size_max`."""
        excess = len(packed) - self.layout.stride - size_max
        if excess <= 0:
            return []
        in_tail = [
            (view, size, position)
            for view, size, number, position in self.layout.long_views(packed)
            if not number
        ]
        in_tail.sort(key=lambda each: -each[1])
        spilled = []
        for each in in_tail:
            if excess <= 0:
                break
            spilled.append(each)
            excess -= each[1]
        return spilled

    def load_overflow(self, stored: bytes) -> None:
        """Bring the pages of a row's overflowed values into memory, so that `free_overflow` need not. No latch may be held."""
        for pointer in self.layout.overflow_pointers(stored):
            self.overflow.load(pointer)

    def free_overflow(self, stored: bytes, lsn: LSN) -> None:
        """Free the overflowed values of a stored row that is gone for good. No latch may be held."""
        pointers = self.layout.overflow_pointers(stored)
        if pointers:
            run_with_pages(partial(self.overflow.replace, pointers, [], lsn))

    def inline(
        self,
        stored: bytes,
        positions: Collection[int] | None = None,
        *,
        read: OverflowReader | None = None,
    ) -> bytes:
        """The row with its overflowed values back in its tail: all, or those of the fields at `positions`.

        No latch may be held, and the version must not be purged meanwhile; or the latch is held and `read` is
        `overflow.read_resident`, which raises PageMiss.
        """
        if not stored[FLAGS_OFFSET] & HAS_OVERFLOW:
            return stored
        read = read or self.overflow.read
        wanted = {
            offset for field, offset in self.layout.views if positions is None or field in positions
        }
        changes: dict[int, bytes | OverflowPointer] = {
            view: read(OverflowPointer(size, number - 1, position))
            for view, size, number, position in self.layout.long_views(stored)
            if number and view in wanted
        }
        return self.layout.with_long_values(stored, changes) if changes else stored

    def values(self, stored: bytes) -> Values:
        """The values of a stored row. No latch may be held if it has overflowed ones."""
        return self.layout.unpack(stored, 0, self.overflow.read)

    # Restart

    def apply(self, address: TupleId, packed: bytes | None, lsn: LSN) -> None:
        """Make the row at an address what a log record or an undo entry says, None for no row. Raises PageMiss before any change.

        For restart, where there are no versions: what is replaced goes for good, with its overflowed values.
        """
        current = self.stored(address)
        replaced = None if current is None or current[FLAGS_OFFSET] & DELETED else current
        if current is None and packed is not None:
            self._make_slot_fit(address, lsn)
        if packed is None:
            if replaced is not None:
                self.overflow.replace(self.layout.overflow_pointers(replaced), [], lsn)
            self.erase(address, lsn)
            return
        self.place(address, self.store(packed, address, lsn, replaced=replaced), lsn)

    def used_page(self, page_id: PageId) -> bytes | None:
        """A page that has rows, as it is; None if it has none. Raises PageMiss."""
        frame = self.frame_of(tuple_id(page_id, 0))
        return bytes(frame.data) if frame is not None and frame.data[0] else None

    def replace_page(self, page_id: PageId, image: memoryview, lsn: LSN) -> None:
        """Put another content in place of a page's (heap_rebuild.py); the relation grows if need be. Raises PageMiss."""
        frame = self._frame_to_write(tuple_id(page_id, 0))
        data = self.pages.writable(frame, lsn)
        data[:] = image
        self._note_room(page_id, data)

    def append_page(self, image: memoryview, lsn: LSN) -> None:
        """Add a page with this content at the end (heap_rebuild.py)."""
        frame = self.pages.allocate(bytearray(image))
        self._note_room(frame.page_id, self.pages.writable(frame, lsn))

    def _make_slot_fit(self, address: TupleId, lsn: LSN) -> None:
        """Send tails of other rows to overflow pages if they are in the way of a slot. Raises PageMiss; can be done again.

        Redo meets rows in another order than they came in, so that a row may have been given room that another one had.
        """
        frame = self.frame_of(address)
        if frame is None:
            return
        for slot in range(self.format.slot_count(frame.data)):
            if self.format.tail_room(frame.data, address & SLOT_MASK) >= 0:
                return
            stored = self.format.extract(frame.data, slot)
            if stored is not None and len(stored) > self.layout.stride:
                other = tuple_id(frame.page_id, slot)
                self.place(other, self._spill(stored, self._values_to_spill(stored, 0), lsn), lsn)

    def rebuild_free_space(self) -> None:
        """Look at every page: at restart, when no map was kept. No latch may be held."""
        for page_id in range(self.pages.page_count):
            run_with_pages(partial(self._note_page, PageId(page_id)))
        self.overflow.rebuild_free_space()

    def _note_page(self, page_id: PageId) -> None:
        with self.pages.latch:
            frame = self.pages.fetch(page_id)
            self._check(frame)
            self.free_space.note(page_id, self.format.room(frame.data))
