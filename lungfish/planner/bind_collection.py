"""Rows and arrays in expressions: constructors, subscripts, fields."""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.array_subscripts import OPEN_BOUNDS
from lungfish.planner.bind_name import expand_row
from lungfish.planner.callees import find_function
from lungfish.planner.coerce import (
    coerce_arguments,
    coerce_common,
    coerce_explicit,
    coerce_with,
    resolve_unknown,
)
from lungfish.planner.expressions import ArrayExpr, BoundExpression, Call, Constant, RowExpr
from lungfish.planner.row_fields import field_of
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import INTEGER, SqlType, TypeKind, array_of

_DIMENSIONS_MAX = 6


def bind_row(node: ast.Row, scope: Scope) -> BoundExpression:
    """ROW(...) or (a, b); the fields are called f1, f2, ... A star inside gives a table's columns."""
    return make_row(tuple(cell for item in node.items for cell in expand_row(item, scope)))


def make_row(items: tuple[BoundExpression, ...]) -> RowExpr:
    """An anonymous row."""
    labels = tuple(f"f{number}" for number in range(1, len(items) + 1))
    type_ = SqlType(TypeKind.RECORD, labels=labels, fields=tuple(item.type for item in items))
    return RowExpr(items, type_)


def bind_array(node: ast.ArrayConstructor, scope: Scope) -> BoundExpression:
    """ARRAY[...]; its elements take their common type."""
    if not node.items:
        raise errors.IndeterminateDatatype(
            "cannot determine type of empty array",
            hint="Explicitly cast to the desired type, for example ARRAY[]::integer[].",
        ).at(node.position)
    items = [scope.bind(item) for item in node.items]
    positions = [item.position for item in node.items]
    depth, nested = 1, node
    while isinstance(nested.items[0], ast.ArrayConstructor) and nested.items[0].items:
        nested = nested.items[0]
        depth += 1
    if depth > _DIMENSIONS_MAX:
        raise errors.ProgramLimitExceeded(
            f"number of array dimensions ({depth}) exceeds the maximum allowed ({_DIMENSIONS_MAX})"
        ).at(node.position)
    typed, type_ = coerce_common(items, "ARRAY", scope.state, positions)
    if type_.domain is not None and type_.kind is TypeKind.ARRAY:
        raise errors.FeatureNotSupported(
            f"arrays of domain {type_}, which is one over arrays, are not supported"
        ).at(node.position)
    if type_.kind is TypeKind.VOID:
        raise errors.UndefinedObject("could not find array type for data type void").at(
            node.position
        )
    return ArrayExpr(tuple(typed), array_of(type_))


def bind_array_as(node: ast.ArrayConstructor, element: SqlType, scope: Scope) -> BoundExpression:
    """ARRAY[...]::element[]: each item is taken as the element's type, which may be empty of items."""
    items: list[BoundExpression] = []
    for item in node.items:
        if isinstance(item, ast.ArrayConstructor):
            items.append(bind_array_as(item, element, scope))
        else:
            items.append(coerce_explicit(scope.bind(item), element, scope.state, item.position))
    return ArrayExpr(tuple(items), array_of(element))


def bind_subscript(node: ast.Subscript, scope: Scope) -> BoundExpression:
    """x[i] and x[i:j], by the functions registered for them; of an array, all subscripts that stand together at once."""
    chain = [node]
    while chain[-1].is_joined and isinstance(chain[-1].operand, ast.Subscript):
        chain.append(chain[-1].operand)
    operand = scope.bind(chain[-1].operand)
    if operand.type.kind in (TypeKind.ARRAY, TypeKind.NAME):
        return _array_part(operand, chain[::-1], scope)
    for step in chain[::-1]:
        operand = _subscript(operand, step, scope)
    return operand


def _array_part(
    operand: BoundExpression, steps: list[ast.Subscript], scope: Scope
) -> BoundExpression:
    """An element, or where one of the subscripts is a slice, the part that all of them cut out."""
    is_slice = any(step.is_slice for step in steps)
    if is_slice and operand.type.kind is TypeKind.NAME:
        raise errors.FeatureNotSupported("slices of fixed-length arrays not implemented")
    arguments = [operand]
    if len(steps) > _DIMENSIONS_MAX:
        raise errors.ProgramLimitExceeded(
            f"number of array dimensions ({len(steps)}) exceeds the maximum allowed ({_DIMENSIONS_MAX})"
        ).at(steps[0].position)
    for step in steps:
        if is_slice and not step.is_slice:
            # Beside a slice, [i] means [1:i].
            arguments.append(Constant(1, INTEGER))
        bounds = (step.index, step.upper) if step.is_slice else (step.index,)
        for bound, open_bound in zip(bounds, OPEN_BOUNDS, strict=False):
            if bound is None:
                arguments.append(Constant(open_bound, INTEGER))
            else:
                value = scope.bind(bound)
                if not can_coerce(value.type, INTEGER, CastContext.ASSIGNMENT):
                    raise errors.DatatypeMismatch("array subscript must have type integer").at(
                        bound.position
                    )
                arguments.append(
                    coerce_with(value, INTEGER, CastContext.ASSIGNMENT, scope.state, bound.position)
                )
    name = "array_slice" if is_slice else "array_subscript"
    position = steps[0].position
    found = find_function(name, tuple(argument.type for argument in arguments), position)
    typed = coerce_arguments(tuple(arguments), found, scope.state, (position,) * len(arguments))
    return Call(found.callee, typed, found.result, position=position)


def _subscript(operand: BoundExpression, node: ast.Subscript, scope: Scope) -> BoundExpression:
    position = node.position
    if operand.type.kind is TypeKind.NAME:
        raise errors.FeatureNotSupported("subscripts of type name are not supported").at(position)
    if operand.type.kind is not TypeKind.JSONB:
        raise errors.DatatypeMismatch(
            f"cannot subscript type {operand.type} because it does not support subscripting"
        ).at(position)
    if node.is_slice or node.index is None:
        raise errors.DatatypeMismatch("jsonb subscript does not support slices").at(position)
    key = resolve_unknown(scope.bind(node.index), scope.state, node.index.position)
    if key.type.kind not in (TypeKind.TEXT, TypeKind.INTEGER):
        raise errors.DatatypeMismatch(
            f"subscript type {key.type} is not supported",
            hint="jsonb subscript must be coercible to either integer or text.",
        ).at(node.index.position)
    found = find_function("jsonb_subscript", (operand.type, key.type), position)
    typed = coerce_arguments((operand, key), found, scope.state, (position, position))
    return Call(found.callee, typed, found.result, position=position)


def bind_field_access(node: ast.FieldAccess, scope: Scope) -> BoundExpression:
    """(row).field, or a call of the function of that name, of a user's, with the row (PostgreSQL's functional notation)."""
    operand = scope.bind(node.operand)
    kind = operand.type
    if kind.kind is TypeKind.RECORD and node.field not in kind.labels:
        schemas = scope.state.search_path
        if scope.state.catalog.find_functions(node.field, None, schemas):
            call = ast.FunctionCall((node.field,), (node.operand,), position=node.position)
            return scope.bind(call)
    return field_of(operand, node.field, node.position)
