from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.catalog.objects import Oid, Table
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.physical import DeleteRows, UpdateRows
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT
from tests.executor.world import World, col, const, op, scan

Row = tuple[Any, ...]


def is_first(number: int) -> BoundExpression:
    return op("=", col(0, INTEGER), const(number, INTEGER))


def delete(table: Table, where: BoundExpression | None = None) -> DeleteRows:
    return DeleteRows(table, scan(table, with_tuple_id=True, where=where), None, None, ())


def set_first(table: Table, where: BoundExpression | None, value: BoundExpression) -> UpdateRows:
    source = scan(table, with_tuple_id=True, where=where)
    return UpdateRows(table, source, ((0, value),), None, None, ())


def two_tables(
    world: World, *, has_index: bool = False, parent_type: Any = INTEGER, **options: Any
) -> tuple[Table, Table]:
    """parent(id, name) with rows 1 and 2; child(parent_id, name) with rows for 1, 1, 2 and one without a parent."""
    parent = world.create_table("parent", {"id": parent_type, "name": TEXT}, unique=[["id"]])
    reference = {"columns": ["parent_id"], "parent": parent, "referenced": ["id"], **options}
    child = world.create_table(
        "child",
        {"parent_id": INTEGER, "name": TEXT},
        plain=[["parent_id"]] if has_index else [],
        foreign_keys=[reference],
    )
    world.insert(parent, (1, "p1"), (2, "p2"))
    world.insert(child, (1, "a"), (1, "b"), (2, "c"), (None, "d"))
    return parent, child


INDEXED = pytest.mark.parametrize("has_index", [False, True])


def test_a_row_must_have_its_parent(world: World) -> None:
    _, child = two_tables(world)
    with pytest.raises(errors.ForeignKeyViolation) as error:
        world.insert(child, (1, "x"), (3, "y"))
    assert error.value.message == (
        'insert or update on table "child" violates foreign key constraint "child_parent_id_fkey"'
    )
    assert error.value.detail == 'Key (parent_id)=(3) is not present in table "parent".'
    assert len(world.contents(child)) == 4
    with pytest.raises(errors.ForeignKeyViolation):
        world.execute(set_first(child, is_first(2), const(9, INTEGER)), "UPDATE")


@INDEXED
@pytest.mark.parametrize("change", ["delete", "update"])
def test_no_action_refuses_while_rows_refer(world: World, has_index: bool, change: str) -> None:
    parent, child = two_tables(world, has_index=has_index)
    plan = (
        delete(parent, is_first(1))
        if change == "delete"
        else set_first(parent, is_first(1), const(5, INTEGER))
    )
    with pytest.raises(errors.ForeignKeyViolation) as error:
        world.execute(plan, change.upper())
    assert error.value.message == (
        'update or delete on table "parent" violates foreign key constraint '
        '"child_parent_id_fkey" on table "child"'
    )
    assert error.value.detail == 'Key (id)=(1) is still referenced from table "child".'
    assert len(world.contents(child)) == 4
    assert len(world.contents(parent)) == 2


def test_no_action_is_content_if_another_row_takes_the_key(world: World) -> None:
    parent, child = two_tables(world)
    world.execute(delete(child, is_first(2)), "DELETE")
    # 1 becomes 0 and 2 becomes 1: in the end there is a 1.
    moved = op("-", col(0, INTEGER), const(1, INTEGER))
    world.execute(set_first(parent, None, moved), "UPDATE")
    assert world.contents(parent) == [(0, "p1"), (1, "p2")]


@pytest.mark.parametrize("change", ["delete", "update"])
def test_restrict_has_an_error_of_its_own(world: World, change: str) -> None:
    parent, _ = two_tables(world, on_delete="restrict", on_update="restrict")
    plan = (
        delete(parent, is_first(1))
        if change == "delete"
        else set_first(parent, is_first(1), const(5, INTEGER))
    )
    with pytest.raises(errors.RestrictViolation) as error:
        world.execute(plan, change.upper())
    assert "violates RESTRICT setting of foreign key constraint" in error.value.message
    assert error.value.detail == 'Key (id)=(1) is referenced from table "child".'


@INDEXED
def test_delete_cascades(world: World, has_index: bool) -> None:
    parent, child = two_tables(world, has_index=has_index, on_delete="cascade")
    assert world.execute(delete(parent, is_first(1)), "DELETE").row_count == 1
    assert world.contents(child) == [(2, "c"), (None, "d")]
    world.execute(delete(parent), "DELETE")
    assert world.contents(child) == [(None, "d")]


@INDEXED
def test_update_cascades(world: World, has_index: bool) -> None:
    parent, child = two_tables(world, has_index=has_index, on_update="cascade")
    moved = op("+", col(0, INTEGER), const(10, INTEGER))
    world.execute(set_first(parent, None, moved), "UPDATE")
    assert world.contents(child) == [(11, "a"), (11, "b"), (12, "c"), (None, "d")]


@pytest.mark.parametrize("action", ["set null", "set default"])
def test_the_reference_is_reset(world: World, action: str) -> None:
    # Without a default, the default is NULL.
    parent, child = two_tables(world, on_delete=action)
    world.execute(delete(parent, is_first(1)), "DELETE")
    assert world.contents(child) == [(2, "c"), (None, "a"), (None, "b"), (None, "d")]


def test_types_of_both_sides_may_differ(world: World) -> None:
    parent, child = two_tables(world, has_index=True, parent_type=BIGINT, on_delete="cascade")
    with pytest.raises(errors.ForeignKeyViolation):
        world.insert(child, (77, "x"))
    where = op("=", col(0, BIGINT), const(1, BIGINT))
    world.execute(delete(parent, where), "DELETE")
    assert world.contents(child) == [(2, "c"), (None, "d")]


# Tables that refer to themselves.


def tree(world: World, **options: Any) -> Table:
    return world.create_table(
        "tree",
        {"id": INTEGER, "up": INTEGER},
        unique=[["id"]],
        foreign_keys=[{"columns": ["up"], "parent": None, "referenced": ["id"], **options}],
    )


def test_a_statement_may_bring_children_before_their_parents(world: World) -> None:
    table = tree(world)
    world.insert(table, (3, 2), (2, 1), (1, None), (4, 4))
    assert len(world.contents(table)) == 4
    with pytest.raises(errors.ForeignKeyViolation):
        world.insert(table, (6, 5))


def test_a_cascade_goes_down_the_whole_tree(world: World) -> None:
    table = tree(world, on_delete="cascade")
    world.insert(table, (1, None), *[(number, number - 1) for number in range(2, 30)], (100, None))
    world.execute(delete(table, is_first(1)), "DELETE")
    assert world.contents(table) == [(100, None)]


def test_a_whole_tree_can_go_at_once_without_any_action(world: World) -> None:
    table = tree(world)
    world.insert(table, (1, None), (2, 1), (3, 2))
    world.execute(delete(table), "DELETE")
    assert world.contents(table) == []


# Keys of several columns.


def pairs(world: World, **options: Any) -> tuple[Table, Table]:
    parent = world.create_table("parent", {"a": INTEGER, "b": TEXT}, unique=[["b", "a"]])
    reference = {"columns": ["x", "y"], "parent": parent, "referenced": ["a", "b"], **options}
    child = world.create_table(
        "child", {"y": TEXT, "x": INTEGER}, plain=[["y", "x"]], foreign_keys=[reference]
    )
    world.insert(parent, (1, "one"), (2, "two"))
    return parent, child


def test_keys_of_several_columns_are_looked_up_as_a_whole(world: World) -> None:
    parent, child = pairs(world, on_delete="cascade")
    world.insert(child, ("one", 1), ("two", 2), (None, 5))
    with pytest.raises(errors.ForeignKeyViolation) as error:
        world.insert(child, ("one", 2))
    assert error.value.detail == 'Key (x, y)=(2, one) is not present in table "parent".'
    world.execute(delete(parent, is_first(1)), "DELETE")
    assert world.contents(child) == [("two", 2), (None, 5)]


def test_match_full_refuses_a_mixture_of_nulls(world: World) -> None:
    _, child = pairs(world, match="full")
    world.insert(child, (None, None))
    with pytest.raises(errors.ForeignKeyViolation) as error:
        world.insert(child, (None, 1))
    assert error.value.detail == "MATCH FULL does not allow mixing of null and nonnull key values."


# Deferred constraints.

DEFERRED = {"is_deferrable": True, "is_initially_deferred": True}


def test_a_deferred_check_waits_for_the_end(world: World) -> None:
    parent, child = two_tables(world, **DEFERRED)
    mark = world.deferred.mark()
    world.insert(child, (3, "early"))
    for _ in range(2):
        with pytest.raises(errors.ForeignKeyViolation):
            world.deferred.run(world.context())
    world.deferred.go_back(mark)
    world.insert(child, (4, "early"))
    world.insert(parent, (4, "late"))
    world.deferred.run(world.context())


def test_a_deferred_check_looks_at_what_is_left(world: World) -> None:
    _, child = two_tables(world, **DEFERRED)
    world.insert(child, (3, "gone"))
    world.execute(delete(child, is_first(3)), "DELETE")
    world.transaction.savepoint("s")
    world.insert(child, (4, "rolled back"))
    world.transaction.rollback_to("s")
    world.deferred.run(world.context())


def test_every_row_with_a_missing_parent_counts_at_the_end(world: World) -> None:
    _, child = two_tables(world, **DEFERRED)
    world.insert(child, (3, "first"), (3, "second"))
    where = op("=", col(1, TEXT), const("first", TEXT))
    world.execute(delete(child, where), "DELETE")
    with pytest.raises(errors.ForeignKeyViolation):
        world.deferred.run(world.context())


def test_a_parent_may_go_and_come_back_before_the_end(world: World) -> None:
    parent, _ = two_tables(world, **DEFERRED)
    world.execute(delete(parent, is_first(1)), "DELETE")
    world.insert(parent, (1, "again"))
    world.deferred.run(world.context())
    world.execute(delete(parent, is_first(1)), "DELETE")
    with pytest.raises(errors.ForeignKeyViolation):
        world.deferred.run(world.context())


def test_set_constraints_immediate_looks_at_once(world: World) -> None:
    _, child = two_tables(world, **DEFERRED)
    constraint: Oid = child.constraints[0].oid
    world.insert(child, (3, "early"))
    world.deferred.set_mode([constraint], is_deferred=False)
    with pytest.raises(errors.ForeignKeyViolation):
        world.deferred.run(world.context(), only_immediate=True)
    with pytest.raises(errors.ForeignKeyViolation):
        world.insert(child, (3, "again"))


def test_a_constraint_that_is_not_deferrable_is_looked_at_at_once(world: World) -> None:
    _, child = two_tables(world)
    world.deferred.set_mode(None, is_deferred=True)
    with pytest.raises(errors.ForeignKeyViolation):
        world.insert(child, (3, "x"))
