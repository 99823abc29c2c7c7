# cython: language_level=3
"""`LiteralShapes.find` in one pass over the text: the shape of a statement that differs from a known one in its plain literals only.

What is plain, and why a text can be known by what stands between its literals, literal_shapes.py says; it is asked about every shape that is
not known here yet. Only texts of ASCII letters are taken apart, and none that holds a NUL, which stands for a literal in the skeleton:

    select a from t where id = 7 and b = 'x'   ->   select a from t where id = \\0 and b = \\0\\0
"""

from cpython.bytes cimport PyBytes_FromStringAndSize


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    const unsigned char *PyUnicode_1BYTE_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    str PyUnicode_Substring(object text, Py_ssize_t start, Py_ssize_t end)


cdef enum:
    LENGTH_MAX = 4000
    LITERALS_MAX = 64
    DIGITS_MAX = 18
    SHAPES_MAX = 512


cdef class NativeShapes:
    """Known shapes by their skeletons; its owner guards it."""

    def __init__(self, known):
        """`known` is the LiteralShapes to ask."""
        self.known = known
        self.shapes = {}
        self.unknown = set()
        self.asked_count = 0

    cpdef tuple lift(self, str sql):
        """The literals' internal values, their shape being `shape` from now on; None if the shape is not known or has something unusual in it."""
        cdef char skeleton[2 * LENGTH_MAX]
        cdef Py_ssize_t starts[LITERALS_MAX]
        cdef Py_ssize_t ends[LITERALS_MAX]
        cdef const unsigned char *text = PyUnicode_1BYTE_DATA(sql)
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(sql)
        cdef Py_ssize_t count = 0, size = 0, place = 0, end
        if length > LENGTH_MAX or not PyUnicode_IS_ASCII(sql):
            return None
        while place < length:
            end = literal_end(text, place, length)
            if end > 0:
                if count == LITERALS_MAX:
                    return None
                starts[count], ends[count] = place, end
                count += 1
                skeleton[size] = 0
                size += 1
                if text[place] == c"'":
                    skeleton[size] = 0
                    size += 1
                place = end
            elif text[place] == 0:
                return None
            else:
                skeleton[size] = text[place]
                size += 1
                place += 1
        if count == 0:
            return None
        shape = self.find(sql, PyBytes_FromStringAndSize(skeleton, size))
        if shape is None:
            return None
        values = []
        for place in range(count):
            if text[starts[place]] == c"'":
                values.append(PyUnicode_Substring(sql, starts[place] + 1, ends[place] - 1))
            elif ends[place] - starts[place] <= DIGITS_MAX:
                values.append(number_at(text + starts[place], ends[place] - starts[place]))
            else:
                return None
        lifted = tuple(values)
        # Last: making a tuple may run finalizers, and these may have other texts taken apart.
        self.shape = shape
        return lifted

    cdef str find(self, str sql, bytes skeleton):
        """The shape of that skeleton, which is the text's; None if it is not known."""
        shape = self.shapes.get(skeleton)
        if shape is not None:
            return <str>shape
        if len(self.known.shapes) != self.asked_count or len(self.unknown) >= SHAPES_MAX:
            self.asked_count = len(self.known.shapes)
            self.unknown.clear()
        if skeleton in self.unknown:
            return None
        found = self.known.find(sql)
        if found is None:
            self.unknown.add(skeleton)
            return None
        if len(self.shapes) >= SHAPES_MAX:
            self.shapes.clear()
        shape = self.shapes[skeleton] = found[0]
        return <str>shape


cdef inline Py_ssize_t literal_end(const unsigned char *text, Py_ssize_t place, Py_ssize_t length) noexcept:
    """Behind the plain literal that begins at the place; 0 if none does."""
    cdef unsigned char sign = text[place]
    cdef Py_ssize_t end = place + 1
    if is_digit(sign):
        if place > 0 and binds_before(text[place - 1]):
            return 0
        while end < length and is_digit(text[end]):
            end += 1
        return 0 if end < length and binds_behind(text[end]) else end
    if sign == c"'":
        while end < length and text[end] != c"'":
            if text[end] == c"\\" or text[end] == 0:
                return 0
            end += 1
        return end + 1 if end < length else 0
    return 0


cdef inline bint is_digit(unsigned char sign) noexcept:
    return c"0" <= sign <= c"9"


cdef inline bint is_word(unsigned char sign) noexcept:
    return is_digit(sign) or c"a" <= sign <= c"z" or c"A" <= sign <= c"Z" or sign == c"_"


cdef inline bint binds_before(unsigned char sign) noexcept:
    return is_word(sign) or sign == c"." or sign == c"$" or sign == c'"' or sign == c"'"


cdef inline bint binds_behind(unsigned char sign) noexcept:
    return is_word(sign) or sign == c"." or sign == c"'" or sign == c'"'


cdef inline long long number_at(const unsigned char *digits, Py_ssize_t count) noexcept:
    cdef long long number = 0
    cdef Py_ssize_t index
    for index in range(count):
        number = 10 * number + digits[index] - c"0"
    return number
