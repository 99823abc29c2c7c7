"""Reading and writing the attributes that a Python class keeps in `__slots__`, without looking them up: a field of a structure each.

An offset holds for instances of the class that it was asked of, and of its subclasses; whoever uses one has made sure of the type.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF


cdef extern from "Python.h":
    PyObject *NONE "Py_None"
    PyObject *TRUE "Py_True"
    PyObject *FALSE "Py_False"


cdef extern from *:
    """
    #include <structmember.h>
    #define member_offset(descriptor) (((PyMemberDescrObject *)(descriptor))->d_member->offset)
    """
    Py_ssize_t member_offset(PyObject *descriptor)
    bint is_member "PyObject_TypeCheck"(PyObject *descriptor, void *kind)
    void *PyMemberDescr_Type "&PyMemberDescr_Type"


cdef inline Py_ssize_t offset_of(type owner, str name) except -1:
    """Where instances have the attribute. Raises TypeError if it is none of the class's slots."""
    descriptor = getattr(owner, name, None)
    if not is_member(<PyObject *>descriptor, PyMemberDescr_Type):
        raise TypeError(f"{name} is not in the __slots__ of {owner.__name__}")
    return member_offset(<PyObject *>descriptor)


cdef inline PyObject *slot(PyObject *owner, Py_ssize_t offset) noexcept:
    """The attribute, borrowed; NULL if it was never set."""
    return (<PyObject **>(<char *>owner + offset))[0]


cdef inline void set_slot(PyObject *owner, Py_ssize_t offset, object value) noexcept:
    """Give the attribute a value. The one before must be such that letting go of it runs no Python code."""
    cdef PyObject **place = <PyObject **>(<char *>owner + offset)
    cdef PyObject *before = place[0]
    Py_INCREF(value)
    place[0] = <PyObject *>value
    Py_XDECREF(before)
