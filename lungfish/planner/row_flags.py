"""Telling a row of nulls from no row at all: a flag on the nullable side of an outer join.

A whole-row value of a table that an outer join found no partner for is null, not a row of nulls. Such a value is rare, so the
flag, a column that is true in every row of that side, is put in only where one is used: also in the conditions of joins further
up, in LATERAL items and in RETURNING. So who makes a plan of FROM adds the flags once all is bound that may speak of its tables.
"""

from __future__ import annotations

from lungfish.planner.bind_state import BindState
from lungfish.planner.expression_tree import TRUE
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import LogicalPlan, LogicalProject
from lungfish.planner.plan_tree import map_inputs
from lungfish.types.sql_type import BOOLEAN


def row_flag(side: LogicalPlan, state: BindState) -> ColumnRef:
    """The column that is true in every row of the side of an outer join."""
    known = state.row_flags.get(id(side))
    if known is not None:
        return known[1]
    flag = state.new_column("has_row", BOOLEAN)
    state.row_flags[id(side)] = (side, flag)
    return flag


def add_row_flags(plan: LogicalPlan, state: BindState) -> LogicalPlan:
    """The plan with the wanted flags whose sides are in it; those of queries around stay wanted."""
    return _added(plan, state) if state.row_flags else plan


def _added(plan: LogicalPlan, state: BindState) -> LogicalPlan:
    wanted = state.row_flags.pop(id(plan), None)
    changed = map_inputs(plan, lambda below: _added(below, state))
    return changed if wanted is None else LogicalProject(changed, ((wanted[1], TRUE),))
