"""A B+Tree of (key, TupleId) entries over a relation's pages.

The pair is the entry, so entries are unique even where keys are not, and a position in the tree stays meaningful whatever happens to
the pages: a scan copies a leaf's worth of entries, lets go of the latch, and goes on at the position it had reached. After Bayer and
McCreight's B-tree in the form of Comer's "The Ubiquitous B-Tree" (1979), with these departures:

- one latch for the whole tree instead of one for each node (Lehman and Yao, as in PostgreSQL's nbtree): in one Python process there is
  nothing to win by letting two threads into one tree, and without it nodes need no links to their right;
- nothing here is logged or rolled back: the log has rows, and the table store adds and removes entries as rows change.

    btree_node.py, btree_integer_node.py, btree_byte_node.py    what is on a page
    btree_pages.py                                              nodes by page number, free pages
    btree_structure.py                                          splits and merges
    btree_build.py, btree_check.py                              bulk build, verification

Invariants:
1. Entries are in strictly ascending order of (key, address) from leaf to leaf; those beneath a child lie within its fences.
2. An operation raises PageMiss before its first change or not at all. Here it is caught, the page loaded, and the operation begun again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lungfish.storage.btree_node import NO_ENTRY, UNFENCED, Fences, InnerNode, Leaf
from lungfish.storage.btree_pages import ROOT_PAGE, BTreePages, create_btree_pages
from lungfish.storage.btree_structure import BTreeStructure
from lungfish.storage.ids import LSN, PageId, TupleId
from lungfish.storage.keys import ADDRESS_MASK, Key, KeyCodec, KeyRange, Position
from lungfish.storage.relation_pages import Frame, PageMiss, RelationPages

# How many entries the first chunk of a scan has at most; each further one may have eight times as many, up to a leaf.
FIRST_CHUNK_COUNT: Final = 32
_CHUNK_GROWTH: Final = 8
# A thin leaf is looked at for a merge at every 16th deletion from it.
_MERGE_INTERVAL_MASK: Final = 15


class BTree:
    """One index. Every method takes the tree's latch itself and loads pages as needed: no latch may be held by the caller.

    A `key` is what `codec.encode` answers. Errors of all methods: CorruptPage, IoError.
    """

    def __init__(self, pages: RelationPages, codec: KeyCodec) -> None:
        """Open an existing tree."""
        self._open(BTreePages(pages, codec), codec)

    @classmethod
    def create(cls, pages: RelationPages, codec: KeyCodec, lsn: LSN) -> BTree:
        """Make an empty tree in a relation that has no pages yet."""
        store = create_btree_pages(pages, codec, lsn)
        tree = cls.__new__(cls)
        tree._open(store, codec)
        return tree

    def _open(self, store: BTreePages, codec: KeyCodec) -> None:
        self.store = store
        self.pages = store.pages
        self.codec = codec
        self._structure = BTreeStructure(store)
        low, _ = codec.key_range(0 if codec.is_integer else b"")
        assert low is not None
        # Before all entries of a key.
        self._low_address = low[1]
        # The last leaf, if the last entry was added at its end: the next one may belong there too. Guarded by the latch.
        self._tail: PageId | None = None

    @property
    def shape_version(self) -> int:
        """Moves with every split and merge. Under the latch."""
        return self._structure.version

    # Changing

    def add(
        self, key: Key, address: TupleId, lsn: LSN, *, list_others: bool = False
    ) -> list[TupleId]:
        """Add an entry, unless it is there. Answers the other rows with this key if `list_others`, in the same step.

        Raises ProgramLimitExceeded if the key is too long.
        """
        stored_key, stored_address = self.codec.entry(key, address)
        self.store.form.check_key(stored_key)
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    frame, leaf, index, is_there = self._room_for(stored_key, stored_address, lsn)
                    others: list[TupleId] = []
                    if list_others and (is_there or not self._is_alone(frame, index, stored_key)):
                        others = [each for each in self._addresses(key) if each != address]
                    if not is_there:
                        leaf = self.store.writable_leaf(frame, lsn)
                        leaf.insert(index, stored_key, stored_address)
                    return others
            except PageMiss as miss:
                pages.load(miss.page_id)

    def extend(
        self, keys: Sequence[Any], addresses: Sequence[TupleId], start: int, lsn: LSN
    ) -> int:
        """Add entries, those from `start` on, at the end of the tree; answers how many.

        As long as the keys ascend strictly, beginning behind the last one there: so no other row has one of them. What is left is to be added
        one by one, and none may be taken. No key is None. Raises ProgramLimitExceeded if one is too long.
        """
        pages = self.pages
        with pages.latch:
            frame = None if self._tail is None else pages.frames.get(self._tail)
            leaf: Any = None if frame is None else frame.cache
            if frame is None or leaf is None or not leaf.count:
                return 0
            last = leaf.key_at(leaf.count - 1)
            # No leaf takes more entries than that.
            end, stop = start, min(len(keys), start + (self.store.page_size >> 4))
            while end < stop and keys[end] > last:
                last = keys[end]
                end += 1
            if end == start:
                return 0
            if not self.codec.is_integer:
                for key in keys[start:end]:
                    self.store.form.check_key(key)
            leaf = self.store.writable_leaf(frame, lsn)
            return int(leaf.extend(keys[start:end], addresses[start:end]))

    def _room_for(self, key: Any, address: int, lsn: LSN) -> tuple[Frame, Leaf, int, bool]:
        """The leaf and the index there for an entry, and whether the index already has it; else there is room for it."""
        while True:
            frame, leaf, index = self._place_of(key, address)
            if _is_entry(leaf, index, key, address):
                return frame, leaf, index, True
            if leaf.fits(key):
                return frame, leaf, index, False
            self._tail = None
            self._structure.split_for(key, address, lsn)

    def _is_alone(self, frame: Frame, index: int, key: Any) -> bool:
        """Whether it is plain from the leaf that no entry has the key of the one that belongs at the index."""
        leaf = self.store.node(frame)
        assert not isinstance(leaf, InnerNode)
        if index == 0 or leaf.has_key(index - 1, key):
            return False
        if index == leaf.count:
            return frame.page_id == self._tail
        return not leaf.has_key(index, key)

    def _place_of(self, key: Any, address: int) -> tuple[Frame, Leaf, int]:
        """The leaf where an entry belongs, and its index there."""
        if self._tail is not None:
            frame = self.pages.fetch(self._tail)
            leaf = self.store.node(frame)
            assert not isinstance(leaf, InnerNode)
            last = leaf.count - 1
            if last >= 0:
                last_key = leaf.key_at(last)
                if key > last_key or (key == last_key and address > leaf.address_at(last)):
                    return frame, leaf, last + 1
            self._tail = None
        is_tail = True
        frame = self.pages.fetch(ROOT_PAGE)
        node = self.store.node(frame)
        while isinstance(node, InnerNode):
            children = node.children
            index = node.child_index(key, address)
            is_tail = is_tail and index == len(children) - 1
            frame = self.pages.fetch(children[index])
            node = self.store.node(frame)
        index = node.find(key, address)
        if is_tail and index == node.count:
            self._tail = frame.page_id
        return frame, node, index

    def remove(self, key: Key, address: TupleId, lsn: LSN) -> bool:
        """Remove an entry. False if it was not there."""
        stored_key, stored_address = self.codec.entry(key, address)
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    left_count = self._remove(stored_key, stored_address, lsn)
                break
            except PageMiss as miss:
                pages.load(miss.page_id)
        if left_count is None:
            return False
        if not left_count & _MERGE_INTERVAL_MASK:
            self._merge(stored_key, stored_address, lsn)
        return True

    def remove_all(self, entries: Sequence[Position], lsn: LSN) -> None:
        """Remove entries, stored ones in descending order; those that are not there are passed over."""
        pages = self.pages
        done = 0
        while done < len(entries):
            try:
                with pages.latch:
                    count, is_thinner = self._structure.remove_from_leaf(entries, done, lsn)
            except PageMiss as miss:
                pages.load(miss.page_id)
                continue
            if is_thinner:
                self._merge(*entries[done], lsn)
            done += count

    def _remove(self, key: Any, address: int, lsn: LSN) -> int | None:
        """Answers how many entries the leaf has left."""
        frame, leaf = self._leaf_of(key, address)
        index = leaf.find(key, address)
        if not _is_entry(leaf, index, key, address):
            return None
        leaf = self.store.writable_leaf(frame, lsn)
        leaf.delete(index)
        return leaf.count

    def _merge(self, key: Any, address: int, lsn: LSN) -> None:
        pages = self.pages
        level = 0
        while True:
            try:
                with pages.latch:
                    self._tail = None
                    if not self._structure.merge_at(key, address, level, lsn):
                        return
                    level += 1
            except PageMiss as miss:
                pages.load(miss.page_id)

    # Looking up

    def addresses(self, key: Key) -> list[TupleId]:
        """The rows that have an entry with this key, ascending. Hot: every lookup (bench/btree.py)."""
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    return self._addresses(key)
            except PageMiss as miss:
                pages.load(miss.page_id)

    def _addresses(self, key: Key) -> list[TupleId]:
        # The hot path of every lookup (bench/btree.py): one entry, in the middle of its leaf.
        found: list[Any] = []
        if key is not None:
            _, leaf = self._leaf_of(key, self._low_address)
            only: Any = leaf.only_address(key)
            if only >= 0:
                return [only]
            if only == NO_ENTRY:
                return found
        position, stop = self.codec.key_range(key)
        while position is not None:
            entries, position = self._chunk_forward(position, stop, None)
            found.extend([address & ADDRESS_MASK for _, address in entries])
        return found

    def contains(self, key: Key, address: TupleId) -> bool:
        """Whether the entry is there."""
        stored_key, stored_address = self.codec.entry(key, address)
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    _, leaf = self._leaf_of(stored_key, stored_address)
                    index = leaf.find(stored_key, stored_address)
                    return _is_entry(leaf, index, stored_key, stored_address)
            except PageMiss as miss:
                pages.load(miss.page_id)

    def prepare(self, key: Key) -> None:
        """Bring the pages on the way to a key into memory, so that an operation that follows need not."""
        stored_key, address = self.codec.entry(key, TupleId(0))
        pages = self.pages
        while True:
            try:
                with pages.latch:
                    self._leaf_of(stored_key, address)
                    return
            except PageMiss as miss:
                pages.load(miss.page_id)

    def _leaf_of(self, key: Any, address: int) -> tuple[Frame, Leaf]:
        # Hot (every lookup): what `fetch` and `node` do for a page in memory is in line.
        pages = self.pages
        frames = pages.frames
        page_id = ROOT_PAGE
        while True:
            frame = frames.get(page_id)
            if frame is None:
                raise PageMiss(pages, page_id)
            frame.touches += 1
            pages.hits += 1
            node: Any = frame.cache
            if node is None:
                node = self.store.node(frame)
            if type(node) is not InnerNode:
                return frame, node
            page_id = node.children[node.child_index(key, address)]

    # Scanning

    def scan(
        self, key_range: KeyRange, *, is_backward: bool = False
    ) -> Iterator[list[tuple[Any, int]]]:
        """The entries of a range in chunks, in the order of the tree or backwards, each (stored key, flagged address).

        Between chunks the tree may change: what is added or removed ahead of the scan is met or not met, all else exactly once.
        """
        low, high = key_range
        if low is not None and high is not None and low >= high:
            return
        limit = FIRST_CHUNK_COUNT
        position = high if is_backward else low
        stop = low if is_backward else high
        is_done = False
        while not is_done:
            chunk, position = self._chunk(position, stop, limit, is_backward=is_backward)
            is_done = position is None
            if chunk:
                yield chunk
            limit *= _CHUNK_GROWTH

    def _chunk(
        self, position: Position | None, stop: Position | None, limit: int, *, is_backward: bool
    ) -> tuple[list[tuple[Any, int]], Position | None]:
        pages = self.pages
        step = self._chunk_backward if is_backward else self._chunk_forward
        while True:
            try:
                with pages.latch:
                    return step(position, stop, limit)
            except PageMiss as miss:
                pages.load(miss.page_id)

    def _chunk_forward(
        self, position: Position | None, stop: Position | None, limit: int | None
    ) -> tuple[list[tuple[Any, int]], Position | None]:
        """Entries from `position` up to `stop`, at most to the leaf's end, and where to go on (None: nowhere)."""
        leaf, fences = self._fenced_leaf(position, is_backward=False)
        start = leaf.find(*position) if position is not None else 0
        end, next_position = leaf.count, fences.high
        if stop is not None and (fences.high is None or stop < fences.high):
            end, next_position = leaf.find(*stop), None
        if limit is not None and end - start > limit:
            end = start + limit
            next_position = (leaf.key_at(end - 1), leaf.address_at(end - 1) + 1)
        if next_position is not None and next_position == stop:
            next_position = None
        return _entries(leaf, start, end), next_position

    def _chunk_backward(
        self, position: Position | None, stop: Position | None, limit: int
    ) -> tuple[list[tuple[Any, int]], Position | None]:
        """Entries before `position` down to `stop`, descending, and before which to go on."""
        leaf, fences = self._fenced_leaf(position, is_backward=True)
        end = leaf.count
        if position is not None and (fences.high is None or position < fences.high):
            end = leaf.find(*position)
        start, next_position = 0, fences.low
        if stop is not None and (fences.low is None or stop > fences.low):
            start, next_position = leaf.find(*stop), None
        if end - start > limit:
            start = end - limit
            next_position = (leaf.key_at(start), leaf.address_at(start))
        if next_position is not None and next_position == stop:
            next_position = None
        entries = _entries(leaf, start, end)
        entries.reverse()
        return entries, next_position

    def _fenced_leaf(self, position: Position | None, *, is_backward: bool) -> tuple[Leaf, Fences]:
        """The leaf where a scan goes on: of the first entry at or after the position, or of the last before it."""
        fences = UNFENCED
        node = self.store.node(self.pages.fetch(ROOT_PAGE))
        while isinstance(node, InnerNode):
            if position is None:
                index = len(node.children) - 1 if is_backward else 0
            elif is_backward:
                index = node.child_index_before(*position)
            else:
                index = node.child_index(*position)
            fences = node.fences_of(index, fences)
            node = self.store.node(self.pages.fetch(node.children[index]))
        return node, fences


def _is_entry(leaf: Leaf, index: int, key: Any, address: int) -> bool:
    return index < leaf.count and leaf.address_at(index) == address and leaf.has_key(index, key)


def _entries(leaf: Leaf, start: int, end: int) -> list[tuple[Any, int]]:
    if start >= end:
        return []
    return list(zip(leaf.keys_between(start, end), leaf.addresses_between(start, end), strict=True))
