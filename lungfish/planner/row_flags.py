"""Telling a row of nulls from no row at all: a flag on the nullable side of an outer join.

A whole-row value of a table that an outer join found no partner for is null, not a row of nulls. Such a value is rare, so the
flag, a column that is true in every row of that side, is put in only where one is used.
"""

from __future__ import annotations

from lungfish.planner.expression_tree import TRUE
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import LogicalJoin, LogicalPlan, LogicalProject
from lungfish.planner.plan_tree import SEMI_KINDS, inputs, map_inputs, outputs, replace_fields


def add_row_flag(plan: LogicalPlan, column: int, flag: ColumnRef) -> LogicalPlan:
    """The plan with the flag added below the innermost outer join that may make nulls of the column."""
    changed, _ = _add(plan, column, flag)
    return changed


def _add(plan: LogicalPlan, column: int, flag: ColumnRef) -> tuple[LogicalPlan, bool]:
    """The plan, and whether the flag has found its place in it."""
    if not isinstance(plan, LogicalJoin) or plan.kind in SEMI_KINDS:
        return _add_below(plan, column, flag)
    is_left = column in outputs(plan.left)
    side = plan.left if is_left else plan.right
    below, done = _add(side, column, flag)
    nulling = ("right", "full") if is_left else ("left", "full")
    if not done and plan.kind in nulling:
        below, done = LogicalProject(side, ((flag, TRUE),)), True
    if not done:
        return plan, False
    return replace_fields(plan, **{"left" if is_left else "right": below}), True


def _add_below(plan: LogicalPlan, column: int, flag: ColumnRef) -> tuple[LogicalPlan, bool]:
    below = inputs(plan)
    if len(below) != 1 or column not in outputs(below[0]):
        return plan, False
    changed, done = _add(below[0], column, flag)
    return (map_inputs(plan, lambda _: changed), True) if done else (plan, False)
