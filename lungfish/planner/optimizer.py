"""The rules that rewrite a logical plan, in the order in which they are applied.

Queries of WITH are merged with their readers first; then each plan of the statement (the root, what is left of WITH, and the plans
inside of subquery expressions) goes through `RULES`, each rule once. The order matters in these places:

- subqueries are unnested before predicates move, because a subquery predicate becomes a join that they may pass;
- outer joins are simplified before that too, since a predicate goes further through an inner join;
- semi joins sink before joins are ordered: they are relations to that rule;
- columns are pruned last, when it is settled who uses them.

`needs` spares plans that cannot interest a rule: it is applied only if the plan has a node of one of these kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lungfish.planner.expression_tree import has_subquery, map_children
from lungfish.planner.expressions import BoundExpression, SubqueryExpr
from lungfish.planner.logical import (
    LogicalCte,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalPlan,
    LogicalStatement,
)
from lungfish.planner.plan_tree import expressions_of, map_expressions, map_inputs, walk_plan
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.rules.eliminate_distinct import eliminate_distinct
from lungfish.planner.rules.inline_ctes import inline_ctes
from lungfish.planner.rules.order_joins import order_joins
from lungfish.planner.rules.propagate_empty import propagate_empty
from lungfish.planner.rules.prune_columns import prune_columns
from lungfish.planner.rules.push_limits import push_limits
from lungfish.planner.rules.push_predicates import push_predicates
from lungfish.planner.rules.push_semi_joins import push_semi_joins
from lungfish.planner.rules.simplify_expressions import simplify_expressions
from lungfish.planner.rules.simplify_outer_joins import simplify_outer_joins
from lungfish.planner.rules.unnest_subqueries import unnest_subqueries
from lungfish.planner.simplify import simplify
from lungfish.planner.statistics import Statistics
from lungfish.planner.substitution import with_plan

Rewrite = Callable[[LogicalPlan, Rewriting], LogicalPlan]
# Called after each rule that changed a plan: the rule's name and the new plan.
Observer = Callable[[str, LogicalPlan], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite of a plan into an equivalent one."""

    rewrite: Rewrite
    # Kinds of nodes of which the plan must have one; none: any plan will do.
    needs: frozenset[type] = frozenset()
    # Whether the plan must have a subquery expression.
    needs_subquery: bool = False

    @property
    def name(self) -> str:
        """The rule's name, as golden plans show it."""
        return self.rewrite.__name__


JOINS = frozenset({LogicalJoin})

RULES: tuple[Rule, ...] = (
    Rule(simplify_expressions),
    Rule(unnest_subqueries, needs_subquery=True),
    Rule(simplify_outer_joins, JOINS),
    Rule(push_predicates, frozenset({LogicalFilter, LogicalJoin})),
    Rule(propagate_empty, frozenset({LogicalFilter, LogicalLimit, LogicalJoin})),
    Rule(eliminate_distinct, frozenset({LogicalDistinct})),
    Rule(push_limits, frozenset({LogicalLimit})),
    Rule(push_semi_joins, JOINS),
    Rule(order_joins, JOINS),
    Rule(prune_columns),
)


def optimize(
    statement: LogicalStatement, statistics: Statistics, observer: Observer | None = None
) -> LogicalStatement:
    """The statement with its plans rewritten."""
    context = Rewriting(statement, statistics)
    if statement.ctes:
        merged = inline_ctes(statement, context)
        if observer is not None:
            observer(inline_ctes.__name__, merged.root)
        statement = merged
    root = optimize_plan(statement.root, context, observer)
    ctes = tuple(
        LogicalCte(
            cte.cte_id,
            cte.name,
            optimize_plan(cte.plan, context, observer),
            cte.is_materialized,
            cte.is_modifying,
        )
        for cte in statement.ctes
    )
    return LogicalStatement(root, statement.tag, ctes, context.next_column)


def optimize_plan(
    plan: LogicalPlan, context: Rewriting, observer: Observer | None = None
) -> LogicalPlan:
    """One plan through all rules, then the plans of the subqueries that it still has."""
    kinds = {type(node) for node in walk_plan(plan)}
    subqueries = _has_subqueries(plan)
    for rule in RULES:
        if rule.needs and kinds.isdisjoint(rule.needs):
            continue
        if rule.needs_subquery and not subqueries:
            continue
        changed = rule.rewrite(plan, context)
        if changed is not plan:
            plan = changed
            kinds = {type(node) for node in walk_plan(plan)}
            if observer is not None:
                observer(rule.name, plan)
    return _optimize_subqueries(plan, context) if subqueries else plan


def _has_subqueries(plan: LogicalPlan) -> bool:
    return any(
        has_subquery(expression) for node in walk_plan(plan) for expression in expressions_of(node)
    )


def _optimize_subqueries(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    changed = map_inputs(plan, lambda below: _optimize_subqueries(below, context))
    return map_expressions(changed, lambda node: _optimize_inside(node, context))


def _optimize_inside(node: BoundExpression, context: Rewriting) -> BoundExpression:
    changed = map_children(node, lambda child: _optimize_inside(child, context))
    if not isinstance(changed, SubqueryExpr):
        return changed
    plan = optimize_plan(changed.plan, context)  # type: ignore[arg-type]
    return changed if plan is changed.plan else with_plan(changed, plan)


def optimize_expression(node: BoundExpression) -> BoundExpression:
    """A lone expression simplified."""
    return simplify(node)
