"""How a B+Tree grows and shrinks: splits and merges, one step at a time.

A step leaves a whole tree behind (`btree_change.py`). So an operation may be cut off between steps (by a page to be loaded, or by an
exception) and later steps find everything in order. Splits go top down: a node is split only when its parent has room for the
separator, else the parent is split first.

Where entries come in at the end of the tree, or at its beginning, nine tenths stay on the far side of a split, so that appended keys
leave full leaves behind. Merges are lazy: a leaf is looked at only when it is nearly empty (as PostgreSQL's nbtree, which waits
until it is empty; Lanin and Shasha show that little is lost by it).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from lungfish.storage.btree_change import Content, PageChange, content_of
from lungfish.storage.btree_node import UNFENCED, Fences, InnerNode
from lungfish.storage.btree_pages import ROOT_PAGE, BTreePages, Node
from lungfish.storage.ids import LSN
from lungfish.storage.keys import Position
from lungfish.storage.relation_pages import Frame

# Two nodes are merged if they fill no more than this share of a page together, so that the next inserts do not split them.
_MERGED_SHARE = 0.75
# So many entries of one leaf are worth writing it anew; fewer are deleted one by one.
_MANY_ENTRIES = 16
# The share of entries that stays on the far side of a split at the tree's end.
_APPEND_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class PathStep:
    """A node on the way from the root."""

    frame: Frame
    node: Node
    fences: Fences
    # Which child of its parent it is.
    child_index: int


def path_to(
    store: BTreePages, position: Position | None, *, to_last: bool = False
) -> list[PathStep]:
    """The nodes from the root to the leaf of an entry; without one, to the first leaf or the last. Raises PageMiss."""
    frame = store.pages.fetch(ROOT_PAGE)
    step = PathStep(frame, store.node(frame), UNFENCED, 0)
    path = [step]
    while isinstance(step.node, InnerNode):
        index = len(step.node.children) - 1 if to_last else 0
        if position is not None:
            index = step.node.child_index(*position)
        frame = store.pages.fetch(step.node.children[index])
        step = PathStep(frame, store.node(frame), step.node.fences_of(index, step.fences), index)
        path.append(step)
    return path


class BTreeStructure:
    """Changes the shape of one tree. Every method needs the latch and raises PageMiss before any change."""

    def __init__(self, store: BTreePages) -> None:
        self._store = store
        self._form = store.form
        # Counts the steps.
        self.version = 0

    # Splitting

    def split_for(self, key: Any, address: int, lsn: LSN) -> None:
        """Make room on the way to an entry that does not fit: one step, after which the caller looks again."""
        path = path_to(self._store, (key, address))
        depth = len(path) - 1
        content, middle, separator = self._plan(path[depth], key, address)
        while depth and not self._has_room(path[depth - 1], separator):
            depth -= 1
            content, middle, separator = self._plan(path[depth], key, address)
        step = path[depth]
        change = PageChange(self._store)
        left, right = content.part(0, middle), content.part(middle, len(content.keys))
        right_page = change.new_page()
        change.write(right_page, right, Fences(separator, step.fences.high))
        left_page = step.frame.page_id if depth else change.new_page()
        change.write(left_page, left, Fences(step.fences.low, separator))
        if depth:
            parent = path[depth - 1]
            above = content_of(parent.node).with_child(step.child_index + 1, separator, right_page)
            change.write(parent.frame.page_id, above, parent.fences)
        else:
            nothing = separator[0][:0] if isinstance(separator[0], bytes) else 0
            above = Content(content.level + 1, [nothing], [0], [left_page])
            change.write(ROOT_PAGE, above.with_child(1, separator, right_page), UNFENCED)
        self.version += 1
        change.apply(lsn)

    def _plan(self, step: PathStep, key: Any, address: int) -> tuple[Content, int, Position]:
        """Where to split a node, and what then stands between the halves."""
        content = content_of(step.node)
        count = len(content.keys)
        assert count > 1, "a node of one entry cannot be split"
        share = 0.5
        if step.fences.high is None and (key, address) >= content.entry(count - 1):
            share = _APPEND_SHARE
        elif step.fences.low is None and (key, address) < content.entry(min(1, content.level)):
            share = 1 - _APPEND_SHARE
        middle = split_index(content.keys, share)
        if content.children:
            return content, middle, content.entry(middle)
        separator = self._form.separator(content.entry(middle - 1), content.entry(middle))
        return content, middle, separator

    def _has_room(self, parent: PathStep, separator: Position) -> bool:
        assert isinstance(parent.node, InnerNode)
        keys = [*parent.node.keys, separator[0]]
        return self._form.inner_size(keys, parent.fences) <= self._form.page_size

    # Removing many entries

    def remove_from_leaf(
        self, entries: Sequence[Position], start: int, lsn: LSN
    ) -> tuple[int, bool]:
        """Remove those of some entries in descending order, from `start` on, that belong on the leaf of the first of them.

        Answers how many these are, and whether so many were there that the leaf may be thin now. Of many the leaf is written anew.
        """
        step = path_to(self._store, entries[start])[-1]
        low = step.fences.low
        end = start + 1
        while end < len(entries) and (low is None or entries[end] >= low):
            end += 1
        if end - start < _MANY_ENTRIES:
            return end - start, self._delete_from_leaf(step.frame, entries[start:end], lsn)
        content = content_of(step.node)
        gone = set(entries[start:end])
        left = [
            entry
            for entry in zip(content.keys, content.addresses, strict=True)
            if entry not in gone
        ]
        if len(left) == len(content.keys):
            return end - start, False
        change = PageChange(self._store)
        keys, addresses = [key for key, _ in left], [address for _, address in left]
        change.write(step.frame.page_id, Content(0, keys, addresses, ()), step.fences)
        change.apply(lsn)
        return end - start, True

    def _delete_from_leaf(self, frame: Frame, entries: Sequence[Position], lsn: LSN) -> bool:
        leaf: Any = self._store.writable_leaf(frame, lsn)
        before = leaf.count
        for key, address in entries:
            index = leaf.find(key, address)
            if index < leaf.count and (leaf.key_at(index), leaf.address_at(index)) == (
                key,
                address,
            ):
                leaf.delete(index)
        return bool(before // _MANY_ENTRIES != leaf.count // _MANY_ENTRIES)

    # Merging

    def merge_at(self, key: Any, address: int, level: int, lsn: LSN) -> bool:
        """Merge the node of one level on the way to an entry with a neighbour, if it is nearly empty: one step.

        False if there was nothing to do, and then there is nothing to do on the levels above either.
        """
        path = path_to(self._store, (key, address))
        depth = len(path) - 1 - level
        if depth <= 0:
            return self._lower_root(path, lsn)
        return self._is_thin(path[depth]) and self._merge(path[depth - 1], path[depth], lsn)

    def _is_thin(self, step: PathStep) -> bool:
        limit = self._form.page_size // 4
        if isinstance(step.node, InnerNode):
            return self._form.inner_size(step.node.keys, step.fences) < limit
        return step.node.used_bytes() < limit

    def _merge(self, parent: PathStep, thin: PathStep, lsn: LSN) -> bool:
        """Put a node and a neighbour on the left one's page, if there is room."""
        assert isinstance(parent.node, InnerNode)
        children = parent.node.children
        if len(children) == 1:
            return False
        left_index = min(thin.child_index, len(children) - 2)
        frames = [
            self._store.pages.fetch(children[index]) for index in (left_index, left_index + 1)
        ]
        nodes = [self._store.node(frame) for frame in frames]
        if not self._may_merge(nodes):
            return False
        left, right = map(content_of, nodes)
        separator = (parent.node.keys[left_index + 1], parent.node.addresses[left_index + 1])
        merged = left.joined(separator, right)
        fences = Fences(
            parent.node.fences_of(left_index, parent.fences).low,
            parent.node.fences_of(left_index + 1, parent.fences).high,
        )
        size = self._size(merged, fences)
        is_empty = not left.keys or not right.keys
        if size > self._form.page_size * (1.0 if is_empty else _MERGED_SHARE):
            return False
        change = PageChange(self._store)
        change.write(frames[0].page_id, merged, fences)
        above = content_of(parent.node).without_child(left_index + 1)
        change.write(parent.frame.page_id, above, parent.fences)
        change.free_page(frames[1].page_id)
        self.version += 1
        change.apply(lsn)
        return True

    def _may_merge(self, nodes: Sequence[Node]) -> bool:
        """Rule out at little cost what has no room: that leaves are thin is seen again and again until a neighbour is."""
        sizes = [0 if isinstance(node, InnerNode) else node.used_bytes() for node in nodes]
        is_empty = any(not isinstance(node, InnerNode) and not node.count for node in nodes)
        return is_empty or sum(sizes) <= self._form.page_size * _MERGED_SHARE

    def _lower_root(self, path: list[PathStep], lsn: LSN) -> bool:
        """If the root has a single child, take over what that holds."""
        root = path[0]
        if not isinstance(root.node, InnerNode) or len(root.node.children) > 1:
            return False
        child = path[1]
        change = PageChange(self._store)
        change.write(ROOT_PAGE, content_of(child.node), UNFENCED)
        change.free_page(child.frame.page_id)
        self.version += 1
        change.apply(lsn)
        return True

    def _size(self, content: Content, fences: Fences) -> int:
        size_of = self._form.inner_size if content.level else self._form.leaf_size
        return size_of(content.keys, fences)


def split_index(keys: Sequence[Any], share: float) -> int:
    """How many entries stay on the left, so that they are about `share` of all, counted in bytes where keys have lengths."""
    count = len(keys)
    middle = round(count * share)
    if isinstance(keys[0], bytes):
        # Entries have some size besides the key; 16 is about right in leaves and inner nodes.
        ends = list(accumulate(map(len, keys)))
        wanted = (ends[-1] + 16 * count) * share
        middle = bisect_right(
            range(count), wanted, key=lambda index: ends[index] + 16 * (index + 1)
        )
    return min(max(middle, 1), count - 1)
