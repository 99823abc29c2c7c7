"""Giving columns other numbers throughout a plan: to use a plan a second time, or to put one in the place of its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lungfish.planner.expression_tree import map_children
from lungfish.planner.expressions import (
    TUPLE_ID_COLUMN,
    BoundExpression,
    ColumnRef,
    SubqueryExpr,
)
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalCteScan,
    LogicalDistinct,
    LogicalEmpty,
    LogicalFunctionScan,
    LogicalInsert,
    LogicalLock,
    LogicalMerge,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSetOperation,
    LogicalSystemScan,
    LogicalValues,
    LogicalWindow,
    LogicalWorkTable,
)
from lungfish.planner.plan_tree import map_expressions, map_inputs, replace_fields, walk_plan
from lungfish.planner.substitution import made_by, substitute, with_plan

Numbers = Mapping[int, ColumnRef]


def renumber(plan: LogicalPlan, numbers: Numbers) -> LogicalPlan:
    """The plan with columns replaced wherever they are made or used. Scans keep theirs: see `fresh_copy`."""
    changed = map_inputs(plan, lambda below: renumber(below, numbers))
    changed = map_expressions(changed, lambda node: substitute(node, numbers))
    return _renumber_columns(changed, numbers)


def _renumber_columns(plan: LogicalPlan, numbers: Numbers) -> LogicalPlan:
    """The columns that stand in the node outside of expressions."""

    def one(column: ColumnRef) -> ColumnRef:
        new = numbers.get(column.index)
        return column if new is None else ColumnRef(new.index, new.type, column.name)

    def several(columns: tuple[ColumnRef, ...]) -> tuple[ColumnRef, ...]:
        return tuple(one(column) for column in columns)

    match plan:
        case LogicalOutput():
            return LogicalOutput(plan.input, several(plan.columns))
        case LogicalFunctionScan() | LogicalValues() | LogicalEmpty() | LogicalWorkTable():
            return replace_fields(plan, columns=several(plan.columns))
        case LogicalProject() | LogicalProjectSet():
            return replace_fields(plan, items=_items(plan.items, one))
        case LogicalWindow():
            calls = tuple((one(column), call) for column, call in plan.calls)
            return replace_fields(plan, calls=calls)
        case LogicalAggregate():
            return replace_fields(
                plan,
                keys=_items(plan.keys, one),
                aggregates=tuple((one(column), call) for column, call in plan.aggregates),
                set_number=None if plan.set_number is None else one(plan.set_number),
            )
        case LogicalDistinct():
            return LogicalDistinct(plan.input, several(plan.columns), several(plan.on))
        case LogicalInsert():
            return replace_fields(plan, values=several(plan.values))
        case LogicalMerge():
            return replace_fields(plan, source_columns=several(plan.source_columns))
        case LogicalLock():
            locks = tuple(
                (table, one(column), strength, wait) for table, column, strength, wait in plan.locks
            )
            return LogicalLock(plan.input, locks)
        case _:
            return _renumber_sources(plan, several)


def _renumber_sources(
    plan: LogicalPlan, several: Callable[[tuple[ColumnRef, ...]], tuple[ColumnRef, ...]]
) -> LogicalPlan:
    match plan:
        case LogicalAppend():
            sources = tuple(several(columns) for columns in plan.input_columns)
            return LogicalAppend(plan.inputs, sources, several(plan.columns))
        case LogicalSetOperation():
            return replace_fields(
                plan,
                left_columns=several(plan.left_columns),
                right_columns=several(plan.right_columns),
                columns=several(plan.columns),
            )
        case LogicalRecursiveUnion():
            return replace_fields(
                plan,
                initial_columns=several(plan.initial_columns),
                step_columns=several(plan.step_columns),
                columns=several(plan.columns),
            )
        case LogicalCteScan():
            # The source's columns are those of another plan.
            return replace_fields(plan, columns=several(plan.columns))
        case _:
            return plan


def _items(
    items: tuple[tuple[ColumnRef, BoundExpression], ...], one: Callable[[ColumnRef], ColumnRef]
) -> tuple[tuple[ColumnRef, BoundExpression], ...]:
    return tuple((one(column), expression) for column, expression in items)


def fresh_copy(
    plan: LogicalPlan, new_column: Callable[[ColumnRef], ColumnRef]
) -> tuple[LogicalPlan, dict[int, ColumnRef]]:
    """A copy of the plan that makes columns of new numbers, and which became which. `new_column` takes consecutive numbers
    for consecutive calls. What the plan uses from outside stays.
    """
    numbers: dict[int, ColumnRef] = {}
    for node in walk_plan(plan):
        if isinstance(node, (LogicalScan, LogicalSystemScan)):
            _number_scan(node, numbers, new_column)
    made = {number for node in walk_plan(plan) for number in made_by(node)}
    for number, column in _columns_made(plan):
        if number in made and number not in numbers:
            numbers[number] = new_column(column)
    return _copy(plan, numbers, new_column), numbers


def _number_scan(
    node: LogicalScan | LogicalSystemScan,
    numbers: dict[int, ColumnRef],
    new_column: Callable[[ColumnRef], ColumnRef],
) -> None:
    described = node.table.columns if isinstance(node, LogicalScan) else node.view.columns
    for position, column in enumerate(described):
        ref = ColumnRef(node.first_column + position, column.type, column.name)
        numbers[ref.index] = new_column(ref)
    if isinstance(node, LogicalScan):
        ref = ColumnRef(node.tuple_id_column, TUPLE_ID_COLUMN.type, TUPLE_ID_COLUMN.name)
        numbers[ref.index] = new_column(ref)


def _columns_made(plan: LogicalPlan) -> list[tuple[int, ColumnRef]]:
    found: list[tuple[int, ColumnRef]] = []
    for node in walk_plan(plan):
        match node:
            case LogicalProject() | LogicalProjectSet():
                found.extend((column.index, column) for column, _ in node.items)
            case LogicalWindow():
                found.extend((column.index, column) for column, _ in node.calls)
            case LogicalAggregate():
                found.extend((column.index, column) for column, _ in node.keys)
                found.extend((column.index, column) for column, _ in node.aggregates)
                if node.set_number is not None:
                    found.append((node.set_number.index, node.set_number))
            case _:
                columns = getattr(node, "columns", ())
                found.extend((column.index, column) for column in columns)
    return found


def _copy(
    plan: LogicalPlan, numbers: Numbers, new_column: Callable[[ColumnRef], ColumnRef]
) -> LogicalPlan:
    changed = map_inputs(plan, lambda below: _copy(below, numbers, new_column))
    if isinstance(changed, (LogicalScan, LogicalSystemScan)):
        return replace_fields(changed, first_column=numbers[changed.first_column].index)
    changed = map_expressions(
        changed, lambda node: _copy_subqueries(substitute(node, numbers), new_column)
    )
    return _renumber_columns(changed, numbers)


def _copy_subqueries(
    node: BoundExpression, new_column: Callable[[ColumnRef], ColumnRef]
) -> BoundExpression:
    """Subqueries make columns too, which a rule may bring into the plan around them."""
    changed = map_children(node, lambda child: _copy_subqueries(child, new_column))
    if isinstance(changed, SubqueryExpr):
        return with_plan(changed, fresh_copy(changed.plan, new_column)[0])  # type: ignore[arg-type]
    return changed
