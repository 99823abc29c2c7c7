"""Cuts off what can yield no row: a filter that is never true, LIMIT 0, a join with nothing."""

from __future__ import annotations

from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalDistinct,
    LogicalEmpty,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalSetOperation,
    LogicalSort,
    LogicalValues,
    LogicalWindow,
)
from lungfish.planner.output_refs import output_refs
from lungfish.planner.plan_tree import SEMI_KINDS, map_inputs
from lungfish.planner.rewriting import Rewriting


def propagate_empty(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan without parts that yield nothing."""
    plan = map_inputs(plan, lambda below: propagate_empty(below, context))
    match plan:
        case LogicalFilter():
            if _is_empty(plan.input) or any(_is_never_true(each) for each in plan.conjuncts):
                return _nothing(plan)
        case (
            LogicalProject()
            | LogicalProjectSet()
            | LogicalSort()
            | LogicalDistinct()
            | LogicalWindow()
            | LogicalLock()
        ):
            if _is_empty(plan.input):
                return _nothing(plan)
        case LogicalLimit():
            if _is_empty(plan.input) or _is_zero(plan.limit):
                return _nothing(plan)
        case LogicalAggregate():
            if _is_empty(plan.input) and all(plan.grouping_sets):
                return _nothing(plan)
        case LogicalValues():
            if not plan.rows:
                return _nothing(plan)
        case LogicalJoin():
            return _join(plan)
        case LogicalAppend():
            return _append(plan)
        case LogicalSetOperation():
            if _is_empty(plan.left) or (plan.kind == "intersect" and _is_empty(plan.right)):
                return _nothing(plan)
    return plan


def _is_empty(plan: LogicalPlan) -> bool:
    return isinstance(plan, LogicalEmpty)


def _is_never_true(node: BoundExpression) -> bool:
    return isinstance(node, Constant) and node.value is not True


def _is_zero(node: BoundExpression | None) -> bool:
    return isinstance(node, Constant) and node.value == 0


def _nothing(plan: LogicalPlan) -> LogicalEmpty:
    return LogicalEmpty(output_refs(plan))


def _nulls(plan: LogicalPlan, kept: LogicalPlan) -> LogicalPlan:
    """`kept` with the columns of `plan` as nulls."""
    items = tuple((column, Constant(None, column.type)) for column in output_refs(plan))
    return LogicalProject(kept, items) if items else kept


def _join(plan: LogicalJoin) -> LogicalPlan:
    kind = plan.kind
    never = any(_is_never_true(each) for each in plan.conjuncts)
    no_left = _is_empty(plan.left)
    no_right = _is_empty(plan.right)
    if kind in ("inner", "semi"):
        return _nothing(plan) if no_left or no_right or never else plan
    if kind in SEMI_KINDS:
        if no_left:
            return _nothing(plan)
        return plan.left if no_right or (never and kind == "anti") else plan
    if no_left and no_right:
        return _nothing(plan)
    if kind == "left":
        if no_left:
            return _nothing(plan)
        return _nulls(plan.right, plan.left) if no_right or never else plan
    if kind == "right":
        if no_right:
            return _nothing(plan)
        return _nulls(plan.left, plan.right) if no_left or never else plan
    if no_right:
        return _nulls(plan.right, plan.left)
    return _nulls(plan.left, plan.right) if no_left else plan


def _append(plan: LogicalAppend) -> LogicalPlan:
    kept = [
        (below, columns)
        for below, columns in zip(plan.inputs, plan.input_columns, strict=True)
        if not _is_empty(below)
    ]
    if len(kept) == len(plan.inputs):
        return plan
    if not kept:
        return _nothing(plan)
    if len(kept) == 1:
        below, columns = kept[0]
        return LogicalProject(below, tuple(zip(plan.columns, columns, strict=True)))
    inputs = tuple(below for below, _ in kept)
    return LogicalAppend(inputs, tuple(columns for _, columns in kept), plan.columns)
