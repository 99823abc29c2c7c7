"""What the parts of the physical planner share: estimates, the columns' names, and the way to plan an input.

`plan_input` and the like are handed in by physical_planner.py, so that the modules for scans, joins and changes need not
import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, Table
from lungfish.planner.bind_state import BindState
from lungfish.planner.cardinality import Cardinality
from lungfish.planner.cost import OPERATOR
from lungfish.planner.expression_tree import conjunction
from lungfish.planner.expressions import BoundExpression, ColumnRef, OutputColumn
from lungfish.planner.logical import LogicalPlan
from lungfish.planner.physical import Estimate, Filter, PhysicalPlan, Project
from lungfish.planner.physical_columns import Frames, Layout, Planned, Translator

PlanInput = Callable[[LogicalPlan, frozenset[int], Frames], Planned]
PlanSubquery = Callable[[LogicalPlan, Frames], PhysicalPlan]


STRENGTH = {"read": 0, "lock": 1, "change": 2}


class Planning:
    """One statement being planned."""

    __slots__ = (
        "_names",
        "_uses",
        "cardinality",
        "catalog",
        "plan_input",
        "plan_subquery",
        "state",
    )

    def __init__(
        self,
        cardinality: Cardinality,
        state: BindState,
        *,
        plan_input: PlanInput,
        plan_subquery: PlanSubquery,
    ) -> None:
        self.cardinality = cardinality
        # To bind expressions of indexes.
        self.state = state
        self.catalog: Catalog = state.catalog
        self.plan_input = plan_input
        self.plan_subquery = plan_subquery
        self._names: dict[int, OutputColumn] = {}
        self._uses: dict[Oid, tuple[Table, str]] = {}

    # Columns.

    def name(self, column: ColumnRef) -> None:
        """Remember the column's name and type."""
        self._names[column.index] = OutputColumn(column.name, column.type)

    def name_as(self, number: int, column: OutputColumn) -> None:
        """Remember the name and type of a number."""
        self._names[number] = column

    def columns(self, numbers: Iterable[int]) -> tuple[OutputColumn, ...]:
        """The output columns for numbers that were named."""
        names = self._names
        return tuple([names[number] for number in numbers])

    def reference(self, number: int, position: int) -> ColumnRef:
        """A reference to a number's place in an input."""
        column = self._names[number]
        return ColumnRef(position, column.type, column.name)

    # Tables.

    def use(self, table: Table, how: str) -> None:
        """Note that the statement reads, locks or changes rows of the table; the strongest use counts."""
        known = self._uses.get(table.oid)
        if known is None or STRENGTH[how] > STRENGTH[known[1]]:
            self._uses[table.oid] = (table, how)

    @property
    def table_uses(self) -> tuple[tuple[Table, str], ...]:
        """The tables with their uses, in the order of their oids."""
        return tuple([self._uses[oid] for oid in sorted(self._uses)])

    # Expressions.

    def translator(self, layout: Layout, frames: Frames) -> Translator:
        """What turns expressions into ones over rows of that layout."""
        return Translator(layout, frames, self.plan_subquery)

    # Small nodes.

    def exactly(self, planned: Planned, numbers: Sequence[int]) -> Planned:
        """The plan with exactly these columns, in this order."""
        wanted = tuple(numbers)
        if planned.numbers == wanted:
            return planned
        layout = planned.layout
        below = planned.plan.estimate
        expressions = tuple([self.reference(number, layout[number]) for number in wanted])
        plan = Project(planned.plan, expressions, self.columns(wanted), below)
        kept = [item for item in planned.order if item[0] in wanted]
        order = planned.order if len(kept) == len(planned.order) else ()
        return Planned(plan, wanted, order)

    def narrowed(self, planned: Planned, required: frozenset[int]) -> Planned:
        """The plan without columns that nobody above needs."""
        kept = [number for number in planned.numbers if number in required]
        if len(kept) == len(planned.numbers):
            return planned
        return self.exactly(planned, list(dict.fromkeys(kept)))

    def filtered(
        self, planned: Planned, conjuncts: Sequence[BoundExpression], rows: float, frames: Frames
    ) -> Planned:
        """The plan under a filter."""
        if not conjuncts:
            return planned
        translate = self.translator(planned.layout, frames)
        predicate = conjunction([translate(each) for each in conjuncts])
        below = planned.plan.estimate
        cost = below.total_cost + below.rows * len(conjuncts) * OPERATOR
        estimate = Estimate(rows, below.startup_cost, cost)
        plan = Filter(planned.plan, predicate, planned.plan.columns, estimate)
        return Planned(plan, planned.numbers, planned.order)
