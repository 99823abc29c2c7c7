"""What rules share: fresh column numbers, estimates, and plan properties that several of them ask for."""

from __future__ import annotations

from lungfish.planner.cardinality import Cardinality
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.logical import LogicalFilter, LogicalPlan, LogicalStatement
from lungfish.planner.statistics import Statistics
from lungfish.types.sql_type import SqlType


class Rewriting:
    """One statement being rewritten."""

    __slots__ = ("cardinality", "has_subqueries", "next_column", "statistics")

    def __init__(self, statement: LogicalStatement, statistics: Statistics) -> None:
        self.statistics = statistics
        self.cardinality = Cardinality(statistics, statement.ctes)
        self.next_column = statement.next_column
        self.has_subqueries = statement.has_subqueries

    def new_column(self, name: str, type_: SqlType) -> ColumnRef:
        """A column of its own number."""
        number = self.next_column
        self.next_column = number + 1
        return ColumnRef(number, type_, name)


def filtered(plan: LogicalPlan, conjuncts: tuple[BoundExpression, ...]) -> LogicalPlan:
    """The plan under a filter; two filters become one."""
    if not conjuncts:
        return plan
    if isinstance(plan, LogicalFilter):
        return LogicalFilter(plan.input, plan.conjuncts + conjuncts)
    return LogicalFilter(plan, conjuncts)
