"""B+Tree nodes with 64-bit keys.

    leaf    offset 16: count pairs  (key i8, address i8)
    inner   offset 16: count triples (key i8, address i8, child i8)

All numbers are little-endian. A leaf is used through `memoryview.cast("q")`: the strided views `pairs[0::2]` and `pairs[1::2]` are the
keys and the addresses, and `bisect` searches them in C. Pairs, and not two arrays, so that one `memmove` makes room for an
entry, and a small index fills only the head of its page.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np

from lungfish.errors import CorruptPage
from lungfish.storage.btree_node import (
    COUNT,
    COUNT_OFFSET,
    HEADER,
    INNER,
    INTEGER_FORM,
    LEAF,
    NO_ENTRY,
    UNCERTAIN,
    Fences,
    InnerNode,
    read_header,
)
from lungfish.storage.keys import ADDRESS_MASK, Position

ENTRIES_OFFSET: Final = 16
PAIR = struct.Struct("<qq")
PAIR_SIZE: Final = 16
TRIPLE_SIZE: Final = 24

assert array("q").itemsize == 8
# The views read the machine's own byte order.
assert sys.byteorder == "little", "big-endian machines are not supported"


class IntegerLeaf:
    """A leaf in place. See `btree_node.Leaf` for the methods."""

    __slots__ = ("addresses", "capacity", "count", "data", "keys", "pairs")

    def __init__(self, data: bytearray, count: int) -> None:
        self.data = data
        self.count = count
        self.pairs = memoryview(data)[ENTRIES_OFFSET:].cast("q")
        self.keys = self.pairs[0::2]
        self.addresses = self.pairs[1::2]
        self.capacity = len(self.addresses)

    def find(self, key: int, address: int) -> int:
        keys, count = self.keys, self.count
        index = bisect_left(keys, key, 0, count)
        if index < count and keys[index] == key and self.addresses[index] < address:
            end = bisect_right(keys, key, index, count)
            return bisect_left(self.addresses, address, index, end)
        return index

    def only_address(self, key: int) -> int:
        # The hot path of every lookup (bench/btree.py).
        keys, count = self.keys, self.count
        index = bisect_left(keys, key, 0, count)
        if index == count:
            return UNCERTAIN
        if keys[index] != key:
            return NO_ENTRY
        end = index + 1
        if end == count or keys[end] == key:
            return UNCERTAIN
        address: int = self.addresses[index]
        # The least and the greatest integer share their keys with NULLs.
        return address if 0 <= address <= ADDRESS_MASK else UNCERTAIN

    def has_key(self, index: int, key: int) -> bool:
        return self.keys[index] == key

    def key_at(self, index: int) -> int:
        return self.keys[index]

    def address_at(self, index: int) -> int:
        return self.addresses[index]

    def keys_between(self, start: int, end: int) -> list[int]:
        return self.keys[start:end].tolist()

    def addresses_between(self, start: int, end: int) -> list[int]:
        return self.addresses[start:end].tolist()

    def fits(self, key: int) -> bool:
        return self.count < self.capacity

    def insert(self, index: int, key: int, address: int) -> None:
        pairs, count = self.pairs, self.count
        try:
            if index < count:
                pairs[2 * index + 2 : 2 * count + 2] = pairs[2 * index : 2 * count]
            PAIR.pack_into(self.data, ENTRIES_OFFSET + PAIR_SIZE * index, key, address)
            self._set_count(count + 1)
        except BaseException:
            self._finish_insert(index, key, address, count)
            raise

    def _finish_insert(self, index: int, key: int, address: int, count: int) -> None:
        """After an interrupt: the entries ascend strictly, so two equal ones tell that room was made."""
        entry = self._entry(index)
        if entry == (key, address) or (index < count and entry == self._entry(index + 1)):
            PAIR.pack_into(self.data, ENTRIES_OFFSET + PAIR_SIZE * index, key, address)
            count += 1
        self._set_count(count)

    def extend(self, keys: Sequence[int], addresses: Sequence[int]) -> int:
        count = self.count
        added = min(len(keys), self.capacity - count)
        entries = array("q", bytes(PAIR_SIZE * added))
        entries[0::2] = array("q", keys[:added])
        entries[1::2] = array("q", addresses[:added])
        try:
            self.pairs[2 * count : 2 * (count + added)] = memoryview(entries)
            self._set_count(count + added)
        except BaseException:
            self.pairs[2 * count : 2 * (count + added)] = memoryview(entries)
            self._set_count(count + added)
            raise
        return added

    def delete(self, index: int) -> None:
        pairs, count = self.pairs, self.count
        try:
            pairs[2 * index : 2 * count - 2] = pairs[2 * index + 2 : 2 * count]
            self._set_count(count - 1)
            # Zeros after the content let the page store leave the rest of the page out.
            PAIR.pack_into(self.data, ENTRIES_OFFSET + PAIR_SIZE * (count - 1), 0, 0)
        except BaseException:
            self._finish_delete(index, count)
            raise

    def _finish_delete(self, index: int, count: int) -> None:
        if index < count - 1 and self._entry(count - 2) == self._entry(count - 1):
            self._set_count(count - 1)
        self._set_count(COUNT.unpack_from(self.data, COUNT_OFFSET)[0])

    def _entry(self, index: int) -> tuple[int, int]:
        return self.keys[index], self.addresses[index]

    def _set_count(self, count: int) -> None:
        COUNT.pack_into(self.data, COUNT_OFFSET, count)
        self.count = count

    def used_bytes(self) -> int:
        return ENTRIES_OFFSET + PAIR_SIZE * self.count


class IntegerForm:
    """See `btree_node.NodeForm` for the methods."""

    number = INTEGER_FORM
    leaf_entry_overhead = PAIR_SIZE
    leaf_key_size_min = 0
    inner_entry_overhead = TRIPLE_SIZE

    def __init__(self, page_size: int) -> None:
        assert page_size % 8 == 0
        self.page_size = page_size

    def check_key(self, key: int) -> None:
        """Every integer fits."""

    def read_leaf(self, data: bytearray, page_id: int) -> IntegerLeaf:
        _, _, count = read_header(data, page_id, INTEGER_FORM)
        leaf = IntegerLeaf(data, count)
        if count > leaf.capacity:
            raise CorruptPage(f"page {page_id}: {count} entries do not fit on a page")
        return leaf

    def read_inner(self, data: bytearray, page_id: int) -> InnerNode:
        _, level, count = read_header(data, page_id, INTEGER_FORM)
        if not count or ENTRIES_OFFSET + TRIPLE_SIZE * count > len(data):
            raise CorruptPage(f"page {page_id}: an inner node cannot have {count} children")
        triples = np.frombuffer(data, "<i8", 3 * count, ENTRIES_OFFSET)
        return InnerNode(
            level, triples[0::3].tolist(), triples[1::3].tolist(), triples[2::3].tolist()
        )

    # Fences and neighbours say what byte strings have in common; integers have no use for them.

    def write_leaf(
        self,
        data: bytearray,
        keys: Sequence[int],
        addresses: Sequence[int],
        fences: Fences,
    ) -> None:
        pairs = np.zeros((self.page_size - ENTRIES_OFFSET) // 8, "<i8")
        pairs[0 : 2 * len(keys) : 2] = keys
        pairs[1 : 2 * len(keys) : 2] = addresses
        _write(data, (LEAF, INTEGER_FORM, 0, len(keys)), pairs.tobytes())

    def write_inner(self, data: bytearray, node: InnerNode, fences: Fences) -> None:
        count = len(node.keys)
        triples = np.zeros((self.page_size - ENTRIES_OFFSET) // 8, "<i8")
        triples[0 : 3 * count : 3] = node.keys
        triples[1 : 3 * count : 3] = node.addresses
        triples[2 : 3 * count : 3] = node.children
        _write(data, (INNER, INTEGER_FORM, node.level, count), triples.tobytes())

    def leaf_size(self, keys: Sequence[int], fences: Fences) -> int:
        return ENTRIES_OFFSET + PAIR_SIZE * len(keys)

    def inner_size(self, keys: Sequence[int], fences: Fences) -> int:
        return ENTRIES_OFFSET + TRIPLE_SIZE * len(keys)

    def common_size(self, one: int, other: int) -> int:
        return 0

    def separator(self, left: Position, right: Position) -> Position:
        return right


def _write(data: bytearray, header: tuple[int, int, int, int], entries: bytes) -> None:
    HEADER.pack_into(data, 0, *header)
    data[HEADER.size : ENTRIES_OFFSET] = bytes(ENTRIES_OFFSET - HEADER.size)
    memoryview(data)[ENTRIES_OFFSET:] = entries
