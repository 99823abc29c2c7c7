# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Rows looked up and changed by key, each in one uninterrupted step of C.

A thread that runs C code holds the interpreter's lock until it runs Python code again or lets go of it. So what is done here between a
function's first look and its last change is one step for every other thread: no fence is entered and no latch taken, it is enough to see
that nobody is inside or holds one. Whatever is not as usual (somebody is, a page is not in memory or not yet to be changed in place, a
version is not the newest, two rows have one key, ...) is left to the ordinary way, which does the same in its own time: a function then answers
that it is unsure, having changed nothing.

Invariants:
1. Between the first look and the last change nothing runs that may let another thread in: no Python code, no making of containers (the
   garbage collector may run finalizers), no long computation of a checksum (`RECORD_SIZE_MAX`). Containers are made before.
2. What is changed, and in which order, is what table_rows.py says: the undo entry first, so that an exception (there is no memory) leaves
   something that `undo` puts right.
3. A transaction that comes here has an id, is running, and is not a serializable one.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Contains, PyDict_GetItemWithError
from cpython.list cimport PyList_Append
from cpython.long cimport PyLong_AsUnsignedLongLongMask
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.set cimport PySet_Contains, PySet_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from lungfish.slots cimport NONE, offset_of, set_slot, slot
from lungfish.storage.native_frames cimport (
    FRAME_CACHE,
    FRAME_PAGE_ID,
    PAGES_HITS,
    bytes_of,
    frame_of,
    is_writable,
    note_change,
    number_in,
    touch,
)
from lungfish.storage.native_page_rows cimport Fit, PageRows, note_writer
from lungfish.storage.native_records cimport append_record
from lungfish.storage.native_rows cimport NativeRowFormat
from lungfish.storage.native_trees cimport KeyMaker, NativeTree, NOTHING, Place, UNSURE

from xxhash import xxh3_64_intdigest

from lungfish.storage.fence import Fence
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import Transaction

cdef extern from "Python.h":
    void PyObject_GC_UnTrack(void* container)

cdef enum:
    # heap_page.py, rows.py and ids.py.
    HEADER_SIZE = 32
    COUNTS_OFFSET = 6
    TAILS_OFFSET = 12
    SLOT_COUNT_MAX = 0xFFFF
    SLOT_BITS = 16
    SLOT_MASK = 0xFFFF
    FLAGS = 8
    LIVE = 1
    DELETED = 2
    HAS_OVERFLOW = 8
    # recovery/wal_records.py: the fixed part of a ROW record's body.
    ROW_SIZE = 32
    ROW_TYPE = 1
    # The checksum of so much is computed without letting another thread in.
    RECORD_SIZE_MAX = 32768
    # What `read` and `replace` answer beside `UNSURE`.
    NO_ROW = 0
    DONE = 1

cdef uint32_t ABSENT = 0xFFFFFFFF
cdef int64_t ADDRESS_MASK = (<int64_t>1 << 62) - 1
cdef Py_ssize_t SNAPSHOT_XMIN = offset_of(Snapshot, "xmin")
cdef Py_ssize_t SNAPSHOT_XMAX = offset_of(Snapshot, "xmax")
cdef Py_ssize_t SNAPSHOT_OWN_ID = offset_of(Snapshot, "own_id")
FENCE_IS_CLOSED = offset_of(Fence, "_is_closed")
FENCE_RELIEF = offset_of(Fence, "relief")
ROWS_INDEXES = offset_of(TableRows, "indexes")
ROWS_NATIVE = offset_of(TableRows, "native")
ROWS_STALE = offset_of(TableRows, "stale")
TRANSACTION_ID = offset_of(Transaction, "id")
TRANSACTION_UNDO = offset_of(Transaction, "undo")
cdef int64_t ENOUGH_FOR_KEY = 1 << LockMode.FOR_UPDATE
cdef int64_t ENOUGH_FOR_UPDATE = 1 << LockMode.FOR_NO_KEY_UPDATE | 1 << LockMode.FOR_UPDATE


cdef class NativeTable:
    """One table, beside its `TableRows`."""

    def __init__(self, object rows):
        heap = rows.heap
        transactions = rows.transactions
        self.rows, self.heap, self.pages = rows, heap, heap.pages
        self.page_format = heap.format
        self.row_format = heap.layout.native
        self.page_rows = PageRows(heap)
        self.stride = self.page_rows.stride
        self.is_latched = heap.pages.latch.locked
        self.is_gated = rows.key_gate.locked
        self.fence = rows.fence
        # The write-ahead log; a table with another one is changed in the ordinary way.
        self.log = rows.log if hasattr(rows.log, "_chunks") else None
        if self.log is not None:
            self.is_log_latched = self.log._latch.locked
            kind = type(self.log)
            self.log_chunks, self.log_end = offset_of(kind, "_chunks"), offset_of(kind, "_end")
            self.log_failure, self.log_full = offset_of(kind, "_failure"), offset_of(kind, "_full")
            self.log_taken = offset_of(kind, "_taken")
            self.seed = self.log._seed
            self.log_buffer_size_max = self.log._buffer_size_max
        self.running = transactions.members._running
        self.locked_rows = transactions.locks._row_tags
        self.chains = rows.chains._chains
        self.relation_id = rows.relation_id
        self.indexes = None

    # For the ordinary way: parts of it that need not be done in Python.

    def key_lookup(self, object snapshot, object index, tuple values):
        """What `table_scan.key_lookup` answers: [] or [(address, values)]; None where it has to find out."""
        cdef Py_ssize_t number = self.number_of(index)
        cdef tuple row
        cdef object key
        cdef int64_t address
        cdef int found
        if number < 0:
            return None
        key = (<KeyMaker>self.makers[number]).make(values)
        if key is None:
            return None
        row = PyTuple_New(self.row_format.count)
        address = (<NativeTree>self.trees[number]).find_only(key)
        if address == NOTHING:
            return []
        if address == UNSURE:
            return None
        found = self.read(row, None, address, snapshot, 0)
        if found == UNSURE:
            return None
        if found == NO_ROW:
            return []
        return [(address, row)] if self.row_format.finish(row, None) else None

    def read_entries(self, object snapshot, list entries):
        """The visible rows behind some entries of an index, as (address, values); None where that has to be found out.

        Requires: none of the entries is stale, or its row is in `TableRows.stale`.
        """
        cdef list rows = []
        cdef tuple entry, row
        cdef int64_t address
        cdef int found
        for entry in entries:
            address = <int64_t><object>PyTuple_GET_ITEM(entry, 1) & ADDRESS_MASK
            row = PyTuple_New(self.row_format.count)
            found = self.read(row, None, address, snapshot, 0)
            if found == UNSURE:
                return None
            if found == DONE:
                if not self.row_format.finish(row, None):
                    return None
                rows.append((address, row))
        return rows

    def change_directly(self, object transaction, object snapshot, int64_t address, bytes packed):
        """What `direct_change.change_directly` does; False: not done."""
        cdef tuple entry = PyTuple_New(3)
        cdef list chain = [None]
        cdef Py_ssize_t mark = len(transaction.undo)
        try:
            return self.replace(transaction, snapshot, address, packed, entry, chain) == DONE
        except BaseException:
            undo_to(transaction, mark)
            raise

    cpdef object insert(self, object transaction, tuple values):
        """What `TableStore.insert` does for a row whose keys are free; None: not done."""
        cdef tuple entry = PyTuple_New(3)
        cdef bytes packed = self.row_format.packed(values, id_of(transaction))
        cdef list keys
        if packed is None:
            return None
        keys = self.keys_of(values)
        if keys is None:
            return None
        mark = len(undo_of(transaction))
        try:
            return self.place_new(transaction, packed, entry, keys)
        except BaseException:
            undo_to(transaction, mark)
            raise

    def serves(self, object index):
        """Whether keys of the index are made here without Python code."""
        cdef Py_ssize_t number
        if self.indexes is not self.rows.indexes:
            self.learn_indexes()
        number = self.number_of(index)
        return number >= 0 and (<KeyMaker>self.makers[number]).is_plain()

    def takes_rows(self):
        """Whether rows are inserted here without Python code."""
        if self.indexes is not self.rows.indexes:
            self.learn_indexes()
        return (
            self.takes_inserts
            and self.row_format.is_plain(tuple(range(self.row_format.count)))
            and all((<KeyMaker>maker).is_plain() for maker in self.makers)
        )

    # Looking

    cdef Py_ssize_t number_of(self, object index) except -2:
        """The place of an index among the table's; -1 if it is none of them, or they are others than they were: then they are learned for the next time,
        as whoever asks may have looked at rows of another table.
        """
        cdef Py_ssize_t number
        if not has_all_indexes(self):
            self.learn_indexes()
            return -1
        for number in range(PyTuple_GET_SIZE(self.indexes)):
            if <object>PyTuple_GET_ITEM(self.indexes, number) is index:
                return number
        return -1

    cdef int learn_indexes(self) except -1:
        """The table has got another set of indexes."""
        cdef tuple indexes = self.rows.indexes
        cdef list trees = [NativeTree(index.btree) for index in indexes]
        cdef list makers = [KeyMaker(index.btree.codec) for index in indexes]
        cdef list positions = [index.positions for index in indexes]
        cdef list exclusive = [index.is_unique and not index.is_deferrable for index in indexes]
        cdef bint takes_inserts = self.log is not None and all(
            index.picks_fields and index.positions is not None for index in indexes
        )
        cdef bint has_plain_keys = all(
            index.picks_fields
            and index.positions is not None
            and self.row_format.is_plain(index.positions)
            for index in indexes
        ) and all((<KeyMaker>maker).is_plain() for maker in makers)
        # Another thread may have learned another set in between: all of it is of one set, whoever is the last.
        self.trees, self.makers, self.positions = trees, makers, positions
        self.exclusive, self.takes_inserts, self.has_plain_keys = exclusive, takes_inserts, has_plain_keys
        self.indexes = indexes
        return 0

    cdef bint sees(self, int64_t writer, object snapshot, int64_t own_id) except -1:
        """Whether a version by that writer is seen for sure: by the snapshot, or (None) by a statement that begins now."""
        if writer == own_id and own_id:
            return True
        if snapshot is None:
            return not self.running or not PyDict_Contains(self.running, writer)
        if (
            writer < number_in(<PyObject*>snapshot, SNAPSHOT_XMIN)
            or writer == number_in(<PyObject*>snapshot, SNAPSHOT_OWN_ID)
        ):
            return True
        return (
            writer < number_in(<PyObject*>snapshot, SNAPSHOT_XMAX)
            and writer not in snapshot.in_progress
        )

    cdef int read(
        self, tuple row, tuple fields, int64_t address, object snapshot, int64_t own_id
    ) except -9:
        """Fill a new tuple with fields of the row there: DONE, NO_ROW, or UNSURE."""
        cdef int64_t writer
        cdef uint8_t flags
        cdef RowPlace place
        if self.is_latched():
            return UNSURE
        if is_stale(self, address) or not find_place(self, address, False, &place):
            return UNSURE
        if place.row == NULL:
            return NO_ROW
        flags = place.row[FLAGS]
        if not flags:
            return NO_ROW
        memcpy(&writer, place.row, 8)
        if not self.sees(writer, snapshot, own_id):
            return UNSURE
        touch(place.frame, self.pages)
        if flags & DELETED:
            return NO_ROW
        if flags & HAS_OVERFLOW and self.row_format.has_overflowed(place.row, fields):
            return self.read_whole(row, fields, place.page, place.row)
        if not self.row_format.fill(
            row, fields, place.page, self.page_rows.page_size, place.row - place.page
        ):
            return UNSURE
        return DONE

    cdef int read_whole(self, tuple row, tuple fields, uint8_t* page, uint8_t* stored) except -9:
        """Fill a new tuple with fields some of which are overflowed: DONE, or UNSURE."""
        cdef bytes found = self.page_rows.extract(page, stored, stored[FLAGS])
        if found is not None:
            found = self.page_rows.whole(found)
        if found is None or not self.row_format.fill(
            row, fields, <const uint8_t*>PyBytes_AS_STRING(found), PyBytes_GET_SIZE(found), 0
        ):
            return UNSURE
        return DONE

    # Changing

    cdef bint is_free(self) except -1:
        """Whether a writer could pass the fence, the heap's latch and the log's now."""
        cdef object log = self.log
        return not (
            log is None
            or not is_open(self.fence)
            or self.is_latched()
            or self.is_log_latched()
            or slot(<PyObject*>log, self.log_failure) != NONE
            or slot(<PyObject*>log, self.log_full) != NONE
        )

    cdef bint is_unlocked(self, object transaction, int64_t address, bint is_deleted) except -1:
        """Whether nobody has, or wants, an explicit lock on the row, unless the transaction has one that suffices itself (`direct_change.py`)."""
        if not PySet_GET_SIZE(self.locked_rows):
            return True
        tag = ("row", self.relation_id, address)
        if not PySet_Contains(self.locked_rows, tag):
            return True
        # Not the property, which is Python code.
        owner = transaction._lock_owner
        modes = None if owner is None else (<dict>owner.held).get(tag)
        return modes is not None and <int64_t>modes & (
            ENOUGH_FOR_KEY if is_deleted else ENOUGH_FOR_UPDATE
        )

    cdef int replace(
        self, object transaction, object snapshot, int64_t address, bytes packed, tuple entry, list chain
    ) except -1:
        """Replace a row without a change of its keys, or delete it (`packed` None): DONE, or NO_ROW if that was not done.

        `entry`: a new tuple of three; `chain`: a new list of one.
        """
        cdef bytes before = self.row_to_change(transaction, snapshot, address, packed is None)
        if before is None:
            return NO_ROW
        return self.change(transaction, address, before, packed, entry, chain)

    cdef bytes row_to_change(
        self, object transaction, object snapshot, int64_t address, bint is_deleted
    ):
        """The stored row there, if it may be changed without a change of its keys, or deleted, as it lies; None if that is not so for sure."""
        cdef RowPlace place
        cdef int64_t writer
        cdef uint8_t flags
        cdef bytes before
        # In this order: the tuple of a lock's tag is made before anything is looked at.
        if not self.is_unlocked(transaction, address, is_deleted) or not self.is_free():
            return None
        if is_stale(self, address):
            # The entry that led here may be that of an older version.
            return None
        if not find_place(self, address, True, &place) or place.row == NULL:
            return None
        flags = place.row[FLAGS]
        memcpy(&writer, place.row, 8)
        if not flags & LIVE or flags & DELETED:
            return None
        if not self.sees(writer, snapshot, id_of(transaction)):
            return None
        before = self.page_rows.extract(place.page, place.row, flags)
        if before is None or 2 * PyBytes_GET_SIZE(before) > RECORD_SIZE_MAX:
            return None
        if flags & HAS_OVERFLOW and not self.has_keys_in_place(before):
            # The record in the log would have to have them.
            return None
        return before

    cdef bint has_keys_in_place(self, bytes stored) except -1:
        """Whether no field that an index uses is overflowed."""
        cdef const uint8_t* row = <const uint8_t*>PyBytes_AS_STRING(stored)
        for position in <tuple>self.rows.key_positions:
            if self.row_format.is_overflowed(row, position):
                return False
        return True

    cdef int change(
        self, object transaction, int64_t address, bytes before, bytes packed, tuple entry, list chain
    ) except -1:
        """Write another row in place of `before`, or mark that as deleted: DONE, or NO_ROW if its long values cannot be put anywhere here.

        `packed` has all its values in it. See `change_row`.
        """
        cdef bytes stored = packed
        if packed is not None and not fits_in_place(before, packed):
            stored = self.stored_form(address, before, packed)
            if stored is None:
                return NO_ROW
        if self.change_row(transaction, address, before, packed, stored, entry, chain) == NO_ROW:
            return NO_ROW
        self.ask_for_relief()
        return DONE

    cdef bytes stored_form(self, int64_t address, bytes before, bytes packed):
        """What the page gets of a packed row of another size: some of its values may move to overflow pages (`Heap.store`). None: not here."""
        cdef uint8_t* page = self.page_at(address)
        cdef Py_ssize_t size_max = self.page_rows.tail_room(page, self.row_on(page, address))
        if PyBytes_GET_SIZE(before) + PyBytes_GET_SIZE(packed) > RECORD_SIZE_MAX:
            return None
        if size_max > self.page_rows.tail_size_max:
            size_max = self.page_rows.tail_size_max
        if PyBytes_GET_SIZE(packed) - self.stride <= size_max:
            return packed
        return self.page_rows.spilled(packed, size_max, self.log._end)

    cdef bint goes_into_gap(
        self, int64_t address, bytes before, bytes packed, Py_ssize_t* grown
    ) except -1:
        """Whether `change_row` will find room for the row, and for `grown` bytes of others, without moving anything; `grown` gets its size if it is longer.

        Neither row has overflowed values.
        """
        cdef uint8_t* page
        cdef uint16_t slots
        cdef uint32_t tails_start
        cdef Py_ssize_t tail_size = PyBytes_GET_SIZE(packed) - self.stride
        if PyBytes_GET_SIZE(packed) <= PyBytes_GET_SIZE(before):
            return True
        if (
            tail_size > self.page_rows.tail_size_max
            or PyBytes_GET_SIZE(before) + PyBytes_GET_SIZE(packed) > RECORD_SIZE_MAX
        ):
            return False
        page = self.page_at(address)
        memcpy(&slots, page + COUNTS_OFFSET, 2)
        memcpy(&tails_start, page + TAILS_OFFSET, 4)
        grown[0] += tail_size
        return <Py_ssize_t>tails_start - (HEADER_SIZE + slots * self.stride) >= grown[0]

    cdef uint8_t* page_at(self, int64_t address) except NULL:
        """The page of a row. Requires: `row_to_change` has just answered one."""
        return bytes_of(frame_of(self.pages, address >> SLOT_BITS))

    cdef uint8_t* row_on(self, uint8_t* page, int64_t address) noexcept:
        """Where on its page a row lies."""
        return page + HEADER_SIZE + (address & SLOT_MASK) * self.stride

    cdef int change_row(
        self,
        object transaction,
        int64_t address,
        bytes before,
        bytes packed,
        bytes stored,
        tuple entry,
        list chain,
    ) except -1:
        """What `change` does, but for `ask_for_relief`, which is due when all rows of a statement are changed. NO_ROW, nothing having changed: the page has no room.

        `stored`: what the page gets of `packed`; the same, unless it is of another size. Requires: `row_to_change` has just answered `before`, and
        nothing has run since that may let another thread in.
        """
        cdef object pages = self.pages, number = address
        cdef PyObject* frame = frame_of(pages, address >> SLOT_BITS)
        cdef uint8_t* page = bytes_of(frame)
        cdef uint8_t* row = self.row_on(page, address)
        cdef bint is_resized = stored is not None and not fits_in_place(before, stored)
        cdef PyObject* found
        cdef Fit fit
        if is_resized and not self.page_rows.fit(
            page, row, PyBytes_GET_SIZE(stored) - self.stride, &fit
        ):
            return NO_ROW
        fill_entry(entry, self.rows, number, before)
        lsn = <object>slot(<PyObject*>self.log, self.log_end)
        PyList_Append(undo_of(transaction), entry)
        found = PyDict_GetItemWithError(self.chains, number)
        if found == NULL:
            chain[0] = before
            # It has bytes only, so it is in no circle.
            PyObject_GC_UnTrack(<void*>chain)
            self.chains[number] = chain
        else:
            PyList_Append(<object>found, before)
        self.append_record(id_of(transaction), address, before, packed)
        note_change(frame, pages, lsn)
        if packed is None:
            mark_deleted(page, row, id_of(transaction))
        elif is_resized:
            self.page_rows.replace(page, row, stored, &fit)
            self.page_rows.note_room(page, <object>slot(frame, FRAME_PAGE_ID))
        else:
            self.page_rows.write_row(page, row, stored, self.page_rows.tail_start(row, row[FLAGS]))
        touch(frame, pages)
        return DONE

    cdef object place_new(self, object transaction, bytes packed, tuple entry, list keys):
        """Put a new row on the current page and its entries into all indexes; answers its address, None if that was not done."""
        cdef PyObject* frame
        cdef object pages = self.pages, number
        cdef list places
        cdef uint8_t* page
        cdef uint16_t counts[3]
        cdef uint32_t tails_start
        cdef Py_ssize_t index, chosen, slots, tail_size = PyBytes_GET_SIZE(packed) - self.stride
        cdef int64_t address, page_id
        cdef bint is_new = False
        if tail_size > self.page_rows.tail_size_max or PyBytes_GET_SIZE(packed) > RECORD_SIZE_MAX:
            return None
        places = [None] * len(keys)
        if not self.is_free():
            return None
        if not self.page_rows.has_room(PyBytes_GET_SIZE(packed)):
            is_new = self.page_rows.move_on(PyBytes_GET_SIZE(packed), self.log._end)
        page_id = number_in(<PyObject*>self.heap, self.page_rows.heap_current)
        frame = frame_of(pages, page_id)
        if frame == NULL or slot(frame, FRAME_CACHE) != <PyObject*>self.page_format:
            return None
        if not is_writable(frame, pages):
            return None
        page = bytes_of(frame)
        memcpy(counts, page + COUNTS_OFFSET, 6)
        memcpy(&tails_start, page + TAILS_OFFSET, 4)
        # The lowest free slot. Room that is yet to be made is for the ordinary way.
        chosen = counts[0]
        if counts[1] < counts[0]:
            chosen = 0
            while chosen < counts[0] and page[HEADER_SIZE + chosen * self.stride + FLAGS]:
                chosen += 1
            if chosen == counts[0]:
                # The header is wrong.
                return None
        slots = max(counts[0], chosen + 1)
        if (
            slots > SLOT_COUNT_MAX
            or HEADER_SIZE + slots * self.stride + tail_size > tails_start
        ):
            return None
        address = (page_id << SLOT_BITS) | chosen
        number = address
        for index in range(len(keys)):
            tree = <NativeTree>self.trees[index]
            place = (<NativeTree>tree).place_of(keys[index], address)
            if place is None or not (<NativeTree>tree).check_room(
                <Place>place, keys[index], address, self.exclusive[index]
            ):
                return None
            places[index] = place
        fill_entry(entry, self.rows, number, None)
        lsn = <object>slot(<PyObject*>self.log, self.log_end)
        PyList_Append(undo_of(transaction), entry)
        self.append_record(id_of(transaction), address, None, packed)
        note_change(frame, pages, lsn)
        counts[1] += 1
        tails_start -= <uint32_t>tail_size
        if tail_size:
            memcpy(page + TAILS_OFFSET, &tails_start, 4)
        self.page_rows.write_row(
            page, page + HEADER_SIZE + chosen * self.stride, packed, tails_start
        )
        counts[0] = <uint16_t>slots
        memcpy(page + COUNTS_OFFSET, counts, 6)
        lsn = <object>slot(<PyObject*>self.log, self.log_end)
        for index in range(len(keys)):
            (<NativeTree>self.trees[index]).put(<Place>places[index], keys[index], address, lsn)
        set_slot(<PyObject*>pages, PAGES_HITS, number_in(<PyObject*>pages, PAGES_HITS) + 1)
        self.ask_for_relief()
        if is_new:
            self.rows.trim()
        return number

    cdef list keys_of(self, tuple values):
        """The row's key in each index; None where one is NULL or not to be made here."""
        cdef list keys = []
        cdef tuple positions, picked
        cdef Py_ssize_t index, each
        cdef object value, key
        if not has_all_indexes(self):
            self.learn_indexes()
        if not self.takes_inserts:
            return None
        for index in range(PyTuple_GET_SIZE(self.indexes)):
            positions = <tuple>self.positions[index]
            picked = PyTuple_New(PyTuple_GET_SIZE(positions))
            for each in range(PyTuple_GET_SIZE(positions)):
                value = values[<Py_ssize_t><object>PyTuple_GET_ITEM(positions, each)]
                if value is None:
                    return None
                Py_INCREF(value)
                PyTuple_SET_ITEM(picked, each, value)
            key = (<KeyMaker>self.makers[index]).make(picked)
            if key is None:
                return None
            keys.append(key)
        return keys

    cdef int append_record(
        self, uint64_t writer, int64_t address, bytes before, bytes after
    ) except -1:
        """`WriteAheadLog.append_row`, the record being of ordinary size and nobody else appending."""
        cdef object log = self.log
        cdef uint32_t before_size = ABSENT if before is None else <uint32_t>PyBytes_GET_SIZE(before)
        cdef uint32_t after_size = ABSENT if after is None else <uint32_t>PyBytes_GET_SIZE(after)
        cdef uint32_t relation_id = <uint32_t>self.relation_id
        cdef Py_ssize_t content = (0 if before is None else before_size) + (
            0 if after is None else after_size
        )
        cdef Py_ssize_t size = ROW_SIZE + content + (-content & 7)
        cdef bytes body = PyBytes_FromStringAndSize(NULL, size)
        cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(body)
        cdef object end
        memset(out, 0, 4)
        out[0] = ROW_TYPE
        memcpy(out + 4, &relation_id, 4)
        memcpy(out + 8, &writer, 8)
        memcpy(out + 16, &address, 8)
        memcpy(out + 24, &before_size, 4)
        memcpy(out + 28, &after_size, 4)
        out += ROW_SIZE
        if before is not None:
            memcpy(out, PyBytes_AS_STRING(before), before_size)
            out += before_size
        if after is not None:
            memcpy(out, PyBytes_AS_STRING(after), after_size)
            out += after_size
        memset(out, 0, -content & 7)
        end = append_record(
            <list>slot(<PyObject*>log, self.log_chunks),
            number_in(<PyObject*>log, self.log_end),
            body,
            PyLong_AsUnsignedLongLongMask(xxh3_64_intdigest(body, self.seed)),
        )
        set_slot(<PyObject*>log, self.log_end, end)
        return 0

    cdef int ask_for_relief(self) except -1:
        """Have the log written if it has grown too large: once all is done, as this runs Python code."""
        cdef object log = self.log
        if (
            number_in(<PyObject*>log, self.log_end) - number_in(<PyObject*>log, self.log_taken)
            > self.log_buffer_size_max
        ):
            log._ask_for_relief()
        return 0



cdef int undo_to(object transaction, Py_ssize_t mark) except -1:
    """Take back what has been done since the undo list had that length (`TableStore._undo_to`)."""
    cdef list undo = transaction.undo
    while len(undo) > mark:
        entry = <tuple>undo[len(undo) - 1]
        entry[0].undo(transaction, entry, is_logged=True)
        undo = transaction.undo
    return 0


cdef void fill_entry(tuple entry, object rows, object address, object before):
    """Make a new tuple an undo entry."""
    Py_INCREF(rows)
    PyTuple_SET_ITEM(entry, 0, rows)
    Py_INCREF(address)
    PyTuple_SET_ITEM(entry, 1, address)
    Py_INCREF(before)
    PyTuple_SET_ITEM(entry, 2, before)


cdef bint has_overflow(bytes stored) noexcept:
    """Whether a stored row has overflowed values."""
    return (<const uint8_t*>PyBytes_AS_STRING(stored))[FLAGS] & HAS_OVERFLOW


cdef bint fits_in_place(bytes before, bytes stored) noexcept:
    """Whether a row has as long a tail as the one before, so that it goes to the same places."""
    return PyBytes_GET_SIZE(before) == PyBytes_GET_SIZE(stored) and not (
        has_overflow(before) or has_overflow(stored)
    )


cdef void mark_deleted(uint8_t* page, uint8_t* row, int64_t writer) noexcept:
    """Flag a live row as deleted."""
    cdef uint16_t deleted
    memcpy(row, &writer, 8)
    row[FLAGS] |= DELETED
    memcpy(&deleted, page + COUNTS_OFFSET + 4, 2)
    deleted += 1
    memcpy(page + COUNTS_OFFSET + 4, &deleted, 2)
    note_writer(page, row)
