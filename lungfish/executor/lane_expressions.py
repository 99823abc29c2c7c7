"""From bound expressions to the nodes of native_expressions.pyx and native_conditions.pyx: parameters, constants, columns, sums and comparisons
of whole numbers, comparisons of texts, CASE, AND, OR, NOT, IS NULL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lungfish.native import compiled_module
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    ColumnRef,
    Constant,
    IsNullExpr,
    NotExpr,
    OrAny,
    OuterRef,
    ParameterRef,
)
from lungfish.types.casts import find_cast
from lungfish.types.parse_numbers import integer_range
from lungfish.types.sql_type import SqlType, TypeKind

# Of the integers, whose casts change no value.
_WIDTHS = {TypeKind.SMALLINT: 2, TypeKind.INTEGER: 4, TypeKind.BIGINT: 8}
_OPERATIONS = frozenset({"+", "-", "*"})
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})

# Texts whose order is that of their code points.
_TEXTS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR})
# Whose values are NULL exactly where they are None.
_SIMPLE = _TEXTS | frozenset(_WIDTHS) | {
    TypeKind.BOOLEAN, TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.DOUBLE, TypeKind.REAL,
}  # fmt: skip

_compiled: Any = compiled_module("lungfish.executor.native_expressions")
_conditions: Any = compiled_module("lungfish.executor.native_conditions")

# A `NodeList` of native_expressions.pyx.
NodeList = Any


def make_nodes(
    expressions: Sequence[BoundExpression],
    places: Mapping[int, int] | None = None,
    *,
    are_stored: bool = False,
) -> NodeList | None:
    """The compiled form of some expressions; None if one has none.

    `places`: where in the row that they are evaluated over each column stands, those of the nearest outer row as `outer(index)`.
    `are_stored`: each is written to a column of its type, where the range of an integer is looked at, so that it may be cast to a narrower one.
    """
    nodes = []
    for expression in expressions:
        bare = expression
        if are_stored and isinstance(expression, CastTo) and _is_integer(expression.type):
            bare = expression.operand if _is_integer(expression.operand.type) else expression
        node = _node(bare, places or {})
        if node is None:
            return None
        nodes.append(node)
    return _compiled.NodeList(nodes)


def outer(index: int) -> int:
    """What stands in `places` for a column of the nearest outer row: a number that no column of the row itself has."""
    return -1 - index


def make_condition(expression: BoundExpression, places: Mapping[int, int]) -> Any:
    """The node of a condition, None if it has none; see `make_nodes`."""
    return None if _conditions is None else _node(expression, places)


def _node(expression: BoundExpression, places: Mapping[int, int]) -> Any:
    """The node of one expression, or None."""
    match expression:
        case ParameterRef():
            return _compiled.ParameterNode(expression.index)
        case Constant():
            return _compiled.ConstantNode(expression.value)
        case ColumnRef():
            place = places.get(expression.index)
            return None if place is None else _compiled.ColumnNode(place)
        case OuterRef():
            place = places.get(outer(expression.index)) if expression.level == 1 else None
            return None if place is None else _compiled.ColumnNode(place)
        case CastTo():
            return _node(expression.operand, places) if _is_no_change(expression) else None
        case Call():
            return _call(expression, places)
        case CaseExpr():
            return _case(expression, places)
        case AndAll() | OrAny() | NotExpr() | IsNullExpr():
            return _condition(expression, places)
    return None


def _condition(expression: AndAll | OrAny | NotExpr | IsNullExpr, places: Mapping[int, int]) -> Any:
    if isinstance(expression, (AndAll, OrAny)):
        operands = [_node(operand, places) for operand in expression.operands]
        if _conditions is None or None in operands:
            return None
        make = _conditions.AndNode if isinstance(expression, AndAll) else _conditions.OrNode
        return make(operands)
    operand = _node(expression.operand, places)
    if _conditions is None or operand is None:
        return None
    if isinstance(expression, NotExpr):
        return _conditions.NotNode(operand)
    if expression.operand.type.kind not in _SIMPLE:
        return None
    return _conditions.IsNullNode(operand, expression.is_negated)


def _call(call: Call, places: Mapping[int, int]) -> Any:
    """An operator of two whole numbers, or a comparison of two texts."""
    function = call.function
    if len(call.arguments) != 2:
        return None
    are_texts = all(each.type.kind in _TEXTS for each in call.arguments)
    if not are_texts and not all(_is_integer(each.type) for each in call.arguments):
        return None
    left, right = (_node(argument, places) for argument in call.arguments)
    if left is None or right is None:
        return None
    if are_texts:
        if function.name not in _COMPARISONS or _conditions is None:
            return None
        return _conditions.TextComparisonNode(function.name, left, right)
    if function.name in _COMPARISONS:
        return _compiled.ComparisonNode(function.name, left, right)
    if function.name in _OPERATIONS and _is_integer(call.type):
        return _compiled.NumberNode(function.name, left, right, *integer_range(call.type.kind))
    return None


def _case(case: CaseExpr, places: Mapping[int, int]) -> Any:
    conditions = [_node(condition, places) for condition, _ in case.branches]
    results = [_node(result, places) for _, result in case.branches]
    default = _node(case.default, places)
    if default is None or None in conditions or None in results:
        return None
    return _compiled.CaseNode(conditions, results, default)


def bare_value(expression: BoundExpression) -> BoundExpression:
    """The expression without the casts around it that change no value."""
    while isinstance(expression, CastTo) and _is_no_change(expression):
        expression = expression.operand
    return expression


def _is_no_change(cast: CastTo) -> bool:
    """Whether a cast changes no value and raises nothing."""
    width, wanted = _WIDTHS.get(cast.operand.type.kind), _WIDTHS.get(cast.type.kind)
    if width is not None and wanted is not None:
        return width <= wanted
    found = find_cast(cast.operand.type, cast.type, is_explicit=cast.is_explicit)
    return found is not None and found.is_identity


def _is_integer(sql_type: SqlType) -> bool:
    return sql_type.kind in _WIDTHS
