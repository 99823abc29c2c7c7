"""min and max of a column that an index leads to in order: its first row is enough, and the aggregate above makes NULL of none.

So PostgreSQL does (planagg.c), which also skips the NULLs; here they must come last in the index's order, or not be at all.
"""

from __future__ import annotations

from lungfish.planner.expressions import AggregateCall, ColumnRef, Constant, SortKey
from lungfish.planner.logical import LogicalAggregate, LogicalScan
from lungfish.planner.physical import Estimate, IndexScan, Limit
from lungfish.planner.physical_columns import Frames, Planned
from lungfish.planner.plan_scan import WantedOrder, gives_order, plan_scan
from lungfish.planner.plan_tree import split_filter
from lungfish.planner.planning import Planning
from lungfish.types.sql_type import BIGINT


def plan_extreme_row(
    planning: Planning, node: LogicalAggregate, needed: frozenset[int], frames: Frames
) -> Planned | None:
    """What an aggregate reads, cut to the one row that matters; None where that is not so simple."""
    source, conjuncts = split_filter(node.input)
    if node.keys or len(node.aggregates) != 1 or not isinstance(source, LogicalScan):
        return None
    key = _sort_key(node.aggregates[0][1], source)
    if key is None or not source.table.indexes or source.with_tuple_id:
        return None
    wanted = WantedOrder((key,), 1.0)
    scan = plan_scan(planning, source, conjuncts, needed, frames, wanted)
    plan = scan.plan
    # With a filter on top of the index many rows may have to be read before one passes: how many, nobody knows.
    if not isinstance(plan, IndexScan) or plan.filter is not None or plan.any_of:
        return None
    if not gives_order(scan.order, (key,)):
        return None
    cost = scan.cost / max(scan.rows, 1.0)
    limit = Limit(
        plan, Constant(1, BIGINT), None, False, (), plan.columns, Estimate(1.0, 0.0, cost)
    )
    return Planned(limit, scan.numbers, scan.order)


def _sort_key(call: AggregateCall, scan: LogicalScan) -> SortKey | None:
    """The order in which the aggregate's value comes first."""
    if call.aggregate.name not in ("min", "max") or call.filter is not None:
        return None
    if len(call.arguments) != 1 or not isinstance(call.arguments[0], ColumnRef):
        return None
    column = call.arguments[0]
    position = column.index - scan.first_column
    if not 0 <= position < len(scan.table.columns):
        return None
    if call.aggregate.name == "min":
        return SortKey(column, is_descending=False, nulls_first=False)
    if not scan.table.columns[position].is_never_null:
        return None
    return SortKey(column, is_descending=True, nulls_first=True)
