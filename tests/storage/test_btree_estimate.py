"""Estimates of how many entries a range has."""

from __future__ import annotations

import pytest
from test_btree_build import INTEGERS, TEXTS, build
from test_btree_model import make_pool, make_tree

from lungfish.storage.btree_estimate import estimate_entries
from lungfish.storage.ids import LSN, TupleId
from lungfish.storage.keys import Bound, KeyRange


def test_an_empty_tree_has_no_entries() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    assert estimate_entries(tree) == 0
    assert estimate_entries(tree, INTEGERS.range((5,))) == 0


def test_a_range_within_a_leaf_is_counted() -> None:
    tree = build(INTEGERS, [(number // 3, number) for number in range(30_000)])
    assert estimate_entries(tree, INTEGERS.range((1,))) == 3
    assert estimate_entries(tree, INTEGERS.range((10**6,))) == 0
    assert estimate_entries(tree, INTEGERS.range((), Bound(3, False), Bound(6, True))) == 9
    assert estimate_entries(tree, KeyRange((9, 0), (5, 0))) == 0


@pytest.mark.parametrize("codec", [INTEGERS, TEXTS], ids=["integers", "texts"])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_a_wide_range_is_estimated(codec: object, share: float) -> None:
    count = 30_000

    def value(number: int) -> object:
        return number if codec is INTEGERS else f"row {number:07}"

    the_codec = INTEGERS if codec is INTEGERS else TEXTS
    tree = build(the_codec, [(the_codec.encode((value(n),)), n) for n in range(count)])
    low = count // 5 if share < 1 else 0
    width = int(count * share)
    key_range = the_codec.range((), Bound(value(low), True), Bound(value(low + width), False))
    assert estimate_entries(tree, key_range) == pytest.approx(width, rel=0.15)
    assert estimate_entries(tree) == pytest.approx(count, rel=0.15)


def test_a_tree_that_grew_by_chance_is_estimated() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    for number in range(20_000):
        tree.add(number * 7919 % 20_011, TupleId(number), LSN(1))
    assert estimate_entries(tree) == pytest.approx(20_000, rel=0.3)
