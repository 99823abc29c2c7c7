from libc.stdint cimport int64_t

from lungfish.executor.native_expressions cimport Node, NodeList
from lungfish.storage.native_ranges cimport RangeShape, RangeWalk
from lungfish.storage.native_tables cimport NativeTable
from lungfish.storage.native_trees cimport NativeTree

cdef enum:
    # As many rows as there are.
    ALL = -1


cdef class Reading:
    # The statement's parameters; what it sees (None: what is committed now) beside its own transaction's rows.
    cdef tuple values
    cdef object snapshot
    cdef int64_t own_id
    # How many rows may still be looked at.
    cdef Py_ssize_t budget


cdef class NativeSource:
    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted)


cdef class KeyRange:
    cdef readonly NativeTable table
    cdef object index
    cdef RangeShape shape
    # The values that `RangeWalk.set_range` takes, over an outer row.
    cdef NodeList ends
    cdef bint is_whole_key, is_backward

    cdef Py_ssize_t number(self) except -2
    cdef int begin(self, RangeWalk walk, Py_ssize_t number, tuple outer, tuple values) except -9
