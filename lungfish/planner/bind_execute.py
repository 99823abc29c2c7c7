"""The arguments of EXECUTE: expressions without columns and subqueries, cast to what the parameters are."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.planner.binder import new_state
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expression_tree import has_subquery
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.optimizer import optimize_expression
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast.expressions import Expression
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import SqlType, TypeKind


def bind_execute_argument(
    node: Expression,
    wanted: SqlType | None,
    index: int,
    catalog: Catalog,
    search_path: Sequence[str],
) -> BoundExpression:
    """Argument `index`, as `wanted` if that is known. Raises DatatypeMismatch, FeatureNotSupported."""
    state = new_state(catalog, tuple(search_path))
    scope = Scope(state, None)
    scope.clause = Clause.EXECUTE
    bound = scope.bind(node)
    if has_subquery(bound):
        raise errors.FeatureNotSupported("cannot use subquery in EXECUTE parameter").at(
            node.position
        )
    if wanted is not None and wanted.kind is not TypeKind.UNKNOWN:
        if not can_coerce(bound.type, wanted, CastContext.ASSIGNMENT):
            raise errors.DatatypeMismatch(
                f"parameter ${index + 1} of type {bound.type.unmodified} cannot be coerced"
                f" to the expected type {wanted.unmodified}",
                hint="You will need to rewrite or cast the expression.",
            ).at(node.position)
        bound = coerce_with(bound, wanted, CastContext.ASSIGNMENT, state, node.position)
    return optimize_expression(bound)
