"""Small answers about plans that the physical planner asks for: what is needed below, costs added up, orders, names."""

from __future__ import annotations

from lungfish.planner.expression_tree import add_columns
from lungfish.planner.expressions import (
    ColumnRef,
    OutputColumn,
    SortKey,
)
from lungfish.planner.logical import (
    LogicalProject,
)
from lungfish.planner.physical import (
    Estimate,
    PhysicalPlan,
    Project,
    ValuesScan,
)
from lungfish.planner.physical_columns import Planned
from lungfish.planner.plan_tree import (
    computed_items,
    outputs,
)

Required = frozenset[int]
NOTHING: Required = frozenset()


def needed_below(node: LogicalProject, required: Required) -> Required:
    """The columns of its input that a projection needs to give the required ones."""
    items = computed_items(node, required)
    needed = set(required)
    needed.difference_update(column.index for column, _ in items)
    for _, expression in items:
        add_columns(expression, needed)
    return outputs(node.input) & needed


def plus(below: Planned, cost: float) -> Estimate:
    """The input's estimate with some cost added."""
    estimate = below.plan.estimate
    return Estimate(estimate.rows, estimate.startup_cost, estimate.total_cost + cost)


def order_of(keys: tuple[SortKey, ...]) -> tuple[tuple[int, bool, bool], ...]:
    """The order that sorting by the keys gives, as far as they are columns."""
    order = []
    for key in keys:
        if not isinstance(key.expression, ColumnRef):
            break
        order.append((key.expression.index, key.is_descending, key.nulls_first))
    return tuple(order)


def renamed(plan: PhysicalPlan, names: tuple[OutputColumn, ...]) -> PhysicalPlan | None:
    """The same node under other column names, where that takes no node of its own."""
    match plan:
        case Project():
            return Project(plan.input, plan.expressions, names, plan.estimate)
        case ValuesScan():
            return ValuesScan(plan.rows, names, plan.estimate, plan.alias)
        case _:
            return None
