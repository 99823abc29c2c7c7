from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.planner.physical import Append, Distinct, SetOperation
from lungfish.types.sql_type import INTEGER, TEXT
from tests.executor.world import World, col, columns, values

Row = tuple[Any, ...]
ROWS = st.lists(
    st.tuples(st.none() | st.integers(0, 2), st.none() | st.sampled_from(["a", "b"])), max_size=12
)


def source_of(rows: list[Row]) -> Any:
    return values(rows, INTEGER, TEXT)


@pytest.mark.parametrize("batch_rows", [2, 100])
@given(rows=ROWS)
def test_distinct_keeps_the_first_of_equal_rows(batch_rows: int, rows: list[Row]) -> None:
    plan = Distinct(source_of(rows), (), columns(INTEGER, TEXT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", batch_rows)
        assert WORLD.rows(plan) == list(dict.fromkeys(rows))


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
@given(rows=ROWS)
def test_distinct_on_keeps_the_first_row_of_each_value(batch_rows: int, rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda row: (row[0] is None, row[0] or 0))
    plan = Distinct(source_of(rows), (col(0, INTEGER),), columns(INTEGER, TEXT))
    first: dict[Any, Row] = {}
    for row in rows:
        first.setdefault(row[0], row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", batch_rows)
        assert WORLD.rows(plan) == list(first.values())


@given(left=ROWS, right=ROWS)
def test_union_all_is_one_after_the_other(left: list[Row], right: list[Row]) -> None:
    plan = Append((source_of(left), source_of(right)), columns(INTEGER, TEXT))
    assert WORLD.rows(plan) == left + right


@pytest.mark.parametrize("kind", ["intersect", "except"])
@pytest.mark.parametrize("is_all", [False, True])
@pytest.mark.parametrize("batch_rows", [2, 100])
@given(left=ROWS, right=ROWS)
def test_set_operations_count_rows(
    kind: str, is_all: bool, batch_rows: int, left: list[Row], right: list[Row]
) -> None:
    plan = SetOperation(kind, is_all, source_of(left), source_of(right), columns(INTEGER, TEXT))
    one, other = Counter(left), Counter(right)
    if not is_all:
        one = Counter(set(left))
        other = Counter(set(right))
    expected = one & other if kind == "intersect" else one - other
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", batch_rows)
        assert Counter(WORLD.rows(plan)) == expected


def test_rows_without_columns_are_all_equal(world: World) -> None:
    assert world.execute(Distinct(values([(), (), ()]), (), ())).row_count == 1
    assert world.execute(Distinct(values([]), (), ())).row_count == 0


WORLD = World()
