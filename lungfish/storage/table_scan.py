"""Reading many rows: a table from end to end in batches, and rows by the entries of an index.

A scan copies the rows of one page after the other, each under the latch for a few microseconds, into one buffer, until it has enough
for a batch; the columns are then made from the buffer at leisure. On the way:

- a page whose newest writer is older than the snapshot, without deleted rows or holes, is copied as it is;
- otherwise rows that the snapshot does not see are taken out of the copy, or replaced in it by the version that it does see.

Invariants:
1. The copy of a page and of the old versions that replace rows in it is made under one hold of the latch.
2. In the buffers of a batch, a long view's position counts from the start of `tails`; a row with flags 0 is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.storage.heap_page import HEADER_SIZE
from lungfish.storage.ids import SLOT_BITS, PageId, TupleId, tuple_id
from lungfish.storage.keys import ADDRESS_MASK, KeyRange
from lungfish.storage.relation_pages import PageMiss
from lungfish.storage.row_codec import INLINE_SIZE_MAX, PLACE, PLACE_OFFSET
from lungfish.storage.row_codec_columns import ColumnReader
from lungfish.storage.rows import (
    DELETED,
    FLAGS_OFFSET,
    HAS_OVERFLOW,
    HAS_TAIL,
    LIVE,
    VIEW_DTYPE,
    OverflowPointer,
    RowArray,
    Values,
)
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_index import TableIndex
from lungfish.storage.table_rows import TableRows
from lungfish.types.batch import BATCH_BYTES, BATCH_ROW_COUNT, Batch

# The first `pa.array` of a process imports modules. That must not happen in the middle of a statement: an exception from outside (Ctrl-C) in an
# import can leave the module's lock held for ever in CPython, and every other thread that comes to the same import waits for it.
pa.array(np.empty(0, np.int64))

Rows = list[tuple[TupleId, Values]]

# How many rows of an index scan are looked up under one hold of the latch.
_LOOKUP_COUNT = 64


def scan(
    rows: TableRows,
    snapshot: Snapshot,
    positions: Sequence[int],
    *,
    with_tuple_id: bool,
    trim: Callable[[], None],
    check: Callable[[], None],
) -> Iterator[Batch]:
    """The visible rows of a table, in the order of their addresses; see `TableStore.scan`."""
    has_views = any(rows.layout.codecs[position].is_view for position in positions)
    page_count = rows.heap.pages.page_count
    page_id = 0
    while page_id < page_count:
        copy = _BatchCopy(rows, snapshot, has_views=has_views)
        while page_id < page_count and not copy.is_full:
            check()
            try:
                with rows.latch:
                    copy.add_page(PageId(page_id))
                page_id += 1
            except PageMiss as miss:
                miss.load()
        trim()
        yield from copy.finish(positions, with_tuple_id=with_tuple_id, check=check)


def _is_overflowed(view: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Which views of a column point to overflow pages."""
    found: npt.NDArray[np.bool_] = (view["size"] > INLINE_SIZE_MAX) & (view["number"] > 0)
    return found


class _BatchCopy:
    """Copies of pages, on the way to a batch."""

    def __init__(self, rows: TableRows, snapshot: Snapshot, *, has_views: bool) -> None:
        self._rows = rows
        self._snapshot = snapshot
        self._has_views = has_views
        self._format = rows.heap.format
        self._layout = rows.layout
        self._fixed = bytearray()
        self._tails = bytearray()
        # For each page: its number, slot count, and what to add to its long views.
        self._pages: list[tuple[int, int, int]] = []
        self._has_gaps = False
        self._slot_count = 0

    @property
    def is_full(self) -> bool:
        """Whether the batch should end here: with the page on which its long values exceed BATCH_BYTES. `finish` cuts it before the row whose
        overflowed value would."""
        return self._slot_count >= BATCH_ROW_COUNT - self._format.slot_count_max or (
            len(self._tails) > BATCH_BYTES
        )

    def add_page(self, page_id: PageId) -> None:
        """Copy a page's rows. Under the latch; raises PageMiss."""
        heap = self._rows.heap
        frame = heap.frame_of(tuple_id(page_id, 0))
        assert frame is not None
        data = frame.data
        slots, used, deleted = self._format.counts(data)
        if not used:
            return
        stride = self._layout.stride
        first = self._slot_count
        shift = 0
        if self._has_views:
            start = self._format.tails_start(data)
            shift = len(self._tails) - start
            self._tails += memoryview(data)[start:]
        self._fixed += memoryview(data)[HEADER_SIZE : HEADER_SIZE + slots * stride]
        self._pages.append((page_id, slots, shift))
        self._slot_count += slots
        if used < slots or deleted:
            self._has_gaps = True
        newest = self._format.newest_writer(data)
        if not self._snapshot.sees_all_up_to(newest):
            self._take_out_unseen(page_id, first, slots)

    def _take_out_unseen(self, page_id: PageId, first: int, slots: int) -> None:
        """Replace the rows that the snapshot does not see by the version that it does, or leave them out."""
        stride = self._layout.stride
        fixed = self._fixed
        writers = np.frombuffer(fixed, self._layout.dtype, slots, first * stride)["writer"]
        unseen = np.flatnonzero(~self._snapshot.visible_mask(writers)).tolist()
        chains = self._rows.chains
        for slot in unseen:
            offset = (first + slot) * stride
            if not fixed[offset + FLAGS_OFFSET]:
                continue
            version = chains.visible(tuple_id(page_id, slot), self._snapshot)
            if version is None:
                fixed[offset + FLAGS_OFFSET] = 0
                self._has_gaps = True
            else:
                self._put_version(offset, version)

    def _put_version(self, offset: int, version: bytes) -> None:
        """Put an old version in a row's place; its tail goes after those of the page."""
        layout = self._layout
        stride = layout.stride
        row = bytearray(version[:stride])
        if self._has_views and row[FLAGS_OFFSET] & HAS_TAIL:
            # `finish` adds the page's shift to every long view.
            move = len(self._tails) - stride - self._pages[-1][2]
            self._tails += memoryview(version)[stride:]
            for view_offset, _, number, position in layout.long_views(version):
                if not number:
                    place = (position + move) & 0xFFFFFFFF
                    PLACE.pack_into(row, view_offset + PLACE_OFFSET, 0, place)
        self._fixed[offset : offset + stride] = row

    def finish(
        self, positions: Sequence[int], *, with_tuple_id: bool, check: Callable[[], None]
    ) -> Iterator[Batch]:
        """The columns of what was copied: one batch, or several if many values come from overflow pages. No latch may be held."""
        layout = self._layout
        rows = np.frombuffer(self._fixed, layout.dtype, self._slot_count)
        if self._has_views and self._tails:
            self._shift_views(rows, positions)
        addresses = self._addresses() if with_tuple_id else None
        if self._has_gaps:
            live = rows["flags"] & (DELETED | LIVE) == LIVE
            rows = rows[live]
            addresses = None if addresses is None else addresses[live]
        views = [each for each in positions if layout.codecs[each].is_view]
        has_overflow = bool(views) and bool((rows["flags"] & HAS_OVERFLOW).any())
        start = 0
        for end in self._ends(rows, views) if has_overflow else [len(rows)]:
            part = rows[start:end]
            tails = self._tails
            if has_overflow:
                tails = self._with_overflowed(part, views, check)
            reader = ColumnReader(layout, part, tails)
            columns = [reader.vector(position) for position in positions]
            if addresses is not None:
                columns.append(pa.array(addresses[start:end]))
            if end > start:
                yield Batch(tuple(columns), end - start)
            start = end

    def _ends(self, rows: RowArray, views: Sequence[int]) -> list[int]:
        """Where to cut the rows so that no batch has too many bytes of overflowed values, or one row only."""
        sizes = np.zeros(len(rows), np.int64)
        for position in views:
            view = rows[f"f{position}"].view(VIEW_DTYPE)
            sizes += np.where(_is_overflowed(view), view["size"], 0)
        ends = []
        total = 0
        for row in np.flatnonzero(sizes).tolist():
            size = int(sizes[row])
            if total and total + size > BATCH_BYTES:
                ends.append(row)
                total = 0
            total += size
        return [*ends, len(rows)]

    def _with_overflowed(
        self, rows: RowArray, views: Sequence[int], check: Callable[[], None]
    ) -> bytearray:
        """The tails, with the overflowed values of some rows after them, and the rows' views pointing there."""
        tails = bytearray(self._tails)
        read = self._rows.heap.overflow.read
        for position in views:
            view = rows[f"f{position}"].view(VIEW_DTYPE)
            for row in np.flatnonzero(_is_overflowed(view)).tolist():
                check()
                size, _, number, slot = view[row].tolist()
                value = read(OverflowPointer(size, number - 1, slot))
                view["number"][row] = 0
                view["position"][row] = len(tails)
                tails += value
        return tails

    def _shift_views(self, rows: RowArray, positions: Sequence[int]) -> None:
        """Let long views count from the start of `_tails` instead of that of their page."""
        shifts = np.repeat(
            np.array([shift for _, _, shift in self._pages], np.int64),
            [slots for _, slots, _ in self._pages],
        )
        for position in positions:
            if self._layout.codecs[position].is_view:
                view = rows[f"f{position}"].view(VIEW_DTYPE)
                is_long = (view["size"] > INLINE_SIZE_MAX) & (view["number"] == 0)
                view["position"] += np.where(is_long, shifts, 0).astype(np.uint32)

    def _addresses(self) -> npt.NDArray[np.int64]:
        parts = [
            (page_id << SLOT_BITS) + np.arange(slots, dtype=np.int64)
            for page_id, slots, _ in self._pages
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def index_scan(
    rows: TableRows,
    snapshot: Snapshot,
    index: TableIndex,
    key_range: KeyRange,
    *,
    is_backward: bool,
) -> Iterator[Rows]:
    """The visible rows of an index range; see `TableStore.index_scan`. Chunks may be empty: between them the scan can be stopped."""
    had_stale = bool(rows.stale)
    key_changes = rows.key_changes
    for chunk in index.entries(key_range, is_backward=is_backward):
        # See invariant 4 of table_rows.py.
        may_be_stale = had_stale or rows.key_changes != key_changes
        for start in range(0, len(chunk), _LOOKUP_COUNT):
            result: Rows = []
            if rows.native is not None and not may_be_stale:
                known = rows.native.read_entries(snapshot, chunk[start : start + _LOOKUP_COUNT])
                if known is not None and rows.key_changes == key_changes:
                    yield known
                    continue
            for entry, found in _look_up(rows, snapshot, chunk[start : start + _LOOKUP_COUNT]):
                address = TupleId(entry[1] & ADDRESS_MASK)
                values = rows.heap.values(found) if isinstance(found, bytes) else found
                if not may_be_stale or index.is_entry_of(entry, values, address):
                    result.append((address, values))
            yield result
        had_stale = bool(rows.stale)
        key_changes = rows.key_changes


def key_lookup(
    rows: TableRows, snapshot: Snapshot, index: TableIndex, values: Sequence[Any]
) -> Rows:
    """The visible rows that have this key, by address; see `TableStore.key_lookup`. Hot: the point select of bench/."""
    if rows.native is not None:
        known = rows.native.key_lookup(snapshot, index, tuple(values))
        if known is not None:
            return known
    key = index.btree.codec.encode(values)
    had_stale = bool(rows.stale)
    key_changes = rows.key_changes
    addresses = index.btree.addresses(key)
    # See invariant 4 of table_rows.py.
    may_be_stale = had_stale or rows.key_changes != key_changes
    if len(addresses) == 1:
        address = addresses[0]
        try:
            with rows.latch:
                row = rows.visible_row(snapshot, address)
                if row is None:
                    return []
                data, offset = row
                if not may_be_stale and not data[offset + FLAGS_OFFSET] & HAS_OVERFLOW:
                    return [(address, rows.layout.unpack(data, offset))]
        except PageMiss as miss:
            miss.load()
    result: Rows = []
    entries = [index.btree.codec.entry(key, address) for address in addresses]
    for entry, found in _look_up(rows, snapshot, entries):
        address = TupleId(entry[1] & ADDRESS_MASK)
        values = rows.heap.values(found) if isinstance(found, bytes) else found
        if not may_be_stale or index.is_entry_of(entry, values, address):
            result.append((address, values))
    return result


def _look_up(
    rows: TableRows, snapshot: Snapshot, entries: Sequence[tuple[Any, int]]
) -> list[tuple[tuple[Any, int], Values | bytes]]:
    """The visible rows behind entries: their values, or the stored row if it has overflowed ones. A miss keeps what was found."""
    found: list[tuple[tuple[Any, int], Values | bytes]] = []
    unpack = rows.layout.unpack
    done = 0
    while done < len(entries):
        try:
            with rows.latch:
                while done < len(entries):
                    address = TupleId(entries[done][1] & ADDRESS_MASK)
                    row = rows.visible_row(snapshot, address)
                    if row is not None:
                        data, offset = row
                        if data[offset + FLAGS_OFFSET] & HAS_OVERFLOW:
                            stored = rows.visible(snapshot, address)
                            assert stored is not None
                            found.append((entries[done], stored))
                        else:
                            found.append((entries[done], unpack(data, offset)))
                    done += 1
        except PageMiss as miss:
            miss.load()
    return found
