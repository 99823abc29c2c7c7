# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Whole statements about one row, found by its key: what `executor/lanes.py` makes of plans that it can.

native_tables.pyx says why nobody comes in between the first look at the row and the last change of it. Here no Python code runs either: where
it would have to (a transaction's first write gives it its id; some types are stored in another form) the answer is None.
"""

from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t

from lungfish.executor.native_lane cimport NativeLane
from lungfish.storage.native_tables cimport NativeTable
from lungfish.storage.native_trees cimport KeyMaker, NativeTree

from lungfish.storage.transactions import IsolationLevel

cdef object READ_COMMITTED = IsolationLevel.READ_COMMITTED
cdef object READ_UNCOMMITTED = IsolationLevel.READ_UNCOMMITTED

cdef enum:
    # What native_trees.pyx and native_tables.pyx answer.
    NOTHING = -1
    UNSURE = -2
    NO_ROW = 0
    DONE = 1


cdef class Sources:
    """Where a statement's values come from: for each the number of a parameter, or a constant."""

    cdef tuple parameters
    cdef tuple constants

    def __init__(self, tuple parameters, tuple constants):
        """`parameters` has -1 where the value is the one in `constants`."""
        self.parameters = parameters
        self.constants = constants

    cdef tuple take(self, tuple values):
        """The values in a new tuple."""
        cdef Py_ssize_t index, number, count = PyTuple_GET_SIZE(self.parameters)
        cdef tuple taken = PyTuple_New(count)
        cdef object value
        for index in range(count):
            number = <object>PyTuple_GET_ITEM(self.parameters, index)
            if number < 0:
                value = <object>PyTuple_GET_ITEM(self.constants, index)
            else:
                value = <object>PyTuple_GET_ITEM(values, number)
            Py_INCREF(value)
            PyTuple_SET_ITEM(taken, index, value)
        return taken


cdef class KeyLane(NativeLane):
    """What the lanes of SELECT, UPDATE and DELETE have in common: a table, one of its indexes, and where the key comes from."""

    cdef NativeTable table
    cdef object index
    cdef Sources key

    def __init__(self, NativeTable table, object index, Sources key):
        self.table = table
        self.index = index
        self.key = key

    cdef object make_key(self, tuple values, Py_ssize_t* number):
        """The key, and the number of the index; None if there is none to be looked up here."""
        number[0] = self.table.number_of(self.index)
        if number[0] < 0:
            return None
        return (<KeyMaker>self.table.makers[number[0]]).make(self.key.take(values))


cdef class SelectLane(KeyLane):
    """SELECT of columns of one row."""

    # The stored positions of the columns.
    cdef tuple fields

    def __init__(self, NativeTable table, object index, Sources key, tuple fields):
        KeyLane.__init__(self, table, index, key)
        self.fields = fields

    cpdef object run(self, tuple values, object transaction):
        """See `Lane.run`."""
        cdef Py_ssize_t number
        cdef object key = self.make_key(values, &number), snapshot = None
        cdef int64_t address, own_id = 0
        cdef tuple row
        cdef list rows
        cdef int found
        if key is None:
            return None
        if transaction is not None:
            own_id = transaction.id
            snapshot = snapshot_of(transaction)
        row = PyTuple_New(PyTuple_GET_SIZE(self.fields))
        rows = [None]
        address = (<NativeTree>self.table.trees[number]).find_only(key)
        if address == NOTHING:
            return []
        if address == UNSURE:
            return None
        found = self.table.read(row, self.fields, address, snapshot, own_id)
        if found == UNSURE:
            return None
        if found == NO_ROW:
            return []
        self.table.row_format.finish(row, self.fields)
        rows[0] = row
        return rows


cdef class DeleteLane(KeyLane):
    """DELETE of one row."""

    cpdef object run(self, tuple values, object transaction):
        """See `Lane.run`."""
        cdef Py_ssize_t number
        cdef object key = self.make_key(values, &number)
        cdef int64_t address
        cdef tuple entry
        cdef list chain
        if key is None or not transaction.id:
            return None
        snapshot = snapshot_of(transaction)
        entry, chain = PyTuple_New(3), [None]
        address = (<NativeTree>self.table.trees[number]).find_only(key)
        if address == NOTHING:
            return 0
        if address == UNSURE:
            return None
        if self.table.replace(transaction, snapshot, address, None, entry, chain) == DONE:
            return 1
        return None


cdef class UpdateLane(KeyLane):
    """UPDATE of some columns of one row, none of which an index uses."""

    cdef tuple fields
    cdef Sources assigned
    # Of `fields`: whether NULL is refused there.
    cdef tuple not_null

    def __init__(
        self,
        NativeTable table,
        object index,
        Sources key,
        tuple fields,
        Sources assigned,
        tuple not_null,
    ):
        KeyLane.__init__(self, table, index, key)
        self.fields = fields
        self.assigned = assigned
        self.not_null = not_null

    cpdef object run(self, tuple values, object transaction):
        """See `Lane.run`."""
        cdef Py_ssize_t number
        cdef object key = self.make_key(values, &number)
        cdef int64_t address
        cdef tuple entry, assigned
        cdef list chain
        cdef bytes before, packed
        if key is None:
            return None
        assigned = self.assigned.take(values)
        if not transaction.id or has_null(assigned, self.not_null):
            return None
        snapshot = snapshot_of(transaction)
        entry, chain = PyTuple_New(3), [None]
        address = (<NativeTree>self.table.trees[number]).find_only(key)
        if address == NOTHING:
            return 0
        if address == UNSURE:
            return None
        before = self.table.row_to_change(transaction, snapshot, address)
        if before is None:
            return None
        packed = self.table.row_format.patched(before, self.fields, assigned, transaction.id)
        if packed is None:
            return None
        self.table.change(transaction, address, before, packed, entry, chain)
        return 1


cdef class InsertLane(NativeLane):
    """INSERT of one row of given values."""

    cdef NativeTable table
    cdef Sources row
    cdef tuple not_null

    def __init__(self, NativeTable table, Sources row, tuple not_null):
        """`not_null`: of each stored field, whether NULL is refused there."""
        self.table = table
        self.row = row
        self.not_null = not_null

    cpdef object run(self, tuple values, object transaction):
        """See `Lane.run`."""
        cdef tuple row = self.row.take(values)
        if not transaction.id or has_null(row, self.not_null):
            return None
        return None if self.table.insert(transaction, row) is None else 1


cdef object snapshot_of(object transaction):
    """What decides what the statement sees; None: what is committed now."""
    level = transaction.isolation
    if level is READ_COMMITTED or level is READ_UNCOMMITTED:
        return None
    return transaction.snapshot


cdef bint has_null(tuple values, tuple not_null) except -1:
    """Whether a value is NULL where that is refused."""
    cdef Py_ssize_t index
    for index in range(PyTuple_GET_SIZE(values)):
        if <object>PyTuple_GET_ITEM(values, index) is None:
            if <object>PyTuple_GET_ITEM(not_null, index) is True:
                return True
    return False
