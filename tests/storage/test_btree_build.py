"""Bulk build, and what the check finds."""

from __future__ import annotations

import random
from typing import Any

import pytest
from test_btree_model import make_pool, make_tree

from lungfish.errors import CorruptPage, IndexCorrupted, ProgramLimitExceeded
from lungfish.storage.btree import BTree
from lungfish.storage.btree_build import (
    build_btree,
    sort_entries,
    store_entries,
)
from lungfish.storage.btree_check import check_btree
from lungfish.storage.ids import LSN, PageId, TupleId
from lungfish.storage.keys import WHOLE_RANGE, Bound, KeyCodec
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT

INTEGERS = KeyCodec([BIGINT])
TEXTS = KeyCodec([TEXT])


def build(codec: KeyCodec, pairs: list[tuple[Any, int]], **options: Any) -> BTree:
    pool = make_pool(budget_bytes=16 * 4096)
    tree = make_tree(pool, codec)
    keys, addresses = sort_entries(*store_entries(codec, [(k, TupleId(a)) for k, a in pairs]))
    build_btree(tree, keys, addresses, LSN(1), trim=pool.trim, **options)
    return tree


def entries(tree: BTree) -> list[tuple[Any, int]]:
    return [entry for chunk in tree.scan(WHOLE_RANGE) for entry in chunk]


def random_pairs(codec: KeyCodec, count: int) -> list[tuple[Any, int]]:
    source = random.Random(count)
    if codec is INTEGERS:
        values: list[Any] = [
            source.choice([None, source.randrange(1000), source.randrange(-(2**63), 2**63)])
            for _ in range(count)
        ]
    else:
        values = [f"customer-{source.randrange(count or 1):09}" for _ in range(count)]
    return [(codec.encode((value,)), address) for address, value in enumerate(values)]


@pytest.mark.parametrize("count", [0, 1, 2, 200, 251, 5000, 40_000])
@pytest.mark.parametrize("codec", [INTEGERS, TEXTS], ids=["integers", "texts"])
def test_a_built_tree_holds_what_it_was_given(codec: KeyCodec, count: int) -> None:
    pairs = random_pairs(codec, count)
    tree = build(codec, pairs)
    assert entries(tree) == sorted(codec.entry(key, address) for key, address in pairs)
    figures = check_btree(tree)
    assert figures.entry_count == count
    assert figures.is_complete


@pytest.mark.parametrize("codec", [INTEGERS, TEXTS], ids=["integers", "texts"])
def test_a_built_tree_takes_changes(codec: KeyCodec) -> None:
    pairs = random_pairs(codec, 5000)
    tree = build(codec, pairs)
    added = [(key, address + 100_000) for key, address in pairs[::7]]
    for key, address in added:
        tree.add(key, TupleId(address), LSN(2))
    for key, address in pairs[::2]:
        assert tree.remove(key, TupleId(address), LSN(3))
    expected = sorted(codec.entry(*pair) for pair in [*pairs[1::2], *added])
    assert entries(tree) == expected
    check_btree(tree)


def test_a_built_tree_has_full_leaves() -> None:
    tree = build(INTEGERS, [(number, number) for number in range(100_000)])
    figures = check_btree(tree)
    assert 0.85 < figures.used_bytes / (figures.leaf_count * 4096) <= 0.9


def test_keys_with_a_common_prefix_take_little_room() -> None:
    texts = [f"/a/very/long/path/that/all/rows/share/{number:06}" for number in range(20_000)]
    tree = build(TEXTS, [(TEXTS.encode((text,)), number) for number, text in enumerate(texts)])
    figures = check_btree(tree)
    # 12 bytes for slot and address, and the digits, not the 38 bytes before them.
    assert figures.used_bytes / figures.entry_count < 20


def test_appended_keys_leave_full_leaves_behind() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    for number in range(20_000):
        tree.add(number, TupleId(number), LSN(1))
    figures = check_btree(tree)
    assert figures.used_bytes / (figures.leaf_count * 4096) > 0.85


def test_prepended_keys_leave_full_leaves_behind() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    for number in range(20_000):
        tree.add(-number, TupleId(number), LSN(1))
    figures = check_btree(tree)
    assert figures.used_bytes / (figures.leaf_count * 4096) > 0.8


def test_pages_given_back_are_used_again() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    for round_number in range(5):
        for number in range(10_000):
            tree.add(number, TupleId(round_number), LSN(1))
        if round_number == 0:
            page_count = tree.pages.page_count
        for number in range(10_000):
            assert tree.remove(number, TupleId(round_number), LSN(1))
    assert tree.pages.page_count <= page_count + 2
    assert check_btree(tree).leaf_count == 1


def test_a_key_of_a_quarter_page_is_the_longest() -> None:
    tree = make_tree(make_pool(), TEXTS)
    for number in range(50):
        tree.add(TEXTS.encode((chr(65 + number) * 1023,)), TupleId(number), LSN(1))
    check_btree(tree)
    with pytest.raises(
        ProgramLimitExceeded, match="index row size 1025 exceeds btree maximum 1024"
    ):
        tree.add(TEXTS.encode(("x" * 1024,)), TupleId(1), LSN(1))


def test_an_open_tree_knows_another_kind_of_index() -> None:
    tree = make_tree(make_pool(), INTEGERS)
    BTree(tree.pages, INTEGERS)
    with pytest.raises(CorruptPage, match="does not hold the expected index"):
        BTree(tree.pages, TEXTS)
    with pytest.raises(CorruptPage, match="does not hold the expected index"):
        BTree(tree.pages, KeyCodec([BIGINT], [True]))


def filled_tree(codec: KeyCodec = INTEGERS) -> BTree:
    tree = make_tree(make_pool(), codec)
    for number in range(3000):
        tree.add(
            codec.encode((number if codec is INTEGERS else f"{number:05}",)),
            TupleId(number),
            LSN(1),
        )
    return tree


def damage(tree: BTree, page_id: int, place: int, value: bytes) -> None:
    with tree.pages.latch:
        frame = tree.pages.fetch(PageId(page_id))
        frame.data[place : place + len(value)] = value
        frame.cache = None


@pytest.mark.parametrize("codec", [INTEGERS, TEXTS], ids=["integers", "texts"])
@pytest.mark.parametrize(
    ("page_id", "place", "value"),
    [
        (2, 0, b"?"),
        (2, 4, b"\xff\xff\x00\x00"),
        (1, 4, b"\xff\xff\x00\x00"),
        (2, 2, b"\x07"),
        (1, 1, b"\x09"),
    ],
)
def test_a_page_that_is_no_node_is_found(
    codec: KeyCodec, page_id: int, place: int, value: bytes
) -> None:
    tree = filled_tree(codec)
    damage(tree, page_id, place, value)
    with pytest.raises((CorruptPage, IndexCorrupted)):
        check_btree(tree)


def test_entries_out_of_order_are_found() -> None:
    tree = filled_tree()
    damage(tree, 2, 16, (10**9).to_bytes(8, "little"))
    with pytest.raises(IndexCorrupted, match="out of order"):
        check_btree(tree)


def test_an_entry_outside_its_leafs_range_is_found() -> None:
    tree = filled_tree()
    with tree.pages.latch:
        leaf = tree.store.node(tree.pages.fetch(PageId(3)))
        count = leaf.count  # type: ignore[union-attr]
    damage(tree, 3, 16 + 16 * (count - 1), (10**9).to_bytes(8, "little"))
    with pytest.raises(IndexCorrupted, match="past its range"):
        check_btree(tree)


def test_a_lost_page_is_found() -> None:
    tree = filled_tree()
    with tree.pages.latch:
        tree.pages.allocate()
    with pytest.raises(IndexCorrupted, match="is lost"):
        check_btree(tree)


def test_a_page_in_use_and_free_is_found() -> None:
    tree = filled_tree()
    damage(tree, 0, 8, (2).to_bytes(8, "little"))
    with pytest.raises(CorruptPage, match="page 2 is not a free page"):
        check_btree(tree)


def test_a_composite_index_is_searched_by_its_leading_columns() -> None:
    codec = KeyCodec([TEXT, INTEGER], [False, True])
    tree = make_tree(make_pool(), codec)
    rows = [(name, number) for name in ("a", "ab", "b", None) for number in (1, 2, 3, None)]
    for address, row in enumerate(rows):
        tree.add(codec.encode(row), TupleId(address), LSN(1))

    def found(
        equals: tuple[Any, ...], low: Bound | None = None, high: Bound | None = None
    ) -> list[Any]:
        key_range = codec.range(equals, low, high)
        return [rows[address] for chunk in tree.scan(key_range) for _, address in chunk]

    assert found(("a",)) == [("a", None), ("a", 3), ("a", 2), ("a", 1)]
    assert found(("a",), Bound(2, True)) == [("a", 3), ("a", 2)]
    assert found(("a",), None, Bound(2, False)) == [("a", 1)]
    assert found((None,)) == [(None, None), (None, 3), (None, 2), (None, 1)]
    assert found((), Bound("a", False), Bound("b", False)) == [
        ("ab", None),
        ("ab", 3),
        ("ab", 2),
        ("ab", 1),
    ]
    assert found(("b", 3)) == [("b", 3)]
    assert found(("b", None)) == [("b", None)]
