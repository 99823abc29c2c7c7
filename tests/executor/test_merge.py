from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.physical import (
    DeleteRows,
    HashJoin,
    MergeBranch,
    MergeRows,
    Project,
    Returning,
    UpdateRows,
)
from lungfish.types.sql_type import BIGINT, BOOLEAN, INTEGER, TEXT
from tests.executor.world import (
    TRUE,
    World,
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
# The input: target id, name, TupleId, source id, name, is there.
SOURCE_ID, SOURCE_NAME = col(3, INTEGER), col(4, TEXT)


@pytest.fixture
def table(world: World) -> Table:
    made = world.create_table("t", {"id": INTEGER, "name": TEXT}, unique=[["id"]])
    world.insert(made, (1, "a"), (2, "b"), (3, "c"))
    return made


def merge(
    table: Table, source: list[Row], *branches: MergeBranch, returning: Returning | None = None
) -> MergeRows:
    marked = Project(
        values(source, INTEGER, TEXT),
        (col(0, INTEGER), col(1, TEXT), TRUE),
        columns(INTEGER, TEXT, BOOLEAN),
    )
    joined = HashJoin(
        "full",
        scan(table, with_tuple_id=True),
        marked,
        (col(0, INTEGER),),
        (col(0, INTEGER),),
        (False,),
        None,
        columns(INTEGER, TEXT, BIGINT, INTEGER, TEXT, BOOLEAN),
    )
    output = columns(TEXT, TEXT) if returning else ()
    return MergeRows(table, joined, branches, returning, output)


UPDATE = MergeBranch("matched", None, "update", ((1, SOURCE_NAME),))
INSERT = MergeBranch("not matched by target", None, "insert", ((0, SOURCE_ID), (1, SOURCE_NAME)))
DELETE = MergeBranch("not matched by source", None, "delete", ())


def test_each_kind_of_match_has_its_branch(world: World, table: Table) -> None:
    plan = merge(table, [(1, "A"), (9, "Z")], UPDATE, INSERT, DELETE)
    assert world.execute(plan, "MERGE").tag == "MERGE 4"
    assert world.contents(table) == [(1, "A"), (9, "Z")]


def test_the_first_branch_whose_condition_holds_is_taken(world: World, table: Table) -> None:
    nothing = MergeBranch("matched", op("=", col(0, INTEGER), const(1, INTEGER)), "nothing", ())
    plan = merge(table, [(1, "A"), (2, "B"), (9, "Z")], nothing, UPDATE)
    assert world.execute(plan, "MERGE").row_count == 1
    assert world.contents(table) == [(1, "a"), (2, "B"), (3, "c")]


def test_returning_gives_old_and_new(world: World, table: Table) -> None:
    returning = Returning((col(1, TEXT), col(3, TEXT)))
    plan = merge(table, [(1, "A"), (9, "Z")], UPDATE, INSERT, DELETE, returning=returning)
    assert sorted(world.rows(plan, "MERGE"), key=repr) == [
        ("a", "A"), ("b", None), ("c", None), (None, "Z"),
    ]  # fmt: skip


def test_a_row_is_not_changed_twice(world: World, table: Table) -> None:
    with pytest.raises(errors.CardinalityViolation):
        world.execute(merge(table, [(1, "A"), (1, "B")], UPDATE), "MERGE")


# Two transactions.


def changed_meanwhile(world: World, change: Any, plan: MergeRows) -> None:
    """Run the MERGE while another transaction changes the table; that one commits while the MERGE waits."""
    world.transaction.commit()
    first = world.begin()
    world.execute(change, type(change).__name__.removesuffix("Rows").upper())
    world.begin()
    waiting = in_another_thread(lambda: world.execute(plan, "MERGE"))
    wait_until_someone_waits(world)
    first.commit()
    waiting.join()


def test_a_changed_row_is_matched_again(world: World, table: Table) -> None:
    row = scan(table, with_tuple_id=True, where=op("=", col(0, INTEGER), const(1, INTEGER)))
    change = UpdateRows(table, row, ((1, const("new", TEXT)),), None, None, ())
    appended = op("||", col(1, TEXT), SOURCE_NAME)
    branch = MergeBranch("matched", None, "update", ((1, appended),))
    changed_meanwhile(world, change, merge(table, [(1, "!")], branch))
    assert (1, "new!") in world.contents(table)


def test_a_source_row_that_has_lost_its_match_takes_the_other_branch(
    world: World, table: Table
) -> None:
    row = scan(table, with_tuple_id=True, where=op("=", col(0, INTEGER), const(1, INTEGER)))
    change = DeleteRows(table, row, None, None, ())
    changed_meanwhile(world, change, merge(table, [(1, "back")], UPDATE, INSERT))
    assert (1, "back") in world.contents(table)
