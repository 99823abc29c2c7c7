"""MERGE: the target joined with the source, and what to do with rows that match, or that one side lacks."""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_assignments import bind_assignments
from lungfish.planner.bind_from import bind_item, check_aliases, scan_target
from lungfish.planner.bind_returning import bind_returning, returned
from lungfish.planner.bind_update import scanned_row
from lungfish.planner.change_target import ChangeTarget, Place, ReadOnlyColumn
from lungfish.planner.coerce import coerce_assignment, coerce_boolean
from lungfish.planner.expression_tree import TRUE, conjuncts_of
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.logical import (
    LogicalFilter,
    LogicalJoin,
    LogicalMerge,
    LogicalMergeBranch,
    LogicalOutput,
    LogicalProject,
)
from lungfish.planner.plan_tree import outputs
from lungfish.planner.row_flags import add_row_flags
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.planner.updatable_views import find_target
from lungfish.sql.ast import dml as ast
from lungfish.sql.ast.expressions import Default, Expression
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
    first = next((each.kind for each in node.actions if each.kind != "nothing"), "update")
    changed = find_target(node.table, state, "merge into", first)
    table = changed.table
    inside = Scope(state, scope)
    plan, target, target_entry = scan_target(table, changed.reference(node.table), inside)
    if changed.is_view or table.virtual_positions:
        row = scanned_row(target, target_entry)
        target_entry = changed.entry(node.table.alias or changed.name, row, state)
        shown = changed.conditions(row, state)
        # What the view does not show is no match of anything.
        plan = LogicalFilter(plan, shown) if shown else plan
    target_entries = [target_entry]
    source, source_entries = bind_item(node.source, inside, [])
    entries = [*target_entries, *source_entries]
    check_aliases(entries, node.position)
    inside.entries = entries
    inside.clause = Clause.JOIN_ON
    condition = conjuncts_of(
        coerce_boolean(inside.bind(node.condition), "JOIN/ON", state, node.condition.position)
    )
    branches = _bind_branches(node, changed, (target_entries, source_entries), scope)
    returning = bind_returning(
        node.returning, node.table, changed, scope, others=source_entries, plain="either"
    )
    flags = [flag for _, flag in state.row_flags.values()]
    source = add_row_flags(source, state)
    has_source = state.new_column("has_source", BOOLEAN)
    flagged = LogicalProject(source, ((has_source, TRUE),))
    join = LogicalJoin(_join_kind(node), plan, flagged, condition)
    made = outputs(source)
    refs = [ref for entry in source_entries for ref in entry.columns()]
    columns = tuple({ref.index: ref for ref in (*refs, *flags) if ref.index in made}.values())
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
    node: ast.Merge,
    target: ChangeTarget,
    sides: tuple[list[RangeEntry], list[RangeEntry]],
    scope: Scope,
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
        branches.append(_bind_branch(action, target, sides, scope))
    return tuple(branches)


def _bind_branch(
    action: ast.MergeAction,
    target: ChangeTarget,
    sides: tuple[list[RangeEntry], list[RangeEntry]],
    scope: Scope,
) -> LogicalMergeBranch:
    own, source = sides
    visible = {NOT_MATCHED: source, NO_SOURCE: own}.get(action.match, [*own, *source])
    inside = Scope(scope.state, scope, list(visible))
    condition = None
    if action.condition is not None:
        inside.clause = Clause.MERGE_WHEN
        bound = inside.bind(action.condition)
        condition = coerce_boolean(bound, "WHEN", scope.state, action.condition.position)
    assignments: tuple[tuple[int, BoundExpression], ...] = ()
    if action.kind == "update":
        inside.clause = Clause.UPDATE
        assignments = bind_assignments(action.assignments, target, inside)
    elif action.kind == "insert":
        inside.clause = Clause.VALUES
        assignments = _bind_insert(action, target, inside)
    return LogicalMergeBranch(action.match, condition, action.kind, assignments)


def _bind_insert(
    action: ast.MergeAction, target: ChangeTarget, scope: Scope
) -> tuple[tuple[int, BoundExpression], ...]:
    """An expression for every column of the table."""
    table = target.table
    places: list[Place] = []
    for column in action.columns:
        if column.indirection:
            raise errors.FeatureNotSupported(
                "INSERT of parts of a column in MERGE is not supported"
            ).at(column.position)
        place = target.place(column.name, column.position)
        if any(column.name == before.name for before in action.columns[: len(places)]):
            raise errors.DuplicateColumn(f'column "{column.name}" specified more than once').at(
                column.position
            )
        places.append(place)
    if not places:
        places = list(target.places)
    if len(action.values) > len(places):
        raise errors.SyntaxError("INSERT has more expressions than target columns").at(
            action.position
        )
    if action.columns and action.values and len(action.values) < len(places):
        raise errors.SyntaxError("INSERT has more target columns than expressions").at(
            action.position
        )
    given: dict[int, Expression] = {}
    for place, value in zip(places, action.values, strict=False):
        if isinstance(place, ReadOnlyColumn):
            raise place.error(target.verb)
        given[place] = value
    values: list[tuple[int, BoundExpression]] = []
    for at, own in enumerate(table.columns):
        item = given.get(at)
        is_ignored = action.overriding == "user" and own.identity is not None
        if item is None or isinstance(item, Default) or is_ignored:
            values.append((at, target.default(at, scope.state)))
            continue
        if own.generated is not None or (
            own.identity == "always" and action.overriding != "system"
        ):
            raise errors.GeneratedAlways(
                f'cannot insert a non-DEFAULT value into column "{own.name}"'
            ).at(item.position)
        bound = scope.bind(item)
        values.append(
            (at, coerce_assignment(bound, own.type, own.name, scope.state, item.position))
        )
    return tuple(values)
