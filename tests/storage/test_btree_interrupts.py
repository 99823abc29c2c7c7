"""KeyboardInterrupt at every line of a change of a B+Tree: the tree is whole, with the entry or without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from interrupts import is_interrupted, line_numbers
from test_btree_model import make_pool, make_tree

from lungfish.storage import (
    btree,
    btree_byte_node,
    btree_change,
    btree_integer_node,
    btree_pages,
    btree_structure,
)
from lungfish.storage.btree import BTree
from lungfish.storage.btree_build import build_btree
from lungfish.storage.btree_check import check_btree
from lungfish.storage.ids import LSN, TupleId
from lungfish.storage.keys import WHOLE_RANGE, KeyCodec
from lungfish.types.sql_type import BIGINT, BYTEA

MODULES = [btree, btree_byte_node, btree_change, btree_integer_node, btree_pages, btree_structure]
INTEGERS, BYTES = KeyCodec([BIGINT]), KeyCodec([BYTEA])


def key_of(codec: KeyCodec, number: int) -> Any:
    return number if codec is INTEGERS else codec.encode((b"%06d" % number + b"x" * 60,))


def built(codec: KeyCodec, count: int, fill_share: float) -> BTree:
    """Every tenth number, so that others fit between."""
    tree = make_tree(make_pool(), codec)
    keys = [key_of(codec, 10 * number) for number in range(count)]
    stored = np.array(keys, np.int64) if codec is INTEGERS else keys
    build_btree(tree, stored, np.arange(count), LSN(1), fill_share=fill_share)
    return tree


class Case(NamedTuple):
    """A tree, and what is added to it (or removed, if it is there)."""

    count: int
    fill_share: float
    number: int
    # Entries that are removed before.
    gone: range = range(0)


INTEGER_CASES = {
    "into a leaf": Case(100, 0.9, 505),
    "at the end of a leaf": Case(100, 0.9, 2000),
    "into an empty tree": Case(0, 0.9, 5),
    "split of the root": Case(255, 1.0, 1005),
    "split of a leaf": Case(1000, 1.0, 3005),
    "split of the last leaf": Case(1020, 1.0, 99_999),
    "split of an inner node": Case(255 * 170, 1.0, 100_005),
    "out of a leaf": Case(100, 0.9, 500),
    "the last of a leaf": Case(100, 0.9, 990),
    "merge with the next leaf": Case(600, 0.3, 640, range(16, 65)),
    "merge of an empty leaf": Case(500, 1.0, 100, range(255)),
    "merge down to the root": Case(400, 0.9, 2500, range(400)),
}
BYTE_CASES = {
    "into a leaf": Case(20, 0.9, 55),
    "at the end of a leaf": Case(20, 0.9, 2000),
    "into an empty tree": Case(0, 0.9, 5),
    "split of the root": Case(50, 1.0, 205),
    "split of a leaf": Case(300, 1.0, 1205),
    "split of an inner node": Case(55 * 70, 1.0, 10_005),
    "into a leaf with holes": Case(50, 1.0, 205, range(30, 40)),
    "out of a leaf": Case(20, 0.9, 50),
    "the last of a leaf": Case(20, 0.9, 190),
    "merge with the next leaf": Case(300, 0.3, 640, range(48, 65)),
    "merge down to the root": Case(100, 0.9, 500, range(100)),
}


def entries(tree: BTree) -> set[tuple[Any, int]]:
    return {entry for chunk in tree.scan(WHOLE_RANGE) for entry in chunk}


def prepare(codec: KeyCodec, case: Case) -> tuple[BTree, Callable[[], object], Any]:
    tree = built(codec, case.count, case.fill_share)
    for number in case.gone:
        if 10 * number != case.number:
            tree.remove(key_of(codec, 10 * number), TupleId(number), LSN(2))
    key = key_of(codec, case.number)
    if tree.addresses(key):
        address = TupleId(case.number // 10)
        return tree, lambda: tree.remove(key, address, LSN(3)), (key, address)
    address = TupleId(1 << 40)
    return tree, lambda: tree.add(key, address, LSN(3), list_others=True), (key, address)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "case"),
    [
        pytest.param(
            codec,
            case,
            id=f"{name}, {form}",
            # Large trees, built anew for each line.
            marks=[pytest.mark.release] if "inner" in name else [],
        )
        for form, codec, cases in (
            ("integers", INTEGERS, INTEGER_CASES),
            ("bytes", BYTES, BYTE_CASES),
        )
        for name, case in cases.items()
    ],
)
def test_an_interrupted_change_leaves_a_whole_tree(codec: KeyCodec, case: Case) -> None:
    for line_number in line_numbers():
        tree, act, entry = prepare(codec, case)
        before = entries(tree)
        after = before ^ {entry}
        is_cut_off = is_interrupted(MODULES, line_number, act)
        assert check_btree(tree).is_complete
        assert entries(tree) in (before, after)
        act()
        assert entries(tree) == after
        figures = check_btree(tree)
        assert figures.entry_count == len(after)
        if not is_cut_off:
            break


@pytest.mark.parametrize("codec", [INTEGERS, BYTES], ids=["integers", "bytes"])
def test_an_interrupted_run_of_entries_leaves_a_whole_tree(codec: KeyCodec) -> None:
    keys = [key_of(codec, 1000 + number) for number in range(40)]
    addresses = [TupleId(1000 + number) for number in range(40)]
    for line_number in line_numbers():
        tree = built(codec, 20, 0.9)
        tree.add(key_of(codec, 999), TupleId(999), LSN(2))
        before = entries(tree)
        added: list[int] = []

        def act(tree: BTree = tree, added: list[int] = added) -> None:
            added.append(tree.extend(keys, addresses, 0, LSN(3)))

        is_cut_off = is_interrupted(MODULES, line_number, act)
        assert check_btree(tree).is_complete
        left = entries(tree) - before
        assert left == set(zip(keys[: len(left)], addresses[: len(left)], strict=True))
        if not is_cut_off:
            assert added == [len(left)]
            assert left
            break


@pytest.mark.parametrize("codec", [INTEGERS, BYTES], ids=["integers", "bytes"])
def test_what_an_interrupt_left_is_right_when_the_page_is_read_again(codec: KeyCodec) -> None:
    case = (INTEGER_CASES if codec is INTEGERS else BYTE_CASES)["into a leaf"]
    for line_number in line_numbers():
        tree, act, _ = prepare(codec, case)
        is_cut_off = is_interrupted(MODULES, line_number, act)
        with tree.pages.latch:
            for frame in tree.pages.frames.values():
                frame.cache = None
        assert check_btree(tree).entry_count in (case.count, case.count + 1)
        if not is_cut_off:
            break
