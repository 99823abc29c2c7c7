# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Many new rows put on one page in one uninterrupted step, with one undo entry and one record of the log.

What native_tables.pyx does for one row, under the invariants said there. The rows are packed into memory of our own first, so that it is known how many
the page has room for; then row by row the indexes are looked at, the row is written and its entries are put. The first row that does not go this way
(a leaf is full, a key is there already, a value is long) ends the run: the ordinary way takes it. An index of whole numbers whose keys ascend gets its
entries at the end of its last leaf, without a search; the leaf is told their number once.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLong, PyLong_AsUnsignedLongLongMask
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.storage.native_frames cimport note_change
from lungfish.storage.native_records cimport append_record
from lungfish.storage.native_rows cimport NativeRowFormat, put_field, put_long
from lungfish.storage.native_tables cimport NativeTable, fill_entry, undo_to
from lungfish.storage.native_trees cimport KeyMaker, NativeTree, Place

from xxhash import xxh3_64_intdigest

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object value)
    const char* PyUnicode_AsUTF8AndSize(object value, Py_ssize_t* size) except NULL
    int PyGC_Disable()
    int PyGC_Enable()

cdef enum:
    # heap_page.py, rows.py, ids.py and btree_integer_node.py.
    HEADER_SIZE = 32
    COUNTS_OFFSET = 6
    TAILS_OFFSET = 12
    NEWEST_OFFSET = 24
    SLOT_COUNT_MAX = 0xFFFF
    SLOT_BITS = 16
    FLAGS = 8
    NULLS = 9
    LIVE = 1
    HAS_TAIL = 4
    INLINE_MAX = 12
    LEAF_COUNT_OFFSET = 4
    ENTRIES_OFFSET = 16
    PAIR_SIZE = 16
    # recovery/wal_records.py: the fixed part of a ROWS record's body, and what that has for each row before the rows.
    ROWS_SIZE = 24
    ROWS_TYPE = 2
    PLACE_SIZE = 12
    # As in native_tables.pyx.
    RECORD_SIZE_MAX = 32768
    # What `packed_size` answers for a row that is not for here.
    REFUSED = -1


cdef class RunMaker:
    """Inserts rows made of sets of parameters into one table. One thread at a time, while the table has the same indexes."""

    cdef NativeTable table
    cdef tuple indexes
    # Of each stored field: the number of its parameter, or -1 for a constant.
    cdef int64_t* sources
    cdef tuple constants
    # The packed rows of the run in the making, one behind the other, and the size of each.
    cdef uint8_t* packed
    cdef uint32_t* sizes
    # For each index a tuple that takes the values of a key, the leaf where its next entry goes, and how many entries that has room for.
    cdef list picked
    cdef list places
    cdef int64_t* capacities

    def __init__(self, NativeTable table, tuple sources, tuple constants):
        """`constants`: of each stored field its value, where it is no parameter.

        Requires: `NativeTable.takes_rows`, and no column of an index is given a NULL.
        """
        cdef Py_ssize_t field_count = table.row_format.count
        assert len(sources) == len(constants) == field_count
        self.table, self.indexes, self.constants = table, table.indexes, constants
        self.sources = <int64_t*>allocate(field_count * sizeof(int64_t))
        self.packed = <uint8_t*>allocate(RECORD_SIZE_MAX)
        self.sizes = <uint32_t*>allocate(RECORD_SIZE_MAX // PLACE_SIZE * sizeof(uint32_t))
        self.capacities = <int64_t*>allocate(len(self.indexes) * sizeof(int64_t))
        for position, source in enumerate(sources):
            self.sources[position] = source
        self.picked = [PyTuple_New(len(positions)) for positions in table.positions]
        self.places = [None] * len(self.indexes)

    def __dealloc__(self):
        PyMem_Free(self.sources)
        PyMem_Free(self.packed)
        PyMem_Free(self.sizes)
        PyMem_Free(self.capacities)

    def insert(self, object transaction, list sets, Py_ssize_t start, object run):
        """Insert rows of the sets from `start` on, as many as go on the current page this way; answers how many.

        `run`: a new `InsertRun`, filled in unless the answer is 0.
        """
        cdef tuple entry = PyTuple_New(3)
        cdef Py_ssize_t mark = len(transaction.undo)
        cdef bint was_on
        if self.indexes is not self.table.indexes or self.indexes is not self.table.rows.indexes:
            return 0
        # A call of what is compiled elsewhere may make a tuple, which could set the garbage collector off.
        was_on = PyGC_Disable()
        try:
            return self.place_run(transaction, sets, start, run, entry)
        except BaseException:
            undo_to(transaction, mark)
            raise
        finally:
            if was_on:
                PyGC_Enable()

    cdef Py_ssize_t place_run(
        self, object transaction, list sets, Py_ssize_t start, object run, tuple entry
    ) except -1:
        """`insert`, given a new undo entry."""
        cdef NativeTable table = self.table
        cdef object pages = table.pages, frame, first
        cdef PyObject* found
        cdef uint8_t* page
        cdef uint16_t counts[2]
        cdef uint32_t tails_start
        cdef Py_ssize_t room, row_count, placed = 0
        if not table.is_free():
            return 0
        found = PyDict_GetItem(pages.frames, table.heap._current)
        if found == NULL:
            return 0
        frame = <object>found
        if frame.cache is not table.page_format or frame.epoch != pages._epoch:
            return 0
        page = <uint8_t*>PyByteArray_AS_STRING(frame.data)
        memcpy(counts, page + COUNTS_OFFSET, 4)
        memcpy(&tails_start, page + TAILS_OFFSET, 4)
        if counts[1] != counts[0]:
            # Free slots are filled one by one.
            return 0
        room = <Py_ssize_t>tails_start - HEADER_SIZE - counts[0] * table.stride
        row_count = self.pack(sets, start, room, SLOT_COUNT_MAX - counts[0], transaction.id)
        if not row_count:
            return 0
        first = (<int64_t>frame.page_id << SLOT_BITS) | counts[0]
        run.first, run.row_count = first, row_count
        fill_entry(entry, run, first, None)
        lsn = table.log._end
        transaction.undo.append(entry)
        if lsn > frame.newest_lsn:
            frame.newest_lsn = lsn
            pages.newest_lsn = lsn
        try:
            self.place_rows(sets, start, row_count, first, page, &placed)
        finally:
            # Also if there was no memory: what is on the page is in the log, so that the log's undoing of it has a sense.
            run.row_count = placed
            if placed:
                counts[0] += <uint16_t>placed
                counts[1] = counts[0]
                memcpy(page + COUNTS_OFFSET, counts, 4)
                note_writer(page, transaction.id)
                self.append_record(transaction.id, first, placed)
        if not placed:
            transaction.undo.pop()
            return 0
        pages.hits += 1
        table.ask_for_relief()
        return placed

    # Packing

    cdef Py_ssize_t pack(
        self, list sets, Py_ssize_t start, Py_ssize_t room, Py_ssize_t slots, int64_t writer
    ) except -1:
        """Pack rows until one does not go into `room` bytes, or is not for here; answers how many."""
        cdef Py_ssize_t count = 0, place = 0, size
        cdef Py_ssize_t count_max = PyList_GET_SIZE(sets) - start
        if count_max > slots:
            count_max = slots
        while count < count_max:
            size = self.packed_size(<object>PyList_GET_ITEM(sets, start + count))
            if size == REFUSED or place + size > room:
                break
            if ROWS_SIZE + PLACE_SIZE * (count + 1) + place + size > RECORD_SIZE_MAX:
                break
            if not self.pack_row(
                <object>PyList_GET_ITEM(sets, start + count), self.packed + place, writer
            ):
                break
            self.sizes[count] = <uint32_t>size
            place += size
            count += 1
        return count

    cdef object value_of(self, tuple row, Py_ssize_t position):
        """What a stored field gets of a set of parameters."""
        cdef int64_t source = self.sources[position]
        if source < 0:
            return <object>PyTuple_GET_ITEM(self.constants, position)
        return <object>PyTuple_GET_ITEM(row, source)

    cdef Py_ssize_t packed_size(self, object row) except -2:
        """The size of a packed row, or REFUSED."""
        cdef NativeRowFormat form = self.table.row_format
        cdef const char* kinds = PyBytes_AS_STRING(form.kinds)
        cdef Py_ssize_t position, size, tail_size = 0
        cdef object value
        for position in range(form.count):
            if kinds[position] != c"t" and kinds[position] != c"v":
                continue
            value = self.value_of(<tuple>row, position)
            if kinds[position] == c"t" and PyUnicode_CheckExact(value):
                PyUnicode_AsUTF8AndSize(value, &size)
            elif kinds[position] == c"v" and PyBytes_CheckExact(value):
                size = PyBytes_GET_SIZE(value)
            elif value is None:
                continue
            else:
                return REFUSED
            if size > INLINE_MAX:
                tail_size += size
        return REFUSED if tail_size > self.table.page_rows.tail_size_max else form.stride + tail_size

    cdef bint pack_row(self, tuple row, uint8_t* out, int64_t writer) except -1:
        """Write a packed row, as `NativeRowFormat.packed` makes it; False if a value is out of the ordinary. Requires: `packed_size` says its size."""
        cdef NativeRowFormat form = self.table.row_format
        cdef const char* kinds = PyBytes_AS_STRING(form.kinds)
        cdef Py_ssize_t position, size = 0, place = form.stride
        cdef object value
        cdef const char* raw = NULL
        cdef char kind
        memset(out, 0, form.stride)
        memcpy(out, &writer, 8)
        out[FLAGS] = LIVE
        for position in range(form.count):
            value = self.value_of(row, position)
            kind = kinds[position]
            if value is None:
                out[NULLS + (position >> 3)] |= 1 << (position & 7)
                continue
            if kind == c"t":
                raw = PyUnicode_AsUTF8AndSize(value, &size)
            elif kind == c"v":
                raw, size = PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)
            if (kind == c"t" or kind == c"v") and size > INLINE_MAX:
                out[FLAGS] = LIVE | HAS_TAIL
                place = put_long(out, out + form.offsets[position], place, raw, size)
            elif not put_field(out + form.offsets[position], kind, value):
                return False
        return True

    # Placing

    cdef int place_rows(
        self,
        list sets,
        Py_ssize_t start,
        Py_ssize_t row_count,
        int64_t first,
        uint8_t* page,
        Py_ssize_t* placed,
    ) except -1:
        """Write the packed rows to the page and their entries to the indexes, as far as these have room; `placed` counts them."""
        cdef NativeTable table = self.table
        cdef uint8_t* out = page + HEADER_SIZE + (first & SLOT_COUNT_MAX) * table.stride
        cdef const uint8_t* source = self.packed
        cdef uint32_t tails_start, tail_size
        cdef Py_ssize_t number, index, index_count = PyTuple_GET_SIZE(self.indexes)
        cdef int64_t address = first
        memcpy(&tails_start, page + TAILS_OFFSET, 4)
        try:
            for number in range(row_count):
                if not self.find_places(<object>PyList_GET_ITEM(sets, start + number), address):
                    break
                tail_size = self.sizes[number] - <uint32_t>table.stride
                memcpy(out, source, table.stride)
                if tail_size:
                    tails_start -= tail_size
                    table.page_rows.shift(out, <Py_ssize_t>tails_start - table.stride)
                    memcpy(page + tails_start, source + table.stride, tail_size)
                    memcpy(page + TAILS_OFFSET, &tails_start, 4)
                placed[0] = number + 1
                self.put_entries(<object>PyList_GET_ITEM(sets, start + number), address)
                source += self.sizes[number]
                out += table.stride
                address += 1
        finally:
            for index in range(index_count):
                self.tell_count(index)
        return 0

    cdef bint find_places(self, tuple row, int64_t address) except -1:
        """Whether the row's entries can be put: where is in `places` then. Nothing has changed otherwise."""
        cdef NativeTable table = self.table
        cdef NativeTree tree
        cdef Place place
        cdef Py_ssize_t index
        cdef object key
        for index in range(PyTuple_GET_SIZE(self.indexes)):
            tree = <NativeTree>PyList_GET_ITEM(table.trees, index)
            key = self.key_of(row, index)
            if key is None:
                return False
            if <object>PyList_GET_ITEM(self.places, index) is not None:
                place = <Place>PyList_GET_ITEM(self.places, index)
                if PyLong_AsLongLong(key) > last_key(place):
                    if place.count >= self.capacities[index]:
                        return False
                    place.index = place.count
                    continue
                self.tell_count(index)
            place = tree.place_of(key, address)
            if place is None or not tree.check_room(place, key, address, table.exclusive[index]):
                return False
            self.places[index] = place
            if tree.is_integer:
                self.capacities[index] = place.leaf.capacity
        return True

    cdef int put_entries(self, tuple row, int64_t address) except -1:
        """Put the row's entries where `find_places` has found that they can be put."""
        cdef NativeTree tree
        cdef Place place
        cdef Py_ssize_t index
        cdef object key
        cdef int64_t number
        cdef uint8_t* entry
        for index in range(PyTuple_GET_SIZE(self.indexes)):
            tree = <NativeTree>PyList_GET_ITEM(self.table.trees, index)
            place = <Place>PyList_GET_ITEM(self.places, index)
            key = self.key_of(row, index)
            if tree.is_integer and place.is_last and place.index == place.count:
                number = PyLong_AsLongLong(key)
                entry = place.page + ENTRIES_OFFSET + PAIR_SIZE * place.count
                memcpy(entry, &number, 8)
                memcpy(entry + 8, &address, 8)
                place.count += 1
            else:
                self.places[index] = None
                tree.put(place, key, address, self.table.log._end)
        return 0

    cdef object key_of(self, tuple row, Py_ssize_t index):
        """The row's key in an index, or None."""
        cdef NativeTable table = self.table
        cdef tuple picked = <tuple>PyList_GET_ITEM(self.picked, index)
        cdef tuple positions = <tuple>PyList_GET_ITEM(table.positions, index)
        cdef Py_ssize_t each
        for each in range(PyTuple_GET_SIZE(positions)):
            put_item(picked, each, self.value_of(row, <object>PyTuple_GET_ITEM(positions, each)))
        return (<KeyMaker>PyList_GET_ITEM(table.makers, index)).make(picked)

    cdef int tell_count(self, Py_ssize_t index) except -1:
        """Let the last leaf of an index know how many entries were put at its end."""
        cdef object kept = <object>PyList_GET_ITEM(self.places, index)
        cdef Place place
        cdef uint32_t count
        if kept is None:
            return 0
        place = <Place>kept
        self.places[index] = None
        if place.count != <Py_ssize_t>place.leaf.count:
            pages = (<NativeTree>PyList_GET_ITEM(self.table.trees, index)).pages
            note_change(<PyObject*>place.frame, pages, self.table.log._end)
            count = <uint32_t>place.count
            memcpy(place.page + LEAF_COUNT_OFFSET, &count, 4)
            place.leaf.count = place.count
        return 0

    # The log

    cdef int append_record(self, int64_t writer, int64_t first, Py_ssize_t row_count) except -1:
        """`WriteAheadLog.append_rows` of the first rows that are packed, nobody else appending; then the indexes' newest LSN."""
        cdef NativeTable table = self.table
        cdef object log = table.log, pages, end
        cdef int64_t address
        cdef Py_ssize_t number, content = 0, size
        cdef uint32_t relation_id = <uint32_t>table.relation_id, count = <uint32_t>row_count
        cdef bytes body
        cdef uint8_t* out
        for number in range(row_count):
            content += self.sizes[number]
        size = ROWS_SIZE + PLACE_SIZE * row_count + content
        size += -size & 7
        body = PyBytes_FromStringAndSize(NULL, size)
        out = <uint8_t*>PyBytes_AS_STRING(body)
        memset(out, 0, ROWS_SIZE)
        memset(out + size - 8, 0, 8)
        out[0] = ROWS_TYPE
        memcpy(out + 4, &relation_id, 4)
        memcpy(out + 8, &writer, 8)
        memcpy(out + 16, &count, 4)
        out += ROWS_SIZE
        for number in range(row_count):
            address = first + number
            memcpy(out, &address, 8)
            out += 8
        memcpy(out, self.sizes, 4 * row_count)
        memcpy(out + 4 * row_count, self.packed, content)
        checksum = PyLong_AsUnsignedLongLongMask(xxh3_64_intdigest(body, table.seed))
        end = append_record(log._chunks, log._end, body, checksum)
        log._end = end
        for number in range(PyTuple_GET_SIZE(self.indexes)):
            pages = (<NativeTree>PyList_GET_ITEM(table.trees, number)).pages
            if end > pages.newest_lsn:
                pages.newest_lsn = end
        return 0


cdef void* allocate(size_t size) except NULL:
    """Memory, at least a byte of it."""
    cdef void* made = PyMem_Malloc(size if size else 1)
    if made == NULL:
        raise MemoryError
    return made


cdef int64_t last_key(Place place) noexcept:
    """The key of the last entry of a leaf of whole numbers that has some."""
    cdef int64_t key
    memcpy(&key, place.page + ENTRIES_OFFSET + PAIR_SIZE * (place.count - 1), 8)
    return key


cdef void put_item(tuple items, Py_ssize_t index, object value):
    """Put a value into a tuple that nobody else has."""
    cdef PyObject* before = PyTuple_GET_ITEM(items, index)
    Py_INCREF(value)
    PyTuple_SET_ITEM(items, index, value)
    Py_XDECREF(before)


cdef void note_writer(uint8_t* page, uint64_t writer) noexcept:
    """Keep the page's newest writer (invariant 4 of heap_page.py)."""
    cdef uint64_t newest
    memcpy(&newest, page + NEWEST_OFFSET, 8)
    if writer > newest:
        memcpy(page + NEWEST_OFFSET, &writer, 8)
