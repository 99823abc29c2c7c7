cdef object UNSURE_VALUE


cdef class Node:
    cdef object evaluate(self, tuple row, tuple values)


cdef class NodeList:
    cdef readonly list nodes

    cdef tuple evaluate(self, tuple row, tuple values)


cdef int take_numbers(
    Node left, Node right, tuple row, tuple values, long long* one, long long* other
) except -1
