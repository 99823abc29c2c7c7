"""Taking an inner query apart from the outer rows that it uses.

Given a plan R that uses columns of an outer plan L, `pull_links` answers an R' that does not, and *links*: predicates over columns
of L and R' such that joining L with R' on them gives what running R for each row of L would. Links are R's own predicates, moved
up as far as they may go; past a grouping only equalities can go, which become further keys.

Where that is not enough, `join_domain` puts the outer values themselves into R: D, the distinct values that L has in the columns
at stake, is joined with R on the links, and the link that remains is equality with D's columns.
(Neumann and Kemper 2015, "Unnesting Arbitrary Queries"; unlike there, D is used only where moving predicates up fails, and
only at one grouping: a correlated LIMIT, set operation or outer join inside R is not taken apart, and such a subquery is run
for each outer row, its results remembered by the outer values.)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lungfish.planner.callees import find_operator
from lungfish.planner.expression_tree import columns_of, has_subquery, is_volatile, walk
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    ColumnRef,
    Constant,
    IsDistinctExpr,
)
from lungfish.planner.logical import (
    Item,
    LogicalAggregate,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
    LogicalSort,
    LogicalValues,
)
from lungfish.planner.plan_tree import SEMI_KINDS, outputs, replace_fields, walk_plan
from lungfish.planner.renumber import fresh_copy
from lungfish.planner.rewriting import Rewriting, filtered
from lungfish.planner.substitution import free_columns, plan_is_volatile, substitute
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BOOLEAN

# A plan with more scans than this is not computed a second time for its distinct values.
DOMAIN_SCANS_MAX = 2


class StaysCorrelated(Exception):
    """The plan cannot be taken apart from its outer rows."""


@dataclass(slots=True)
class Pulled:
    """A plan freed of the outer columns, and the predicates that link it with them."""

    plan: LogicalPlan
    links: list[BoundExpression] = field(default_factory=list)


def uses_outer(plan: LogicalPlan, outer: frozenset[int]) -> bool:
    """Whether the plan uses one of the outer columns."""
    return any(column.index in outer for column in free_columns(plan))


def strip_for_exists(plan: LogicalPlan) -> LogicalPlan:
    """What decides whether there is a row: without order, duplicates, computed columns and a limit that lets one row through."""
    while True:
        match plan:
            case LogicalOutput() | LogicalSort() | LogicalProject() | LogicalDistinct():
                plan = plan.input
            case LogicalLimit(limit=limit, offset=None) if limit is None or (
                isinstance(limit, Constant) and limit.value is not None and limit.value > 0
            ):
                plan = plan.input
            case _:
                return plan


def pull_links(plan: LogicalPlan, outer: frozenset[int], context: Rewriting) -> Pulled:
    """Move the predicates that use outer columns out of the plan. Raises StaysCorrelated."""
    if not uses_outer(plan, outer):
        return Pulled(plan)
    match plan:
        case LogicalFilter():
            below = pull_links(plan.input, outer, context)
            own, links = _split(plan.conjuncts, outer)
            return Pulled(filtered(below.plan, own), below.links + links)
        case LogicalProject():
            if any(_is_linked(expression, outer) for _, expression in plan.items):
                raise StaysCorrelated
            below = pull_links(plan.input, outer, context)
            return Pulled(LogicalProject(below.plan, plan.items), below.links)
        case LogicalJoin():
            return _pull_from_join(plan, outer, context)
        case LogicalAggregate():
            if not plan.keys:
                # Without rows it still gives one, which a join would not.
                raise StaysCorrelated
            return group_by_links(plan, outer, context)
        case LogicalDistinct():
            return _pull_from_distinct(plan, outer, context)
        case LogicalSort() | LogicalOutput():
            return pull_links(plan.input, outer, context)
        case _:
            raise StaysCorrelated


def _is_linked(node: BoundExpression, outer: frozenset[int]) -> bool:
    return not columns_of(node).isdisjoint(outer)


def _split(
    conjuncts: tuple[BoundExpression, ...], outer: frozenset[int]
) -> tuple[tuple[BoundExpression, ...], list[BoundExpression]]:
    own: list[BoundExpression] = []
    links: list[BoundExpression] = []
    for conjunct in conjuncts:
        if not _is_linked(conjunct, outer):
            own.append(conjunct)
        elif has_subquery(conjunct) or is_volatile(conjunct):
            raise StaysCorrelated
        else:
            links.append(conjunct)
    return tuple(own), links


def _pull_from_join(plan: LogicalJoin, outer: frozenset[int], context: Rewriting) -> Pulled:
    if plan.kind == "inner":
        left = pull_links(plan.left, outer, context)
        right = pull_links(plan.right, outer, context)
        own, links = _split(plan.conjuncts, outer)
        join = LogicalJoin("inner", left.plan, right.plan, own, plan.is_lateral)
        return Pulled(join, left.links + right.links + links)
    if plan.kind != "left" and plan.kind not in SEMI_KINDS:
        raise StaysCorrelated
    if uses_outer(plan.right, outer) or any(_is_linked(each, outer) for each in plan.conjuncts):
        raise StaysCorrelated
    left = pull_links(plan.left, outer, context)
    return Pulled(replace_fields(plan, left=left.plan), left.links)


def separated(
    link: BoundExpression, outer: frozenset[int]
) -> tuple[BoundExpression, BoundExpression, Call] | None:
    """The inner and the outer side of a link that is an equality of one with the other."""
    if not isinstance(link, Call) or link.function.name != "=" or len(link.arguments) != 2:
        return None
    left, right = link.arguments
    left_used, right_used = columns_of(left), columns_of(right)
    if left_used.isdisjoint(outer) and left_used and right_used and right_used <= outer:
        return left, right, link
    if right_used.isdisjoint(outer) and right_used and left_used and left_used <= outer:
        return right, left, link
    return None


def compared_column(link: BoundExpression, outer: frozenset[int]) -> tuple[ColumnRef, Call] | None:
    """The inner column that a link compares with outer values."""
    if not isinstance(link, Call) or link.function.name not in COMPARISONS:
        return None
    left, right = link.arguments
    for near, far in ((left, right), (right, left)):
        if isinstance(near, ColumnRef) and near.index not in outer and columns_of(far) <= outer:
            return near, link
    return None


COMPARISONS = frozenset({"=", "<", "<=", ">", ">="})


def group_by_links(plan: LogicalAggregate, outer: frozenset[int], context: Rewriting) -> Pulled:
    """The grouping with the inner sides of its links as further keys. Raises StaysCorrelated for other links."""
    if len(plan.grouping_sets) != 1 or _aggregates_use(plan, outer):
        raise StaysCorrelated
    below = pull_links(plan.input, outer, context)
    keys: list[Item] = list(plan.keys)
    links: list[BoundExpression] = []
    for link in below.links:
        sides = separated(link, outer)
        if sides is None:
            raise StaysCorrelated
        inner, outside, call = sides
        column = _key_column(inner, keys, context)
        links.append(Call(call.function, (outside, column), BOOLEAN))
    aggregate = LogicalAggregate(
        below.plan, tuple(keys), plan.aggregates, (tuple(range(len(keys))),)
    )
    return Pulled(aggregate, links)


def _aggregates_use(plan: LogicalAggregate, outer: frozenset[int]) -> bool:
    whole = replace_fields(plan, input=ONE_ROW)
    return uses_outer(whole, outer)


ONE_ROW = LogicalValues(((),), ())


def _key_column(inner: BoundExpression, keys: list[Item], context: Rewriting) -> ColumnRef:
    """The key with that expression, added if there is none. It gets a number of its own, as a grouped column."""
    for column, key in keys:
        if key == inner:
            return column
    name = inner.name if isinstance(inner, ColumnRef) else "key"
    column = context.new_column(name, inner.type)
    keys.append((column, inner))
    return column


def _pull_from_distinct(plan: LogicalDistinct, outer: frozenset[int], context: Rewriting) -> Pulled:
    if plan.on:
        raise StaysCorrelated
    below = pull_links(plan.input, outer, context)
    columns = {column.index: column for column in plan.columns}
    for link in below.links:
        sides = separated(link, outer)
        if sides is None or not isinstance(sides[0], ColumnRef):
            raise StaysCorrelated
        if sides[0].index not in outputs(below.plan):
            # It is a column of a query further out.
            raise StaysCorrelated
        columns.setdefault(sides[0].index, sides[0])
    return Pulled(LogicalDistinct(below.plan, tuple(columns.values())), below.links)


@frozen
class DomainJoin:
    """The inner plan joined with the outer values at stake, `columns`; `links` equate them with the outer plan's."""

    plan: LogicalPlan
    columns: tuple[ColumnRef, ...]
    links: tuple[BoundExpression, ...]


def join_domain(
    pulled: Pulled, around: LogicalPlan, outer: frozenset[int], context: Rewriting
) -> DomainJoin:
    """Join the distinct outer values with the pulled plan on its links. Raises StaysCorrelated if the outer plan is too dear to
    be computed twice.
    """
    scans = sum(isinstance(node, LogicalScan) for node in walk_plan(around))
    if scans > DOMAIN_SCANS_MAX or plan_is_volatile(around) or _has_other_leaves(around):
        raise StaysCorrelated
    used = sorted({number for link in pulled.links for number in columns_of(link)} & outer)
    known = {
        column.index: column
        for link in pulled.links
        for column in _refs(link)
        if column.index in outer
    }
    copy, numbers = fresh_copy(around, lambda column: context.new_column(column.name, column.type))
    columns = tuple(
        ColumnRef(numbers[number].index, known[number].type, known[number].name) for number in used
    )
    domain = LogicalDistinct(copy, columns)
    inside: dict[int, BoundExpression] = dict(zip(used, columns, strict=True))
    conjuncts = tuple(substitute(link, inside) for link in pulled.links)
    links = tuple(
        same_value(known[number], column) for number, column in zip(used, columns, strict=True)
    )
    return DomainJoin(LogicalJoin("inner", domain, pulled.plan, conjuncts), columns, links)


def _has_other_leaves(plan: LogicalPlan) -> bool:
    """Whether the plan does more than filter, compute and join tables."""
    simple = (LogicalScan, LogicalFilter, LogicalProject, LogicalJoin)
    return any(not isinstance(node, simple) for node in walk_plan(plan))


def _refs(node: BoundExpression) -> list[ColumnRef]:
    return [part for part in walk(node) if isinstance(part, ColumnRef)]


def same_value(left: ColumnRef, right: ColumnRef) -> BoundExpression:
    """`left IS NOT DISTINCT FROM right`."""
    equals = find_operator("=", (left.type, right.type)).callee
    return IsDistinctExpr(left, right, equals, True)
