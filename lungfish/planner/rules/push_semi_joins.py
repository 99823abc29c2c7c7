"""Moves semi and anti joins, which drop rows, below the joins that multiply them.

A semi join that compares columns of one input of a join only may be done on that input first:
(A join B) semi R = (A semi R) join B, if the condition uses A and R.
"""

from __future__ import annotations

from lungfish.planner.expression_tree import columns_of
from lungfish.planner.logical import LogicalFilter, LogicalJoin, LogicalPlan
from lungfish.planner.plan_tree import SEMI_KINDS, map_inputs, outputs, replace_fields
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.substitution import free_columns


def push_semi_joins(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with its semi and anti joins as far down as they go."""
    if isinstance(plan, LogicalJoin) and plan.kind in SEMI_KINDS and not plan.is_lateral:
        used = frozenset(
            number for conjunct in plan.conjuncts for number in columns_of(conjunct)
        ) | frozenset(column.index for column in free_columns(plan.right))
        plan = _sink(plan, plan.left, used & outputs(plan.left))
    return map_inputs(plan, lambda below: push_semi_joins(below, context))


def _sink(join: LogicalJoin, left: LogicalPlan, used: frozenset[int]) -> LogicalPlan:
    """The semi join with `left` as its left side, done as far below as its columns are."""
    if not used:
        return replace_fields(join, left=left)
    if isinstance(left, LogicalFilter):
        below = _sink(join, left.input, used)
        # Filters are cheap: they stay below the join unless it went further down.
        if isinstance(below, LogicalJoin) and below.kind == join.kind and below.left is left.input:
            return replace_fields(join, left=left)
        return LogicalFilter(below, left.conjuncts)
    if isinstance(left, LogicalJoin):
        if left.kind in ("inner", "left") and used <= outputs(left.left):
            return replace_fields(left, left=_sink(join, left.left, used))
        if left.kind in ("inner", "right") and not left.is_lateral and used <= outputs(left.right):
            return replace_fields(left, right=_sink(join, left.right, used))
        if left.kind in SEMI_KINDS:
            below = _sink(join, left.left, used)
            if not (isinstance(below, LogicalJoin) and below.left is left.left):
                return replace_fields(left, left=below)
    return replace_fields(join, left=left)
