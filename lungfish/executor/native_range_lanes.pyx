# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""UPDATE and DELETE of the few rows of a range of an index, in one uninterrupted call.

First all rows are looked at and what becomes of each is made, then all are changed: up to the first change nothing has been done, and from there
on nothing can be in the way any more. native_tables.pyx says what that rests on.
"""

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.list cimport PyList_Append, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_New
from libc.stdint cimport int64_t

from lungfish.executor.native_expressions cimport Node, NodeList, UNSURE_VALUE
from lungfish.executor.native_lane cimport NativeLane, has_null, snapshot_of
from lungfish.executor.native_sources cimport KeyRange
from lungfish.storage.native_ranges cimport ENTRIES, RangeWalk
from lungfish.storage.native_tables cimport NativeTable, has_overflow, id_of
from lungfish.storage.native_trees cimport NOTHING, UNSURE

cdef enum:
    # Entries looked at, and bytes of rows changed: the log takes all of them before it can be written.
    ENTRIES_MAX = 256
    SIZE_MAX = 262144
    # What `NativeTable.read` answers.
    NO_ROW = 0
    DONE = 1


cdef class RangeChangeLane(NativeLane):
    """UPDATE of columns that no index uses, or DELETE, of the rows of a range for which a condition holds."""

    cdef KeyRange key_range
    # The stored positions of the columns of the old row, and of the new one, that are looked at: in this order a row for the expressions.
    cdef tuple old_fields, new_fields
    # Over the old row's; None: it always holds.
    cdef Node condition
    # Of UPDATE, over the old row's fields: the values of `fields`, and whether NULL is refused there. None: DELETE.
    cdef NodeList assigned
    cdef tuple fields, not_null
    # None without RETURNING.
    cdef NodeList returning

    def __init__(
        self, KeyRange key_range, tuple read, Node condition, object changed, NodeList returning
    ):
        """`read`: the stored positions of what is looked at of the old row and of the new one. `changed`: the positions of the columns that get
        other values, those values, and whether NULL is refused there; None: the rows are deleted.
        """
        self.key_range, self.condition, self.returning = key_range, condition, returning
        self.old_fields, self.new_fields = read
        if changed is not None:
            self.fields, self.assigned, self.not_null = changed

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        cdef RangeWalk walk = RangeWalk.__new__(RangeWalk)
        cdef NativeTable table = self.key_range.table
        cdef Py_ssize_t number = self.key_range.number(), entries = 0
        # Bytes of rows before and after, and of the new rows that are longer than before.
        cdef Py_ssize_t sizes[2]
        cdef int64_t address
        cdef list changes = [], outputs = []
        cdef object snapshot
        cdef int found
        if number < 0 or not id_of(transaction):
            return None
        sizes[0] = sizes[1] = 0
        snapshot = snapshot_of(transaction)
        found = self.key_range.begin(walk, number, (), values)
        if found == UNSURE:
            return None
        while found == ENTRIES:
            address = walk.next_address()
            if address == NOTHING:
                break
            entries += 1
            if address == UNSURE or entries > ENTRIES_MAX:
                return None
            if not self.prepare(changes, outputs, transaction, snapshot, address, values, sizes):
                return None
            if sizes[0] > SIZE_MAX:
                return None
        for change in changes:
            if table.change_row(
                transaction, change[0], change[1], change[2], change[2], change[3], change[4]
            ) != DONE:
                # Not reached, as `goes_into_gap` has said that it has; what has been done is taken back.
                raise SystemError("a page had no room for a row")
        if changes:
            table.ask_for_relief()
        return PyList_GET_SIZE(changes) if self.returning is None else outputs

    cdef bint prepare(
        self,
        list changes,
        list outputs,
        object transaction,
        object snapshot,
        int64_t address,
        tuple values,
        Py_ssize_t* sizes,
    ) except -1:
        """Append what is to be done to the row there, if anything; False: unsure."""
        cdef NativeTable table = self.key_range.table
        cdef bytes before, packed = None
        cdef tuple old, assigned, output = ()
        cdef object holds
        cdef int found = table.read((), (), address, snapshot, id_of(transaction))
        if found == UNSURE or found == NO_ROW:
            return found == NO_ROW
        before = table.row_to_change(transaction, snapshot, address, self.assigned is None)
        old = None if before is None else table.row_format.some(before, self.old_fields)
        if old is None:
            return False
        if self.condition is not None:
            holds = self.condition.evaluate(old, values)
            if holds is UNSURE_VALUE:
                return False
            if holds is not True:
                return True
        if self.assigned is not None:
            assigned = self.assigned.evaluate(old, values)
            if assigned is None or has_null(assigned, self.not_null):
                return False
            if has_overflow(before):
                return False
            packed = table.row_format.patched(before, self.fields, assigned, id_of(transaction))
            if packed is None or not table.goes_into_gap(address, before, packed, &sizes[1]):
                return False
            sizes[0] += PyBytes_GET_SIZE(packed)
        if self.returning is not None:
            if packed is not None:
                output = table.row_format.some(packed, self.new_fields)
            output = None if output is None else self.returning.evaluate(old + output, values)
            if output is None:
                return False
            PyList_Append(outputs, output)
        sizes[0] += PyBytes_GET_SIZE(before)
        PyList_Append(changes, (address, before, packed, PyTuple_New(3), [None]))
        return True
