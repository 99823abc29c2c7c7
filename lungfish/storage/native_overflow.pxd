from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t


cdef struct Room:
    # Where chunks can be put: a page in memory, and what it holds so far. `frame` is borrowed from the relation's pages.
    void* frame
    uint8_t* page
    uint32_t slots
    uint32_t used
    uint32_t chunks_start
    uint32_t garbage


cdef class NativeOverflow:
    cdef object overflow
    cdef object pages
    cdef object is_latched
    cdef Py_ssize_t page_size

    cdef const uint8_t* find(self, uint32_t number, uint32_t slot, uint32_t size) except? NULL
    cdef uint8_t* page_of(self, uint32_t number, bint is_to_change, PyObject** frame) except? NULL
    cdef bint add(self, const uint8_t* raw, uint32_t size, uint32_t* place, object lsn) except -1
    cdef bint find_room(self, Py_ssize_t size, Room* room) except -1
    cdef int take(self, int64_t number, Py_ssize_t needed, Room* room) except -1
    cdef int finish(self, Room* room, object lsn) except -1
    cdef bint may_free(self, uint32_t number, uint32_t slot, uint32_t size) except -1
    cdef int free(self, uint32_t number, uint32_t slot, object lsn) except -1


cdef int level_of(object free_space, Py_ssize_t room) except -1
cdef int note_room(object free_space, object page_id, Py_ssize_t room) except -1
