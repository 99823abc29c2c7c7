"""RETURNING: expressions over the old row, the new row, and what else the statement joined.

A plain column name means the new row's column for INSERT and UPDATE, the old row's for DELETE, in MERGE what was done; `old` and `new` (or the names
that WITH (OLD AS ..., NEW AS ...) gives) mean either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.planner.bind_merge_action import merge_action_entry
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_targets import Target, bind_targets
from lungfish.planner.bind_type import row_type_of
from lungfish.planner.change_target import ChangeTarget, TableRow
from lungfish.planner.coerce import resolve_unknown
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.logical import (
    LogicalModification,
    LogicalOutput,
    LogicalReturning,
)
from lungfish.planner.modification_target import table_columns
from lungfish.planner.rule_commands import row_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import find_rule_target
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.queries import RuleSource, TableReference
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import BOOLEAN, OID


def bind_returning(
    returning: ast.Returning | None,
    reference: TableReference,
    target: ChangeTarget,
    scope: Scope,
    *,
    others: Sequence[RangeEntry],
    plain: str = "new",
) -> LogicalReturning | None:
    """The items bound, and what views ask of new rows; None without both. `others` are the entries of FROM or USING. A `plain` name
    means a column of the "new" row, of the "old" one, or of "either": the new one where there is one.
    """
    state = scope.state
    is_checked = plain != "old" and any(level.view.check_option for level in target.levels())
    if returning is None and not is_checked:
        return None
    old, new = _row_columns(target, state), _row_columns(target, state)
    either = _row_columns(target, state) if plain == "either" else ()
    checks = target.checks(_row(target, new), state) if is_checked else ()
    if returning is None:
        return LogicalReturning((), old, new, either, checks) if checks else None
    meant = {"new": new, "old": old, "either": either}[plain]
    rows = _Rows(_row(target, meant), _row(target, old), _row(target, new))
    presence: tuple[ColumnRef, ...] = ()
    if target.verb != "update":
        presence = (state.new_column("has_old", BOOLEAN), state.new_column("has_new", BOOLEAN))
        rows = _with_presence(rows, target.verb, *presence)
    beside = list(others)
    if plain == "either":
        action_entry, action = merge_action_entry(state)
        beside.append(action_entry)
        either = (*either, action)
    source = _Source(target, reference.alias or target.name, rows, tuple(beside), plain == "either")
    items = tuple(_item(each, state) for each in _targets(returning, source, scope))
    asks = any(columns_of(item) & {column.index for column in presence} for _, item in items)
    return LogicalReturning(items, old, new, either, checks, presence if asks else ())


def _item(target: Target, state: BindState) -> tuple[ColumnRef, BoundExpression]:
    expression = resolve_unknown(target.expression, state, target.position)
    return state.new_column(target.name, expression.type), expression


@frozen
class _Rows:
    """What stands for a row of the target: by a plain name, as `old` and as `new`."""

    current: TableRow
    old: TableRow
    new: TableRow


def _with_presence(rows: _Rows, verb: str, has_old: ColumnRef, has_new: ColumnRef) -> _Rows:
    """The rows of a statement that may lack one of the two."""
    old, new = rows.old, rows.new
    if verb != "delete from":
        old = replace(old, presence=has_old)
    if verb != "insert into":
        new = replace(new, presence=has_new)
    return _Rows(rows.current, old, new)


@frozen
class _Source:
    """What the items of one RETURNING may speak of."""

    target: ChangeTarget
    alias: str
    rows: _Rows
    others: tuple[RangeEntry, ...]
    # Of MERGE the source comes first.
    others_first: bool = False

    def entries(self, returning: ast.Returning, state: BindState) -> list[RangeEntry]:
        """The names in sight."""
        current = self.target.entry(self.alias, self.rows.current, state)
        entries = [*self.others, current] if self.others_first else [current, *self.others]
        taken = {entry.alias for entry in entries}
        for alias in (returning.old_alias, returning.new_alias):
            if alias in taken:
                raise errors.DuplicateAlias(f'table name "{alias}" specified more than once')
            if alias is not None:
                taken.add(alias)
        for alias, row, default in (
            (returning.old_alias, self.rows.old, "old"),
            (returning.new_alias, self.rows.new, "new"),
        ):
            if alias is None and default in taken:
                continue
            entry = self.target.entry(alias or default, row, state)
            entry.shows_columns = False
            # No column comes from a table as far as clients see, yet the whole row has the table's type.
            entry.row_type = entry.row_type or row_type_of(self.target.table)
            entry.table = entry.table_oid = None
            entry.is_absent = default == "new" and self.target.verb == "delete from"
            entries.append(entry)
        return entries


def _targets(returning: ast.Returning, source: _Source, scope: Scope) -> list[Target]:
    if returning.wanted is not None:
        return _wanted_targets(returning, returning.wanted, source, scope)
    inside = Scope(scope.state, scope, source.entries(returning, scope.state))
    inside.clause = Clause.RETURNING
    targets = bind_targets(returning.items, inside)
    if inside.has_set_calls:
        raise errors.FeatureNotSupported("set-returning functions are not allowed in RETURNING")
    return targets


def _wanted_targets(
    returning: ast.Returning, wanted: ast.Wanted, source: _Source, scope: Scope
) -> list[Target]:
    """What the statement wants to have returned in whose place a rule's command runs: the command's items are the columns of the
    relation that the statement speaks of, `old.x` is an item over the command's old row."""
    state = scope.state
    own = replace(returning, wanted=None)

    def items_over(row: TableRow) -> TableRow:
        over = replace(source, rows=replace(source.rows, current=row))
        return TableRow([each.expression for each in _targets(own, over, scope)])

    rows = source.rows
    seen = _Rows(items_over(rows.current), items_over(rows.old), items_over(rows.new))
    beneath = [each for entry in source.others for each in entry.beneath]
    statement = wanted.statement
    assert statement.returning is not None, "it wants something returned"
    if not source.others:
        _refuse_other_rows(statement)
    outer_path, state.search_path = state.search_path, wanted.search_path
    try:
        target = find_rule_target(statement, wanted.relation_oid, state)
        if len(seen.current.columns) < len(target.table.columns):
            raise errors.FeatureNotSupported(
                f'a rule of relation "{target.table.name}" does not return all of its columns'
            )
        alias = statement.table.alias or target.name
        inner = _Source(target, alias, seen, tuple(beneath))
        return _targets(statement.returning, inner, scope)
    finally:
        state.search_path = outer_path


def _refuse_other_rows(statement: ast.Insert | ast.Update | ast.Delete) -> None:
    """An INSERT that runs in the place of the statement has nothing beside the rows that it stores."""
    if isinstance(statement, ast.Insert):
        return
    items = statement.from_items if isinstance(statement, ast.Update) else statement.using
    is_plain = all(isinstance(item, RuleSource) for item in items) and not any(
        row_columns(statement.returning, word) for word in ("old", "new") if items
    )
    if not is_plain:
        raise errors.FeatureNotSupported(
            "RETURNING of a statement with other tables, in whose place a rule does an INSERT, is not supported"
        )


def _row(target: ChangeTarget, columns: Sequence[ColumnRef]) -> TableRow:
    """What `_row_columns` made, as a row."""
    count = len(target.table.columns)
    return TableRow(columns[:count], columns[count] if target.members else None)


def _row_columns(target: ChangeTarget, state: BindState) -> tuple[ColumnRef, ...]:
    """Columns for one row of the target; where it has other tables beneath it, the row's table too."""
    columns = table_columns(target.table, state)
    return (*columns, state.new_column("tableoid", OID)) if target.members else columns


def returned(plan: LogicalModification, returning: LogicalReturning | None) -> LogicalOutput:
    """The statement with the columns of its RETURNING."""
    columns: tuple[ColumnRef, ...] = ()
    if returning is not None:
        columns = tuple(column for column, _ in returning.items)
    return LogicalOutput(plan, columns)
