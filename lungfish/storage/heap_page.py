"""A heap page: rows of one stride from the front, their long values growing down from the end.

    0        32                                                 page size
    +--------+-------+-------+-----+-------+- - - -+---------------+
    | header | row 0 | row 1 | ... | row n |  gap  |     tails     |
    +--------+-------+-------+-----+-------+- - - -+---------------+
                                           ^ rows end ^ tails start

    header: magic 2s "LH", version u1, pad, stride u2, slot count u2, used count u2, deleted count u2,
            tails start u4, garbage u4, pad u4, newest writer u8

A *tail* is a row's long values, see rows.py. A slot is *free* (flags 0), *live*, or *deleted* (waiting for purge). *Garbage* are bytes
among the tails that no row's tail covers. The gap is zero, so the page store does not store what it covers.

Invariants:
1. Slots below the slot count are rows of `stride` bytes; the gap is zero.
2. used count = slots that are not free; deleted count = those with DELETED.
3. Long views of rows with HAS_TAIL point behind the tails' start; tails do not overlap.
4. newest writer >= the writer of every row on the page.
5. A row never moves to another slot.

A deleted row keeps its fields and its tail until purge, so that taking the deletion back needs no room; what it says is that of the
version beneath it, which owns the overflow pages.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from lungfish.errors import CorruptPage
from lungfish.storage.ids import TransactionId
from lungfish.storage.row_codec import INLINE_SIZE_MAX, LONG_VIEW
from lungfish.storage.rows import (
    DELETED,
    FLAGS_OFFSET,
    HAS_TAIL,
    LIVE,
    STAMP,
    VIEW_DTYPE,
    RowLayout,
)

MAGIC = b"LH"
VERSION = 1
HEADER = struct.Struct("<2sBxHHHHII4xQ")
HEADER_SIZE = 32
# The same for NumPy, without the padding.
HEADER_DTYPE = np.dtype(
    {
        "names": ["magic", "version", "stride", "slots", "used", "deleted", "tails_start", "garbage", "newest"],
        "formats": ["S2", "u1", "<u2", "<u2", "<u2", "<u2", "<u4", "<u4", "<u8"],
        "offsets": [0, 2, 4, 6, 8, 10, 12, 16, 24],
        "itemsize": HEADER_SIZE,
    }
)  # fmt: skip
SLOT_COUNT_MAX = 0xFFFF
# Tails are compacted for the sake of garbage only when it is at least this share of the page: so it costs little for each row.
COMPACTION_SHARE = 16

_STRIDE_OFFSET = 4
_COUNTS = struct.Struct("<HHH")
_COUNTS_OFFSET = 6
_SLOT_COUNT = struct.Struct("<H")
_TAILS = struct.Struct("<II")
_TAILS_OFFSET = 12
_NEWEST = struct.Struct("<Q")
_NEWEST_OFFSET = 24
_POSITION = struct.Struct("<I")
# Where in a view the position stands.
_VIEW_POSITION = 12


class HeapPageFormat:
    """The pages of one heap: methods take a page's bytes. Holds no page itself, so a page costs no object."""

    def __init__(self, layout: RowLayout, page_size: int) -> None:
        self.layout = layout
        self.page_size = page_size
        self.stride = layout.stride
        # Rows of a page without tails.
        self.slot_count_max = min((page_size - HEADER_SIZE) // layout.stride, SLOT_COUNT_MAX)

    # Header

    def initialize(self, data: bytearray) -> None:
        """Make zeroed bytes an empty page."""
        HEADER.pack_into(data, 0, MAGIC, VERSION, self.stride, 0, 0, 0, self.page_size, 0, 0)

    def check_rows(self, data: bytearray) -> None:
        """Raise CorruptPage unless rows and header agree: counts, tails, the newest writer."""
        used = deleted = tails_size = 0
        for slot in range(self.slot_count(data)):
            offset = self.row_offset(slot)
            flags = data[offset + FLAGS_OFFSET]
            used += flags != 0
            deleted += bool(flags & DELETED)
            tail_start, size = self._tail_of(data, offset)
            tails_size += size
            if size and tail_start < self.tails_start(data):
                raise CorruptPage(
                    f"the long values of the row in slot {slot} are not among the tails"
                )
            if _NEWEST.unpack_from(data, offset)[0] > self.newest_writer(data):
                raise CorruptPage(f"the row in slot {slot} is newer than its page")
        garbage = _TAILS.unpack_from(data, _TAILS_OFFSET)[1]
        if (used, deleted) != self.counts(data)[1:]:
            raise CorruptPage(
                f"heap page with {used} used and {deleted} deleted rows: {self.counts(data)}"
            )
        if tails_size + garbage != self.page_size - self.tails_start(data):
            raise CorruptPage(f"heap page with {tails_size} bytes of tails, {garbage} of garbage")

    def is_initialized(self, data: bytearray) -> bool:
        """Whether the page has a header; one that was allocated and not used before a crash has none."""
        return data[0] != 0

    def check_header(self, data: bytearray) -> None:
        """Raise CorruptPage unless the header is that of a page of this heap and holds together."""
        magic, version, stride, slots, used, deleted, start, garbage, _ = HEADER.unpack_from(
            data, 0
        )
        if magic != MAGIC or version != VERSION or stride != self.stride:
            raise CorruptPage(
                f"not a heap page of this relation: magic {magic!r}, version {version}, stride {stride}"
            )
        rows_end = HEADER_SIZE + slots * stride
        if not (
            deleted <= used <= slots
            and rows_end <= start <= self.page_size == len(data)
            and garbage <= self.page_size - start
        ):
            raise CorruptPage(
                f"heap page header does not hold together: {slots} slots, {used} used, {deleted} deleted,"
                f" tails from {start}, {garbage} bytes of garbage"
            )

    def slot_count(self, data: bytearray) -> int:
        """Slots in use or free below the highest used one."""
        count: int = _SLOT_COUNT.unpack_from(data, _COUNTS_OFFSET)[0]
        return count

    def counts(self, data: bytearray) -> tuple[int, int, int]:
        """(slot count, used count, deleted count)."""
        slots, used, deleted = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        return slots, used, deleted

    def newest_writer(self, data: bytearray) -> TransactionId:
        """An upper bound of the writers on the page."""
        return TransactionId(_NEWEST.unpack_from(data, _NEWEST_OFFSET)[0])

    def tails_start(self, data: bytearray) -> int:
        """Where the tails start; they end with the page."""
        start: int = _TAILS.unpack_from(data, _TAILS_OFFSET)[0] or self.page_size
        return start

    def row_offset(self, slot: int) -> int:
        """Where a slot's row begins."""
        return HEADER_SIZE + slot * self.stride

    def row_at(self, data: bytearray, slot: int) -> int:
        """The offset of a slot's row, which may be marked deleted; 0 if the slot is free."""
        if slot >= _SLOT_COUNT.unpack_from(data, _COUNTS_OFFSET)[0]:
            return 0
        offset = HEADER_SIZE + slot * self.stride
        return offset if data[offset + FLAGS_OFFSET] else 0

    # Room

    def slot_for(self, data: bytearray, size: int) -> int:
        """The lowest free slot, which may be the one after the last, if a packed row of that size fits there; else -1."""
        slots, used, _ = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        tails_start, garbage = _TAILS.unpack_from(data, _TAILS_OFFSET)
        gap = (tails_start or self.page_size) - HEADER_SIZE - slots * self.stride
        room = gap + self._usable(garbage)
        if used < slots:
            start = HEADER_SIZE + FLAGS_OFFSET
            flags = data[start : start + slots * self.stride : self.stride]
            return int(flags.find(0)) if room >= size - self.stride else -1
        return int(slots) if room >= size and slots < SLOT_COUNT_MAX else -1

    def room(self, data: bytearray) -> int:
        """Bytes that new rows could take in all, after compaction."""
        slots, used, _ = self.counts(data)
        garbage = _TAILS.unpack_from(data, _TAILS_OFFSET)[1]
        gap = self.tails_start(data) - self.row_offset(slots)
        return gap + self._usable(garbage) + (slots - used) * self.stride

    def tail_room(self, data: bytearray, slot: int) -> int:
        """The longest tail that a row at this slot could have; negative if the slot does not fit at all."""
        slots = self.slot_count(data)
        start, garbage = self.tails_start(data), _TAILS.unpack_from(data, _TAILS_OFFSET)[1]
        gap = start - self.row_offset(max(slots, slot + 1))
        own_start, own_size = 0, 0
        if slot < slots:
            own_start, own_size = self._tail_of(data, self.row_offset(slot))
        if own_size and own_start == start:
            return gap + own_size + self._usable(garbage)
        room = gap + self._usable(garbage + own_size)
        # A row that has a tail can keep its place; a slot beyond the page's end has no room at all.
        return max(own_size, room) if own_size else room

    def _usable(self, garbage: int) -> int:
        """How much of the garbage counts as room: none until it is worth a compaction."""
        return garbage if garbage * COMPACTION_SHARE >= self.page_size else 0

    # Rows

    def flags(self, data: bytearray, slot: int) -> int:
        """A slot's flags; 0 if it is free or beyond the last."""
        if slot >= self.slot_count(data):
            return 0
        return data[HEADER_SIZE + slot * self.stride + FLAGS_OFFSET]

    def place(self, data: bytearray, slot: int, packed: bytes) -> bool:
        """Write a packed row at a slot, whatever is there now; says whether that may have changed the page's room.

        Requires: its tail is at most `tail_room`.
        """
        layout, stride = self.layout, self.stride
        slots, used, deleted = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        offset = HEADER_SIZE + slot * stride
        tail_size = len(packed) - stride
        old_flags = data[offset + FLAGS_OFFSET] if slot < slots else 0
        if old_flags == LIVE and not tail_size:
            data[offset : offset + stride] = packed
            self._note_writer(data, offset)
            return False
        tails_start = 0
        if old_flags & HAS_TAIL:
            tails_start = self._drop_tail(data, offset, tail_size)
        new_slots = slots if slot < slots else slot + 1
        if (tail_size and not tails_start) or new_slots != slots:
            tails_start = self._make_room(data, new_slots, tail_size)
        if tail_size:
            row = bytearray(packed[:stride])
            _shift_long_views(layout, row, 0, tails_start - stride)
            data[tails_start : tails_start + tail_size] = packed[stride:]
            data[offset : offset + stride] = row
        else:
            data[offset : offset + stride] = packed
        _COUNTS.pack_into(
            data,
            _COUNTS_OFFSET,
            new_slots,
            used if old_flags else used + 1,
            deleted - 1 if old_flags & DELETED else deleted,
        )
        self._note_writer(data, offset)
        return True

    def place_run(self, data: bytearray, first_slot: int, rows: Sequence[bytes]) -> None:
        """Write new packed rows side by side after the last slot. Requires: they fit."""
        slots, used, deleted = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        assert first_slot == slots
        stride, count = self.stride, len(rows)
        tails = b"".join([row[stride:] for row in rows])
        tails_start = self._make_room(data, slots + count, len(tails))
        fixed = bytearray().join([row[:stride] for row in rows])
        if tails:
            self._shift_run(fixed, rows, tails_start)
            data[tails_start : tails_start + len(tails)] = tails
        start = HEADER_SIZE + slots * stride
        data[start : start + len(fixed)] = fixed
        _COUNTS.pack_into(data, _COUNTS_OFFSET, slots + count, used + count, deleted)
        newest = int(np.frombuffer(fixed, self.layout.dtype)["writer"].max())
        if newest > _NEWEST.unpack_from(data, _NEWEST_OFFSET)[0]:
            _NEWEST.pack_into(data, _NEWEST_OFFSET, newest)

    def _shift_run(self, fixed: bytearray, rows: Sequence[bytes], tails_start: int) -> None:
        """Let the long views of rows point to their tails, which stand one after the other on the page."""
        sizes = np.fromiter(map(len, rows), np.int64, len(rows)) - self.stride
        shifts = tails_start - self.stride + np.cumsum(sizes) - sizes
        array = np.frombuffer(fixed, self.layout.dtype)
        for position, _ in self.layout.views:
            view = array[f"f{position}"].view(VIEW_DTYPE)
            view["position"] += np.where(view["size"] > INLINE_SIZE_MAX, shifts, 0).astype(
                np.uint32
            )

    def extract(self, data: bytearray, slot: int) -> bytes | None:
        """The packed row at a slot, None if it is free. A deleted row comes with its DELETED flag."""
        offset = self.row_at(data, slot)
        if not offset:
            return None
        if not data[offset + FLAGS_OFFSET] & HAS_TAIL:
            return bytes(data[offset : offset + self.stride])
        start, size = self._tail_of(data, offset)
        row = data[offset : offset + self.stride]
        _shift_long_views(self.layout, row, 0, self.stride - start)
        return bytes(row + data[start : start + size])

    def mark_deleted(self, data: bytearray, slot: int, writer: TransactionId) -> None:
        """Flag a live row as deleted by `writer`."""
        offset = HEADER_SIZE + slot * self.stride
        flags = data[offset + FLAGS_OFFSET]
        if not flags & LIVE or flags & DELETED:
            raise CorruptPage(f"the row in slot {slot} has flags {flags}, and is to be deleted")
        STAMP.pack_into(data, offset, writer, flags | DELETED)
        slots, used, deleted = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        _COUNTS.pack_into(data, _COUNTS_OFFSET, slots, used, deleted + 1)
        self._note_writer(data, offset)

    def erase(self, data: bytearray, slot: int) -> None:
        """Free a slot. The page shrinks by the free slots at its end."""
        slots, used, deleted = _COUNTS.unpack_from(data, _COUNTS_OFFSET)
        if slot >= slots:
            return
        offset = HEADER_SIZE + slot * self.stride
        flags = data[offset + FLAGS_OFFSET]
        if not flags:
            return
        if flags & HAS_TAIL:
            self._drop_tail(data, offset, 0)
        data[offset : offset + self.stride] = bytes(self.stride)
        if slot == slots - 1:
            slots = self._last_used_slot(data, slots) + 1
        _COUNTS.pack_into(
            data, _COUNTS_OFFSET, slots, used - 1, deleted - 1 if flags & DELETED else deleted
        )
        if used == 1:
            start = self.tails_start(data)
            data[start:] = bytes(self.page_size - start)
            self.initialize(data)

    def _last_used_slot(self, data: bytearray, slots: int) -> int:
        start = HEADER_SIZE + FLAGS_OFFSET
        flags = data[start : start + slots * self.stride : self.stride]
        return len(flags.rstrip(b"\0")) - 1

    def _note_writer(self, data: bytearray, offset: int) -> None:
        writer = _NEWEST.unpack_from(data, offset)[0]
        if writer > _NEWEST.unpack_from(data, _NEWEST_OFFSET)[0]:
            _NEWEST.pack_into(data, _NEWEST_OFFSET, writer)

    # Tails

    def _tail_of(self, data: bytearray, offset: int) -> tuple[int, int]:
        """(start, size) of the tail of the row at that offset."""
        if not data[offset + FLAGS_OFFSET] & HAS_TAIL:
            return 0, 0
        start, total = len(data), 0
        for _, size, number, position in self.layout.long_views(data, offset):
            if not number:
                start = min(start, position)
                total += size
        if start + total > len(data):
            raise CorruptPage(f"a row's long values reach beyond the page: {start} + {total}")
        return start, total

    def _drop_tail(self, data: bytearray, offset: int, new_size: int) -> int:
        """Give up the row's tail, or answer where it starts if the new one fits there. The row must be overwritten next."""
        tail_start, size = self._tail_of(data, offset)
        start, garbage = _TAILS.unpack_from(data, _TAILS_OFFSET)
        if 0 < new_size <= size:
            _TAILS.pack_into(data, _TAILS_OFFSET, start, garbage + size - new_size)
            return tail_start
        data[offset + FLAGS_OFFSET] &= ~HAS_TAIL
        if tail_start == start:
            data[start : start + size] = bytes(size)
            _TAILS.pack_into(data, _TAILS_OFFSET, start + size, garbage)
        else:
            _TAILS.pack_into(data, _TAILS_OFFSET, start, garbage + size)
        return 0

    def _make_room(self, data: bytearray, slots: int, tail_size: int) -> int:
        """Have room for `slots` rows and a new tail; answer where that tail starts."""
        start, garbage = _TAILS.unpack_from(data, _TAILS_OFFSET)
        rows_end = HEADER_SIZE + slots * self.stride
        if start - tail_size < rows_end:
            assert rows_end + tail_size <= start + garbage, "the row does not fit the page"
            start, garbage = self._compact(data), 0
        start -= tail_size
        if tail_size:
            _TAILS.pack_into(data, _TAILS_OFFSET, start, garbage)
        return int(start)

    def _compact(self, data: bytearray) -> int:
        """Write the tails anew, without gaps; answer where they start now.

        In a copy that replaces the page in one step: cut off halfway, the page would be lost.
        """
        old_start = self.tails_start(data)
        compacted = bytearray(data)
        compacted[old_start:] = bytes(self.page_size - old_start)
        start = self.page_size
        rows_end = self.row_offset(self.slot_count(data))
        for offset in range(HEADER_SIZE, rows_end, self.stride):
            if data[offset + FLAGS_OFFSET] & HAS_TAIL:
                tail_start, size = self._tail_of(data, offset)
                start -= size
                if start < rows_end:
                    raise CorruptPage(
                        f"a heap page's rows share their long values: {size} bytes at {tail_start}"
                    )
                compacted[start : start + size] = data[tail_start : tail_start + size]
                _shift_long_views(self.layout, compacted, offset, start - tail_start)
        _TAILS.pack_into(compacted, _TAILS_OFFSET, start, 0)
        data[:] = compacted
        return start

    def repair(self, data: bytearray) -> None:
        """Bring the header in line with the rows, after a change was cut off between two steps by an exception from outside.

        The row that was being changed may be lost by then: undo writes it anew.
        """
        slots = used = deleted = tails_size = 0
        tails_start = self.page_size
        for slot in range(self.slot_count(data)):
            offset = self.row_offset(slot)
            flags = data[offset + FLAGS_OFFSET]
            if flags:
                slots = slot + 1
                used += 1
                deleted += bool(flags & DELETED)
            if flags & HAS_TAIL:
                start, size = self._tail_of(data, offset)
                tails_start = min(tails_start, start)
                tails_size += size
            self._note_writer(data, offset)
        rows_end = self.row_offset(slots)
        data[rows_end:tails_start] = bytes(tails_start - rows_end)
        _COUNTS.pack_into(data, _COUNTS_OFFSET, slots, used, deleted)
        garbage = self.page_size - tails_start - tails_size
        _TAILS.pack_into(data, _TAILS_OFFSET, tails_start, garbage)


def _shift_long_views(layout: RowLayout, buffer: bytearray, offset: int, by: int) -> None:
    """Add `by` to the positions of the row's long views (invariant 1 of rows.py)."""
    for view_offset, _, number, position in layout.long_views(buffer, offset):
        if not number:
            _POSITION.pack_into(buffer, offset + view_offset + _VIEW_POSITION, position + by)


assert HEADER.size == HEADER_SIZE
assert LONG_VIEW.size == _VIEW_POSITION + _POSITION.size
