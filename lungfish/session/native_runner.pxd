from cpython.object cimport PyObject

from lungfish.session.native_control cimport NativeControl
from lungfish.sql.native_shapes cimport NativeShapes


cdef class ReadyRunner:
    cdef readonly object session
    cdef PyObject *me
    cdef object database, settings, temporary, functions, owner
    cdef object mutex
    cdef dict with_parameters, without_parameters
    cdef set strong
    cdef NativeShapes shapes
    cdef NativeControl control

    cdef object run(self, str sql, object given, PyObject **found)
    cdef object run_pipeline(self, str sql, object ready, tuple values, object parsed)
    cdef object run_lane(self, str sql, PyObject *ready, tuple values)
    cdef bint gives_python_values(self, object ready) noexcept
    cdef bint gets_id(self, PyObject *ready, PyObject *transaction) except -1
    cdef bint has_time_limit(self) except -1
    cdef bint is_valid(self, PyObject *ready) except -1
    cdef bint may_run_in(self, PyObject *transaction, PyObject *ready) noexcept
    cdef bint has_locks(self, PyObject *ready, bint is_noted) except -1
    cdef int note_start(self, str sql) except -1
