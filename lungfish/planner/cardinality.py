"""How many rows a logical plan yields, as far as one can tell.

Selectivities are PostgreSQL's defaults (selfuncs.h) where nothing is known: 0.005 for equality with a column of unknown
distribution, a third for a range, 1/max(distinct) for an equality of columns. Conjuncts count as independent. An estimate only
steers the choice among plans that are all right.
"""

from __future__ import annotations

import math

from lungfish.catalog.objects import Table
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    ColumnRef,
    Constant,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    QuantifiedArrayExpr,
    SubqueryExpr,
)
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalCte,
    LogicalCteScan,
    LogicalDistinct,
    LogicalEmpty,
    LogicalFilter,
    LogicalFunctionScan,
    LogicalJoin,
    LogicalLimit,
    LogicalPlan,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSetOperation,
    LogicalSystemScan,
    LogicalValues,
    LogicalWorkTable,
)
from lungfish.planner.plan_tree import inputs
from lungfish.planner.statistics import Statistics

EQUALITY = 0.005
RANGE = 1 / 3
# PostgreSQL takes 0.005 here, but has histograms where it matters; ranges of dates are usually wider.
RANGE_PAIR = 0.03
PATTERN = 0.005
IS_NULL = 0.005
UNKNOWN = 1 / 3
SEMI = 0.5
# Rows of a set-returning function, and of a system view.
FUNCTION_ROWS = 100.0
RECURSION_ROWS = 10.0
GROUPS_DEFAULT = 200.0

COMPARISONS = frozenset({"<", "<=", ">", ">="})
PATTERNS = frozenset({"~~", "~~*", "~", "~*"})


class Cardinality:
    """Estimates for the plans of one statement, each made once."""

    def __init__(self, statistics: Statistics, ctes: tuple[LogicalCte, ...] = ()) -> None:
        self.statistics = statistics
        self._ctes = {cte.cte_id: cte.plan for cte in ctes}
        # By identity of the node, which is kept alive beside its estimate.
        self._known: dict[int, tuple[LogicalPlan, float]] = {}
        self._distinct: dict[int, float] = {}

    def rows(self, plan: LogicalPlan) -> float:
        """The estimated number of rows, at least a small positive one."""
        known = self._known.get(id(plan))
        if known is not None:
            return known[1]
        found = max(self._estimate(plan), 1e-3)
        self._known[id(plan)] = (plan, found)
        return found

    def _estimate(self, plan: LogicalPlan) -> float:
        match plan:
            case LogicalScan():
                return self._scan(plan.table, plan.first_column)
            case LogicalFilter():
                rows = self.rows(plan.input)
                return max(rows * self.selectivity_all(plan.conjuncts), 1.0 if rows >= 1 else rows)
            case LogicalJoin():
                return self._join(plan)
            case LogicalAggregate():
                return self._groups(plan)
            case LogicalDistinct():
                below = self.rows(plan.input)
                return min(below, self._combinations(plan.on or plan.columns, below))
            case LogicalLimit():
                below = self.rows(plan.input)
                if isinstance(plan.limit, Constant) and isinstance(plan.limit.value, int):
                    return min(below, float(plan.limit.value))
                return below
            case LogicalValues():
                return float(len(plan.rows))
            case LogicalEmpty():
                return 0.0
            case LogicalAppend():
                return sum(self.rows(each) for each in plan.inputs)
            case LogicalSetOperation():
                left, right = self.rows(plan.left), self.rows(plan.right)
                return min(left, right) if plan.kind == "intersect" else left
            case LogicalRecursiveUnion():
                return self.rows(plan.initial) * RECURSION_ROWS
            case LogicalFunctionScan() | LogicalSystemScan():
                return FUNCTION_ROWS
            case LogicalProjectSet():
                return self.rows(plan.input) * RECURSION_ROWS
            case LogicalCteScan():
                source = self._ctes.get(plan.cte_id)
                return FUNCTION_ROWS if source is None else self.rows(source)
            case LogicalWorkTable():
                return FUNCTION_ROWS
            case _:
                sources = inputs(plan)
                return self.rows(sources[0]) if sources else 1.0

    def _scan(self, table: Table, first_column: int) -> float:
        rows = max(self.statistics.row_count(table), 1.0)
        for index in table.indexes:
            if index.is_unique and len(index.columns) == 1 and index.predicate is None:
                number = index.columns[0].column_number
                if number:
                    self._distinct[first_column + table.position_of_number(number)] = rows
        for position, column in enumerate(table.columns):
            if first_column + position not in self._distinct:
                count = self.statistics.distinct_count(table, column.number)
                if count is not None:
                    self._distinct[first_column + position] = max(count, 1.0)
        return rows

    def distinct(self, node: BoundExpression) -> float | None:
        """How many different values the expression has, if that is known."""
        while isinstance(node, CastTo):
            node = node.operand
        if isinstance(node, ColumnRef):
            return self._distinct.get(node.index)
        return None

    # Joins and groups.

    def _join(self, plan: LogicalJoin) -> float:
        left, right = self.rows(plan.left), self.rows(plan.right)
        if plan.kind in ("semi", "anti", "null-aware anti"):
            return max(left * SEMI, 1.0)
        inner = left * right * self.join_selectivity(plan.conjuncts, left, right)
        match plan.kind:
            case "left":
                return max(inner, left)
            case "right":
                return max(inner, right)
            case "full":
                return max(inner, left, right)
            case _:
                return inner

    def join_selectivity(
        self, conjuncts: tuple[BoundExpression, ...], left: float, right: float
    ) -> float:
        """The share of the cross product that passes."""
        share = 1.0
        for conjunct in conjuncts:
            sides = equality_sides(conjunct)
            if sides is None:
                share *= self.selectivity(conjunct)
                continue
            known = [count for count in map(self.distinct, sides) if count is not None]
            distinct = max(known) if known else max(min(left, right), 1.0)
            share *= 1.0 / max(distinct, 1.0)
        return share

    def _groups(self, plan: LogicalAggregate) -> float:
        below = self.rows(plan.input)
        if not plan.keys:
            return 1.0
        count = self._combinations(tuple(key for _, key in plan.keys), below)
        return min(below, count) * len(plan.grouping_sets)

    def _combinations(self, keys: tuple[BoundExpression, ...], rows: float) -> float:
        product = 1.0
        for key in keys:
            product *= self.distinct(key) or min(GROUPS_DEFAULT, max(rows / 2, 1.0))
            if product >= rows:
                return rows
        return product

    # Predicates.

    def selectivity_all(self, conjuncts: tuple[BoundExpression, ...]) -> float:
        """The share of rows for which all conjuncts hold."""
        share = math.prod([self.selectivity(conjunct) for conjunct in conjuncts])
        if len(conjuncts) > 1:
            # Both ends of a range: not a ninth, but a small part.
            share *= (RANGE_PAIR / RANGE**2) ** _range_pairs(conjuncts)
        return share

    def selectivity(self, node: BoundExpression) -> float:
        """The share of rows for which the predicate is true."""
        match node:
            case Constant():
                return 1.0 if node.value is True else 0.0
            case Call():
                return self._call(node)
            case AndAll():
                return self.selectivity_all(node.operands)
            case OrAny():
                return 1.0 - math.prod([1.0 - self.selectivity(each) for each in node.operands])
            case NotExpr():
                return 1.0 - self.selectivity(node.operand)
            case IsNullExpr():
                return 1.0 - IS_NULL if node.is_negated else IS_NULL
            case InListExpr():
                share = min(1.0, len(node.items) * self._equality(node.operand))
                return 1.0 - share if node.is_negated else share
            case QuantifiedArrayExpr():
                return min(1.0, 10 * self._equality(node.operand))
            case IsDistinctExpr():
                share = self._equality(node.left)
                return share if node.is_negated else 1.0 - share
            case SubqueryExpr():
                return SEMI
            case IsBooleanExpr() | ColumnRef():
                return 0.5
            case CaseExpr():
                return 0.5
            case _:
                return UNKNOWN

    def _call(self, node: Call) -> float:
        name = node.function.name
        if len(node.arguments) == 2:
            if name == "=":
                return min(self._equality(each) for each in node.arguments)
            if name == "<>":
                return 1.0 - min(self._equality(each) for each in node.arguments)
            if name in COMPARISONS:
                return RANGE
            if name in PATTERNS:
                return PATTERN
            if name.startswith("!~"):
                return 1.0 - PATTERN
        return UNKNOWN

    def equality_share(self, node: BoundExpression) -> float:
        """The share of rows for which the expression equals one given value."""
        return self._equality(node)

    def _equality(self, node: BoundExpression) -> float:
        distinct = self.distinct(node)
        if distinct is not None:
            return 1.0 / distinct
        return EQUALITY if columns_of(node) else 1.0


def _range_pairs(conjuncts: tuple[BoundExpression, ...]) -> int:
    """How many expressions are bounded from below and from above."""
    ends: dict[str, list[BoundExpression]] = {"<": [], ">": []}
    for conjunct in conjuncts:
        if isinstance(conjunct, Call) and conjunct.function.name in COMPARISONS:
            left, right = conjunct.arguments
            if columns_of(left) and not columns_of(right):
                ends[conjunct.function.name[0]].append(left)
    return sum(each in ends[">"] for each in ends["<"])


def equality_sides(node: BoundExpression) -> tuple[BoundExpression, BoundExpression] | None:
    """The sides of `a = b` or `a IS NOT DISTINCT FROM b` that both use columns; None for anything else."""
    if isinstance(node, Call) and node.function.name == "=" and len(node.arguments) == 2:
        left, right = node.arguments
    elif isinstance(node, IsDistinctExpr) and node.is_negated:
        left, right = node.left, node.right
    else:
        return None
    if columns_of(left) and columns_of(right):
        return left, right
    return None
