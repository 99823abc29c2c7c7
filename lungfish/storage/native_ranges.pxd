from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from lungfish.storage.native_trees cimport KeyMaker, NativeTree, Place

cdef enum:
    # Inner nodes on the way to a leaf. With a hundred children each, four would be a great many entries.
    DEPTH_MAX = 12
    # What `set_range` answers beside `UNSURE`.
    NO_ENTRIES = 0
    ENTRIES = 1


cdef class RangeShape:
    # How many columns the index has, and how many of the leading ones are held to one value.
    cdef Py_ssize_t column_count
    cdef Py_ssize_t equal_count
    # Of the next column: whether there is a bound, and whether its value is within.
    cdef bint has_low, is_low_within, has_high, is_high_within


cdef class RangeWalk:
    cdef NativeTree tree
    # Between which positions; a key of None is the tree's end on that side.
    cdef object low_key, high_key
    cdef int64_t low_address, high_address
    # The way down to the leaf at hand: inner nodes, which are borrowed from their frames, and the child taken of each.
    cdef PyObject* nodes[DEPTH_MAX]
    cdef Py_ssize_t children[DEPTH_MAX]
    cdef int depth
    # The leaf at hand, and the place at which the walk ends.
    cdef Place leaf, end
    cdef Py_ssize_t index
    cdef bint is_backward, is_over

    cdef int set_range(self, RangeShape shape, KeyMaker maker, tuple values) except -9
    cdef bint begin(self, NativeTree tree, bint is_backward) except -1
    cdef int64_t next_address(self) except -9
    cdef int set_integers(self, RangeShape shape, tuple values) except -9
    cdef int set_bytes(self, RangeShape shape, KeyMaker maker, tuple values) except -9
    cdef bint is_empty(self) except -1
    cdef Place descend(self, object key, int64_t address, bint is_high)
    cdef Place leaf_below(self, object page_id, int level, bint is_high)
    cdef PyObject* page(self, object page_id) except? NULL
    cdef bint step(self) except -1
