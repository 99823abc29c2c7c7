from libc.stdint cimport int64_t, uint8_t, uint32_t

from lungfish.storage.native_overflow cimport NativeOverflow


cdef struct Fit:
    # What becomes of a page when one of its rows gets a tail of another size: where the new tail begins, and the header's two numbers.
    Py_ssize_t tail_start
    uint32_t tails_start
    uint32_t garbage
    # What is zeroed, having been the old tail.
    Py_ssize_t cleared_start
    Py_ssize_t cleared_size
    # The page is what `PageRows.compacted` holds.
    bint is_compacted


cdef enum:
    # So many values of one row go to overflow pages in compiled code.
    SPILLED_MAX = 8


cdef struct Spilled:
    # A value that goes to an overflow page: the offset of its view, its size, where it lies in the packed row, its buffer number and slot.
    int64_t view
    uint32_t size
    uint32_t position
    uint32_t place[2]


cdef class PageRows:
    cdef object heap
    cdef object pages
    # Where the heap has the number of its current page.
    cdef Py_ssize_t heap_current
    cdef object page_format
    cdef readonly NativeOverflow overflow
    cdef Py_ssize_t page_size
    cdef Py_ssize_t stride
    cdef Py_ssize_t tail_size_max
    # Offsets of the views in a row.
    cdef int64_t* views
    cdef Py_ssize_t view_count
    # A page's worth of memory, made when it is needed first.
    cdef uint8_t* compacted

    cdef Py_ssize_t tail_start(self, const uint8_t* row, uint8_t flags) noexcept
    cdef Py_ssize_t tail_size(self, const uint8_t* row, uint8_t flags) noexcept
    cdef bytes extract(self, const uint8_t* page, const uint8_t* row, uint8_t flags)
    cdef int write_row(self, uint8_t* page, uint8_t* row, bytes packed, Py_ssize_t tail_start) except -1
    cdef int shift(self, uint8_t* row, Py_ssize_t by) noexcept
    cdef Py_ssize_t tail_room(self, const uint8_t* page, const uint8_t* row) noexcept
    cdef bint fit(self, const uint8_t* page, const uint8_t* row, Py_ssize_t tail_size, Fit* fit) except -1
    cdef int replace(self, uint8_t* page, uint8_t* row, bytes packed, const Fit* fit) except -1
    cdef bint compact(self, const uint8_t* page, const uint8_t* left_out, Fit* fit) except -1
    cdef Py_ssize_t rows_end(self, const uint8_t* page) noexcept
    cdef Py_ssize_t usable(self, Py_ssize_t garbage) noexcept
    cdef int note_room(self, const uint8_t* page, object page_id) except -1
    cdef Py_ssize_t room_on(self, const uint8_t* page) noexcept
    cdef bint has_room(self, Py_ssize_t size) except -1
    cdef bint fits_on(self, const uint8_t* page, Py_ssize_t size) noexcept
    cdef bint move_on(self, Py_ssize_t size, object lsn) except -1
    cdef list candidates(self, Py_ssize_t size)
    cdef int add_page(self, object lsn) except -1
    cdef bytes whole(self, bytes stored)
    cdef bytes spilled(self, bytes packed, Py_ssize_t size_max, object lsn)
    cdef Py_ssize_t values_to_spill(self, bytes packed, Py_ssize_t size_max, Spilled* moved) noexcept
    cdef int put_stored(self, uint8_t* out, bytes packed, const Spilled* moved, Py_ssize_t count) noexcept
    cdef bint may_free(self, bytes stored) except -1
    cdef int free(self, bytes stored, object lsn) except -1
    cdef bint next_overflowed(self, bytes stored, Py_ssize_t* index, uint32_t* at) noexcept


cdef void note_writer(uint8_t* page, const uint8_t* row) noexcept
