from libc.stdint cimport int64_t, uint8_t

from lungfish.storage.native_tables cimport NativeTable


cdef int purge_in_one_step(list undo) except -1
cdef list entries_to_remove(NativeTable table, int64_t address, bytes gone, list staying)
cdef bint may_erase(NativeTable table, object frame, const uint8_t* row) except -1
cdef int erase(
    NativeTable table, object frame, int64_t address, uint8_t* row, list places, object lsn
) except -1
