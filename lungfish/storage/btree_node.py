"""Nodes of a B+Tree: what both forms of key share.

Every page of an index begins with the same eight bytes:

    offset 0     1     2        4         8
          +-----+-----+--------+---------+ - - - -
          |kind |form | level  | count   | by kind and form
          +-----+-----+--------+---------+ - - - -

`kind`: LEAF, INNER, META (page 0), FREE (a page to use again). `level` is 0 in leaves. A leaf's entries are pairs (key, address) in
ascending order. An inner node's are triples (key, address, child): the child holds the entries from this pair up to the next. The
first pair of an inner node is not looked at: its child begins where the node does.

*Fences* are the bounds of what may be in a node, read off the path from the root: low <= entry < high. Nodes do not store
them and have no links to their siblings: a scan goes on by position, from the root, once a leaf. So a split touches the node,
its new sibling and its parent only.

Terms: an *address* is a TupleId, or one flagged for NULL (`keys.py`). A *form* knows how keys lie on a page (`IntegerForm`, `ByteForm`).

Inner nodes are decoded to lists once and kept in `Frame.cache`: they are few, read at every descent, and change only by splits and
merges, when they are written anew. Leaves are looked at and changed in place.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from lungfish.errors import CorruptPage
from lungfish.storage.ids import PageId
from lungfish.storage.keys import Position

LEAF: Final = 0x4C
INNER: Final = 0x49
META: Final = 0x4D
FREE: Final = 0x46

INTEGER_FORM: Final = 1
BYTE_FORM: Final = 2

HEADER = struct.Struct("<BBHI")
COUNT_OFFSET: Final = 4
COUNT = struct.Struct("<I")
LEVEL_MAX: Final = 64

# What `Leaf.only_address` answers in place of an address.
NO_ENTRY: Final = -1
UNCERTAIN: Final = -2

assert HEADER.size == 8


class Fences(NamedTuple):
    """low <= every entry < high; None is the tree's end."""

    low: Position | None
    high: Position | None


UNFENCED = Fences(None, None)


class Leaf(Protocol):
    """A leaf in place on its page. Indexes count entries from 0."""

    # The page's bytes that this leaf is a view of.
    data: bytearray
    count: int

    def find(self, key: Any, address: int) -> int:
        """The index of the first entry that is not less than the pair. Requires: the pair is within the fences."""

    def only_address(self, key: Any) -> int:
        """The address of the only entry with this key; NO_ENTRY, or UNCERTAIN if that cannot be told from this leaf alone.

        Requires: this is the leaf of the first entry that has the key or a greater one.
        """

    def has_key(self, index: int, key: Any) -> bool:
        """Whether the entry's key is this one. Requires: the key is within the fences."""

    def key_at(self, index: int) -> Any: ...

    def address_at(self, index: int) -> int: ...

    def keys_between(self, start: int, end: int) -> list[Any]: ...

    def addresses_between(self, start: int, end: int) -> list[int]: ...

    def fits(self, key: Any) -> bool:
        """Whether an entry with this key can be inserted without a split."""

    def insert(self, index: int, key: Any, address: int) -> None:
        """Put an entry at the index. Requires: it fits, and `data` may be written.

        An interrupt at any point leaves a whole leaf with or without the entry; `delete` likewise.
        """

    def extend(self, keys: Sequence[Any], addresses: Sequence[int]) -> int:
        """Put entries after the last, as many as fit; answers how many. They ascend, and the first is greater than the last here.

        An interrupt leaves a whole leaf with some of them.
        """

    def delete(self, index: int) -> None:
        """Take the entry away. Requires: `data` may be written."""

    def used_bytes(self) -> int:
        """How much of the page is in use."""


class InnerNode:
    """A decoded inner node."""

    __slots__ = ("addresses", "children", "keys", "level")

    def __init__(
        self, level: int, keys: list[Any], addresses: list[int], children: list[PageId]
    ) -> None:
        self.level = level
        self.keys = keys
        self.addresses = addresses
        self.children = children

    def child_index(self, key: Any, address: int) -> int:
        """The child where the pair belongs: the last one that begins at or before it."""
        keys = self.keys
        index = bisect_right(keys, key, 1) - 1
        if index and keys[index] == key and self.addresses[index] > address:
            first = bisect_left(keys, key, 1, index)
            return bisect_right(self.addresses, address, first, index) - 1
        return index

    def child_index_before(self, key: Any, address: int) -> int:
        """The child with the greatest entry less than the pair: the last one that begins before it."""
        keys = self.keys
        first = bisect_left(keys, key, 1)
        if first < len(keys) and keys[first] == key:
            end = bisect_right(keys, key, first)
            return bisect_left(self.addresses, address, first, end) - 1
        return first - 1

    def fences_of(self, index: int, fences: Fences) -> Fences:
        """The fences of a child, given the node's own."""
        end = index + 1
        return Fences(
            (self.keys[index], self.addresses[index]) if index else fences.low,
            (self.keys[end], self.addresses[end]) if end < len(self.keys) else fences.high,
        )


class NodeForm(Protocol):
    """How the nodes of one form lie on pages."""

    number: int
    # How much of a page a node may take.
    page_size: int
    # What an entry takes besides the bytes of its key.
    leaf_entry_overhead: int
    # As how many bytes a shorter key counts in a leaf.
    leaf_key_size_min: int
    inner_entry_overhead: int

    def check_key(self, key: Any) -> None:
        """Raises ProgramLimitExceeded if the key is too long for a page."""

    def read_leaf(self, data: bytearray, page_id: int) -> Leaf:
        """View a page as a leaf. Raises CorruptPage."""

    def read_inner(self, data: bytearray, page_id: int) -> InnerNode:
        """Decode a page as an inner node. Raises CorruptPage."""

    def write_leaf(
        self, data: bytearray, keys: Sequence[Any], addresses: Sequence[int], fences: Fences
    ) -> None:
        """Fill a page with a leaf. Requires: `leaf_size` is at most the page size."""

    def write_inner(self, data: bytearray, node: InnerNode, fences: Fences) -> None:
        """Fill a page with an inner node. Requires: `inner_size` is at most the page size."""

    def leaf_size(self, keys: Sequence[Any], fences: Fences) -> int:
        """The bytes that a leaf of these keys takes."""

    def inner_size(self, keys: Sequence[Any], fences: Fences) -> int:
        """The bytes that an inner node of these keys takes."""

    def common_size(self, one: Any, other: Any) -> int:
        """How many leading bytes two keys have in common that a node need store but once."""

    def separator(self, left: Position, right: Position) -> Position:
        """The shortest position with left < position <= right."""


def read_header(data: bytearray, page_id: int, form: int) -> tuple[int, int, int]:
    """Kind, level and count of a page. Raises CorruptPage if it is no node of this form."""
    kind, page_form, level, count = HEADER.unpack_from(data)
    if kind not in (LEAF, INNER) or page_form != form or level > LEVEL_MAX:
        raise CorruptPage(
            f"page {page_id} is not a node of this index",
            detail=f"kind {kind:#04x}, form {page_form}, level {level}",
        )
    if (level == 0) != (kind == LEAF):
        raise CorruptPage(f"page {page_id}: kind {kind:#04x} does not go with level {level}")
    return kind, level, count
