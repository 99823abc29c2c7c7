cdef class NativeMutex:
    # The thread that is inside, and how often it has entered; 0: nobody.
    cdef readonly unsigned long owner
    cdef Py_ssize_t depth
    cdef list waiting

    cpdef bint acquire(self, bint blocking=*)
    cpdef release(self)
    cdef wait(self)
    cdef wake(self)
