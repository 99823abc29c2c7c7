"""Rows in scripts: how values are spelled, and what differs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lungfish.script.interleavings import all_orders, order_count, some_orders
from lungfish.script.rows import cells_of, difference, parse_cells, written

VALUES = st.one_of(st.none(), st.text(alphabet="a |\\'\n\tNUL", max_size=6))


@given(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=3))
def test_every_row_can_be_written_and_read_back(rows: list[list[str | None]]) -> None:
    for row in rows:
        cells = cells_of(tuple(row))
        assert parse_cells(f" {written([cells])[0]}") == cells


def test_null_is_told_from_its_name_and_from_nothing() -> None:
    assert cells_of((None, "NULL", "", "''", " a ")) == ("NULL", "\\NULL", "''", "\\''", "\\sa\\s")


def test_columns_stand_one_below_the_other() -> None:
    assert written([("1", "abc"), ("22", "d")]) == ["1  | abc", "22 | d"]


def test_a_difference_has_what_is_missing_and_what_is_too_much() -> None:
    assert difference([("1", "a"), ("2", "b")], [("1", "a"), ("2", "c")], "ordered") == [
        "  1 | a",
        "- 2 | b",
        "+ 2 | c",
    ]


def test_sorted_rows_may_come_in_any_order_and_a_subset_among_others() -> None:
    first, second, third = ("1",), ("2",), ("3",)
    assert difference([first, second], [second, first], "ordered") is not None
    assert difference([first, second], [second, first], "sorted") is None
    assert difference([second], [third, second, first], "subset") is None
    assert difference([second, second], [second, first], "subset") == ["  2", "- 2"]


def test_a_long_difference_is_cut_around_its_beginning() -> None:
    expected = [(str(number),) for number in range(200)]
    lines = difference(expected, expected[:100], "ordered")
    assert lines is not None
    assert lines[0] == "  ..."
    assert lines[-1].startswith("  ... and ")
    assert len(lines) == 42


def test_orders_keep_each_sessions_own() -> None:
    assert list(all_orders([2, 1])) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    assert order_count([3, 3]) == len(set(all_orders([3, 3]))) == 20


def test_some_orders_are_drawn_by_the_seed() -> None:
    drawn = list(some_orders([3, 3], 5, seed=1))
    assert len(set(drawn)) == 5
    assert drawn == list(some_orders([3, 3], 5, seed=1))
    assert drawn != list(some_orders([3, 3], 5, seed=2))
    assert len(list(some_orders([1, 1], 5, seed=1))) == 2
