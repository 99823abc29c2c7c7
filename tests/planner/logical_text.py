"""A logical plan as text, for golden plans: a node a line, columns by their tables' names."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.explain_expression import Writer
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import ColumnRef, SortKey, SubqueryExpr
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalCteScan,
    LogicalDistinct,
    LogicalFilter,
    LogicalFunctionScan,
    LogicalJoin,
    LogicalLimit,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalScan,
    LogicalSetOperation,
    LogicalSort,
    LogicalSystemScan,
    LogicalUpdate,
    LogicalValues,
    LogicalWindow,
    LogicalWorkTable,
)
from lungfish.planner.plan_tree import expressions_of, inputs, walk_plan


class NumberNames(Sequence[str]):
    """The names of columns by their numbers."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def __len__(self) -> int:
        return 1 << 60

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        return self._names.get(number, f"#{number}")

    def learn(self, plan: LogicalPlan) -> None:
        """Name the columns that the plan's nodes make, those in its subqueries too."""
        for node in walk_plan(plan):
            match node:
                case LogicalScan():
                    for position, column in enumerate(node.table.columns):
                        number = node.first_column + position
                        self._names.setdefault(number, f"{node.alias}.{column.name}")
                case LogicalProject() | LogicalProjectSet():
                    self._computed(column for column, _ in node.items)
                case LogicalAggregate():
                    self._computed(column for column, _ in (*node.keys, *node.aggregates))
                case LogicalWindow():
                    self._computed(column for column, _ in node.calls)
                case LogicalOutput() | LogicalDistinct():
                    pass
                case _:
                    self._computed(getattr(node, "columns", ()))
            for expression in expressions_of(node):
                self._learn_subqueries(expression)

    def _learn_subqueries(self, expression) -> None:  # type: ignore[no-untyped-def]
        for part in walk(expression):
            if isinstance(part, SubqueryExpr):
                self.learn(part.plan)  # type: ignore[arg-type]

    def _computed(self, columns) -> None:  # type: ignore[no-untyped-def]
        for column in columns:
            self._names.setdefault(column.index, f"{column.name}${column.index}")


def logical_text(plan: LogicalPlan, names: NumberNames | None = None) -> list[str]:
    """The plan's lines."""
    names = names or NumberNames()
    names.learn(plan)
    lines: list[str] = []
    _add(plan, 0, names, lines)
    return lines


def _add(plan: LogicalPlan, depth: int, names: NumberNames, lines: list[str]) -> None:
    subplans: list[SubqueryExpr] = []

    def subplan(node: SubqueryExpr) -> str:
        subplans.append(node)
        return f"subquery {len(subplans)}"

    writer = Writer(names, (), subplan)
    name = type(plan).__name__.removeprefix("Logical")
    detail = _detail(plan, writer)
    lines.append("  " * depth + (f"{name} {detail}" if detail else name))
    for number, node in enumerate(subplans, 1):
        lines.append("  " * (depth + 2) + f"subquery {number}:")
        _add(node.plan, depth + 3, names, lines)  # type: ignore[arg-type]
    for below in inputs(plan):
        _add(below, depth + 1, names, lines)


def _columns(columns: Sequence[ColumnRef], writer: Writer) -> str:
    return ", ".join(map(writer.write, columns))


def _keys(keys: Sequence[SortKey], writer: Writer) -> str:
    return ", ".join(map(writer.sort_key, keys))


def _detail(plan: LogicalPlan, writer: Writer) -> str:
    write = writer.write
    match plan:
        case LogicalScan():
            shown = [plan.table.columns[at].name for at in plan.positions]
            alias = "" if plan.alias == plan.table.name else f" {plan.alias}"
            return f"{plan.table.name}{alias} ({', '.join(shown)})"
        case LogicalSystemScan():
            return plan.view.name
        case LogicalOutput():
            return ", ".join(f"{column.name}={write(column)}" for column in plan.columns)
        case LogicalFilter():
            return " AND ".join(map(write, plan.conjuncts))
        case LogicalProject() | LogicalProjectSet():
            return ", ".join(f"{write(column)}={write(item)}" for column, item in plan.items)
        case LogicalJoin():
            lateral = " lateral" if plan.is_lateral else ""
            on = f" on {' AND '.join(map(write, plan.conjuncts))}" if plan.conjuncts else ""
            return f"{plan.kind}{lateral}{on}"
        case LogicalAggregate():
            keys = ", ".join(f"{write(column)}={write(key)}" for column, key in plan.keys)
            calls = ", ".join(
                f"{write(column)}={writer.aggregate(call)}" for column, call in plan.aggregates
            )
            return f"by [{keys}] [{calls}]"
        case LogicalWindow():
            calls = [f"{write(c)}={writer.window_call(call, 'w')}" for c, call in plan.calls]
            parts = ", ".join(map(write, plan.partition_by))
            return f"partition [{parts}] order [{_keys(plan.order_by, writer)}] {', '.join(calls)}"
        case _:
            return _other_detail(plan, writer)


def _other_detail(plan: LogicalPlan, writer: Writer) -> str:
    write = writer.write
    match plan:
        case LogicalSort():
            return _keys(plan.keys, writer)
        case LogicalLimit():
            limit = "" if plan.limit is None else write(plan.limit)
            offset = "" if plan.offset is None else f" offset {write(plan.offset)}"
            return limit + offset
        case LogicalDistinct():
            on = f"on {_columns(plan.on, writer)} " if plan.on else ""
            return on + _columns(plan.columns, writer)
        case LogicalAppend():
            return _columns(plan.columns, writer)
        case LogicalSetOperation():
            return f"{plan.kind}{' all' if plan.is_all else ''} {_columns(plan.columns, writer)}"
        case LogicalValues():
            rows = ["(" + ", ".join(map(write, row)) + ")" for row in plan.rows]
            return ", ".join(rows)
        case LogicalFunctionScan():
            return ", ".join(map(write, plan.calls))
        case LogicalCteScan() | LogicalWorkTable():
            return plan.name
        case LogicalUpdate():
            table = plan.table
            return ", ".join(
                f"{table.columns[at].name}={write(value)}" for at, value in plan.assignments
            )
        case _:
            return ""
