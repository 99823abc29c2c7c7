# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Old versions of rows dropped, with the index entries that only they had, and rows that nobody sees any more taken off their pages: each in one step.

What `TableRows.purge_entry` does, where all pages are in memory and may be changed in place, no leaf is to be merged, and the
keys of all indexes are made without Python code; what is otherwise is left to it. `erase` also serves native_undo.pyx, which takes back new rows.

Invariants, beyond those of native_tables.pyx:
1. All that may fail, or be unsure, comes before the first change: the keys, the places of the entries, the numbers that are to be stored.
2. Pages are left byte for byte as Python leaves them (btree_integer_node.py, btree_byte_node.py, heap_page.py).
3. The garbage collector rests during a step: containers are made in it.
"""

from cpython.bytearray cimport (
    PyByteArray_GET_SIZE,
)
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_GetItemWithError, PyDict_SetItem
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.set cimport PySet_Discard, PySet_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memmove, memset

from lungfish.slots cimport FALSE, set_slot, slot
from lungfish.storage.native_frames cimport (
    FRAME_PAGE_ID,
    FRAME_TOUCHES,
    PAGES_HITS,
    PAGES_IS_DROPPED,
    bytes_of,
    frame_of,
    is_writable,
    note_change,
    number_in,
)
from lungfish.storage.native_tables cimport (
    ROWS_INDEXES,
    ROWS_NATIVE,
    NativeTable,
    RowPlace,
    find_place,
    has_all_indexes,
    has_overflow,
    is_open,
    is_stale,
)
from lungfish.storage.native_trees cimport (
    BYTE_CELL_START,
    BYTE_COUNT,
    BYTE_LIVE_BYTES,
    INTEGER_COUNT,
    KeyMaker,
    NativeTree,
    Place,
    is_entry,
)

from lungfish.storage.table_rows import TableRows

cdef extern from "Python.h":
    int PyGC_Disable()
    int PyGC_Enable()

cdef enum:
    # heap_page.py, rows.py and ids.py.
    HEADER_SIZE = 32
    COUNTS_OFFSET = 6
    TAILS_OFFSET = 12
    SLOT_BITS = 16
    SLOT_MASK = 0xFFFF
    FLAGS = 8
    DELETED = 2
    HAS_TAIL = 4
    HAS_OVERFLOW = 8
    # btree_node.py and the two kinds of leaf.
    COUNT_OFFSET = 4
    SPACE_OFFSET = 12
    ENTRIES_OFFSET = 16
    PAIR_SIZE = 16
    SLOT_SIZE = 8
    HEAD_SIZE = 4
    ADDRESS_SIZE = 8
    USED_SIZE_MAX = 65536
    ROOT_PAGE_ID = 1
    # btree.py: a thin leaf is looked at for a merge at every 16th deletion from it.
    MERGE_INTERVAL_MASK = 15
    THIN_SHARE = 4
    # How much is done without letting another thread in, a millisecond's worth: a version dropped costs 1, each index of a row looked at as much again.
    WORK_MAX = 4096
    # A row with more old versions than this is for Python code.
    CHAIN_SIZE_MAX = 8

cdef object TABLE_ROWS = TableRows


def purge_plainly(list undo):
    """Drop the versions of a list's newest entries, and take these off, as long as that can be done here (`TableRows.purge_entry`)."""
    cdef NativeTable table
    cdef bint was_on
    if undo:
        native = native_of(<tuple>undo[len(undo) - 1])
        if type(native) is NativeTable:
            table = <NativeTable>native
            if not has_all_indexes(table):
                # Python code, so not within a step.
                table.learn_indexes()
    was_on = PyGC_Disable()
    try:
        purge_in_one_step(undo)
    finally:
        if was_on:
            PyGC_Enable()


cdef int purge_in_one_step(list undo) except -1:
    """`purge_plainly`, for whoever lets the garbage collector rest."""
    cdef tuple entry
    cdef object native
    cdef Py_ssize_t work = 0
    while undo and work < WORK_MAX:
        entry = <tuple>undo[len(undo) - 1]
        native = native_of(entry)
        if type(native) is not NativeTable or not purge_entry(<NativeTable>native, entry, &work):
            return 0
        undo.pop()
    return 0


cdef inline object native_of(tuple entry):
    """The compiled operations of the table whose row an undo entry is about; None if there are none."""
    rows = <object>PyTuple_GET_ITEM(entry, 0)
    return <object>slot(<PyObject*>rows, ROWS_NATIVE) if type(rows) is TABLE_ROWS else None


cdef bint purge_entry(NativeTable table, tuple entry, Py_ssize_t* work) except -1:
    """Drop the version of an undo entry; False if Python code has to look at it."""
    cdef object address = <object>PyTuple_GET_ITEM(entry, 1)
    cdef object before = <object>PyTuple_GET_ITEM(entry, 2)
    cdef int64_t place = address
    cdef PyObject* found
    cdef list chain
    cdef RowPlace at
    cdef uint8_t flags
    cdef Py_ssize_t index
    work[0] += 1
    if not is_open(table.fence) or slot(<PyObject*>table.pages, PAGES_IS_DROPPED) != FALSE:
        return False
    if before is None:
        return True
    if table.is_gated() or table.is_latched():
        return False
    if not find_place(table, place, False, &at) or at.row == NULL:
        return False
    flags = at.row[FLAGS]
    found = PyDict_GetItemWithError(table.chains, address)
    if found == NULL:
        # It was done before.
        return True
    chain = <list>found
    for index in range(PyList_GET_SIZE(chain)):
        if <object>PyList_GET_ITEM(chain, index) is before:
            break
    else:
        return True
    if not is_stale(table, place) and not (flags & DELETED and PyList_GET_SIZE(chain) == 1):
        # What is left has the same keys (invariant 4 of table_rows.py).
        return drop_with_overflow(table, address, <bytes>before, chain, index)
    if has_overflow(<bytes>before):
        return False
    work[0] += PyTuple_GET_SIZE(<object>slot(<PyObject*>table.rows, ROWS_INDEXES))
    return purge_with_entries(table, address, <bytes>before, chain, index)


cdef bint purge_with_entries(
    NativeTable table, object address, bytes before, list chain, Py_ssize_t index
) except -1:
    """`TableRows._purge_with_entries`; False: not done."""
    cdef int64_t place = address
    cdef object frame = <object>frame_of(table.pages, place >> SLOT_BITS)
    cdef uint8_t* page = bytes_of(<PyObject*>frame)
    cdef uint8_t* row = page + HEADER_SIZE + (place & SLOT_MASK) * table.stride
    cdef bint is_deleted = row[FLAGS] & DELETED
    cdef list staying = [], places
    cdef Py_ssize_t number
    if PyList_GET_SIZE(chain) > CHAIN_SIZE_MAX or not table.is_free():
        return False
    for number in range(PyList_GET_SIZE(chain)):
        if number != index:
            staying.append(<object>PyList_GET_ITEM(chain, number))
    if not is_deleted:
        current = None if row[FLAGS] & HAS_OVERFLOW else table.page_rows.extract(page, row, row[FLAGS])
        if current is None:
            return False
        staying.append(current)
    places = entries_to_remove(table, place, before, staying)
    if places is None:
        return False
    if is_deleted and not staying:
        if not may_erase(table, frame, row):
            return False
        erase(table, frame, place, row, places, table.log._end)
    else:
        remove_entries(table, places, table.log._end)
    drop(table, address, chain, index)
    if not PyDict_Contains(table.chains, address):
        discard(table.rows.stale, address)
        discard(table.rows.moved_out, address)
    return True


cdef bint drop_with_overflow(
    NativeTable table, object address, bytes before, list chain, Py_ssize_t index
) except -1:
    """Take a version off its row's chain and free its overflowed values; False: not done."""
    if not has_overflow(before):
        drop(table, address, chain, index)
        return True
    if table.log is None or not table.page_rows.may_free(before):
        return False
    drop(table, address, chain, index)
    table.page_rows.free(before, table.log._end)
    return True


cdef int drop(NativeTable table, object address, list chain, Py_ssize_t index) except -1:
    """Take a version off its row's chain."""
    if PyList_GET_SIZE(chain) == 1:
        PyDict_DelItem(table.chains, address)
    else:
        del chain[index]
    return 0


cdef inline int discard(set found, object address) except -1:
    if PySet_GET_SIZE(found):
        PySet_Discard(found, address)
    return 0


# Entries of indexes


cdef list entries_to_remove(NativeTable table, int64_t address, bytes gone, list staying):
    """For each index the place of the entry that has the key of `gone`, a packed row, and of none of `staying`, or None; None: that cannot be told here."""
    cdef list places = []
    cdef object key, other
    cdef Place place
    cdef Py_ssize_t number
    if not has_all_indexes(table) or not table.has_plain_keys:
        return None
    try:
        for number in range(PyTuple_GET_SIZE(table.indexes)):
            key = key_of(table, number, gone)
            if key is None:
                return None
            for version in staying:
                if (<const uint8_t*>PyBytes_AS_STRING(version))[FLAGS] & HAS_OVERFLOW:
                    return None
                other = key_of(table, number, <bytes>version)
                if other is None:
                    return None
                if other == key:
                    places.append(None)
                    break
            else:
                place = removable(<NativeTree>table.trees[number], key, address)
                if place is None:
                    return None
                places.append(place)
    except (MemoryError, UnicodeDecodeError):
        # Nothing is changed yet: Python code meets it too, and words it.
        return None
    return places


cdef object key_of(NativeTable table, Py_ssize_t number, bytes packed):
    """The key of a packed row without overflowed values; None if one of its columns is NULL or out of the ordinary."""
    cdef tuple values = table.row_format.some(packed, <tuple>table.positions[number])
    return None if values is None else (<KeyMaker>table.makers[number]).make(values)


cdef Place removable(NativeTree tree, object key, int64_t address):
    """The place of an entry that is there and can be taken out of its leaf, with nothing else to be done; else None."""
    cdef Place place = tree.place_of(key, address)
    cdef Py_ssize_t used, left
    if place is None or place.index >= place.count or not is_entry(tree, place, key, address):
        return None
    if not is_writable(<PyObject*>place.frame, tree.pages):
        return None
    left = place.count - 1
    if not left & MERGE_INTERVAL_MASK and (
        number_in(<PyObject*>place.frame, FRAME_PAGE_ID) != ROOT_PAGE_ID
    ):
        # Ruled out here: that the leaf is to be merged (`BTreeStructure.merge_at`).
        if tree.is_integer:
            used = ENTRIES_OFFSET + PAIR_SIZE * left
        else:
            used = place.slots_offset + SLOT_SIZE * left
            used += number_in(<PyObject*>place.leaf, BYTE_LIVE_BYTES)
            used -= cell_size(place.page + place.slots_offset + SLOT_SIZE * place.index)
        if used < usable_size(tree, place) // THIN_SHARE:
            return None
    return place


cdef Py_ssize_t usable_size(NativeTree tree, Place place):
    """`NodeForm.page_size`."""
    cdef Py_ssize_t size = PyByteArray_GET_SIZE(place.leaf.data)
    return size if tree.is_integer or size < USED_SIZE_MAX else USED_SIZE_MAX


cdef uint32_t cell_size(const uint8_t* slot) noexcept:
    """How long the cell of a leaf's slot is."""
    cdef uint16_t suffix_size
    memcpy(&suffix_size, slot + 2, 2)
    return ADDRESS_SIZE + (suffix_size - HEAD_SIZE if suffix_size > HEAD_SIZE else 0)


cdef int remove_entries(NativeTable table, list places, object lsn) except -1:
    """Take entries out of their leaves, at what `entries_to_remove` has answered."""
    cdef Py_ssize_t number
    for number in range(PyList_GET_SIZE(places)):
        if <object>PyList_GET_ITEM(places, number) is not None:
            take_out(<NativeTree>table.trees[number], <Place>places[number], lsn)
    return 0


cdef int take_out(NativeTree tree, Place place, object lsn) except -1:
    """Take the entry at a place out of its leaf (`Leaf.delete`)."""
    cdef object leaf = place.leaf
    cdef uint8_t* data = place.page
    cdef uint32_t count = <uint32_t>place.count - 1
    cdef Py_ssize_t width = PAIR_SIZE if tree.is_integer else SLOT_SIZE
    cdef Py_ssize_t start = ENTRIES_OFFSET if tree.is_integer else place.slots_offset
    cdef uint8_t* entry = data + start + width * place.index
    cdef uint32_t cell_start = 0, live_bytes = 0, size = 0
    cdef uint16_t cell = 0
    cdef object new_count = count, new_cell_start = None, new_live_bytes = None
    if not tree.is_integer:
        cell_start = <uint32_t>number_in(<PyObject*>leaf, BYTE_CELL_START)
        live_bytes = <uint32_t>number_in(<PyObject*>leaf, BYTE_LIVE_BYTES)
        memcpy(&cell, entry, 2)
        size = cell_size(entry)
        if cell == cell_start:
            cell_start += size
        live_bytes -= size
        new_cell_start, new_live_bytes = cell_start, live_bytes
    note_change(<PyObject*>place.frame, tree.pages, lsn)
    memmove(entry, entry + width, width * (place.count - 1 - place.index))
    memset(data + start + width * count, 0, width)
    memcpy(data + COUNT_OFFSET, &count, 4)
    set_slot(<PyObject*>leaf, INTEGER_COUNT if tree.is_integer else BYTE_COUNT, new_count)
    if not tree.is_integer:
        memcpy(data + SPACE_OFFSET, &cell_start, 4)
        memcpy(data + SPACE_OFFSET + 4, &live_bytes, 4)
        set_slot(<PyObject*>leaf, BYTE_CELL_START, new_cell_start)
        set_slot(<PyObject*>leaf, BYTE_LIVE_BYTES, new_live_bytes)
        memset(data + cell, 0, size)
    return 0


# Rows on their pages


cdef bint may_erase(NativeTable table, object frame, const uint8_t* row) except -1:
    """Whether the row can be taken off its page here."""
    cdef Py_ssize_t start, size
    if not is_writable(<PyObject*>frame, table.pages) or row[FLAGS] & HAS_OVERFLOW:
        return False
    if not row[FLAGS] & HAS_TAIL:
        return True
    start = table.page_rows.tail_start(row, row[FLAGS])
    size = table.page_rows.tail_size(row, row[FLAGS])
    return start > 0 and start + size <= table.page_rows.page_size


cdef int erase(
    NativeTable table, object frame, int64_t address, uint8_t* row, list places, object lsn
) except -1:
    """Remove a row's entries, then the row itself (`Heap.erase`). Requires: `may_erase`, and `places` of `entries_to_remove`, just now."""
    cdef uint8_t* page = row - HEADER_SIZE - (address & SLOT_MASK) * table.stride
    cdef uint16_t counts[3]
    cdef uint32_t tails[2]
    cdef Py_ssize_t start, size, slots
    # Here, as there may be no memory for them.
    cdef PyObject* pages = <PyObject*>table.pages
    cdef object touches = number_in(<PyObject*>frame, FRAME_TOUCHES) + 1
    cdef object hits = number_in(pages, PAGES_HITS) + 1
    remove_entries(table, places, lsn)
    note_change(<PyObject*>frame, table.pages, lsn)
    memcpy(counts, page + COUNTS_OFFSET, 6)
    memcpy(tails, page + TAILS_OFFSET, 8)
    if row[FLAGS] & HAS_TAIL:
        start, size = table.page_rows.tail_start(row, row[FLAGS]), table.page_rows.tail_size(row, row[FLAGS])
        if start == <Py_ssize_t>tails[0]:
            memset(page + start, 0, size)
            tails[0] += <uint32_t>size
        else:
            tails[1] += <uint32_t>size
    if row[FLAGS] & DELETED:
        counts[2] -= 1
    counts[1] -= 1
    memset(row, 0, table.stride)
    slots = counts[0]
    if (address & SLOT_MASK) == slots - 1:
        while slots and not page[HEADER_SIZE + (slots - 1) * table.stride + FLAGS]:
            slots -= 1
        counts[0] = <uint16_t>slots
    if not counts[1]:
        empty(table, page, tails[0])
        counts[0] = 0
        tails[0], tails[1] = <uint32_t>table.page_rows.page_size, 0
    else:
        memcpy(page + COUNTS_OFFSET, counts, 6)
        memcpy(page + TAILS_OFFSET, tails, 8)
    set_slot(<PyObject*>frame, FRAME_TOUCHES, touches)
    set_slot(pages, PAGES_HITS, hits)
    table.page_rows.note_room(page, <object>slot(<PyObject*>frame, FRAME_PAGE_ID))
    return 0


cdef void empty(NativeTable table, uint8_t* page, uint32_t tails_start) noexcept:
    """Make a page without rows as it was at first (`HeapPageFormat.initialize`)."""
    cdef uint32_t size = <uint32_t>table.page_rows.page_size
    memset(page + tails_start, 0, size - tails_start)
    # All but the magic, the version and the stride.
    memset(page + COUNTS_OFFSET, 0, HEADER_SIZE - COUNTS_OFFSET)
    memcpy(page + TAILS_OFFSET, &size, 4)
