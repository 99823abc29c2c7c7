"""Moves LIMIT below what neither adds nor drops rows, and a copy of it into the arms of UNION ALL."""

from __future__ import annotations

from lungfish.planner.expression_tree import is_volatile
from lungfish.planner.expressions import Constant
from lungfish.planner.logical import (
    LogicalAppend,
    LogicalJoin,
    LogicalLimit,
    LogicalPlan,
    LogicalProject,
)
from lungfish.planner.plan_tree import map_inputs, replace_fields
from lungfish.planner.rewriting import Rewriting
from lungfish.types.sql_type import BIGINT


def push_limits(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with its limits moved down."""
    if isinstance(plan, LogicalLimit):
        plan = _push(plan)
    return map_inputs(plan, lambda below: push_limits(below, context))


def _push(plan: LogicalLimit) -> LogicalPlan:
    below = plan.input
    if isinstance(below, LogicalProject) and not any(is_volatile(item) for _, item in below.items):
        return LogicalProject(replace_fields(plan, input=below.input), below.items)
    if plan.has_ties or not isinstance(plan.limit, Constant):
        return plan
    offset = plan.offset
    if offset is not None and not isinstance(offset, Constant):
        return plan
    skipped = 0 if offset is None else offset.value
    if plan.limit.value < 0 or skipped < 0:
        # An error of execution.
        return plan
    count = Constant(plan.limit.value + skipped, BIGINT)
    if isinstance(below, LogicalAppend):
        arms = tuple(_capped(each, count) for each in below.inputs)
        return replace_fields(plan, input=replace_fields(below, inputs=arms))
    if isinstance(below, LogicalJoin) and below.kind == "left" and not below.is_lateral:
        # Each left row gives at least one row.
        return replace_fields(plan, input=replace_fields(below, left=_capped(below.left, count)))
    return plan


def _capped(plan: LogicalPlan, count: Constant) -> LogicalPlan:
    if isinstance(plan, LogicalLimit):
        return plan
    return LogicalLimit(plan, count, None)
