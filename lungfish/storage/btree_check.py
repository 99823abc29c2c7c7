"""Verifying a B+Tree: every page, the order of all entries, and that no page is lost or used twice.

The check goes from leaf to leaf by position, as a scan does, and holds the latch for one path at a time, so work may go on
meanwhile. Where the tree changes shape under it, it cannot tell lost pages from moved ones, and says so by `is_complete`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from lungfish.errors import IndexCorrupted
from lungfish.storage.btree import BTree
from lungfish.storage.btree_change import content_of
from lungfish.storage.btree_node import Fences, InnerNode
from lungfish.storage.btree_pages import META_PAGE
from lungfish.storage.btree_structure import PathStep, path_to
from lungfish.storage.ids import PageId
from lungfish.storage.keys import Position
from lungfish.storage.relation_pages import PageMiss


@dataclass(slots=True)
class BTreeFigures:
    """What the check has counted."""

    height: int = 0
    entry_count: int = 0
    leaf_count: int = 0
    inner_count: int = 0
    free_count: int = 0
    # Of the leaves, with their heads.
    used_bytes: int = 0
    # Whether every page of the relation was accounted for; False if the tree changed shape meanwhile.
    is_complete: bool = True


@dataclass(slots=True)
class _Walk:
    """Where the check stands."""

    figures: BTreeFigures = field(default_factory=BTreeFigures)
    seen: set[PageId] = field(default_factory=set)
    # The last entry met.
    last: Position | None = None


def check_btree(tree: BTree, look: Callable[[], None] = lambda: None) -> BTreeFigures:
    """Verify a tree. Raises IndexCorrupted or CorruptPage at the first thing wrong.

    `look` is called before each leaf, and may raise to give up.
    """
    walk = _Walk()
    shape = tree.shape_version
    position: Position | None = None
    while True:
        look()
        try:
            with tree.pages.latch:
                if shape != tree.shape_version:
                    walk.figures.is_complete = False
                fences = _check_next(tree, walk, position)
        except PageMiss as miss:
            miss.load()
            continue
        position = fences.high
        if position is None:
            break
    _check_pages(tree, walk, shape)
    return walk.figures


def _check_next(tree: BTree, walk: _Walk, position: Position | None) -> Fences:
    """Check the leaf where the position lies, and what is new on the way to it; answers the leaf's fences."""
    path = path_to(tree.store, position)
    for step in path:
        if step.frame.page_id not in walk.seen or step is path[-1]:
            _check_node(tree, step)
    for above, below in pairwise(path):
        level = 0 if not isinstance(below.node, InnerNode) else below.node.level
        if isinstance(above.node, InnerNode) and above.node.level != level + 1:
            raise _broken(tree, below, f"is on level {level} beneath level {above.node.level}")
    figures, leaf = walk.figures, path[-1]
    if leaf.frame.page_id in walk.seen and figures.is_complete:
        raise _broken(tree, leaf, "is reached twice")
    for step in path[:-1]:
        figures.inner_count += step.frame.page_id not in walk.seen
    walk.seen.update(step.frame.page_id for step in path)
    figures.height = len(path)
    assert not isinstance(leaf.node, InnerNode)
    figures.leaf_count += 1
    figures.entry_count += leaf.node.count
    figures.used_bytes += leaf.node.used_bytes()
    return leaf.fences


def _check_node(tree: BTree, step: PathStep) -> None:
    """A node's entries ascend and lie within its fences; its children are pages that may be nodes."""
    content = content_of(step.node)
    first = 1 if content.level else 0
    entries = list(zip(content.keys[first:], content.addresses[first:], strict=True))
    for one, other in pairwise(entries):
        if one >= other:
            raise _broken(tree, step, "is out of order")
    low, high = step.fences
    if entries and low is not None and entries[0] < low:
        raise _broken(tree, step, "has an entry before its range")
    if entries and high is not None and entries[-1] >= high:
        raise _broken(tree, step, "has an entry past its range")
    for child in content.children:
        if not META_PAGE < child < tree.pages.page_count or child == step.frame.page_id:
            raise _broken(tree, step, f"refers to page {child}, which cannot be a node")


def _check_pages(tree: BTree, walk: _Walk, shape: int) -> None:
    """Every page is a node, free, or page 0, and only one of them."""
    while True:
        try:
            with tree.pages.latch:
                free = tree.store.free_page_ids()
                page_count = tree.pages.page_count
                if shape != tree.shape_version:
                    walk.figures.is_complete = False
            break
        except PageMiss as miss:
            miss.load()
    walk.figures.free_count = len(free)
    if not walk.figures.is_complete:
        return
    relation_id = tree.pages.relation_id
    if both := walk.seen & set(free):
        raise IndexCorrupted(f"index relation {relation_id}: page {min(both)} is in use and free")
    if lost := set(map(PageId, range(1, page_count))) - walk.seen - set(free):
        raise IndexCorrupted(f"index relation {relation_id}: page {min(lost)} is lost")


def _broken(tree: BTree, step: PathStep, what: str) -> IndexCorrupted:
    return IndexCorrupted(
        f"index relation {tree.pages.relation_id}: page {step.frame.page_id} {what}"
    )
