# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Expressions that lanes evaluate without Python code: parameters, constants, columns, whole numbers, CASE.

A node gives the internal value, None for NULL, or `UNSURE_VALUE` where the row pipeline is to evaluate the statement instead: it raises what
is to be raised (an overflow), and knows all other types.
"""

from cpython.long cimport PyLong_CheckExact, PyLong_FromLongLong
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_New, PyTuple_SET_ITEM

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

cdef extern from *:
    bint add_overflows "__builtin_saddll_overflow"(long long a, long long b, long long* sum)
    bint subtract_overflows "__builtin_ssubll_overflow"(long long a, long long b, long long* sum)
    bint multiply_overflows "__builtin_smulll_overflow"(long long a, long long b, long long* sum)

cdef object UNSURE_VALUE = object()


cdef class Node:
    """An expression over a row and the statement's parameters."""

    cdef object evaluate(self, tuple row, tuple values):
        """The value."""
        return UNSURE_VALUE


cdef class NodeList:
    """Several expressions."""

    def __init__(self, list nodes):
        self.nodes = nodes

    cdef tuple evaluate(self, tuple row, tuple values):
        """Their values in a new tuple; None if one of them is unsure."""
        cdef Py_ssize_t index, count = len(self.nodes)
        cdef tuple made = PyTuple_New(count)
        cdef object value
        for index in range(count):
            value = (<Node>self.nodes[index]).evaluate(row, values)
            if value is UNSURE_VALUE:
                return None
            Py_INCREF(value)
            PyTuple_SET_ITEM(made, index, value)
        return made


cdef class ParameterNode(Node):
    """A parameter of the statement."""

    cdef Py_ssize_t number

    def __init__(self, Py_ssize_t number):
        self.number = number

    cdef object evaluate(self, tuple row, tuple values):
        return <object>PyTuple_GET_ITEM(values, self.number)


cdef class ConstantNode(Node):
    """A value that is known."""

    cdef object value

    def __init__(self, object value):
        self.value = value

    cdef object evaluate(self, tuple row, tuple values):
        return self.value


cdef class ColumnNode(Node):
    """A column of the row."""

    cdef Py_ssize_t position

    def __init__(self, Py_ssize_t position):
        self.position = position

    cdef object evaluate(self, tuple row, tuple values):
        return <object>PyTuple_GET_ITEM(row, self.position)


cdef class NumberNode(Node):
    """The sum, difference or product of two whole numbers, within the range of its type."""

    cdef Node left, right
    cdef int operation
    cdef long long low, high

    def __init__(self, str name, Node left, Node right, long long low, long long high):
        self.operation = "+-*".index(name)
        self.left, self.right, self.low, self.high = left, right, low, high

    cdef object evaluate(self, tuple row, tuple values):
        cdef long long left, right, made = 0
        cdef int state = take_numbers(self.left, self.right, row, values, &left, &right)
        if state != NUMBERS:
            return None if state == NULLS else UNSURE_VALUE
        if self.operation == 0:
            overflows = add_overflows(left, right, &made)
        elif self.operation == 1:
            overflows = subtract_overflows(left, right, &made)
        else:
            overflows = multiply_overflows(left, right, &made)
        if overflows or made < self.low or made > self.high:
            return UNSURE_VALUE
        return PyLong_FromLongLong(made)


cdef class ComparisonNode(Node):
    """How one whole number stands to another."""

    cdef Node left, right
    # Whether the comparison holds for less, equal, greater.
    cdef bint holds_less, holds_equal, holds_greater

    def __init__(self, str name, Node left, Node right):
        self.left, self.right = left, right
        self.holds_less = name in ("<", "<=", "<>")
        self.holds_equal = name in ("=", "<=", ">=")
        self.holds_greater = name in (">", ">=", "<>")

    cdef object evaluate(self, tuple row, tuple values):
        cdef long long left, right
        cdef int state = take_numbers(self.left, self.right, row, values, &left, &right)
        if state != NUMBERS:
            return None if state == NULLS else UNSURE_VALUE
        if left == right:
            return self.holds_equal
        return self.holds_less if left < right else self.holds_greater


cdef class CaseNode(Node):
    """CASE: the result of the first branch whose condition is true."""

    cdef list conditions, results
    cdef Node default

    def __init__(self, list conditions, list results, Node default):
        self.conditions, self.results, self.default = conditions, results, default

    cdef object evaluate(self, tuple row, tuple values):
        cdef Py_ssize_t index
        cdef object found
        for index in range(len(self.conditions)):
            found = (<Node>self.conditions[index]).evaluate(row, values)
            if found is UNSURE_VALUE:
                return found
            if found is True:
                return (<Node>self.results[index]).evaluate(row, values)
        return self.default.evaluate(row, values)


cdef enum:
    # What `take_numbers` finds.
    NUMBERS = 0
    NULLS = 1
    OTHERS = 2


cdef int take_numbers(
    Node left, Node right, tuple row, tuple values, long long* one, long long* other
) except -1:
    """The values of two nodes as C numbers."""
    cdef object first = left.evaluate(row, values)
    cdef object second
    cdef int overflow = 0
    if first is UNSURE_VALUE:
        return OTHERS
    second = right.evaluate(row, values)
    if second is UNSURE_VALUE:
        return OTHERS
    if first is None or second is None:
        return NULLS
    if not PyLong_CheckExact(first) or not PyLong_CheckExact(second):
        return OTHERS
    one[0] = PyLong_AsLongLongAndOverflow(first, &overflow)
    if overflow:
        return OTHERS
    other[0] = PyLong_AsLongLongAndOverflow(second, &overflow)
    return OTHERS if overflow else NUMBERS
