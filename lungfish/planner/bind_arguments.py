"""What plain, aggregate and window calls have in common: their arguments, FILTER, and an aggregate's signature."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.registry import Aggregate, Resolved
from lungfish.planner.callees import find_aggregate
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast


def bind_arguments(node: ast.FunctionCall, scope: Scope) -> tuple[BoundExpression, ...]:
    """The arguments bound. Named ones are not supported."""
    if node.argument_names:
        raise errors.FeatureNotSupported("named arguments are not supported").at(node.position)
    return tuple([scope.bind(argument) for argument in node.arguments])


def bind_filter(node: ast.FunctionCall, scope: Scope) -> BoundExpression | None:
    """FILTER (WHERE ...) of an aggregate."""
    if node.filter is None:
        return None
    condition = scope.bind(node.filter)
    return coerce_boolean(condition, "FILTER", scope.state, node.filter.position)


def resolve_aggregate(
    node: ast.FunctionCall, name: str, arguments: tuple[BoundExpression, ...], scope: Scope
) -> Resolved[Aggregate]:
    """The aggregate's signature for the arguments, or for `*`."""
    if not node.is_star and not arguments and not node.is_within_group:
        raise errors.WrongObjectType(
            f"{name}(*) must be used to call a parameterless aggregate function"
        ).at(node.position)
    types = tuple(argument.type for argument in arguments)
    return find_aggregate(name, types, node.position, is_star=node.is_star)
