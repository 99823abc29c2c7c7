"""Simplifies every expression of the plan (see simplify.py), and drops conjuncts that are true."""

from __future__ import annotations

from lungfish.planner.expression_tree import conjuncts_of, without_repeats
from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.planner.logical import LogicalFilter, LogicalJoin, LogicalPlan
from lungfish.planner.plan_tree import map_expressions, map_inputs
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.simplify import simplify


def simplify_expressions(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with simpler expressions."""
    plan = map_inputs(plan, lambda below: simplify_expressions(below, context))
    match plan:
        case LogicalFilter():
            conjuncts = _simplified(plan.conjuncts)
            if conjuncts is plan.conjuncts:
                return plan
            return LogicalFilter(plan.input, conjuncts) if conjuncts else plan.input
        case LogicalJoin():
            conjuncts = _simplified(plan.conjuncts)
            if conjuncts is plan.conjuncts:
                return plan
            return LogicalJoin(plan.kind, plan.left, plan.right, conjuncts, plan.is_lateral)
        case _:
            return map_expressions(plan, simplify)


def _simplified(conjuncts: tuple[BoundExpression, ...]) -> tuple[BoundExpression, ...]:
    if not conjuncts:
        return conjuncts
    changed = tuple(
        without_repeats(
            part
            for conjunct in conjuncts
            for part in conjuncts_of(simplify(conjunct))
            if not (isinstance(part, Constant) and part.value is True)
        )
    )
    same = len(changed) == len(conjuncts) and all(
        new is old for new, old in zip(changed, conjuncts, strict=True)
    )
    return conjuncts if same else changed
