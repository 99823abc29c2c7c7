"""Assignment to a part of a column: an array's element or slice, a place in jsonb, a field of a row value.

`SET a.b[2] = x` is `SET a = (a with its field b replaced by (a.b with its element 2 replaced by x))`: the whole new value is made
of the old one, from the outside in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish import errors
from lungfish.functions.array_subscripts import set_element, set_slice
from lungfish.functions.json_subscripts import set_subscript
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.callees import find_function
from lungfish.planner.coerce import (
    coerce_arguments,
    coerce_assignment,
    coerce_implicit,
    coerce_with,
    resolve_unknown,
)
from lungfish.planner.expressions import BoundExpression, Call, Constant, RowExpr
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import Scope
from lungfish.sql.ast.dml import SubscriptStep, TargetColumn
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import INTEGER, JSONB, SqlType, TypeKind

Steps = Sequence[SubscriptStep | str]


def assign_part(
    current: BoundExpression,
    column: TargetColumn,
    steps: Steps,
    value: BoundExpression,
    scope: Scope,
) -> BoundExpression:
    """`current` with the part that `steps` lead to replaced by `value`. Raises DatatypeMismatch, UndefinedColumn."""
    declared = current.type
    if not steps:
        return coerce_assignment(value, declared, column.name, scope.state, column.position)
    if declared.domain is not None:
        current = coerce_implicit(current, declared.base, scope.state, column.position)
    if isinstance(steps[0], str):
        changed = _assign_field(current, column, steps, value, scope)
    elif declared.kind is TypeKind.ARRAY:
        changed = _assign_elements(current, column, steps, value, scope)
    elif declared.kind is TypeKind.JSONB:
        changed = _assign_json(current, column, steps, value, scope)
    else:
        raise errors.DatatypeMismatch(
            f"cannot subscript type {declared} because it does not support subscripting"
        ).at(column.position)
    return coerce_assignment(changed, declared, column.name, scope.state, column.position)


def _assign_field(
    current: BoundExpression,
    column: TargetColumn,
    steps: Steps,
    value: BoundExpression,
    scope: Scope,
) -> BoundExpression:
    name, declared = steps[0], current.type
    assert isinstance(name, str)
    if declared.kind is not TypeKind.RECORD:
        raise errors.DatatypeMismatch(
            f'cannot assign to field "{name}" of column "{column.name}"'
            f" because its type {declared} is not a composite type"
        ).at(column.position)
    if name not in declared.labels:
        raise errors.UndefinedColumn(
            f'cannot assign to field "{name}" of column "{column.name}"'
            f" because there is no such column in data type {declared}"
        ).at(column.position)
    chosen = declared.labels.index(name)
    fields = [access_field(current, index) for index in range(len(declared.fields))]
    fields[chosen] = assign_part(fields[chosen], column, steps[1:], value, scope)
    return RowExpr(tuple(fields), declared)


def _leading_subscripts(steps: Steps) -> list[SubscriptStep]:
    found: list[SubscriptStep] = []
    for step in steps:
        if isinstance(step, str):
            break
        found.append(step)
    return found


def _assign_elements(
    current: BoundExpression,
    column: TargetColumn,
    steps: Steps,
    value: BoundExpression,
    scope: Scope,
) -> BoundExpression:
    subscripts = _leading_subscripts(steps)
    rest = steps[len(subscripts) :]
    is_slice = any(step.is_slice for step in subscripts)
    element = current.type.element
    assert element is not None
    bounds: list[BoundExpression] = []
    for step in subscripts:
        if is_slice:
            # A plain subscript beside a slice means everything from 1 up to it.
            lower = step.index if step.is_slice else None
            upper = step.upper if step.is_slice else step.index
            one = Constant(None if step.is_slice else 1, INTEGER)
            bounds.append(one if lower is None else _subscript(lower, scope))
            bounds.append(Constant(None, INTEGER) if upper is None else _subscript(upper, scope))
        else:
            assert step.index is not None
            bounds.append(_subscript(step.index, scope))
    if rest:
        inner = _call("array_subscript", (current, *bounds), scope, column.position)
        part = assign_part(inner, column, rest, value, scope)
    else:
        part = _element_value(value, current.type if is_slice else element, column, scope)
    function = _SET_SLICE if is_slice else _SET_ELEMENT
    return Call(function, (current, part, *bounds), current.type, position=column.position)


def _subscript(node: Any, scope: Scope) -> BoundExpression:
    bound = scope.bind(node)
    if not can_coerce(bound.type, INTEGER, CastContext.ASSIGNMENT):
        raise errors.DatatypeMismatch("array subscript must have type integer").at(node.position)
    return coerce_with(bound, INTEGER, CastContext.ASSIGNMENT, scope.state, node.position)


def _element_value(
    value: BoundExpression, wanted: SqlType, column: TargetColumn, scope: Scope
) -> BoundExpression:
    if not can_coerce(value.type, wanted, CastContext.ASSIGNMENT):
        raise errors.DatatypeMismatch(
            f'subscripted assignment to "{column.name}" requires type {wanted}'
            f" but expression is of type {value.type}",
            hint="You will need to rewrite or cast the expression.",
        ).at(column.position)
    return coerce_assignment(value, wanted, column.name, scope.state, column.position)


def _assign_json(
    current: BoundExpression,
    column: TargetColumn,
    steps: Steps,
    value: BoundExpression,
    scope: Scope,
) -> BoundExpression:
    keys: list[BoundExpression] = []
    for step in steps:
        if isinstance(step, str):
            raise errors.DatatypeMismatch(
                f'cannot assign to field "{step}" of column "{column.name}"'
                " because its type jsonb is not a composite type"
            ).at(column.position)
        if step.is_slice or step.index is None:
            raise errors.DatatypeMismatch("jsonb subscript does not support slices").at(
                column.position
            )
        key = resolve_unknown(scope.bind(step.index), scope.state, step.index.position)
        if key.type.kind not in (TypeKind.TEXT, TypeKind.INTEGER):
            raise errors.DatatypeMismatch(
                f"subscript type {key.type} is not supported",
                hint="jsonb subscript must be coercible to either integer or text.",
            ).at(step.index.position)
        keys.append(key)
    part = _element_value(value, JSONB, column, scope)
    arguments = (current, part, *keys)
    return Call(_SET_JSON, arguments, current.type, position=column.position)


def _call(
    name: str, arguments: tuple[BoundExpression, ...], scope: Scope, position: int
) -> BoundExpression:
    found = find_function(name, tuple(argument.type for argument in arguments), position)
    typed = coerce_arguments(arguments, found, scope.state, (position,) * len(arguments))
    return Call(found.callee, typed, found.result, position=position)


def _setter(name: str, scalar: Any) -> Function:
    return Function(
        name,
        (Polymorphic.ANY,),
        lambda types: types[0],
        scalar=scalar,
        is_strict=False,
        is_variadic=True,
    )


_SET_ELEMENT = _setter("array_set_element", set_element)
_SET_SLICE = _setter("array_set_slice", set_slice)
_SET_JSON = _setter("jsonb_set_subscript", set_subscript)
