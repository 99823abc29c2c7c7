"""Drops what nobody uses: columns of scans, computed columns, aggregates, window calls, and joins that only add columns.

A left join whose right side has at most one row for each left row, and of which no column is used, is dropped altogether.
"""

from __future__ import annotations

from lungfish.planner.expression_tree import add_columns, is_volatile
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalDelete,
    LogicalInsert,
    LogicalJoin,
    LogicalMerge,
    LogicalModification,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
    LogicalSystemScan,
    LogicalUpdate,
    LogicalValues,
    LogicalWindow,
)
from lungfish.planner.plan_tree import (
    SEMI_KINDS,
    computed_items,
    expressions_of,
    inputs,
    map_inputs,
    outputs,
    replace_fields,
)
from lungfish.planner.rewriting import Rewriting
from lungfish.planner.substitution import free_columns
from lungfish.planner.unique_keys import equated_columns, is_covered, unique_keys

Required = frozenset[int]
ONE_ROW = LogicalValues(((),), ())


def prune_columns(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan without what its result does not need."""
    return _prune(plan, outputs(plan))


def _prune(plan: LogicalPlan, required: Required) -> LogicalPlan:
    match plan:
        case LogicalScan() | LogicalSystemScan():
            first = plan.first_column
            kept = tuple([at for at in plan.positions if first + at in required])
            if isinstance(plan, LogicalScan) and plan.with_tuple_id:
                if plan.tuple_id_column not in required:
                    plan = replace_fields(plan, with_tuple_id=False)
            return (
                plan if len(kept) == len(plan.positions) else replace_fields(plan, positions=kept)
            )
        case LogicalProject():
            items = computed_items(plan, required)
            needed = _needed(required - {column.index for column, _ in plan.items}, items)
            below = _prune(plan.input, needed)
            if not items:
                return below
            if below is plan.input and len(items) == len(plan.items):
                return plan
            return LogicalProject(below, items)
        case LogicalAggregate():
            return _aggregate(plan, required)
        case LogicalWindow():
            return _window(plan, required)
        case LogicalJoin():
            return _join(plan, required)
        case LogicalAppend():
            return _append(plan, required)
        case LogicalInsert() | LogicalUpdate() | LogicalDelete() | LogicalMerge():
            return _modification(plan)
        case _:
            return _default(plan, required)


def _needed(required: Required, items: tuple[tuple[object, object], ...]) -> Required:
    found = set(required)
    for _, expression in items:
        add_columns(expression, found)  # type: ignore[arg-type]
    return frozenset(found)


def _default(plan: LogicalPlan, required: Required) -> LogicalPlan:
    """A node that hands on its input's columns, or names those that it uses."""
    if not inputs(plan):
        return plan
    found = set(required)
    for expression in expressions_of(plan):
        add_columns(expression, found)
    needed = frozenset(found)
    return map_inputs(plan, lambda below: _prune(below, needed))


def _aggregate(plan: LogicalAggregate, required: Required) -> LogicalPlan:
    kept = tuple((column, call) for column, call in plan.aggregates if column.index in required)
    if not kept and not plan.keys and len(plan.grouping_sets) == 1:
        # Without GROUP BY there is one row, whatever is below.
        return ONE_ROW
    changed = plan if len(kept) == len(plan.aggregates) else replace_fields(plan, aggregates=kept)
    return _default(changed, frozenset())


def _window(plan: LogicalWindow, required: Required) -> LogicalPlan:
    kept = tuple((column, call) for column, call in plan.calls if column.index in required)
    if not kept:
        return _prune(plan.input, required)
    changed = plan if len(kept) == len(plan.calls) else replace_fields(plan, calls=kept)
    return _default(changed, required)


def _join(plan: LogicalJoin, required: Required) -> LogicalPlan:
    if plan.kind == "left" and required.isdisjoint(outputs(plan.right)) and _adds_no_rows(plan):
        return _prune(plan.left, required)
    found = set(required)
    for conjunct in plan.conjuncts:
        add_columns(conjunct, found)
    if plan.is_lateral:
        found.update(column.index for column in free_columns(plan.right))
    needed = frozenset(found)
    if plan.kind in SEMI_KINDS:
        # What the right side yields is seen by the condition only.
        own: set[int] = set()
        for conjunct in plan.conjuncts:
            add_columns(conjunct, own)
        left, right = _prune(plan.left, needed), _prune(plan.right, frozenset(own))
    else:
        left, right = _prune(plan.left, needed), _prune(plan.right, needed)
    if left is plan.left and right is plan.right:
        return plan
    return LogicalJoin(plan.kind, left, right, plan.conjuncts, plan.is_lateral)


def _adds_no_rows(plan: LogicalJoin) -> bool:
    """Whether each left row gives exactly one row."""
    if any(is_volatile(conjunct) for conjunct in plan.conjuncts):
        return False
    return is_covered(unique_keys(plan.right), equated_columns(plan, outputs(plan.right)))


def _append(plan: LogicalAppend, required: Required) -> LogicalPlan:
    kept = [at for at, column in enumerate(plan.columns) if column.index in required]
    arms = tuple(
        _prune(below, frozenset([columns[at].index for at in kept]))
        for below, columns in zip(plan.inputs, plan.input_columns, strict=True)
    )
    sources = tuple(tuple(columns[at] for at in kept) for columns in plan.input_columns)
    return LogicalAppend(arms, sources, tuple(plan.columns[at] for at in kept))


def _modification(plan: LogicalModification) -> LogicalPlan:
    """Updates and deletes need the whole old row, with its TupleId."""
    found: set[int] = set()
    for expression in expressions_of(plan):
        add_columns(expression, found)
    if not isinstance(plan, LogicalInsert):
        found.update(outputs(plan.target))
        if plan.members:
            # The oid of the row's table.
            found.add(plan.target.tuple_id_column + 1)
    if isinstance(plan, LogicalMerge):
        found.update(column.index for column in plan.source_columns)
    return map_inputs(plan, lambda below: _prune(below, frozenset(found)))
