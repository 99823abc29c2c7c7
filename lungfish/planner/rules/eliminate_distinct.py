"""Drops a DISTINCT whose rows differ anyway, because its columns hold a key of its input."""

from __future__ import annotations

from lungfish.planner.logical import LogicalDistinct, LogicalJoin, LogicalPlan
from lungfish.planner.plan_tree import SEMI_KINDS, map_inputs, replace_fields
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.unique_keys import is_covered, unique_keys


def eliminate_distinct(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan without needless DISTINCTs."""
    plan = map_inputs(plan, lambda below: eliminate_distinct(below, context))
    match plan:
        case LogicalDistinct():
            columns = frozenset(column.index for column in (plan.on or plan.columns))
            if is_covered(unique_keys(plan.input), columns):
                return plan.input
        case LogicalJoin() if plan.kind in SEMI_KINDS:
            # How often the right side has a row does not matter.
            if isinstance(plan.right, LogicalDistinct) and not plan.right.on:
                return replace_fields(plan, right=plan.right.input)
    return plan
