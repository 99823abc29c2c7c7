"""Plans of a few rows, run row by row: the second gear of the executor, with no vector in it.

A `RowSource` answers all rows of a plan at once, as tuples of internal values. It is made of the plans that short transactions
consist of: a key looked up or a short range read in an index, literal rows, and filters and projections above. Any other
plan has none, and goes through the operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.index_scan import find_index, index_ranges
from lungfish.executor.values_scan import literal_row
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.physical import Filter, IndexScan, PhysicalPlan, Project, ValuesScan
from lungfish.storage.ids import TupleId

RowSource = Callable[[Run], "list[Row]"]

# Of plans that are expected to give more rows, the operators are faster.
_ROW_COUNT_MAX = 64


def make_row_source(plan: PhysicalPlan, compiler: Compiler) -> RowSource | None:
    """The row source of a plan; None where operators are needed."""
    match plan:
        case ValuesScan():
            return _values(plan, compiler) if len(plan.rows) <= _ROW_COUNT_MAX else None
        case IndexScan():
            return _index_rows(plan, compiler) if _is_short(plan) else None
        case Filter():
            source = make_row_source(plan.input, compiler)
            return None if source is None else _filtered(source, plan.predicate, compiler)
        case Project():
            source = make_row_source(plan.input, compiler)
            if source is None or any(map(_returns_set, plan.expressions)):
                return None
            return _projected(source, plan.expressions, compiler)
    return None


def _is_short(plan: IndexScan) -> bool:
    is_one_row = plan.index.is_unique and len(plan.equals) == len(plan.index.columns)
    return is_one_row or plan.estimate.rows <= _ROW_COUNT_MAX


def _returns_set(expression: BoundExpression) -> bool:
    return isinstance(expression, Call) and expression.function.returns_set


def _values(plan: ValuesScan, compiler: Compiler) -> RowSource:
    makers = [literal_row(row, compiler) for row in plan.rows]
    if len(makers) == 1:
        (maker,) = makers
        return lambda run: [maker(run)]
    return lambda run: [make(run) for make in makers]


def _filtered(source: RowSource, predicate: BoundExpression, compiler: Compiler) -> RowSource:
    holds = compiler.row(predicate)
    return lambda run: [row for row in source(run) if holds(row, run) is True]


def _projected(
    source: RowSource, expressions: Sequence[BoundExpression], compiler: Compiler
) -> RowSource:
    make = row_maker(expressions, compiler)
    return lambda run: [make(row, run) for row in source(run)]


def row_maker(
    expressions: Sequence[BoundExpression], compiler: Compiler
) -> Callable[[Sequence[Any], Run], Row]:
    """What makes a row of expressions over another row. Hot: plain columns are picked by C code."""
    if expressions and all(isinstance(item, ColumnRef) for item in expressions):
        pick = _picker([item.index for item in expressions if isinstance(item, ColumnRef)])
        return lambda row, _run: pick(row)
    evaluators: tuple[RowEvaluator, ...] = compiler.rows(expressions)
    return lambda row, run: tuple([evaluate(row, run) for evaluate in evaluators])


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], Row]:
    """Picks fields of a row, always as a tuple."""
    if len(positions) == 1:
        (only,) = positions
        return lambda row: (row[only],)
    if not positions:
        return lambda _row: ()
    return itemgetter(*positions)


def _index_rows(plan: IndexScan, compiler: Compiler) -> RowSource:
    """The rows of an index scan. Hot: the point select of bench/."""
    table, index, is_backward = plan.table, plan.index, plan.is_backward
    make_ranges = index_ranges(plan, compiler)
    positions = [table.stored_positions[column] for column in plan.column_indexes]
    holds = None if plan.filter is None else compiler.row(plan.filter)
    pick = _with_tuple_id(positions) if plan.with_tuple_id else _without_tuple_id(positions, table)

    def rows(run: Run) -> list[Row]:
        context = run.context
        store = context.tables.table_store(table)
        stored_index = find_index(store, index)
        snapshot = context.snapshot
        found: list[Row] = []
        for key_range in make_ranges(run, stored_index.btree.codec):
            chunks = store.index_scan(snapshot, stored_index, key_range, is_backward=is_backward)
            for address, stored in chain.from_iterable(chunks):
                found.append(pick(address, stored))
        if holds is not None:
            return [row for row in found if holds(row, run) is True]
        return found

    return rows


def _with_tuple_id(positions: Sequence[int]) -> Callable[[TupleId, Row], Row]:
    if list(positions) == list(range(len(positions))):
        count = len(positions)
        return lambda address, stored: (*stored[:count], address)
    pick = _picker(positions)
    return lambda address, stored: (*pick(stored), address)


def _without_tuple_id(positions: Sequence[int], table: Any) -> Callable[[TupleId, Row], Row]:
    if list(positions) == list(range(len(table.stored_types))):
        return lambda _address, stored: stored
    pick = _picker(positions)
    return lambda _address, stored: pick(stored)
