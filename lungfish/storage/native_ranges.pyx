# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Entries of an index between two positions, one after the other, without Python code.

A walk goes down to both ends of its range once, keeps the way to the one where it begins, and goes from leaf to leaf along it:

    root      [ . | x | . ]          nodes[0], children[0]
    inner     [ . | . | x ]          nodes[1], children[1]
    leaves    [....|####] [####|....]
                   begin        end

So no key is compared between the two ends. As nothing else runs from `begin` to the last entry (native_tables.pyx), the tree stays as it is; whoever
lets Python code run begins anew. What is not in memory, or is no tree of this form, is left to btree.py.
"""

cimport cython
from cpython.bytes cimport PyBytes_CheckExact
from cpython.dict cimport PyDict_GetItem
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint64_t

from lungfish.slots cimport offset_of, set_slot, slot
from lungfish.storage.native_trees cimport (
    KeyMaker,
    NativeTree,
    NOTHING,
    Place,
    UNSURE,
    address_at,
    child_index,
    compare_bytes,
    lower_bound,
)

from lungfish.storage.btree_node import InnerNode
from lungfish.storage.key_values import AFTER_PREFIX, NOT_NULL, NULL_LAST
from lungfish.storage.keys import KEY_MAX, KEY_MIN
from lungfish.storage.relation_pages import Frame

# keys.py.
cdef int64_t ADDRESS_MASK = (<int64_t>1 << 62) - 1
cdef int64_t ADDRESS_MIN = <int64_t>(<uint64_t>1 << 63)
cdef int64_t ADDRESS_MAX = ~ADDRESS_MIN
cdef int64_t AFTER_VALUES = <int64_t>1 << 62
cdef object LOWEST = KEY_MIN
cdef object HIGHEST = KEY_MAX
cdef bytes BEHIND_PREFIX = AFTER_PREFIX
cdef bytes BEFORE_VALUES = NOT_NULL
cdef bytes BEHIND_VALUES = NULL_LAST

cdef Py_ssize_t FRAME_CACHE = offset_of(Frame, "cache")
cdef Py_ssize_t FRAME_TOUCHES = offset_of(Frame, "touches")
cdef Py_ssize_t INNER_KEYS = offset_of(InnerNode, "keys")
cdef Py_ssize_t INNER_ADDRESSES = offset_of(InnerNode, "addresses")
cdef Py_ssize_t INNER_CHILDREN = offset_of(InnerNode, "children")
cdef object INNER_NODE = InnerNode
cdef object ROOT_PAGE = 1


cdef class RangeShape:
    """What a range asks of an index's columns, apart from the values: `KeyCodec.range`."""

    def __init__(self, Py_ssize_t column_count, Py_ssize_t equal_count, object low, object high):
        """`low`, `high`: whether the value of that bound is within the range; None: there is no such bound."""
        self.column_count, self.equal_count = column_count, equal_count
        self.has_low, self.is_low_within = low is not None, low is True
        self.has_high, self.is_high_within = high is not None, high is True


@cython.no_gc
@cython.freelist(8)
cdef class RangeWalk:
    """The entries of one range of one index, in either direction."""

    cdef int set_range(self, RangeShape shape, KeyMaker maker, tuple values) except -9:
        """Say which entries: ENTRIES, NO_ENTRIES if there can be none, UNSURE.

        `values`: those of the leading columns, then that of the lower and that of the upper bound, as far as `shape` has them. The keys
        of the index are plain (`KeyMaker.is_plain`).
        """
        cdef Py_ssize_t index
        for index in range(PyTuple_GET_SIZE(values)):
            if <object>PyTuple_GET_ITEM(values, index) is None:
                return NO_ENTRIES
        self.low_key = self.high_key = None
        if not PyTuple_GET_SIZE(values):
            return ENTRIES
        if maker.is_integer:
            return self.set_integers(shape, values)
        return self.set_bytes(shape, maker, values)

    cdef int set_integers(self, RangeShape shape, tuple values) except -9:
        """`KeyCodec._integer_range`."""
        cdef Py_ssize_t next_one = 0
        cdef object value
        for value in values:
            if type(value) is not int or not LOWEST <= value <= HIGHEST:
                return UNSURE
        if shape.equal_count:
            self.low_key = self.high_key = values[0]
            self.low_address, self.high_address = 0, AFTER_VALUES
            return ENTRIES
        self.low_key, self.low_address = LOWEST, 0
        self.high_key, self.high_address = HIGHEST, AFTER_VALUES
        if shape.has_low:
            self.low_key = values[0]
            self.low_address = 0 if shape.is_low_within else AFTER_VALUES
            next_one = 1
        if shape.has_high:
            self.high_key = values[next_one]
            self.high_address = AFTER_VALUES if shape.is_high_within else 0
        return ENTRIES

    cdef int set_bytes(self, RangeShape shape, KeyMaker maker, tuple values) except -9:
        """`KeyCodec._byte_range`."""
        cdef Py_ssize_t equal_count = shape.equal_count
        cdef tuple equals = values[:equal_count]
        # A key of the last column is whole; behind any other one there may follow more.
        cdef bint is_whole = equal_count == shape.column_count - 1
        cdef object prefix = maker.make(equals), key
        if prefix is None:
            return UNSURE
        self.low_address = self.high_address = ADDRESS_MIN
        self.low_key = prefix
        if equal_count == shape.column_count:
            self.high_key, self.high_address = prefix, ADDRESS_MAX
            return ENTRIES
        if not shape.has_low and not shape.has_high:
            self.high_key = <bytes>prefix + BEHIND_PREFIX
            return ENTRIES
        self.low_key = <bytes>prefix + BEFORE_VALUES
        self.high_key = <bytes>prefix + BEHIND_VALUES
        if shape.has_low:
            key = maker.make(equals + values[equal_count : equal_count + 1])
            if key is None:
                return UNSURE
            self.low_key = key
            if not shape.is_low_within:
                if is_whole:
                    self.low_address = ADDRESS_MAX
                else:
                    self.low_key = <bytes>key + BEHIND_PREFIX
        if shape.has_high:
            key = maker.make(equals + values[PyTuple_GET_SIZE(values) - 1 :])
            if key is None:
                return UNSURE
            self.high_key = key
            if shape.is_high_within:
                if is_whole:
                    self.high_address = ADDRESS_MAX
                else:
                    self.high_key = <bytes>key + BEHIND_PREFIX
        return ENTRIES

    cdef bint begin(self, NativeTree tree, bint is_backward) except -1:
        """Go to the range's first entry, or its last one; False: not to be told here."""
        self.tree, self.is_backward = tree, is_backward
        if tree.is_latched():
            return False
        self.is_over = self.is_empty()
        if self.is_over:
            return True
        if is_backward:
            self.end = self.descend(self.low_key, self.low_address, False)
            self.leaf = self.descend(self.high_key, self.high_address, True)
        else:
            self.end = self.descend(self.high_key, self.high_address, True)
            self.leaf = self.descend(self.low_key, self.low_address, False)
        if self.end is None or self.leaf is None:
            return False
        self.index = self.leaf.index
        return True

    cdef int64_t next_address(self) except -9:
        """Where the row of the next entry is; NOTHING behind the last one, or UNSURE."""
        cdef Py_ssize_t stop
        cdef bint is_last
        if self.is_over:
            return NOTHING
        while True:
            is_last = self.leaf.frame is self.end.frame
            if self.is_backward:
                stop = self.end.index if is_last else 0
                if self.index > stop:
                    self.index -= 1
                    return address_at(self.tree, self.leaf, self.index) & ADDRESS_MASK
            else:
                stop = self.end.index if is_last else self.leaf.count
                if self.index < stop:
                    self.index += 1
                    return address_at(self.tree, self.leaf, self.index - 1) & ADDRESS_MASK
            if is_last:
                return NOTHING
            if not self.step():
                return UNSURE

    cdef bint is_empty(self) except -1:
        """Whether the range ends before it begins."""
        cdef int order
        if self.low_key is None or self.high_key is None:
            return False
        if PyBytes_CheckExact(self.low_key):
            order = compare_bytes(self.low_key, self.high_key)
        else:
            order = (self.low_key > self.high_key) - (self.low_key < self.high_key)
        return order > 0 or (order == 0 and self.low_address >= self.high_address)

    cdef Place descend(self, object key, int64_t address, bint is_high):
        """The first place that is not before a position, noting the way there; None if that cannot be told."""
        cdef PyObject* found
        cdef PyObject* node
        cdef object page_id = ROOT_PAGE
        cdef Place place
        cdef int level = 0
        if key is None:
            self.depth = 0
            return self.leaf_below(page_id, 0, is_high)
        while level < DEPTH_MAX:
            found = self.page(page_id)
            if found == NULL:
                return None
            node = slot(found, FRAME_CACHE)
            if type(<object>node) is not INNER_NODE:
                self.depth = level
                place = self.tree.open_leaf(<object>found, <object>node, key, False)
                if place is not None:
                    place.index = lower_bound(self.tree, place, key, address)
                return place
            self.nodes[level] = node
            self.children[level] = child_index(
                self.tree.is_integer,
                <list>slot(node, INNER_KEYS),
                <list>slot(node, INNER_ADDRESSES),
                key,
                address,
            )
            page_id = <object>PyList_GET_ITEM(
                <object>slot(node, INNER_CHILDREN), self.children[level]
            )
            level += 1
        return None

    cdef Place leaf_below(self, object page_id, int level, bint is_high):
        """The leaf at the lower or upper end of a page of that level, at that end; None if it is not in memory."""
        cdef PyObject* found
        cdef PyObject* node
        cdef Place place
        cdef object below
        while level < DEPTH_MAX:
            found = self.page(page_id)
            if found == NULL:
                return None
            node = slot(found, FRAME_CACHE)
            if type(<object>node) is not INNER_NODE:
                self.depth = level
                place = self.tree.open_leaf(<object>found, <object>node, None, False)
                if place is not None:
                    place.index = place.count if is_high else 0
                return place
            below = <object>slot(node, INNER_CHILDREN)
            self.nodes[level] = node
            self.children[level] = PyList_GET_SIZE(below) - 1 if is_high else 0
            page_id = <object>PyList_GET_ITEM(below, self.children[level])
            level += 1
        return None

    cdef PyObject* page(self, object page_id) except? NULL:
        """The frame of a page, which counts as looked at; NULL if it is not in memory."""
        cdef PyObject* found = PyDict_GetItem(self.tree.pages.frames, page_id)
        if found != NULL:
            set_slot(found, FRAME_TOUCHES, <object>slot(found, FRAME_TOUCHES) + 1)
            self.tree.pages.hits += 1
        return found

    cdef bint step(self) except -1:
        """Go to the neighbouring leaf; False if it is not in memory."""
        cdef int level = self.depth - 1
        cdef Py_ssize_t index
        cdef object below
        while level >= 0:
            below = <object>slot(self.nodes[level], INNER_CHILDREN)
            index = self.children[level] + (-1 if self.is_backward else 1)
            if 0 <= index < PyList_GET_SIZE(below):
                self.children[level] = index
                self.leaf = self.leaf_below(
                    <object>PyList_GET_ITEM(below, index), level + 1, self.is_backward
                )
                if self.leaf is None:
                    return False
                self.index = self.leaf.index
                return True
            level -= 1
        return False
