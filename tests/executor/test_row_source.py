from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.catalog.objects import Table
from lungfish.executor.programs import new_compiler
from lungfish.executor.row_pipeline import make_row_pipeline
from lungfish.planner.expressions import BoundExpression, OuterRef, ParameterRef
from lungfish.planner.physical import (
    Estimate,
    Filter,
    IndexScan,
    KeyBound,
    Limit,
    NestedLoopJoin,
    PhysicalPlan,
    PhysicalStatement,
    Project,
    Sort,
    TopN,
)
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, TEXT
from tests.executor.world import World, col, columns, const, key, op, values

Row = tuple[Any, ...]
ROWS = st.lists(
    st.tuples(st.none() | st.integers(0, 4), st.none() | st.sampled_from([0.0, 1.5, float("nan")])),
    max_size=8,
)
OPERATORS, PIPELINES = World(), World(has_pipelines=True)


def both_gears(plan: PhysicalPlan) -> tuple[list[str], list[str]]:
    """The rows by operators and by the row source, as texts (NaN does not equal itself)."""
    assert make_row_pipeline(PhysicalStatement(plan, "SELECT"), new_compiler()) is not None
    return [repr(r) for r in OPERATORS.rows(plan)], [repr(r) for r in PIPELINES.rows(plan)]


@given(ROWS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_both_gears_sort_alike(
    rows: list[Row], first_down: bool, first_nulls: bool, second_down: bool, second_nulls: bool
) -> None:
    source = values([(*row, number) for number, row in enumerate(rows)], INTEGER, DOUBLE, INTEGER)
    keys = (
        key(0, INTEGER, is_descending=first_down, nulls_first=first_nulls),
        key(1, DOUBLE, is_descending=second_down, nulls_first=second_nulls),
    )
    by_operators, by_rows = both_gears(Sort(source, keys, source.columns))
    assert by_operators == by_rows


@given(ROWS, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
def test_both_gears_limit_alike(rows: list[Row], limit: int | None, offset: int | None) -> None:
    source = values(rows, INTEGER, DOUBLE)
    bounds = (const(limit, BIGINT), const(offset, BIGINT))
    for plan in (
        Limit(source, *bounds, False, (), source.columns),
        TopN(source, (key(0, INTEGER),), *bounds, source.columns),
    ):
        by_operators, by_rows = both_gears(plan)
        assert by_operators == by_rows


@pytest.mark.parametrize("kind", ["inner", "left", "semi", "anti"])
@pytest.mark.parametrize("is_lateral", [False, True])
@given(left=ROWS, right=ROWS)
def test_both_gears_join_alike(
    kind: str, is_lateral: bool, left: list[Row], right: list[Row]
) -> None:
    types = (INTEGER, DOUBLE)
    inside: PhysicalPlan = values(right, *types)
    condition: BoundExpression | None = op("=", col(0, INTEGER), col(2, INTEGER))
    if is_lateral:
        equal = op("=", col(0, INTEGER), OuterRef(1, 0, INTEGER))
        inside, condition = Filter(inside, equal, columns(*types)), None
    output = columns(*types) if kind in ("semi", "anti") else columns(*types, *types)
    plan = NestedLoopJoin(kind, values(left, *types), inside, condition, is_lateral, output)
    by_operators, by_rows = both_gears(plan)
    assert sorted(by_operators) == sorted(by_rows)


# Index scans, in both gears.

UNLIMITED = Estimate(rows=1e6)
SHORT = Estimate(rows=1)


@pytest.fixture
def table(world: World) -> Table:
    made = world.create_table(
        "t", {"a": INTEGER, "b": TEXT, "c": INTEGER}, unique=[["a"]], plain=[["b", "c"]]
    )
    world.insert(made, *[(number, "xyz"[number % 3], number * 10) for number in range(30)])
    return made


def index_scan(table: Table, number: int, estimate: Estimate, **options: Any) -> IndexScan:
    defaults: dict[str, Any] = {
        "equals": (), "lower": None, "upper": None, "any_of": (), "is_backward": False,
        "column_indexes": (0, 1, 2), "filter": None, "with_tuple_id": False,
        "columns": columns(INTEGER, TEXT, INTEGER),
    }  # fmt: skip
    defaults.update(options)
    return IndexScan(table, table.indexes[number], **defaults, estimate=estimate)


ESTIMATES = pytest.mark.parametrize("estimate", [SHORT, UNLIMITED])


@ESTIMATES
def test_a_key_is_looked_up(world: World, table: Table, estimate: Estimate) -> None:
    plan = index_scan(table, 0, estimate, equals=(ParameterRef(0, INTEGER),))
    assert world.rows(plan, parameters=(7,)) == [(7, "y", 70)]
    assert world.rows(plan, parameters=(77,)) == []
    assert world.rows(plan, parameters=(None,)) == []


@ESTIMATES
def test_a_range_is_read_forwards_and_backwards(
    world: World, table: Table, estimate: Estimate
) -> None:
    lower, upper = KeyBound(const(50, INTEGER), True), KeyBound(const(140, INTEGER), False)
    options: dict[str, Any] = {"equals": (const("x", TEXT),), "lower": lower, "upper": upper}
    forwards = world.rows(index_scan(table, 1, estimate, **options))
    assert [row[0] for row in forwards] == [6, 9, 12]
    backwards = world.rows(index_scan(table, 1, estimate, **options, is_backward=True))
    assert backwards == forwards[::-1]
    nothing = KeyBound(const(None, INTEGER), True)
    assert world.rows(index_scan(table, 1, estimate, equals=options["equals"], lower=nothing)) == []


@ESTIMATES
def test_a_list_of_values_is_looked_up_in_the_indexs_order(
    world: World, table: Table, estimate: Estimate
) -> None:
    wanted = tuple(const(value, INTEGER) for value in (9, 2, None, 9, 99))
    plan = index_scan(table, 0, estimate, any_of=wanted)
    assert [row[0] for row in world.rows(plan)] == [2, 9]
    plan = index_scan(table, 0, estimate, any_of=wanted, is_backward=True)
    assert [row[0] for row in world.rows(plan)] == [9, 2]


@ESTIMATES
def test_a_filter_and_the_address_come_with_the_scan(
    world: World, table: Table, estimate: Estimate
) -> None:
    plan = index_scan(
        table,
        1,
        estimate,
        equals=(const("y", TEXT),),
        column_indexes=(2, 0),
        filter=op("<", col(0, INTEGER), const(50, INTEGER)),
        with_tuple_id=True,
        columns=columns(INTEGER, INTEGER, BIGINT),
    )
    found = world.rows(plan)
    assert [row[:2] for row in found] == [(10, 1), (40, 4)]
    assert len({row[2] for row in found}) == 2


def test_an_index_is_probed_by_the_rows_of_another_table(world: World, table: Table) -> None:
    probe = index_scan(table, 0, SHORT, equals=(OuterRef(1, 0, INTEGER),))
    join = NestedLoopJoin(
        "left",
        values([(3,), (300,)], INTEGER),
        probe,
        None,
        True,
        columns(INTEGER, INTEGER, TEXT, INTEGER),
    )
    plan = Project(join, (col(0, INTEGER), col(3, INTEGER)), columns(INTEGER, INTEGER))
    assert world.rows(plan) == [(3, 30), (300, None)]
