# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Whole leaves with byte-string keys read and written in C: the very lists and bytes of btree_byte_node.py, whose layout it has.

A split or merge goes through all entries of a leaf, some thousand; in Python that is a millisecond or two. Here are functions of bytes and lists, under
the same latches as there; what does not hold together is left to the Python code, which says so.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.list cimport PyList_Append, PyList_GET_ITEM, PyList_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

cdef enum:
    # btree_node.py and btree_byte_node.py.
    LEAF = 0x4C
    BYTE_FORM = 2
    PREFIX_OFFSET = 20
    SLOT_SIZE = 8
    HEAD_SIZE = 4
    ADDRESS_SIZE = 8
    USED_SIZE_MAX = 65536


def leaf_keys(bytearray data, bytes prefix, Py_ssize_t slots_offset, Py_ssize_t start, Py_ssize_t end):
    """`ByteLeaf.keys_between`; None if a cell is not on the page."""
    cdef const uint8_t* page = <const uint8_t*>PyByteArray_AS_STRING(data)
    cdef Py_ssize_t page_size = PyByteArray_GET_SIZE(data), prefix_size = PyBytes_GET_SIZE(prefix)
    cdef const uint8_t* slot
    cdef uint8_t* out
    cdef list keys = []
    cdef bytes key
    cdef uint16_t place, size
    cdef uint32_t head
    cdef Py_ssize_t index, byte
    if start < 0 or slots_offset + SLOT_SIZE * end > page_size:
        return None
    for index in range(start, end):
        slot = page + slots_offset + SLOT_SIZE * index
        memcpy(&place, slot, 2)
        memcpy(&size, slot + 2, 2)
        memcpy(&head, slot + 4, 4)
        key = PyBytes_FromStringAndSize(NULL, prefix_size + size)
        out = <uint8_t*>PyBytes_AS_STRING(key)
        memcpy(out, PyBytes_AS_STRING(prefix), prefix_size)
        out += prefix_size
        for byte in range(min(<Py_ssize_t>size, <Py_ssize_t>HEAD_SIZE)):
            out[byte] = <uint8_t>(head >> (8 * (HEAD_SIZE - 1 - byte)))
        if size > HEAD_SIZE:
            if place + ADDRESS_SIZE + size - HEAD_SIZE > page_size:
                return None
            memcpy(out + HEAD_SIZE, page + place + ADDRESS_SIZE, size - HEAD_SIZE)
        PyList_Append(keys, key)
    return keys


def leaf_addresses(bytearray data, Py_ssize_t slots_offset, Py_ssize_t start, Py_ssize_t end):
    """`ByteLeaf.addresses_between`; None if a cell is not on the page."""
    cdef const uint8_t* page = <const uint8_t*>PyByteArray_AS_STRING(data)
    cdef Py_ssize_t page_size = PyByteArray_GET_SIZE(data), index
    cdef list addresses = []
    cdef uint16_t place
    cdef int64_t address
    if start < 0 or slots_offset + SLOT_SIZE * end > page_size:
        return None
    for index in range(start, end):
        memcpy(&place, page + slots_offset + SLOT_SIZE * index, 2)
        if place + ADDRESS_SIZE > page_size:
            return None
        memcpy(&address, page + place, 8)
        PyList_Append(addresses, address)
    return addresses


def write_leaf(bytearray data, bytes prefix, list keys, list addresses):
    """Write a leaf of these keys, which all begin with the prefix, without holes; answers its cell start. None: nothing is written."""
    cdef Py_ssize_t count = PyList_GET_SIZE(keys), prefix_size = PyBytes_GET_SIZE(prefix)
    cdef Py_ssize_t used_size = min(PyByteArray_GET_SIZE(data), <Py_ssize_t>USED_SIZE_MAX)
    cdef Py_ssize_t slots_offset = PREFIX_OFFSET + (prefix_size + 3) // 4 * 4
    cdef Py_ssize_t index, byte, size, rest, cells_size = 0, cell_start
    cdef uint32_t number, head
    cdef uint16_t short_number
    cdef int64_t address
    cdef const uint8_t* suffix
    cdef uint8_t* page
    cdef uint8_t* slot
    cdef uint8_t* cell
    cdef bytes content
    if PyList_GET_SIZE(addresses) != count:
        return None
    for index in range(count):
        key = <object>PyList_GET_ITEM(keys, index)
        if not PyBytes_CheckExact(key) or PyBytes_GET_SIZE(key) < prefix_size:
            return None
        size = PyBytes_GET_SIZE(key) - prefix_size
        cells_size += ADDRESS_SIZE + (size - HEAD_SIZE if size > HEAD_SIZE else 0)
    cell_start = used_size - cells_size
    if slots_offset + SLOT_SIZE * count > cell_start:
        return None
    # Made beside the page, so that a wrong address leaves that as it is.
    content = PyBytes_FromStringAndSize(NULL, used_size)
    page = <uint8_t*>PyBytes_AS_STRING(content)
    memset(page, 0, cell_start)
    page[0], page[1] = LEAF, BYTE_FORM
    number = <uint32_t>count
    memcpy(page + 4, &number, 4)
    number = <uint32_t>prefix_size
    memcpy(page + 8, &number, 4)
    number = <uint32_t>cell_start
    memcpy(page + 12, &number, 4)
    number = <uint32_t>cells_size
    memcpy(page + 16, &number, 4)
    memcpy(page + PREFIX_OFFSET, PyBytes_AS_STRING(prefix), prefix_size)
    slot, cell = page + slots_offset, page + cell_start
    for index in range(count):
        key = <object>PyList_GET_ITEM(keys, index)
        suffix = <const uint8_t*>PyBytes_AS_STRING(key) + prefix_size
        size = PyBytes_GET_SIZE(key) - prefix_size
        rest = size - HEAD_SIZE if size > HEAD_SIZE else 0
        address = <object>PyList_GET_ITEM(addresses, index)
        head = 0
        for byte in range(HEAD_SIZE):
            head = head << 8 | (suffix[byte] if byte < size else 0)
        short_number = <uint16_t>(cell - page)
        memcpy(slot, &short_number, 2)
        short_number = <uint16_t>size
        memcpy(slot + 2, &short_number, 2)
        memcpy(slot + 4, &head, 4)
        memcpy(cell, &address, 8)
        memcpy(cell + ADDRESS_SIZE, suffix + HEAD_SIZE, rest)
        slot += SLOT_SIZE
        cell += ADDRESS_SIZE + rest
    # In place: views of the page stay valid.
    memcpy(PyByteArray_AS_STRING(data), page, used_size)
    return cell_start
