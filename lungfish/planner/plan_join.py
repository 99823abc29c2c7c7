"""Joins: hashed, as nested loops, or by probing an index of the right side for each row of the left one."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.planner.cost import (
    hash_join_cost,
    lateral_join_cost,
    nested_loop_cost,
    probe_join_cost,
)
from lungfish.planner.expression_tree import add_columns, conjunction
from lungfish.planner.expressions import BoundExpression, Constant
from lungfish.planner.hash_keys import HashKeys, hash_keys
from lungfish.planner.logical import LogicalJoin, LogicalPlan, LogicalScan
from lungfish.planner.physical import (
    Estimate,
    Filter,
    HashJoin,
    IndexScan,
    Limit,
    NestedLoopJoin,
    PhysicalPlan,
    Project,
    TopN,
    ValuesScan,
)
from lungfish.planner.physical_columns import Frames, Planned, layout_of
from lungfish.planner.plan_scan import plan_scan
from lungfish.planner.plan_tree import SEMI_KINDS, outputs, split_filter
from lungfish.planner.planning import Planning
from lungfish.planner.substitution import free_columns

# Joins for which the right side may be run again for each left row.
PROBING_KINDS = frozenset({"inner", "left", "semi", "anti"})
# With more outer rows than this, probing is not even looked at.
PROBING_ROWS_MAX = 100_000.0
# By how much the number of outer rows is taken to be too low where it is a guess: that makes probing dear without limit, while a
# hash join's price hardly depends on it.
PROBE_DOUBT = 3.0


def plan_join(
    planning: Planning, node: LogicalJoin, required: frozenset[int], frames: Frames
) -> Planned:
    """The cheapest way to do the join."""
    if node.kind == "inner" and not node.is_lateral:
        sizes = [planning.cardinality.rows(side) for side in (node.left, node.right)]
        if sizes[1] < sizes[0]:
            # The smaller side leads: it probes an index of the other, or else is the one that is hashed.
            node = LogicalJoin("inner", node.right, node.left, node.conjuncts)
    left_outputs, right_outputs = outputs(node.left), outputs(node.right)
    needed = set(required)
    for conjunct in node.conjuncts:
        add_columns(conjunct, needed)
    rows = planning.cardinality.rows(node)
    if node.is_lateral:
        return _lateral(planning, node, needed, left_outputs, right_outputs, frames)
    left = planning.narrowed(
        planning.plan_input(node.left, left_outputs & needed, frames), left_outputs & needed
    )
    probed = _probe(planning, node, left, frozenset(needed), frames)
    keys = hash_keys(node.conjuncts, left_outputs, right_outputs)
    price = float("inf") if probed is None else _doubted_cost(probed, left, rows)
    if (
        probed is not None
        and keys.left
        and price
        < left.cost + hash_join_cost(left.rows, planning.cardinality.rows(node.right), rows)
    ):
        # Dearer than this any other way is, so none need be planned.
        return probed
    right = planning.narrowed(
        planning.plan_input(node.right, right_outputs & needed, frames), right_outputs & needed
    )
    if probed is not None and price < _plain_cost(keys, left, right, rows):
        return probed
    if keys.left:
        return _hash(planning, node.kind, left, right, keys, rows, frames=frames)
    if node.kind == "full" and not all(isinstance(each, Constant) for each in node.conjuncts):
        raise errors.FeatureNotSupported(
            "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions"
        )
    return _nested(planning, node.kind, left, right, node.conjuncts, rows, frames=frames)


def _doubted_cost(probed: Planned, left: Planned, rows: float) -> float:
    """The cost of probing with as many outer rows as there may be, if that is a guess."""
    if _is_certain(left.plan):
        return probed.cost
    assert isinstance(probed.plan, NestedLoopJoin)
    probing = probe_join_cost(left.rows, probed.plan.right.estimate.total_cost, rows)
    return left.cost + PROBE_DOUBT * probing


def _is_certain(plan: PhysicalPlan) -> bool:
    """Whether the number of rows is not merely a guess: a row by its key, a limit, literal rows."""
    match plan:
        case IndexScan():
            return plan.index.is_key and len(plan.equals) == len(plan.index.columns)
        case ValuesScan() | TopN() | Limit():
            return True
        case Project() | Filter():
            return _is_certain(plan.input)
        case NestedLoopJoin():
            return _is_certain(plan.left) and _is_certain(plan.right)
        case _:
            return False


def _plain_cost(keys: HashKeys, left: Planned, right: Planned, rows: float) -> float:
    own = hash_join_cost if keys.left else nested_loop_cost
    return left.cost + right.cost + own(left.rows, right.rows, rows)


def _joined(kind: str, left: Planned, right: Planned) -> tuple[int, ...]:
    return left.numbers if kind in SEMI_KINDS else left.numbers + right.numbers


def _hash(
    planning: Planning,
    kind: str,
    left: Planned,
    right: Planned,
    keys: HashKeys,
    rows: float,
    *,
    frames: Frames,
) -> Planned:
    swapped = SWAPPED.get(kind)
    if swapped is not None and left.rows < right.rows:
        # The right side is the one that is kept in memory.
        kind, left, right = swapped, right, left
        keys = HashKeys(keys.right, keys.left, keys.null_equals, keys.rest)
    condition = _condition(planning, left, right, keys.rest, frames)
    over_left = planning.translator(left.layout, frames)
    over_right = planning.translator(right.layout, frames)
    numbers = _joined(kind, left, right)
    cost = left.cost + right.cost + hash_join_cost(left.rows, right.rows, rows)
    plan = HashJoin(
        kind,
        left.plan,
        right.plan,
        tuple(over_left(key) for key in keys.left),
        tuple(over_right(key) for key in keys.right),
        tuple(keys.null_equals),
        condition,
        planning.columns(numbers),
        Estimate(rows, right.cost, cost),
    )
    return Planned(plan, numbers)


SWAPPED = {"inner": "inner", "left": "right", "right": "left", "full": "full"}


def _condition(
    planning: Planning,
    left: Planned,
    right: Planned,
    conjuncts: Sequence[BoundExpression],
    frames: Frames,
) -> BoundExpression | None:
    if not conjuncts:
        return None
    translate = planning.translator(layout_of(left.numbers + right.numbers), frames)
    return conjunction([translate(each) for each in conjuncts])


def _nested(
    planning: Planning,
    kind: str,
    left: Planned,
    right: Planned,
    conjuncts: Sequence[BoundExpression],
    rows: float,
    *,
    frames: Frames,
) -> Planned:
    condition = _condition(planning, left, right, conjuncts, frames)
    numbers = _joined(kind, left, right)
    cost = left.cost + right.cost + nested_loop_cost(left.rows, right.rows, rows)
    plan = NestedLoopJoin(
        kind,
        left.plan,
        right.plan,
        condition,
        is_lateral=False,
        columns=planning.columns(numbers),
        estimate=Estimate(rows, 0.0, cost),
    )
    return Planned(plan, numbers)


def _lateral(
    planning: Planning,
    node: LogicalJoin,
    needed: set[int],
    left_outputs: frozenset[int],
    right_outputs: frozenset[int],
    frames: Frames,
) -> Planned:
    """The right side uses columns of the left one: it is run for each left row, which it sees as a frame."""
    wanted = frozenset(needed) | _used_inside(node.right)
    left = planning.narrowed(
        planning.plan_input(node.left, left_outputs & wanted, frames), left_outputs & wanted
    )
    right = planning.narrowed(
        planning.plan_input(node.right, right_outputs & frozenset(needed), (*frames, left.layout)),
        right_outputs & frozenset(needed),
    )
    rows = planning.cardinality.rows(node)
    cost = left.cost + lateral_join_cost(left.rows, right.cost, rows)
    return _lateral_node(
        planning, node.kind, left, right, node.conjuncts, Estimate(rows, 0.0, cost), frames=frames
    )


def _lateral_node(
    planning: Planning,
    kind: str,
    left: Planned,
    right: Planned,
    conjuncts: Sequence[BoundExpression],
    estimate: Estimate,
    *,
    frames: Frames,
) -> Planned:
    condition = _condition(planning, left, right, conjuncts, frames)
    numbers = _joined(kind, left, right)
    plan = NestedLoopJoin(
        kind,
        left.plan,
        right.plan,
        condition,
        is_lateral=True,
        columns=planning.columns(numbers),
        estimate=Estimate(estimate.rows, left.plan.estimate.startup_cost, estimate.total_cost),
    )
    return Planned(plan, numbers, left.order)


def _used_inside(plan: LogicalPlan) -> frozenset[int]:
    return frozenset(column.index for column in free_columns(plan))


def _probe(
    planning: Planning,
    node: LogicalJoin,
    left: Planned,
    needed: frozenset[int],
    frames: Frames,
) -> Planned | None:
    """The join by probing an index of the right side, if that is a table with one that fits."""
    if node.kind not in PROBING_KINDS or left.rows > PROBING_ROWS_MAX:
        return None
    right, conjuncts = split_filter(node.right)
    conjuncts += node.conjuncts
    if not isinstance(right, LogicalScan) or not right.table.indexes:
        return None
    right_outputs = outputs(right)
    inside = (*frames, left.layout)
    scan = plan_scan(planning, right, conjuncts, right_outputs & needed, inside)
    if not isinstance(scan.plan, IndexScan):
        return None
    scan = planning.narrowed(scan, right_outputs & needed)
    rows = planning.cardinality.rows(node)
    cost = left.cost + probe_join_cost(left.rows, scan.cost, rows)
    return _lateral_node(
        planning, node.kind, left, scan, (), Estimate(rows, 0.0, cost), frames=frames
    )
