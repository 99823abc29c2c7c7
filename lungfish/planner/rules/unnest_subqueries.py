"""Turns subqueries in expressions into joins.

    WHERE EXISTS (R)          semi join on R's links         (NOT EXISTS: anti join)
    WHERE x IN (R)            semi join on x = R's column    (NOT IN: null-aware anti join, or a plain one without nulls)
    (SELECT agg(..) FROM R)   left join with R grouped by its links' keys
    (SELECT c FROM R)         left join, where the links hold a key of R, so that there is at most one row
    EXISTS (R) elsewhere      left join with R's distinct keys and a flag; or hashed, see hashed_subqueries.py

What decorrelate.py cannot take apart stays a `SubqueryExpr`, and so do subqueries that use nothing from outside: these are
run once. A scalar subquery over a grouping has a value even without rows: count's is 0, every other aggregate's is null,
which the left join gives anyway.
"""

from __future__ import annotations

from lungfish.planner.cardinality import RANGE, RANGE_PAIR
from lungfish.planner.decorrelate import (
    ONE_ROW,
    Pulled,
    StaysCorrelated,
    compared_column,
    group_by_links,
    join_domain,
    pull_links,
    separated,
    strip_for_exists,
    uses_outer,
)
from lungfish.planner.expression_tree import (
    TRUE,
    children,
    columns_of,
    has_subquery,
    is_volatile,
    map_children,
)
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CaseExpr,
    CoalesceExpr,
    ColumnRef,
    Constant,
    IsNullExpr,
    NotExpr,
    SubqueryExpr,
)
from lungfish.planner.hash_keys import same_typed
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalSort,
    LogicalWindow,
)
from lungfish.planner.nullability import is_not_null, not_null_columns
from lungfish.planner.plan_tree import (
    map_expressions,
    map_inputs,
    outputs,
    replace_fields,
)
from lungfish.planner.rewriting import Rewriting, filtered
from lungfish.planner.rules.hashed_subqueries import HashedSubqueries
from lungfish.planner.rules.probe_price import is_probe_cheaper
from lungfish.planner.substitution import plan_is_volatile, substitute, with_plan
from lungfish.planner.unique_keys import equated_columns, is_covered, unique_keys
from lungfish.types.sql_type import BIGINT, BOOLEAN

# Fewer outer rows than this are not worth computing their distinct values for.
DOMAIN_ROWS_MIN = 4.0
# Of joins that a condition's subquery cannot simply be moved above.
OUTER_KINDS = frozenset({"left", "right", "full"})

Conjuncts = tuple[BoundExpression, ...]


def unnest_subqueries(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with subqueries as joins, as far as that goes."""
    plan = map_inputs(plan, lambda below: unnest_subqueries(below, context))
    plan = map_expressions(plan, lambda node: _inside(node, context))
    match plan:
        case LogicalFilter():
            return _in_filter(plan, context)
        case LogicalJoin() if plan.kind == "inner" and any(map(has_subquery, plan.conjuncts)):
            join = replace_fields(plan, conjuncts=())
            return _in_filter(LogicalFilter(join, plan.conjuncts), context)
        case LogicalJoin() if plan.kind in OUTER_KINDS and any(map(has_subquery, plan.conjuncts)):
            return _in_outer_join(plan, context)
        case LogicalProject() | LogicalAggregate() | LogicalSort() | LogicalWindow():
            lifter = _Lifter(plan.input, context)
            changed = map_expressions(plan, lifter.lift)
            if lifter.plan is plan.input:
                return plan
            return replace_fields(changed, input=lifter.plan)
        case _:
            return plan


def _inside(node: BoundExpression, context: Rewriting) -> BoundExpression:
    """The expression with the plans of its subqueries unnested in themselves."""
    changed = map_children(node, lambda child: _inside(child, context))
    if not isinstance(changed, SubqueryExpr):
        return changed
    if changed.kind == "exists":
        core = strip_for_exists(changed.plan)  # type: ignore[arg-type]
        if isinstance(core, LogicalAggregate) and not core.keys:
            # An aggregate without GROUP BY always gives a row.
            return TRUE
        changed = with_plan(changed, LogicalOutput(core, ()))
    plan = unnest_subqueries(changed.plan, context)  # type: ignore[arg-type]
    return changed if plan is changed.plan else with_plan(changed, plan)


# Predicates.


def _in_outer_join(plan: LogicalJoin, context: Rewriting) -> LogicalJoin:
    """The join with its condition's subqueries about one side alone as joins below it."""
    left, right = plan.left, plan.right
    conjuncts = plan.conjuncts
    if plan.kind == "left":
        right, conjuncts = _below_nullable(right, left, conjuncts, context)
    elif plan.kind == "right":
        left, conjuncts = _below_nullable(left, right, conjuncts, context)
    over_left = _Lifter(left, context, other=outputs(right))
    over_right = _Lifter(right, context, other=outputs(left))
    columns = outputs(left) | outputs(right)
    pair_count = context.cardinality.rows(left) * context.cardinality.rows(right)
    hashed = HashedSubqueries(columns, pair_count, context)
    lifted = tuple(
        hashed.predicate(over_right.lift(over_left.lift(conjunct))) for conjunct in conjuncts
    )
    return replace_fields(plan, left=over_left.plan, right=over_right.plan, conjuncts=lifted)


def _below_nullable(
    nullable: LogicalPlan, other: LogicalPlan, conjuncts: Conjuncts, context: Rewriting
) -> tuple[LogicalPlan, Conjuncts]:
    """The side that may be missing with the predicates that have subqueries about it alone, and the other predicates."""
    inside: list[BoundExpression] = []
    kept: list[BoundExpression] = []
    for conjunct in conjuncts:
        used = columns_of(conjunct)
        is_inside = used.isdisjoint(outputs(other)) and not used.isdisjoint(outputs(nullable))
        moves = is_inside and has_subquery(conjunct) and not is_volatile(conjunct)
        (inside if moves else kept).append(conjunct)
    if not inside:
        return nullable, conjuncts
    return _in_filter(LogicalFilter(nullable, tuple(inside)), context), tuple(kept)


def _in_filter(plan: LogicalFilter, context: Rewriting) -> LogicalPlan:
    plain = tuple(each for each in plan.conjuncts if not has_subquery(each))
    others = [each for each in plan.conjuncts if has_subquery(each)]
    if not others:
        return plan
    below = filtered(plan.input, plain)
    kept: list[BoundExpression] = []
    for conjunct in others:
        joined = _as_join(conjunct, below, context)
        if joined is None:
            kept.append(conjunct)
        else:
            below = joined
    if not kept:
        return below
    lifter = _Lifter(below, context)
    lifted = tuple(lifter.lift(conjunct) for conjunct in kept)
    return filtered(lifter.plan, lifted)


def _as_join(
    conjunct: BoundExpression, below: LogicalPlan, context: Rewriting
) -> LogicalPlan | None:
    """The rows of `below` for which a subquery predicate is true, as a semi or anti join; None if it is no such predicate."""
    is_negated = isinstance(conjunct, NotExpr)
    subquery = conjunct.operand if isinstance(conjunct, NotExpr) else conjunct
    if not isinstance(subquery, SubqueryExpr) or plan_is_volatile(subquery.plan):  # type: ignore[arg-type]
        return None
    if any(has_subquery(operand) or is_volatile(operand) for operand in subquery.operands):
        return None
    try:
        if subquery.kind == "exists":
            return _exists_join(subquery, below, context, is_negated=is_negated)
        if subquery.kind == "any":
            return _any_join(subquery, below, context, is_negated=is_negated)
    except StaysCorrelated:
        return None
    return None


def _exists_join(
    subquery: SubqueryExpr, below: LogicalPlan, context: Rewriting, *, is_negated: bool
) -> LogicalPlan | None:
    outer = outputs(below)
    core = strip_for_exists(subquery.plan)  # type: ignore[arg-type]
    if not uses_outer(core, outer):
        return None
    pulled = pull_links(core, outer, context)
    kind = "anti" if is_negated else "semi"
    return LogicalJoin(kind, below, pulled.plan, tuple(pulled.links))


def _any_join(
    subquery: SubqueryExpr, below: LogicalPlan, context: Rewriting, *, is_negated: bool
) -> LogicalPlan | None:
    outer = outputs(below)
    plan = subquery.plan
    assert isinstance(plan, LogicalOutput)
    pulled = pull_links(plan.input, outer, context)
    compared = tuple(
        Call(operator, (operand, column), BOOLEAN)
        for operator, operand, column in zip(
            subquery.operators, subquery.operands, plan.columns, strict=True
        )
    )
    if not is_negated:
        return LogicalJoin("semi", below, pulled.plan, (*pulled.links, *compared))
    not_null = not_null_columns(below) | not_null_columns(pulled.plan)
    sides = (*subquery.operands, *plan.columns)
    if all(is_not_null(side, not_null) for side in sides):
        return LogicalJoin("anti", below, pulled.plan, (*pulled.links, *compared))
    if pulled.links or len(compared) != 1 or compared[0].function.name != "=":
        return None
    if columns_of(subquery.operands[0]).isdisjoint(outer):
        return None
    if same_typed(subquery.operands[0], plan.columns[0]) is None:
        # The null-aware join is done by hashing only.
        return None
    return LogicalJoin("null-aware anti", below, pulled.plan, compared)


# Values.


class _Lifter:
    """Replaces correlated subqueries in expressions by columns of joins that it builds over a plan."""

    def __init__(
        self, plan: LogicalPlan, context: Rewriting, other: frozenset[int] = frozenset()
    ) -> None:
        """`other`: columns that the expressions use beside those of the plan; subqueries that do stay."""
        self.plan = plan
        self._other = other
        self._base = plan
        self._outer: frozenset[int] | None = None
        self._context = context
        self._done: list[tuple[SubqueryExpr, BoundExpression]] = []

    def lift(self, node: BoundExpression) -> BoundExpression:
        """The expression with what could be lifted lifted. Parts that are evaluated only for some rows stay, perhaps hashed."""
        if not has_subquery(node):
            return node
        if isinstance(node, (CaseExpr, CoalesceExpr)):
            always, *_ = children(node)
            hashed = HashedSubqueries(outputs(self._base), self._row_count, self._context)
            return map_children(
                node, lambda part: self.lift(part) if part is always else hashed.value(part)
            )
        changed = map_children(node, self.lift)
        if not isinstance(changed, SubqueryExpr) or not changed.is_correlated:
            return changed
        for known, value in self._done:
            if known == changed:
                return value
        try:
            value = self._replace(changed)
        except StaysCorrelated:
            return changed
        self._done.append((changed, value))
        return value

    def _replace(self, node: SubqueryExpr) -> BoundExpression:
        if self._outer is None:
            self._outer = outputs(self._base)
        plan = node.plan
        assert isinstance(plan, LogicalOutput)
        if not uses_outer(plan, self._outer) or uses_outer(plan, self._other):
            raise StaysCorrelated
        if plan_is_volatile(plan):
            raise StaysCorrelated
        if node.kind == "scalar":
            return self._scalar(plan)
        if node.kind == "exists":
            return self._exists(plan)
        raise StaysCorrelated

    @property
    def _row_count(self) -> float:
        """For how many rows the expressions are evaluated, about."""
        return self._context.cardinality.rows(self._base)

    # Scalar subqueries.

    def _scalar(self, plan: LogicalOutput) -> BoundExpression:
        node: LogicalPlan = plan.input
        value: BoundExpression = plan.columns[0]
        while isinstance(node, (LogicalProject, LogicalSort)):
            if isinstance(node, LogicalProject):
                value = substitute(value, {column.index: item for column, item in node.items})
            node = node.input
        if isinstance(node, LogicalAggregate) and not node.keys:
            return self._aggregated(node, value)
        return self._single_row(plan)

    def _aggregated(self, node: LogicalAggregate, value: BoundExpression) -> BoundExpression:
        assert self._outer is not None
        if has_subquery(value):
            raise StaysCorrelated
        try:
            grouped = group_by_links(node, self._outer, self._context)
            self._check_worth(node, grouped)
        except StaysCorrelated:
            grouped = self._over_domain(node)
        self.plan = LogicalJoin("left", self.plan, grouped.plan, tuple(grouped.links))
        zero = {
            column.index: CoalesceExpr((column, Constant(0, BIGINT)), column.type)
            for column, call in node.aggregates
            if call.aggregate.name == "count"
        }
        return substitute(value, zero)

    def _over_domain(self, node: LogicalAggregate) -> Pulled:
        """The grouping by the outer values themselves, for links that are no equalities."""
        assert self._outer is not None
        context = self._context
        if len(node.grouping_sets) != 1 or uses_outer(
            replace_fields(node, input=ONE_ROW), self._outer
        ):
            raise StaysCorrelated
        if context.cardinality.rows(self._base) < DOMAIN_ROWS_MIN:
            raise StaysCorrelated
        pulled = pull_links(node.input, self._outer, context)
        if self._has_probe(pulled):
            raise StaysCorrelated
        joined = join_domain(pulled, self._base, self._outer, context)
        keys = tuple((column, column) for column in joined.columns)
        aggregate = LogicalAggregate(joined.plan, keys, node.aggregates, (tuple(range(len(keys))),))
        return Pulled(aggregate, list(joined.links))

    def _has_probe(self, pulled: Pulled) -> bool:
        """Whether an index answers the links for one outer row, and would do so cheaper than the join."""
        assert self._outer is not None
        by_column: dict[int, list[Call]] = {}
        columns: dict[int, ColumnRef] = {}
        for link in pulled.links:
            found = compared_column(link, self._outer)
            if found is not None:
                column, call = found
                columns[column.index] = column
                by_column.setdefault(column.index, []).append(call)
        cardinality = self._context.cardinality
        for number, calls in by_column.items():
            names = [call.function.name for call in calls]
            if "=" in names:
                share = cardinality.equality_share(columns[number])
            else:
                share = RANGE_PAIR / 3 if len(calls) > 1 else RANGE
            if is_probe_cheaper(
                self._context, self._row_count, pulled.plan, columns[number], share, by_pairs=True
            ):
                return True
        return False

    def _check_worth(self, node: LogicalAggregate, grouped: Pulled) -> None:
        """Raise StaysCorrelated if few outer rows probe an index: then the grouping of everything would be dearer."""
        assert isinstance(grouped.plan, LogicalAggregate)
        for _, key in grouped.plan.keys:
            if isinstance(key, ColumnRef):
                share = self._context.cardinality.equality_share(key)
                if is_probe_cheaper(self._context, self._row_count, grouped.plan.input, key, share):
                    raise StaysCorrelated

    def _single_row(self, plan: LogicalOutput) -> BoundExpression:
        """A subquery that finds at most one row, because its links hold a key."""
        assert self._outer is not None
        pulled = pull_links(plan.input, self._outer, self._context)
        join = LogicalJoin("left", self.plan, pulled.plan, tuple(pulled.links))
        own = outputs(pulled.plan)
        if not is_covered(unique_keys(pulled.plan), equated_columns(join, own)):
            raise StaysCorrelated
        self.plan = join
        return plan.columns[0]

    # EXISTS as a value.

    def _exists(self, plan: LogicalOutput) -> BoundExpression:
        """Whether the outer row's values are among those that R has: a left join with these and a flag."""
        assert self._outer is not None
        context = self._context
        pulled = pull_links(strip_for_exists(plan), self._outer, context)
        flag = context.new_column("exists", BOOLEAN)
        sides = [separated(link, self._outer) for link in pulled.links]
        if any(side is None for side in sides):
            if context.cardinality.rows(self._base) < DOMAIN_ROWS_MIN:
                raise StaysCorrelated
            joined = join_domain(pulled, self._base, self._outer, context)
            keys, links, source = joined.columns, joined.links, joined.plan
        else:
            source, keys, links = _keyed(
                pulled, [side for side in sides if side is not None], context
            )
        distinct = LogicalDistinct(source, keys)
        flagged = LogicalProject(distinct, ((flag, TRUE),))
        self.plan = LogicalJoin("left", self.plan, flagged, links)
        return IsNullExpr(flag, is_negated=True)


def _keyed(
    pulled: Pulled,
    sides: list[tuple[BoundExpression, BoundExpression, Call]],
    context: Rewriting,
) -> tuple[LogicalPlan, tuple[ColumnRef, ...], tuple[BoundExpression, ...]]:
    """The pulled plan with the inner sides of its links as columns, and the links over these."""
    items: list[tuple[ColumnRef, BoundExpression]] = []
    keys: list[ColumnRef] = []
    links: list[BoundExpression] = []
    own = outputs(pulled.plan)
    for inner, outside, call in sides:
        if isinstance(inner, ColumnRef) and inner.index in own:
            column = inner
        else:
            column = context.new_column("key", inner.type)
            items.append((column, inner))
        if column not in keys:
            keys.append(column)
        links.append(Call(call.function, (outside, column), BOOLEAN))
    plan = LogicalProject(pulled.plan, tuple(items)) if items else pulled.plan
    return plan, tuple(keys), tuple(links)
