from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy

from cpython.set cimport PySet_Contains, PySet_GET_SIZE

from lungfish.slots cimport FALSE, NONE, slot
from lungfish.storage.native_frames cimport FRAME_CACHE, bytes_of, frame_of, is_writable, number_in

from lungfish.storage.native_page_rows cimport PageRows
from lungfish.storage.native_rows cimport NativeRowFormat
from lungfish.storage.native_trees cimport KeyMaker, NativeTree


# Where a `Fence`, a `TableRows` and a `Transaction` have what is looked at.
cdef Py_ssize_t FENCE_IS_CLOSED
cdef Py_ssize_t FENCE_RELIEF
cdef Py_ssize_t ROWS_INDEXES
cdef Py_ssize_t ROWS_NATIVE
cdef Py_ssize_t ROWS_STALE
cdef Py_ssize_t TRANSACTION_ID
cdef Py_ssize_t TRANSACTION_UNDO


cdef struct RowPlace:
    # Where a row lies: the frame of its page (borrowed), the page, the row; NULL if the page has no such slot.
    PyObject* frame
    uint8_t* page
    uint8_t* row


cdef class NativeTable:
    cdef object rows
    cdef object pages
    cdef object heap
    cdef object page_format
    cdef readonly NativeRowFormat row_format
    cdef PageRows page_rows
    cdef Py_ssize_t stride
    cdef object is_latched
    cdef object is_gated
    cdef object fence
    cdef object log
    cdef object is_log_latched
    cdef object seed
    cdef int64_t log_buffer_size_max
    # Where the log has what is looked at.
    cdef Py_ssize_t log_chunks, log_end, log_failure, log_full, log_taken
    # What is looked at in the transaction manager: ids that are running, rows with explicit locks, chains of old versions.
    cdef dict running
    cdef object locked_rows
    cdef dict chains
    cdef int64_t relation_id
    # Of the set of indexes that is in use.
    cdef tuple indexes
    cdef list trees
    cdef list makers
    cdef list positions
    cdef list exclusive
    cdef bint takes_inserts
    # Whether all keys are made of packed rows without Python code.
    cdef bint has_plain_keys

    cdef int read(
        self, tuple row, tuple fields, int64_t address, object snapshot, int64_t own_id
    ) except -9
    cdef int read_whole(self, tuple row, tuple fields, uint8_t* page, uint8_t* stored) except -9
    cdef bint sees(self, int64_t writer, object snapshot, int64_t own_id) except -1
    cdef bint is_free(self) except -1
    cdef bint is_unlocked(self, object transaction, int64_t address, bint is_deleted) except -1
    cdef int replace(
        self, object transaction, object snapshot, int64_t address, bytes packed, tuple entry, list chain
    ) except -1
    cdef bytes row_to_change(
        self, object transaction, object snapshot, int64_t address, bint is_deleted
    )
    cdef int change(
        self, object transaction, int64_t address, bytes before, bytes packed, tuple entry, list chain
    ) except -1
    cpdef object insert(self, object transaction, tuple values)
    cdef bytes stored_form(self, int64_t address, bytes before, bytes packed)
    cdef bint has_keys_in_place(self, bytes stored) except -1
    cdef bint goes_into_gap(
        self, int64_t address, bytes before, bytes packed, Py_ssize_t* grown
    ) except -1
    cdef uint8_t* page_at(self, int64_t address) except NULL
    cdef uint8_t* row_on(self, uint8_t* page, int64_t address) noexcept
    cdef int change_row(
        self,
        object transaction,
        int64_t address,
        bytes before,
        bytes packed,
        bytes stored,
        tuple entry,
        list chain,
    ) except -1
    cdef object place_new(self, object transaction, bytes packed, tuple entry, list keys)
    cdef int append_record(
        self, uint64_t writer, int64_t address, bytes before, bytes after
    ) except -1
    cdef int ask_for_relief(self) except -1
    cdef int learn_indexes(self) except -1
    cdef Py_ssize_t number_of(self, object index) except -2
    cdef list keys_of(self, tuple values)



cdef int undo_to(object transaction, Py_ssize_t mark) except -1
cdef void fill_entry(tuple entry, object rows, object address, object before)
cdef bint has_overflow(bytes stored) noexcept


cdef inline bint find_place(
    NativeTable table, int64_t address, bint is_to_change, RowPlace* place
) except -1:
    """Find a row on its page; False if that is not in memory, or has not been checked, or (to be changed) is not to be changed in place."""
    cdef PyObject* frame = frame_of(table.pages, address >> 16)
    cdef uint16_t slots
    if frame == NULL or slot(frame, FRAME_CACHE) != <PyObject*>table.page_format:
        return False
    if is_to_change and not is_writable(frame, table.pages):
        return False
    place.frame, place.page = frame, bytes_of(frame)
    # ids.py and heap_page.py.
    memcpy(&slots, place.page + 6, 2)
    place.row = NULL
    if (address & 0xFFFF) < slots:
        place.row = place.page + 32 + (address & 0xFFFF) * table.stride
    return True


cdef inline bint is_open(object fence) noexcept:
    """Whether a writer could pass the fence now, with nothing to be done when it leaves."""
    return (
        slot(<PyObject*>fence, FENCE_IS_CLOSED) == FALSE
        and slot(<PyObject*>fence, FENCE_RELIEF) == NONE
    )


cdef inline bint has_all_indexes(NativeTable table) noexcept:
    """Whether the indexes that were learned are those that the table has now."""
    return <PyObject*>table.indexes == slot(<PyObject*>table.rows, ROWS_INDEXES)


cdef inline bint is_stale(NativeTable table, int64_t address) except -1:
    """Whether some version of the row has another key than the one on the page."""
    cdef PyObject* stale = slot(<PyObject*>table.rows, ROWS_STALE)
    return PySet_GET_SIZE(<object>stale) and PySet_Contains(<object>stale, address)


cdef inline int64_t id_of(object transaction) except? -1:
    """The transaction's id; 0 if it has none."""
    return number_in(<PyObject*>transaction, TRANSACTION_ID)


cdef inline list undo_of(object transaction):
    """What the transaction has to take back."""
    return <list>slot(<PyObject*>transaction, TRANSACTION_UNDO)
