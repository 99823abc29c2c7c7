"""How many entries a range of a B+Tree has, estimated from a few paths.

The paths to its ends say how far into the tree they lie, if every child of a node holds as much as the others; their distance times the
size of the tree, from some more paths, is the answer. Exact within a leaf, which is where a planner needs it most. The same idea serves
InnoDB ("index dives").
"""

from __future__ import annotations

from lungfish.storage.btree import BTree
from lungfish.storage.btree_node import InnerNode
from lungfish.storage.btree_pages import ROOT_PAGE
from lungfish.storage.btree_structure import PathStep, path_to
from lungfish.storage.keys import WHOLE_RANGE, KeyRange, Position
from lungfish.storage.relation_pages import PageMiss

# Not the ends, where leaves are often new and half empty.
_SAMPLED_PLACES = (0.2, 0.4, 0.6, 0.8)


def estimate_entries(tree: BTree, key_range: KeyRange = WHOLE_RANGE) -> float:
    """About how many entries are in the range. Loads the pages of two paths; no latch may be held."""
    low, high = key_range
    if low is not None and high is not None and low >= high:
        return 0.0
    while True:
        try:
            with tree.pages.latch:
                return _estimate(tree, low, high)
        except PageMiss as miss:
            miss.load()


def _estimate(tree: BTree, low: Position | None, high: Position | None) -> float:
    low_path = path_to(tree.store, low)
    high_path = path_to(tree.store, high, to_last=high is None)
    if low_path[-1].frame is high_path[-1].frame:
        return float(_leaf_index(high_path[-1], high, 1.0) - _leaf_index(low_path[-1], low, 0.0))
    size = sum(_size_of_path(tree, place) for place in _SAMPLED_PLACES) / len(_SAMPLED_PLACES)
    share = _share_before(high_path, high, 1.0) - _share_before(low_path, low, 0.0)
    return max(0.0, share * size)


def _leaf_index(step: PathStep, position: Position | None, at_end: float) -> float:
    """How many entries of a leaf are before the position; of none, before the tree's beginning (0.0) or end (1.0)."""
    leaf = step.node
    assert not isinstance(leaf, InnerNode)
    return leaf.count * at_end if position is None else float(leaf.find(*position))


def _share_before(path: list[PathStep], position: Position | None, at_end: float) -> float:
    """Which share of the tree's entries is before the position."""
    leaf = path[-1].node
    assert not isinstance(leaf, InnerNode)
    share = _leaf_index(path[-1], position, at_end) / leaf.count if leaf.count else 0.0
    for above, below in zip(reversed(path[:-1]), reversed(path), strict=False):
        assert isinstance(above.node, InnerNode)
        share = (below.child_index + share) / len(above.node.children)
    return share


def _size_of_path(tree: BTree, place: float) -> float:
    """How many entries the tree has if all nodes are as full as those at a place, a share of the way through every node."""
    size = 1.0
    node = tree.store.node(tree.pages.fetch(ROOT_PAGE))
    while isinstance(node, InnerNode):
        count = len(node.children)
        size *= count
        node = tree.store.node(tree.pages.fetch(node.children[int(count * place)]))
    return size * node.count
