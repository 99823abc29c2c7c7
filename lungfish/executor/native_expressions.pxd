cdef object UNSURE_VALUE


cdef class Node:
    cdef object evaluate(self, tuple row, tuple values)


cdef class NodeList:
    cdef readonly list nodes

    cdef tuple evaluate(self, tuple row, tuple values)
