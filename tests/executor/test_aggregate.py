from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.planner.physical import HashAggregate, PhysicalPlan
from lungfish.types.array_value import array_value
from lungfish.types.sql_type import BIGINT, BOOLEAN, INTEGER, NUMERIC, TEXT, SqlType
from tests.executor.world import World, aggregate, col, columns, key, op, values

Row = tuple[Any, ...]
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from(["a", "b", ""]),
        st.none() | st.integers(-5, 5),
    ),
    max_size=15,
)
TYPES = (INTEGER, TEXT, INTEGER)


def total(numbers: list[int | None]) -> int | None:
    present = [number for number in numbers if number is not None]
    return sum(present) if present else None


def group(rows: list[Row], keys: tuple[int, ...]) -> dict[Row, list[Row]]:
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[index] for index in keys), []).append(row)
    return groups


def plan_of(
    rows: list[Row], keys: tuple[int, ...], sets: tuple[tuple[int, ...], ...]
) -> HashAggregate:
    aggregates = (
        aggregate("count"),
        aggregate("count", col(2, INTEGER)),
        aggregate("sum", col(2, INTEGER)),
        aggregate("count", col(2, INTEGER), is_distinct=True),
        aggregate("sum", col(2, INTEGER), is_distinct=True),
        aggregate("sum", col(2, INTEGER), filter=op(">", col(2, INTEGER), col(0, INTEGER))),
    )
    kinds: list[SqlType] = [TYPES[index] for index in keys]
    kinds += [call.type for call in aggregates]
    if len(sets) > 1:
        kinds.append(INTEGER)
    return HashAggregate(
        values(rows, *TYPES),
        tuple(col(index, TYPES[index]) for index in keys),
        aggregates,
        sets,
        columns(*kinds),
    )


def expected_values(members: list[Row]) -> Row:
    numbers = [row[2] for row in members]
    present = [number for number in numbers if number is not None]
    filtered = [r[2] for r in members if r[2] is not None and r[0] is not None and r[2] > r[0]]
    distinct = sorted(set(present))
    return (
        len(members), len(present), total(numbers), len(distinct), total(distinct), total(filtered),
    )  # fmt: skip


@pytest.mark.parametrize("keys", [(0,), (1,), (0, 1), (1, 0, 2)])
@given(rows=ROWS)
def test_groups_and_aggregates_are_those_of_the_definition(
    keys: tuple[int, ...], rows: list[Row]
) -> None:
    plan = plan_of(rows, keys, (tuple(range(len(keys))),))
    expected = [each + expected_values(members) for each, members in group(rows, keys).items()]
    assert sorted(WORLD.rows(plan), key=repr) == sorted(expected, key=repr)


@given(rows=ROWS)
def test_without_keys_there_is_one_group_even_without_rows(rows: list[Row]) -> None:
    assert WORLD.rows(plan_of(rows, (), ((),))) == [expected_values(rows)]


@given(rows=ROWS)
def test_grouping_sets_are_aggregated_side_by_side(rows: list[Row]) -> None:
    sets = ((0, 1), (0,), ())
    expected: list[Row] = []
    for number, each in enumerate(sets):
        groups = group(rows, each) or ({(): []} if not each else {})
        for group_key, members in groups.items():
            keys = [group_key[each.index(i)] if i in each else None for i in (0, 1)]
            expected.append((*keys, *expected_values(members), number))
    found = WORLD.rows(plan_of(rows, (0, 1), sets))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("batch_rows", [1, 3])
@given(rows=ROWS)
def test_batches_do_not_change_the_result(batch_rows: int, rows: list[Row]) -> None:
    plan = plan_of(rows, (0, 1), ((0, 1), ()))
    whole = WORLD.rows(plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", batch_rows)
        assert sorted(WORLD.rows(plan), key=repr) == sorted(whole, key=repr)


@given(rows=ROWS)
def test_an_order_inside_the_call_is_kept(rows: list[Row]) -> None:
    call = aggregate(
        "array_agg",
        col(2, INTEGER),
        order_by=(key(1, TEXT, is_descending=True, nulls_first=True), key(2, INTEGER)),
    )
    source = values(rows, *TYPES)
    plan = HashAggregate(source, (col(0, INTEGER),), (call,), ((0,),), columns(INTEGER, call.type))
    expected = {
        each: [
            row[2]
            for row in sorted(
                sorted(members, key=lambda row: (row[2] is None, row[2])),
                key=lambda row: (row[1] is not None, [-ord(c) for c in row[1] or ""] or [1]),
            )
        ]
        for (each,), members in group(rows, (0,)).items()
    }
    found = {group_key: list(array) for group_key, array in WORLD.rows(plan)}
    assert {k: v.count(None) for k, v in found.items()} == {
        k: v.count(None) for k, v in expected.items()
    }
    assert found == expected


def test_a_distinct_call_with_an_order_sees_each_value_once(world: World) -> None:
    call = aggregate(
        "array_agg",
        col(0, INTEGER),
        is_distinct=True,
        order_by=(key(0, INTEGER, is_descending=True),),
    )
    source = values([(1,), (3,), (1,), (2,), (3,)], INTEGER)
    plan = HashAggregate(source, (), (call,), ((),), columns(call.type))
    assert world.rows(plan) == [(array_value((3, 2, 1)),)]


def test_equal_numbers_of_different_scale_are_one_group(world: World) -> None:
    source = values([(Decimal("1.0"),), (Decimal("1.00"),), (Decimal(2),)], NUMERIC)
    plan = HashAggregate(
        source, (col(0, NUMERIC),), (aggregate("count"),), ((0,),), columns(NUMERIC, BIGINT)
    )
    found = world.rows(plan)
    assert sorted((str(value), count) for value, count in found) == [("1.0", 2), ("2", 1)]


def grouped_by_number(count: int, group_count: int) -> PhysicalPlan:
    rows = [(number % group_count, number) for number in range(count)]
    return HashAggregate(
        values(rows, BIGINT, INTEGER),
        (col(0, BIGINT),),
        (
            aggregate("sum", col(1, INTEGER)),
            aggregate("bool_and", op("=", col(0, BIGINT), col(0, BIGINT))),
        ),
        ((0,),),
        columns(BIGINT, BIGINT, BOOLEAN),
    )


def test_groups_that_do_not_fit_into_memory_are_done_in_rounds(world: World) -> None:
    plan = grouped_by_number(20_000, 7_000)
    expected = sorted(world.rows(plan))
    assert len(expected) == 7_000
    world.memory_bytes = 1_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", 500)
        assert sorted(world.rows(plan)) == expected
    assert world.disk.list("spill") == []


WORLD = World()
