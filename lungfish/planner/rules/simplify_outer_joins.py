"""Makes outer joins inner, or less outer, where the rows that they add are thrown away above.

A left join adds rows whose right columns are null; a predicate above that is not true of a null in one of these columns
undoes that (Galindo-Legaria and Rosenthal 1997). `rejected` is what is known from above: columns that are not null in any
row that matters.
"""

from __future__ import annotations

from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalSort,
)
from lungfish.planner.nullability import all_rejected_nulls, null_makers
from lungfish.planner.plan_tree import SEMI_KINDS, map_inputs, outputs
from lungfish.planner.rewriting import Rewriting

NOTHING: frozenset[int] = frozenset()


def simplify_outer_joins(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with outer joins reduced."""
    return _reduce(plan, NOTHING)


def _reduce(plan: LogicalPlan, rejected: frozenset[int]) -> LogicalPlan:
    match plan:
        case LogicalFilter():
            below = _reduce(plan.input, rejected | all_rejected_nulls(plan.conjuncts))
            return plan if below is plan.input else LogicalFilter(below, plan.conjuncts)
        case LogicalProject():
            below = _reduce(plan.input, _through_items(plan, rejected))
            return plan if below is plan.input else LogicalProject(below, plan.items)
        case LogicalOutput() | LogicalSort() | LogicalDistinct():
            return map_inputs(plan, lambda below: _reduce(below, rejected))
        case LogicalAggregate():
            kept = _through_keys(plan, rejected)
            return map_inputs(plan, lambda below: _reduce(below, kept))
        case LogicalJoin():
            return _join(plan, rejected)
        case _:
            return map_inputs(plan, lambda below: _reduce(below, NOTHING))


def _through_items(plan: LogicalProject, rejected: frozenset[int]) -> frozenset[int]:
    """A computed column that must not be null keeps what makes it null from being so."""
    found = set(rejected)
    for column, expression in plan.items:
        if column.index in rejected:
            found |= null_makers(expression)
    return frozenset(found)


def _through_keys(plan: LogicalAggregate, rejected: frozenset[int]) -> frozenset[int]:
    if len(plan.grouping_sets) != 1:
        return NOTHING
    found: set[int] = set()
    for column, key in plan.keys:
        if column.index in rejected:
            found |= null_makers(key)
    return frozenset(found)


def _join(plan: LogicalJoin, rejected: frozenset[int]) -> LogicalPlan:
    kind = plan.kind
    if kind in ("left", "full") and not rejected.isdisjoint(outputs(plan.right)):
        kind = "inner" if kind == "left" else "right"
        if plan.kind == "full" and not rejected.isdisjoint(outputs(plan.left)):
            kind = "inner"
    elif kind in ("right", "full") and not rejected.isdisjoint(outputs(plan.left)):
        kind = "inner" if kind == "right" else "left"
    own = frozenset(all_rejected_nulls(plan.conjuncts))
    left_rejected = right_rejected = rejected
    if kind == "inner" or kind == "semi":
        left_rejected = right_rejected = rejected | own
    elif kind == "null-aware anti":
        # A null on the right side is what the join looks for.
        left_rejected, right_rejected = rejected, NOTHING
    elif kind in ("left", *SEMI_KINDS):
        # Rows of the right side that the condition drops do not matter.
        left_rejected, right_rejected = rejected, own
    elif kind == "right":
        left_rejected, right_rejected = own, rejected
    else:
        left_rejected = right_rejected = NOTHING
    left, right = _reduce(plan.left, left_rejected), _reduce(plan.right, right_rejected)
    if kind == plan.kind and left is plan.left and right is plan.right:
        return plan
    return LogicalJoin(kind, left, right, plan.conjuncts, plan.is_lateral)
