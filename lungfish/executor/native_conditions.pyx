# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Conditions that lanes evaluate without Python code: AND, OR, NOT, IS NULL, IN, and how one text stands to another."""

from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject_RichCompare

from lungfish.executor.native_expressions cimport Node, UNSURE_VALUE


cdef class AndNode(Node):
    """AND: false as soon as one is false."""

    cdef list operands

    def __init__(self, list operands):
        self.operands = operands

    cdef object evaluate(self, tuple row, tuple values):
        cdef bint has_null = False
        cdef Node operand
        for operand in self.operands:
            value = operand.evaluate(row, values)
            if value is UNSURE_VALUE or value is False:
                return value
            has_null = has_null or value is None
        return None if has_null else True


cdef class OrNode(Node):
    """OR: true as soon as one is true."""

    cdef list operands

    def __init__(self, list operands):
        self.operands = operands

    cdef object evaluate(self, tuple row, tuple values):
        cdef bint has_null = False
        cdef Node operand
        for operand in self.operands:
            value = operand.evaluate(row, values)
            if value is UNSURE_VALUE or value is True:
                return value
            has_null = has_null or value is None
        return None if has_null else False


cdef class NotNode(Node):
    """NOT."""

    cdef Node operand

    def __init__(self, Node operand):
        self.operand = operand

    cdef object evaluate(self, tuple row, tuple values):
        value = self.operand.evaluate(row, values)
        if value is None or value is UNSURE_VALUE:
            return value
        return value is not True


cdef class IsNullNode(Node):
    """IS [NOT] NULL."""

    cdef Node operand
    cdef bint is_negated

    def __init__(self, Node operand, bint is_negated):
        self.operand, self.is_negated = operand, is_negated

    cdef object evaluate(self, tuple row, tuple values):
        value = self.operand.evaluate(row, values)
        if value is UNSURE_VALUE:
            return value
        return (value is None) != self.is_negated


cdef class TextComparisonNode(Node):
    """How one text stands to another, code point by code point."""

    cdef Node left, right
    cdef int operation

    def __init__(self, str name, Node left, Node right):
        self.left, self.right = left, right
        self.operation = {"=": Py_EQ, "<>": Py_NE, "<": Py_LT, "<=": Py_LE, ">": Py_GT, ">=": Py_GE}[name]

    cdef object evaluate(self, tuple row, tuple values):
        left = self.left.evaluate(row, values)
        if left is UNSURE_VALUE:
            return left
        right = self.right.evaluate(row, values)
        if right is UNSURE_VALUE or left is None or right is None:
            return right if right is UNSURE_VALUE else None
        if type(left) is not str or type(right) is not str:
            return UNSURE_VALUE
        return PyObject_RichCompare(left, right, self.operation)
