"""Whole queries: what stands around a body (WITH, ORDER BY, LIMIT), VALUES, and set operations.

`bind_query` gives a `LogicalOutput`. With `resolve_unknowns` off, literals in the select list keep their unknown type, so
that the context (another arm of a UNION, a column of INSERT) can still give them one.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_limit import bind_limit
from lungfish.planner.bind_name import expand_row
from lungfish.planner.bind_output import resolve_outputs
from lungfish.planner.bind_select import bind_select
from lungfish.planner.bind_set_operation import bind_set_operation
from lungfish.planner.bind_with import bind_with
from lungfish.planner.coerce import coerce_common
from lungfish.planner.expressions import BoundExpression, ColumnRef, SortKey
from lungfish.planner.logical import (
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalSort,
    LogicalValues,
)
from lungfish.planner.scope import Clause, Scope
from lungfish.planner.sort_keys import make_sort_key
from lungfish.sql.ast import expressions as expression_ast
from lungfish.sql.ast import queries as ast
from lungfish.types.sql_type import TypeKind


def bind_query(
    query: ast.Query,
    parent: Scope,
    *,
    resolve_unknowns: bool = True,
) -> LogicalOutput:
    """A query, with `parent` around it."""
    if query.into is not None:
        raise errors.SyntaxError("SELECT ... INTO is not allowed here").at(query.into.position)
    around = parent if query.with_clause is None else bind_with(query.with_clause, parent)
    body = query.body
    if isinstance(body, ast.Select):
        output = bind_select(body, query, around)
    elif isinstance(body, ast.Query) and _is_bare(query):
        return bind_query(body, around, resolve_unknowns=resolve_unknowns)
    else:
        if query.locking:
            word = "VALUES" if isinstance(body, ast.Values) else "UNION/INTERSECT/EXCEPT"
            strength = query.locking[0].strength.upper()
            raise errors.FeatureNotSupported(
                f"FOR {strength} cannot be applied to VALUES"
                if word == "VALUES"
                else f"FOR {strength} is not allowed with {word}"
            ).at(query.position)
        output = _ordered(query, _bind_body(body, around), around)
    if resolve_unknowns:
        return resolve_outputs(output, parent.state)
    return output


def _is_bare(query: ast.Query) -> bool:
    """Whether the query adds nothing to its body, but perhaps WITH."""
    return not (query.order_by or query.limit or query.offset or query.locking)


def _bind_body(
    body: ast.Values | ast.SetOperation | ast.Query | ast.Select, around: Scope
) -> LogicalOutput:
    match body:
        case ast.Values():
            return bind_values(body, around)
        case ast.SetOperation():
            return bind_set_operation(body, around)
        case _:
            whole = body if isinstance(body, ast.Query) else ast.Query(body)
            return bind_query(whole, around, resolve_unknowns=False)


def bind_values(values: ast.Values, around: Scope) -> LogicalOutput:
    """VALUES: rows of one length, each column of one type."""
    scope = Scope(around.state, around)
    scope.clause = Clause.VALUES
    rows: list[list[BoundExpression]] = []
    for row in values.rows:
        cells = [cell for item in row for cell in expand_row(item, scope)]
        if rows and len(cells) != len(rows[0]):
            raise errors.SyntaxError("VALUES lists must all be the same length").at(_position(row))
        rows.append(cells)
    columns: list[ColumnRef] = []
    for index in range(len(rows[0])):
        cells = [cells[index] for cells in rows]
        positions = [row[min(index, len(row) - 1)].position for row in values.rows]
        type_ = cells[0].type
        if any(cell.type.kind is not TypeKind.UNKNOWN for cell in cells) or len(cells) > 1:
            cells, type_ = coerce_common(cells, "VALUES", around.state, positions)
            for bound_row, cell in zip(rows, cells, strict=True):
                bound_row[index] = cell
        columns.append(around.state.new_column(f"column{index + 1}", type_))
    if any(column.type.kind is TypeKind.UNKNOWN for column in columns):
        return _one_untyped_row(rows[0], columns)
    return LogicalOutput(
        LogicalValues(tuple(tuple(row) for row in rows), tuple(columns)), tuple(columns)
    )


def _one_untyped_row(row: list[BoundExpression], columns: list[ColumnRef]) -> LogicalOutput:
    """A single row with literals of unknown type is like a select list, so that the context can type them."""
    items = tuple(zip(columns, row, strict=True))
    return LogicalOutput(LogicalProject(LogicalValues(((),), ()), items), tuple(columns))


def _position(row: tuple[expression_ast.Expression, ...]) -> int:
    return row[0].position if row else -1


def _ordered(query: ast.Query, output: LogicalOutput, around: Scope) -> LogicalOutput:
    """ORDER BY and LIMIT of a query that is not a plain SELECT: by names and positions of its columns only."""
    plan: LogicalPlan = output.input
    keys: list[SortKey] = []
    if query.order_by:
        output = resolve_outputs(output, around.state)
        plan = output.input
        for item in query.order_by:
            column = _output_column(item, output)
            key = make_sort_key(item, column, around)
            if all(key.expression != known.expression for known in keys):
                keys.append(key)
        plan = LogicalSort(plan, tuple(keys))
    plan = bind_limit(query, plan, tuple(keys), around)
    return LogicalOutput(plan, output.columns)


def _output_column(item: ast.OrderItem, output: LogicalOutput) -> ColumnRef:
    node = item.expression
    columns = output.columns
    if isinstance(node, expression_ast.Name) and len(node.parts) == 1:
        matches = [column for column in columns if column.name == node.parts[0]]
        if len({column.index for column in matches}) > 1:
            raise errors.AmbiguousColumn(f'ORDER BY "{node.parts[0]}" is ambiguous').at(
                node.position
            )
        if matches:
            return matches[0]
        raise errors.UndefinedColumn(f'column "{node.parts[0]}" does not exist').at(node.position)
    if isinstance(node, expression_ast.Literal):
        if node.kind is not expression_ast.Literal.Kind.INTEGER:
            raise errors.SyntaxError("non-integer constant in ORDER BY").at(node.position)
        number = int(node.text)
        if not 1 <= number <= len(columns):
            raise errors.InvalidColumnReference(
                f"ORDER BY position {number} is not in select list"
            ).at(node.position)
        return columns[number - 1]
    raise errors.FeatureNotSupported(
        "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
        detail="Only result column names can be used, not expressions or functions.",
        hint="Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
    ).at(node.position)
