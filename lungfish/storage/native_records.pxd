"""Appending a record to the write-ahead log's memory, in one step: the header of wal_records.py before a body that somebody has made."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_Append
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef enum:
    RECORD_HEADER_SIZE = 16


cdef inline object append_record(list chunks, uint64_t lsn, bytes body, uint64_t checksum):
    """Append a header and the body; answers where the record ends, which the caller notes as the log's end at once.

    `checksum`: xxh3-64 of the body, of which the low half is kept. Requires: nobody has the log's latch. Raises MemoryError, nothing being appended.
    """
    cdef bytes header = PyBytes_FromStringAndSize(NULL, RECORD_HEADER_SIZE)
    cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(header)
    cdef uint32_t size = <uint32_t>PyBytes_GET_SIZE(body), stored = <uint32_t>checksum
    # Made before the log has anything of the record.
    cdef object end = lsn + RECORD_HEADER_SIZE + size
    memcpy(out, &size, 4)
    memcpy(out + 4, &stored, 4)
    memcpy(out + 8, &lsn, 8)
    PyList_Append(chunks, header)
    try:
        PyList_Append(chunks, body)
    except MemoryError:
        chunks.pop()
        raise
    return end
