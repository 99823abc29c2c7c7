cdef class NativeShapes:
    cdef object known
    cdef dict shapes
    # Skeletons of which `known` knew no shape when it had `asked_count` of them.
    cdef set unknown
    cdef Py_ssize_t asked_count
    # Of the text that was last taken apart.
    cdef readonly str shape

    cpdef tuple lift(self, str sql)
    cdef str find(self, str sql, bytes skeleton)
