"""The condition of a join: ON, USING and NATURAL, and the columns that the latter merge.

A merged column is the left side's of an inner or left join, the right side's of a right join, and
COALESCE(left, right) of a full one.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_operator import make_operator
from lungfish.planner.coerce import coerce_boolean, coerce_common, common_type, same_type
from lungfish.planner.expression_tree import TRUE, conjuncts_of
from lungfish.planner.expressions import BoundExpression, CoalesceExpr, ColumnRef
from lungfish.planner.logical import Item, LogicalJoin, LogicalPlan, LogicalProject
from lungfish.planner.range_entries import rename_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast import queries as ast

Entries = list[RangeEntry]


def bind_join_condition(
    item: ast.Join, join: LogicalJoin, left: Entries, right: Entries, scope: Scope
) -> tuple[LogicalPlan, Entries]:
    """The join with its condition, and the entries that it shows."""
    names = _natural_names(left, right) if item.is_natural else item.using
    if names:
        plan, entries = _merge(item, names, join, (left, right), scope)
    else:
        plan, entries = _on(item, join, left + right, scope), left + right
    # The condition itself sees the rows of both sides as they are.
    if join.kind in ("left", "full"):
        _mark_nullable(right, join.right)
    if join.kind in ("right", "full"):
        _mark_nullable(left, join.left)
    if item.alias is None:
        return plan, entries
    return plan, [_alias_join(item, entries)]


def _mark_nullable(entries: Entries, side: LogicalPlan) -> None:
    """What a join further in may make null stays so marked: nulls come through the one that is further out."""
    for entry in entries:
        if entry.nullable_side is None:
            entry.nullable_side = side


def _on(item: ast.Join, join: LogicalJoin, entries: Entries, scope: Scope) -> LogicalPlan:
    if item.condition is None:
        return join
    inside = Scope(scope.state, scope.parent, entries)
    inside.clause = Clause.JOIN_ON
    bound = coerce_boolean(
        inside.bind(item.condition), "JOIN/ON", scope.state, item.condition.position
    )
    return LogicalJoin(join.kind, join.left, join.right, conjuncts_of(bound), join.is_lateral)


def _alias_join(item: ast.Join, entries: Entries) -> RangeEntry:
    """(a JOIN b) AS alias: one entry that hides those of its sides."""
    assert item.alias is not None
    shown = [entry for entry in entries if entry.shows_columns]
    names = [name for entry in shown for name in entry.names]
    refs = [ref for entry in shown for ref in entry.refs()]
    entry = RangeEntry(item.alias, names, refs=refs)
    rename_columns(entry, item.column_aliases, item.position)
    entry.is_join = True
    return entry


def _natural_names(left: Entries, right: Entries) -> tuple[str, ...]:
    on_right = {name for entry in right if entry.shows_columns for name in entry.names}
    return tuple(
        name for entry in left if entry.shows_columns for name in entry.names if name in on_right
    )


def _find(name: str, entries: Entries, side: str, position: int) -> ColumnRef:
    """The column of that name on one side."""
    found: ColumnRef | None = None
    for entry in entries:
        if not entry.shows_columns:
            continue
        at = entry.find(name)
        if at is None:
            continue
        if found is not None or at < 0:
            raise errors.AmbiguousColumn(
                f'common column name "{name}" appears more than once in {side} table'
            ).at(position)
        found = entry.column(at)
    if found is None:
        raise errors.UndefinedColumn(
            f'column "{name}" specified in USING clause does not exist in {side} table'
        ).at(position)
    return found


def _merge(
    item: ast.Join,
    names: tuple[str, ...],
    join: LogicalJoin,
    sides: tuple[Entries, Entries],
    scope: Scope,
) -> tuple[LogicalPlan, Entries]:
    left, right = sides
    state = scope.state
    conjuncts: list[BoundExpression] = []
    merged: list[ColumnRef] = []
    items: list[Item] = []
    for index, name in enumerate(names):
        if name in names[:index]:
            raise errors.DuplicateColumn(
                f'column name "{name}" appears more than once in USING clause'
            ).at(item.position)
        a, b = _find(name, left, "left", item.position), _find(name, right, "right", item.position)
        conjuncts.append(make_operator("=", a, b, scope, item.position))
        value = _merged_value(join.kind, a, b, scope, item.position)
        if not isinstance(value, ColumnRef):
            column = state.new_column(name, value.type)
            items.append((column, value))
            state.merged_columns[column.index] = value
            value = column
        merged.append(value)
    plan: LogicalPlan = LogicalJoin(
        join.kind, join.left, join.right, tuple(conjuncts), join.is_lateral
    )
    if items:
        plan = LogicalProject(plan, tuple(items))
    return plan, _merged_entries(item, names, merged, left, right)


def _merged_value(
    kind: str, left: ColumnRef, right: ColumnRef, scope: Scope, position: int
) -> BoundExpression:
    state = scope.state
    if kind == "full":
        sides, type_ = coerce_common([left, right], "JOIN/USING", state, [position, position])
        return CoalesceExpr(tuple(sides), type_)
    type_ = common_type([left.type, right.type], "JOIN/USING", [position, position])
    if kind == "right":
        return coerce_common([right, left], "JOIN/USING", state, [position, position])[0][0]
    if kind == "inner" and not same_type(left.type, type_) and same_type(right.type, type_):
        return right
    return coerce_common([left, right], "JOIN/USING", state, [position, position])[0][0]


def _merged_entries(
    item: ast.Join, names: tuple[str, ...], merged: list[ColumnRef], left: Entries, right: Entries
) -> Entries:
    """Merged columns first, then the other ones of the left, then of the right side; the sides keep their names only."""
    all_names, refs = list(names), list(merged)
    for entry in left + right:
        if not entry.shows_columns:
            continue
        for position, name in enumerate(entry.names):
            if name not in names:
                all_names.append(name)
                refs.append(entry.column(position))
        entry.shows_columns = False
    whole = RangeEntry("", all_names, refs=refs)
    entries = [*left, *right, whole]
    if item.using_alias is not None:
        only_merged = RangeEntry(item.using_alias, list(names), refs=merged)
        only_merged.shows_columns = False
        only_merged.is_join = True
        # A row made of columns, not one of a relation: there even where an outer join makes nulls of all of them.
        only_merged.presence = TRUE
        entries.append(only_merged)
    return entries
