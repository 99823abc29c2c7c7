"""Correlated EXISTS and IN that cannot become joins, as look-ups in a set of keys that is computed once.

    EXISTS (SELECT ... FROM s WHERE s.a = x AND s.b = y)    (x, y) among (SELECT s.a, s.b FROM s)

That is so within CASE, and in the condition of an outer join, where x and y are columns of different sides. PostgreSQL calls it a hashed
SubPlan (`convert_EXISTS_to_ANY` in its subselect.c). Nulls on either side match nothing, so the look-up is never null, and where only the
truth of a predicate counts, IN is no more than EXISTS with one equality more.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.callees import find_operator
from lungfish.planner.decorrelate import (
    StaysCorrelated,
    pull_links,
    separated,
    strip_for_exists,
)
from lungfish.planner.expression_tree import has_subquery, is_volatile, map_children
from lungfish.planner.expressions import BoundExpression, ColumnRef, IsNullExpr, SubqueryExpr
from lungfish.planner.hash_keys import Pair, same_typed
from lungfish.planner.logical import Item, LogicalOutput, LogicalPlan, LogicalProject
from lungfish.planner.rewriting import Rewriting, filtered
from lungfish.planner.rules.probe_price import is_probe_cheaper
from lungfish.planner.substitution import free_columns, plan_is_volatile, reads_outer_recursion


class HashedSubqueries:
    """Rewrites the subqueries of expressions that are evaluated for about `row_count` rows with the columns `outer`."""

    def __init__(self, outer: frozenset[int], row_count: float, context: Rewriting) -> None:
        self._outer = outer
        self._row_count = row_count
        self._context = context

    def predicate(self, node: BoundExpression) -> BoundExpression:
        """A predicate of which only counts whether it is true."""
        if isinstance(node, SubqueryExpr) and node.kind == "any" and node.is_correlated:
            plan = node.plan
            assert isinstance(plan, LogicalOutput)
            pairs = tuple(zip(node.operands, plan.columns, strict=True))
            is_equality = all(operator.name == "=" for operator in node.operators)
            if is_equality and not any(map(_is_unsteady, node.operands)):
                return self._hashed(node, plan.input, pairs)
            return node
        return self.value(node)

    def value(self, node: BoundExpression) -> BoundExpression:
        """Any expression."""
        if not has_subquery(node):
            return node
        changed = map_children(node, self.value)
        if isinstance(changed, SubqueryExpr) and changed.kind == "exists" and changed.is_correlated:
            return self._hashed(changed, strip_for_exists(changed.plan), [])  # type: ignore[arg-type]
        return changed

    def _hashed(
        self, node: SubqueryExpr, plan: LogicalPlan, pairs: Sequence[Pair]
    ) -> BoundExpression:
        """Whether the plan has a row in which each pair is equal, by a look-up; the very node where that is dearer, or not possible."""
        if plan_is_volatile(plan) or reads_outer_recursion(plan):
            return node
        try:
            pulled = pull_links(plan, self._outer, self._context)
        except StaysCorrelated:
            return node
        if not pulled.links or free_columns(pulled.plan):
            return node
        compared: list[Pair] = list(pairs)
        for link in pulled.links:
            sides = separated(link, self._outer)
            if sides is None or self._has_cheaper_probe(pulled.plan, sides[0]):
                return node
            compared.append((sides[1], sides[0]))
        typed = [same_typed(outside, inner) for outside, inner in compared]
        if None in typed:
            return node
        return self._membership(node, pulled.plan, [pair for pair in typed if pair is not None])

    def _has_cheaper_probe(self, plan: LogicalPlan, inner: BoundExpression) -> bool:
        if not isinstance(inner, ColumnRef):
            return False
        share = self._context.cardinality.equality_share(inner)
        return is_probe_cheaper(self._context, self._row_count, plan, inner, share)

    def _membership(
        self, node: SubqueryExpr, plan: LogicalPlan, pairs: list[Pair]
    ) -> BoundExpression:
        items: list[Item] = []
        for _, inner in pairs:
            items.append((self._context.new_column("key", inner.type), inner))
        keys = tuple(column for column, _ in items)
        known = tuple(IsNullExpr(key, is_negated=True) for key in keys)
        source = filtered(LogicalProject(plan, tuple(items)), known)
        equals = [find_operator("=", (key.type, key.type)).callee for key in keys]
        return SubqueryExpr(
            "member",
            LogicalOutput(source, keys),
            node.type,
            tuple(outside for outside, _ in pairs),
            tuple(equals),
        )


def _is_unsteady(node: BoundExpression) -> bool:
    return has_subquery(node) or is_volatile(node)
