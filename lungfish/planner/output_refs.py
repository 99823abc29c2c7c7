"""The columns that a plan yields, as references with their types."""

from __future__ import annotations

from lungfish.planner.expressions import TUPLE_ID_COLUMN, ColumnRef
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalScan,
    LogicalSort,
    LogicalSystemScan,
    LogicalWindow,
)
from lungfish.planner.plan_tree import SEMI_KINDS


def output_refs(plan: LogicalPlan) -> tuple[ColumnRef, ...]:
    """References to all columns of the plan."""
    match plan:
        case LogicalScan() | LogicalSystemScan():
            return _scanned(plan)
        case LogicalFilter() | LogicalSort() | LogicalLimit() | LogicalLock():
            return output_refs(plan.input)
        case LogicalProject() | LogicalProjectSet():
            return (*output_refs(plan.input), *(column for column, _ in plan.items))
        case LogicalWindow():
            return (*output_refs(plan.input), *(column for column, _ in plan.calls))
        case LogicalJoin():
            left = output_refs(plan.left)
            return left if plan.kind in SEMI_KINDS else left + output_refs(plan.right)
        case LogicalAggregate():
            found = [column for column, _ in plan.keys]
            found.extend(column for column, _ in plan.aggregates)
            if plan.set_number is not None:
                found.append(plan.set_number)
            return tuple(found)
        case _:
            return getattr(plan, "columns", ())


def _scanned(plan: LogicalScan | LogicalSystemScan) -> tuple[ColumnRef, ...]:
    described = plan.table.columns if isinstance(plan, LogicalScan) else plan.view.columns
    found = [
        ColumnRef(plan.first_column + at, described[at].type, described[at].name)
        for at in plan.positions
    ]
    if isinstance(plan, LogicalScan) and plan.with_tuple_id:
        found.append(ColumnRef(plan.tuple_id_column, TUPLE_ID_COLUMN.type, TUPLE_ID_COLUMN.name))
    return tuple(found)
