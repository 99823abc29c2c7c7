"""Pages built by column hold the same rows as pages filled row by row."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lungfish.storage.heap_blocks import Workspace, build_block
from lungfish.storage.heap_page import HeapPageFormat
from lungfish.storage.heap_rebuild import build_pages
from lungfish.storage.ids import LSN
from lungfish.storage.row_states import GONE, RowStates
from lungfish.storage.rows import RowLayout
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT

PAGE_SIZE = 4096
LAYOUT = RowLayout((BIGINT, TEXT, INTEGER, TEXT))
FORM = HeapPageFormat(LAYOUT, PAGE_SIZE)

values = st.tuples(
    st.integers(-(2**40), 2**40),
    st.none() | st.text(max_size=30),
    st.none() | st.integers(-5, 5),
    st.none() | st.text(alphabet="abc", max_size=90),
)
# By page and slot: a row, or none any more.
states = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 24)), st.none() | values, min_size=1, max_size=60
)
Rows = dict[tuple[int, int], tuple[object, ...]]


def row_states(
    changes: dict[tuple[int, int], tuple[object, ...] | None], *, buffers: int
) -> RowStates:
    """As redo has them: packed rows in several buffers, at places of no order."""
    data = [bytearray(b"garbage") for _ in range(buffers)]
    columns: list[tuple[int, int, int, int]] = []
    for number, ((page, slot), row) in enumerate(sorted(changes.items())):
        which = number * 7 % buffers
        packed = b"" if row is None else LAYOUT.pack(row, 100 + number)
        columns.append(
            (page << 16 | slot, which, len(data[which]), GONE if row is None else len(packed))
        )
        data[which] += packed
    addresses, buffer_of, starts, lengths = (
        np.array(each, np.int64) for each in zip(*columns, strict=True)
    )
    parts = [np.frombuffer(bytes(each), np.uint8) for each in data]
    return RowStates(addresses, [LSN(9)] * buffers, parts, buffer_of, starts, lengths)


def rows_of(pages: dict[int, bytes]) -> Rows:
    found: Rows = {}
    for page_id, page in pages.items():
        data = bytearray(page)
        FORM.check_header(data)
        FORM.check_rows(data)
        for slot in range(FORM.slot_count(data)):
            stored = FORM.extract(data, slot)
            if stored is not None:
                found[page_id, slot] = LAYOUT.unpack(stored)
    return found


def apply(
    pages: dict[int, bytes],
    changes: dict[tuple[int, int], tuple[object, ...] | None],
    *,
    buffers: int = 2,
) -> set[int]:
    """Bring the changes to the pages; answers those that could not be built."""
    states = row_states(changes, buffers=buffers)
    touched = {page for page, _ in changes}
    built = build_pages(FORM, states, {page: pages[page] for page in touched if page in pages})
    for number, page_id in enumerate(built.page_ids):
        pages[page_id] = built.images[number].tobytes()
    assert touched == {*built.page_ids, *built.left}
    return set(built.left)


@settings(max_examples=60, deadline=None)
@given(st.lists(states, min_size=1, max_size=4), st.integers(1, 3))
def test_built_pages_hold_what_the_last_change_of_each_row_says(
    rounds: list[dict[tuple[int, int], tuple[object, ...] | None]], buffers: int
) -> None:
    pages: dict[int, bytes] = {}
    expected: Rows = {}
    for changes in rounds:
        left = apply(pages, changes, buffers=buffers)
        for (page, slot), row in changes.items():
            if page in left:
                continue
            expected.pop((page, slot), None)
            if row is not None:
                expected[page, slot] = row
    assert rows_of(pages) == expected


def test_a_page_that_would_be_too_full_is_left_and_the_others_are_built() -> None:
    long = {(1, slot): (slot, None, None, "x" * 900) for slot in range(6)}
    pages: dict[int, bytes] = {}
    assert apply(pages, {(0, 0): (1, "a", 2, "b"), **long, (2, 3): (7, None, None, None)}) == {1}
    assert rows_of(pages) == {(0, 0): (1, "a", 2, "b"), (2, 3): (7, None, None, None)}


def test_rows_in_the_order_of_a_batch_are_copied_in_runs() -> None:
    changes = {
        (page, slot): (slot, "y" * 13, 1, "z" * 20) for page in range(3) for slot in range(24)
    }
    pages: dict[int, bytes] = {}
    assert apply(pages, changes, buffers=1) == set()
    assert rows_of(pages) == changes


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 24), min_size=1, max_size=4),
    st.sampled_from(["", "short", "y" * 13, "z" * 80]),
    st.integers(1, 3),
)
def test_rows_of_one_length_that_fill_pages_are_built_as_blocks_or_not_alike(
    counts: list[int], text: str, buffers: int
) -> None:
    changes: dict[tuple[int, int], tuple[object, ...] | None] = {
        (page, slot): (page * 100 + slot, text, slot % 7, None)
        for page, count in enumerate(counts)
        for slot in range(count)
    }
    pages: dict[int, bytes] = {}
    assert apply(pages, changes, buffers=buffers) == set()
    assert rows_of(pages) == changes
    # The same with a row more, which keeps them from being a block.
    others: dict[int, bytes] = {}
    odd = (len(counts), 3)
    assert apply(others, {**changes, odd: (1, "odd one out, of another length", 1, "a")}) == set()
    assert {each: others[each] for each in pages} == pages


def test_a_block_is_built_of_full_pages_and_a_last_one() -> None:
    changes: dict[tuple[int, int], tuple[object, ...] | None] = {
        (page, slot): (slot, "y" * 13, None, "z" * 20)
        for page in range(4)
        for slot in range(24 if page < 3 else 5)
    }
    states = row_states(changes, buffers=1)
    block = build_block(FORM, states, Workspace(), tail_size_max=PAGE_SIZE)
    assert block is not None
    assert block[0].tolist() == [0, 1, 2, 3]
    assert rows_of({number: image.tobytes() for number, image in enumerate(block[1])}) == changes


def test_a_page_whose_rows_all_go_is_empty() -> None:
    pages: dict[int, bytes] = {}
    apply(pages, {(0, slot): (slot, "a" * 20, None, None) for slot in range(5)})
    apply(pages, {(0, slot): None for slot in range(5)})
    assert rows_of(pages) == {}
    assert not any(pages[0][32:])
