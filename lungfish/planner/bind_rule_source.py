"""OLD and NEW of a rule: the rows that a statement is about to change, as an item of FROM.

What is bound is the statement itself without its change: its table joined with its FROM under its WHERE, or the rows that it
inserts. OLD is the row that is there; NEW is that row with what SET assigns, or the row to be inserted with its defaults. Both stand for
expressions, so that nextval() as a default is called again for each mention of NEW, as in PostgreSQL.

If neither the rule nor the statement's WHERE speaks of the table's rows, they are not joined: the command then runs once, or once for each
row of FROM, and not once for each row of the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_from import bind_item, check_aliases, join_items
from lungfish.planner.bind_insert import bind_given
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_stored import with_generated
from lungfish.planner.bind_update import forbidden
from lungfish.planner.change_target import ChangeTarget, TableRow
from lungfish.planner.coerce import coerce_boolean
from lungfish.planner.expression_tree import columns_of, conjuncts_of, has_subquery
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.logical import (
    Item,
    LogicalFilter,
    LogicalPlan,
    LogicalProject,
    LogicalValues,
)
from lungfish.planner.plan_tree import outputs
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import find_rule_target
from lungfish.sql.ast.dml import Delete, Insert, Update
from lungfish.sql.ast.queries import ObjectName, RuleSource, TableReference

_ONE_ROW = LogicalValues(((),), ())


def bind_rule_source(item: RuleSource, state: BindState) -> tuple[LogicalPlan, list[RangeEntry]]:
    """The rows, and the entries of OLD and NEW as far as there are such."""
    outer_path, state.search_path = state.search_path, item.search_path
    try:
        assert state.root is not None, "a statement is being bound"
        around = state.root
        if item.statement.with_clause is not None:
            around = state.bind_with(item.statement.with_clause, around)
        target = find_rule_target(item.statement, item.relation_oid, state)
        if isinstance(item.statement, Insert):
            return _inserted(item.statement, target, around)
        return _changed(item, target, around)
    finally:
        state.search_path = outer_path


def _entry(word: str, target: ChangeTarget, row: Sequence[BoundExpression]) -> RangeEntry:
    """OLD or NEW: all columns of the relation, found by `old.x` only."""
    entry = RangeEntry(word, [column.name for column in target.table.columns], refs=row)
    entry.table = target.table
    entry.shows_columns = False
    return entry


def _inserted(
    statement: Insert, target: ChangeTarget, around: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    plan, given = bind_given(statement, target, around)
    known: dict[int, BoundExpression] = dict(given)
    if isinstance(plan, LogicalValues) and len(plan.rows) == 1:
        cells = dict(zip([column.index for column in plan.columns], plan.rows[0], strict=True))
        known = {at: cells[column.index] for at, column in given.items()}
        plan = _ONE_ROW
    values = [
        known[at] if at in known else target.default(at, around.state)
        for at in range(len(target.table.columns))
    ]
    values = with_generated(values, target.table, around.state)
    plan, values = _without_subqueries(plan, values, target, around.state)
    return plan, [_entry("new", target, values)]


def _without_subqueries(
    plan: LogicalPlan, values: list[BoundExpression], target: ChangeTarget, state: BindState
) -> tuple[LogicalPlan, list[BoundExpression]]:
    """The values with columns in place of those that hold a subquery: one plan cannot stand in several places."""
    items: list[Item] = []
    for at, value in enumerate(values):
        if has_subquery(value):
            column = state.new_column(target.table.columns[at].name, value.type)
            items.append((column, value))
            values[at] = column
    return (LogicalProject(plan, tuple(items)) if items else plan), values


def _changed(
    item: RuleSource, target: ChangeTarget, around: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    statement, state = item.statement, around.state
    assert not isinstance(statement, Insert), "has rows of its own"
    scope = Scope(state, around)
    scan, row = scan_relation(target, scope)
    own = target.entry(statement.table.alias or target.name, row, state)
    scope.entries = [own]
    others: list[RangeEntry] = []
    beside: LogicalPlan | None = None
    for each in statement.from_items if isinstance(statement, Update) else statement.using:
        right, entries = bind_item(each, scope, [forbidden(own), *others])
        check_aliases([*scope.entries, *entries], each.position)
        beside = right if beside is None else join_items("inner", beside, right, each)
        others += entries
        scope.entries = [*scope.entries, *entries]
    new = list(row.columns)
    if isinstance(statement, Update):
        scope.clause = Clause.UPDATE
        for at, value in bind_assignments(statement.assignments, target, scope):
            new[at] = value
        new = with_generated(new, target.table, state)
    conjuncts = target.conditions(row, state)
    if statement.where is not None:
        scope.clause = Clause.WHERE
        where = coerce_boolean(
            scope.bind(statement.where), "WHERE", state, statement.where.position
        )
        conjuncts = (*conjuncts, *conjuncts_of(where))
    made = outputs(scan)
    plan = beside or _ONE_ROW
    if item.uses_old or any(columns_of(each) & made for each in conjuncts):
        plan = scan if beside is None else join_items("inner", scan, beside, statement.table)
    if conjuncts:
        plan = LogicalFilter(plan, conjuncts)
    if item.uses_old:
        plan, new = _without_subqueries(plan, new, target, state)
    old_entry = _entry("old", target, row.columns)
    old_entry.table_oid = row.table_oid
    # What RETURNING of the statement may speak of too.
    old_entry.beneath = others
    if isinstance(statement, Delete):
        return plan, [old_entry]
    return plan, [old_entry, _entry("new", target, new)]


def scan_relation(target: ChangeTarget, scope: Scope) -> tuple[LogicalPlan, TableRow]:
    """All rows of the relation whose rule it is, and their columns."""
    catalog, table = scope.state.catalog, target.table
    name = ObjectName(table.name, catalog.namespace_name(table.namespace_oid))
    plan, (entry,) = bind_item(TableReference(name, is_only=target.is_only), scope, [])
    return plan, TableRow(entry.columns(), entry.table_oid)
