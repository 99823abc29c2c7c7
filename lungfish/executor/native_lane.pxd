cdef class NativeLane:
    cpdef object run(self, tuple values, object transaction)
