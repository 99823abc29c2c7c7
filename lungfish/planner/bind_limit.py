"""LIMIT and OFFSET."""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, Constant, SortKey
from lungfish.planner.logical import LogicalLimit, LogicalPlan
from lungfish.planner.plan_tree import outputs
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast import queries as ast
from lungfish.sql.ast.expressions import Expression, Literal
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import BIGINT, TypeKind


def bind_limit(
    query: ast.Query, plan: LogicalPlan, keys: tuple[SortKey, ...], scope: Scope
) -> LogicalPlan:
    """The plan cut by the query's LIMIT and OFFSET, if it has any."""
    if query.limit is None and query.offset is None:
        return plan
    # A column of the query itself is refused by binding without its FROM; outer ones may be used.
    inside = Scope(scope.state, scope)
    own = outputs(plan)
    limit = _bind_count(query.limit, Clause.LIMIT, inside, own)
    offset = _bind_count(query.offset, Clause.OFFSET, inside, own)
    if query.has_ties:
        if not keys:
            raise errors.SyntaxError("WITH TIES cannot be specified without ORDER BY clause").at(
                query.position
            )
        if limit is None:
            if isinstance(query.limit, Literal):
                raise errors.InvalidRowCountInLimitClause(
                    "row count cannot be null in FETCH FIRST ... WITH TIES clause"
                )
            return plan
    if limit is None and offset is None:
        return plan
    return LogicalLimit(plan, limit, offset, query.has_ties, keys if query.has_ties else ())


def _bind_count(
    node: Expression | None, clause: Clause, scope: Scope, own: frozenset[int]
) -> BoundExpression | None:
    if node is None:
        return None
    scope.clause = clause
    # An aggregate over the query's own columns belongs to the query, which is grouped already.
    assert scope.parent is not None, "it was made inside of the query's scope"
    aggregate_count = len(scope.parent.aggregates)
    bound = scope.bind(node)
    if len(scope.parent.aggregates) > aggregate_count:
        raise errors.GroupingError(f"aggregate functions are not allowed in {clause.value}").at(
            node.position
        )
    used = columns_of(bound)
    if used and used & (own | _columns_of_from(scope.parent)):
        raise errors.InvalidColumnReference(
            f"argument of {clause.value} must not contain variables"
        ).at(node.position)
    if bound.type.kind is not TypeKind.UNKNOWN and not can_coerce(
        bound.type, BIGINT, CastContext.ASSIGNMENT
    ):
        raise errors.DatatypeMismatch(
            f"argument of {clause.value} must be type bigint, not type {bound.type}"
        ).at(node.position)
    # LIMIT 2.5 rounds, as an assignment would.
    typed = coerce_with(bound, BIGINT, CastContext.ASSIGNMENT, scope.state, node.position)
    if isinstance(typed, Constant) and typed.value is None:
        # LIMIT NULL and LIMIT ALL are no limit.
        return None
    return typed


def _columns_of_from(scope: Scope) -> frozenset[int]:
    """The columns of the query's FROM, of which a grouped query's own plan gives none."""
    return frozenset(
        column for entry in scope.entries for each in entry.refs() for column in columns_of(each)
    )
