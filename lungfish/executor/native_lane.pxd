cdef class NativeLane:
    cpdef object run(self, tuple values, object transaction)
    cdef object act(self, tuple values, object transaction)


cdef object snapshot_of(object transaction)
cdef bint has_null(tuple values, tuple not_null) except -1
