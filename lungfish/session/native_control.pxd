from cpython.object cimport PyObject


cdef class NativeControl:
    cdef object session, mutex, database, settings, owner, temporary, clock, on_expired, template
    cdef dict active

    cdef object run(self, str sql, object parsed)
    cdef bint is_usual(self) except -1
    cdef object begin(self, str sql, object statement)
    cdef object commit(self, str sql, object statement)
    cdef object new_transaction(self)


cdef int note_start(PyObject *session, object owner, str sql) except -1
cdef object now_us(object clock)
