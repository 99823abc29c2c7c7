# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Overflowed values of one chunk read, written and freed in C, on pages that are in memory: what overflow.py does, whose layout and invariants these are.

A value goes this way if it is one chunk on a page that may be changed in place and has room for it, maybe once it is compacted. Others are for
overflow.py: those of several chunks, and those that need a new page. Whoever calls has seen that no other thread comes in between
(native_tables.pyx, invariant 1); that nobody holds the latch of these pages is looked at here.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_GetItem, PyDict_Next, PyDict_SetItem
from cpython.list cimport PyList_GET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

cdef enum:
    # overflow.py.
    HEADER_SIZE = 24
    VERSION = 1
    SLOTS_OFFSET = 4
    SLOT_SIZE = 8
    LINK_SIZE = 8
    COMPACTION_SHARE = 16
    CANDIDATE_COUNT = 3
    # free_space.py.
    LEVEL_COUNT = 16
    # What `take` answers.
    UNSURE = 0
    FULL = 1
    TAKEN = 2


cdef class NativeOverflow:
    """The overflow pages of one heap, beside its `Overflow`."""

    def __init__(self, object overflow):
        self.overflow, self.pages = overflow, overflow.pages
        self.is_latched = overflow.pages.latch.locked
        self.page_size = overflow._page_size

    # Reading

    cdef const uint8_t* find(self, uint32_t number, uint32_t slot, uint32_t size) except? NULL:
        """Where a value of one chunk lies, until something else runs; NULL if it cannot be told here."""
        cdef uint8_t* page = self.page_of(number, False, NULL)
        cdef uint32_t offset = 0, follower
        if page == NULL or not find_chunk(page, self.page_size, slot, size, &offset):
            return NULL
        memcpy(&follower, page + offset, 4)
        return NULL if follower else page + offset + LINK_SIZE

    cdef uint8_t* page_of(self, uint32_t number, bint is_to_change, PyObject** frame) except? NULL:
        """The page that a view's buffer number stands for; NULL if it is not in memory, or (to be changed) not to be changed in place."""
        cdef PyObject* found
        if not number or self.is_latched():
            return NULL
        found = PyDict_GetItem(self.pages.frames, <int64_t>number - 1)
        if found == NULL:
            return NULL
        if is_to_change and (<object>found).epoch != self.pages._epoch:
            return NULL
        if frame != NULL:
            frame[0] = found
        data = (<object>found).data
        if PyByteArray_GET_SIZE(data) != self.page_size:
            return NULL
        return <uint8_t*>PyByteArray_AS_STRING(data)

    # Writing

    cdef bint add(self, const uint8_t* raw, uint32_t size, uint32_t* place, object lsn) except -1:
        """Write a value (`Overflow._write_one`); `place` becomes its buffer number and slot. False, nothing having changed: not here."""
        cdef Room room
        if not self.find_room(size, &room):
            return False
        place[1] = put_chunk(&room, raw, size)
        place[0] = <uint32_t><int64_t>(<object>room.frame).page_id + 1
        self.finish(&room, lsn)
        return True

    cdef bint find_room(self, Py_ssize_t size, Room* room) except -1:
        """The page that `Overflow._page_for` would find, compacted if need be; False if it is to be sought, or made, there."""
        cdef Py_ssize_t needed = size + LINK_SIZE + SLOT_SIZE, place
        cdef int level, looked_at = 0, answer
        cdef PyObject* key
        cdef PyObject* value
        cdef object free_space = self.overflow.free_space
        cdef list levels = free_space._pages
        if needed > self.page_size - HEADER_SIZE:
            return False
        for level in range(level_of(free_space, needed), LEVEL_COUNT):
            place = 0
            while PyDict_Next(<object>PyList_GET_ITEM(levels, level), &place, &key, &value):
                answer = self.take(<int64_t><object>key + 1, needed, room)
                if answer != FULL:
                    return answer == TAKEN
                looked_at += 1
                if looked_at == CANDIDATE_COUNT:
                    return False
        return False

    cdef int take(self, int64_t number, Py_ssize_t needed, Room* room) except -1:
        """Fill in the room of a page: TAKEN, FULL if that is not enough, or UNSURE."""
        cdef PyObject* frame = NULL
        cdef uint8_t* page = self.page_of(<uint32_t>number, True, &frame)
        if page == NULL or not read_header(page, self.page_size, room):
            return UNSURE
        room.frame, room.page = <void*>frame, page
        if gap_of(room) >= needed:
            return TAKEN
        if gap_of(room) + usable(room.garbage, self.page_size) < needed:
            return FULL
        return TAKEN if compact(page, self.page_size, room) and gap_of(room) >= needed else UNSURE

    cdef int finish(self, Room* room, object lsn) except -1:
        """Tell of the page's change, once all is written."""
        cdef object frame = <object>room.frame, pages = self.pages
        if lsn > frame.newest_lsn:
            frame.newest_lsn = lsn
            pages.newest_lsn = lsn
        frame.touches += 1
        pages.hits += 1
        note_room(
            self.overflow.free_space,
            frame.page_id,
            gap_of(room) + usable(room.garbage, self.page_size),
        )
        return 0

    # Freeing

    cdef bint may_free(self, uint32_t number, uint32_t slot, uint32_t size) except -1:
        """Whether `free` can be done: the value is one chunk, on a page that may be changed in place."""
        return (
            self.page_of(number, True, NULL) != NULL and self.find(number, slot, size) != NULL
        )

    cdef int free(self, uint32_t number, uint32_t slot, object lsn) except -1:
        """Free a value of which `may_free` has just said that it can be."""
        cdef Room room
        cdef PyObject* frame = NULL
        cdef uint8_t* page = self.page_of(number, True, &frame)
        cdef uint8_t* at = page + HEADER_SIZE + slot * SLOT_SIZE
        cdef uint32_t place[2]
        if page == NULL or not read_header(page, self.page_size, &room):
            return 0
        room.frame, room.page = <void*>frame, page
        memcpy(place, at, SLOT_SIZE)
        memset(at, 0, SLOT_SIZE)
        if place[0] == room.chunks_start:
            memset(page + place[0], 0, place[1])
            room.chunks_start += place[1]
        else:
            room.garbage += place[1]
        if room.used:
            room.used -= 1
        while room.slots:
            memcpy(place, page + HEADER_SIZE + (room.slots - 1) * SLOT_SIZE, 4)
            if place[0]:
                break
            room.slots -= 1
        if room.slots:
            write_header(&room)
        else:
            memset(page, 0, self.page_size)
            room.chunks_start, room.garbage = <uint32_t>self.page_size, 0
        self.finish(&room, lsn)
        return 0


cdef Py_ssize_t gap_of(const Room* room) noexcept:
    """The bytes between a page's slots and its chunks."""
    return <Py_ssize_t>room.chunks_start - HEADER_SIZE - <Py_ssize_t>room.slots * SLOT_SIZE


cdef uint32_t put_chunk(Room* room, const uint8_t* raw, uint32_t size) noexcept:
    """Put a value on a page that has room for it; answers its slot."""
    cdef uint32_t slot = room.slots
    cdef uint32_t place[2]
    cdef uint8_t* at = room.page + HEADER_SIZE
    if room.used != room.slots:
        slot = 0
        while slot < room.slots:
            memcpy(place, at + slot * SLOT_SIZE, 4)
            if not place[0]:
                break
            slot += 1
    if slot == room.slots:
        room.slots += 1
    room.used += 1
    room.chunks_start -= size + LINK_SIZE
    place[0], place[1] = room.chunks_start, size + LINK_SIZE
    memcpy(at + slot * SLOT_SIZE, place, SLOT_SIZE)
    memset(room.page + room.chunks_start, 0, LINK_SIZE)
    memcpy(room.page + room.chunks_start + LINK_SIZE, raw, size)
    write_header(room)
    return slot


cdef bint read_header(const uint8_t* page, Py_ssize_t page_size, Room* room) noexcept:
    """Read a page's header; an unused page has that of an empty one. False if it is not such a page, or does not hold together."""
    cdef uint32_t facts[4]
    if not page[0]:
        room.slots = room.used = room.garbage = 0
        room.chunks_start = <uint32_t>page_size
        return True
    memcpy(facts, page + SLOTS_OFFSET, 16)
    room.slots, room.used, room.chunks_start, room.garbage = facts[0], facts[1], facts[2], facts[3]
    return (
        page[0] == c"L"
        and page[1] == c"O"
        and page[2] == VERSION
        and room.slots <= <uint32_t>page_size
        and room.chunks_start <= <uint32_t>page_size
        and HEADER_SIZE + <Py_ssize_t>room.slots * SLOT_SIZE <= room.chunks_start
    )


cdef void write_header(Room* room) noexcept:
    """Write a page's header."""
    cdef uint32_t facts[4]
    facts[0], facts[1], facts[2], facts[3] = room.slots, room.used, room.chunks_start, room.garbage
    memset(room.page, 0, HEADER_SIZE)
    room.page[0], room.page[1], room.page[2] = c"L", c"O", VERSION
    memcpy(room.page + SLOTS_OFFSET, facts, 16)


cdef bint find_chunk(
    const uint8_t* page, Py_ssize_t page_size, uint32_t slot, uint32_t size, uint32_t* offset
) noexcept:
    """Where the chunk in a slot lies; False unless it holds a value of that size."""
    cdef Room room
    cdef uint32_t place[2]
    if not page[0] or not read_header(page, page_size, &room) or slot >= room.slots:
        return False
    memcpy(place, page + HEADER_SIZE + slot * SLOT_SIZE, SLOT_SIZE)
    offset[0] = place[0]
    return (
        place[0] >= room.chunks_start
        and place[1] == <int64_t>size + LINK_SIZE
        and <int64_t>place[0] + place[1] <= page_size
    )


cdef bint compact(uint8_t* page, Py_ssize_t page_size, Room* room) except -1:
    """`Overflow._compact`; False, having changed nothing, if the page does not hold together."""
    cdef uint8_t* made = <uint8_t*>PyMem_Malloc(page_size)
    cdef uint32_t slot
    cdef uint32_t place[2]
    cdef Py_ssize_t start = page_size, slots_end = HEADER_SIZE + <Py_ssize_t>room.slots * SLOT_SIZE
    cdef bint is_whole = True
    if made == NULL:
        raise MemoryError
    memcpy(made, page, slots_end)
    memset(made + slots_end, 0, page_size - slots_end)
    for slot in range(room.slots):
        memcpy(place, page + HEADER_SIZE + slot * SLOT_SIZE, SLOT_SIZE)
        if not place[0]:
            continue
        if <int64_t>place[0] + place[1] > page_size or start - <Py_ssize_t>place[1] < slots_end:
            is_whole = False
            break
        start -= place[1]
        memcpy(made + start, page + place[0], place[1])
        place[0] = <uint32_t>start
        memcpy(made + HEADER_SIZE + slot * SLOT_SIZE, place, 4)
    if is_whole:
        memcpy(page, made, page_size)
        room.chunks_start, room.garbage = <uint32_t>start, 0
        write_header(room)
    PyMem_Free(made)
    return is_whole


cdef Py_ssize_t usable(Py_ssize_t garbage, Py_ssize_t page_size) noexcept:
    """How much of the garbage counts as room."""
    return garbage if garbage * COMPACTION_SHARE >= page_size else 0


cdef int level_of(object free_space, Py_ssize_t room) except -1:
    """`FreeSpace._level_of`, but at least 1."""
    cdef Py_ssize_t page_size = free_space._page_size, level
    level = 1 + room * (LEVEL_COUNT - 1) // page_size
    return <int>(level if level < LEVEL_COUNT else LEVEL_COUNT - 1)


cdef int note_room(object free_space, object page_id, Py_ssize_t room) except -1:
    """`FreeSpace.note`. It is a hint: without memory for it, the page is not thought of until it is looked at again."""
    cdef bytearray levels = free_space._levels
    cdef list pages = free_space._pages
    cdef uint8_t* known
    cdef Py_ssize_t number = page_id, count = PyByteArray_GET_SIZE(levels)
    cdef int level = 0, old
    if number >= count:
        try:
            PyByteArray_Resize(levels, number + 1)
        except MemoryError:
            return 0
        memset(PyByteArray_AS_STRING(levels) + count, 0, number + 1 - count)
    known = <uint8_t*>PyByteArray_AS_STRING(levels)
    if room >= <Py_ssize_t>free_space._smallest:
        level = level_of(free_space, room)
    old = known[number]
    if level == old:
        return 0
    if old and PyDict_Contains(<object>PyList_GET_ITEM(pages, old), page_id):
        PyDict_DelItem(<object>PyList_GET_ITEM(pages, old), page_id)
    known[number] = 0
    if level:
        try:
            PyDict_SetItem(<object>PyList_GET_ITEM(pages, level), page_id, None)
        except MemoryError:
            return 0
    known[number] = <uint8_t>level
    return 0
