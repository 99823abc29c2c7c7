"""Functions written in SQL: a call is replaced by the function's expression, its parameters by the arguments.

Done on the syntax tree, before anything is bound: each parameter becomes the argument cast to the parameter's type, and the whole is
cast to the result's type. The body is `SELECT expression` without FROM, so no name in it can mean a column of the caller.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.catalog.objects import SqlFunction
from lungfish.planner.bind_stored import parse_expression
from lungfish.sql import parse
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import Query, Select
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import SqlType, TypeKind

# Functions that call each other in a circle are found by their depth.
DEPTH_MAX = 64


@lru_cache(maxsize=512)
def body_expression(body: str) -> ast.Expression:
    """The one expression of a function's body. Raises FeatureNotSupported for a body that is more than that."""
    statements = [piece.statement for piece in parse(body)]
    if len(statements) == 1 and isinstance(statements[0], Query):
        query = statements[0]
        select = query.body
        is_plain = query == Query(select, position=query.position)
        if is_plain and isinstance(select, Select) and len(select.items) == 1:
            item = select.items[0]
            if select == Select(select.items, position=select.position):
                return item.expression
    raise errors.FeatureNotSupported(
        "SQL functions whose body is more than SELECT of one expression are not supported"
    )


@lru_cache(maxsize=512)
def _type_name(sql_type: SqlType) -> ast.TypeName:
    node = parse_expression(f"CAST(NULL AS {sql_type})")
    assert isinstance(node, ast.Cast)
    return node.type_name


def choose_function(
    candidates: Sequence[SqlFunction], types: Sequence[SqlType], *, name: str, position: int
) -> SqlFunction | None:
    """The function that fits the arguments: the one with the most exact matches."""
    fitting = [
        item
        for item in candidates
        if len(item.parameter_types) == len(types)
        and all(
            kind.kind is TypeKind.UNKNOWN or can_coerce(kind, wanted, CastContext.IMPLICIT)
            for kind, wanted in zip(types, item.parameter_types, strict=True)
        )
    ]
    if not fitting:
        return None

    def exact(item: SqlFunction) -> int:
        return sum(a.kind is b.kind for a, b in zip(types, item.parameter_types, strict=True))

    best = max(exact(item) for item in fitting)
    winners = [item for item in fitting if exact(item) == best]
    if len(winners) > 1:
        shown = ", ".join(str(kind.unmodified) for kind in types)
        raise errors.AmbiguousFunction(f"function {name}({shown}) is not unique").at(position)
    return winners[0]


@lru_cache(maxsize=512)
def repeated_parameters(function: SqlFunction) -> frozenset[int]:
    """The numbers, from 0, of the parameters whose argument the inlined call evaluates more than once."""
    places = tuple(ast.Parameter(index) for index in range(len(function.parameter_types)))
    inlined = inline_call(function, places, -1)
    return frozenset(place.index for place in places if _uses(inlined, place.index) > 1)


def _uses(node: object, index: int) -> int:
    """How often a parameter is evaluated; a use in a query counts as many, as it may be evaluated for every row."""
    if isinstance(node, ast.Parameter):
        return int(node.index == index)
    if isinstance(node, tuple):
        return sum(_uses(item, index) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return 0
    count = sum(_uses(getattr(node, field.name), index) for field in dataclasses.fields(node))
    return count * 2 if isinstance(node, Query) else count


def inline_call(
    function: SqlFunction, arguments: Sequence[ast.Expression], position: int
) -> ast.Expression:
    """The call as an expression over its arguments."""
    replacements: dict[str | int, ast.Expression] = {}
    for index, (argument, kind, name) in enumerate(
        zip(arguments, function.parameter_types, function.parameter_names, strict=True)
    ):
        typed = ast.Cast(argument, _type_name(kind), position)
        replacements[index] = typed
        if name:
            replacements[name] = typed
    inlined = _replaced(body_expression(function.body), replacements, function.name)
    result = ast.Cast(inlined, _type_name(function.result), position)
    if not function.is_strict or not arguments:
        return result
    nulls = tuple(ast.IsNull(argument, False, position) for argument in arguments)
    is_null: ast.Expression = nulls[0] if len(nulls) == 1 else ast.Or(nulls, position)
    null = ast.Literal(ast.Literal.Kind.NULL, position=position)
    return ast.Case(None, (ast.CaseBranch(is_null, null),), result)


def _replaced(node: Any, replacements: dict[str | int, ast.Expression], function: str) -> Any:
    if isinstance(node, ast.Parameter):
        found = replacements.get(node.index)
        if found is None:
            raise errors.UndefinedParameter(f"there is no parameter ${node.index + 1}")
        return found
    if isinstance(node, ast.Name):
        # A parameter's name, perhaps behind the function's own.
        parts = node.parts[1:] if len(node.parts) == 2 and node.parts[0] == function else node.parts
        return replacements.get(parts[0], node) if len(parts) == 1 else node
    if isinstance(node, tuple):
        return tuple([_replaced(item, replacements, function) for item in node])
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        changes = {
            field.name: _replaced(getattr(node, field.name), replacements, function)
            for field in dataclasses.fields(node)
        }
        if "position" in changes:
            # The place in the body's text means nothing in the caller's.
            changes["position"] = -1
        return dataclasses.replace(node, **changes)
    return node
