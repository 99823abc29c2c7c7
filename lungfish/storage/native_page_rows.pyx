# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Rows on heap pages with their long values, in C: what heap_page.py does to one row of a page, and heap.py to its overflowed values.

Under the invariants of native_tables.pyx: nothing here lets another thread in. What does not hold together on a page is left to the Python code, which
raises. A row of another size goes in two steps: `fit` finds out what becomes of the page and changes nothing, `replace` does it and cannot fail.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.slots cimport offset_of, slot
from lungfish.storage.native_frames cimport FRAME_CACHE, bytes_of, frame_of, number_in
from lungfish.storage.native_overflow cimport NativeOverflow, level_of, note_room

from lungfish.storage.relation_pages import Frame

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()

cdef enum:
    # heap_page.py and rows.py.
    VERSION = 1
    STRIDE_OFFSET = 4
    SLOT_COUNT_MAX = 0xFFFF
    HEADER_SIZE = 32
    COUNTS_OFFSET = 6
    TAILS_OFFSET = 12
    NEWEST_OFFSET = 24
    COMPACTION_SHARE = 16
    FLAGS = 8
    HAS_TAIL = 4
    HAS_OVERFLOW = 8
    INLINE_MAX = 12
    # Of a view: its buffer number and its position.
    PLACE_OFFSET = 8
    # heap.py and free_space.py.
    CANDIDATE_COUNT = 4
    LEVEL_COUNT = 16


cdef class PageRows:
    """The rows of one heap, beside its `HeapPageFormat`."""

    def __init__(self, object heap):
        self.heap, self.pages, self.page_format = heap, heap.pages, heap.format
        # Not of the class at import: that module imports this one.
        self.heap_current = offset_of(type(heap), "_current")
        self.overflow = NativeOverflow(heap.overflow)
        self.page_size = heap.format.page_size
        self.stride = heap.layout.stride
        self.tail_size_max = heap._tail_size_max
        self.view_count = len(heap.layout.views)
        self.views = <int64_t*>PyMem_Malloc(max(self.view_count, 1) * sizeof(int64_t))
        if self.views == NULL:
            raise MemoryError
        for number, (_, offset) in enumerate(heap.layout.views):
            self.views[number] = offset

    def __dealloc__(self):
        PyMem_Free(self.views)
        PyMem_Free(self.compacted)

    # As they lie there

    cdef Py_ssize_t tail_start(self, const uint8_t* row, uint8_t flags) noexcept:
        """Where a row's tail begins on its page; 0 if it has none."""
        cdef Py_ssize_t start = 0, index
        cdef uint32_t length
        cdef uint32_t place[2]
        if not flags & HAS_TAIL:
            return 0
        for index in range(self.view_count):
            memcpy(&length, row + self.views[index], 4)
            if length > INLINE_MAX:
                memcpy(place, row + self.views[index] + PLACE_OFFSET, 8)
                if not place[0] and (not start or place[1] < start):
                    start = place[1]
        return start

    cdef Py_ssize_t tail_size(self, const uint8_t* row, uint8_t flags) noexcept:
        """The size of a row's tail."""
        cdef Py_ssize_t size = 0, index
        cdef uint32_t length, number
        if flags & HAS_TAIL:
            for index in range(self.view_count):
                memcpy(&length, row + self.views[index], 4)
                memcpy(&number, row + self.views[index] + PLACE_OFFSET, 4)
                if length > INLINE_MAX and not number:
                    size += length
        return size

    cdef bytes extract(self, const uint8_t* page, const uint8_t* row, uint8_t flags):
        """The packed row (`HeapPageFormat.extract`); None if it does not hold together."""
        cdef Py_ssize_t start = self.tail_start(row, flags), size = 0
        cdef bytes made
        cdef uint8_t* out
        if start:
            size = self.tail_size(row, flags)
            if start + size > self.page_size:
                return None
        made = PyBytes_FromStringAndSize(NULL, self.stride + size)
        out = <uint8_t*>PyBytes_AS_STRING(made)
        memcpy(out, row, self.stride)
        if start:
            self.shift(out, self.stride - start)
            memcpy(out + self.stride, page + start, size)
        return made

    cdef int shift(self, uint8_t* row, Py_ssize_t by) noexcept:
        """Add to the positions of the row's long views."""
        cdef Py_ssize_t index, offset
        cdef uint32_t length
        cdef uint32_t place[2]
        for index in range(self.view_count):
            offset = self.views[index]
            memcpy(&length, row + offset, 4)
            if length > INLINE_MAX:
                memcpy(place, row + offset + PLACE_OFFSET, 8)
                if not place[0]:
                    place[1] = <uint32_t>(place[1] + by)
                    memcpy(row + offset + PLACE_OFFSET, place, 8)
        return 0

    # Writing

    cdef int write_row(self, uint8_t* page, uint8_t* row, bytes packed, Py_ssize_t tail_start) except -1:
        """Write a packed row to its place, its tail to `tail_start`."""
        cdef const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(packed)
        cdef Py_ssize_t tail_size = PyBytes_GET_SIZE(packed) - self.stride
        memcpy(row, source, self.stride)
        if tail_size:
            self.shift(row, tail_start - self.stride)
            memcpy(page + tail_start, source + self.stride, tail_size)
        note_writer(page, row)
        return 0

    cdef Py_ssize_t tail_room(self, const uint8_t* page, const uint8_t* row) noexcept:
        """The longest tail that a row could have that is on the page (`HeapPageFormat.tail_room`)."""
        cdef Py_ssize_t own_size = self.tail_size(row, row[FLAGS]), gap, room
        cdef uint32_t tails[2]
        memcpy(tails, page + TAILS_OFFSET, 8)
        gap = tails[0] - self.rows_end(page)
        if own_size and self.tail_start(row, row[FLAGS]) == <Py_ssize_t>tails[0]:
            return gap + own_size + self.usable(tails[1])
        room = gap + self.usable(tails[1] + own_size)
        return own_size if own_size > room else room

    cdef bint fit(self, const uint8_t* page, const uint8_t* row, Py_ssize_t tail_size, Fit* fit) except -1:
        """Find out what the page becomes if the row there gets a tail of that size; False if it has no room for it.

        What `HeapPageFormat.place` does before it writes.
        """
        cdef Py_ssize_t old_size = self.tail_size(row, row[FLAGS])
        cdef Py_ssize_t old_start = self.tail_start(row, row[FLAGS])
        cdef Py_ssize_t rows_end = self.rows_end(page)
        cdef uint32_t tails[2]
        memcpy(tails, page + TAILS_OFFSET, 8)
        fit.tail_start, fit.cleared_size, fit.is_compacted = 0, 0, False
        fit.tails_start, fit.garbage = tails[0], tails[1]
        if not (
            rows_end <= <Py_ssize_t>tails[0] <= self.page_size
            and <Py_ssize_t>tails[1] <= self.page_size - <Py_ssize_t>tails[0]
            and (not old_size or <Py_ssize_t>tails[0] <= old_start <= self.page_size - old_size)
            and tail_size <= self.tail_room(page, row)
        ):
            return False
        if 0 < tail_size <= old_size:
            fit.tail_start = old_start
            fit.garbage += <uint32_t>(old_size - tail_size)
            return True
        if old_size and old_start == <Py_ssize_t>tails[0]:
            fit.cleared_start, fit.cleared_size = old_start, old_size
            fit.tails_start += <uint32_t>old_size
        else:
            fit.garbage += <uint32_t>old_size
        if tail_size and <Py_ssize_t>fit.tails_start - tail_size < rows_end:
            if not self.compact(page, row, fit):
                return False
        if tail_size:
            if <Py_ssize_t>fit.tails_start - tail_size < rows_end:
                return False
            fit.tails_start -= <uint32_t>tail_size
            fit.tail_start = fit.tails_start
        return True

    cdef bint compact(self, const uint8_t* page, const uint8_t* left_out, Fit* fit) except -1:
        """`HeapPageFormat._compact` into memory of our own, without the tail of one row; False if the page does not hold together."""
        cdef Py_ssize_t rows_end = self.rows_end(page), offset = HEADER_SIZE
        cdef Py_ssize_t start = self.page_size, tail_start, size
        cdef uint8_t* out = self.compacted
        if out == NULL:
            out = self.compacted = <uint8_t*>PyMem_Malloc(self.page_size)
            if out == NULL:
                raise MemoryError
        memcpy(out, page, rows_end)
        memset(out + rows_end, 0, self.page_size - rows_end)
        while offset < rows_end:
            if page[offset + FLAGS] & HAS_TAIL and page + offset != left_out:
                tail_start = self.tail_start(page + offset, HAS_TAIL)
                size = self.tail_size(page + offset, HAS_TAIL)
                if tail_start + size > self.page_size or start - size < rows_end:
                    return False
                start -= size
                memcpy(out + start, page + tail_start, size)
                self.shift(out + offset, start - tail_start)
            offset += self.stride
        fit.tails_start, fit.garbage, fit.is_compacted = <uint32_t>start, 0, True
        return True

    cdef int replace(self, uint8_t* page, uint8_t* row, bytes packed, const Fit* fit) except -1:
        """Write a stored row in place of another, as `fit` has just found."""
        cdef uint32_t tails[2]
        if fit.is_compacted:
            memcpy(page, self.compacted, self.page_size)
        elif fit.cleared_size:
            memset(page + fit.cleared_start, 0, fit.cleared_size)
        tails[0], tails[1] = fit.tails_start, fit.garbage
        memcpy(page + TAILS_OFFSET, tails, 8)
        self.write_row(page, row, packed, fit.tail_start)
        return 0

    cdef Py_ssize_t rows_end(self, const uint8_t* page) noexcept:
        """Where the rows of a page end."""
        cdef uint16_t slots
        memcpy(&slots, page + COUNTS_OFFSET, 2)
        return HEADER_SIZE + slots * self.stride

    cdef Py_ssize_t usable(self, Py_ssize_t garbage) noexcept:
        """How much of the garbage counts as room."""
        return garbage if garbage * COMPACTION_SHARE >= self.page_size else 0

    cdef int note_room(self, const uint8_t* page, object page_id) except -1:
        """`Heap._note_room`."""
        if page_id != self.heap._current:
            note_room(self.heap.free_space, page_id, self.room_on(page))
        return 0

    cdef Py_ssize_t room_on(self, const uint8_t* page) noexcept:
        """`HeapPageFormat.room`."""
        cdef uint16_t counts[2]
        cdef uint32_t tails[2]
        memcpy(counts, page + COUNTS_OFFSET, 4)
        memcpy(tails, page + TAILS_OFFSET, 8)
        return (
            tails[0]
            - self.rows_end(page)
            + self.usable(tails[1])
            + (counts[0] - counts[1]) * self.stride
        )

    # Room for new rows

    cdef bint has_room(self, Py_ssize_t size) except -1:
        """Whether the current page has room for a packed row of that size; True also where that is not to be told here."""
        cdef PyObject* frame = frame_of(
            self.pages, number_in(<PyObject*>self.heap, self.heap_current)
        )
        if frame == NULL or slot(frame, FRAME_CACHE) != <PyObject*>self.page_format:
            return True
        return self.fits_on(bytes_of(frame), size)

    cdef bint fits_on(self, const uint8_t* page, Py_ssize_t size) noexcept:
        """Whether `HeapPageFormat.slot_for` finds a slot for a packed row of that size."""
        cdef uint16_t counts[2]
        cdef Py_ssize_t room = self.room_on(page)
        memcpy(counts, page + COUNTS_OFFSET, 4)
        if counts[1] < counts[0]:
            return room - (counts[0] - counts[1]) * self.stride >= size - self.stride
        return room >= size and counts[0] < SLOT_COUNT_MAX

    cdef bint move_on(self, Py_ssize_t size, object lsn) except -1:
        """Let another page be the current one, that has room (`Heap.find_room`): one that is there, or a new one, which is said.

        Where it cannot be told here which one it should be, it stays as it is.
        """
        cdef object heap = self.heap, pages = heap.pages, page_id
        cdef PyObject* frame = frame_of(pages, heap._current)
        # The list that is made could set the garbage collector off.
        cdef bint was_on = PyGC_Disable()
        try:
            note_room(heap.free_space, heap._current, self.room_on(bytes_of(frame)))
            for page_id in self.candidates(size):
                if page_id >= pages.page_count:
                    continue
                frame = frame_of(pages, page_id)
                if frame == NULL or slot(frame, FRAME_CACHE) != <PyObject*>self.page_format:
                    return False
                if self.fits_on(bytes_of(frame), size):
                    heap._current = page_id
                    return False
                note_room(heap.free_space, page_id, self.room_on(bytes_of(frame)))
            return self.add_page(lsn)
        finally:
            if was_on:
                PyGC_Enable()

    cdef list candidates(self, Py_ssize_t size):
        """The first of `FreeSpace.candidates`."""
        cdef object free_space = self.heap.free_space, page_id
        cdef list found = []
        cdef int level
        for level in range(level_of(free_space, size), LEVEL_COUNT):
            for page_id in <dict>free_space._pages[level]:
                found.append(page_id)
                if len(found) == CANDIDATE_COUNT:
                    return found
        return found

    cdef int add_page(self, object lsn) except -1:
        """Add a page to the heap and make it the current one (`RelationPages.allocate` and `writable`, `HeapPageFormat.initialize`); answers 1."""
        cdef object heap = self.heap, pages = heap.pages, page_id = pages.page_count
        cdef object data = PyByteArray_FromStringAndSize(NULL, self.page_size)
        cdef object frame = Frame.__new__(Frame)
        cdef uint8_t* page = <uint8_t*>PyByteArray_AS_STRING(data)
        cdef uint16_t stride = <uint16_t>self.stride
        cdef uint32_t size = <uint32_t>self.page_size
        memset(page, 0, self.page_size)
        page[0], page[1], page[2] = c"L", c"H", VERSION
        memcpy(page + STRIDE_OFFSET, &stride, 2)
        memcpy(page + TAILS_OFFSET, &size, 4)
        frame.relation, frame.page_id, frame.data, frame.cache = pages, page_id, data, self.page_format
        frame.first_dirty_lsn = frame.newest_lsn = lsn
        frame.epoch, frame.touches = pages._epoch, 0
        frame.is_writing, frame.written = False, None
        pages.dirty[page_id] = frame
        pages.frames[page_id] = frame
        pages._ring.append(frame)
        pages.page_count = page_id + 1
        pages.newest_lsn = lsn
        if not pages.oldest_lsn:
            pages.oldest_lsn = lsn
        heap._current = page_id
        note_room(heap.free_space, page_id, self.page_size)
        return 1

    # Overflowed values

    cdef bytes whole(self, bytes stored):
        """The stored row with its overflowed values in its tail (`Heap.inline`); None if they cannot be read here."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(stored)
        cdef const uint8_t* raw
        cdef Py_ssize_t index, size = self.stride, place = self.stride
        cdef uint32_t length
        cdef uint32_t at[2]
        cdef bytes made
        cdef uint8_t* out
        if not row[FLAGS] & HAS_OVERFLOW:
            return stored
        for index in range(self.view_count):
            memcpy(&length, row + self.views[index], 4)
            if length > INLINE_MAX:
                size += length
                memcpy(at, row + self.views[index] + PLACE_OFFSET, 8)
                if at[0] and self.overflow.find(at[0], at[1], length) == NULL:
                    return None
                if not at[0] and <int64_t>at[1] + length > PyBytes_GET_SIZE(stored):
                    return None
        made = PyBytes_FromStringAndSize(NULL, size)
        out = <uint8_t*>PyBytes_AS_STRING(made)
        memcpy(out, row, self.stride)
        out[FLAGS] = (row[FLAGS] & ~HAS_OVERFLOW) | HAS_TAIL
        for index in range(self.view_count):
            memcpy(&length, row + self.views[index], 4)
            if length > INLINE_MAX:
                memcpy(at, row + self.views[index] + PLACE_OFFSET, 8)
                raw = self.overflow.find(at[0], at[1], length) if at[0] else row + at[1]
                memcpy(out + place, raw, length)
                at[0], at[1] = 0, <uint32_t>place
                memcpy(out + self.views[index] + PLACE_OFFSET, at, 8)
                place += length
        return made

    cdef bytes spilled(self, bytes packed, Py_ssize_t size_max, object lsn):
        """The packed row with its longest values on overflow pages, so that its tail has at most that size (`Heap.store`).

        None, nothing being written, if that is not to be done here. What is written and then not pointed to is lost until the table is rewritten.
        """
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(packed)
        cdef Spilled moved[SPILLED_MAX]
        cdef Py_ssize_t count = self.values_to_spill(packed, size_max, moved), index
        cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
        cdef bytes made
        if count < 0:
            return None
        for index in range(count):
            size -= moved[index].size
        made = PyBytes_FromStringAndSize(NULL, size)
        for index in range(count):
            if not self.overflow.add(
                row + moved[index].position, moved[index].size, moved[index].place, lsn
            ):
                while index:
                    index -= 1
                    self.overflow.free(moved[index].place[0], moved[index].place[1], lsn)
                return None
        self.put_stored(<uint8_t*>PyBytes_AS_STRING(made), packed, moved, count)
        return made

    cdef Py_ssize_t values_to_spill(self, bytes packed, Py_ssize_t size_max, Spilled* moved) noexcept:
        """`Heap._values_to_spill`: the longest values, the longest first; answers how many, -1 if they are too many."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(packed)
        cdef Py_ssize_t excess = PyBytes_GET_SIZE(packed) - self.stride - size_max
        cdef Py_ssize_t count = 0, index
        cdef uint32_t length
        while excess > 0:
            if count == SPILLED_MAX:
                return -1
            moved[count].size = INLINE_MAX
            for index in range(self.view_count):
                memcpy(&length, row + self.views[index], 4)
                if length > moved[count].size and not is_among(moved, count, self.views[index]):
                    moved[count].view, moved[count].size = self.views[index], length
            if moved[count].size == INLINE_MAX:
                return -1
            memcpy(&moved[count].position, row + moved[count].view + PLACE_OFFSET + 4, 4)
            excess -= moved[count].size
            count += 1
        return count

    cdef int put_stored(self, uint8_t* out, bytes packed, const Spilled* moved, Py_ssize_t count) noexcept:
        """Write the stored form of a packed row, some of whose values are on overflow pages now (`RowLayout.with_long_values`)."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(packed)
        cdef Py_ssize_t index, place = self.stride, number
        cdef uint32_t length
        cdef uint32_t at[2]
        memcpy(out, row, self.stride)
        out[FLAGS] = (row[FLAGS] & ~HAS_TAIL) | HAS_OVERFLOW
        for index in range(self.view_count):
            memcpy(&length, row + self.views[index], 4)
            if length <= INLINE_MAX:
                continue
            number = 0
            while number < count and moved[number].view != self.views[index]:
                number += 1
            memcpy(at, row + self.views[index] + PLACE_OFFSET, 8)
            if number < count:
                at[0], at[1] = moved[number].place[0], moved[number].place[1]
            else:
                memcpy(out + place, row + at[1], length)
                at[1] = <uint32_t>place
                place += length
                out[FLAGS] |= HAS_TAIL
            memcpy(out + self.views[index] + PLACE_OFFSET, at, 8)
        return 0

    cdef bint may_free(self, bytes stored) except -1:
        """Whether `free` can be done."""
        cdef Py_ssize_t index = 0
        cdef uint32_t at[3]
        while self.next_overflowed(stored, &index, at):
            if not self.overflow.may_free(at[0], at[1], at[2]):
                return False
        return True

    cdef int free(self, bytes stored, object lsn) except -1:
        """Free the overflowed values of a stored row that is gone for good, of which `may_free` has just said that it can be done."""
        cdef Py_ssize_t index = 0
        cdef uint32_t at[3]
        while self.next_overflowed(stored, &index, at):
            self.overflow.free(at[0], at[1], lsn)
        return 0

    cdef bint next_overflowed(self, bytes stored, Py_ssize_t* index, uint32_t* at) noexcept:
        """Find the first view from `index` on whose value is on overflow pages: its buffer number, slot and length. `index` goes behind it."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(stored)
        if not row[FLAGS] & HAS_OVERFLOW:
            return False
        while index[0] < self.view_count:
            memcpy(at + 2, row + self.views[index[0]], 4)
            memcpy(at, row + self.views[index[0]] + PLACE_OFFSET, 8)
            index[0] += 1
            if at[2] > INLINE_MAX and at[0]:
                return True
        return False


cdef bint is_among(const Spilled* moved, Py_ssize_t count, int64_t view) noexcept:
    """Whether the value of that view is one of them."""
    cdef Py_ssize_t index
    for index in range(count):
        if moved[index].view == view:
            return True
    return False


cdef void note_writer(uint8_t* page, const uint8_t* row) noexcept:
    """Keep the page's newest writer (invariant 4 of heap_page.py)."""
    cdef uint64_t writer, newest
    memcpy(&writer, row, 8)
    memcpy(&newest, page + NEWEST_OFFSET, 8)
    if writer > newest:
        memcpy(page + NEWEST_OFFSET, &writer, 8)
