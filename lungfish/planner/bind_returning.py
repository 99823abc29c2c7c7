"""RETURNING: expressions over the old row, the new row, and what else the statement joined.

A plain column name means the new row's column for INSERT and UPDATE, the old row's for DELETE, in MERGE what was done; `old` and `new` (or the names
that WITH (OLD AS ..., NEW AS ...) gives) mean either.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.bind_merge_action import merge_action_entry
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_targets import bind_targets
from lungfish.planner.change_target import ChangeTarget, TableRow
from lungfish.planner.expressions import ColumnRef
from lungfish.planner.logical import (
    Item,
    LogicalModification,
    LogicalOutput,
    LogicalReturning,
)
from lungfish.planner.modification_target import table_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.queries import TableReference
from lungfish.types.sql_type import OID


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
    current = target.entry(reference.alias or target.name, _row(target, meant), state)
    entries = [*others, current] if plain == "either" else [current, *others]
    taken = {entry.alias for entry in entries}
    for alias, columns, default in (
        (returning.old_alias, old, "old"),
        (returning.new_alias, new, "new"),
    ):
        if alias is None and default in taken:
            continue
        entry = target.entry(alias or default, _row(target, columns), state)
        entry.shows_columns = False
        entry.table = entry.table_oid = None
        entries.append(entry)
    if plain == "either":
        action_entry, action = merge_action_entry(state)
        entries.append(action_entry)
        either = (*either, action)
    items = _bind_items(returning, Scope(state, scope, entries))
    return LogicalReturning(items, old, new, either, checks)


def _bind_items(returning: ast.Returning, inside: Scope) -> tuple[Item, ...]:
    inside.clause = Clause.RETURNING
    targets = bind_targets(returning.items, inside)
    if inside.has_set_calls:
        raise errors.FeatureNotSupported("set-returning functions are not allowed in RETURNING")
    return tuple(
        (inside.state.new_column(target.name, target.expression.type), target.expression)
        for target in targets
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
