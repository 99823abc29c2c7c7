"""Which sets of columns no two rows of a plan share."""

from __future__ import annotations

from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import Call, ColumnRef
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalScan,
    LogicalSetOperation,
    LogicalSort,
    LogicalValues,
    LogicalWindow,
)
from lungfish.planner.plan_tree import SEMI_KINDS, outputs

Keys = list[frozenset[int]]
KEYS_MAX = 16


def unique_keys(plan: LogicalPlan) -> Keys:
    """Sets of columns that tell any two rows apart, nulls taken as equal; the empty set means at most one row."""
    match plan:
        case LogicalScan():
            return _of_scan(plan)
        case LogicalFilter():
            return unique_keys(plan.input)
        case LogicalProject() | LogicalSort() | LogicalLimit() | LogicalWindow() | LogicalLock():
            return unique_keys(plan.input)
        case LogicalOutput():
            shown = frozenset(column.index for column in plan.columns)
            return [key for key in unique_keys(plan.input) if key <= shown]
        case LogicalDistinct():
            own = frozenset(column.index for column in (plan.on or plan.columns))
            return [own, *(key for key in unique_keys(plan.input) if key <= outputs(plan))]
        case LogicalAggregate():
            if len(plan.grouping_sets) == 1:
                return [frozenset(column.index for column, _ in plan.keys)]
            return []
        case LogicalJoin():
            return _of_join(plan)
        case LogicalSetOperation():
            return [] if plan.is_all else [frozenset(column.index for column in plan.columns)]
        case LogicalValues():
            return [frozenset()] if len(plan.rows) <= 1 else []
        case _:
            return []


def _of_scan(plan: LogicalScan) -> Keys:
    table, first = plan.table, plan.first_column
    found: Keys = [frozenset({plan.tuple_id_column})] if plan.with_tuple_id else []
    for index in table.indexes:
        if not index.is_key or index.predicate is not None:
            continue
        if any(not column.column_number for column in index.columns):
            continue
        positions = [table.position_of_number(column.column_number) for column in index.columns]
        # Nulls are not equal to each other for a unique index, unless it says so.
        if index.nulls_not_distinct or all(table.columns[at].is_never_null for at in positions):
            found.append(frozenset(first + at for at in positions))
    return found


def _of_join(plan: LogicalJoin) -> Keys:
    left = unique_keys(plan.left)
    if plan.kind in SEMI_KINDS:
        return left
    right = unique_keys(plan.right)
    found: Keys = []
    if plan.kind in ("inner", "left") and _is_matched_once(plan, right, left_side=True):
        found.extend(left)
    if plan.kind in ("inner", "right") and _is_matched_once(plan, left, left_side=False):
        found.extend(right)
    if not found and plan.kind != "full":
        found.extend(a | b for a in left for b in right)
    return found[:KEYS_MAX]


def _is_matched_once(plan: LogicalJoin, keys: Keys, *, left_side: bool) -> bool:
    """Whether each row of one side meets at most one row of the other, whose keys these are."""
    own = outputs(plan.right if left_side else plan.left)
    return is_covered(keys, equated_columns(plan, own))


def equated_columns(plan: LogicalJoin, own: frozenset[int]) -> frozenset[int]:
    """The columns of one side that the condition makes equal to something of the other side."""
    found: set[int] = set()
    for conjunct in plan.conjuncts:
        if not isinstance(conjunct, Call) or conjunct.function.name != "=":
            continue
        left, right = conjunct.arguments
        for near, far in ((left, right), (right, left)):
            if isinstance(near, ColumnRef) and near.index in own and _is_free_of(far, own):
                found.add(near.index)
    return frozenset(found)


def _is_free_of(node: object, own: frozenset[int]) -> bool:
    return columns_of(node).isdisjoint(own)  # type: ignore[arg-type]


def is_covered(keys: Keys, columns: frozenset[int]) -> bool:
    """Whether the columns hold a key."""
    return any(key <= columns for key in keys)
