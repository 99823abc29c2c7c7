# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Rows of plans that read a few of them by indexes, without Python code: what row_source.py does, as sources for lanes.

A source answers all its rows at once as a list of tuples, or None where it is unsure: then the statement's row pipeline does the whole of it. One that
has become long (`ROWS_MAX`) is left to the pipeline too, so that other threads need not wait for it. `outer` is the row of a join's
left side for which its right side is read.
"""

cimport cython
from cpython.list cimport PyList_Append, PyList_GET_SIZE
from cpython.long cimport PyLong_CheckExact
from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_New
from libc.stdint cimport int64_t

from lungfish.executor.native_expressions cimport Node, NodeList, UNSURE_VALUE
from lungfish.executor.native_lane cimport NativeLane, snapshot_of
from lungfish.storage.native_ranges cimport ENTRIES, NO_ENTRIES, RangeShape, RangeWalk
from lungfish.storage.native_tables cimport NativeTable, id_of
from lungfish.storage.native_trees cimport KeyMaker, NativeTree, NOTHING, UNSURE

cdef enum:
    # Some two milliseconds.
    ROWS_MAX = 4096
    # What `NativeTable.read` answers beside `UNSURE`.
    NO_ROW = 0
    DONE = 1


@cython.freelist(4)
cdef class Reading:
    """One run of a statement."""

    def __cinit__(self, tuple values, object snapshot, int64_t own_id):
        self.values, self.snapshot, self.own_id = values, snapshot, own_id
        self.budget = ROWS_MAX


cdef class NativeSource:
    """Rows."""

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """The first `wanted` rows, or ALL; None: unsure."""
        return None


cdef class KeyRange:
    """A range of one index, the values of its ends being computed anew for each walk."""

    def __init__(
        self, NativeTable table, object index, RangeShape shape, NodeList ends, bint is_backward
    ):
        self.table, self.index, self.shape, self.ends = table, index, shape, ends
        self.is_backward = is_backward
        self.is_whole_key = shape.equal_count == shape.column_count

    cdef Py_ssize_t number(self) except -2:
        """The index's place among the table's; -1 if it has none."""
        return self.table.number_of(self.index)

    cdef int begin(self, RangeWalk walk, Py_ssize_t number, tuple outer, tuple values) except -9:
        """Have a walk begin: ENTRIES, NO_ENTRIES or UNSURE."""
        cdef tuple ends = self.ends.evaluate(outer, values)
        cdef int found
        if ends is None:
            return UNSURE
        found = walk.set_range(self.shape, <KeyMaker>self.table.makers[number], ends)
        if found == ENTRIES and not walk.begin(
            <NativeTree>self.table.trees[number], self.is_backward
        ):
            return UNSURE
        return found


cdef class RangeSource(NativeSource):
    """The rows of a range of an index, for which a condition holds."""

    cdef KeyRange key_range
    # The stored positions of the columns.
    cdef tuple fields
    # Over the outer row's columns and these, or None.
    cdef Node condition

    def __init__(self, KeyRange key_range, tuple fields, Node condition):
        self.key_range, self.fields, self.condition = key_range, fields, condition

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef KeyRange key_range = self.key_range
        cdef RangeWalk walk
        cdef Py_ssize_t number = key_range.number()
        cdef int64_t address
        cdef list made = []
        cdef int found
        if number < 0:
            return None
        if key_range.is_whole_key:
            address = self.only_address(reading, outer, number)
            if address == NOTHING:
                return made
            if address != UNSURE:
                return made if self.add(made, reading, outer, address) else None
        walk = RangeWalk.__new__(RangeWalk)
        found = key_range.begin(walk, number, outer, reading.values)
        if found != ENTRIES:
            return made if found == NO_ENTRIES else None
        while wanted == ALL or PyList_GET_SIZE(made) < wanted:
            address = walk.next_address()
            if address == NOTHING:
                return made
            if address == UNSURE or not self.add(made, reading, outer, address):
                return None
        return made

    cdef int64_t only_address(self, Reading reading, tuple outer, Py_ssize_t number):
        """The address of the only entry of a whole key; NOTHING, or UNSURE if a walk has to find out."""
        cdef tuple ends = self.key_range.ends.evaluate(outer, reading.values)
        cdef object key
        if ends is None:
            return UNSURE
        key = (<KeyMaker>self.key_range.table.makers[number]).make(ends)
        if key is None:
            return UNSURE
        return (<NativeTree>self.key_range.table.trees[number]).find_only(key)

    cdef bint add(self, list made, Reading reading, tuple outer, int64_t address) except -1:
        """Append the row there if it is one of the rows; False: unsure."""
        cdef tuple row
        cdef int found
        cdef object holds
        reading.budget -= 1
        if reading.budget < 0:
            return False
        row = PyTuple_New(PyTuple_GET_SIZE(self.fields))
        found = self.key_range.table.read(
            row, self.fields, address, reading.snapshot, reading.own_id
        )
        if found != DONE:
            return found == NO_ROW
        if self.condition is not None:
            holds = self.condition.evaluate(outer + row if outer else row, reading.values)
            if holds is UNSURE_VALUE:
                return False
            if holds is not True:
                return True
        PyList_Append(made, row)
        return True


cdef class FilterSource(NativeSource):
    """The rows for which a condition holds."""

    cdef NativeSource source
    cdef Node condition

    def __init__(self, NativeSource source, Node condition):
        self.source, self.condition = source, condition

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        return held(self.source.rows(reading, outer, ALL), self.condition, reading)


cdef class ProjectSource(NativeSource):
    """Expressions over each row."""

    cdef NativeSource source
    cdef NodeList expressions

    def __init__(self, NativeSource source, NodeList expressions):
        self.source, self.expressions = source, expressions

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef list found = self.source.rows(reading, outer, wanted), made
        cdef tuple row, output
        if found is None or not PyList_GET_SIZE(found):
            return found
        made = []
        for row in found:
            output = self.expressions.evaluate(row, reading.values)
            if output is None:
                return None
            PyList_Append(made, output)
        return made


cdef class LimitSource(NativeSource):
    """The first rows, after some that are passed over."""

    cdef NativeSource source
    # Either may be None: no such clause.
    cdef Node limit, offset

    def __init__(self, NativeSource source, Node limit, Node offset):
        self.source, self.limit, self.offset = source, limit, offset

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef Py_ssize_t count = row_count(self.limit, reading, ALL)
        cdef Py_ssize_t skipped = row_count(self.offset, reading, 0)
        cdef list found
        if count == UNSURE or skipped == UNSURE:
            return None
        if count == 0:
            return []
        if count == ALL:
            found = self.source.rows(reading, outer, ALL)
            return found if found is None or not skipped else found[skipped:]
        found = self.source.rows(reading, outer, skipped + count)
        if found is None or (not skipped and PyList_GET_SIZE(found) <= count):
            return found
        return found[skipped : skipped + count]


cdef class SortSource(NativeSource):
    """Rows in the order of some of their columns, which are whole numbers; equal ones stay as they come."""

    cdef NativeSource source
    # Of each column: the expression, whether it descends, and whether nulls come first.
    cdef NodeList keys
    cdef tuple descending, nulls_first

    def __init__(self, NativeSource source, NodeList keys, tuple descending, tuple nulls_first):
        self.source, self.keys = source, keys
        self.descending, self.nulls_first = descending, nulls_first

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef list found = self.source.rows(reading, outer, ALL), order = []
        cdef Py_ssize_t number, each
        cdef tuple values
        cdef list key
        if found is None or PyList_GET_SIZE(found) < 2:
            return found
        for number in range(PyList_GET_SIZE(found)):
            values = self.keys.evaluate(<tuple>found[number], reading.values)
            if values is None:
                return None
            key = []
            for each in range(PyTuple_GET_SIZE(values)):
                value = values[each]
                if value is None:
                    key.append(0 if self.nulls_first[each] else 2)
                    key.append(0)
                elif PyLong_CheckExact(value):
                    key.append(1)
                    key.append(-value if self.descending[each] else value)
                else:
                    return None
            key.append(number)
            order.append(key)
        order.sort()
        return [found[<Py_ssize_t>key[len(key) - 1]] for key in order]


cdef enum JoinKind:
    INNER
    LEFT
    SEMI
    ANTI


cdef class JoinSource(NativeSource):
    """Pairs of rows of two sources, as row_source.py's `_joined`."""

    cdef NativeSource left, right
    cdef JoinKind kind
    # Over a pair; None: it always holds.
    cdef Node condition
    cdef tuple nulls
    cdef bint is_lateral

    def __init__(
        self,
        str kind,
        NativeSource left,
        NativeSource right,
        Node condition,
        Py_ssize_t right_width,
        bint is_lateral,
    ):
        self.kind = <JoinKind><int>("inner", "left", "semi", "anti").index(kind)
        self.left, self.right, self.condition = left, right, condition
        self.nulls = (None,) * right_width
        self.is_lateral = is_lateral

    cdef list rows(self, Reading reading, tuple outer, Py_ssize_t wanted):
        """See `NativeSource.rows`."""
        cdef list lefts, rights = None, made = [], pairs
        cdef tuple row, other
        lefts = self.left.rows(reading, outer, ALL)
        if lefts is None:
            return None
        if not self.is_lateral:
            rights = self.right.rows(reading, outer, ALL)
            if rights is None:
                return None
        for row in lefts:
            if self.is_lateral:
                rights = self.right.rows(reading, row, ALL)
                if rights is None:
                    return None
            if self.kind == INNER and not PyList_GET_SIZE(rights):
                continue
            reading.budget -= PyList_GET_SIZE(rights)
            if reading.budget < 0:
                return None
            pairs = [row + other for other in rights]
            if self.condition is not None:
                pairs = held(pairs, self.condition, reading)
                if pairs is None:
                    return None
            if self.kind == INNER:
                made += pairs
            elif self.kind == LEFT:
                made += pairs or [row + self.nulls]
            elif (not pairs) == (self.kind == ANTI):
                PyList_Append(made, row)
        return made


cdef list held(list found, Node condition, Reading reading):
    """The rows for which the condition holds; None: unsure."""
    cdef list made = []
    cdef tuple row
    cdef object holds
    if found is None:
        return None
    for row in found:
        holds = condition.evaluate(row, reading.values)
        if holds is UNSURE_VALUE:
            return None
        if holds is True:
            PyList_Append(made, row)
    return made


cdef Py_ssize_t row_count(Node node, Reading reading, Py_ssize_t none) except? -9:
    """The number that LIMIT or OFFSET gives, `none` if it is NULL or there is no such clause; UNSURE."""
    cdef object value
    if node is None:
        return none
    value = node.evaluate((), reading.values)
    if value is None:
        return none
    if not PyLong_CheckExact(value) or value < 0:
        return UNSURE
    # There are never more rows than this.
    return ROWS_MAX + 1 if value > ROWS_MAX else value


cdef class SourceLane(NativeLane):
    """SELECT of what a source answers."""

    cdef NativeSource source

    def __init__(self, NativeSource source):
        self.source = source

    cdef object act(self, tuple values, object transaction):
        """See `NativeLane.run`."""
        if transaction is None:
            return self.source.rows(Reading(values, None, 0), (), ALL)
        return self.source.rows(
            Reading(values, snapshot_of(transaction), id_of(transaction)), (), ALL
        )
