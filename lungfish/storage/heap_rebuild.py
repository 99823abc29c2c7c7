"""Heap pages built anew by column: what redo does instead of placing row by row.

For some pages at once: the rows that stay (of the old page) and the rows that the log says (of its buffers) are gathered, put side by side,
and the pages written whole. Bulk redo of a page costs a copy of its bytes and a few vector operations a group of pages, about a
hundredth of a call for each row.

    old page   | header | a | b | c |      | c's tail | a's tail |        the log: b is B, d is D, with a tail
    new page   | header | a | B | c | D |       | a's | c's | D's tail |

Invariants:
1. A page is built only if all its rows fit with their tails in it, and nothing of what goes has overflowed values: all others are
   `left`, to be done row by row, which knows how to spill and to free.
2. A built page has no garbage, and its counts, tails and newest writer are those of its rows (heap_page.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lungfish.storage.heap import TAIL_SHARE
from lungfish.storage.heap_blocks import Workspace, build_block, write_headers
from lungfish.storage.heap_page import HEADER_DTYPE, HEADER_SIZE, HeapPageFormat
from lungfish.storage.ids import SLOT_BITS, SLOT_MASK
from lungfish.storage.row_codec import INLINE_SIZE_MAX
from lungfish.storage.row_states import (
    GONE,
    Bytes,
    Flags,
    Integers,
    RowStates,
    copy_items,
    copy_stretches,
    distinct,
    distinct_sorted,
    gather,
)
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, VIEW_DTYPE, RowArray


@dataclass(frozen=True, slots=True)
class BuiltPages:
    """Some pages of a heap as they are to be."""

    # The pages, and for each its content: a row of the array.
    page_ids: list[int]
    images: Bytes
    # Pages that must be done row by row.
    left: list[int]


@dataclass(slots=True)
class _Rows:
    """Rows on their way to pages, in the order of their addresses."""

    addresses: Integers
    # The fixed parts, which are changed to point to the tails' new places.
    fixed: RowArray
    # Of each tail: its buffer, where it begins there, the position that the views give for that place, its size.
    buffer_of: Integers
    tail_starts: Integers
    tail_positions: Integers
    tail_sizes: Integers

    def pick(self, chosen: Flags | Integers) -> _Rows:
        return _Rows(
            self.addresses[chosen],
            self.fixed[chosen],
            self.buffer_of[chosen],
            self.tail_starts[chosen],
            self.tail_positions[chosen],
            self.tail_sizes[chosen],
        )


@dataclass(frozen=True, slots=True)
class _Room:
    """What rows need on their pages."""

    # Of each row: the index of its page.
    places: Integers
    # Of each page: slots used or free, used ones, bytes of tails, newest writer.
    slots: Integers
    used: Integers
    tails: Integers
    newest: Integers


def build_pages(
    form: HeapPageFormat,
    changes: RowStates,
    old_pages: Mapping[int, bytes],
    space: Workspace | None = None,
) -> BuiltPages:
    """The pages of the changed rows. `old_pages` has those that exist and were used.

    The images may lie in the workspace: then they are to be copied before the next ones are built.
    """
    size_max = form.page_size // TAIL_SHARE
    if not old_pages:
        block = build_block(form, changes, space or Workspace(), tail_size_max=size_max)
        if block is not None:
            return BuiltPages(block[0].tolist(), block[1], [])
    page_ids = distinct_sorted(changes.page_ids())
    rows = _changed_rows(form, changes)
    bad_pages = [changes.page_ids()[changes.lengths - form.stride > size_max]]
    buffers = [*changes.buffers]
    if old_pages:
        numbers = np.array(sorted(old_pages), np.int64)
        joined = np.frombuffer(b"".join(old_pages[each] for each in numbers.tolist()), np.uint8)
        kept, bad = _kept_rows(form, numbers, joined, changes.addresses, len(buffers))
        buffers.append(joined)
        bad_pages.append(bad)
        rows = _merged(rows, kept)
    room = _room_taken(rows, page_ids)
    is_left = np.isin(page_ids, np.concatenate(bad_pages))
    is_left |= HEADER_SIZE + room.slots * form.stride + room.tails > form.page_size
    if is_left.any():
        rows = rows.pick(~np.isin(rows.addresses >> SLOT_BITS, page_ids[is_left]))
        built = page_ids[~is_left]
        room = _room_taken(rows, built)
    else:
        built = page_ids
    images = _write(form, rows, buffers, room)
    return BuiltPages(built.tolist(), images, page_ids[is_left].tolist())


def _changed_rows(form: HeapPageFormat, changes: RowStates) -> _Rows:
    """The rows that the log says."""
    there = changes if (changes.lengths != GONE).all() else changes.pick(changes.lengths != GONE)
    stride = form.stride
    return _Rows(
        there.addresses,
        gather(there.buffers, there.buffer_of, there.starts, stride).view(form.layout.dtype),
        there.buffer_of,
        there.starts + stride,
        np.full(len(there), stride, np.int64),
        there.lengths - stride,
    )


def _kept_rows(
    form: HeapPageFormat, page_ids: Integers, joined: Bytes, changed: Integers, buffer: int
) -> tuple[_Rows, Integers]:
    """The rows of the old pages that do not change, and the pages on which something goes that is not just a row."""
    headers = np.ndarray((len(page_ids),), HEADER_DTYPE, joined, strides=(form.page_size,))
    counts = headers["slots"].astype(np.int64)
    page_of = np.repeat(np.arange(len(page_ids)), counts)
    slots = np.arange(len(page_of)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = page_of * form.page_size + HEADER_SIZE + slots * form.stride
    addresses = (page_ids[page_of] << SLOT_BITS) | slots
    flags = joined[starts + FLAGS_OFFSET]
    places = np.minimum(np.searchsorted(changed, addresses), len(changed) - 1)
    is_changed = changed[places] == addresses
    bad = addresses[((flags & DELETED) > 0) | (is_changed & ((flags & HAS_OVERFLOW) > 0))]
    kept = np.flatnonzero((flags != 0) & ~is_changed)
    starts, addresses = starts[kept], addresses[kept]
    zeros = np.zeros(len(kept), np.int64)
    fixed = gather([joined], zeros, starts, form.stride).view(form.layout.dtype)
    positions = np.full(len(kept), form.page_size, np.int64)
    sizes = np.zeros(len(kept), np.int64)
    for number, _ in form.layout.views:
        view = fixed[f"f{number}"].view(VIEW_DTYPE)
        is_tail = (view["size"] > INLINE_SIZE_MAX) & (view["number"] == 0)
        positions = np.where(is_tail, np.minimum(positions, view["position"]), positions)
        sizes += np.where(is_tail, view["size"], 0)
    tail_starts = page_of[kept] * form.page_size + positions
    rows = _Rows(addresses, fixed, zeros + buffer, tail_starts, positions, sizes)
    return rows, bad >> SLOT_BITS


def _merged(one: _Rows, other: _Rows) -> _Rows:
    """Rows of both, in the order of their addresses."""
    raw = f"V{one.fixed.dtype.itemsize}"
    both = _Rows(
        np.concatenate([one.addresses, other.addresses]),
        # As plain bytes: NumPy would leave out a structure's padding.
        np.concatenate([one.fixed.view(raw), other.fixed.view(raw)]).view(one.fixed.dtype),
        np.concatenate([one.buffer_of, other.buffer_of]),
        np.concatenate([one.tail_starts, other.tail_starts]),
        np.concatenate([one.tail_positions, other.tail_positions]),
        np.concatenate([one.tail_sizes, other.tail_sizes]),
    )
    return both.pick(np.argsort(both.addresses, kind="stable"))


def _room_taken(rows: _Rows, page_ids: Integers) -> _Room:
    """What rows need on their pages."""
    places = np.searchsorted(page_ids, rows.addresses >> SLOT_BITS)
    # Rows stand page by page: where each page's begin. A page may have none left.
    firsts = np.flatnonzero(np.diff(places, prepend=-1))
    with_rows = places[firsts]
    room = _Room(places, *np.zeros((4, len(page_ids)), np.int64))
    if len(firsts):
        lasts = np.append(firsts[1:], len(places)) - 1
        room.slots[with_rows] = (rows.addresses[lasts] & SLOT_MASK) + 1
        room.used[with_rows] = lasts - firsts + 1
        room.tails[with_rows] = np.add.reduceat(rows.tail_sizes, firsts)
        room.newest[with_rows] = np.maximum.reduceat(rows.fixed["writer"], firsts)
    return room


def _write(form: HeapPageFormat, rows: _Rows, buffers: list[Bytes], room: _Room) -> Bytes:
    """The pages with these rows, one after the other."""
    count = len(room.slots)
    target = np.zeros(count * form.page_size, np.uint8)
    if room.tails.any():
        _place_tails(form, rows, buffers, target, room)
    starts = room.places * form.page_size + HEADER_SIZE
    starts += (rows.addresses & SLOT_MASK) * form.stride
    fixed = rows.fixed.view(np.uint8)
    copy_items(fixed, np.arange(0, len(fixed), form.stride), target, starts, form.stride)
    images = target.reshape(count, form.page_size)
    write_headers(
        form, images, slots=room.slots, used=room.used, tails=room.tails, newest=room.newest
    )
    return images


def _place_tails(
    form: HeapPageFormat,
    rows: _Rows,
    buffers: list[Bytes],
    target: Bytes,
    room: _Room,
) -> None:
    """Put the tails side by side at their pages' ends, and let the views point there."""
    places, tails = room.places, room.tails
    before = np.cumsum(rows.tail_sizes) - rows.tail_sizes
    page_before = np.cumsum(tails) - tails
    # Where each page's tails start, less what the tails of the pages before it take.
    origins = form.page_size - tails - page_before
    positions = origins[places] + before
    shifts = positions - rows.tail_positions
    for number, _ in form.layout.views:
        view = rows.fixed[f"f{number}"].view(VIEW_DTYPE)
        is_tail = (view["size"] > INLINE_SIZE_MAX) & (view["number"] == 0)
        view["position"] += np.where(is_tail, shifts, 0).astype(np.uint32)
    to = places * form.page_size + positions
    has_tail = rows.tail_sizes > 0
    numbers = distinct(rows.buffer_of)
    for number in numbers:
        is_own = has_tail if len(numbers) == 1 else has_tail & (rows.buffer_of == number)
        chosen: slice | Integers = slice(None) if is_own.all() else np.flatnonzero(is_own)
        copy_stretches(
            buffers[number],
            rows.tail_starts[chosen],
            target,
            to[chosen],
            rows.tail_sizes[chosen],
        )
