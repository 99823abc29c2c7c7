"""B+Tree nodes with byte-string keys.

    leaf    0      8        12           16     20          prefix, padded to 4
           +------+--------+------------+------+-----------+-----------------+- - - - - -+---------+
           |header| prefix | cell start | live |  prefix   | slots           |   free    |  cells  |
           |      | size   |            |bytes |           |                 |           |         |
           +------+--------+------------+------+-----------+-----------------+- - - - - -+---------+
           slot   place u2, size u2, head u4
           cell   address i8, the suffix from its fifth byte on
    inner  the same beginning, cell start and live bytes being 0; then for each child:
           suffix size u2, address i8, child u4, suffix

A leaf's slots are in the order of the keys. A *suffix* is a key without the node's prefix; its *head* is its first four bytes as a
big-endian number, filled up with zeros, so that `bisect` finds the place in C among the heads and looks at cells only where heads are
equal (the "poor man's normalized keys" of Graefe and Larson, "B-Tree Indexes and CPU Caches", 2001). The prefix is what the two
fences have in common, so every key that can ever come into the node has it, and only a split or merge changes it. Between a
split's halves stands the shortest string that tells them apart (Bayer and Unterauer, "Prefix B-trees", 1977).

Invariants of a leaf:
1. slots end <= cell start; the cells lie between it and the end of the page (at most USED_SIZE_MAX). What is free is zeros, which
   the page store leaves out.
2. live bytes is the sum of the sizes of the cells that slots point to; deleted ones leave holes until the leaf is compacted.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import numpy as np

from lungfish.errors import CorruptPage, ProgramLimitExceeded
from lungfish.native import compiled_module
from lungfish.storage.btree_node import (
    BYTE_FORM,
    COUNT,
    COUNT_OFFSET,
    HEADER,
    INNER,
    LEAF,
    NO_ENTRY,
    UNCERTAIN,
    Fences,
    InnerNode,
    read_header,
)
from lungfish.storage.keys import ADDRESS_MIN, Position

# Prefix size, cell start, live bytes.
BYTE_HEADER = struct.Struct("<III")
# Cell start and live bytes.
SPACE = struct.Struct("<II")
SPACE_OFFSET: Final = 12
PREFIX_OFFSET: Final = HEADER.size + BYTE_HEADER.size
# Place, size, head.
SLOT = struct.Struct("<HHI")
SLOT_SIZE: Final = SLOT.size
HEAD_SIZE: Final = 4
ADDRESS = struct.Struct("<q")
# What an entry takes besides its suffix, which counts as HEAD_SIZE bytes at least.
ENTRY_OVERHEAD: Final = SLOT_SIZE - HEAD_SIZE + ADDRESS.size
# Places are u2, so of a larger page only this much is used; the rest stays zeros.
USED_SIZE_MAX: Final = 1 << 16
INNER_CELL = struct.Struct("<HqI")

_compiled: Any = compiled_module("lungfish.storage.native_leaves")

assert SPACE_OFFSET + SPACE.size == PREFIX_OFFSET


class ByteLeaf:
    """A leaf in place; as a sequence, its suffixes. See `btree_node.Leaf` for the methods."""

    __slots__ = (
        "cell_start",
        "count",
        "data",
        "heads",
        "live_bytes",
        "prefix",
        "slots",
        "slots_offset",
    )

    cell_start: int
    live_bytes: int

    def __init__(self, data: bytearray, count: int) -> None:
        self.data = data
        self.count = count
        prefix_size, self.cell_start, self.live_bytes = BYTE_HEADER.unpack_from(data, HEADER.size)
        self.prefix = bytes(data[PREFIX_OFFSET : PREFIX_OFFSET + prefix_size])
        self.slots_offset: int = _slots_offset(prefix_size)
        # Two numbers for each slot: place and size in one, then the head.
        self.slots = memoryview(data)[self.slots_offset :].cast("I")
        self.heads = self.slots[1::2]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> bytes:
        slot = self.slots[2 * index]
        size = slot >> 16
        head = self.heads[index].to_bytes(HEAD_SIZE, "big")
        if size <= HEAD_SIZE:
            return head[:size]
        rest = (slot & 0xFFFF) + ADDRESS.size
        return head + self.data[rest : rest + size - HEAD_SIZE]

    def find(self, key: bytes, address: int) -> int:
        # The hot path of every search (bench/btree.py).
        suffix = key[len(self.prefix) :]
        heads, count = self.heads, self.count
        head = _head(suffix)
        index = bisect_left(heads, head, 0, count)
        if index == count or heads[index] != head:
            return index
        end = index + 1
        if end < count and heads[end] == head:
            end = bisect_right(heads, head, end, count)
            index = bisect_left(self, suffix, index, end)
            if index == end:
                return index
        found = self[index]
        if found != suffix:
            return index if suffix < found else index + 1
        if self.address_at(index) >= address:
            return index
        end = bisect_right(self, suffix, index, end)
        return bisect_left(range(count), address, index, end, key=self.address_at)

    def only_address(self, key: bytes) -> int:
        index = self.find(key, ADDRESS_MIN)
        if index == self.count:
            return UNCERTAIN
        if not self.has_key(index, key):
            return NO_ENTRY
        if index + 1 == self.count or self.has_key(index + 1, key):
            return UNCERTAIN
        return self.address_at(index)

    def has_key(self, index: int, key: bytes) -> bool:
        suffix = key[len(self.prefix) :]
        return self.heads[index] == _head(suffix) and self[index] == suffix

    def key_at(self, index: int) -> bytes:
        return self.prefix + self[index]

    def address_at(self, index: int) -> int:
        address: int = ADDRESS.unpack_from(self.data, self.slots[2 * index] & 0xFFFF)[0]
        return address

    def keys_between(self, start: int, end: int) -> list[bytes]:
        prefix = self.prefix
        if _compiled is not None:
            made: list[bytes] | None = _compiled.leaf_keys(
                self.data, prefix, self.slots_offset, start, end
            )
            if made is not None:
                return made
        return [prefix + self[index] for index in range(start, end)]

    def addresses_between(self, start: int, end: int) -> list[int]:
        if _compiled is not None:
            made: list[int] | None = _compiled.leaf_addresses(
                self.data, self.slots_offset, start, end
            )
            if made is not None:
                return made
        unpack, data = ADDRESS.unpack_from, self.data
        slots = self.slots[2 * start : 2 * end : 2].tolist()
        return [unpack(data, slot & 0xFFFF)[0] for slot in slots]

    def fits(self, key: bytes) -> bool:
        need = ENTRY_OVERHEAD + max(len(key) - len(self.prefix), HEAD_SIZE)
        return self.used_bytes() + need <= min(len(self.data), USED_SIZE_MAX)

    def insert(self, index: int, key: bytes, address: int) -> None:
        suffix = key[len(self.prefix) :]
        count = self.count
        size = ADDRESS.size + max(len(suffix) - HEAD_SIZE, 0)
        try:
            if self.cell_start - size < self.slots_offset + SLOT_SIZE * (count + 1):
                self._compact()
            cell_start = self._write_cell(self.cell_start, suffix, address)
            if index < count:
                slots = self.slots
                slots[2 * index + 2 : 2 * count + 2] = slots[2 * index : 2 * count]
            self._write_slot(index, cell_start, suffix)
            self._set_space(count + 1, cell_start, self.live_bytes + size)
        except BaseException:
            self._finish_insert(index, suffix, address, count)
            raise

    def _write_cell(self, end: int, suffix: bytes, address: int) -> int:
        """Write a cell that ends there; answers its place."""
        cell = ADDRESS.pack(address) + suffix[HEAD_SIZE:]
        place = end - len(cell)
        self.data[place:end] = cell
        return place

    def _write_slot(self, index: int, place: int, suffix: bytes) -> None:
        slot_offset = self.slots_offset + SLOT_SIZE * index
        SLOT.pack_into(self.data, slot_offset, place, len(suffix), _head(suffix))

    def _finish_insert(self, index: int, suffix: bytes, address: int, count: int) -> None:
        """After an interrupt: no two slots are equal, but when room was made. Cells without a slot are holes."""
        slots = self.slots
        is_moved = index < count and slots[2 * index] == slots[2 * index + 2]
        has_cell = slots[2 * index] != 0
        if is_moved:
            used = [each for each in range(count + 1) if each != index]
            cell_start, _ = self._measure(used)
            self._write_slot(index, self._write_cell(cell_start, suffix, address), suffix)
        if is_moved or (has_cell and self[index] == suffix and self.address_at(index) == address):
            count += 1
        self._set_space(count, *self._measure(range(count)))

    def _measure(self, indexes: Iterable[int]) -> tuple[int, int]:
        """Where the cells of some slots begin, and their size together."""
        cell_start, live_bytes = min(len(self.data), USED_SIZE_MAX), 0
        for index in indexes:
            slot = self.slots[2 * index]
            cell_start = min(cell_start, slot & 0xFFFF)
            live_bytes += ADDRESS.size + max((slot >> 16) - HEAD_SIZE, 0)
        return cell_start, live_bytes

    def extend(self, keys: Sequence[bytes], addresses: Sequence[int]) -> int:
        added = 0
        for key, address in zip(keys, addresses, strict=True):
            if not self.fits(key):
                break
            self.insert(self.count, key, address)
            added += 1
        return added

    def delete(self, index: int) -> None:
        slots, count = self.slots, self.count
        slot = slots[2 * index]
        place = slot & 0xFFFF
        size = ADDRESS.size + max((slot >> 16) - HEAD_SIZE, 0)
        cell_start = self.cell_start + size if place == self.cell_start else self.cell_start
        try:
            slots[2 * index : 2 * count - 2] = slots[2 * index + 2 : 2 * count]
            self._set_space(count - 1, cell_start, self.live_bytes - size)
            SLOT.pack_into(self.data, self.slots_offset + SLOT_SIZE * (count - 1), 0, 0, 0)
            self.data[place : place + size] = bytes(size)
        except BaseException:
            self._finish_delete(index, count)
            raise

    def _finish_delete(self, index: int, count: int) -> None:
        slots = self.slots
        is_moved = index < count - 1 and slots[2 * count - 4] == slots[2 * count - 2]
        if is_moved or COUNT.unpack_from(self.data, COUNT_OFFSET)[0] < count:
            count -= 1
            SLOT.pack_into(self.data, self.slots_offset + SLOT_SIZE * count, 0, 0, 0)
        self._set_space(count, *self._measure(range(count)))

    def used_bytes(self) -> int:
        return self.slots_offset + SLOT_SIZE * self.count + self.live_bytes

    def _set_space(self, count: int, cell_start: int, live_bytes: int) -> None:
        COUNT.pack_into(self.data, COUNT_OFFSET, count)
        SPACE.pack_into(self.data, SPACE_OFFSET, cell_start, live_bytes)
        self.count = count
        self.cell_start = cell_start
        self.live_bytes = live_bytes

    def _compact(self) -> None:
        """Close the holes."""
        keys = self.keys_between(0, self.count)
        addresses = self.addresses_between(0, self.count)
        self.cell_start = _write_leaf(self.data, self.prefix, keys, addresses)


class ByteForm:
    """See `btree_node.NodeForm` for the methods."""

    number = BYTE_FORM
    leaf_entry_overhead = ENTRY_OVERHEAD
    leaf_key_size_min = HEAD_SIZE
    inner_entry_overhead = INNER_CELL.size

    def __init__(self, page_size: int) -> None:
        assert page_size % 8 == 0
        self.page_size = min(page_size, USED_SIZE_MAX)
        # So that at least two entries fit wherever they meet.
        self.key_size_max = self.page_size // 4

    def check_key(self, key: bytes) -> None:
        if len(key) > self.key_size_max:
            raise ProgramLimitExceeded(
                f"index row size {len(key)} exceeds btree maximum {self.key_size_max}",
                hint="Values larger than 1/4 of a page cannot be indexed.\n"
                "Consider a function index of an MD5 hash of the value.",
            )

    def read_leaf(self, data: bytearray, page_id: int) -> ByteLeaf:
        _, _, count = read_header(data, page_id, BYTE_FORM)
        prefix_size, cell_start, live_bytes = BYTE_HEADER.unpack_from(data, HEADER.size)
        slots_offset = _slots_offset(prefix_size)
        slots_end = slots_offset + SLOT_SIZE * count
        if not slots_end <= cell_start <= len(data):
            raise CorruptPage(
                f"page {page_id}: the parts of the leaf overlap",
                detail=f"slots end at {slots_end}, cells begin at {cell_start}",
            )
        slots = np.frombuffer(data, "<u2", 4 * count, slots_offset).astype(np.int64)
        places = slots[0::4]
        ends = places + ADDRESS.size + np.maximum(slots[1::4] - HEAD_SIZE, 0)
        used = int((ends - places).sum())
        if used != live_bytes or (count and (places.min() < cell_start or ends.max() > len(data))):
            raise CorruptPage(f"page {page_id}: an entry of the leaf is out of place")
        return ByteLeaf(data, count)

    def read_inner(self, data: bytearray, page_id: int) -> InnerNode:
        _, level, count = read_header(data, page_id, BYTE_FORM)
        prefix_size, _, _ = BYTE_HEADER.unpack_from(data, HEADER.size)
        prefix = bytes(data[PREFIX_OFFSET : PREFIX_OFFSET + prefix_size])
        node = InnerNode(level, [], [], [])
        place = PREFIX_OFFSET + prefix_size
        for _ in range(count):
            end = place + INNER_CELL.size
            if end > len(data):
                break
            size, address, child = INNER_CELL.unpack_from(data, place)
            node.keys.append(prefix + data[end : end + size])
            node.addresses.append(address)
            node.children.append(child)
            place = end + size
        if not count or len(node.keys) != count or place > len(data):
            raise CorruptPage(f"page {page_id}: an inner node cannot have {count} children")
        # The first key stands for the low fence: less than or equal to all others.
        node.keys[0] = b""
        return node

    def write_leaf(
        self, data: bytearray, keys: Sequence[bytes], addresses: Sequence[int], fences: Fences
    ) -> None:
        _write_leaf(data, self._common_prefix(fences), keys, addresses)

    def write_inner(self, data: bytearray, node: InnerNode, fences: Fences) -> None:
        prefix = self._common_prefix(fences)
        size = len(prefix)
        parts = [
            HEADER.pack(INNER, BYTE_FORM, node.level, len(node.keys)),
            BYTE_HEADER.pack(size, 0, 0),
            prefix,
        ]
        for index, key in enumerate(node.keys):
            suffix = key[size:] if index else b""
            parts.append(INNER_CELL.pack(len(suffix), node.addresses[index], node.children[index]))
            parts.append(suffix)
        content = b"".join(parts)
        assert len(content) <= self.page_size, "an inner node outgrows its page"
        data[:] = content.ljust(len(data), b"\x00")

    def leaf_size(self, keys: Sequence[bytes], fences: Fences) -> int:
        prefix_size = len(self._common_prefix(fences))
        sizes = list(map(len, keys))
        if min(sizes, default=0) >= prefix_size + HEAD_SIZE:
            suffixes = sum(sizes) - prefix_size * len(sizes)
        else:
            suffixes = sum([max(size - prefix_size, HEAD_SIZE) for size in sizes])
        return _slots_offset(prefix_size) + suffixes + ENTRY_OVERHEAD * len(keys)

    def inner_size(self, keys: Sequence[bytes], fences: Fences) -> int:
        prefix_size = len(self._common_prefix(fences))
        each = INNER_CELL.size - prefix_size
        first = prefix_size - len(keys[0]) if keys else 0
        return PREFIX_OFFSET + prefix_size + sum(map(len, keys)) + each * len(keys) + first

    def common_size(self, one: bytes, other: bytes) -> int:
        size = min(len(one), len(other))
        if one[:size] == other[:size]:
            return size
        difference = int.from_bytes(one[:size], "big") ^ int.from_bytes(other[:size], "big")
        return size - (difference.bit_length() + 7) // 8

    def separator(self, left: Position, right: Position) -> Position:
        left_key, right_key = left[0], right[0]
        if left_key == right_key:
            return right
        size = self.common_size(left_key, right_key) + 1
        return right_key[:size], ADDRESS_MIN

    def _common_prefix(self, fences: Fences) -> bytes:
        """What every key between the fences begins with."""
        if fences.low is None or fences.high is None:
            return b""
        low: bytes = fences.low[0]
        return low[: self.common_size(low, fences.high[0])]


def _slots_offset(prefix_size: int) -> int:
    return PREFIX_OFFSET + (prefix_size + 3) // 4 * 4


def _head(suffix: bytes) -> int:
    """The first four bytes as a number, filled up with zeros."""
    return int.from_bytes(suffix[:HEAD_SIZE].ljust(HEAD_SIZE, b"\x00"), "big")


def _write_leaf(
    data: bytearray, prefix: bytes, keys: Sequence[bytes], addresses: Sequence[int]
) -> int:
    """Write a leaf of keys that begin with the prefix, without holes; answers its cell start."""
    if _compiled is not None and type(keys) is list and type(addresses) is list:
        made: int | None = _compiled.write_leaf(data, prefix, keys, addresses)
        if made is not None:
            return made
    suffixes = [key[len(prefix) :] for key in keys]
    count = len(suffixes)
    cells = [
        ADDRESS.pack(address) + suffix[HEAD_SIZE:]
        for address, suffix in zip(addresses, suffixes, strict=True)
    ]
    sizes = list(map(len, cells))
    live_bytes = sum(sizes)
    slots_offset = _slots_offset(len(prefix))
    slots_end = slots_offset + SLOT_SIZE * count
    used_size = min(len(data), USED_SIZE_MAX)
    cell_start = used_size - live_bytes
    assert slots_end <= cell_start, "a leaf outgrows its page"
    slots = np.empty((count, 2), "<u4")
    slots[:, 0] = list(accumulate(sizes, initial=cell_start))[:count]
    slots[:, 0] |= np.fromiter(map(len, suffixes), np.uint32, count) << 16
    slots[:, 1] = list(map(_head, suffixes))
    content = b"".join(
        (
            HEADER.pack(LEAF, BYTE_FORM, 0, count),
            BYTE_HEADER.pack(len(prefix), cell_start, live_bytes),
            prefix.ljust(slots_offset - PREFIX_OFFSET, b"\x00"),
            slots.tobytes(),
            bytes(cell_start - slots_end),
            *cells,
        )
    )
    # In place: views of the page stay valid.
    memoryview(data)[:used_size] = content
    return cell_start
