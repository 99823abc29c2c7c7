from cpython.object cimport PyObject


cdef class ReadyRunner:
    cdef readonly object session
    cdef PyObject *me
    cdef object database, settings, temporary, functions, owner
    cdef object mutex
    cdef dict with_parameters, without_parameters
    cdef set strong

    cdef object run(self, str sql, object given, PyObject **found)
    cdef object run_undisturbed(self, str sql, object given, PyObject **found)
    cdef PyObject *find(self, str sql, object given) except? NULL
    cdef bint is_valid(self, PyObject *ready) except -1
    cdef bint may_run_in(self, PyObject *transaction, PyObject *ready) noexcept
    cdef bint has_locks(self, PyObject *ready, bint is_noted) except -1
    cdef int note_start(self, str sql, PyObject *cancellation, bint is_single) except -1
