from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.planner.expressions import BoundExpression, OuterRef, SubqueryExpr
from lungfish.planner.physical import (
    CteScan,
    Filter,
    HashAggregate,
    PhysicalPlan,
    Project,
    RecursiveUnion,
    WorkTableScan,
)
from lungfish.types.array_value import array_value
from lungfish.types.sql_type import BOOLEAN, INTEGER, SqlType, array_of
from tests.executor.world import World, aggregate, col, columns, const, op, values

Row = tuple[Any, ...]
NUMBERS = st.lists(st.none() | st.integers(0, 4), max_size=6)


def one_column(numbers: list[int | None]) -> PhysicalPlan:
    return values([(number,) for number in numbers], INTEGER)


def project(source: PhysicalPlan, expression: BoundExpression) -> Project:
    return Project(source, (expression,), columns(expression.type))


def equal_to_outer(numbers: list[int | None]) -> PhysicalPlan:
    return Filter(
        one_column(numbers), op("=", col(0, INTEGER), OuterRef(1, 0, INTEGER)), columns(INTEGER)
    )


def correlated(kind: str, plan: PhysicalPlan, sql_type: SqlType) -> SubqueryExpr:
    return SubqueryExpr(kind, plan, sql_type, is_correlated=True, outer_columns=(col(0, INTEGER),))


@given(left=NUMBERS, right=NUMBERS)
def test_exists_is_asked_for_each_row(left: list[int | None], right: list[int | None]) -> None:
    plan = project(one_column(left), correlated("exists", equal_to_outer(right), BOOLEAN))
    expected = [(number is not None and number in right,) for number in left]
    assert WORLD.rows(plan) == expected


@given(left=NUMBERS, right=NUMBERS)
def test_a_scalar_subquery_gives_its_row_null_or_an_error(
    left: list[int | None], right: list[int | None]
) -> None:
    plan = project(one_column(left), correlated("scalar", equal_to_outer(right), INTEGER))
    if any(number is not None and right.count(number) > 1 for number in left):
        with pytest.raises(errors.CardinalityViolation):
            WORLD.rows(plan)
    else:
        assert WORLD.rows(plan) == [
            (number if number is not None and number in right else None,) for number in left
        ]


@pytest.mark.parametrize("kind", ["any", "all"])
@given(left=NUMBERS, right=NUMBERS)
def test_any_and_all_know_nulls(kind: str, left: list[int | None], right: list[int | None]) -> None:
    comparison = op("<", col(0, INTEGER), col(0, INTEGER)).function
    subquery = SubqueryExpr(kind, one_column(right), BOOLEAN, (col(0, INTEGER),), (comparison,))

    def expected(number: int | None) -> bool | None:
        answers = [None if None in (number, b) else number < b for b in right]  # type: ignore[operator]
        decided = kind == "any"
        if decided in answers:
            return decided
        return None if None in answers else not decided

    found = WORLD.rows(project(one_column(left), subquery))
    assert found == [(expected(number),) for number in left]


def test_an_array_subquery_collects(world: World) -> None:
    subquery = SubqueryExpr("array", one_column([3, None, 1]), array_of(INTEGER))
    assert world.rows(project(one_column([1]), subquery)) == [(array_value((3, None, 1)),)]


def test_a_subquery_in_a_subquery_sees_both_rows(world: World) -> None:
    # For each x of (1, 2): sum over y of (10, 20) of (SELECT x + y).
    innermost = project(values([()]), op("+", OuterRef(2, 0, INTEGER), OuterRef(1, 0, INTEGER)))
    inner = SubqueryExpr(
        "scalar",
        innermost,
        INTEGER,
        is_correlated=True,
        outer_columns=(col(0, INTEGER), OuterRef(1, 0, INTEGER)),
    )
    call = aggregate("sum", col(0, INTEGER))
    summed = HashAggregate(
        project(one_column([10, 20]), inner), (), (call,), ((),), columns(call.type)
    )
    plan = project(one_column([1, 2]), correlated("scalar", summed, call.type))
    assert world.rows(plan) == [(32,), (34,)]


def test_an_uncorrelated_subquery_runs_once(world: World) -> None:
    opened = []
    table = world.create_table("t", {"a": INTEGER})
    world.insert(table, (7,))
    original = world.table_store
    world.table_store = lambda each: opened.append(each) or original(each)  # type: ignore[method-assign]
    from tests.executor.world import scan

    plan = project(one_column([1, 2, 3]), SubqueryExpr("scalar", scan(table), INTEGER))
    assert world.rows(plan) == [(7,)] * 3
    assert len(opened) == 1


def test_a_with_query_runs_once_for_all_its_readers(world: World) -> None:
    table = world.create_table("t", {"a": INTEGER})
    world.insert(table, (1,), (2,))
    from lungfish.planner.physical import Append
    from tests.executor.world import scan

    opened = []
    original = world.table_store
    world.table_store = lambda each: opened.append(each) or original(each)  # type: ignore[method-assign]
    reader = CteScan(1, "w", columns(INTEGER))
    plan = Append((reader, reader), columns(INTEGER))
    assert world.rows(plan, ctes=((1, scan(table)),)) == [(1,), (2,), (1,), (2,)]
    assert len(opened) == 1


def counting(limit: int, *, is_all: bool) -> RecursiveUnion:
    step = Filter(
        project(WorkTableScan(1, columns(INTEGER)), op("+", col(0, INTEGER), const(1, INTEGER))),
        op("<=", col(0, INTEGER), const(limit, INTEGER)),
        columns(INTEGER),
    )
    return RecursiveUnion(1, one_column([1, 1]), step, is_all, columns(INTEGER))


def test_recursion_goes_on_until_a_round_gives_nothing(world: World) -> None:
    assert world.rows(counting(3, is_all=True)) == [(1,), (1,), (2,), (2,), (3,), (3,)]


def test_recursion_without_all_drops_rows_seen_before(world: World) -> None:
    assert world.rows(counting(3, is_all=False)) == [(1,), (2,), (3,)]


WORLD = World()
