"""What plain, aggregate and window calls have in common: their arguments, and FILTER."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.aggregates_json import (
    AGGREGATE_NAMES,
    CONVERSIONS,
    argument_conversions,
)
from lungfish.planner.coerce import coerce_boolean, resolve_unknown
from lungfish.planner.expressions import BoundExpression, Call
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.sql_type import SqlType, TypeKind


def bind_arguments(node: ast.FunctionCall, scope: Scope) -> tuple[BoundExpression, ...]:
    """The arguments bound."""
    arguments = tuple([scope.bind(argument) for argument in node.arguments])
    if node.name[-1] in AGGREGATE_NAMES:
        return _as_json(node.name[-1], arguments, scope, node.position)
    return arguments


def _as_json(
    name: str, arguments: tuple[BoundExpression, ...], scope: Scope, position: int
) -> tuple[BoundExpression, ...]:
    """The arguments of a JSON aggregate converted to what it collects."""
    conversions = argument_conversions(name)
    if len(conversions) != len(arguments):
        return arguments
    converted: list[BoundExpression] = []
    for argument, function in zip(arguments, conversions, strict=True):
        if argument.type.kind is TypeKind.UNKNOWN and len(arguments) == 1:
            raise errors.DatatypeMismatch(
                "could not determine polymorphic type because input has type unknown"
            ).at(position)
        value = resolve_unknown(argument, scope.state, position)
        if value.type == function.result:
            converted.append(value)
        else:
            assert isinstance(function.result, SqlType)
            converted.append(Call(function, (value,), function.result, position=position))
    return tuple(converted)


def given_argument(argument: BoundExpression) -> BoundExpression:
    """What a JSON aggregate was given where it is handed the value as JSON; any other argument itself."""
    if isinstance(argument, Call) and argument.function in CONVERSIONS:
        return argument.arguments[0]
    return argument


def bind_filter(node: ast.FunctionCall, scope: Scope) -> BoundExpression | None:
    """FILTER (WHERE ...) of an aggregate."""
    if node.filter is None:
        return None
    condition = scope.bind(node.filter)
    return coerce_boolean(condition, "FILTER", scope.state, node.filter.position)
