"""Heap pages of rows of one length that fill page after page: the case of `heap_rebuild.py` that a table filled in batches is made of.

    log      | row | row | row | row | row | ...           one behind the other, each its fixed part and its tail
    page     | header | fixed | fixed | fixed |  | tail | tail | tail |

All rows of some pages are brought together by a few copies, and go to their pages by two: one of all fixed parts, one of all tails. What
is left to do for each row are a few vector operations, so that the time is that of the memory.
"""

from __future__ import annotations

import numpy as np

from lungfish.storage.heap_page import HEADER_DTYPE, HEADER_SIZE, MAGIC, VERSION, HeapPageFormat
from lungfish.storage.ids import SLOT_BITS, SLOT_MASK
from lungfish.storage.row_codec import INLINE_SIZE_MAX
from lungfish.storage.row_states import GONE, Bytes, Integers, RowStates, gather
from lungfish.storage.rows import VIEW_DTYPE, WRITER_OFFSET


class Workspace:
    """Memory for one group of pages after the other. Asked for anew each time, the system would give it back and clear it as often."""

    def __init__(self) -> None:
        self._rows = self._images = np.zeros(0, np.uint8)

    def rows(self, size: int) -> Bytes:
        """Room for rows side by side, with anything in it."""
        if len(self._rows) < size:
            self._rows = np.empty(size, np.uint8)
        return self._rows[:size]

    def images(self, count: int, page_size: int) -> Bytes:
        """Pages of zeros, until the next call."""
        size = count * page_size
        if len(self._images) < size:
            self._images = np.empty(size, np.uint8)
        images = self._images[:size].reshape(count, page_size)
        images[:] = 0
        return images


def build_block(
    form: HeapPageFormat, changes: RowStates, space: Workspace, *, tail_size_max: int
) -> tuple[Integers, Bytes] | None:
    """The pages of rows where there were none, and their numbers. None if the rows are not of one length, or do not fill page after page.

    The pages are the workspace's: they are to be copied before the next ones are built.
    """
    length = int(changes.lengths[0])
    if length == GONE or (changes.lengths != length).any() or length - form.stride > tail_size_max:
        return None
    pages = changes.addresses >> SLOT_BITS
    firsts = np.flatnonzero(np.diff(pages, prepend=-1))
    counts = np.diff(firsts, append=len(pages))
    slots = changes.addresses & SLOT_MASK
    # Addresses ascend: if the first and the last slot of a page are right, so are all between.
    is_filled = not slots[firsts].any() and (slots[firsts + counts - 1] == counts - 1).all()
    count, last = int(counts[0]), int(counts[-1])
    is_even = (counts[:-1] == count).all() and last <= count
    if not is_filled or not is_even or HEADER_SIZE + count * length > form.page_size:
        return None
    rows = space.rows(len(pages) * length)
    gather(changes.buffers, changes.buffer_of, changes.starts, length, to=rows)
    images = space.images(len(firsts), form.page_size)
    _fill(form, images[:-1], rows[: -last * length], length)
    _fill(form, images[-1:], rows[-last * length :], length)
    return pages[firsts], images


def _fill(form: HeapPageFormat, images: Bytes, rows: Bytes, length: int) -> None:
    """Put as many rows on each page, in their order."""
    page_count, stride, tail_size = len(images), form.stride, length - form.stride
    if not page_count:
        return
    count = len(rows) // length // page_count
    tails_start = form.page_size - count * tail_size
    if tail_size:
        _point_to_tails(form, rows, length, tails_start, count)
    shape, steps = (page_count, count), (count * length, length)
    fixed = np.ndarray(shape, f"V{stride}", rows, 0, steps)
    np.ndarray(shape, f"V{stride}", images, HEADER_SIZE, (form.page_size, stride))[:] = fixed
    if tail_size:
        tails = np.ndarray(shape, f"V{tail_size}", rows, stride, steps)
        to = np.ndarray(shape, f"V{tail_size}", images, tails_start, (form.page_size, tail_size))
        to[:] = tails
    writers = np.ndarray(shape, "<u8", rows, WRITER_OFFSET, steps)
    write_headers(
        form,
        images,
        slots=np.full(page_count, count),
        used=np.full(page_count, count),
        tails=np.full(page_count, count * tail_size),
        newest=writers.max(axis=1),
    )


def _point_to_tails(
    form: HeapPageFormat, rows: Bytes, length: int, tails_start: int, count: int
) -> None:
    """Let the views of long values point to their places on the page; so far they count from the row's beginning."""
    tail_size = length - form.stride
    slots = np.arange(len(rows) // length) % count
    shifts = (tails_start - form.stride + slots * tail_size).astype(np.uint32)
    for number, _ in form.layout.views:
        offset = form.layout.offsets[number]
        view = np.ndarray((len(shifts),), VIEW_DTYPE, rows, offset, (length,))
        is_tail = (view["size"] > INLINE_SIZE_MAX) & (view["number"] == 0)
        view["position"] += np.where(is_tail, shifts, 0).astype(np.uint32)


def write_headers(
    form: HeapPageFormat,
    images: Bytes,
    *,
    slots: Integers,
    used: Integers,
    tails: Integers,
    newest: Integers,
) -> None:
    """Write the headers of pages without garbage: of each, its slots, those in use, the bytes of its tails, its newest writer."""
    headers = np.ndarray((len(images),), HEADER_DTYPE, images, strides=(form.page_size,))
    headers["magic"], headers["version"], headers["stride"] = MAGIC, VERSION, form.stride
    headers["slots"], headers["used"] = slots, used
    headers["tails_start"] = form.page_size - tails
    headers["newest"] = newest
