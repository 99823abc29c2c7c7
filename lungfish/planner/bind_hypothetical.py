"""Hypothetical-set aggregates: where a row would stand among the rows of its group.

    rank(d) WITHIN GROUP (ORDER BY s)     1 + count(*) FILTER (WHERE s sorts before d)

and so on: each is counts of the rows before the hypothetical one, put together by a plain function. That function also gets the
direct arguments, which must be the same for the whole group, so they are looked at as grouped expressions are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lungfish import errors
from lungfish.functions.registry import ArgumentType, Function, Polymorphic
from lungfish.planner.expressions import BoundExpression, Call
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.sql.ast.queries import OrderItem
from lungfish.types.sql_type import BIGINT, DOUBLE, SqlType

# Of the names of the functions that stand for such calls.
HYPOTHETICAL_PREFIX = "hypothetical_"
HYPOTHETICAL = frozenset({"rank", "dense_rank", "percent_rank", "cume_dist"})

_FALSE = ast.Literal(ast.Literal.Kind.BOOLEAN, "false")


def _rank(before: int, *_directs: Any) -> int:
    return before + 1


def _percent_rank(before: int, rows: int, *_directs: Any) -> float:
    return before / rows if rows else 0.0


def _cume_dist(reached: int, rows: int, *_directs: Any) -> float:
    return (reached + 1) / (rows + 1)


def _shape(name: str, scalar: Callable[..., Any], counts: int, result: SqlType) -> Function:
    arguments: tuple[ArgumentType, ...] = (*(BIGINT,) * counts, Polymorphic.ANY)
    shown = f"{HYPOTHETICAL_PREFIX}{name}"
    return Function(shown, arguments, result, scalar, is_strict=False, is_variadic=True)


_RANK = _shape("rank", _rank, 1, BIGINT)
_RATIOS = {
    "percent_rank": _shape("percent_rank", _percent_rank, 2, DOUBLE),
    "cume_dist": _shape("cume_dist", _cume_dist, 2, DOUBLE),
}


def bind_hypothetical(node: ast.FunctionCall, name: str, scope: Scope) -> BoundExpression:
    """The call as an expression over counts. Raises UndefinedFunction, DatatypeMismatch, GroupingError."""
    directs = node.arguments
    if len(directs) != len(node.order_by):
        raise errors.UndefinedFunction(
            f"function {name} with {len(directs)} direct arguments and {len(node.order_by)} ordered ones does not exist",
            hint=f"To use the hypothetical-set aggregate {name}, the number of hypothetical direct "
            "arguments must match the number of ordering columns.",
        ).at(node.position)
    before = _before(node)
    match name:
        case "dense_rank":
            counts = [_count(node, before, distinct=True)]
        case "percent_rank":
            counts = [_count(node, before), _count(node, None)]
        case "cume_dist":
            counts = [_count(node, ast.Or((before, _equal(node)))), _count(node, None)]
        case _:
            counts = [_count(node, before)]
    try:
        bound = tuple([scope.bind(count) for count in counts])
    except errors.UndefinedFunction as error:
        raise errors.DatatypeMismatch(
            "WITHIN GROUP types cannot be matched", detail=str(error.message)
        ).at(node.position) from error
    # The group's own values, for the look at what is grouped; an untyped literal is as it was taken above.
    grouped = tuple([scope.bind(direct) for direct in directs])
    function = _RATIOS[name] if len(counts) == 2 else _RANK
    result = BIGINT if function is _RANK else DOUBLE
    return Call(function, (*bound, *grouped), result, position=node.position)


def _count(
    node: ast.FunctionCall, condition: ast.Expression | None, *, distinct: bool = False
) -> ast.FunctionCall:
    """The number of the group's rows, or of different ones, for which the condition holds."""
    conditions = tuple(each for each in (node.filter, condition) if each is not None)
    chosen = ast.And(conditions) if len(conditions) == 2 else conditions[0] if conditions else None
    call = ast.FunctionCall(("pg_catalog", "count"), (), filter=chosen, position=node.position)
    if not distinct:
        return replace(call, is_star=True)
    row = ast.Row(tuple(item.expression for item in node.order_by), node.position)
    return replace(call, arguments=(row,), is_distinct=True)


def _before(node: ast.FunctionCall) -> ast.Expression:
    """Whether a row sorts before the hypothetical one: by the first key in which they differ."""
    condition: ast.Expression = _FALSE
    for item, direct in reversed(list(zip(node.order_by, node.arguments, strict=True))):
        before = _key_before(item, direct)
        if condition is _FALSE:
            condition = before
        else:
            same = ast.IsDistinct(item.expression, direct, True, node.position)
            condition = ast.Or((before, ast.And((same, condition))))
    return condition


def _equal(node: ast.FunctionCall) -> ast.Expression:
    pairs = zip(node.order_by, node.arguments, strict=True)
    same = [ast.IsDistinct(item.expression, direct, True, node.position) for item, direct in pairs]
    return ast.And(tuple(same)) if len(same) > 1 else same[0]


def _key_before(item: OrderItem, direct: ast.Expression) -> ast.Expression:
    is_descending = item.is_descending
    if item.using_operator is not None:
        if item.using_operator not in ("<", ">"):
            raise errors.FeatureNotSupported(
                f"ORDER BY USING {item.using_operator} is not supported here"
            ).at(item.position)
        is_descending = item.using_operator == ">"
    symbol = ">" if is_descending else "<"
    compared = ast.Binary(symbol, item.expression, direct, item.position)
    nulls_first = is_descending if item.nulls_first is None else item.nulls_first
    at_end, inside = (item.expression, direct) if nulls_first else (direct, item.expression)
    by_null = ast.And((ast.IsNull(at_end, False), ast.IsNull(inside, True)))
    return ast.Or((ast.Coalesce((compared, _FALSE)), by_null))
