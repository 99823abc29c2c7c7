from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_AsLongLong
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t

from lungfish.slots cimport set_slot, slot

# Where a `Frame` and a `RelationPages` have what is looked at.
cdef Py_ssize_t FRAME_CACHE
cdef Py_ssize_t FRAME_DATA
cdef Py_ssize_t FRAME_EPOCH
cdef Py_ssize_t FRAME_NEWEST_LSN
cdef Py_ssize_t FRAME_PAGE_ID
cdef Py_ssize_t FRAME_TOUCHES
cdef Py_ssize_t PAGES_EPOCH
cdef Py_ssize_t PAGES_FRAMES
cdef Py_ssize_t PAGES_HITS
cdef Py_ssize_t PAGES_IS_DROPPED
cdef Py_ssize_t PAGES_NEWEST_LSN
cdef Py_ssize_t PAGES_PAGE_COUNT


cdef inline int64_t number_in(PyObject* owner, Py_ssize_t offset) except? -1:
    """A whole number that the object has there."""
    return PyLong_AsLongLong(<object>slot(owner, offset))


cdef inline PyObject* frame_of(object pages, int64_t page_id) except? NULL:
    """The frame of a page, borrowed; NULL if it is not in memory."""
    return PyDict_GetItemWithError(<object>slot(<PyObject*>pages, PAGES_FRAMES), page_id)


cdef inline uint8_t* bytes_of(PyObject* frame) noexcept:
    """The page."""
    return <uint8_t*>PyByteArray_AS_STRING(<object>slot(frame, FRAME_DATA))


cdef inline bint is_writable(PyObject* frame, object pages) except -1:
    """Whether the page may be changed in place (invariant 2 of relation_pages.py)."""
    if slot(frame, FRAME_EPOCH) == slot(<PyObject*>pages, PAGES_EPOCH):
        return True
    return number_in(frame, FRAME_EPOCH) == number_in(<PyObject*>pages, PAGES_EPOCH)


cdef inline int touch(PyObject* frame, object pages) except -1:
    """Count a look at a page."""
    set_slot(frame, FRAME_TOUCHES, number_in(frame, FRAME_TOUCHES) + 1)
    set_slot(<PyObject*>pages, PAGES_HITS, number_in(<PyObject*>pages, PAGES_HITS) + 1)
    return 0


cdef inline int note_change(PyObject* frame, object pages, object lsn) except -1:
    """What `RelationPages.writable` does for a page that may be changed in place."""
    if PyLong_AsLongLong(lsn) > number_in(frame, FRAME_NEWEST_LSN):
        set_slot(frame, FRAME_NEWEST_LSN, lsn)
        set_slot(<PyObject*>pages, PAGES_NEWEST_LSN, lsn)
    return 0
