"""The rules that rewrite a logical plan, in the order in which they are applied.

Queries of WITH are merged with their readers first; then each plan of the statement (the root, what is left of WITH, and the plans
inside of subquery expressions) goes through `RULES`, each rule once. The order matters in these places:

- subqueries are unnested before predicates move, because a subquery predicate becomes a join that they may pass;
- outer joins are simplified before that too, since a predicate goes further through an inner join;
- semi joins sink before joins are ordered: they are relations to that rule;
- columns are pruned last, when it is settled who uses them.

`needs` spares plans that cannot interest a rule: it is applied only if the plan has one of these traits.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from lungfish.planner.expression_tree import has_subquery, map_children
from lungfish.planner.expressions import BoundExpression, Constant, SubqueryExpr
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalOutput,
    LogicalPlan,
    LogicalScan,
    LogicalStatement,
    LogicalSystemScan,
    LogicalWindow,
)
from lungfish.planner.plan_tree import (
    expressions_of,
    map_expressions,
    map_inputs,
    replace_fields,
    walk_plan,
)
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.rules.eliminate_distinct import eliminate_distinct
from lungfish.planner.rules.inline_ctes import inline_ctes
from lungfish.planner.rules.order_joins import order_joins
from lungfish.planner.rules.propagate_empty import propagate_empty
from lungfish.planner.rules.prune_columns import prune_columns
from lungfish.planner.rules.prune_partitions import prune_partitions
from lungfish.planner.rules.push_limits import push_limits
from lungfish.planner.rules.push_predicates import push_predicates
from lungfish.planner.rules.push_semi_joins import push_semi_joins
from lungfish.planner.rules.simplify_expressions import simplify_expressions
from lungfish.planner.rules.simplify_outer_joins import simplify_outer_joins
from lungfish.planner.rules.unnest_subqueries import unnest_subqueries
from lungfish.planner.simplify import simplify
from lungfish.planner.statistics import Statistics
from lungfish.planner.substitution import with_plan
from lungfish.types.frozen import frozen

Rewrite = Callable[[LogicalPlan, Rewriting], LogicalPlan]
# Called after each rule that changed a plan: the rule's name and the new plan.
Observer = Callable[[str, LogicalPlan], None]


class Trait(enum.Enum):
    """Something about a plan that a rule may care for."""

    SUBQUERY = "a subquery expression"
    JOIN = "a join"
    # A filter that is not yet at a scan.
    MOVABLE_FILTER = "a filter above something other than a scan"
    CONSTANT_FILTER = "a filter with a constant conjunct"
    DISTINCT = "a DISTINCT"
    LIMIT = "a LIMIT"
    # Nodes of which parts may be unused.
    PRUNABLE = "a join, a grouping, a window or a UNION ALL"


@frozen
class Rule:
    """A rewrite of a plan into an equivalent one."""

    rewrite: Rewrite
    # Traits of which the plan must have one; none: any plan will do.
    needs: frozenset[Trait] = frozenset()

    @property
    def name(self) -> str:
        """The rule's name, as golden plans show it."""
        return self.rewrite.__name__


JOIN = frozenset({Trait.JOIN})

RULES: tuple[Rule, ...] = (
    Rule(simplify_expressions),
    Rule(unnest_subqueries, frozenset({Trait.SUBQUERY})),
    Rule(simplify_outer_joins, JOIN),
    Rule(push_predicates, frozenset({Trait.MOVABLE_FILTER, Trait.JOIN})),
    Rule(prune_partitions, frozenset({Trait.PRUNABLE})),
    Rule(propagate_empty, frozenset({Trait.CONSTANT_FILTER, Trait.LIMIT, Trait.JOIN})),
    Rule(eliminate_distinct, frozenset({Trait.DISTINCT})),
    Rule(push_limits, frozenset({Trait.LIMIT})),
    Rule(push_semi_joins, JOIN),
    Rule(order_joins, JOIN),
    Rule(prune_columns, frozenset({Trait.PRUNABLE})),
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
    root = optimize_plan(statement.root, context, statement.has_subqueries, observer)
    ctes = tuple(
        replace_fields(
            cte, plan=optimize_plan(cte.plan, context, statement.has_subqueries, observer)
        )
        for cte in statement.ctes
    )
    return replace_fields(statement, root=root, ctes=ctes, next_column=context.next_column)


def optimize_plan(
    plan: LogicalPlan,
    context: Rewriting,
    may_have_subqueries: bool,
    observer: Observer | None = None,
) -> LogicalPlan:
    """One plan through all rules, then the plans of the subqueries that it still has."""
    traits = _traits(plan)
    lasting = frozenset({Trait.SUBQUERY} if may_have_subqueries and _has_subqueries(plan) else ())
    traits |= lasting
    for rule in RULES:
        if rule.needs and traits.isdisjoint(rule.needs):
            continue
        changed = rule.rewrite(plan, context)
        if changed is not plan:
            plan = changed
            traits = _traits(plan) | lasting
            if observer is not None:
                observer(rule.name, plan)
    if may_have_subqueries and _has_subqueries(plan):
        return _optimize_subqueries(plan, context)
    return plan


def _has_subqueries(plan: LogicalPlan) -> bool:
    for node in walk_plan(plan):
        if type(node) not in WITHOUT_EXPRESSIONS:
            for expression in expressions_of(node):
                if has_subquery(expression):
                    return True
    return False


WITHOUT_EXPRESSIONS = frozenset(
    {LogicalScan, LogicalSystemScan, LogicalOutput, LogicalDistinct, LogicalAppend}
)


_TRAITS: dict[type, frozenset[Trait]] = {
    LogicalJoin: frozenset({Trait.JOIN, Trait.PRUNABLE}),
    LogicalDistinct: frozenset({Trait.DISTINCT}),
    LogicalLimit: frozenset({Trait.LIMIT}),
    LogicalAggregate: frozenset({Trait.PRUNABLE}),
    LogicalWindow: frozenset({Trait.PRUNABLE}),
    LogicalAppend: frozenset({Trait.PRUNABLE}),
}


def _traits(plan: LogicalPlan) -> set[Trait]:
    """What the rules may care for in the plan, but for subqueries: only the first of them looks for these."""
    found: set[Trait] = set()
    for node in walk_plan(plan):
        kind = type(node)
        if isinstance(node, LogicalFilter):
            if not isinstance(node.input, (LogicalScan, LogicalSystemScan)):
                found.add(Trait.MOVABLE_FILTER)
            if any(type(conjunct) is Constant for conjunct in node.conjuncts):
                found.add(Trait.CONSTANT_FILTER)
        elif kind in _TRAITS:
            found |= _TRAITS[kind]
    return found


def _optimize_subqueries(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    changed = map_inputs(plan, lambda below: _optimize_subqueries(below, context))
    return map_expressions(changed, lambda node: _optimize_inside(node, context))


def _optimize_inside(node: BoundExpression, context: Rewriting) -> BoundExpression:
    changed = map_children(node, lambda child: _optimize_inside(child, context))
    if not isinstance(changed, SubqueryExpr):
        return changed
    plan = optimize_plan(changed.plan, context, True)  # type: ignore[arg-type]
    return changed if plan is changed.plan else with_plan(changed, plan)


def optimize_expression(node: BoundExpression) -> BoundExpression:
    """A lone expression simplified."""
    return simplify(node)
