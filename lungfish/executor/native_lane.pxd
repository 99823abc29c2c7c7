cdef class NativeLane:
    cpdef object run(self, tuple values, object transaction)
    cdef object act(self, tuple values, object transaction)
