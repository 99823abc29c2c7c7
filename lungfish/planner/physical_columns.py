"""From column numbers to positions: the one place where logical columns become those of an operator's input.

A `Layout` says at which position of a row each column number is. Around the operator at hand stand *frames*: the layouts
of the rows that an enclosing query or a lateral join's left side is at. A number that the operator's own input does not
have is looked for there, nearest first, and becomes an `OuterRef`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lungfish.planner.expression_tree import LEAVES, map_children
from lungfish.planner.expressions import (
    BoundExpression,
    ColumnRef,
    OuterRef,
    OutputColumn,
    SortKey,
    SubqueryExpr,
)
from lungfish.planner.logical import LogicalPlan
from lungfish.planner.physical import PhysicalPlan
from lungfish.types.frozen import frozen

Layout = Mapping[int, int]
Frames = tuple[Layout, ...]


@frozen
class Planned:
    """A physical plan with the numbers of its columns, in order."""

    plan: PhysicalPlan
    numbers: tuple[int, ...]
    # By which columns its rows are sorted: (number, is_descending, nulls_first).
    order: tuple[tuple[int, bool, bool], ...] = ()

    @property
    def layout(self) -> Layout:
        """Where each number is; of a number that occurs twice, the first place."""
        return layout_of(self.numbers)

    @property
    def rows(self) -> float:
        """The estimated number of rows."""
        return self.plan.estimate.rows

    @property
    def cost(self) -> float:
        """The estimated total cost."""
        return self.plan.estimate.total_cost


def layout_of(numbers: Iterable[int]) -> dict[int, int]:
    """The positions of numbers in a row."""
    found: dict[int, int] = {}
    for position, number in enumerate(numbers):
        found.setdefault(number, position)
    return found


SubqueryPlanner = Callable[[LogicalPlan, Frames], PhysicalPlan]


class Translator:
    """Turns expressions over column numbers into ones over the positions of one input."""

    __slots__ = ("_frames", "_layout", "_plan_subquery")

    def __init__(self, layout: Layout, frames: Frames, plan_subquery: SubqueryPlanner) -> None:
        self._layout = layout
        self._frames = frames
        self._plan_subquery = plan_subquery

    def __call__(self, node: BoundExpression) -> BoundExpression:
        kind = type(node)
        if kind is ColumnRef:
            return self._column(node)  # type: ignore[arg-type]
        if kind in LEAVES:
            return node
        changed = map_children(node, self)
        if isinstance(changed, SubqueryExpr):
            return self._subquery(changed)
        return changed

    def _column(self, node: ColumnRef) -> BoundExpression:
        number = node.index
        position = self._layout.get(number)
        if position is not None:
            return node if position == number else ColumnRef(position, node.type, node.name)
        for level, frame in enumerate(reversed(self._frames), 1):
            position = frame.get(number)
            if position is not None:
                return OuterRef(level, position, node.type, node.name)
        raise AssertionError(f"column {node.name!r} ({number}) is made nowhere around its use")

    def _subquery(self, node: SubqueryExpr) -> SubqueryExpr:
        plan = self._plan_subquery(node.plan, (*self._frames, self._layout))  # type: ignore[arg-type]
        outer = tuple(self(column) for column in node.outer_columns)
        return SubqueryExpr(
            node.kind, plan, node.type, node.operands, node.operators, bool(outer), outer
        )

    def sort_keys(self, keys: Iterable[SortKey]) -> tuple[SortKey, ...]:
        """Sort keys over the input."""
        return tuple(
            [SortKey(self(key.expression), key.is_descending, key.nulls_first) for key in keys]
        )


def output_columns(
    numbers: Iterable[int], known: Mapping[int, ColumnRef]
) -> tuple[OutputColumn, ...]:
    """Names and types for numbers."""
    return tuple([OutputColumn(known[number].name, known[number].type) for number in numbers])
