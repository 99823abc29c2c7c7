"""The value of an expression that uses no row: for folding constants, and for EXECUTE's arguments.

Only what is certain is computed: immutable functions, and casts that no setting changes unless settings are given. An error
that the computation raises is the caller's to judge: a folding rule leaves such an expression for the execution, which may
never reach it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, Volatility
from lungfish.planner.expressions import (
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    CoalesceExpr,
    Constant,
    ExtremeExpr,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    RowExpr,
)
from lungfish.types.array_value import ArrayValue
from lungfish.types.casts import find_cast
from lungfish.types.compare import comparison_key
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import build_vector, to_values


class NotConstant(Exception):
    """The expression has no value before it is executed."""


def constant_value(node: BoundExpression, settings: TextSettings | None = None) -> Any:
    """The expression's value. Raises NotConstant, or what its functions raise."""
    match node:
        case Constant():
            return node.value
        case Call():
            return _call(node, settings)
        case CastTo():
            return _cast(node, settings)
        case IsNullExpr():
            return (constant_value(node.operand, settings) is None) is not node.is_negated
        case NotExpr():
            value = constant_value(node.operand, settings)
            return None if value is None else not value
        case AndAll() | OrAny():
            return _logic(node, settings)
        case IsBooleanExpr():
            return (constant_value(node.operand, settings) is node.value) is not node.is_negated
        case CaseExpr():
            for condition, result in node.branches:
                if constant_value(condition, settings) is True:
                    return constant_value(result, settings)
            return constant_value(node.default, settings)
        case CoalesceExpr():
            for operand in node.operands:
                value = constant_value(operand, settings)
                if value is not None:
                    return value
            return None
        case _:
            return _compound(node, settings)


def _logic(node: AndAll | OrAny, settings: TextSettings | None) -> bool | None:
    deciding = isinstance(node, OrAny)
    has_null = False
    for operand in node.operands:
        value: bool | None = constant_value(operand, settings)
        if value is deciding:
            return deciding
        has_null = has_null or value is None
    return None if has_null else not deciding


def _compound(node: BoundExpression, settings: TextSettings | None) -> Any:
    match node:
        case IsDistinctExpr():
            left, right = constant_value(node.left, settings), constant_value(node.right, settings)
            if left is None or right is None:
                is_distinct = left is not right
            else:
                types = (node.left.type, node.right.type)
                is_distinct = not apply_function(node.equals, (left, right), types, node.type)
            return is_distinct is not node.is_negated
        case InListExpr():
            return _in_list(node, settings)
        case ExtremeExpr():
            return _extreme(node, settings)
        case RowExpr():
            return tuple(constant_value(item, settings) for item in node.items)
        case ArrayExpr():
            # Of arrays it is one of more dimensions, whose lengths must agree: the executor's business.
            if any(item.type.kind is TypeKind.ARRAY for item in node.items):
                raise NotConstant
            items = tuple(constant_value(item, settings) for item in node.items)
            return ArrayValue(items, (len(items),), (1,)) if items else ArrayValue((), (), ())
        case _:
            raise NotConstant


def _extreme(node: ExtremeExpr, settings: TextSettings | None) -> Any:
    """The greatest or least operand that is not null, by the order in which values sort."""
    values = [constant_value(operand, settings) for operand in node.operands]
    known = [value for value in values if value is not None]
    choose: Any = max if node.is_greatest else min
    return choose(known, key=comparison_key(node.type)) if known else None


def _in_list(node: InListExpr, settings: TextSettings | None) -> bool | None:
    operand = constant_value(node.operand, settings)
    if operand is None:
        return None
    has_null = False
    for item in node.items:
        value = constant_value(item, settings)
        if value is None:
            has_null = True
        elif apply_function(
            node.equals, (operand, value), (node.operand.type, item.type), node.type
        ):
            return not node.is_negated
    return None if has_null else node.is_negated


def _cast(node: CastTo, settings: TextSettings | None) -> Any:
    value = constant_value(node.operand, settings)
    cast = find_cast(node.operand.type, node.type, is_explicit=node.is_explicit)
    if cast is None or (cast.depends_on_settings and settings is None):
        raise NotConstant
    if value is None:
        return None
    try:
        return cast.scalar(value, settings or CANONICAL)
    except errors.Error as error:
        error.at(node.position)
        raise


def _call(node: Call, settings: TextSettings | None) -> Any:
    function = node.function
    if (
        function.volatility is not Volatility.IMMUTABLE
        or function.needs_context
        or function.needs_statement
        or function.returns_set
        or node.is_variadic_array
    ):
        raise NotConstant
    values = [constant_value(argument, settings) for argument in node.arguments]
    types = [argument.type for argument in node.arguments]
    try:
        return apply_function(function, values, types, node.type)
    except errors.Error as error:
        error.at(node.position)
        raise


def apply_function(
    function: Function, values: Sequence[Any], types: Sequence[SqlType], result: SqlType
) -> Any:
    """A function applied to values, by whichever of its forms there is."""
    if function.is_strict and any(value is None for value in values):
        return None
    extra: dict[str, Any] = {"types": tuple(types)} if function.needs_types else {}
    if function.scalar is not None:
        return function.scalar(*values, **extra)
    if function.vector is None:
        raise NotConstant
    vectors = [build_vector([value], type_) for value, type_ in zip(values, types, strict=True)]
    found = function.vector(*vectors, **extra)
    return to_values(found, result)[0]
