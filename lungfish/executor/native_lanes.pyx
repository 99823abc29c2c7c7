# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Whole statements about one row, found by its key: what `executor/lanes.py` makes of plans that it can.

native_tables.pyx says why nobody comes in between the first look at the row and the last change of it. Here no Python code runs either: where
it would have to (a transaction's first write gives it its id; some types are stored in another form) there is no lane, or the answer is None.
"""

from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_New
from libc.stdint cimport int64_t

from lungfish.executor.native_expressions cimport NodeList
from lungfish.executor.native_lane cimport NativeLane, has_null, snapshot_of
from lungfish.storage.native_tables cimport NativeTable, id_of
from lungfish.storage.native_trees cimport KeyMaker, NativeTree

cdef enum:
    # What native_trees.pyx and native_tables.pyx answer.
    NOTHING = -1
    UNSURE = -2
    NO_ROW = 0
    DONE = 1


cdef class KeyLane(NativeLane):
    """What the lanes of SELECT, UPDATE and DELETE have in common: a table, one of its indexes, and where the key comes from."""

    cdef NativeTable table
    cdef object index
    cdef NodeList key

    def __init__(self, NativeTable table, object index, NodeList key):
        self.table = table
        self.index = index
        self.key = key

    cdef object make_key(self, tuple values, Py_ssize_t* number):
        """The key, and the number of the index; None if there is none to be looked up here."""
        cdef tuple parts
        number[0] = self.table.number_of(self.index)
        if number[0] < 0:
            return None
        parts = self.key.evaluate((), values)
        return None if parts is None else (<KeyMaker>self.table.makers[number[0]]).make(parts)


cdef class SelectLane(KeyLane):
    """SELECT of columns of one row."""

    # The stored positions of the columns.
    cdef tuple fields

    def __init__(self, NativeTable table, object index, NodeList key, tuple fields):
        KeyLane.__init__(self, table, index, key)
        self.fields = fields

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        cdef Py_ssize_t number
        cdef object key = self.make_key(values, &number), snapshot = None
        cdef int64_t address, own_id = 0
        cdef tuple row
        cdef list rows
        cdef int found
        if key is None:
            return None
        if transaction is not None:
            own_id = id_of(transaction)
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
        rows[0] = row
        return rows


cdef class ChangeLane(KeyLane):
    """What UPDATE and DELETE have in common: the old row is looked at before it is changed, and RETURNING makes something of both."""

    # The stored positions of the columns of the old row, and of the new one, that are looked at: in this order a row for the expressions.
    cdef tuple old_fields, new_fields
    # None without RETURNING.
    cdef NodeList returning

    cdef bytes row_to_change(
        self, tuple values, object transaction, int64_t* address, bint is_deleted
    ):
        """The packed row of the statement's key, and its address; None if there is none (`address` is NOTHING then) or that is not to be told."""
        cdef Py_ssize_t number
        cdef object key = self.make_key(values, &number)
        if key is None:
            return None
        address[0] = (<NativeTree>self.table.trees[number]).find_only(key)
        if address[0] == NOTHING or address[0] == UNSURE or not id_of(transaction):
            return None
        return self.table.row_to_change(
            transaction, snapshot_of(transaction), address[0], is_deleted
        )

    cdef object outcome(self, bytes before, bytes packed, tuple values):
        """What the statement gives if the one row, which has all its values in it, is changed to the other; None if that is for the pipeline to say."""
        cdef tuple row
        if before is None:
            return None
        if self.returning is None:
            return 1
        row = self.table.row_format.some(before, self.old_fields)
        added = () if packed is None else self.table.row_format.some(packed, self.new_fields)
        if row is None or added is None:
            return None
        row = self.returning.evaluate(row + added, values)
        return None if row is None else [row]

    cdef object none_found(self):
        """The outcome if there is no such row."""
        return 0 if self.returning is None else []


cdef class DeleteLane(ChangeLane):
    """DELETE of one row."""

    def __init__(
        self, NativeTable table, object index, NodeList key, tuple old_fields, NodeList returning
    ):
        KeyLane.__init__(self, table, index, key)
        self.old_fields, self.new_fields, self.returning = old_fields, (), returning

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        cdef int64_t address = UNSURE
        cdef bytes before = self.row_to_change(values, transaction, &address, True)
        if before is None:
            return self.none_found() if address == NOTHING else None
        outcome = self.outcome(self.table.page_rows.whole(before), None, values)
        if outcome is not None:
            self.table.change(transaction, address, before, None, PyTuple_New(3), [None])
        return outcome


cdef class UpdateLane(ChangeLane):
    """UPDATE of some columns of one row, none of which an index uses."""

    cdef tuple fields
    # Over the old row's fields.
    cdef NodeList assigned
    # Of `fields`: whether NULL is refused there.
    cdef tuple not_null

    def __init__(
        self,
        NativeTable table,
        object index,
        NodeList key,
        tuple read,
        tuple changed,
        NodeList returning,
    ):
        """`read`: the stored positions of what is looked at of the old row and of the new one; `changed`: the positions of the columns that
        get other values, those values, and whether NULL is refused there.
        """
        KeyLane.__init__(self, table, index, key)
        self.old_fields, self.new_fields = read
        self.fields, self.assigned, self.not_null = changed
        self.returning = returning

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        cdef int64_t address = UNSURE
        cdef tuple assigned
        cdef bytes before = self.row_to_change(values, transaction, &address, False), whole, packed
        if before is None:
            return self.none_found() if address == NOTHING else None
        whole = self.table.page_rows.whole(before)
        old = None if whole is None else self.table.row_format.some(whole, self.old_fields)
        assigned = None if old is None else self.assigned.evaluate(old, values)
        if assigned is None or has_null(assigned, self.not_null):
            return None
        packed = self.table.row_format.patched(whole, self.fields, assigned, id_of(transaction))
        if packed is None:
            return None
        outcome = self.outcome(whole, packed, values)
        if outcome is None or self.table.change(
            transaction, address, before, packed, PyTuple_New(3), [None]
        ) != DONE:
            return None
        return outcome


cdef class InsertLane(NativeLane):
    """INSERT of one row of given values."""

    cdef NativeTable table
    cdef NodeList row
    cdef tuple not_null
    # Over the new row; None without RETURNING.
    cdef NodeList returning

    def __init__(self, NativeTable table, NodeList row, tuple not_null, NodeList returning):
        """`not_null`: of each stored field, whether NULL is refused there."""
        self.table = table
        self.row = row
        self.not_null = not_null
        self.returning = returning

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        cdef tuple row = self.row.evaluate((), values), output = None
        if row is None or not id_of(transaction) or has_null(row, self.not_null):
            return None
        if self.returning is not None:
            output = self.returning.evaluate(row, values)
            if output is None:
                return None
        if self.table.insert(transaction, row) is None:
            return None
        return 1 if output is None else [output]
