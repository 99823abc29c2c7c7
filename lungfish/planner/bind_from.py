"""FROM: tables, views, subqueries, functions, and their joins.

Each item gives a plan and the entries that names see. `visible` are the entries to the left, which LATERAL items and
functions may use as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.catalog import objects
from lungfish.catalog.objects import Column, SystemView, Table, View
from lungfish.planner.bind_from_function import bind_function_reference
from lungfish.planner.bind_join import bind_join_condition
from lungfish.planner.bind_json_table import bind_json_table
from lungfish.planner.bind_members import append_members, members_of, table_oid_column
from lungfish.planner.bind_sample import bind_sample, refuse_sample
from lungfish.planner.bind_stored import with_virtual
from lungfish.planner.bind_type import row_type_of
from lungfish.planner.bind_with import reference_cte, refuse_changes
from lungfish.planner.expressions import ColumnRef, Constant
from lungfish.planner.logical import (
    Item,
    LogicalFilter,
    LogicalJoin,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
    LogicalSystemScan,
)
from lungfish.planner.plan_tree import outputs
from lungfish.planner.range_entries import rename_columns
from lungfish.planner.scope import RangeEntry, Scope
from lungfish.planner.substitution import free_columns
from lungfish.sql import parse
from lungfish.sql.ast import queries as ast
from lungfish.sql.ast.json import JsonTable
from lungfish.types.sql_type import BIGINT, BOOLEAN, OID

BoundItem = tuple[LogicalPlan, list[RangeEntry]]

VIEW_DEPTH_MAX = 100


def bind_from(items: Sequence[ast.FromItem], scope: Scope) -> LogicalPlan:
    """Bind the list of FROM; the entries are put into the scope."""
    plan: LogicalPlan | None = None
    for item in items:
        right, entries = bind_item(item, scope, scope.entries)
        check_aliases([*scope.entries, *entries], item.position)
        scope.entries = [*scope.entries, *entries]
        plan = right if plan is None else join_items("inner", plan, right, item)
    assert plan is not None
    return plan


def check_aliases(entries: Sequence[RangeEntry], position: int) -> None:
    """Raise DuplicateAlias if two entries have one name."""
    if len(entries) < 2:
        return
    seen: set[tuple[str, str | None]] = set()
    for entry in entries:
        if not entry.shows_name:
            continue
        # Two tables of one name in different schemas may stand side by side.
        key = (entry.alias, entry.schema)
        if (
            key in seen
            or (entry.alias, None) in seen
            or (entry.schema is None and any(alias == entry.alias for alias, _ in seen))
        ):
            raise errors.DuplicateAlias(f'table name "{entry.alias}" specified more than once').at(
                position
            )
        seen.add(key)


def bind_item(item: ast.FromItem, scope: Scope, visible: list[RangeEntry]) -> BoundItem:
    """One item of FROM."""
    match item:
        case ast.TableReference():
            bound = _table_reference(item, scope)
        case ast.Join():
            bound = _join_item(item, scope, visible)
        case ast.SubqueryReference():
            bound = _subquery_reference(item, scope, visible)
        case ast.FunctionReference():
            bound = bind_function_reference(item, lateral_view(scope, visible))
        case JsonTable():
            bound = bind_json_table(item, lateral_view(scope, visible))
        case ast.RuleSource():
            bound = scope.state.seams.bind_rule_source(item, scope.state)
    if scope.state.trace is not None:
        scope.state.trace.note_item(item, bound[1])
    return bound


def lateral_view(scope: Scope, visible: list[RangeEntry]) -> Scope:
    """The scope that a LATERAL item sees: what stands to its left, and what is around the query."""
    view = Scope(scope.state, scope.parent, visible)
    view.is_lateral_view = True
    return view


# Tables and views.


def _table_reference(item: ast.TableReference, scope: Scope) -> BoundItem:
    name = item.name
    if name.schema is None:
        cte = scope.find_cte(name.name)
        if cte is not None:
            if item.sample is not None:
                raise refuse_sample(item.sample)
            plan, columns = reference_cte(cte, item, scope)
            names = [column.name for column in columns]
            entry = RangeEntry(item.alias or name.name, names, refs=columns)
            entry.is_cte = True
            rename_columns(entry, item.column_aliases, item.position)
            return plan, [entry]
    relation = scope.state.find_relation(name)
    if isinstance(relation, Table):
        scanned = scan_table(relation, item, scope)
        if item.sample is not None:
            scanned = _sampled(scanned, item.sample, scope)
        return scanned if not relation.virtual_positions else _with_virtual(scanned, scope)
    if item.sample is not None:
        raise refuse_sample(item.sample)
    if isinstance(relation, SystemView):
        return _scan_system_view(relation, item, scope)
    if isinstance(relation, View):
        return _expand_view(relation, item, scope)
    return _scan_system_view(_sequence_row(relation), item, scope)


def _with_virtual(item: BoundItem, scope: Scope) -> BoundItem:
    """The rows of a table with its virtual columns, computed above the scan: an outer join further up makes nulls of them."""
    plan, (entry,) = item
    table, state = entry.table, scope.state
    assert table is not None, "it is the entry of a table"
    computed = with_virtual(entry.refs(), table, state, table_oid=entry.table_oid)
    items: list[Item] = []
    for at in table.virtual_positions:
        column = table.columns[at]
        made = state.new_column(column.name, column.type)
        items.append((made, computed[at]))
        entry.replace(at, made)
    return LogicalProject(plan, tuple(items)), [entry]


def _sampled(item: BoundItem, sample: ast.TableSample, scope: Scope) -> BoundItem:
    """A sample of a table's rows, or of those of a whole family."""
    plan, entries = item
    if isinstance(plan, LogicalScan):
        plan = LogicalScan(
            plan.table, plan.alias, plan.first_column, plan.positions, with_tuple_id=True
        )
        tuple_id = tuple_id_ref(plan)
    else:
        table_oid = entries[0].table_oid
        assert isinstance(table_oid, ColumnRef), "members tell whose their rows are"
        tuple_id = ColumnRef(table_oid.index - 1, BIGINT, "ctid")
    return LogicalFilter(plan, (bind_sample(sample, tuple_id, scope),)), entries


def _sequence_row(sequence: objects.Sequence) -> SystemView:
    """A sequence read as a table: one row with its state."""

    def rows(context: Any) -> list[tuple[Any, ...]]:
        sequences = context.tables.core.sequences
        state = sequences.state(sequence)
        if state is None:
            return [(sequence.start, 0, False)]
        return [(state.last_value, sequences.reserved_count(sequence), state.is_called)]

    columns = (
        Column("last_value", BIGINT, 1),
        Column("log_cnt", BIGINT, 2),
        Column("is_called", BOOLEAN, 3),
    )
    return SystemView(sequence.oid, sequence.name, sequence.namespace_oid, columns, rows)


@lru_cache(maxsize=64)
def _all_positions(count: int) -> tuple[int, ...]:
    return tuple(range(count))


def scan_table(
    table: Table, item: ast.TableReference, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    """The scan of a table, and its entry; virtual columns are nulls, as they are stored."""
    columns = table.columns
    count = len(columns)
    state = scope.state
    state.note_collations(columns)
    tables = members_of(table, item, state)
    # Numbers more, for the TupleId and where there are members for tableoid.
    first = state.reserve_columns(count + (1 if tables is None else 2))
    alias = item.alias or table.name
    entry = RangeEntry(
        alias,
        [column.name for column in columns],
        types=[column.type for column in columns],
        first=first,
    )
    entry.table = table
    if item.alias is None:
        entry.schema = state.catalog.namespace_name(table.namespace_oid)
    if item.column_aliases:
        rename_columns(entry, item.column_aliases, item.position)
    if tables is not None:
        return _scan_members(table, tables, entry, first, scope), [entry]
    scan = LogicalScan(table, alias, first, _all_positions(count))
    locks = [lock for lock in scope.locking if not lock.tables or alias in lock.tables]
    if not locks:
        return scan, [entry]
    scan = LogicalScan(table, alias, first, scan.positions, with_tuple_id=True)
    state.locks_rows = True
    for lock in locks:
        scope.locks.append((table, tuple_id_ref(scan), lock.strength, lock.wait))
    return scan, [entry]


def _scan_members(
    table: Table, tables: tuple[Table, ...], entry: RangeEntry, first: int, scope: Scope
) -> LogicalPlan:
    """The scan of a table with children; each is locked by itself where rows are."""
    entry.table_oid = table_oid_column(first, table)
    locks = [lock for lock in scope.locking if not lock.tables or entry.alias in lock.tables]
    plan, marks = append_members(table, tables, entry.alias, first, scope.state, locked=bool(locks))
    for lock in locks:
        scope.state.locks_rows = True
        scope.locks += [(member, mark, lock.strength, lock.wait) for member, mark in marks]
    return plan


def scan_target(
    table: Table, item: ast.TableReference, scope: Scope
) -> tuple[LogicalPlan, LogicalScan, RangeEntry]:
    """The rows that a statement may change: their plan, the numbers of its columns as those of a scan, and the entry.

    Where the plan is none of the table alone, the column of `table_oid_column` follows the TupleId's.
    """
    plan, entries = scan_table(table, item, scope)
    if isinstance(plan, LogicalScan):
        plan = target = LogicalScan(
            plan.table, plan.alias, plan.first_column, plan.positions, with_tuple_id=True
        )
        return plan, target, entries[0]
    found = entries[0].table_oid
    assert isinstance(found, ColumnRef), "members tell whose their rows are"
    first = found.index - len(table.columns) - 1
    alias = item.alias or table.name
    target = LogicalScan(table, alias, first, _all_positions(len(table.columns)), True)
    return plan, target, entries[0]


def tuple_id_ref(scan: LogicalScan) -> ColumnRef:
    """The column of the scan's TupleIds."""
    return ColumnRef(scan.tuple_id_column, BIGINT, "ctid")


def _scan_system_view(view: SystemView, item: ast.TableReference, scope: Scope) -> BoundItem:
    count = len(view.columns)
    first = scope.state.reserve_columns(count)
    alias = item.alias or view.name
    names = [column.name for column in view.columns]
    types = [column.type for column in view.columns]
    entry = RangeEntry(alias, names, types=types, first=first)
    entry.row_type = row_type_of(view)
    if item.alias is None:
        entry.schema = scope.state.catalog.namespace_name(view.namespace_oid)
    rename_columns(entry, item.column_aliases, item.position)
    entry.table_oid = Constant(int(view.oid), OID)
    return LogicalSystemScan(view, alias, first, _all_positions(count)), [entry]


@lru_cache(maxsize=256)
def parse_stored_query(text: str) -> ast.Query:
    """The query of a view's text."""
    statement = parse(text)[0].statement
    assert isinstance(statement, ast.Query)
    return statement


def _expand_view(view: View, item: ast.TableReference, scope: Scope) -> BoundItem:
    state = scope.state
    if state.view_depth >= VIEW_DEPTH_MAX:
        raise errors.InvalidObjectDefinition(
            f'infinite recursion detected in rules for relation "{view.name}"'
        ).at(item.position)
    query = parse_stored_query(view.query)
    outer_path, frame = state.search_path, state.routine
    state.search_path = view.search_path
    state.routine = None
    state.view_depth += 1
    try:
        output = state.bind_query(
            _locked(query, item.alias or view.name, scope), Scope(state, None)
        )
    except errors.Error as error:
        # The place is one in the view's text, not in the statement's.
        error.position = None
        raise
    finally:
        state.search_path, state.routine = outer_path, frame
        state.view_depth -= 1
    if state.has_collations:
        state.crossed_columns.update(column.index for column in output.columns)
    names = [column.name for column in view.columns]
    entry = RangeEntry(item.alias or view.name, names, refs=output.columns[: len(names)])
    entry.row_type = row_type_of(view)
    if item.alias is None:
        entry.schema = state.catalog.namespace_name(view.namespace_oid)
    rename_columns(entry, item.column_aliases, item.position)
    return output.input, [entry]


def _locked(query: ast.Query, alias: str, scope: Scope) -> ast.Query:
    """The query with the row locks that the query around it asks for."""
    wanted = [lock for lock in scope.locking if not lock.tables or alias in lock.tables]
    if not wanted:
        return query
    locking = tuple(
        ast.LockingClause(lock.strength, (), lock.wait, lock.position) for lock in wanted
    )
    return ast.Query(
        query.body,
        query.with_clause,
        query.order_by,
        query.limit,
        query.offset,
        query.has_ties,
        query.locking + locking,
        query.into,
        query.position,
    )


def _subquery_reference(
    item: ast.SubqueryReference, scope: Scope, visible: list[RangeEntry]
) -> BoundItem:
    state = scope.state
    around = lateral_view(scope, visible) if item.is_lateral else scope.parent_or_empty()
    alias = item.alias or ""
    refuse_changes(item.query)
    output: LogicalOutput = state.bind_query(_locked(item.query, alias, scope), around)
    if state.has_collations:
        state.crossed_columns.update(column.index for column in output.columns)
    names = [column.name for column in output.columns]
    entry = RangeEntry(alias, names, refs=output.columns)
    rename_columns(entry, item.column_aliases, item.position)
    return output.input, [entry]


# Joins.


def join_items(kind: str, left: LogicalPlan, right: LogicalPlan, item: ast.FromItem) -> LogicalJoin:
    """A join; lateral if its right side uses columns of the left."""
    is_lateral = False
    if isinstance(item, (ast.SubqueryReference, ast.FunctionReference, JsonTable, ast.Join)):
        used = free_columns(right)
        if used:
            made = outputs(left)
            is_lateral = any(column.index in made for column in used)
    if is_lateral and kind in ("right", "full"):
        raise errors.InvalidColumnReference(
            "invalid reference to FROM-clause entry",
            detail="The combining JOIN type must be INNER or LEFT for a LATERAL reference.",
        ).at(item.position)
    return LogicalJoin(kind, left, right, (), is_lateral)


JOIN_KINDS = {
    ast.JoinKind.INNER: "inner",
    ast.JoinKind.CROSS: "inner",
    ast.JoinKind.LEFT: "left",
    ast.JoinKind.RIGHT: "right",
    ast.JoinKind.FULL: "full",
}


def _join_item(item: ast.Join, scope: Scope, visible: list[RangeEntry]) -> BoundItem:
    left, left_entries = bind_item(item.left, scope, visible)
    right, right_entries = bind_item(item.right, scope, [*visible, *left_entries])
    check_aliases([*left_entries, *right_entries], item.position)
    join = join_items(JOIN_KINDS[item.kind], left, right, item.right)
    return bind_join_condition(item, join, left_entries, right_entries, scope)
