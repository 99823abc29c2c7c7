# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Changes of rows taken back, each in one uninterrupted step: what `TableRows.take_back` does where nothing but the row has to be put back.

What native_tables.pyx does in the other direction, under the invariants said there. A row goes this way if it lies on its page as the transaction left
it, deleted or as long as it was before, with the keys that it had before; or new, then it goes with its index entries (native_purge.pyx). The first one
of which that is not so for sure is left to Python.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Contains, PyDict_GetItem
from cpython.object cimport PyObject
from cpython.set cimport PySet_Contains, PySet_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memcpy

from lungfish.slots cimport NONE

from lungfish.storage.native_frames cimport note_change, touch
from lungfish.storage.native_purge cimport entries_to_remove, erase, may_erase
from lungfish.storage.native_tables cimport NativeTable, RowPlace, find_place

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()

cdef enum:
    # heap_page.py, rows.py and ids.py.
    COUNTS_OFFSET = 6
    FLAGS = 8
    # A row's writer and its flags.
    STAMP_SIZE = 9
    LIVE = 1
    DELETED = 2
    HAS_OVERFLOW = 8
    # As in native_tables.pyx.
    RECORD_SIZE_MAX = 32768


def take_back_plainly(object transaction, Py_ssize_t count, Py_ssize_t row_count_max, bint is_logged):
    """Take back at most so many of the newest changes, as long as they go this way, until the undo list is `count` long; answers how many."""
    cdef list undo = transaction.undo
    cdef Py_ssize_t done = 0
    cdef NativeTable table = None, changed = None
    cdef tuple entry
    cdef object native
    cdef bint is_done
    if transaction.is_undo_held:
        return 0
    while done < row_count_max and len(undo) > count:
        entry = <tuple>undo[len(undo) - 1]
        native = getattr(<object>PyTuple_GET_ITEM(entry, 0), "native", None)
        if type(native) is not NativeTable:
            break
        table = <NativeTable>native
        if PyTuple_GET_ITEM(entry, 2) == NONE:
            is_done = take_back_new(table, transaction, undo, count, entry, is_logged)
        else:
            is_done = take_back(table, transaction, undo, count, entry, is_logged)
        if not is_done:
            break
        changed = table
        done += 1
    if done and is_logged:
        # Of one that was changed: others may have no log (temporary ones).
        changed.ask_for_relief()
    return done


cdef bint take_back(
    NativeTable table, object transaction, list undo, Py_ssize_t count, tuple entry, bint is_logged
) except -1:
    """Take back the change of the newest entry, and that off the list; False if that was not done."""
    cdef object address = <object>PyTuple_GET_ITEM(entry, 1)
    cdef object given = <object>PyTuple_GET_ITEM(entry, 2)
    cdef int64_t place = address, writer, own_id = transaction.id
    cdef PyObject* found
    cdef RowPlace at
    cdef list chain
    cdef bytes before, image = None
    cdef uint8_t* page
    cdef uint8_t* row
    cdef uint8_t flags
    before = <bytes>given
    # Behind it nothing runs that lets another thread in.
    if not may_be_put_back(table, address, before):
        return False
    if transaction.is_undo_held or transaction.undo is not undo or len(undo) <= count:
        return False
    if undo[len(undo) - 1] is not entry:
        return False
    if not find_place(table, place, True, &at) or at.row == NULL:
        return False
    page, row = at.page, at.row
    flags = row[FLAGS]
    memcpy(&writer, row, 8)
    if writer != own_id or not flags & LIVE or flags & HAS_OVERFLOW:
        return False
    found = PyDict_GetItem(table.chains, address)
    if found == NULL:
        return False
    chain = <list>found
    if chain[len(chain) - 1] is not before:
        return False
    if not flags & DELETED:
        image = table.page_rows.extract(page, row, flags)
        if image is None or PyBytes_GET_SIZE(image) != PyBytes_GET_SIZE(before):
            return False
    lsn = table.log._end
    if is_logged:
        table.append_record(transaction.id, place, image, before)
    note_change(at.frame, table.pages, lsn)
    if flags & DELETED:
        # It has kept its fields and its tail.
        memcpy(row, PyBytes_AS_STRING(before), STAMP_SIZE)
        note_undeleted(page)
    else:
        table.page_rows.write_row(page, row, before, table.page_rows.tail_start(row, flags))
    touch(at.frame, table.pages)
    if len(chain) == 1:
        del table.chains[address]
    else:
        chain.pop()
    undo.pop()
    return True


cdef bint take_back_new(
    NativeTable table, object transaction, list undo, Py_ssize_t count, tuple entry, bint is_logged
) except -1:
    """`take_back` of a new row."""
    cdef bint was_on
    if table.indexes is not table.rows.indexes:
        # Python code, so before the step.
        table.learn_indexes()
    was_on = PyGC_Disable()
    try:
        return erase_new(table, transaction, undo, count, entry, is_logged)
    finally:
        if was_on:
            PyGC_Enable()


cdef bint erase_new(
    NativeTable table, object transaction, list undo, Py_ssize_t count, tuple entry, bint is_logged
) except -1:
    """`take_back_new`, with the garbage collector at rest: its containers are made in the step."""
    cdef object address = <object>PyTuple_GET_ITEM(entry, 1)
    cdef int64_t place = address, writer, own_id = transaction.id
    cdef RowPlace at
    cdef object frame
    cdef bytes image
    cdef list places
    cdef uint8_t* row
    if transaction.is_undo_held or transaction.undo is not undo or len(undo) <= count:
        return False
    if undo[len(undo) - 1] is not entry or PyDict_Contains(table.chains, address):
        return False
    if table.pages.is_dropped or table.is_gated() or not table.is_free():
        return False
    if not find_place(table, place, True, &at) or at.row == NULL:
        return False
    row, frame = at.row, <object>at.frame
    memcpy(&writer, row, 8)
    if writer != own_id or not row[FLAGS] & LIVE or row[FLAGS] & (DELETED | HAS_OVERFLOW):
        return False
    if not may_erase(table, frame, row):
        return False
    image = table.page_rows.extract(at.page, row, row[FLAGS])
    if image is None or PyBytes_GET_SIZE(image) > RECORD_SIZE_MAX:
        return False
    places = entries_to_remove(table, place, image, [])
    if places is None:
        return False
    lsn = table.log._end
    if is_logged:
        table.append_record(transaction.id, place, image, None)
    erase(table, frame, place, row, places, lsn)
    undo.pop()
    return True


cdef bint may_be_put_back(NativeTable table, object address, bytes before) except -1:
    """Whether the row that was there before has no long values, the keys that it has now, and nobody is in the way."""
    if 2 * PyBytes_GET_SIZE(before) > RECORD_SIZE_MAX or (
        (<const uint8_t*>PyBytes_AS_STRING(before))[FLAGS] & HAS_OVERFLOW
    ):
        return False
    stale, moved_out = table.rows.stale, table.rows.moved_out
    if (PySet_GET_SIZE(stale) and PySet_Contains(stale, address)) or PySet_GET_SIZE(moved_out):
        return False
    return not (table.pages.is_dropped or table.is_gated()) and table.is_free()


cdef void note_undeleted(uint8_t* page) noexcept:
    """One row less of the page is marked as deleted."""
    cdef uint16_t deleted
    memcpy(&deleted, page + COUNTS_OFFSET + 4, 2)
    deleted -= 1
    memcpy(page + COUNTS_OFFSET + 4, &deleted, 2)
