"""The select list as plan nodes: windows, computed columns, set-returning calls."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.bind_targets import Target
from lungfish.planner.expression_tree import map_children
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef, WindowCall
from lungfish.planner.logical import (
    Item,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalWindow,
)
from lungfish.planner.plan_tree import outputs
from lungfish.planner.scope import Scope, WindowSpecification


def add_windows(plan: LogicalPlan, scope: Scope) -> LogicalPlan:
    """A `LogicalWindow` for each partitioning and order among the query's window calls."""
    groups: list[tuple[WindowSpecification, list[tuple[ColumnRef, WindowCall]]]] = []
    for column, call, specification in scope.windows:
        for known, calls in groups:
            if known == specification:
                calls.append((column, call))
                break
        else:
            groups.append((specification, [(column, call)]))
    for specification, calls in groups:
        plan = LogicalWindow(plan, specification.partition_by, specification.order_by, tuple(calls))
    return plan


def project_targets(plan: LogicalPlan, targets: Sequence[Target], scope: Scope) -> LogicalPlan:
    """The plan with a column for each target; the targets' expressions become these columns."""
    if scope.has_set_calls:
        plan = _expand_sets(plan, targets, scope)
    items: list[Item] = []
    # A column of an enclosing query gets a number of its own here: an outer join around may make it null.
    own = outputs(plan) if scope.is_nested() else None
    for target in targets:
        expression = target.expression
        if isinstance(expression, ColumnRef) and (own is None or expression.index in own):
            continue
        for column, known in items:
            if known is expression:
                target.expression = column
                break
        else:
            column = scope.state.new_column(target.name, expression.type)
            items.append((column, expression))
            target.expression = column
    return LogicalProject(plan, tuple(items)) if items else plan


def _expand_sets(plan: LogicalPlan, targets: Sequence[Target], scope: Scope) -> LogicalPlan:
    """Set-returning calls as columns of `LogicalProjectSet`s: calls inside calls in a node below."""
    levels: list[list[tuple[ColumnRef, Call]]] = []

    def lift(node: BoundExpression) -> tuple[BoundExpression, int]:
        """The node with its calls replaced by columns, and at which level its value is there."""
        deepest = 0

        def lift_child(child: BoundExpression) -> BoundExpression:
            nonlocal deepest
            lifted, level = lift(child)
            deepest = max(deepest, level)
            return lifted

        changed = map_children(node, lift_child)
        if not isinstance(changed, Call) or not changed.function.returns_set:
            return changed, deepest
        while len(levels) <= deepest:
            levels.append([])
        for column, known in levels[deepest]:
            if known == changed:
                return column, deepest + 1
        column = scope.state.new_column(changed.function.name, changed.type)
        levels[deepest].append((column, changed))
        return column, deepest + 1

    for target in targets:
        target.expression = lift(target.expression)[0]
    for items in levels:
        plan = LogicalProjectSet(plan, tuple(items))
    return plan
