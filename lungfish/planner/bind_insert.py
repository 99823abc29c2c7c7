"""INSERT: target columns, values cast to them, defaults and identities, ON CONFLICT.

Every row of the input becomes a whole row of the table: what the statement does not give is the column's default.
"""

from __future__ import annotations

from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_conflict import bind_conflict_target
from lungfish.planner.bind_insert_parts import assemble_columns, assemble_rows
from lungfish.planner.bind_output import untyped_source
from lungfish.planner.bind_returning import bind_returning, returned
from lungfish.planner.bind_stored import default_of
from lungfish.planner.coerce import coerce_assignment, coerce_boolean
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.logical import (
    Item,
    LogicalConflict,
    LogicalInsert,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalValues,
)
from lungfish.planner.modification_target import table_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import ChangeTarget, find_target
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.expressions import Default, Expression
from lungfish.sql.ast.queries import Query, Values


def bind_insert(node: ast.Insert, around: Scope) -> LogicalOutput:
    """An INSERT; the columns of the result are those of RETURNING."""
    scope = around if node.with_clause is None else around.state.bind_with(node.with_clause, around)
    target = find_target(node.table, scope.state, "insert into")
    table = target.table
    if table.partition_key is None:
        # Rows go to the table itself, whoever inherits from it.
        target = replace(target, members=())
    if target.is_view and node.on_conflict is not None:
        raise errors.FeatureNotSupported(
            f'ON CONFLICT with view "{target.name}" is not supported'
        ).at(node.position)
    targets = _target_positions(node, target)
    if node.query is None:
        plan, given = _empty_rows(table, scope)
    elif any(column.indirection for column in node.columns):
        plan, given = _bind_parts(node, table, targets, scope)
    elif _is_plain_values(node.query):
        plan, given = _bind_rows(node, table, targets, scope)
    else:
        plan, given = _bind_source(node, table, targets, scope)
    plan, values = _complete(plan, given, table, scope)
    conflict = None if node.on_conflict is None else _bind_conflict(node, table, scope)
    returning = bind_returning(node.returning, node.table, target, scope, others=())
    if conflict is not None and returning is not None and conflict.assignments is not None:
        # DO UPDATE has an old row to return.
        returning = bind_returning(node.returning, node.table, target, scope, others=())
    insert = LogicalInsert(table, plan, values, conflict, returning, target.members)
    return returned(insert, returning)


def _target_positions(node: ast.Insert, target: ChangeTarget) -> list[int]:
    """The positions of the columns that the statement names, or of all."""
    if not node.columns:
        return list(target.positions)
    table = target.named
    positions: list[int] = []
    for column in node.columns:
        position = table.column_position(column.name)
        if position is None:
            raise errors.UndefinedColumn(
                f'column "{column.name}" of relation "{table.name}" does not exist'
            ).at(column.position)
        if position in positions and not column.indirection:
            raise errors.DuplicateColumn(f'column "{column.name}" specified more than once').at(
                column.position
            )
        positions.append(position)
    return positions


def _is_plain_values(query: Query) -> bool:
    return isinstance(query.body, Values) and not (
        query.with_clause or query.order_by or query.limit or query.offset or query.locking
    )


def _check_width(node: ast.Insert, targets: list[int], width: int, position: int) -> list[int]:
    """The targets that are given values. Raises SyntaxError if they do not fit the expressions."""
    if width > len(targets):
        raise errors.SyntaxError("INSERT has more expressions than target columns").at(position)
    if node.columns and width < len(targets):
        place = node.columns[width].position
        raise errors.SyntaxError("INSERT has more target columns than expressions").at(place)
    return targets[:width]


def _check_generated(node: ast.Insert, table: Table, position: int) -> None:
    """Raise GeneratedAlways if the column at `position` may not be given a value."""
    column = table.columns[position]
    if column.generated is not None:
        raise errors.GeneratedAlways(
            f'cannot insert a non-DEFAULT value into column "{column.name}"',
            detail=f'Column "{column.name}" is a generated column.',
        )
    if column.identity == "always" and node.overriding != "system":
        raise errors.GeneratedAlways(
            f'cannot insert a non-DEFAULT value into column "{column.name}"',
            detail=f'Column "{column.name}" is an identity column defined as GENERATED ALWAYS.',
            hint="Use OVERRIDING SYSTEM VALUE to override.",
        )


Given = dict[int, ColumnRef]


def _empty_rows(table: Table, scope: Scope) -> tuple[LogicalPlan, Given]:
    """DEFAULT VALUES: one row of which nothing is given."""
    return LogicalValues(((),), ()), {}


def _bind_rows(
    node: ast.Insert, table: Table, targets: list[int], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """VALUES: each expression is bound right for its column, DEFAULT is the column's default."""
    assert node.query is not None
    values = node.query.body
    assert isinstance(values, Values)
    inside = Scope(scope.state, scope)
    inside.clause = Clause.INSERT_VALUES if len(values.rows) == 1 else Clause.VALUES
    width = len(values.rows[0])
    place = _place(values.rows[0], len(targets))
    targets = _check_width(node, targets, width, place)
    if node.overriding == "user":
        ignored = {at for at in targets if table.columns[at].identity is not None}
    else:
        ignored = set()
    rows: list[tuple[BoundExpression, ...]] = []
    for row in values.rows:
        if len(row) != width:
            raise errors.SyntaxError("VALUES lists must all be the same length").at(_place(row, 0))
        rows.append(
            tuple(
                [
                    _bind_cell(item, node, table, at, inside, at in ignored)
                    for item, at in zip(row, targets, strict=True)
                ]
            )
        )
    if inside.aggregates or inside.has_set_calls:
        raise errors.FeatureNotSupported(
            "set-returning functions in VALUES of INSERT are not supported",
            hint="Write INSERT ... SELECT.",
        ).at(place)
    columns = tuple(
        scope.state.new_column(table.columns[at].name, table.columns[at].type) for at in targets
    )
    plan = LogicalValues(tuple(rows), columns)
    return plan, dict(zip(targets, columns, strict=True))


def _place(row: tuple[Expression, ...], index: int) -> int:
    return row[index].position if index < len(row) else -1


def _bind_cell(
    item: Expression, node: ast.Insert, table: Table, at: int, scope: Scope, is_ignored: bool
) -> BoundExpression:
    if isinstance(item, Default) or is_ignored:
        return default_of(table, at, scope.state)
    column = table.columns[at]
    if column.generated is not None or column.identity == "always":
        _check_generated(node, table, at)
    bound = scope.bind(item)
    return coerce_assignment(bound, column.type, column.name, scope.state, item.position)


def _bind_source(
    node: ast.Insert, table: Table, targets: list[int], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """INSERT ... SELECT: the query's columns cast to those of the table."""
    assert node.query is not None
    state = scope.state
    # The query is one inside of the statement: its own WITH may not change rows.
    inside = Scope(state, scope)
    output: LogicalOutput = state.bind_query(node.query, inside, resolve_unknowns=False)
    position = node.query.position
    targets = _check_width(node, targets, len(output.columns), position)
    for at in targets:
        if node.overriding != "user" or table.columns[at].identity is None:
            _check_generated(node, table, at)
    items: list[Item] = []
    given: Given = {}
    for at, source in zip(targets, output.columns, strict=True):
        column = table.columns[at]
        if node.overriding == "user" and column.identity is not None:
            continue
        expression = untyped_source(output.input, source)
        typed = coerce_assignment(expression, column.type, column.name, state, position)
        if isinstance(typed, ColumnRef):
            given[at] = typed
        else:
            made = state.new_column(column.name, column.type)
            items.append((made, typed))
            given[at] = made
    plan = LogicalProject(output.input, tuple(items)) if items else output.input
    return plan, given


def _bind_parts(
    node: ast.Insert, table: Table, targets: list[int], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """INSERT INTO t (a[1], a[2], b.c): the columns put together of their parts."""
    assert node.query is not None
    query, state = node.query, scope.state
    if isinstance(query.body, Values) and _is_plain_values(query):
        rows = query.body.rows
        targets = _check_width(node, targets, len(rows[0]), query.position)
        _check_all_generated(node, table, targets)
        return assemble_rows(node.columns, rows, table, targets, scope)
    inside = Scope(state, scope)
    inside.clause = Clause.VALUES
    output: LogicalOutput = state.bind_query(query, inside, resolve_unknowns=False)
    targets = _check_width(node, targets, len(output.columns), query.position)
    _check_all_generated(node, table, targets)
    sources = [untyped_source(output.input, source) for source in output.columns]
    return assemble_columns(node.columns, output.input, sources, table, targets, scope)


def _check_all_generated(node: ast.Insert, table: Table, targets: list[int]) -> None:
    for at in targets:
        _check_generated(node, table, at)


def _complete(
    plan: LogicalPlan, given: Given, table: Table, scope: Scope
) -> tuple[LogicalPlan, tuple[ColumnRef, ...]]:
    """Add the defaults of the columns that are not given."""
    if len(given) == len(table.columns):
        return plan, tuple(given[at] for at in range(len(table.columns)))
    state = scope.state
    values: list[ColumnRef] = []
    items: list[Item] = []
    for at, column in enumerate(table.columns):
        known = given.get(at)
        if known is None:
            known = state.new_column(column.name, column.type)
            items.append((known, default_of(table, at, state)))
        values.append(known)
    if isinstance(plan, LogicalValues):
        # Straight into the rows, so that a plain INSERT stays one node.
        added = tuple(expression for _, expression in items)
        columns = (*plan.columns, *(column for column, _ in items))
        return LogicalValues(tuple([(*row, *added) for row in plan.rows]), columns), tuple(values)
    return LogicalProject(plan, tuple(items)), tuple(values)


def _bind_conflict(node: ast.Insert, table: Table, scope: Scope) -> LogicalConflict:
    """ON CONFLICT: which unique indexes, and what to do with the row that is there."""
    assert node.on_conflict is not None
    state = scope.state
    conflict = node.on_conflict
    arbiters = bind_conflict_target(conflict, table, scope)
    existing = table_columns(table, state)
    proposed = table_columns(table, state)
    if not conflict.assignments:
        return LogicalConflict(arbiters, None, None, existing, proposed)
    names = [column.name for column in table.columns]
    target = RangeEntry(node.table.alias or table.name, names, refs=existing)
    target.table = table
    excluded = RangeEntry("excluded", names, refs=proposed)
    excluded.shows_columns = False
    inside = Scope(state, scope, [target, excluded])
    inside.clause = Clause.UPDATE
    assignments = bind_assignments(conflict.assignments, table, inside)
    where = None
    if conflict.where is not None:
        inside.clause = Clause.WHERE
        where = coerce_boolean(inside.bind(conflict.where), "WHERE", state, conflict.where.position)
    return LogicalConflict(arbiters, assignments, where, existing, proposed)
