from libc.stdint cimport int64_t, uint8_t


cdef enum Found:
    # What a search answers beside an address, which is never negative.
    NOTHING = -1
    # Not to be told here and now: the ordinary way finds out.
    UNSURE = -2


# Where a leaf has what is looked at.
cdef Py_ssize_t INTEGER_COUNT
cdef Py_ssize_t BYTE_CELL_START
cdef Py_ssize_t BYTE_COUNT
cdef Py_ssize_t BYTE_LIVE_BYTES


cdef class NativeTree:
    cdef readonly object btree
    cdef object pages
    cdef object is_latched
    cdef readonly bint is_integer
    cdef Py_ssize_t key_size_max

    cdef int64_t find_only(self, object key)
    cdef Place place_of(self, object key, int64_t address)
    cdef Place open_leaf(self, object frame, object node, object key, bint is_last)
    cdef int check_room(self, Place place, object key, int64_t address, bint is_exclusive)
    cdef int put(self, Place place, object key, int64_t address, object lsn) except -1


cdef class Place:
    # Where an entry belongs: the leaf's frame, the leaf, the index in it.
    cdef object frame
    cdef object leaf
    cdef Py_ssize_t index
    cdef Py_ssize_t count
    # Whether the leaf is the last one of the tree.
    cdef bint is_last
    # Of the leaf: its page; with byte-string keys, how long what all have in common is, and where the slots begin.
    cdef uint8_t* page
    cdef Py_ssize_t prefix_size
    cdef Py_ssize_t slots_offset


cdef class KeyMaker:
    cdef tuple kinds
    cdef readonly tuple positions
    cdef object encode
    cdef bint is_integer

    cdef object make(self, tuple values)


cdef Py_ssize_t child_index(
    bint is_integer, list keys, list addresses, object key, int64_t address
) except -1
cdef Py_ssize_t lower_bound(NativeTree tree, Place place, object key, int64_t address) except -1
cdef bint is_entry(NativeTree tree, Place place, object key, int64_t address) except -1
cdef int64_t address_at(NativeTree tree, Place place, Py_ssize_t index)
cdef int compare_bytes(object one, object other) noexcept
