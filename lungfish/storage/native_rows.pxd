from libc.stdint cimport int64_t, uint8_t


cdef class NativeRowFormat:
    cdef readonly Py_ssize_t stride
    cdef Py_ssize_t count
    cdef Py_ssize_t null_byte_count
    # One character a field (see `KINDS`).
    cdef bytes kinds
    # Where each field begins in the row.
    cdef int64_t* offsets
    # What turns a value into what the field holds and back; None where they are the same.
    cdef list encoders
    cdef list decoders
    cdef object plain_pack
    cdef object plain_unpack

    cpdef bytes pack(self, object values, object writer=*)
    cpdef tuple unpack(self, object buffer, Py_ssize_t offset=*, object overflow=*)
    cdef bytes packed(self, tuple values, int64_t writer)
    cdef int fill(
        self, tuple row, tuple positions, const uint8_t* buffer, Py_ssize_t size, Py_ssize_t offset
    ) except -1
    cdef tuple some(self, bytes packed, tuple positions)
    cdef int finish(self, tuple row, tuple positions) except -1
    cdef bint is_overflowed(self, const uint8_t* row, Py_ssize_t position) noexcept
    cdef bint has_overflowed(self, const uint8_t* row, tuple positions) except -1
    cdef bytes patched(self, bytes before, tuple positions, tuple values, int64_t writer)
    cdef Py_ssize_t tail_size_with(self, bytes before, tuple positions, tuple values) except -2
    cdef bint patch_field(self, uint8_t* row, Py_ssize_t position, object value) except -1
    cdef Py_ssize_t put_tail(
        self,
        uint8_t* row,
        Py_ssize_t position,
        Py_ssize_t place,
        bytes before,
        tuple positions,
        tuple values,
    ) except -2


cdef bint put_field(uint8_t* field, char kind, object value) except -1
cdef Py_ssize_t put_long(
    uint8_t* row, uint8_t* field, Py_ssize_t place, const char* raw, Py_ssize_t size
) noexcept
