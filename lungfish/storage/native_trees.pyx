# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""B+Tree leaves searched and changed in C, where nothing but the leaf is concerned.

No function here runs Python code between looking and changing, so that for every other thread it is one step (native_tables.pyx). What asks for
more than one leaf (a split, a merge, a page that is not in memory, equal keys beyond the leaf) is left to btree.py.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLong, PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove

from lungfish.slots cimport offset_of, set_slot, slot
from lungfish.storage.native_frames cimport (
    FRAME_CACHE,
    FRAME_PAGE_ID,
    FRAME_TOUCHES,
    PAGES_FRAMES,
    PAGES_HITS,
    is_writable,
    note_change,
    number_in,
)

from lungfish.storage.btree_byte_node import ByteLeaf, USED_SIZE_MAX
from lungfish.storage.btree_integer_node import IntegerLeaf
from lungfish.storage.btree_node import InnerNode
from lungfish.storage.key_values import INTEGER_WIDTHS, TEXT_KINDS
from lungfish.types.sql_type import TypeKind

cdef extern from "Python.h":
    int PyUnicode_CheckExact(object value)
    const char* PyUnicode_AsUTF8AndSize(object value, Py_ssize_t* size) except NULL
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

cdef enum:
    # btree_node.py and the two kinds of leaf.
    COUNT_OFFSET = 4
    SPACE_OFFSET = 12
    ENTRIES_OFFSET = 16
    PAIR_SIZE = 16
    SLOT_SIZE = 8
    HEAD_SIZE = 4
    ADDRESS_SIZE = 8
    ENTRY_OVERHEAD = 12
    # A deeper tree would be damaged.
    LEVEL_MAX = 64
    # What a leaf's compare answers.
    BEFORE = -1
    SAME = 0
    BEHIND = 1

cdef int64_t ADDRESS_MIN = <int64_t>(<uint64_t>1 << 63)
cdef int64_t ADDRESS_MASK = (<int64_t>1 << 62) - 1
cdef Py_ssize_t USED_MAX = USED_SIZE_MAX
# Where each object has what is looked at.
cdef Py_ssize_t INTEGER_CAPACITY = offset_of(IntegerLeaf, "capacity")
INTEGER_COUNT = offset_of(IntegerLeaf, "count")
cdef Py_ssize_t INTEGER_DATA = offset_of(IntegerLeaf, "data")
BYTE_CELL_START = offset_of(ByteLeaf, "cell_start")
BYTE_COUNT = offset_of(ByteLeaf, "count")
cdef Py_ssize_t BYTE_DATA = offset_of(ByteLeaf, "data")
BYTE_LIVE_BYTES = offset_of(ByteLeaf, "live_bytes")
cdef Py_ssize_t BYTE_PREFIX = offset_of(ByteLeaf, "prefix")
cdef Py_ssize_t BYTE_SLOTS_OFFSET = offset_of(ByteLeaf, "slots_offset")
cdef Py_ssize_t INNER_KEYS = offset_of(InnerNode, "keys")
cdef Py_ssize_t INNER_ADDRESSES = offset_of(InnerNode, "addresses")
cdef Py_ssize_t INNER_CHILDREN = offset_of(InnerNode, "children")
cdef object INTEGER_LEAF = IntegerLeaf
cdef object BYTE_LEAF = ByteLeaf
cdef object INNER_NODE = InnerNode
cdef object ROOT_PAGE = 1
cdef int64_t ROOT_PAGE_ID = 1


@cython.no_gc
@cython.freelist(16)
cdef class Place:
    """Where an entry belongs in a tree. Nothing that it refers to refers to it, so it is none of the garbage collector's business."""


cdef class NativeTree:
    """One index's tree, as short statements use it."""

    def __init__(self, object btree):
        self.btree = btree
        self.pages = btree.pages
        self.is_latched = btree.pages.latch.locked
        self.is_integer = btree.codec.is_integer
        self.key_size_max = getattr(btree.store.form, "key_size_max", 0)

    cdef int64_t find_only(self, object key):
        """The address of the only entry with the key; NOTHING, or UNSURE."""
        cdef Place place = self.place_of(key, 0 if self.is_integer else ADDRESS_MIN)
        cdef int64_t address
        if place is None:
            return UNSURE
        if place.index == place.count:
            return NOTHING if place.is_last else UNSURE
        if not has_key(self, place, place.index, key):
            return NOTHING
        if place.index + 1 < place.count:
            if has_key(self, place, place.index + 1, key):
                return UNSURE
        elif not place.is_last:
            return UNSURE
        address = address_at(self, place, place.index)
        # The least and the greatest integer share their keys with NULLs.
        return address if 0 <= address <= ADDRESS_MASK else UNSURE

    cdef Place place_of(self, object key, int64_t address):
        """Where an entry belongs; None if that cannot be told without a page that is not in memory, or somebody has the latch."""
        cdef Place place
        cdef object frames, node, frame, page_id = ROOT_PAGE
        cdef list keys
        cdef PyObject* found
        cdef bint is_last = True
        cdef Py_ssize_t index
        cdef int level
        if self.is_latched():
            return None
        frames = <object>slot(<PyObject*>self.pages, PAGES_FRAMES)
        for level in range(LEVEL_MAX):
            found = PyDict_GetItemWithError(frames, page_id)
            if found == NULL:
                return None
            frame = <object>found
            node = <object>slot(found, FRAME_CACHE)
            set_slot(found, FRAME_TOUCHES, <object>slot(found, FRAME_TOUCHES) + 1)
            if type(node) is not INNER_NODE:
                break
            keys = <list>slot(<PyObject*>node, INNER_KEYS)
            index = child_index(
                self.is_integer, keys, <list>slot(<PyObject*>node, INNER_ADDRESSES), key, address
            )
            is_last = is_last and index == PyList_GET_SIZE(keys) - 1
            page_id = <object>PyList_GET_ITEM(<object>slot(<PyObject*>node, INNER_CHILDREN), index)
        set_slot(
            <PyObject*>self.pages,
            PAGES_HITS,
            number_in(<PyObject*>self.pages, PAGES_HITS) + level + 1,
        )
        place = self.open_leaf(frame, node, key, is_last)
        if place is not None:
            place.index = lower_bound(self, place, key, address)
        return place

    cdef Place open_leaf(self, object frame, object node, object key, bint is_last):
        """A place in the leaf of a frame, its index yet to be set; None if it is not one that is in memory and may have the key (None: any)."""
        cdef Place place
        if type(node) is not (INTEGER_LEAF if self.is_integer else BYTE_LEAF):
            return None
        place = Place.__new__(Place)
        place.frame, place.leaf, place.is_last = frame, node, is_last
        if self.is_integer:
            place.count = number_in(<PyObject*>node, INTEGER_COUNT)
            data = <object>slot(<PyObject*>node, INTEGER_DATA)
        else:
            place.count = number_in(<PyObject*>node, BYTE_COUNT)
            data = <object>slot(<PyObject*>node, BYTE_DATA)
        place.page = <uint8_t*>PyByteArray_AS_STRING(data)
        if not self.is_integer:
            place.prefix_size = PyBytes_GET_SIZE(<object>slot(<PyObject*>node, BYTE_PREFIX))
            place.slots_offset = number_in(<PyObject*>node, BYTE_SLOTS_OFFSET)
            if key is not None and PyBytes_GET_SIZE(key) < place.prefix_size:
                # What all keys between the leaf's fences begin with, this one does not: the tree is damaged.
                return None
        return place

    cdef int check_room(self, Place place, object key, int64_t address, bint is_exclusive):
        """Whether the entry can be put there with no other row having an exclusive key: 1, or 0 if that is not to be told here.

        The entry must not be there.
        """
        cdef object leaf = place.leaf
        cdef Py_ssize_t need
        if not is_writable(<PyObject*>place.frame, self.pages):
            return 0
        if place.index < place.count and compare(self, place, place.index, key, address) == SAME:
            return 0
        if is_exclusive:
            if place.index == 0:
                # On the one leaf of a tree there is nothing before it.
                if not place.is_last or (
                    number_in(<PyObject*>place.frame, FRAME_PAGE_ID) != ROOT_PAGE_ID
                ):
                    return 0
            elif has_key(self, place, place.index - 1, key):
                return 0
            if place.index < place.count:
                if has_key(self, place, place.index, key):
                    return 0
            elif not place.is_last:
                return 0
        if self.is_integer:
            return place.count < number_in(<PyObject*>leaf, INTEGER_CAPACITY)
        need = PyBytes_GET_SIZE(key) - place.prefix_size
        if PyBytes_GET_SIZE(key) > self.key_size_max:
            return 0
        need = ADDRESS_SIZE + (need - HEAD_SIZE if need > HEAD_SIZE else 0)
        # Room without a compaction, which also implies that it fits.
        return (
            number_in(<PyObject*>leaf, BYTE_CELL_START) - need
            >= place.slots_offset + SLOT_SIZE * (place.count + 1)
        )

    cdef int put(self, Place place, object key, int64_t address, object lsn) except -1:
        """Put an entry where `check_room` has found that it can be put."""
        cdef object leaf = place.leaf
        cdef uint8_t* data = place.page
        cdef uint32_t count = <uint32_t>place.count + 1
        cdef uint8_t* entry
        cdef int64_t number
        cdef Py_ssize_t size
        # Here, as there may be no memory for them: an entry that is half put would push another one out.
        cdef object new_count = count, cell_start = None, live_bytes = None
        if not self.is_integer:
            size = ADDRESS_SIZE + rest_size(place, key)
            cell_start = number_in(<PyObject*>leaf, BYTE_CELL_START) - size
            live_bytes = number_in(<PyObject*>leaf, BYTE_LIVE_BYTES) + size
        note_change(<PyObject*>place.frame, self.pages, lsn)
        if self.is_integer:
            number = key
            entry = data + ENTRIES_OFFSET + PAIR_SIZE * place.index
            memmove(entry + PAIR_SIZE, entry, PAIR_SIZE * (place.count - place.index))
            memcpy(entry, &number, 8)
            memcpy(entry + 8, &address, 8)
        else:
            put_cell(data, place, key, address, cell_start, live_bytes)
            set_slot(<PyObject*>leaf, BYTE_CELL_START, cell_start)
            set_slot(<PyObject*>leaf, BYTE_LIVE_BYTES, live_bytes)
        memcpy(data + COUNT_OFFSET, &count, 4)
        set_slot(<PyObject*>leaf, INTEGER_COUNT if self.is_integer else BYTE_COUNT, new_count)
        return 0


cdef Py_ssize_t rest_size(Place place, object key) noexcept:
    """How much of a key goes to its cell: its suffix, but for the head."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(key) - place.prefix_size
    return size - HEAD_SIZE if size > HEAD_SIZE else 0


cdef void put_cell(
    uint8_t* data, Place place, object key, int64_t address, uint32_t cell_start, uint32_t live_bytes
) noexcept:
    """Write an entry of a leaf with byte-string keys, but for the count, and how much room is left then."""
    cdef const uint8_t* suffix = <const uint8_t*>PyBytes_AS_STRING(key) + place.prefix_size
    cdef Py_ssize_t size = PyBytes_GET_SIZE(key) - place.prefix_size
    cdef uint8_t* entry = data + place.slots_offset + SLOT_SIZE * place.index
    cdef uint16_t short_place, short_size = <uint16_t>size
    cdef uint32_t head = head_of(suffix, size)
    memcpy(data + cell_start, &address, 8)
    memcpy(data + cell_start + ADDRESS_SIZE, suffix + HEAD_SIZE, rest_size(place, key))
    memmove(entry + SLOT_SIZE, entry, SLOT_SIZE * (place.count - place.index))
    short_place = <uint16_t>cell_start
    memcpy(entry, &short_place, 2)
    memcpy(entry + 2, &short_size, 2)
    memcpy(entry + 4, &head, 4)
    memcpy(data + SPACE_OFFSET, &cell_start, 4)
    memcpy(data + SPACE_OFFSET + 4, &live_bytes, 4)


cdef Py_ssize_t child_index(
    bint is_integer, list keys, list addresses, object key, int64_t address
) except -1:
    """`InnerNode.child_index`: the last child that begins at or before the pair."""
    cdef Py_ssize_t low = 1, high = PyList_GET_SIZE(keys), middle
    cdef int64_t number = key if is_integer else 0
    cdef int64_t other
    cdef int order
    while low < high:
        middle = (low + high) >> 1
        if is_integer:
            other = PyLong_AsLongLong(<object>PyList_GET_ITEM(keys, middle))
            order = (other > number) - (other < number)
        else:
            order = compare_bytes(<object>PyList_GET_ITEM(keys, middle), key)
        if order == SAME:
            other = PyLong_AsLongLong(<object>PyList_GET_ITEM(addresses, middle))
            order = BEHIND if other > address else SAME
        if order == BEHIND:
            high = middle
        else:
            low = middle + 1
    return low - 1


cdef Py_ssize_t lower_bound(NativeTree tree, Place place, object key, int64_t address) except -1:
    """The index of the first entry that is not less than the pair."""
    cdef Py_ssize_t low = 0, high = place.count, middle
    cdef const uint8_t* entry
    cdef int64_t number, other
    cdef Suffix suffix
    if not tree.is_integer:
        suffix = suffix_of(place, key)
        while low < high:
            middle = (low + high) >> 1
            if compare_suffix(place, middle, &suffix, address) == BEFORE:
                low = middle + 1
            else:
                high = middle
        return low
    number = key
    entry = place.page + ENTRIES_OFFSET
    while low < high:
        middle = (low + high) >> 1
        memcpy(&other, entry + PAIR_SIZE * middle, 8)
        if other == number:
            memcpy(&other, entry + PAIR_SIZE * middle + 8, 8)
            if other < address:
                low = middle + 1
            else:
                high = middle
        elif other < number:
            low = middle + 1
        else:
            high = middle
    return low


cdef struct Suffix:
    # A key without what all keys of its leaf begin with: its first four bytes as a number, all bytes, how many they are.
    uint32_t head
    const uint8_t* data
    Py_ssize_t size


cdef inline Suffix suffix_of(Place place, object key) noexcept:
    """A byte-string key as its leaf has it."""
    cdef Suffix made
    made.data = <const uint8_t*>PyBytes_AS_STRING(key) + place.prefix_size
    made.size = PyBytes_GET_SIZE(key) - place.prefix_size
    made.head = head_of(made.data, made.size)
    return made


cdef inline int compare_suffix(
    Place place, Py_ssize_t index, const Suffix* suffix, int64_t address
) noexcept:
    """How the entry of a leaf with byte-string keys stands to the pair."""
    cdef const uint8_t* slot = place.page + place.slots_offset + SLOT_SIZE * index
    cdef uint16_t at, size
    cdef uint32_t head
    cdef int64_t other
    cdef Py_ssize_t common
    cdef int order
    memcpy(&head, slot + 4, 4)
    if head != suffix.head:
        return BEHIND if head > suffix.head else BEFORE
    memcpy(&at, slot, 2)
    memcpy(&size, slot + 2, 2)
    common = (suffix.size if suffix.size < size else size) - HEAD_SIZE
    if common > 0:
        order = memcmp(place.page + at + ADDRESS_SIZE, suffix.data + HEAD_SIZE, common)
        if order:
            return BEHIND if order > 0 else BEFORE
    if size != suffix.size:
        return BEHIND if size > suffix.size else BEFORE
    memcpy(&other, place.page + at, 8)
    return (other > address) - (other < address)


cdef int compare(NativeTree tree, Place place, Py_ssize_t index, object key, int64_t address) except -2:
    """How the leaf's entry stands to the pair: BEFORE, SAME or BEHIND it."""
    cdef int order = compare_key(tree, place, index, key)
    cdef int64_t other
    if order != SAME:
        return order
    other = address_at(tree, place, index)
    return (other > address) - (other < address)


cdef int compare_key(NativeTree tree, Place place, Py_ssize_t index, object key) except -2:
    """How the key of the leaf's entry stands to a key."""
    cdef int64_t number, other
    cdef Suffix suffix
    if tree.is_integer:
        number = key
        memcpy(&other, place.page + ENTRIES_OFFSET + PAIR_SIZE * index, 8)
        return (other > number) - (other < number)
    suffix = suffix_of(place, key)
    return compare_suffix(place, index, &suffix, address_at(tree, place, index))


cdef bint has_key(NativeTree tree, Place place, Py_ssize_t index, object key) except -1:
    return compare_key(tree, place, index, key) == SAME


cdef bint is_entry(NativeTree tree, Place place, object key, int64_t address) except -1:
    """Whether the entry is the one at the place."""
    return compare(tree, place, place.index, key, address) == SAME


cdef int64_t address_at(NativeTree tree, Place place, Py_ssize_t index):
    """The address of the leaf's entry."""
    cdef const uint8_t* data = place.page
    cdef uint16_t cell
    cdef int64_t address
    if tree.is_integer:
        memcpy(&address, data + ENTRIES_OFFSET + PAIR_SIZE * index + 8, 8)
        return address
    memcpy(&cell, data + place.slots_offset + SLOT_SIZE * index, 2)
    memcpy(&address, data + cell, 8)
    return address


cdef uint32_t head_of(const uint8_t* suffix, Py_ssize_t size) noexcept:
    """The first four bytes as a big-endian number, filled up with zeros."""
    cdef uint32_t head = 0
    cdef Py_ssize_t index
    for index in range(HEAD_SIZE):
        head = head << 8 | (suffix[index] if index < size else 0)
    return head


cdef int compare_bytes(object one, object other) noexcept:
    """How one byte string stands to another."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(one), other_size = PyBytes_GET_SIZE(other)
    cdef int order = memcmp(
        PyBytes_AS_STRING(one), PyBytes_AS_STRING(other), size if size < other_size else other_size
    )
    if order:
        return BEHIND if order > 0 else BEFORE
    return (size > other_size) - (size < other_size)


cdef class KeyMaker:
    """Makes the keys of one index from its columns' values, as `KeyCodec.encode` does; keys without NULL only."""

    def __init__(self, object codec):
        cdef list kinds = []
        self.encode = codec.encode
        self.is_integer = codec.is_integer and not codec.descending[0]
        last = len(codec.types) - 1
        for number, kind in enumerate(codec.types):
            width = INTEGER_WIDTHS.get(kind.kind)
            is_text = kind.kind in TEXT_KINDS and kind.kind is not TypeKind.CHAR
            if codec.descending[number] or (width is None and not is_text):
                kinds = None
                break
            # Text in the last column has no end mark.
            kinds.append(width if width is not None else -2 if number == last else -1)
        self.kinds = None if kinds is None or codec.is_integer else tuple(kinds)

    def is_plain(self):
        """Whether no Python code is needed."""
        return self.is_integer or self.kinds is not None

    cdef object make(self, tuple values):
        """The key, or None if a value is NULL or out of the ordinary."""
        cdef Py_ssize_t size = 0, text_size, index, count = PyTuple_GET_SIZE(values)
        cdef int width, shift
        cdef object value
        cdef int64_t number
        cdef uint64_t biased, limit
        cdef int overflow = 0
        cdef const char* raw
        cdef uint8_t* place
        cdef bytes made
        if self.is_integer:
            value = <object>PyTuple_GET_ITEM(values, 0)
            if not PyLong_CheckExact(value):
                return None
            PyLong_AsLongLongAndOverflow(value, &overflow)
            return None if overflow else value
        if self.kinds is None:
            return None if None in values else self.encode(values)
        for index in range(count):
            value = <object>PyTuple_GET_ITEM(values, index)
            width = <object>PyTuple_GET_ITEM(self.kinds, index)
            if width > 0:
                if not PyLong_CheckExact(value):
                    return None
                size += 1 + width
                continue
            if not PyUnicode_CheckExact(value):
                return None
            raw = PyUnicode_AsUTF8AndSize(value, &text_size)
            size += 1 + text_size + (2 if width == -1 else 0)
        made = PyBytes_FromStringAndSize(NULL, size)
        place = <uint8_t*>PyBytes_AS_STRING(made)
        for index in range(count):
            value = <object>PyTuple_GET_ITEM(values, index)
            width = <object>PyTuple_GET_ITEM(self.kinds, index)
            # NOT_NULL.
            place[0] = 1
            place += 1
            if width > 0:
                number = PyLong_AsLongLongAndOverflow(value, &overflow)
                limit = <uint64_t>1 << (8 * width - 1)
                if overflow or (width < 8 and not -<int64_t>limit <= number < <int64_t>limit):
                    return None
                biased = <uint64_t>number + limit
                for shift in range(width):
                    place[shift] = <uint8_t>(biased >> (8 * (width - 1 - shift)))
                place += width
                continue
            raw = PyUnicode_AsUTF8AndSize(value, &text_size)
            memcpy(place, raw, text_size)
            place += text_size
            if width == -1:
                # A zero inside would have to be escaped.
                if text_size and "\x00" in value:
                    return None
                # TERMINATOR.
                place[0], place[1] = 0, 1
                place += 2
        return made
