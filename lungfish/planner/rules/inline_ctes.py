"""Puts a query of WITH in the place of its reader, where it has only one.

As in PostgreSQL 12 and later: a query that is read once, is not recursive, changes nothing and is not volatile is treated as if
it had been written as a subquery; MATERIALIZED forbids that, NOT MATERIALIZED extends it to several readers. A query that
nobody reads is dropped, unless it changes rows.
"""

from __future__ import annotations

from collections import Counter

from lungfish.planner.expression_tree import map_children, walk
from lungfish.planner.expressions import BoundExpression, ColumnRef, SubqueryExpr
from lungfish.planner.logical import (
    LogicalCte,
    LogicalCteScan,
    LogicalOutput,
    LogicalPlan,
    LogicalRecursiveUnion,
    LogicalStatement,
)
from lungfish.planner.plan_tree import (
    expressions_of,
    map_expressions,
    map_inputs,
    replace_fields,
    walk_plan,
)
from lungfish.planner.renumber import fresh_copy, renumber
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.substitution import plan_is_volatile, with_plan


def inline_ctes(statement: LogicalStatement, context: Rewriting) -> LogicalStatement:
    """The statement with readers and queries merged where that is allowed."""
    root, ctes = statement.root, list(statement.ctes)
    # From the last to the first, so that one that only an unread query reads is unread too.
    for cte in reversed(statement.ctes):
        plans = [root, *(other.plan for other in ctes if other.cte_id != cte.cte_id)]
        count = sum(_reader_counts(plan)[cte.cte_id] for plan in plans)
        own = next(other for other in ctes if other.cte_id == cte.cte_id)
        if count == 0 and not cte.is_modifying:
            ctes.remove(own)
        elif _may_inline(own, count):
            ctes.remove(own)
            inliner = _Inliner(own, context)
            root = inliner.rewrite(root)
            ctes = [
                LogicalCte(
                    other.cte_id,
                    other.name,
                    inliner.rewrite(other.plan),
                    other.is_materialized,
                    other.is_modifying,
                )
                for other in ctes
            ]
    return replace_fields(statement, root=root, ctes=tuple(ctes))


def _reader_counts(plan: LogicalPlan) -> Counter[int]:
    """How often each query of WITH is read, also from inside subqueries."""
    counts: Counter[int] = Counter()
    for node in walk_plan(plan):
        if isinstance(node, LogicalCteScan):
            counts[node.cte_id] += 1
        for expression in expressions_of(node):
            for part in walk(expression):
                if isinstance(part, SubqueryExpr):
                    counts.update(_reader_counts(part.plan))  # type: ignore[arg-type]
    return counts


def _may_inline(cte: LogicalCte, reader_count: int) -> bool:
    if cte.is_modifying or cte.is_materialized is True:
        return False
    if reader_count > 1 and cte.is_materialized is not False:
        return False
    if any(isinstance(node, LogicalRecursiveUnion) for node in walk_plan(cte.plan)):
        return False
    return not plan_is_volatile(cte.plan)


class _Inliner:
    """Puts one query in the place of its readers."""

    def __init__(self, cte: LogicalCte, context: Rewriting) -> None:
        assert isinstance(cte.plan, LogicalOutput)
        self._cte_id = cte.cte_id
        self._plan = cte.plan.input
        self._columns = cte.plan.columns
        self._is_used = False
        self._context = context
        # What became of the readers' columns.
        self._numbers: dict[int, ColumnRef] = {}

    def rewrite(self, plan: LogicalPlan) -> LogicalPlan:
        """The plan with its readers replaced."""
        changed = self._replace(plan)
        return plan if changed is plan else renumber(changed, self._numbers)

    def _replace(self, plan: LogicalPlan) -> LogicalPlan:
        if isinstance(plan, LogicalCteScan) and plan.cte_id == self._cte_id:
            return self._expand(plan)
        changed = map_inputs(plan, self._replace)
        return map_expressions(changed, self._replace_in_expression)

    def _replace_in_expression(self, node: BoundExpression) -> BoundExpression:
        changed = map_children(node, self._replace_in_expression)
        if isinstance(changed, SubqueryExpr):
            inner = self._replace(changed.plan)  # type: ignore[arg-type]
            if inner is not changed.plan:
                return with_plan(changed, renumber(inner, self._numbers))
        return changed

    def _expand(self, scan: LogicalCteScan) -> LogicalPlan:
        if not self._is_used:
            self._is_used = True
            plan, sources = self._plan, self._columns
        else:
            plan, numbers = fresh_copy(
                self._plan, lambda column: self._context.new_column(column.name, column.type)
            )
            sources = tuple(numbers.get(column.index, column) for column in self._columns)
        for column, source in zip(scan.columns, sources, strict=True):
            self._numbers[column.index] = source
        return plan
