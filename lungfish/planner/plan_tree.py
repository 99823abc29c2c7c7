"""Walking and rebuilding logical plans: their inputs, the columns they make, the expressions in them.

Like the functions of expression_tree.py, the rebuilding ones give back the very same node when nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from lungfish.planner.expression_tree import (
    Mapper,
    aggregate_expressions,
    is_volatile,
    map_aggregate,
    map_all,
    map_sort_keys,
)
from lungfish.planner.expressions import BoundExpression, BoundFrame, ColumnRef, WindowCall
from lungfish.planner.logical import (
    Item,
    LogicalAggregate,
    LogicalAppend,
    LogicalConflict,
    LogicalCteScan,
    LogicalDelete,
    LogicalDistinct,
    LogicalEmpty,
    LogicalFilter,
    LogicalFunctionScan,
    LogicalInsert,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalMerge,
    LogicalMergeBranch,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSetOperation,
    LogicalSort,
    LogicalSystemScan,
    LogicalUpdate,
    LogicalValues,
    LogicalWindow,
    LogicalWorkTable,
)

PlanMapper = Callable[[LogicalPlan], LogicalPlan]

SEMI_KINDS = frozenset({"semi", "anti", "null-aware anti"})


def inputs(plan: LogicalPlan) -> tuple[LogicalPlan, ...]:
    """The plans directly below."""
    match plan:
        case (
            LogicalScan()
            | LogicalSystemScan()
            | LogicalFunctionScan()
            | LogicalValues()
            | LogicalEmpty()
            | LogicalCteScan()
            | LogicalWorkTable()
        ):
            return ()
        case LogicalJoin() | LogicalSetOperation():
            return (plan.left, plan.right)
        case LogicalAppend():
            return plan.inputs
        case LogicalRecursiveUnion():
            return (plan.initial, plan.step)
        case _:
            return (plan.input,)


def map_inputs(plan: LogicalPlan, change: PlanMapper) -> LogicalPlan:
    """The plan with `change` applied to each plan directly below."""
    match plan:
        case LogicalFilter():
            below = change(plan.input)
            return plan if below is plan.input else LogicalFilter(below, plan.conjuncts)
        case LogicalJoin():
            left, right = change(plan.left), change(plan.right)
            if left is plan.left and right is plan.right:
                return plan
            return LogicalJoin(plan.kind, left, right, plan.conjuncts, plan.is_lateral)
        case LogicalProject():
            below = change(plan.input)
            return plan if below is plan.input else LogicalProject(below, plan.items)
        case LogicalOutput():
            below = change(plan.input)
            return plan if below is plan.input else LogicalOutput(below, plan.columns)
        case LogicalSort():
            below = change(plan.input)
            return plan if below is plan.input else LogicalSort(below, plan.keys)
        case LogicalAppend():
            changed = tuple(change(each) for each in plan.inputs)
            if all(new is old for new, old in zip(changed, plan.inputs, strict=True)):
                return plan
            return LogicalAppend(changed, plan.input_columns, plan.columns)
        case LogicalSetOperation():
            left, right = change(plan.left), change(plan.right)
            if left is plan.left and right is plan.right:
                return plan
            return _with(plan, left=left, right=right)
        case LogicalRecursiveUnion():
            initial, step = change(plan.initial), change(plan.step)
            if initial is plan.initial and step is plan.step:
                return plan
            return _with(plan, initial=initial, step=step)
        case _:
            if not inputs(plan):
                return plan
            below = change(plan.input)  # type: ignore[union-attr]
            return plan if below is plan.input else _with(plan, input=below)  # type: ignore[union-attr]


Node = TypeVar("Node")


def _with(node: Node, **changes: object) -> Node:
    """`dataclasses.replace` for slotted nodes, without its checks."""
    kind = type(node)
    names = kind.__slots__  # type: ignore[attr-defined]
    return kind(*[changes[name] if name in changes else getattr(node, name) for name in names])


replace_fields = _with


def walk_plan(plan: LogicalPlan) -> Iterator[LogicalPlan]:
    """The plan and everything below it, but not what is inside subquery expressions."""
    stack = [plan]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(inputs(current))


def split_filter(plan: LogicalPlan) -> tuple[LogicalPlan, tuple[BoundExpression, ...]]:
    """What stands below a filter, and its conjuncts; the plan itself and none if it is no filter."""
    if isinstance(plan, LogicalFilter):
        return plan.input, plan.conjuncts
    return plan, ()


def outputs(plan: LogicalPlan) -> frozenset[int]:
    """The numbers of the columns that the plan yields."""
    match plan:
        case LogicalScan():
            found = {plan.first_column + position for position in plan.positions}
            if plan.with_tuple_id:
                found.add(plan.tuple_id_column)
            return frozenset(found)
        case LogicalSystemScan():
            return frozenset([plan.first_column + position for position in plan.positions])
        case LogicalFilter() | LogicalSort() | LogicalLimit() | LogicalLock():
            return outputs(plan.input)
        case LogicalProject() | LogicalProjectSet():
            return outputs(plan.input).union([column.index for column, _ in plan.items])
        case LogicalWindow():
            return outputs(plan.input).union([column.index for column, _ in plan.calls])
        case LogicalJoin():
            if plan.kind in SEMI_KINDS:
                return outputs(plan.left)
            return outputs(plan.left) | outputs(plan.right)
        case LogicalAggregate():
            found = {column.index for column, _ in plan.keys}
            found.update(column.index for column, _ in plan.aggregates)
            if plan.set_number is not None:
                found.add(plan.set_number.index)
            return frozenset(found)
        case LogicalInsert() | LogicalUpdate() | LogicalDelete() | LogicalMerge():
            returning = plan.returning
            return frozenset(
                () if returning is None else [column.index for column, _ in returning.items]
            )
        case _:
            return frozenset([column.index for column in plan.columns])


def computed_items(node: LogicalProject, required: frozenset[int]) -> tuple[Item, ...]:
    """The items of a projection that are needed, and those whose functions are called though nobody looks at the results."""
    return tuple([item for item in node.items if item[0].index in required or is_volatile(item[1])])


def expressions_of(plan: LogicalPlan) -> Iterator[BoundExpression]:
    """The expressions that stand in this node itself."""
    match plan:
        case LogicalFilter() | LogicalJoin():
            yield from plan.conjuncts
        case LogicalProject() | LogicalProjectSet():
            for _, expression in plan.items:
                yield expression
        case LogicalFunctionScan():
            yield from plan.calls
        case LogicalValues():
            for row in plan.rows:
                yield from row
        case LogicalAggregate():
            for _, expression in plan.keys:
                yield expression
            for _, call in plan.aggregates:
                yield from aggregate_expressions(call)
        case LogicalWindow():
            yield from plan.partition_by
            for key in plan.order_by:
                yield key.expression
            for _, window_call in plan.calls:
                yield from _window_expressions(window_call)
        case LogicalSort():
            for key in plan.keys:
                yield key.expression
        case LogicalLimit():
            if plan.limit is not None:
                yield plan.limit
            if plan.offset is not None:
                yield plan.offset
            for key in plan.keys:
                yield key.expression
        case LogicalInsert() | LogicalUpdate() | LogicalDelete() | LogicalMerge():
            yield from _modification_expressions(plan)
        case _:
            yield from _columns_used(plan)


def _columns_used(plan: LogicalPlan) -> Iterator[ColumnRef]:
    """The columns of its inputs that a node names outside of expressions."""
    match plan:
        case LogicalDistinct():
            yield from plan.columns
            yield from plan.on
        case LogicalOutput():
            yield from plan.columns
        case LogicalAppend():
            for columns in plan.input_columns:
                yield from columns
        case LogicalSetOperation():
            yield from plan.left_columns
            yield from plan.right_columns
        case LogicalRecursiveUnion():
            yield from plan.initial_columns
            yield from plan.step_columns
        case LogicalLock():
            for _, column, _, _ in plan.locks:
                yield column


def _window_expressions(call: WindowCall) -> Iterator[BoundExpression]:
    yield from call.arguments
    if call.filter is not None:
        yield call.filter
    for offset in (call.frame.start_offset, call.frame.end_offset):
        if offset is not None:
            yield offset


def _modification_expressions(
    plan: LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge,
) -> Iterator[BoundExpression]:
    match plan:
        case LogicalInsert():
            yield from plan.values
            if plan.conflict is not None:
                for _, expression in plan.conflict.assignments or ():
                    yield expression
                if plan.conflict.where is not None:
                    yield plan.conflict.where
        case LogicalUpdate():
            for _, expression in plan.assignments:
                yield expression
            yield from plan.recheck
        case LogicalDelete():
            yield from plan.recheck
        case LogicalMerge():
            yield plan.has_source
            for branch in plan.branches:
                if branch.condition is not None:
                    yield branch.condition
                for _, expression in branch.assignments:
                    yield expression
    if plan.returning is not None:
        for _, expression in plan.returning.items:
            yield expression
        for _, expression in plan.returning.checks:
            yield expression


def map_expressions(plan: LogicalPlan, change: Mapper) -> LogicalPlan:
    """The node with `change` applied to each expression that stands in it (not in its inputs)."""
    match plan:
        case LogicalFilter():
            conjuncts = map_all(plan.conjuncts, change)
            return plan if conjuncts is plan.conjuncts else LogicalFilter(plan.input, conjuncts)
        case LogicalJoin():
            conjuncts = map_all(plan.conjuncts, change)
            return plan if conjuncts is plan.conjuncts else _with(plan, conjuncts=conjuncts)
        case LogicalProject() | LogicalProjectSet():
            items = _map_items(plan.items, change)
            return plan if items is plan.items else _with(plan, items=items)
        case LogicalFunctionScan():
            calls = map_all(plan.calls, change)
            return plan if calls is plan.calls else _with(plan, calls=calls)
        case LogicalValues():
            rows = tuple(map_all(row, change) for row in plan.rows)
            if all(new is old for new, old in zip(rows, plan.rows, strict=True)):
                return plan
            return LogicalValues(rows, plan.columns, plan.alias)
        case LogicalAggregate():
            keys = _map_items(plan.keys, change)
            aggregates = tuple(
                (column, map_aggregate(call, change)) for column, call in plan.aggregates
            )
            return _with(plan, keys=keys, aggregates=aggregates)
        case LogicalWindow():
            return LogicalWindow(
                plan.input,
                map_all(plan.partition_by, change),
                map_sort_keys(plan.order_by, change),
                tuple((column, map_window_call(call, change)) for column, call in plan.calls),
            )
        case LogicalSort():
            sort_keys = map_sort_keys(plan.keys, change)
            return plan if sort_keys is plan.keys else LogicalSort(plan.input, sort_keys)
        case LogicalLimit():
            limit = None if plan.limit is None else change(plan.limit)
            offset = None if plan.offset is None else change(plan.offset)
            tie_keys = map_sort_keys(plan.keys, change)
            if limit is plan.limit and offset is plan.offset and tie_keys is plan.keys:
                return plan
            return LogicalLimit(plan.input, limit, offset, plan.has_ties, tie_keys)
        case LogicalInsert() | LogicalUpdate() | LogicalDelete() | LogicalMerge():
            return _map_modification(plan, change)
        case _:
            return plan


def _map_items(items: tuple[Item, ...], change: Mapper) -> tuple[Item, ...]:
    changed = tuple([(column, change(expression)) for column, expression in items])
    for (_, old), (_, new) in zip(items, changed, strict=True):
        if old is not new:
            return changed
    return items


def map_window_call(call: WindowCall, change: Mapper) -> WindowCall:
    """The window call with `change` applied to the expressions in it."""
    frame = call.frame
    if frame.start_offset is not None or frame.end_offset is not None:
        frame = BoundFrame(
            frame.unit,
            frame.start_kind,
            None if frame.start_offset is None else change(frame.start_offset),
            frame.end_kind,
            None if frame.end_offset is None else change(frame.end_offset),
            frame.exclude,
            frame.subtract,
            frame.add,
        )
    condition = None if call.filter is None else change(call.filter)
    return WindowCall(call.callee, map_all(call.arguments, change), call.type, frame, condition)


Assignments = tuple[tuple[int, BoundExpression], ...]


def _map_assignments(assignments: Assignments, change: Mapper) -> Assignments:
    return tuple((position, change(expression)) for position, expression in assignments)


def _map_modification(
    plan: LogicalInsert | LogicalUpdate | LogicalDelete | LogicalMerge, change: Mapper
) -> LogicalPlan:
    returning = plan.returning
    if returning is not None:
        items = _map_items(returning.items, change)
        checks = tuple((view, change(condition)) for view, condition in returning.checks)
        returning = replace(returning, items=items, checks=checks)
    match plan:
        case LogicalInsert():
            conflict = None if plan.conflict is None else _map_conflict(plan.conflict, change)
            return _with(plan, conflict=conflict, returning=returning)
        case LogicalUpdate():
            assignments = _map_assignments(plan.assignments, change)
            recheck = map_all(plan.recheck, change)
            return _with(plan, assignments=assignments, recheck=recheck, returning=returning)
        case LogicalDelete():
            return _with(plan, recheck=map_all(plan.recheck, change), returning=returning)
        case LogicalMerge():
            branches = tuple(
                LogicalMergeBranch(
                    branch.match,
                    None if branch.condition is None else change(branch.condition),
                    branch.kind,
                    _map_assignments(branch.assignments, change),
                )
                for branch in plan.branches
            )
            return _with(plan, branches=branches, returning=returning)


def _map_conflict(conflict: LogicalConflict, change: Mapper) -> LogicalConflict:
    assignments = conflict.assignments
    return LogicalConflict(
        conflict.arbiters,
        None if assignments is None else _map_assignments(assignments, change),
        None if conflict.where is None else change(conflict.where),
        conflict.existing,
        conflict.proposed,
    )


def rewrite_bottom_up(plan: LogicalPlan, change: PlanMapper) -> LogicalPlan:
    """`change` applied to every node, inputs first."""
    return change(map_inputs(plan, lambda below: rewrite_bottom_up(below, change)))
