"""INSERT, UPDATE, DELETE and MERGE: the query that finds the rows, and expressions over what it yields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lungfish.planner.expression_tree import add_columns, conjunction
from lungfish.planner.expressions import TUPLE_ID_COLUMN, BoundExpression, OutputColumn
from lungfish.planner.logical import (
    LogicalConflict,
    LogicalDelete,
    LogicalInsert,
    LogicalMerge,
    LogicalReturning,
    LogicalScan,
    LogicalUpdate,
)
from lungfish.planner.physical import (
    ConflictAction,
    DeleteRows,
    Estimate,
    InsertRows,
    MergeBranch,
    MergeRows,
    Returning,
    UpdateRows,
)
from lungfish.planner.physical_columns import Frames, Planned, layout_of
from lungfish.planner.plan_tree import outputs
from lungfish.planner.planning import Planning
from lungfish.types.sql_type import OID

MODIFICATIONS = (LogicalInsert, LogicalUpdate, LogicalDelete, LogicalMerge)


def plan_modification(
    planning: Planning,
    node: LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge,
    frames: Frames,
) -> Planned:
    """The plan of a statement that changes rows; its columns are those of RETURNING."""
    planning.use(node.table, "change")
    for member in node.members:
        planning.use(member, "change")
    match node:
        case LogicalInsert():
            return _insert(planning, node, frames)
        case LogicalUpdate():
            return _update(planning, node, frames)
        case LogicalDelete():
            return _delete(planning, node, frames)
        case LogicalMerge():
            return _merge(planning, node, frames)


def _insert(planning: Planning, node: LogicalInsert, frames: Frames) -> Planned:
    numbers = tuple(column.index for column in node.values)
    for column in node.values:
        planning.name(column)
    below = planning.exactly(planning.plan_input(node.input, frozenset(numbers), frames), numbers)
    conflict = None if node.conflict is None else _conflict(planning, node.conflict, frames)
    returning, made = _returning(planning, node.returning, (), frames)
    plan = InsertRows(
        node.table,
        below.plan,
        conflict,
        returning,
        planning.columns(made),
        _estimate(below),
        node.members,
    )
    return Planned(plan, made)


def _conflict(planning: Planning, node: LogicalConflict, frames: Frames) -> ConflictAction:
    layout = layout_of(column.index for column in (*node.existing, *node.proposed))
    translate = planning.translator(layout, frames)
    assignments = None
    if node.assignments is not None:
        assignments = tuple((at, translate(value)) for at, value in node.assignments)
    where = None if node.where is None else translate(node.where)
    return ConflictAction(node.arbiters, assignments, where)


def _estimate(below: Planned) -> Estimate:
    estimate = below.plan.estimate
    return Estimate(estimate.rows, estimate.startup_cost, estimate.total_cost)


def _returning(
    planning: Planning, node: LogicalReturning | None, others: Sequence[int], frames: Frames
) -> tuple[Returning | None, tuple[int, ...]]:
    """RETURNING over the old row, the new one, for MERGE the one that a plain name means, and the input's other columns."""
    if node is None:
        return None, ()
    numbers = [column.index for column in (*node.old, *node.new, *node.current)]
    presence = [column.index for column in node.presence]
    translate = planning.translator(layout_of([*numbers, *others, *presence]), frames)
    for column, _ in node.items:
        planning.name(column)
    expressions = tuple(translate(expression) for _, expression in node.items)
    checks = tuple((view, translate(condition)) for view, condition in node.checks)
    made = tuple(column.index for column, _ in node.items)
    return Returning(expressions, checks, bool(presence)), made


def _target_numbers(planning: Planning, target: LogicalScan, *, has_members: bool) -> list[int]:
    """The target's columns and its TupleId; with members the oid of the row's table."""
    for position, column in enumerate(target.table.columns):
        planning.name_as(target.first_column + position, OutputColumn(column.name, column.type))
    planning.name_as(target.tuple_id_column, TUPLE_ID_COLUMN)
    last = target.tuple_id_column
    if has_members:
        last += 1
        planning.name_as(last, OutputColumn("tableoid", OID))
    return list(range(target.first_column, last + 1))


def _other_numbers(
    node: LogicalUpdate | LogicalDelete, own: Sequence[int], expressions: Iterable[BoundExpression]
) -> list[int]:
    """The input's other columns that the statement's expressions use."""
    used: set[int] = set()
    for expression in expressions:
        add_columns(expression, used)
    if node.returning is not None:
        for _, expression in node.returning.items:
            add_columns(expression, used)
        for _, expression in node.returning.checks:
            add_columns(expression, used)
    return sorted((used & outputs(node.input)) - set(own))


def _source(
    planning: Planning,
    node: LogicalUpdate | LogicalDelete,
    expressions: Sequence[BoundExpression],
    frames: Frames,
) -> tuple[Planned, list[int]]:
    """The plan of the input: old row, TupleId, others; and the others' numbers."""
    own = _target_numbers(planning, node.target, has_members=bool(node.members))
    others = _other_numbers(node, own, expressions)
    numbers = [*own, *others]
    below = planning.plan_input(node.input, frozenset(numbers), frames)
    return planning.exactly(below, numbers), others


def _predicate(
    planning: Planning, conjuncts: Sequence[BoundExpression], below: Planned, frames: Frames
) -> BoundExpression | None:
    if not conjuncts:
        return None
    translate = planning.translator(below.layout, frames)
    return conjunction([translate(each) for each in conjuncts])


def _update(planning: Planning, node: LogicalUpdate, frames: Frames) -> Planned:
    used = [*(value for _, value in node.assignments), *node.recheck]
    below, others = _source(planning, node, used, frames)
    translate = planning.translator(below.layout, frames)
    returning, made = _returning(planning, node.returning, others, frames)
    plan = UpdateRows(
        node.table,
        below.plan,
        tuple((at, translate(value)) for at, value in node.assignments),
        _predicate(planning, node.recheck, below, frames),
        returning,
        planning.columns(made),
        _estimate(below),
        node.members,
    )
    return Planned(plan, made)


def _delete(planning: Planning, node: LogicalDelete, frames: Frames) -> Planned:
    below, others = _source(planning, node, node.recheck, frames)
    returning, made = _returning(planning, node.returning, others, frames)
    plan = DeleteRows(
        node.table,
        below.plan,
        _predicate(planning, node.recheck, below, frames),
        returning,
        planning.columns(made),
        _estimate(below),
        node.members,
    )
    return Planned(plan, made)


def _merge(planning: Planning, node: LogicalMerge, frames: Frames) -> Planned:
    own = _target_numbers(planning, node.target, has_members=bool(node.members))
    others = [*(column.index for column in node.source_columns), node.has_source.index]
    numbers = [*own, *others]
    for column in (*node.source_columns, node.has_source):
        planning.name(column)
    below = planning.exactly(planning.plan_input(node.input, frozenset(numbers), frames), numbers)
    translate = planning.translator(below.layout, frames)
    branches = tuple(
        MergeBranch(
            branch.match,
            None if branch.condition is None else translate(branch.condition),
            branch.kind,
            tuple((at, translate(value)) for at, value in branch.assignments),
        )
        for branch in node.branches
    )
    returning, made = _returning(planning, node.returning, others[:-1], frames)
    plan = MergeRows(
        node.table,
        below.plan,
        branches,
        returning,
        planning.columns(made),
        _estimate(below),
        node.members,
    )
    return Planned(plan, made)
