from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.executor import insert_rows
from lungfish.planner.expressions import BoundExpression, SubqueryExpr
from lungfish.planner.physical import (
    ConflictAction,
    CteScan,
    HashAggregate,
    IndexScan,
    InsertRows,
    Project,
    Returning,
)
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT
from tests.executor.world import World, aggregate, col, columns, const, op, scan, values

Row = tuple[Any, ...]


@pytest.fixture
def table(world: World) -> Table:
    return world.create_table("t", {"id": INTEGER, "name": TEXT}, unique=[["id"]], not_null=["id"])


def test_rows_are_stored(world: World, table: Table) -> None:
    result = world.insert(table, (2, "b"), (1, None))
    assert (result.tag, result.row_count, result.columns) == ("INSERT 0 2", 2, None)
    assert world.contents(table) == [(1, None), (2, "b")]


def test_a_taken_key_is_refused_with_its_name_and_value(world: World, table: Table) -> None:
    world.insert(table, (1, "a"))
    with pytest.raises(errors.UniqueViolation) as error:
        world.insert(table, (2, "b"), (1, "c"))
    assert error.value.message == 'duplicate key value violates unique constraint "t_id_key"'
    assert error.value.detail == "Key (id)=(1) already exists."
    assert error.value.constraint == "t_id_key"
    assert world.contents(table) == [(1, "a")]


def test_null_where_none_may_be_is_refused_with_the_row(world: World, table: Table) -> None:
    with pytest.raises(errors.NotNullViolation) as error:
        world.insert(table, (1, "a"), (None, "x" * 70))
    assert error.value.message == (
        'null value in column "id" of relation "t" violates not-null constraint'
    )
    assert error.value.detail == f"Failing row contains (null, {'x' * 64}...)."
    assert error.value.column == "id"
    assert world.contents(table) == []


def test_returning_sees_the_new_row_and_nulls_for_the_old(world: World, table: Table) -> None:
    returning = Returning((col(0, INTEGER), op("+", col(2, INTEGER), const(1, INTEGER))))
    plan = InsertRows(
        table, values([(5, "e")], INTEGER, TEXT), None, returning, columns(INTEGER, INTEGER)
    )
    result = world.execute(plan, "INSERT")
    assert result.tag == "INSERT 0 1"
    assert world.rows(plan_with(plan, values([(6, "f")], INTEGER, TEXT)), "INSERT") == [(None, 7)]


def plan_with(plan: InsertRows, source: Any) -> InsertRows:
    return InsertRows(plan.table, source, plan.conflict, plan.returning, plan.columns)


def test_a_table_can_be_copied_into_itself(world: World) -> None:
    table = world.create_table("t", {"a": INTEGER, "b": TEXT})
    world.insert(table, *[(number, "x") for number in range(100)])
    plan = InsertRows(table, scan(table), None, None, ())
    assert world.execute(plan, "INSERT").row_count == 100
    assert world.execute(plan, "INSERT").row_count == 200
    assert len(world.contents(table)) == 400


def test_whole_rows_can_be_inserted_without_a_plan(world: World, table: Table) -> None:
    count = insert_rows(table, ((number, "x") for number in range(5)), world.context())
    assert count == 5
    assert [row[0] for row in world.contents(table)] == [0, 1, 2, 3, 4]


# ON CONFLICT


def on_conflict(
    table: Table,
    rows: list[Row],
    assignments: tuple[tuple[int, BoundExpression], ...] | None,
    where: BoundExpression | None = None,
    *,
    arbiters: Any = None,
    returning: Returning | None = None,
) -> InsertRows:
    action = ConflictAction(table.indexes if arbiters is None else arbiters, assignments, where)
    output = columns(INTEGER, TEXT, INTEGER, TEXT) if returning is not None else ()
    return InsertRows(table, values(rows, INTEGER, TEXT), action, returning, output)


EXCLUDED_NAME = ((1, col(3, TEXT)),)
ALL = Returning((col(0, INTEGER), col(1, TEXT), col(2, INTEGER), col(3, TEXT)))


@pytest.mark.parametrize("arbiters", [None, ()])
def test_do_nothing_passes_over_taken_keys(world: World, table: Table, arbiters: Any) -> None:
    world.insert(table, (1, "old"))
    plan = on_conflict(
        table, [(1, "a"), (2, "b"), (2, "c")], None, arbiters=arbiters, returning=ALL
    )
    assert world.rows(plan, "INSERT") == [(None, None, 2, "b")]
    assert world.contents(table) == [(1, "old"), (2, "b")]


def test_do_update_changes_the_row_that_has_the_key(world: World, table: Table) -> None:
    world.insert(table, (1, "old"), (3, "three"))
    plan = on_conflict(table, [(1, "new"), (2, "b")], EXCLUDED_NAME, returning=ALL)
    assert world.rows(plan, "INSERT") == [(1, "old", 1, "new"), (None, None, 2, "b")]
    assert world.contents(table) == [(1, "new"), (2, "b"), (3, "three")]


def test_do_update_with_a_condition_leaves_other_rows(world: World, table: Table) -> None:
    world.insert(table, (1, "old"), (2, "keep"))
    where = op("=", col(1, TEXT), const("old", TEXT))
    plan = on_conflict(table, [(1, "new"), (2, "new")], EXCLUDED_NAME, where)
    assert world.execute(plan, "INSERT").row_count == 1
    assert world.contents(table) == [(1, "new"), (2, "keep")]


def test_a_row_is_not_updated_twice(world: World, table: Table) -> None:
    with pytest.raises(errors.CardinalityViolation):
        world.execute(on_conflict(table, [(1, "a"), (1, "b")], EXCLUDED_NAME), "INSERT")
    assert world.contents(table) == []


def test_a_conflict_in_an_index_that_is_no_arbiter_is_an_error(world: World) -> None:
    table = world.create_table("u", {"a": INTEGER, "b": TEXT}, unique=[["a"], ["b"]])
    world.insert(table, (1, "x"))
    with pytest.raises(errors.UniqueViolation):
        world.execute(on_conflict(table, [(2, "x")], None, arbiters=table.indexes[:1]), "INSERT")


# What a statement sees of itself.


def test_returning_subqueries_see_the_table_as_it_was(world: World, table: Table) -> None:
    world.insert(table, (1, "a"))
    call = aggregate("count")
    counted = SubqueryExpr(
        "scalar", HashAggregate(scan(table), (), (call,), ((),), columns(BIGINT)), BIGINT
    )
    plan = InsertRows(
        table,
        values([(2, "b"), (3, "c")], INTEGER, TEXT),
        None,
        Returning((counted,)),
        columns(BIGINT),
    )
    assert world.rows(plan, "INSERT") == [(1,), (1,)]
    assert len(world.contents(table)) == 3


def test_a_changing_with_query_is_not_seen_by_its_statement(world: World, table: Table) -> None:
    world.insert(table, (1, "a"))
    change = InsertRows(
        table,
        values([(2, "b")], INTEGER, TEXT),
        None,
        Returning((col(2, INTEGER),)),
        columns(INTEGER),
    )
    options: Any = {"ctes": ((1, change),), "modifying_ctes": frozenset({1})}
    assert world.rows(scan(table), **options) == [(1, "a")]
    assert world.contents(table) == [(1, "a"), (2, "b")]
    reading = Project(CteScan(1, "w", columns(INTEGER)), (col(0, INTEGER),), columns(INTEGER))
    change = plan_with(change, values([(3, "c")], INTEGER, TEXT))
    options["ctes"] = ((1, change),)
    assert world.rows(reading, **options) == [(3,)]


def test_an_index_scan_does_not_see_the_statements_own_rows(world: World, table: Table) -> None:
    world.insert(table, (1, "a"), (5, "e"))
    change = InsertRows(table, values([(2, "b"), (9, "z")], INTEGER, TEXT), None, None, ())
    reading = IndexScan(
        table,
        table.indexes[0],
        (),
        None,
        None,
        (),
        True,
        (0, 1),
        None,
        False,
        columns(INTEGER, TEXT),
    )
    options: Any = {"ctes": ((1, change),), "modifying_ctes": frozenset({1})}
    assert world.rows(reading, **options) == [(5, "e"), (1, "a")]
    assert [row[0] for row in world.rows(reading)] == [9, 5, 2, 1]


def test_the_first_row_that_cannot_be_stored_decides_the_error(world: World, table: Table) -> None:
    world.insert(table, (1, "a"))
    many = [(number, "x") for number in range(10, 90)]
    with pytest.raises(errors.UniqueViolation):
        world.insert(table, *many, (1, "taken"), (None, "no key"))
    with pytest.raises(errors.NotNullViolation):
        world.insert(table, *many, (None, "no key"), (1, "taken"))
    assert world.contents(table) == [(1, "a")]
