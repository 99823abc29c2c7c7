"""INSERT INTO t (a[1], a[2], b.c): the parts of each column put together, beginning with NULL."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.bind_indirection import assign_part
from lungfish.planner.coerce import coerce_assignment
from lungfish.planner.expressions import BoundExpression, ColumnRef, Constant
from lungfish.planner.logical import LogicalPlan, LogicalProject, LogicalValues
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast.dml import TargetColumn
from lungfish.sql.ast.expressions import Default, Expression

Given = dict[int, ColumnRef]


def assemble_rows(
    columns: Sequence[TargetColumn],
    rows: Sequence[Sequence[Expression]],
    table: Table,
    targets: Sequence[int],
    scope: Scope,
) -> tuple[LogicalPlan, Given]:
    """The rows of VALUES, each of whose cells is taken as the type of its part."""
    inside = Scope(scope.state, scope)
    inside.clause = Clause.VALUES
    made: list[tuple[BoundExpression, ...]] = []
    given: Given = {}
    for row in rows:
        if len(row) != len(rows[0]):
            raise errors.SyntaxError("VALUES lists must all be the same length").at(
                row[0].position if row else -1
            )
        cells = []
        for column, item in zip(columns, row, strict=False):
            _refuse_default(column, item)
            cells.append(inside.bind(item))
        values = _assemble(columns, cells, table, targets, scope)
        if not given:
            given = _new_columns(values, table, scope)
        made.append(tuple(values.values()))
    return LogicalValues(tuple(made), tuple(given.values())), given


def assemble_columns(
    columns: Sequence[TargetColumn],
    plan: LogicalPlan,
    sources: Sequence[BoundExpression],
    table: Table,
    targets: Sequence[int],
    scope: Scope,
) -> tuple[LogicalPlan, Given]:
    """The rows of a query, whose columns are the parts."""
    values = _assemble(columns, sources, table, targets, scope)
    given = _new_columns(values, table, scope)
    return LogicalProject(plan, tuple(zip(given.values(), values.values(), strict=True))), given


def _assemble(
    columns: Sequence[TargetColumn],
    parts: Sequence[BoundExpression],
    table: Table,
    targets: Sequence[int],
    scope: Scope,
) -> dict[int, BoundExpression]:
    """The columns by position. A domain's checks are for the whole value, not for what it is half way."""
    values: dict[int, BoundExpression] = {}
    inside = Scope(scope.state, scope)
    # Subscripts see no row: neither groups nor sets can be there.
    inside.clause = Clause.INSERT_TARGET
    for column, at, part in zip(columns, targets, parts, strict=True):
        before = values.get(at, Constant(None, table.columns[at].type.base))
        values[at] = assign_part(before, column, column.indirection, part, inside)
    return {
        at: coerce_assignment(
            value, table.columns[at].type, table.columns[at].name, scope.state, columns[0].position
        )
        for at, value in values.items()
    }


def _new_columns(values: dict[int, BoundExpression], table: Table, scope: Scope) -> Given:
    return {
        at: scope.state.new_column(table.columns[at].name, table.columns[at].type) for at in values
    }


def _refuse_default(column: TargetColumn, item: Expression) -> None:
    if isinstance(item, Default) and column.indirection:
        part = "a subfield" if isinstance(column.indirection[-1], str) else "an array element"
        raise errors.FeatureNotSupported(f"cannot set {part} to DEFAULT").at(item.position)
