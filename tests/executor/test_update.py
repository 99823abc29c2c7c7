from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.expressions import BoundExpression, SubqueryExpr
from lungfish.planner.physical import (
    DeleteRows,
    HashAggregate,
    Limit,
    LockRows,
    NestedLoopJoin,
    Project,
    Returning,
    UpdateRows,
)
from lungfish.storage.transactions import IsolationLevel
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT
from tests.executor.world import (
    World,
    aggregate,
    col,
    columns,
    const,
    in_another_thread,
    op,
    scan,
    values,
    wait_until_someone_waits,
)

Row = tuple[Any, ...]
ID, NAME = col(0, INTEGER), col(1, TEXT)


@pytest.fixture
def table(world: World) -> Table:
    made = world.create_table("t", {"id": INTEGER, "name": TEXT}, unique=[["id"]], not_null=["id"])
    world.insert(made, (1, "a"), (2, "b"), (3, "c"))
    return made


def is_id(number: int) -> BoundExpression:
    return op("=", ID, const(number, INTEGER))


def update(
    table: Table,
    assignments: tuple[tuple[int, BoundExpression], ...],
    where: BoundExpression | None = None,
    returning: Returning | None = None,
    output: Any = (),
) -> UpdateRows:
    source = scan(table, with_tuple_id=True, where=where)
    return UpdateRows(table, source, assignments, where, returning, output)


def delete(table: Table, where: BoundExpression | None = None) -> DeleteRows:
    return DeleteRows(table, scan(table, with_tuple_id=True, where=where), where, None, ())


def test_rows_that_pass_are_changed(world: World, table: Table) -> None:
    plan = update(table, ((1, const("x", TEXT)),), op(">", ID, const(1, INTEGER)))
    result = world.execute(plan, "UPDATE")
    assert (result.tag, result.columns) == ("UPDATE 2", None)
    assert world.contents(table) == [(1, "a"), (2, "x"), (3, "x")]


def test_assignments_see_the_old_row(world: World) -> None:
    table = world.create_table("p", {"a": INTEGER, "b": INTEGER})
    world.insert(table, (1, 2))
    world.execute(update(table, ((0, col(1, INTEGER)), (1, col(0, INTEGER)))), "UPDATE")
    assert world.contents(table) == [(2, 1)]


def test_an_update_does_not_meet_its_own_rows(world: World) -> None:
    table = world.create_table("n", {"a": INTEGER}, plain=[["a"]])
    world.insert(table, *[(number,) for number in range(500)])
    plan = update(table, ((0, op("+", col(0, INTEGER), const(1, INTEGER))),))
    assert world.execute(plan, "UPDATE").row_count == 500
    assert sorted(world.contents(table)) == [(number,) for number in range(1, 501)]


def test_returning_gives_old_and_new(world: World, table: Table) -> None:
    returning = Returning((NAME, col(3, TEXT)))
    plan = update(table, ((1, const("z", TEXT)),), is_id(1), returning, columns(TEXT, TEXT))
    assert world.rows(plan, "UPDATE") == [("a", "z")]


def test_a_join_that_meets_a_row_twice_changes_it_once(world: World, table: Table) -> None:
    joined = NestedLoopJoin(
        "inner",
        scan(table, with_tuple_id=True, where=is_id(1)),
        values([("x",), ("y",)], TEXT),
        None,
        False,
        columns(INTEGER, TEXT, BIGINT, TEXT),
    )
    plan = UpdateRows(
        table, joined, ((1, col(3, TEXT)),), None, Returning((col(4, TEXT),)), columns(TEXT)
    )
    assert world.rows(plan, "UPDATE") == [("x",)]
    assert (1, "x") in world.contents(table)


def test_a_subquery_in_an_assignment_reads_the_table_as_it_was(world: World) -> None:
    table = world.create_table("n", {"a": INTEGER})
    world.insert(table, (1,), (10,))
    call = aggregate("max", col(0, INTEGER))
    largest = HashAggregate(scan(table), (), (call,), ((),), columns(INTEGER))
    added = op("+", col(0, INTEGER), SubqueryExpr("scalar", largest, INTEGER))
    world.execute(update(table, ((0, added),)), "UPDATE")
    assert sorted(world.contents(table)) == [(11,), (20,)]


def test_a_key_may_not_be_taken_by_an_update(world: World, table: Table) -> None:
    with pytest.raises(errors.UniqueViolation):
        world.execute(update(table, ((0, const(2, INTEGER)),), is_id(1)), "UPDATE")
    assert world.contents(table) == [(1, "a"), (2, "b"), (3, "c")]


def test_a_failed_update_leaves_nothing(world: World, table: Table) -> None:
    # Rows 1 and 2 go through before row 3 divides by zero.
    value = op("/", const(100, INTEGER), op("-", ID, const(3, INTEGER)))
    with pytest.raises(errors.DivisionByZero):
        world.execute(update(table, ((0, value),)), "UPDATE")
    assert world.contents(table) == [(1, "a"), (2, "b"), (3, "c")]


def test_rows_are_deleted(world: World, table: Table) -> None:
    assert world.execute(delete(table, is_id(2)), "DELETE").tag == "DELETE 1"
    assert world.contents(table) == [(1, "a"), (3, "c")]
    assert world.execute(delete(table), "DELETE").row_count == 2
    assert world.contents(table) == []


# Two transactions.


def test_a_row_that_changed_while_we_waited_is_looked_at_again(world: World, table: Table) -> None:
    world.transaction.commit()
    first = world.begin()
    world.execute(update(table, ((1, const("gone", TEXT)),), is_id(1)), "UPDATE")
    world.execute(update(table, ((1, const("b2", TEXT)),), is_id(2)), "UPDATE")
    world.begin()
    # Our snapshot sees "a" and "b"; the condition on the name holds for both, but no longer for row 1.
    context_taken = world.transaction.statement_snapshot()
    assert context_taken is not None
    short = op("<=", NAME, const("c", TEXT))
    plan = update(table, ((1, op("||", NAME, const("!", TEXT))),), short)
    done: list[int] = []
    waiting = in_another_thread(lambda: done.append(world.execute(plan, "UPDATE").row_count))
    wait_until_someone_waits(world)
    first.commit()
    waiting.join()
    assert done == [2]
    assert world.contents(table) == [(1, "gone"), (2, "b2!"), (3, "c!")]


def test_above_read_committed_a_changed_row_is_an_error(world: World, table: Table) -> None:
    world.transaction.commit()
    second = world.transactions.begin(IsolationLevel.REPEATABLE_READ)
    second.statement_snapshot()
    world.begin()
    world.execute(update(table, ((1, const("x", TEXT)),), is_id(1)), "UPDATE")
    world.transaction.commit()
    world.transaction = second
    with pytest.raises(errors.SerializationFailure):
        world.execute(update(table, ((1, const("y", TEXT)),), is_id(1)), "UPDATE")


def locked(table: Table, where: BoundExpression, wait: str = "block") -> Project:
    source = scan(table, with_tuple_id=True, where=where)
    lock = LockRows(source, ((table, 2, "update", wait),), source.columns)
    return Project(lock, (ID, NAME), columns(INTEGER, TEXT))


def test_for_update_reads_again_what_changed_while_it_waited(world: World, table: Table) -> None:
    world.transaction.commit()
    first = world.begin()
    world.execute(update(table, ((1, const("new", TEXT)),), is_id(1)), "UPDATE")
    world.execute(update(table, ((0, const(22, INTEGER)),), is_id(2)), "UPDATE")
    world.begin()
    found: list[Row] = []
    below = op("<", ID, const(10, INTEGER))
    waiting = in_another_thread(lambda: found.extend(world.rows(locked(table, below))))
    wait_until_someone_waits(world)
    first.commit()
    waiting.join()
    assert sorted(found) == [(1, "new"), (3, "c")]


def test_locked_rows_can_be_skipped_or_refused(world: World, table: Table) -> None:
    world.transaction.commit()
    world.begin()
    assert world.rows(locked(table, is_id(1))) == [(1, "a")]
    world.begin()
    everything = op(">", ID, const(0, INTEGER))
    assert sorted(world.rows(locked(table, everything, "skip locked"))) == [(2, "b"), (3, "c")]
    with pytest.raises(errors.LockNotAvailable):
        world.rows(locked(table, is_id(1), "nowait"))


def test_a_limit_locks_only_the_rows_that_it_gives(world: World, table: Table) -> None:
    world.transaction.commit()
    everything = op(">", ID, const(0, INTEGER))

    def first_free() -> list[Row]:
        source = locked(table, everything, "skip locked")
        limit = Limit(source, const(1, BIGINT), None, False, (), source.columns)
        return world.rows(limit)

    found = []
    for _ in range(4):
        world.begin()
        found += first_free()
    assert found == [(1, "a"), (2, "b"), (3, "c")]


def test_an_update_that_keeps_the_key_does_not_wait_for_references(world: World) -> None:
    parent = world.create_table("parent", {"id": INTEGER, "name": TEXT}, unique=[["id"]])
    child = world.create_table(
        "child",
        {"id": INTEGER},
        foreign_keys=[{"columns": ["id"], "parent": parent, "referenced": ["id"]}],
    )
    world.insert(parent, (1, "a"))
    world.transaction.commit()
    world.begin()
    world.insert(child, (1,))
    world.begin()
    # Would hang if it waited: the first transaction never ends.
    same_key = ((0, ID), (1, const("b", TEXT)))
    assert world.execute(update(parent, same_key, is_id(1)), "UPDATE").row_count == 1
    assert world.contents(parent) == [(1, "b")]


def test_a_cancelled_statement_stops(world: World, table: Table) -> None:
    context = world.context()
    context.cancellation.request()
    from lungfish.executor import execute
    from lungfish.planner.physical import PhysicalStatement

    with pytest.raises(errors.QueryCanceled):
        execute(PhysicalStatement(scan(table), "SELECT"), context)
