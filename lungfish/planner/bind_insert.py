"""INSERT: target columns, values cast to them, defaults and identities, ON CONFLICT.

Every row of the input becomes a whole row of the table: what the statement does not give is the column's default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_conflict import bind_conflict_target
from lungfish.planner.bind_guards import Guard, bind_guards
from lungfish.planner.bind_insert_parts import assemble_columns, assemble_rows
from lungfish.planner.bind_output import untyped_source
from lungfish.planner.bind_returning import bind_returning, returned
from lungfish.planner.bind_stored import with_generated
from lungfish.planner.change_target import ChangeTarget, Place, ReadOnlyColumn, TableRow
from lungfish.planner.coerce import coerce_assignment, coerce_boolean
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.logical import (
    Item,
    LogicalConflict,
    LogicalFilter,
    LogicalInsert,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalValues,
)
from lungfish.planner.modification_target import table_columns
from lungfish.planner.scope import Clause, Scope
from lungfish.planner.updatable_views import find_target
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.expressions import Default, Expression
from lungfish.sql.ast.queries import Query, Select, SelectItem, Values


def bind_insert(node: ast.Insert, around: Scope, guards: Sequence[Guard] = ()) -> LogicalOutput:
    """An INSERT; the columns of the result are those of RETURNING. `guards`: see bind_guards.py."""
    scope = around if node.with_clause is None else around.state.bind_with(node.with_clause, around)
    target = find_target(node.table, scope.state, "insert into")
    table = target.table
    scope.state.note_collations(table.columns)
    if table.partition_key is None:
        # Rows go to the table itself, whoever inherits from it.
        target = replace(target, members=())
    plan, given = bind_given(node, target, scope)
    plan, values = _complete(plan, given, target, scope)
    if guards:
        new = with_generated(values, table, scope.state)
        plan = LogicalFilter(plan, bind_guards(guards, table, {"new": new}, scope.state))
    conflict = None if node.on_conflict is None else _bind_conflict(node, target, scope)
    returning = bind_returning(node.returning, node.table, target, scope, others=())
    insert = LogicalInsert(table, plan, values, conflict, returning, target.members)
    return returned(insert, returning)


Given = dict[int, ColumnRef]


def bind_given(node: ast.Insert, target: ChangeTarget, scope: Scope) -> tuple[LogicalPlan, Given]:
    """The rows that the statement gives, and which column of them is which of the table's."""
    places = _target_places(node, target)
    if node.query is None:
        # DEFAULT VALUES: one row of which nothing is given.
        return LogicalValues(((),), ()), {}
    if any(column.indirection for column in node.columns):
        return _bind_parts(node, target, places, scope)
    if _is_plain_values(node.query):
        return _bind_rows(node, target, places, scope)
    return _bind_source(node, target, places, scope)


def _target_places(node: ast.Insert, target: ChangeTarget) -> list[Place]:
    """Where the table has the columns that the statement names, or all."""
    if not node.columns:
        return list(target.places)
    places: list[Place] = []
    whole: set[str] = set()
    parts: set[str] = set()
    for column in node.columns:
        place = target.place(column.name, column.position)
        # Several parts of one column may be given, but not a part of what is given whole.
        if column.name in whole or (column.name in parts and not column.indirection):
            raise errors.DuplicateColumn(f'column "{column.name}" specified more than once').at(
                column.position
            )
        (parts if column.indirection else whole).add(column.name)
        places.append(place)
    return places


def _writable(places: Sequence[Place], target: ChangeTarget) -> list[int]:
    """Places that are given values. Raises FeatureNotSupported for what a view computes."""
    positions: list[int] = []
    for place in places:
        if isinstance(place, ReadOnlyColumn):
            raise place.error(target.verb)
        positions.append(place)
    return positions


def _positions(places: Sequence[Place], target: ChangeTarget) -> list[int]:
    """The same for whole columns. Raises SyntaxError if two columns of a view are one of the table."""
    positions = _writable(places, target)
    for index, position in enumerate(positions):
        if position in positions[:index]:
            column = target.table.columns[position]
            raise errors.SyntaxError(f'multiple assignments to same column "{column.name}"')
    return positions


def _is_plain_values(query: Query) -> bool:
    return isinstance(query.body, Values) and not (
        query.with_clause or query.order_by or query.limit or query.offset or query.locking
    )


def _check_width(node: ast.Insert, targets: list[Place], width: int, position: int) -> list[Place]:
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


def _as_select(values: Values) -> Query | None:
    """The only row of VALUES, whose expressions are sets, as a query; None where it has a DEFAULT."""
    (row,) = values.rows
    if any(isinstance(item, Default) for item in row):
        return None
    items = tuple(SelectItem(item) for item in row)
    return Query(Select(items, position=values.position), position=values.position)


def _bind_rows(
    node: ast.Insert, target: ChangeTarget, places: list[Place], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """VALUES: each expression is bound right for its column, DEFAULT is the column's default."""
    assert node.query is not None
    values = node.query.body
    assert isinstance(values, Values)
    table = target.table
    inside = Scope(scope.state, scope)
    inside.clause = Clause.INSERT_VALUES if len(values.rows) == 1 else Clause.VALUES
    width = len(values.rows[0])
    place = _place(values.rows[0], len(places))
    places = _check_width(node, places, width, place)
    targets = _positions(places, target)
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
                    _bind_cell(item, node, target, at, inside, at in ignored)
                    for item, at in zip(row, targets, strict=True)
                ]
            )
        )
    if inside.aggregates:
        raise errors.GroupingError("aggregate functions are not allowed in VALUES").at(place)
    if inside.has_set_calls:
        selected = _as_select(values)
        if selected is not None:
            return _bind_source(replace(node, query=selected), target, places, scope)
        raise errors.FeatureNotSupported(
            "set-returning functions beside DEFAULT in VALUES of INSERT are not supported",
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
    item: Expression,
    node: ast.Insert,
    target: ChangeTarget,
    at: int,
    scope: Scope,
    is_ignored: bool,
) -> BoundExpression:
    if isinstance(item, Default) or is_ignored:
        return target.default(at, scope.state)
    column = target.table.columns[at]
    if column.generated is not None or column.identity == "always":
        _check_generated(node, target.table, at)
    bound = scope.bind(item)
    return coerce_assignment(bound, column.type, column.name, scope.state, item.position)


def _bind_source(
    node: ast.Insert, target: ChangeTarget, places: list[Place], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """INSERT ... SELECT: the query's columns cast to those of the table."""
    assert node.query is not None
    state, table = scope.state, target.table
    # The query is one inside of the statement: its own WITH may not change rows.
    inside = Scope(state, scope)
    output: LogicalOutput = state.bind_query(node.query, inside, resolve_unknowns=False)
    position = node.query.position
    places = _check_width(node, places, len(output.columns), position)
    targets = _positions(places, target)
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
    node: ast.Insert, target: ChangeTarget, places: list[Place], scope: Scope
) -> tuple[LogicalPlan, Given]:
    """INSERT INTO t (a[1], a[2], b.c): the columns put together of their parts."""
    assert node.query is not None
    query, state, table = node.query, scope.state, target.table
    if isinstance(query.body, Values) and _is_plain_values(query):
        rows = query.body.rows
        targets = _writable(_check_width(node, places, len(rows[0]), query.position), target)
        _check_all_generated(node, table, targets)
        return assemble_rows(node.columns, rows, table, targets, scope)
    inside = Scope(state, scope)
    inside.clause = Clause.VALUES
    output: LogicalOutput = state.bind_query(query, inside, resolve_unknowns=False)
    targets = _writable(_check_width(node, places, len(output.columns), query.position), target)
    _check_all_generated(node, table, targets)
    sources = [untyped_source(output.input, source) for source in output.columns]
    return assemble_columns(node.columns, output.input, sources, table, targets, scope)


def _check_all_generated(node: ast.Insert, table: Table, targets: list[int]) -> None:
    for at in targets:
        _check_generated(node, table, at)


def _complete(
    plan: LogicalPlan, given: Given, target: ChangeTarget, scope: Scope
) -> tuple[LogicalPlan, tuple[ColumnRef, ...]]:
    """Add the defaults of the columns that are not given."""
    table = target.table
    if len(given) == len(table.columns):
        return plan, tuple(given[at] for at in range(len(table.columns)))
    state = scope.state
    values: list[ColumnRef] = []
    items: list[Item] = []
    for at, column in enumerate(table.columns):
        known = given.get(at)
        if known is None:
            known = state.new_column(column.name, column.type)
            items.append((known, target.default(at, state)))
        values.append(known)
    if isinstance(plan, LogicalValues):
        # Straight into the rows, so that a plain INSERT stays one node.
        added = tuple(expression for _, expression in items)
        columns = (*plan.columns, *(column for column, _ in items))
        return LogicalValues(tuple([(*row, *added) for row in plan.rows]), columns), tuple(values)
    return LogicalProject(plan, tuple(items)), tuple(values)


def _bind_conflict(node: ast.Insert, target: ChangeTarget, scope: Scope) -> LogicalConflict:
    """ON CONFLICT: which unique indexes, and what to do with the row that is there."""
    assert node.on_conflict is not None
    state, table = scope.state, target.table
    conflict = node.on_conflict
    arbiters = bind_conflict_target(conflict, target, scope)
    existing = table_columns(table, state)
    proposed = table_columns(table, state)
    if not conflict.assignments:
        return LogicalConflict(arbiters, None, None, existing, proposed)
    current = target.entry(node.table.alias or target.name, TableRow(existing), state)
    excluded = target.entry("excluded", TableRow(proposed), state)
    excluded.table = None
    inside = Scope(state, scope, [current, excluded])
    inside.clause = Clause.UPDATE
    assignments = bind_assignments(conflict.assignments, target, inside)
    where = None
    if conflict.where is not None:
        inside.clause = Clause.WHERE
        where = coerce_boolean(inside.bind(conflict.where), "WHERE", state, conflict.where.position)
    return LogicalConflict(arbiters, assignments, where, existing, proposed)
