# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Rows of one layout packed and unpacked in C: the very bytes and values that `row_functions.py` gives.

Whatever is out of the ordinary (a value of another class, a number beyond its field, an overflowed value) is left to those functions,
which raise what is to be raised.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyFloat_FromDouble
from cpython.long cimport PyLong_CheckExact, PyLong_FromLongLong
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.tuple cimport (
    PyTuple_CheckExact,
    PyTuple_GET_ITEM,
    PyTuple_GET_SIZE,
    PyTuple_New,
    PyTuple_SET_ITEM,
)
from libc.math cimport isfinite
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object value)
    const char* PyUnicode_AsUTF8AndSize(object value, Py_ssize_t* size) except NULL
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1
    # No exception is looked for: NULL says that there is one.
    PyObject* PyUnicode_DecodeUTF8(const char* raw, Py_ssize_t size, const char* errors)
    int PyErr_ExceptionMatches(object kind)
    void PyErr_Clear()

from lungfish.storage.row_functions import DAMAGE

cdef enum:
    # Where the flags and the null bits of a row lie, and what the flags say (rows.py).
    FLAGS = 8
    NULLS = 9
    LIVE = 1
    HAS_TAIL = 4
    # What a view holds inside itself (row_codec.py).
    INLINE_MAX = 12
    VIEW_SIZE = 16

# What `KINDS` stand for: `struct`'s own letters, 's' for 16 bytes as they are, 't' for a view of text, 'v' for one of bytes.
KINDS = b"?hiqfdstv"


cdef class NativeRowFormat:
    """`pack` and `unpack` of a `RowLayout`."""

    def __init__(self, object layout, object plain_pack, object plain_unpack):
        cdef list kinds = []
        self.count = len(layout.codecs)
        self.null_byte_count = layout.null_byte_count
        self.stride = layout.stride
        self.plain_pack = plain_pack
        self.plain_unpack = plain_unpack
        self.encoders = []
        self.decoders = []
        self.offsets = <int64_t*>PyMem_Malloc(max(self.count, 1) * sizeof(int64_t))
        if self.offsets == NULL:
            raise MemoryError
        for position, codec in enumerate(layout.codecs):
            self.offsets[position] = layout.offsets[position]
            is_text = codec.is_view and codec.encode is str.encode and codec.decode is bytes.decode
            self.encoders.append(None if is_text else codec.encode)
            self.decoders.append(None if is_text else codec.decode)
            if codec.is_view:
                kinds.append("t" if is_text else "v")
            else:
                kinds.append("s" if codec.struct_format == "16s" else codec.struct_format)
        self.kinds = "".join(kinds).encode()
        assert not self.kinds.translate(None, KINDS), "a field of an unknown kind"

    def __dealloc__(self):
        PyMem_Free(self.offsets)

    cpdef bytes pack(self, object values, object writer=0):
        """The packed row; see `RowLayout.pack`."""
        cdef bytes made = None
        if PyTuple_CheckExact(values) and PyTuple_GET_SIZE(values) == self.count:
            made = self.packed(<tuple>values, writer)
        if made is None:
            made = self.plain_pack(values, writer)
        return made

    cdef bytes packed(self, tuple values, int64_t writer):
        """The packed row, or None where a value is out of the ordinary."""
        cdef list encoded
        cdef Py_ssize_t position, size, tail_size = 0
        cdef const char* kinds = PyBytes_AS_STRING(self.kinds)
        cdef object value, encode
        cdef bytes made
        cdef uint8_t* row
        cdef uint8_t* field
        cdef Py_ssize_t place
        cdef const char* raw
        # What the fields hold, and how much goes to the tail. Text is encoded in place, in the string's own cache.
        encoded = None
        for position in range(self.count):
            value = <object>PyTuple_GET_ITEM(values, position)
            if value is None:
                continue
            encode = self.encoders[position]
            if encode is not None:
                if encoded is None:
                    encoded = list(values)
                value = encode(value)
                encoded[position] = value
            if kinds[position] == c"t":
                if not PyUnicode_CheckExact(value):
                    return None
                PyUnicode_AsUTF8AndSize(value, &size)
                if size > INLINE_MAX:
                    tail_size += size
            elif kinds[position] == c"v":
                if not PyBytes_CheckExact(value):
                    return None
                size = PyBytes_GET_SIZE(value)
                if size > INLINE_MAX:
                    tail_size += size
        if encoded is not None:
            values = tuple(encoded)
        made = PyBytes_FromStringAndSize(NULL, self.stride + tail_size)
        row = <uint8_t*>PyBytes_AS_STRING(made)
        memset(row, 0, self.stride)
        memcpy(row, &writer, 8)
        row[FLAGS] = LIVE | HAS_TAIL if tail_size else LIVE
        place = self.stride
        for position in range(self.count):
            value = <object>PyTuple_GET_ITEM(values, position)
            if value is None:
                row[NULLS + (position >> 3)] |= 1 << (position & 7)
                continue
            field = row + self.offsets[position]
            kind = kinds[position]
            if kind == c"t" or kind == c"v":
                if kind == c"t":
                    raw = PyUnicode_AsUTF8AndSize(value, &size)
                else:
                    raw, size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
                if size > INLINE_MAX:
                    place = put_long(row, field, place, raw, size)
                    continue
            if not put_field(field, kind, value):
                return None
        return made

    def is_plain(self, tuple positions):
        """Whether the values of these fields are stored as they are, or as UTF-8, so that no Python code turns them into anything."""
        return all(self.encoders[position] is None for position in positions)

    cdef bint is_overflowed(self, const uint8_t* row, Py_ssize_t position) noexcept:
        """Whether a field's value lies on overflow pages."""
        cdef char kind = PyBytes_AS_STRING(self.kinds)[position]
        cdef uint32_t length, number
        if kind != c"t" and kind != c"v":
            return False
        memcpy(&length, row + self.offsets[position], 4)
        memcpy(&number, row + self.offsets[position] + 8, 4)
        return length > INLINE_MAX and number != 0

    cdef bint has_overflowed(self, const uint8_t* row, tuple positions) except -1:
        """Whether a value of the fields at `positions` (None: of any) lies on overflow pages."""
        cdef Py_ssize_t index
        for index in range(self.count if positions is None else PyTuple_GET_SIZE(positions)):
            if self.is_overflowed(
                row, index if positions is None else <object>PyTuple_GET_ITEM(positions, index)
            ):
                return True
        return False

    cdef bytes patched(self, bytes before, tuple positions, tuple values, int64_t writer):
        """A packed row with other values at `positions`, which are plain and different; None if one does not fit its field.

        Requires: `before` has no overflowed values.
        """
        cdef Py_ssize_t index, place = self.stride, size = self.tail_size_with(before, positions, values)
        cdef bint has_tail = size > 0
        cdef bint is_same = not has_tail and PyBytes_GET_SIZE(before) == self.stride
        cdef bytes made
        cdef uint8_t* row
        cdef uint32_t length
        if size < 0:
            return None
        made = PyBytes_FromStringAndSize(NULL, self.stride + size)
        row = <uint8_t*>PyBytes_AS_STRING(made)
        memcpy(row, PyBytes_AS_STRING(before), self.stride)
        memcpy(row, &writer, 8)
        for index in range(PyTuple_GET_SIZE(values)):
            if not self.patch_field(
                row,
                <object>PyTuple_GET_ITEM(positions, index),
                <object>PyTuple_GET_ITEM(values, index),
            ):
                return None
        if is_same:
            return made
        row[FLAGS] = LIVE | HAS_TAIL if has_tail else LIVE
        for index in range(self.count):
            if PyBytes_AS_STRING(self.kinds)[index] in (c"t", c"v"):
                memcpy(&length, row + self.offsets[index], 4)
                if length > INLINE_MAX and place + length > self.stride + size:
                    # The views of the row before do not share out its tail: the page is damaged.
                    return None
                place = self.put_tail(row, index, place, before, positions, values)
                if place < 0:
                    return None
        return made

    cdef Py_ssize_t tail_size_with(self, bytes before, tuple positions, tuple values) except -2:
        """The size of the tail of a packed row that gets other values at `positions`; -1 if one of them is of another class, or the row is damaged."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(before)
        cdef const char* kinds = PyBytes_AS_STRING(self.kinds)
        cdef Py_ssize_t index, position, size, tail_size = PyBytes_GET_SIZE(before) - self.stride
        cdef uint32_t length
        cdef object value
        for index in range(PyTuple_GET_SIZE(values)):
            position = <object>PyTuple_GET_ITEM(positions, index)
            if kinds[position] != c"t" and kinds[position] != c"v":
                continue
            memcpy(&length, row + self.offsets[position], 4)
            if length > INLINE_MAX:
                tail_size -= length
            value = <object>PyTuple_GET_ITEM(values, index)
            if value is None:
                continue
            if raw_value(value, kinds[position], &size) == NULL:
                return -1
            if size > INLINE_MAX:
                tail_size += size
        # Less than nothing: the row before has longer views than it has a tail.
        return tail_size if tail_size >= 0 else -1

    cdef bint patch_field(self, uint8_t* row, Py_ssize_t position, object value) except -1:
        """Put a value into its field, but for one that belongs to the tail: of that the length only. False if it does not fit."""
        cdef uint8_t* field = row + self.offsets[position]
        cdef char kind = PyBytes_AS_STRING(self.kinds)[position]
        cdef Py_ssize_t size
        cdef uint32_t length
        memset(field, 0, field_size(kind))
        if value is None:
            row[NULLS + (position >> 3)] |= 1 << (position & 7)
            return True
        row[NULLS + (position >> 3)] &= ~(1 << (position & 7))
        if kind == c"t" or kind == c"v":
            if raw_value(value, kind, &size) == NULL:
                return False
            if size > INLINE_MAX:
                length = <uint32_t>size
                memcpy(field, &length, 4)
                return True
        return put_field(field, kind, value)

    cdef Py_ssize_t put_tail(
        self,
        uint8_t* row,
        Py_ssize_t position,
        Py_ssize_t place,
        bytes before,
        tuple positions,
        tuple values,
    ) except -2:
        """Put the value of a view to `place`, if it is a long one; answers where the next one goes, -1 if it is not where its view says."""
        cdef uint8_t* field = row + self.offsets[position]
        cdef const uint8_t* source = <const uint8_t*>PyBytes_AS_STRING(before)
        cdef Py_ssize_t index, size
        cdef uint32_t length, start
        memcpy(&length, field, 4)
        if length <= INLINE_MAX:
            return place
        for index in range(PyTuple_GET_SIZE(positions)):
            if <Py_ssize_t><object>PyTuple_GET_ITEM(positions, index) == position:
                raw = raw_value(
                    <object>PyTuple_GET_ITEM(values, index),
                    PyBytes_AS_STRING(self.kinds)[position],
                    &size,
                )
                return put_long(row, field, place, raw, size)
        memcpy(&start, field + 12, 4)
        if <int64_t>start + length > PyBytes_GET_SIZE(before):
            return -1
        return put_long(row, field, place, <const char*>source + start, length)

    cpdef tuple unpack(self, object buffer, Py_ssize_t offset=0, object overflow=None):
        """The values of a row; see `RowLayout.unpack`."""
        cdef tuple row
        cdef const uint8_t* start
        cdef Py_ssize_t size
        if PyByteArray_CheckExact(buffer):
            start, size = <const uint8_t*>PyByteArray_AS_STRING(buffer), PyByteArray_GET_SIZE(buffer)
        elif PyBytes_CheckExact(buffer):
            start, size = <const uint8_t*>PyBytes_AS_STRING(buffer), PyBytes_GET_SIZE(buffer)
        else:
            return self.plain_unpack(buffer, offset, overflow)
        if offset < 0 or offset + self.stride > size:
            return self.plain_unpack(buffer, offset, overflow)
        row = PyTuple_New(self.count)
        if not self.fill(row, None, start, size, offset) or not self.finish(row, None):
            return self.plain_unpack(buffer, offset, overflow)
        return row

    cdef int fill(
        self, tuple row, tuple positions, const uint8_t* buffer, Py_ssize_t size, Py_ssize_t offset
    ) except -1:
        """Put what the fields at `positions` (None: all) hold into a new tuple. 0: an overflowed value is in the way, or the row is damaged.

        Makes no container and calls no Python, so nothing comes in between; `finish` does what may.
        """
        cdef Py_ssize_t index, position, count = PyTuple_GET_SIZE(row)
        cdef const char* kinds = PyBytes_AS_STRING(self.kinds)
        cdef const uint8_t* start = buffer + offset
        cdef const uint8_t* field
        cdef const char* raw
        cdef object value
        cdef PyObject* text
        cdef uint32_t length, number, place
        cdef char kind
        for index in range(count):
            position = index if positions is None else <object>PyTuple_GET_ITEM(positions, index)
            if start[NULLS + (position >> 3)] >> (position & 7) & 1:
                value = None
            else:
                field = start + self.offsets[position]
                kind = kinds[position]
                if kind == c"t" or kind == c"v":
                    memcpy(&length, field, 4)
                    raw = <const char*>field + 4
                    if length > INLINE_MAX:
                        memcpy(&number, field + 8, 4)
                        memcpy(&place, field + 12, 4)
                        if number or place > size or length > size - place:
                            return 0
                        raw = <const char*>buffer + place
                    if kind == c"t":
                        text = PyUnicode_DecodeUTF8(raw, length, NULL)
                        if text == NULL:
                            return no_text()
                        PyTuple_SET_ITEM(row, index, <object>text)
                        continue
                    else:
                        value = PyBytes_FromStringAndSize(raw, length)
                else:
                    value = plain_field(field, kind)
            Py_INCREF(value)
            PyTuple_SET_ITEM(row, index, value)
        return 1

    cdef tuple some(self, bytes packed, tuple positions):
        """What the fields at `positions`, which are plain, hold in a packed row; None if one is not where its view says."""
        cdef tuple row = PyTuple_New(PyTuple_GET_SIZE(positions))
        cdef const uint8_t* start = <const uint8_t*>PyBytes_AS_STRING(packed)
        return row if self.fill(row, positions, start, PyBytes_GET_SIZE(packed), 0) else None

    cdef int finish(self, tuple row, tuple positions) except -1:
        """Turn what fields hold into values where these are not the same; 0: one cannot be. The tuple is still nobody else's."""
        cdef Py_ssize_t index, position
        cdef object value, decode
        for index in range(PyTuple_GET_SIZE(row)):
            position = index if positions is None else <object>PyTuple_GET_ITEM(positions, index)
            decode = self.decoders[position]
            if decode is None:
                continue
            value = <object>PyTuple_GET_ITEM(row, index)
            if value is not None:
                try:
                    value = decode(value)
                except DAMAGE:
                    return 0
                replace_item(row, index, value)
        return 1


cdef int no_text() except -1:
    """What `fill` answers where bytes are no text: the plain form says which. Raises what else has come of decoding them."""
    if not PyErr_ExceptionMatches(UnicodeDecodeError):
        return -1
    PyErr_Clear()
    return 0


cdef const char* raw_value(object value, char kind, Py_ssize_t* size) except? NULL:
    """The bytes of a text or a byte string, and how many; NULL if it is of another class."""
    if kind == c"t":
        return PyUnicode_AsUTF8AndSize(value, size) if PyUnicode_CheckExact(value) else NULL
    if not PyBytes_CheckExact(value):
        return NULL
    size[0] = PyBytes_GET_SIZE(value)
    return PyBytes_AS_STRING(value)


cdef object plain_field(const uint8_t* field, char kind):
    """The value of a field of fixed length."""
    cdef int16_t number2
    cdef int32_t number4
    cdef int64_t number8
    cdef float real4
    cdef double real8
    if kind == c"i":
        memcpy(&number4, field, 4)
        return PyLong_FromLongLong(number4)
    if kind == c"q":
        memcpy(&number8, field, 8)
        return PyLong_FromLongLong(number8)
    if kind == c"h":
        memcpy(&number2, field, 2)
        return PyLong_FromLongLong(number2)
    if kind == c"?":
        return field[0] != 0
    if kind == c"d":
        memcpy(&real8, field, 8)
        return PyFloat_FromDouble(real8)
    if kind == c"f":
        memcpy(&real4, field, 4)
        return PyFloat_FromDouble(real4)
    return PyBytes_FromStringAndSize(<const char*>field, 16)


cdef bint put_integer(uint8_t* field, char kind, long long number) noexcept:
    """Write an integer; False if the field is too narrow."""
    cdef int16_t number2 = <int16_t>number
    cdef int32_t number4 = <int32_t>number
    if kind == c"q":
        memcpy(field, &number, 8)
        return True
    if kind == c"i":
        memcpy(field, &number4, 4)
        return number4 == number
    memcpy(field, &number2, 2)
    return number2 == number


cdef bint put_field(uint8_t* field, char kind, object value) except -1:
    """Write a value that lies in its field wholly; False if it does not, or is of another class."""
    cdef int overflow = 0
    cdef long long number
    cdef double real
    cdef float short_real
    cdef const char* raw
    cdef Py_ssize_t size
    cdef uint32_t length
    if kind == c"i" or kind == c"q" or kind == c"h":
        if not PyLong_CheckExact(value):
            return False
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        return not overflow and put_integer(field, kind, number)
    if kind == c"t" or kind == c"v":
        if kind == c"t":
            if not PyUnicode_CheckExact(value):
                return False
            raw = PyUnicode_AsUTF8AndSize(value, &size)
        else:
            if not PyBytes_CheckExact(value):
                return False
            raw, size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
        if size > INLINE_MAX:
            return False
        length = <uint32_t>size
        memcpy(field, &length, 4)
        memcpy(field + 4, raw, size)
        return True
    if kind == c"d" or kind == c"f":
        if not PyFloat_CheckExact(value):
            return False
        real = PyFloat_AS_DOUBLE(value)
        short_real = <float>real
        if kind == c"d":
            memcpy(field, &real, 8)
        else:
            memcpy(field, &short_real, 4)
        return kind == c"d" or isfinite(short_real) or not isfinite(real)
    if kind == c"?":
        field[0] = value is True
        return value is True or value is False
    if not PyBytes_CheckExact(value) or PyBytes_GET_SIZE(value) != 16:
        return False
    memcpy(field, PyBytes_AS_STRING(value), 16)
    return True


cdef Py_ssize_t field_size(char kind) noexcept:
    """The bytes of a field."""
    if kind == c"q" or kind == c"d":
        return 8
    if kind == c"i" or kind == c"f":
        return 4
    if kind == c"h":
        return 2
    return 1 if kind == c"?" else 16


cdef Py_ssize_t put_long(
    uint8_t* row, uint8_t* field, Py_ssize_t place, const char* raw, Py_ssize_t size
) noexcept:
    """Write the view of a long value, and the value at `place`; answers where the next one goes."""
    cdef uint32_t length = <uint32_t>size, position = <uint32_t>place
    memcpy(field, &length, 4)
    memcpy(field + 4, raw, 4)
    memcpy(field + 12, &position, 4)
    memcpy(row + place, raw, size)
    return place + size


cdef void replace_item(tuple row, Py_ssize_t index, object value):
    """Put another value into a tuple that nobody else has."""
    cdef PyObject* before = PyTuple_GET_ITEM(row, index)
    Py_INCREF(value)
    PyTuple_SET_ITEM(row, index, value)
    old = <object>before
    Py_DECREF(old)
