"""Simplifies every expression of the plan (see simplify.py), and drops conjuncts that are true.

A constant that cannot be computed (1/0) is an error here, whether or not a row would ever need it: so PostgreSQL has it. Only what a
subquery computes and nobody reads is let be, because PostgreSQL has dropped it by now.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.expression_tree import (
    add_columns,
    conjuncts_of,
    has_subquery,
    map_children,
    without_repeats,
)
from lungfish.planner.expressions import BoundExpression, Constant, SubqueryExpr
from lungfish.planner.logical import (
    Item,
    LogicalFilter,
    LogicalFunctionScan,
    LogicalJoin,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
)
from lungfish.planner.plan_tree import (
    expressions_of,
    map_expressions,
    map_inputs,
    outputs,
    replace_fields,
    walk_plan,
)
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.simplify import Simplifier
from lungfish.planner.substitution import with_plan


def simplify_expressions(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with simpler expressions, those in its subqueries too. Raises what its constants raise."""
    return _Pass(plan, context).rewrite(plan)


class _Pass:
    def __init__(self, root: LogicalPlan, context: Rewriting, *, is_read: bool = True) -> None:
        """`is_read`: whether anybody looks at what the plan gives."""
        self._root = root
        self._context = context
        self._results = outputs(root) if is_read else frozenset()
        self._failures: list[errors.Error] = []
        self._simplifier = Simplifier(self._failures)

    def rewrite(self, plan: LogicalPlan) -> LogicalPlan:
        """The plan and all below it."""
        plan = map_inputs(plan, self.rewrite)
        match plan:
            case LogicalFilter():
                conjuncts = self._conjuncts(plan.conjuncts)
                if conjuncts is plan.conjuncts:
                    return plan
                return LogicalFilter(plan.input, conjuncts) if conjuncts else plan.input
            case LogicalJoin():
                conjuncts = self._conjuncts(plan.conjuncts)
                if conjuncts is plan.conjuncts:
                    return plan
                return LogicalJoin(plan.kind, plan.left, plan.right, conjuncts, plan.is_lateral)
            case LogicalProject() | LogicalProjectSet():
                items = tuple([self._item(item) for item in plan.items])
                if all(new is old for new, old in zip(items, plan.items, strict=True)):
                    return plan
                return replace_fields(plan, items=items)
            case LogicalFunctionScan():
                # The calls themselves stay calls: the scan makes rows of them.
                changed = map_expressions(plan, lambda call: map_children(call, self._simplify))
                self._raise_failure()
                return changed
            case _:
                changed = map_expressions(plan, self._simplify)
                self._raise_failure()
                return changed

    def _simplify(self, expression: BoundExpression) -> BoundExpression:
        changed = self._simplifier.simplify(expression)
        if self._context.has_subqueries and not self._failures and has_subquery(changed):
            return self._inside(changed)
        return changed

    def _inside(self, node: BoundExpression) -> BoundExpression:
        changed = map_children(node, self._inside)
        if not isinstance(changed, SubqueryExpr):
            return changed
        below = _Pass(changed.plan, self._context, is_read=changed.kind != "exists")  # type: ignore[arg-type]
        plan = below.rewrite(changed.plan)  # type: ignore[arg-type]
        return changed if plan is changed.plan else with_plan(changed, plan)

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _item(self, item: Item) -> Item:
        column, expression = item
        changed = self._simplify(expression)
        if self._failures and self._is_read(column.index):
            self._raise_failure()
        self._failures.clear()
        return item if changed is expression else (column, changed)

    def _is_read(self, number: int) -> bool:
        """Whether the plan's result or an expression of it uses the column."""
        used = set(self._results)
        for node in walk_plan(self._root):
            if isinstance(node, LogicalOutput):
                continue
            for expression in expressions_of(node):
                add_columns(expression, used)
        return number in used

    def _conjuncts(self, conjuncts: tuple[BoundExpression, ...]) -> tuple[BoundExpression, ...]:
        if not conjuncts:
            return conjuncts
        parts: list[BoundExpression] = []
        for conjunct in conjuncts:
            simplified = self._simplify(conjunct)
            if isinstance(simplified, Constant) and simplified.value is False:
                # What stands behind it is not looked at.
                parts = [simplified]
                break
            parts.extend(conjuncts_of(simplified))
        self._raise_failure()
        changed = tuple(
            without_repeats(
                part for part in parts if not (isinstance(part, Constant) and part.value is True)
            )
        )
        same = len(changed) == len(conjuncts) and all(
            new is old for new, old in zip(changed, conjuncts, strict=True)
        )
        return conjuncts if same else changed
