"""MERGE: the target joined with the source, and what to do with rows that match, or that one side lacks."""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_from import bind_item, check_aliases, scan_target
from lungfish.planner.bind_returning import bind_returning, returned
from lungfish.planner.bind_stored import default_of
from lungfish.planner.coerce import coerce_assignment, coerce_boolean
from lungfish.planner.expression_tree import TRUE, conjuncts_of
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.logical import (
    LogicalJoin,
    LogicalMerge,
    LogicalMergeBranch,
    LogicalOutput,
    LogicalProject,
)
from lungfish.planner.modification_target import find_target_table
from lungfish.planner.plan_tree import outputs
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import whole_table
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.expressions import Default
from lungfish.types.sql_type import BOOLEAN

NOT_MATCHED = "not matched by target"
NO_SOURCE = "not matched by source"


def bind_merge(node: ast.Merge, around: Scope) -> LogicalOutput:
    """A MERGE; the columns of the result are those of RETURNING."""
    if node.with_clause is not None and node.with_clause.is_recursive:
        raise errors.SyntaxError("WITH RECURSIVE is not supported for MERGE statement").at(
            node.position
        )
    scope = around if node.with_clause is None else around.state.bind_with(node.with_clause, around)
    state = scope.state
    table = find_target_table(node.table, state, "merge into")
    inside = Scope(state, scope)
    changed = whole_table(table, node.table, state)
    plan, target, target_entry = scan_target(table, node.table, inside)
    target_entries = [target_entry]
    source, source_entries = bind_item(node.source, inside, [])
    entries = [*target_entries, *source_entries]
    check_aliases(entries, node.position)
    inside.entries = entries
    inside.clause = Clause.JOIN_ON
    condition = conjuncts_of(
        coerce_boolean(inside.bind(node.condition), "JOIN/ON", state, node.condition.position)
    )
    has_source = state.new_column("has_source", BOOLEAN)
    flagged = LogicalProject(source, ((has_source, TRUE),))
    join = LogicalJoin(_join_kind(node), plan, flagged, condition)
    branches = _bind_branches(node, table, (target_entries, source_entries), scope)
    returning = bind_returning(
        node.returning, node.table, changed, scope, others=source_entries, plain="either"
    )
    made = outputs(source)
    refs = [ref for entry in source_entries for ref in entry.refs() if ref.index in made]
    columns = tuple({ref.index: ref for ref in refs}.values())
    merge = LogicalMerge(
        table, join, target, columns, has_source, branches, returning, changed.members
    )
    return returned(merge, returning)


def _join_kind(node: ast.Merge) -> str:
    keeps_source = any(action.match == NOT_MATCHED for action in node.actions)
    keeps_target = any(action.match == NO_SOURCE for action in node.actions)
    if keeps_source:
        return "full" if keeps_target else "right"
    return "left" if keeps_target else "inner"


def _bind_branches(
    node: ast.Merge, table: Table, sides: tuple[list[RangeEntry], list[RangeEntry]], scope: Scope
) -> tuple[LogicalMergeBranch, ...]:
    unconditional: set[str] = set()
    branches = []
    for action in node.actions:
        if action.match in unconditional:
            raise errors.SyntaxError(
                "unreachable WHEN clause specified after unconditional WHEN clause"
            ).at(action.position)
        if action.condition is None:
            unconditional.add(action.match)
        branches.append(_bind_branch(action, table, sides, scope))
    return tuple(branches)


def _bind_branch(
    action: ast.MergeAction,
    table: Table,
    sides: tuple[list[RangeEntry], list[RangeEntry]],
    scope: Scope,
) -> LogicalMergeBranch:
    target, source = sides
    visible = {NOT_MATCHED: source, NO_SOURCE: target}.get(action.match, [*target, *source])
    inside = Scope(scope.state, scope, list(visible))
    condition = None
    if action.condition is not None:
        inside.clause = Clause.MERGE_WHEN
        bound = inside.bind(action.condition)
        condition = coerce_boolean(bound, "WHEN", scope.state, action.condition.position)
    assignments: tuple[tuple[int, BoundExpression], ...] = ()
    if action.kind == "update":
        inside.clause = Clause.UPDATE
        assignments = bind_assignments(action.assignments, table, inside)
    elif action.kind == "insert":
        inside.clause = Clause.VALUES
        assignments = _bind_insert(action, table, inside)
    return LogicalMergeBranch(action.match, condition, action.kind, assignments)


def _bind_insert(
    action: ast.MergeAction, table: Table, scope: Scope
) -> tuple[tuple[int, BoundExpression], ...]:
    """An expression for every column of the table."""
    positions: list[int] = []
    for target in action.columns:
        if target.indirection:
            raise errors.FeatureNotSupported(
                "INSERT of parts of a column in MERGE is not supported"
            ).at(target.position)
        found = table.column_position(target.name)
        if found is None:
            raise errors.UndefinedColumn(
                f'column "{target.name}" of relation "{table.name}" does not exist'
            ).at(target.position)
        positions.append(found)
    if not positions:
        positions = list(range(len(table.columns)))
    if len(action.values) > len(positions):
        raise errors.SyntaxError("INSERT has more expressions than target columns").at(
            action.position
        )
    if action.columns and action.values and len(action.values) < len(positions):
        raise errors.SyntaxError("INSERT has more target columns than expressions").at(
            action.position
        )
    given = dict(zip(positions, action.values, strict=False))
    values: list[tuple[int, BoundExpression]] = []
    for at, column in enumerate(table.columns):
        item = given.get(at)
        if item is None or isinstance(item, Default):
            values.append((at, default_of(table, at, scope.state)))
            continue
        if column.generated is not None or (
            column.identity == "always" and action.overriding != "system"
        ):
            raise errors.GeneratedAlways(
                f'cannot insert a non-DEFAULT value into column "{column.name}"'
            ).at(item.position)
        bound = scope.bind(item)
        values.append(
            (at, coerce_assignment(bound, column.type, column.name, scope.state, item.position))
        )
    return tuple(values)
