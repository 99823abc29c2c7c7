"""SET of UPDATE, MERGE and ON CONFLICT: columns and the values assigned to them."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.bind_indirection import assign_part
from lungfish.planner.bind_operator import ROW_VALUE
from lungfish.planner.change_target import ChangeTarget
from lungfish.planner.coerce import coerce_assignment
from lungfish.planner.expressions import BoundExpression, RowExpr
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import Scope
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast import expressions as expression_ast

Assignments = tuple[tuple[int, BoundExpression], ...]


def bind_assignments(
    assignments: Sequence[ast.Assignment], target: ChangeTarget, scope: Scope
) -> Assignments:
    """(column position, expression) in the order of the text. Raises if a column is assigned twice."""
    found: dict[int, BoundExpression] = {}
    # Columns assigned in parts: each part is put into what the parts before have made.
    partial: set[int] = set()
    for assignment in assignments:
        for column, value, place in _pairs(assignment, scope):
            position = target.position(column.name, column.position)
            if column.indirection and (position not in found or position in partial):
                found[position] = _assigned_part(value, target, column, scope, found, place)
                partial.add(position)
                continue
            if position in found:
                raise _assigned_twice(column, position, target)
            found[position] = _assigned(value, target, position, scope, place)
    return tuple(found.items())


def _assigned_twice(column: ast.TargetColumn, position: int, target: ChangeTarget) -> errors.Error:
    name = column.name
    if target.places.count(position) > 1:
        # Two columns of a view are one of the table.
        name = target.table.columns[position].name
    return errors.SyntaxError(f'multiple assignments to same column "{name}"').at(column.position)


Value = BoundExpression | expression_ast.Expression


def _pairs(assignment: ast.Assignment, scope: Scope) -> list[tuple[ast.TargetColumn, Value, int]]:
    """Each column with its value: a tree still to bind, or a field of a row value."""
    value = assignment.value
    if not assignment.is_row:
        return [(assignment.columns[0], value, value.position)]
    columns = assignment.columns
    if isinstance(value, expression_ast.Row) and not _has_star(value):
        if len(value.items) != len(columns):
            raise errors.SyntaxError("number of columns does not match number of values").at(
                assignment.position
            )
        return [
            (column, item, item.position) for column, item in zip(columns, value.items, strict=True)
        ]
    return [
        (column, field, value.position)
        for column, field in zip(columns, _row_fields(assignment, scope), strict=True)
    ]


def _has_star(row: expression_ast.Row) -> bool:
    return any(isinstance(item, expression_ast.Star) for item in row.items)


def _row_fields(assignment: ast.Assignment, scope: Scope) -> list[BoundExpression]:
    """The fields of `(a, b) = (SELECT ...)` or `(a, b) = ROW(t.*)`. Another row value is refused, as in PostgreSQL."""
    value = assignment.value
    if isinstance(value, expression_ast.Subquery):
        row = scope.bind(
            expression_ast.QuantifiedSubquery(value, ROW_VALUE, False, value.query, value.position)
        )
    elif isinstance(value, expression_ast.Row):
        row = scope.bind(value)
    else:
        raise errors.FeatureNotSupported(
            "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression"
        ).at(value.position)
    if len(row.type.fields) != len(assignment.columns):
        raise errors.SyntaxError("number of columns does not match number of values").at(
            assignment.position
        )
    if isinstance(row, RowExpr):
        return list(row.items)
    return [access_field(row, index) for index in range(len(row.type.fields))]


def _assigned(
    value: Value, target: ChangeTarget, position: int, scope: Scope, place: int
) -> BoundExpression:
    column = target.table.columns[position]
    if isinstance(value, expression_ast.Default):
        given = target.updated_default(position, scope.state)
        if given is not None:
            return given
        # A view without a default of its own has NULL, whatever the table has.
        value = expression_ast.Literal(expression_ast.Literal.Kind.NULL)
    if column.generated is not None or column.identity == "always":
        kind = (
            "a generated column"
            if column.generated
            else "an identity column defined as GENERATED ALWAYS"
        )
        raise errors.GeneratedAlways(
            f'column "{column.name}" can only be updated to DEFAULT',
            detail=f'Column "{column.name}" is {kind}.',
        )
    bound = value if isinstance(value, BoundExpression) else scope.bind(value)
    return coerce_assignment(bound, column.type, column.name, scope.state, place)


def _assigned_part(
    value: Value,
    target: ChangeTarget,
    column: ast.TargetColumn,
    scope: Scope,
    found: dict[int, BoundExpression],
    place: int,
) -> BoundExpression:
    """The whole value of a column of which a part is assigned."""
    position = target.position(column.name, column.position)
    if isinstance(value, expression_ast.Default):
        raise errors.FeatureNotSupported("cannot set an array element or a subfield to DEFAULT").at(
            place
        )
    current = found.get(position)
    if current is None:
        current = scope.entries[0].ref(target.places.index(position))
        if target.table.columns[position].generated is not None:
            raise errors.GeneratedAlways(f'column "{column.name}" can only be updated to DEFAULT')
    bound = value if isinstance(value, BoundExpression) else scope.bind(value)
    return assign_part(current, column, column.indirection, bound, scope)
