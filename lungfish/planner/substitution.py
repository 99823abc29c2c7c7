"""Replacing columns by expressions, inside subqueries too; and what a plan uses of the world outside.

A subquery's plan is closed but for its *free columns*: numbers that it uses and does not make. `SubqueryExpr.outer_columns`
lists them; whoever rewrites a subquery's plan keeps that list true by going through `with_plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lungfish.planner.expression_tree import (
    LEAVES,
    add_columns,
    children,
    is_volatile,
    map_children,
    subquery_with,
    walk,
)
from lungfish.planner.expressions import BoundExpression, ColumnRef, SubqueryExpr
from lungfish.planner.logical import (
    LogicalDelete,
    LogicalDistinct,
    LogicalFilter,
    LogicalInsert,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalMerge,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSort,
    LogicalUpdate,
    LogicalWindow,
    LogicalWorkTable,
)
from lungfish.planner.plan_tree import (
    expressions_of,
    map_expressions,
    map_inputs,
    outputs,
    walk_plan,
)


def substitute(
    node: BoundExpression, replacement: Mapping[int, BoundExpression]
) -> BoundExpression:
    """The expression with columns replaced, by number."""
    kind = type(node)
    if kind is ColumnRef:
        return replacement.get(node.index, node)  # type: ignore[union-attr]
    if kind in LEAVES:
        return node
    changed = map_children(node, lambda child: substitute(child, replacement))
    if isinstance(changed, SubqueryExpr) and changed.outer_columns:
        used = {number for outer in changed.outer_columns for number in _numbers(outer)}
        if any(number in replacement for number in used):
            return with_plan(changed, substitute_in_plan(changed.plan, replacement))  # type: ignore[arg-type]
    return changed


def _numbers(node: BoundExpression) -> set[int]:
    found: set[int] = set()
    add_columns(node, found)
    return found


def substitute_in_plan(
    plan: LogicalPlan, replacement: Mapping[int, BoundExpression]
) -> LogicalPlan:
    """The plan with free columns replaced wherever they are used in it."""
    below = map_inputs(plan, lambda each: substitute_in_plan(each, replacement))
    return map_expressions(below, lambda node: substitute(node, replacement))


def with_plan(node: SubqueryExpr, plan: LogicalPlan) -> SubqueryExpr:
    """The subquery expression over another plan, its free columns found anew."""
    return subquery_with(node, plan=plan, outer_columns=free_columns(plan))


def free_columns(plan: LogicalPlan) -> tuple[ColumnRef, ...]:
    """The columns that the plan uses and does not make, in ascending order."""
    used: dict[int, ColumnRef] = {}
    made: set[int] = set()
    _collect(plan, used, made)
    return tuple(used[number] for number in sorted(used) if number not in made)


def _collect(plan: LogicalPlan, used: dict[int, ColumnRef], made: set[int]) -> None:
    # Numbers are unique in the statement, so used-but-not-made needs no regard for where.
    for node in walk_plan(plan):
        for expression in expressions_of(node):
            _collect_columns(expression, used)
        made.update(made_by(node))


def made_by(node: LogicalPlan) -> Iterable[int]:
    """The columns that the node itself makes, those of ON CONFLICT and RETURNING included."""
    match node:
        case LogicalScan():
            return outputs(node)
        case LogicalProject() | LogicalProjectSet():
            return [column.index for column, _ in node.items]
        case LogicalWindow():
            return [column.index for column, _ in node.calls]
        case LogicalInsert() | LogicalUpdate() | LogicalDelete() | LogicalMerge():
            return _made_by_modification(node)
        case LogicalJoin() | LogicalOutput() | LogicalDistinct():
            return ()
        case _:
            return () if isinstance(node, PASSING) else outputs(node)


# Nodes that hand on their input's columns and make none.
PASSING = (LogicalFilter, LogicalSort, LogicalLimit, LogicalLock)


def _made_by_modification(
    node: LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge,
) -> set[int]:
    made: set[int] = set()
    if node.returning is not None:
        row = node.returning
        rows = (row.old, row.new, row.current, row.presence)
        made.update(column.index for row in rows for column in row)
        made.update(column.index for column, _ in node.returning.items)
    if isinstance(node, LogicalInsert) and node.conflict is not None:
        made.update(column.index for column in (*node.conflict.existing, *node.conflict.proposed))
    return made


def _collect_columns(node: BoundExpression, used: dict[int, ColumnRef]) -> None:
    kind = type(node)
    if kind is ColumnRef:
        used.setdefault(node.index, node)  # type: ignore[union-attr,arg-type]
        return
    if kind in LEAVES:
        return
    for child in children(node):
        _collect_columns(child, used)
    if isinstance(node, SubqueryExpr):
        for outer in node.outer_columns:
            _collect_columns(outer, used)


def reads_outer_recursion(plan: LogicalPlan) -> bool:
    """Whether the plan reads the rows of a recursion that is not inside of it, so that each round gives others."""
    made: set[int] = set()
    read: set[int] = set()
    _collect_recursions(plan, made, read)
    return not read <= made


def _collect_recursions(plan: LogicalPlan, made: set[int], read: set[int]) -> None:
    for node in walk_plan(plan):
        if isinstance(node, LogicalRecursiveUnion):
            made.add(node.cte_id)
        elif isinstance(node, LogicalWorkTable):
            read.add(node.cte_id)
        for expression in expressions_of(node):
            for part in walk(expression):
                if isinstance(part, SubqueryExpr):
                    _collect_recursions(part.plan, made, read)  # type: ignore[arg-type]


def plan_is_volatile(plan: LogicalPlan) -> bool:
    """Whether anything in the plan may answer something else at each evaluation."""
    return any(
        expression_is_volatile(expression)
        for node in walk_plan(plan)
        for expression in expressions_of(node)
    )


def expression_is_volatile(node: BoundExpression) -> bool:
    """As `is_volatile`, with a look into subqueries."""
    if is_volatile(node):
        return True
    return any(
        isinstance(part, SubqueryExpr) and plan_is_volatile(part.plan)  # type: ignore[arg-type]
        for part in walk(node)
    )
