from __future__ import annotations

from lungfish.executor.instrument import execute_measured
from lungfish.planner.expressions import OuterRef
from lungfish.planner.physical import (
    Filter,
    InsertRows,
    NestedLoopJoin,
    PhysicalStatement,
    Sort,
)
from lungfish.storage.clock import ManualClock
from lungfish.types.sql_type import INTEGER
from tests.executor.world import World, col, columns, key, op, scan, values


def test_every_node_counts_its_rows_and_runs(world: World) -> None:
    left = values([(1,), (2,), (3,)], INTEGER)
    inside = values([(2,), (3,), (3,)], INTEGER)
    right = Filter(inside, op("=", col(0, INTEGER), OuterRef(1, 0, INTEGER)), columns(INTEGER))
    join = NestedLoopJoin("inner", left, right, None, True, columns(INTEGER, INTEGER))
    sort = Sort(join, (key(0, INTEGER),), join.columns)
    measured = execute_measured(PhysicalStatement(sort, "SELECT"), world.context(), ManualClock())
    found = {
        name: (measurement.loop_count, measurement.row_count)
        for name, plan in (("left", left), ("right", right), ("join", join), ("sort", sort))
        if (measurement := measured.of(plan)) is not None
    }
    assert found == {"left": (1, 3), "right": (3, 3), "join": (1, 3), "sort": (1, 3)}
    sorting = measured.of(sort)
    assert sorting is not None
    assert sorting.memory_bytes > 0


def test_a_measured_statement_changes_what_it_says(world: World) -> None:
    table = world.create_table("t", {"a": INTEGER})
    plan = InsertRows(table, values([(1,), (2,)], INTEGER), None, None, ())
    measured = execute_measured(PhysicalStatement(plan, "INSERT"), world.context(), ManualClock())
    assert world.contents(table) == [(1,), (2,)]
    node = measured.of(plan)
    assert node is not None
    assert node.row_count == 2
    assert measured.of(scan(table)) is None
