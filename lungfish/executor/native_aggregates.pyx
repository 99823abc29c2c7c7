# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Aggregates of a few rows without groups, without Python code: what row_aggregate.py does, over whole numbers."""

from cpython.long cimport PyLong_CheckExact, PyLong_FromLongLong
from cpython.list cimport PyList_GET_SIZE
from cpython.ref cimport Py_INCREF
from cpython.set cimport PySet_Add, PySet_Contains
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

from lungfish.executor.native_expressions cimport Node, UNSURE_VALUE
from lungfish.executor.native_sources cimport ALL, NativeSource, Reading

from decimal import Decimal

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

cdef extern from *:
    bint add_overflows "__builtin_saddll_overflow"(long long a, long long b, long long* sum)

cdef object make_decimal = Decimal

cdef enum Kind:
    COUNT_ROWS
    COUNT
    MIN
    MAX
    SUM
    # A sum whose type is numeric.
    NUMERIC_SUM


cdef class Aggregate:
    """One aggregate."""

    cdef Kind kind
    cdef Node argument, condition
    cdef bint is_distinct

    def __init__(self, str kind, Node argument, Node condition, bint is_distinct):
        """`argument`: None to count rows; `condition`: FILTER, or None."""
        self.kind = <Kind><int>("rows", "count", "min", "max", "sum", "numeric sum").index(kind)
        self.argument, self.condition, self.is_distinct = argument, condition, is_distinct

    cdef object evaluate(self, list rows, tuple values):
        """Its result, or `UNSURE_VALUE`."""
        cdef Py_ssize_t count = 0
        cdef long long number = 0, total = 0
        cdef int overflow = 0
        cdef set known = set() if self.is_distinct else None
        cdef tuple row
        cdef object value
        for row in rows:
            if self.condition is not None:
                value = self.condition.evaluate(row, values)
                if value is UNSURE_VALUE:
                    return value
                if value is not True:
                    continue
            if self.kind == COUNT_ROWS:
                count += 1
                continue
            value = self.argument.evaluate(row, values)
            if value is None:
                continue
            if not PyLong_CheckExact(value):
                # Of what cannot be counted here, too: `count` without DISTINCT takes anything but this.
                if value is UNSURE_VALUE or self.kind != COUNT or known is not None:
                    return UNSURE_VALUE
                count += 1
                continue
            number = PyLong_AsLongLongAndOverflow(value, &overflow)
            if overflow:
                return UNSURE_VALUE
            if known is not None:
                if PySet_Contains(known, value):
                    continue
                PySet_Add(known, value)
            if not count or (self.kind == MIN and number < total) or (self.kind == MAX and number > total):
                total = number
            elif self.kind >= SUM and add_overflows(total, number, &total):
                return UNSURE_VALUE
            count += 1
        if self.kind == COUNT_ROWS or self.kind == COUNT:
            return count
        if not count:
            return None
        return make_decimal(total) if self.kind == NUMERIC_SUM else PyLong_FromLongLong(total)


cdef class AggregateSource(NativeSource):
    """The one row of some aggregates over all rows of a source."""

    cdef NativeSource source
    cdef list aggregates

    def __init__(self, NativeSource source, list aggregates):
        self.source, self.aggregates = source, aggregates

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef list found = self.source.rows(reading, outer, ALL)
        cdef Py_ssize_t index, count = PyList_GET_SIZE(self.aggregates)
        cdef tuple row
        cdef object value
        if found is None:
            return None
        row = PyTuple_New(count)
        for index in range(count):
            value = (<Aggregate>self.aggregates[index]).evaluate(found, reading.values)
            if value is UNSURE_VALUE:
                return None
            Py_INCREF(value)
            PyTuple_SET_ITEM(row, index, value)
        return [row]
