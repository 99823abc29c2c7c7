# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What executemany is given, looked at in one go: of which types the values of each parameter are (parameter_sets.py)."""

from cpython.bytes cimport PyBytes_CheckExact
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.float cimport PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memchr

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object value)
    const char* PyUnicode_AsUTF8AndSize(object value, Py_ssize_t* size) except NULL
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

cdef enum:
    # The bits of parameter_sets.py.
    NULL_VALUE = 1
    INTEGER_VALUE = 2
    BIGINT_VALUE = 4
    TEXT_VALUE = 8
    DOUBLE_VALUE = 16
    BOOLEAN_VALUE = 32
    BYTES_VALUE = 64


def kinds_of_sets(list sets, Py_ssize_t count):
    """For each of `count` parameters a byte of the kinds of its values; None if a set is no tuple of that many, or a value of another kind."""
    cdef object found = bytearray(count), given
    cdef uint8_t* kinds = <uint8_t*>PyByteArray_AS_STRING(found)
    cdef uint8_t kind
    cdef Py_ssize_t number, position
    for number in range(PyList_GET_SIZE(sets)):
        given = <object>PyList_GET_ITEM(sets, number)
        if not PyTuple_CheckExact(given) or PyTuple_GET_SIZE(given) != count:
            return None
        for position in range(count):
            kind = kind_of(<object>PyTuple_GET_ITEM(given, position))
            if not kind:
                return None
            kinds[position] |= kind
    return bytes(found)


cdef uint8_t kind_of(object value) except 0xFF:
    """The kind of a value, 0 for any other."""
    cdef int overflow = 0
    cdef long long number
    cdef Py_ssize_t size
    cdef const char* raw
    if PyLong_CheckExact(value):
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return 0
        return INTEGER_VALUE if -0x80000000 <= number <= 0x7FFFFFFF else BIGINT_VALUE
    if PyUnicode_CheckExact(value):
        try:
            raw = PyUnicode_AsUTF8AndSize(value, &size)
        except UnicodeEncodeError:
            return 0
        # What no text may hold.
        return 0 if memchr(raw, 0, size) != NULL else TEXT_VALUE
    if value is None:
        return NULL_VALUE
    if PyFloat_CheckExact(value):
        return DOUBLE_VALUE
    if value is True or value is False:
        return BOOLEAN_VALUE
    return BYTES_VALUE if PyBytes_CheckExact(value) else 0
