"""Building a B+Tree from sorted entries: leaves first, one after the other, then level by level up to the root.

Pages are filled to a share of their size, so that the first inserts do not split them all. Each page is written once, and memory may be
trimmed in between; nothing is reachable before the root is written at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from lungfish.storage.btree import BTree
from lungfish.storage.btree_node import UNFENCED, Fences, InnerNode
from lungfish.storage.btree_pages import ROOT_PAGE
from lungfish.storage.ids import LSN, PageId, TupleId
from lungfish.storage.keys import Key, KeyCodec, Position
from lungfish.storage.relation_pages import PageMiss
from lungfish.types.sorting import RUN_COUNT, in_order

FILL_SHARE_DEFAULT: Final = 0.9
# How many pages are written between two calls of `trim`.
TRIM_INTERVAL: Final = 16

Integers: TypeAlias = npt.NDArray[np.int64]
# Keys as the tree stores them: an array in integer form, a list in byte form.
StoredKeys: TypeAlias = Integers | list[bytes]


def sort_entries(
    keys: StoredKeys, addresses: Integers, look: Callable[[], None] = lambda: None
) -> tuple[StoredKeys, Integers]:
    """Put stored entries (of `encode_entries` or `store_entries`) into the tree's order. `look` is called meanwhile, and may raise."""
    if isinstance(keys, np.ndarray):
        if (keys[1:] > keys[:-1]).all():
            # As rows come that were inserted in the order of their key.
            return keys, addresses
        order = np.lexsort((addresses, keys))
        return keys[order], addresses[order]
    pairs = in_order(list(zip(keys, addresses.tolist(), strict=True)), look)
    return [key for key, _ in pairs], np.array([address for _, address in pairs], np.int64)


def store_entries(
    codec: KeyCodec,
    entries: Sequence[tuple[Key, TupleId]],
    look: Callable[[], None] = lambda: None,
) -> tuple[StoredKeys, Integers]:
    """Entries one by one, with keys from `codec.encode`, as a tree stores them. `look` is called meanwhile, and may raise."""
    keys: list[Any] = []
    addresses: list[int] = []
    for start in range(0, len(entries), RUN_COUNT):
        look()
        pairs = [codec.entry(key, address) for key, address in entries[start : start + RUN_COUNT]]
        keys += [key for key, _ in pairs]
        addresses += [address for _, address in pairs]
    stored = np.array(keys, np.int64) if codec.is_integer else keys
    return stored, np.array(addresses, np.int64)


def build_btree(
    tree: BTree,
    keys: StoredKeys,
    addresses: Integers,
    lsn: LSN,
    *,
    fill_share: float = FILL_SHARE_DEFAULT,
    trim: Callable[[], None] | None = None,
) -> None:
    """Fill an empty tree that nobody else uses yet. Requires: entries sorted, none twice.

    `trim` is called between pages, outside the latch. Raises ProgramLimitExceeded if a key is too long.
    """
    _TreeBuilder(tree, lsn, fill_share, trim or _no_trim).build(keys, addresses)


def _no_trim() -> None:
    return


class _TreeBuilder:
    """Writes the pages of one tree."""

    def __init__(self, tree: BTree, lsn: LSN, fill_share: float, trim: Callable[[], None]) -> None:
        self._pages = tree.pages
        self._form = tree.store.form
        self._lsn = lsn
        self._limit = int(self._form.page_size * fill_share)
        self._trim = trim
        self._written_count = 0

    def build(self, keys: StoredKeys, addresses: Integers) -> None:
        if isinstance(keys, list):
            for number, key in enumerate(keys):
                if not number % RUN_COUNT:
                    self._trim()
                self._form.check_key(key)
        ends = self._leaf_ends(keys)
        if len(ends) <= 1:
            self._write_root(
                lambda data: self._form.write_leaf(data, list(keys), addresses.tolist(), UNFENCED)
            )
            return
        level = self._write_leaves(keys, addresses, ends)
        while len(ends := self._inner_ends(level)) > 1:
            level = self._write_inners(level, ends)
        root = level.node(0, len(level.children))
        self._write_root(lambda data: self._form.write_inner(data, root, UNFENCED))

    def _leaf_ends(self, keys: StoredKeys) -> list[int]:
        """Where each leaf's entries end."""
        head = self._form.leaf_size([], UNFENCED)
        if not isinstance(keys, list):
            step = max(1, (self._limit - head) // self._form.leaf_entry_overhead)
            return [*range(step, len(keys), step), len(keys)] if len(keys) else []
        sizes = _running_sizes(
            keys, self._form.leaf_entry_overhead, size_min=self._form.leaf_key_size_min
        )
        count = len(keys)
        ends: list[int] = []
        start = 0
        while start < count:
            end = _end(sizes, start, self._limit - head)
            if end < count:
                end = max(end, self._end_with_prefix(keys, sizes, start, end))
            ends.append(end)
            start = end
        return ends

    def _end_with_prefix(self, keys: list[bytes], sizes: Integers, start: int, end: int) -> int:
        """Where a leaf could end if its keys are stored without what they have in common."""
        probe = min(start + 3 * (end - start), len(keys) - 1)
        prefix_size = self._form.common_size(keys[start], keys[probe])
        savings = np.arange(len(sizes[start : probe + 1])) * prefix_size
        head = self._form.leaf_size([], UNFENCED) + prefix_size
        end = start + _end(sizes[start : probe + 1] - savings, 0, self._limit - head)
        # The fences, and with them the prefix, lie within what was compared, but for the one before the first key.
        return end if self._fits(keys, start, end) else start

    def _fits(self, keys: list[bytes], start: int, end: int) -> bool:
        low = None
        if start:
            low = self._form.separator((keys[start - 1], 0), (keys[start], 0))
        high = self._form.separator((keys[end - 1], 0), (keys[end], 0)) if end < len(keys) else None
        return self._form.leaf_size(keys[start:end], Fences(low, high)) <= self._form.page_size

    def _write_leaves(self, keys: StoredKeys, addresses: Integers, ends: Sequence[int]) -> _Level:
        level = _Level(1, [None], [])
        start = 0
        for end in ends:
            if end < len(keys):
                last, first = _entry(keys, addresses, end - 1), _entry(keys, addresses, end)
                level.firsts.append(self._form.separator(last, first))
            fences = level.fences(len(level.children), len(level.children) + 1)
            # In integer form a leaf is written from arrays as they are.
            is_bytes = isinstance(keys, list)
            own = addresses[start:end].tolist() if is_bytes else addresses[start:end]
            level.children.append(
                self._write_page(self._form.write_leaf, keys[start:end], own, fences)
            )
            start = end
        return level

    def _inner_ends(self, level: _Level) -> list[int]:
        """Where the children of each node above the level end."""
        keys = [b"" if first is None else first[0] for first in level.firsts]
        is_integer = isinstance(keys[-1], int)
        if is_integer:
            keys[0] = 0
        sizes = _running_sizes(
            np.array(keys, np.int64) if is_integer else keys, self._form.inner_entry_overhead
        )
        limit = self._limit - self._form.inner_size([], UNFENCED)
        ends = _ends(sizes, limit)
        # The same number of nodes, about equally full: else the last may have next to nothing.
        even = int(sizes[-1]) // len(ends) + int(np.diff(sizes).max())
        evened = _ends(sizes, min(even, limit))
        return evened if len(evened) == len(ends) else ends

    def _write_inners(self, level: _Level, ends: Sequence[int]) -> _Level:
        above = _Level(level.number + 1, [], [])
        start = 0
        for end in ends:
            above.firsts.append(level.firsts[start])
            node, fences = level.node(start, end), level.fences(start, end)
            above.children.append(self._write_page(self._form.write_inner, node, fences))
            start = end
        return above

    def _write_page(self, write: Callable[..., None], *content: Any) -> PageId:
        with self._pages.latch:
            frame = self._pages.allocate()
            write(self._pages.writable(frame, self._lsn), *content)
        self._written_count += 1
        if self._written_count % TRIM_INTERVAL == 0:
            self._trim()
        return frame.page_id

    def _write_root(self, write: Callable[[bytearray], None]) -> None:
        while True:
            try:
                with self._pages.latch:
                    root = self._pages.fetch(ROOT_PAGE)
                    data = self._pages.writable(root, self._lsn)
                    root.cache = None
                    write(data)
                    return
            except PageMiss as miss:
                miss.load()


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one level, as the children of the one above, whose number it has."""

    number: int
    # Where each node begins; None: at the tree's start.
    firsts: list[Position | None]
    # Their pages.
    children: list[PageId]

    def node(self, start: int, end: int) -> InnerNode:
        """The inner node over some of them. Its first key and address are not looked at."""
        rest = [first for first in self.firsts[start + 1 : end] if first is not None]
        empty: Any = b"" if rest and isinstance(rest[0][0], bytes) else 0
        keys = [empty, *[key for key, _ in rest]]
        return InnerNode(
            self.number, keys, [0, *[address for _, address in rest]], self.children[start:end]
        )

    def fences(self, start: int, end: int) -> Fences:
        """What lies beneath some of them."""
        return Fences(self.firsts[start], self.firsts[end] if end < len(self.firsts) else None)


def _entry(keys: StoredKeys, addresses: Integers, index: int) -> Position:
    key = keys[index]
    return (key if isinstance(key, bytes) else int(key)), int(addresses[index])


def _running_sizes(keys: StoredKeys, overhead: int, *, size_min: int = 0) -> Integers:
    """The bytes that the first 0, 1, 2, ... entries take."""
    sizes = np.zeros(len(keys) + 1, np.int64)
    if isinstance(keys, list):
        sizes[1:] = np.maximum(np.fromiter(map(len, keys), np.int64, len(keys)), size_min)
    sizes[1:] += overhead
    return np.cumsum(sizes)


def _ends(sizes: Integers, limit: int) -> list[int]:
    """Where groups of at most `limit` bytes end."""
    ends = [_end(sizes, 0, limit)]
    while ends[-1] < len(sizes) - 1:
        ends.append(_end(sizes, ends[-1], limit))
    return ends


def _end(sizes: Integers, start: int, limit: int) -> int:
    """The most entries from `start` that take no more than `limit`, but one at least."""
    end = int(np.searchsorted(sizes, sizes[start] + limit, side="right")) - 1
    return max(end, start + 1)
