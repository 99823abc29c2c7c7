"""UNION, INTERSECT, EXCEPT: arms bound apart, their columns brought to common types.

Types are matched pair by pair, as PostgreSQL does it, so `1 UNION 2 UNION 2.5` and its regrouping may differ. A chain of
UNION ALL becomes one `LogicalAppend`.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_output import cast_outputs
from lungfish.planner.coerce import common_type, same_type
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import (
    LogicalAppend,
    LogicalDistinct,
    LogicalOutput,
    LogicalPlan,
    LogicalSetOperation,
)
from lungfish.planner.scope import Scope
from lungfish.planner.sort_keys import check_grouped
from lungfish.sql.ast import queries as ast
from lungfish.types.sql_type import SqlType, TypeKind


def bind_set_operation(node: ast.SetOperation, scope: Scope) -> LogicalOutput:
    """A set operation over two queries."""
    left = _bind_arm(node.left, scope)
    right = _bind_arm(node.right, scope)
    word = node.kind.upper()
    position = _first_target(node.right)
    if len(left.columns) != len(right.columns):
        raise errors.SyntaxError(f"each {word} query must have the same number of columns").at(
            position
        )
    types = [
        _common_type([a.type, b.type], word, (_first_target(node.left), position))
        for a, b in zip(left.columns, right.columns, strict=True)
    ]
    left = cast_outputs(left, types, scope.state, position)
    right = cast_outputs(right, types, scope.state, position)
    columns = tuple(
        scope.state.new_column(column.name, _shared_type(column.type, other.type))
        for column, other in zip(left.columns, right.columns, strict=True)
    )
    if not (node.kind == "union" and node.is_all):
        for column in columns:
            check_grouped(column.type, position)
    return LogicalOutput(_combine(node, left, right, columns), columns)


def _common_type(types: list[SqlType], word: str, positions: tuple[int, int]) -> SqlType:
    found = common_type(types, word, positions)
    is_open = any(each.kind is TypeKind.UNKNOWN for each in types)
    return found.unmodified if is_open else found


def _shared_type(left: SqlType, right: SqlType) -> SqlType:
    """The type with its modifiers if both sides have the same ones."""
    return left if left == right or not same_type(left, right) else left.unmodified


def _bind_arm(arm: ast.Query, scope: Scope) -> LogicalOutput:
    query = arm if isinstance(arm, ast.Query) else ast.Query(arm)
    inner = query
    while isinstance(inner, ast.Query):
        if inner.locking:
            raise errors.FeatureNotSupported(
                f"FOR {inner.locking[0].strength.upper()} is not allowed with UNION/INTERSECT/EXCEPT"
            ).at(inner.locking[0].position)
        inner = inner.body  # type: ignore[assignment]
    around = scope if query.with_clause is None else Scope(scope.state, scope)
    return scope.state.bind_query(query, around, resolve_unknowns=False)


def _first_target(arm: ast.Query) -> int:
    body = arm
    while isinstance(body, ast.Query):
        body = body.body  # type: ignore[assignment]
    if isinstance(body, ast.Select) and body.items:
        return body.items[0].expression.position
    return getattr(body, "position", -1)


def _combine(
    node: ast.SetOperation,
    left: LogicalOutput,
    right: LogicalOutput,
    columns: tuple[ColumnRef, ...],
) -> LogicalPlan:
    if node.kind != "union":
        return LogicalSetOperation(
            node.kind, node.is_all, left.input, right.input, left.columns, right.columns, columns
        )
    inputs: list[LogicalPlan] = []
    input_columns: list[tuple[ColumnRef, ...]] = []
    for arm in (left, right):
        plan = arm.input
        # UNION is associative under its own DISTINCT, UNION ALL under any UNION.
        if isinstance(plan, LogicalDistinct) and not node.is_all and not plan.on:
            inner = plan.input
            if isinstance(inner, LogicalAppend) and inner.columns == arm.columns == plan.columns:
                plan = inner
        if isinstance(plan, LogicalAppend) and plan.columns == arm.columns:
            inputs.extend(plan.inputs)
            input_columns.extend(plan.input_columns)
        else:
            inputs.append(plan)
            input_columns.append(arm.columns)
    append = LogicalAppend(tuple(inputs), tuple(input_columns), columns)
    return append if node.is_all else LogicalDistinct(append, columns)
