"""The physical planner: each logical node to the operator that does it, inputs first, columns to positions.

`plan_input(node, required, frames)` gives a plan that yields at least the required columns; what else an operator carries along is
dropped by a Project where rows are about to be copied (below joins and sorts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lungfish.planner.bind_state import BindState
from lungfish.planner.cardinality import Cardinality
from lungfish.planner.cost import OPERATOR, OPERATOR_START, group_cost, sort_cost
from lungfish.planner.expression_tree import add_columns, map_aggregate
from lungfish.planner.expressions import (
    BoundExpression,
    ColumnRef,
    Constant,
    OutputColumn,
)
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalCteScan,
    LogicalDistinct,
    LogicalEmpty,
    LogicalFilter,
    LogicalFunctionScan,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalRecursiveUnion,
    LogicalScan,
    LogicalSetOperation,
    LogicalSort,
    LogicalStatement,
    LogicalSystemScan,
    LogicalValues,
    LogicalWindow,
    LogicalWorkTable,
)
from lungfish.planner.physical import (
    Append,
    CteScan,
    Distinct,
    EmptyScan,
    Estimate,
    FunctionScan,
    HashAggregate,
    Limit,
    LockRows,
    PhysicalPlan,
    PhysicalStatement,
    Project,
    ProjectSet,
    RecursiveUnion,
    SetOperation,
    Sort,
    TopN,
    ValuesScan,
    Window,
    WorkTableScan,
)
from lungfish.planner.physical_columns import Frames, Planned
from lungfish.planner.plan_extreme import plan_extreme_row
from lungfish.planner.plan_join import plan_join
from lungfish.planner.plan_modification import MODIFICATIONS, plan_modification
from lungfish.planner.plan_scan import WantedOrder, gives_order, plan_scan, plan_system_scan
from lungfish.planner.plan_shapes import needed_below, order_of, plus, renamed
from lungfish.planner.plan_tree import (
    computed_items,
    expressions_of,
    map_window_call,
    outputs,
    split_filter,
)
from lungfish.planner.planning import Planning
from lungfish.planner.statistics import Statistics

Required = frozenset[int]
NOTHING: Required = frozenset()


def plan_physical(
    statement: LogicalStatement, statistics: Statistics, state: BindState
) -> PhysicalStatement:
    """The physical plan of an optimised statement."""
    cardinality = Cardinality(statistics, statement.ctes)
    planner = _PhysicalPlanner(cardinality, state)
    ctes = tuple((cte.cte_id, planner.root(cte.plan, ())) for cte in statement.ctes)
    root = planner.root(statement.root, ())
    modifying = frozenset(cte.cte_id for cte in statement.ctes if cte.is_modifying)
    changes_rows = statement.tag != "SELECT" or bool(modifying)
    return PhysicalStatement(
        root,
        statement.tag,
        ctes,
        modifying,
        tuple([known for known in state.parameters.types if known is not None]),
        is_read_only=not changes_rows and not statement.locks_rows,
        is_volatile=state.has_volatile,
        routines=state.calls_routines,
        dated_literals=tuple(state.dated_literals),
        table_uses=planner.planning.table_uses,
    )


class _PhysicalPlanner:
    """One statement being planned."""

    def __init__(self, cardinality: Cardinality, state: BindState) -> None:
        self.cardinality = cardinality
        self.planning = Planning(cardinality, state, plan_input=self.plan, plan_subquery=self.root)
        self._makers: dict[type, Callable[[Any, Required, Frames], Planned]] = {
            LogicalScan: self._scan,
            LogicalSystemScan: self._system_scan,
            LogicalFunctionScan: self._function_scan,
            LogicalValues: self._values,
            LogicalEmpty: self._empty,
            LogicalFilter: self._filter,
            LogicalProject: self._project,
            LogicalProjectSet: self._project_set,
            LogicalJoin: self._join,
            LogicalAggregate: self._aggregate,
            LogicalWindow: self._window,
            LogicalSort: self._sort,
            LogicalLimit: self._limit,
            LogicalDistinct: self._distinct,
            LogicalAppend: self._append,
            LogicalSetOperation: self._set_operation,
            LogicalCteScan: self._cte_scan,
            LogicalRecursiveUnion: self._recursive_union,
            LogicalWorkTable: self._work_table,
            LogicalLock: self._lock,
            LogicalOutput: self._output,
        }

    def root(self, plan: LogicalPlan, frames: Frames) -> PhysicalPlan:
        """The plan of a whole query, its columns in their order and under their names."""
        assert isinstance(plan, LogicalOutput)
        return self._output(plan, NOTHING, frames).plan

    def plan(self, node: LogicalPlan, required: Required, frames: Frames) -> Planned:
        """The plan of a node, yielding at least the required columns."""
        if isinstance(node, MODIFICATIONS):
            return plan_modification(self.planning, node, frames)
        return self._makers[type(node)](node, required, frames)

    def _output(self, node: LogicalOutput, required: Required, frames: Frames) -> Planned:
        numbers = tuple(column.index for column in node.columns)
        below = self.plan(node.input, frozenset(numbers), frames)
        for column in node.columns:
            self.planning.name(column)
        names = tuple([OutputColumn(column.name, column.type) for column in node.columns])
        if below.numbers == numbers:
            if below.plan.columns == names:
                return below
            relabelled = renamed(below.plan, names)
            if relabelled is not None:
                return Planned(relabelled, numbers, below.order)
        layout = below.layout
        expressions = tuple(
            [ColumnRef(layout[column.index], column.type, column.name) for column in node.columns]
        )
        plan = Project(below.plan, expressions, names, below.plan.estimate)
        return Planned(plan, numbers, below.order)

    # Leaves.

    def _scan(self, node: LogicalScan, required: Required, frames: Frames) -> Planned:
        return plan_scan(self.planning, node, (), required, frames)

    def _system_scan(self, node: LogicalSystemScan, required: Required, frames: Frames) -> Planned:
        return plan_system_scan(self.planning, node, (), required, frames)

    def _function_scan(
        self, node: LogicalFunctionScan, required: Required, frames: Frames
    ) -> Planned:
        translate = self.planning.translator({}, frames)
        calls = tuple(translate(call) for call in node.calls)
        rows = self.cardinality.rows(node)
        numbers = self._name_all(node.columns)
        estimate = Estimate(rows, 0.0, OPERATOR_START + rows * OPERATOR)
        columns = self.planning.columns(numbers)
        plan = FunctionScan(calls, node.with_ordinality, columns, estimate, node.alias)
        return Planned(plan, numbers)

    def _values(self, node: LogicalValues, required: Required, frames: Frames) -> Planned:
        translate = self.planning.translator({}, frames)
        rows = tuple([tuple([translate(cell) for cell in row]) for row in node.rows])
        numbers = self._name_all(node.columns)
        estimate = Estimate(float(len(rows)), 0.0, OPERATOR_START + len(rows) * OPERATOR)
        plan = ValuesScan(rows, self.planning.columns(numbers), estimate, node.alias)
        return Planned(plan, numbers)

    def _empty(self, node: LogicalEmpty, required: Required, frames: Frames) -> Planned:
        numbers = self._name_all(node.columns)
        return Planned(EmptyScan(self.planning.columns(numbers), Estimate(0.0)), numbers)

    def _cte_scan(self, node: LogicalCteScan, required: Required, frames: Frames) -> Planned:
        numbers = self._name_all(node.columns)
        rows = self.cardinality.rows(node)
        estimate = Estimate(rows, 0.0, OPERATOR_START + rows * OPERATOR)
        columns = self.planning.columns(numbers)
        plan = CteScan(node.cte_id, node.name, columns, estimate, node.alias)
        return Planned(plan, numbers)

    def _work_table(self, node: LogicalWorkTable, required: Required, frames: Frames) -> Planned:
        numbers = self._name_all(node.columns)
        estimate = Estimate(self.cardinality.rows(node), 0.0, OPERATOR_START)
        columns = self.planning.columns(numbers)
        return Planned(WorkTableScan(node.cte_id, columns, estimate, node.name), numbers)

    def _name_all(self, columns: tuple[ColumnRef, ...]) -> tuple[int, ...]:
        for column in columns:
            self.planning.name(column)
        return tuple([column.index for column in columns])

    # Row by row.

    def _filter(self, node: LogicalFilter, required: Required, frames: Frames) -> Planned:
        below, conjuncts = node.input, node.conjuncts
        if isinstance(below, LogicalScan):
            return plan_scan(self.planning, below, conjuncts, required, frames)
        if isinstance(below, LogicalSystemScan):
            return plan_system_scan(self.planning, below, conjuncts, required, frames)
        needed = set(required)
        for conjunct in conjuncts:
            add_columns(conjunct, needed)
        planned = self.plan(below, outputs(below) & needed, frames)
        return self.planning.filtered(planned, conjuncts, self.cardinality.rows(node), frames)

    def _project(self, node: LogicalProject, required: Required, frames: Frames) -> Planned:
        below = self.plan(node.input, needed_below(node, required), frames)
        return self._project_onto(node, below, required, frames)

    def _project_onto(
        self, node: LogicalProject, below: Planned, required: Required, frames: Frames
    ) -> Planned:
        """The projection over an input that is planned already."""
        items = computed_items(node, required)
        if not items:
            return below
        made = {column.index for column, _ in items}
        translate = self.planning.translator(below.layout, frames)
        layout = below.layout
        kept = [number for number in layout if number in required and number not in made]
        expressions: list[BoundExpression] = [
            self.planning.reference(number, layout[number]) for number in kept
        ]
        for column, expression in items:
            self.planning.name(column)
            expressions.append(translate(expression))
        numbers = (*kept, *(column.index for column, _ in items))
        estimate = plus(below, len(items) * below.rows * OPERATOR)
        plan = Project(below.plan, tuple(expressions), self.planning.columns(numbers), estimate)
        order = below.order if all(item[0] in kept for item in below.order) else ()
        return Planned(plan, numbers, order)

    def _project_set(self, node: LogicalProjectSet, required: Required, frames: Frames) -> Planned:
        needed = set(required)
        for _, call in node.items:
            add_columns(call, needed)
        below = self.plan(node.input, outputs(node.input) & needed, frames)
        translate = self.planning.translator(below.layout, frames)
        kept = [number for number in dict.fromkeys(below.numbers) if number in required]
        layout = below.layout
        expressions: list[BoundExpression] = [
            self.planning.reference(number, layout[number]) for number in kept
        ]
        for column, call in node.items:
            self.planning.name(column)
            expressions.append(translate(call))
        numbers = (*kept, *(column.index for column, _ in node.items))
        rows = self.cardinality.rows(node)
        estimate = Estimate(rows, 0.0, below.cost + rows * OPERATOR)
        columns = self.planning.columns(numbers)
        return Planned(ProjectSet(below.plan, tuple(expressions), columns, estimate), numbers)

    def _join(self, node: LogicalJoin, required: Required, frames: Frames) -> Planned:
        return plan_join(self.planning, node, required, frames)

    # Blocking operators.

    def _aggregate(self, node: LogicalAggregate, required: Required, frames: Frames) -> Planned:
        needed: set[int] = set()
        for expression in expressions_of(node):
            add_columns(expression, needed)
        wanted = outputs(node.input) & needed
        below = plan_extreme_row(self.planning, node, wanted, frames)
        if below is None:
            below = self.plan(node.input, wanted, frames)
        translate = self.planning.translator(below.layout, frames)
        keys = tuple(translate(key) for _, key in node.keys)
        aggregates = tuple(map_aggregate(call, translate) for _, call in node.aggregates)
        columns = [*(column for column, _ in node.keys), *(column for column, _ in node.aggregates)]
        if node.set_number is not None:
            columns.append(node.set_number)
        numbers = self._name_all(tuple(columns))
        rows = self.cardinality.rows(node)
        cost = below.cost + group_cost(below.rows)
        plan = HashAggregate(
            below.plan,
            keys,
            aggregates,
            node.grouping_sets,
            self.planning.columns(numbers),
            Estimate(rows, cost, cost + rows * OPERATOR),
        )
        return Planned(plan, numbers)

    def _window(self, node: LogicalWindow, required: Required, frames: Frames) -> Planned:
        needed = set(required)
        for expression in expressions_of(node):
            add_columns(expression, needed)
        wanted = outputs(node.input) & needed
        below = self.planning.narrowed(self.plan(node.input, wanted, frames), wanted)
        translate = self.planning.translator(below.layout, frames)
        calls = tuple(map_window_call(call, translate) for _, call in node.calls)
        added = self._name_all(tuple(column for column, _ in node.calls))
        numbers = below.numbers + added
        plan = Window(
            below.plan,
            tuple(translate(key) for key in node.partition_by),
            translate.sort_keys(node.order_by),
            calls,
            self.planning.columns(numbers),
            plus(below, sort_cost(below.rows)),
        )
        return Planned(plan, numbers)

    def _sort(self, node: LogicalSort, required: Required, frames: Frames) -> Planned:
        return self._sorted(node, required, frames, None)

    def _sorted(
        self, node: LogicalSort, required: Required, frames: Frames, limit: LogicalLimit | None
    ) -> Planned:
        """The input in order; with `limit` perhaps cut already, by TopN."""
        needed = set(required)
        for key in node.keys:
            add_columns(key.expression, needed)
        wanted = outputs(node.input) & needed
        below = self._in_order(node, wanted, frames, limit)
        if gives_order(below.order, node.keys):
            return below
        below = self.planning.narrowed(below, wanted)
        translate = self.planning.translator(below.layout, frames)
        keys = translate.sort_keys(node.keys)
        order = order_of(node.keys)
        cost = below.cost + sort_cost(below.rows)
        if limit is not None and limit.limit is not None and not limit.has_ties:
            outside = self.planning.translator({}, frames)
            rows = self.cardinality.rows(limit)
            offset = None if limit.offset is None else outside(limit.offset)
            plan: PhysicalPlan = TopN(
                below.plan,
                keys,
                outside(limit.limit),
                offset,
                below.plan.columns,
                Estimate(rows, cost, cost),
            )
            return Planned(plan, below.numbers, order)
        plan = Sort(below.plan, keys, below.plan.columns, Estimate(below.rows, cost, cost))
        return Planned(plan, below.numbers, order)

    def _in_order(
        self, node: LogicalSort, wanted: Required, frames: Frames, limit: LogicalLimit | None
    ) -> Planned:
        """The sort's input; read through an index in the order itself where that is cheaper."""
        project = node.input if isinstance(node.input, LogicalProject) else None
        source, conjuncts = split_filter(node.input if project is None else project.input)
        if not isinstance(source, LogicalScan) or not source.table.indexes:
            return self.plan(node.input, wanted, frames)
        count = None
        if limit is not None and isinstance(limit.limit, Constant):
            count = float(limit.limit.value)
        order = WantedOrder(node.keys, count)
        if project is None:
            return plan_scan(self.planning, source, conjuncts, wanted, frames, order)
        needed = needed_below(project, wanted)
        scan = plan_scan(self.planning, source, conjuncts, needed, frames, order)
        return self._project_onto(project, scan, wanted, frames)

    def _limit(self, node: LogicalLimit, required: Required, frames: Frames) -> Planned:
        if isinstance(node.input, LogicalSort):
            below = self._sorted(node.input, required, frames, node)
            if isinstance(below.plan, TopN):
                return below
        else:
            below = self.plan(node.input, required, frames)
        outside = self.planning.translator({}, frames)
        translate = self.planning.translator(below.layout, frames)
        rows = self.cardinality.rows(node)
        share = min(1.0, rows / max(below.rows, 1.0))
        start = below.plan.estimate.startup_cost
        cost = start + (below.cost - start) * share
        plan = Limit(
            below.plan,
            None if node.limit is None else outside(node.limit),
            None if node.offset is None else outside(node.offset),
            node.has_ties,
            translate.sort_keys(node.keys),
            below.plan.columns,
            Estimate(rows, start, cost),
        )
        return Planned(plan, below.numbers, below.order)

    def _distinct(self, node: LogicalDistinct, required: Required, frames: Frames) -> Planned:
        numbers = tuple(column.index for column in node.columns)
        below = self.planning.exactly(self.plan(node.input, frozenset(numbers), frames), numbers)
        translate = self.planning.translator(below.layout, frames)
        on = tuple(translate(column) for column in node.on)
        rows = self.cardinality.rows(node)
        cost = below.cost + group_cost(below.rows)
        plan = Distinct(below.plan, on, below.plan.columns, Estimate(rows, 0.0, cost))
        return Planned(plan, numbers, below.order if on else ())

    # Several inputs.

    def _append(self, node: LogicalAppend, required: Required, frames: Frames) -> Planned:
        kept = [at for at, column in enumerate(node.columns) if column.index in required]
        planned = []
        for below, columns in zip(node.inputs, node.input_columns, strict=True):
            wanted = [columns[at].index for at in kept]
            planned.append(
                self.planning.exactly(self.plan(below, frozenset(wanted), frames), wanted)
            )
        numbers = self._name_all(tuple(node.columns[at] for at in kept))
        estimate = Estimate(
            sum(each.rows for each in planned), 0.0, sum(each.cost for each in planned)
        )
        plan = Append(
            tuple(each.plan for each in planned), self.planning.columns(numbers), estimate
        )
        return Planned(plan, numbers)

    def _set_operation(
        self, node: LogicalSetOperation, required: Required, frames: Frames
    ) -> Planned:
        sides = []
        for below, columns in ((node.left, node.left_columns), (node.right, node.right_columns)):
            numbers = tuple(column.index for column in columns)
            sides.append(
                self.planning.exactly(self.plan(below, frozenset(numbers), frames), numbers)
            )
        left, right = sides
        numbers = self._name_all(node.columns)
        cost = left.cost + right.cost + group_cost(left.rows + right.rows)
        plan = SetOperation(
            node.kind,
            node.is_all,
            left.plan,
            right.plan,
            self.planning.columns(numbers),
            Estimate(self.cardinality.rows(node), cost, cost),
        )
        return Planned(plan, numbers)

    def _recursive_union(
        self, node: LogicalRecursiveUnion, required: Required, frames: Frames
    ) -> Planned:
        terms = []
        for below, columns in (
            (node.initial, node.initial_columns),
            (node.step, node.step_columns),
        ):
            numbers = tuple(column.index for column in columns)
            terms.append(
                self.planning.exactly(self.plan(below, frozenset(numbers), frames), numbers)
            )
        initial, step = terms
        numbers = self._name_all(node.columns)
        plan = RecursiveUnion(
            node.cte_id,
            initial.plan,
            step.plan,
            node.is_all,
            self.planning.columns(numbers),
            Estimate(self.cardinality.rows(node), 0.0, initial.cost + 10 * step.cost),
        )
        return Planned(plan, numbers)

    def _lock(self, node: LogicalLock, required: Required, frames: Frames) -> Planned:
        needed = required | {column.index for _, column, _, _ in node.locks}
        below = self.plan(node.input, needed, frames)
        layout = below.layout
        for table, _, _, _ in node.locks:
            self.planning.use(table, "lock")
        locks = tuple(
            (table, layout[column.index], strength, wait)
            for table, column, strength, wait in node.locks
        )
        plan = LockRows(below.plan, locks, below.plan.columns, plus(below, below.rows * OPERATOR))
        return Planned(plan, below.numbers, below.order)
