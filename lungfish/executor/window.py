"""Window: functions over the rows around each row.

The input is sorted by partition and order, and the results of all calls are added as columns. Row numbers below are those of the
sorted rows; partitions and peer groups are ranges of them:

    rows        0 1 2 3 4 5 6 7
    partitions [0,      5)[5,  8)
    peers      [0,2)[2,3)[3,5)[5,6)[6,8)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lungfish.executor.aside import run_aside
from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.external_sort import ExternalSort
from lungfish.executor.rows import concat_batches, split_batch
from lungfish.executor.sort_keys import SortOrder, peer_starts, sort_order
from lungfish.executor.window_aggregate import WindowAggregate, compile_window_aggregate
from lungfish.executor.window_frame import (
    FrameMaker,
    Partitions,
    compile_frame,
    whole_partitions,
)
from lungfish.executor.window_parts import WindowPart, partition_after_partition
from lungfish.functions.registry import WindowFunction, WindowRows
from lungfish.planner.expression_tree import add_columns
from lungfish.planner.expressions import SortKey, WindowCall
from lungfish.planner.physical import Window
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class _Call:
    """A compiled call."""

    call: WindowCall
    arguments: tuple[VectorEvaluator, ...]
    frame: FrameMaker
    aggregate: WindowAggregate | None


def make_window(plan: Window, compiler: Compiler) -> Operator:
    """The operator of a Window."""
    source = compiler.operator(plan.input)
    partition_keys = tuple(SortKey(item, False, False) for item in plan.partition_by)
    order = sort_order((*partition_keys, *plan.order_by), compiler)
    partition_order = sort_order(partition_keys, compiler)
    calls = tuple(_compile(call, plan, compiler) for call in plan.calls)
    types = [column.type for column in plan.input.columns]
    used = _columns_used(plan)

    def run_window(run: Run) -> Iterator[Batch]:
        sort = ExternalSort(order, types, run)
        try:
            for batch in source(run):
                run.check_cancel()
                sort.add(batch)
            if sort.is_spilled:
                part = WindowPart(used, types, results_of_sorted, run)
                yield from partition_after_partition(sort.rows(), partition_order, part)
                return
            batches = sort.take_held()
            row_count = sum(batch.row_count for batch in batches)
            rows = run_aside(run, row_count, lambda: concat_batches(batches, types))
            batches.clear()
            if not row_count:
                return
            rows, keys = _sorted(rows, order, run)
            added = results(rows, keys, run)
            yield from split_batch(Batch((*rows.columns, *added), row_count))
        finally:
            sort.close()

    def results_of_sorted(rows: Batch, run: Run) -> list[Vector]:
        return results(rows, order.key_vectors(rows, run), run)

    def results(rows: Batch, keys: Sequence[Vector], run: Run) -> list[Vector]:
        partitions = run.compute(
            _partitions, keys, order.types, len(partition_keys), rows.row_count
        )
        return [_evaluate(call, rows, partitions, run) for call in calls]

    return run_window


def _columns_used(plan: Window) -> frozenset[int]:
    """The columns of the input that the calls, their partitions, orders and frames look at."""
    found: set[int] = set()
    expressions = [*plan.partition_by, *(key.expression for key in plan.order_by)]
    for call in plan.calls:
        expressions += call.arguments
        expressions += [
            each for each in (call.filter, call.frame.start_offset, call.frame.end_offset) if each
        ]
    for expression in expressions:
        add_columns(expression, found)
    return frozenset(found)


def _compile(call: WindowCall, plan: Window, compiler: Compiler) -> _Call:
    is_function = isinstance(call.callee, WindowFunction)
    reads_frame = not isinstance(call.callee, WindowFunction) or call.callee.reads_frame
    return _Call(
        call=call,
        arguments=compiler.vectors(call.arguments),
        frame=compile_frame(call.frame, plan.order_by, compiler)
        if reads_frame
        else whole_partitions,
        aggregate=None if is_function else compile_window_aggregate(call, compiler),
    )


def _sorted(rows: Batch, order: SortOrder, run: Run) -> tuple[Batch, list[Vector]]:
    keys = order.key_vectors(rows, run)
    if not keys:
        return rows, keys
    row_count = rows.row_count
    indices = order.indices_of(keys, row_count, run)
    taken = run_aside(run, row_count, lambda: rows.take(indices))
    return taken, run_aside(run, row_count, lambda: [key.take(indices) for key in keys])


def _partitions(
    keys: Sequence[Vector], types: Sequence[SqlType], partition_count: int, row_count: int
) -> Partitions:
    starts = peer_starts(keys[:partition_count], types[:partition_count], row_count)
    peers = np.union1d(starts, peer_starts(keys, types, row_count))
    return Partitions(row_count=row_count, starts=starts, peer_starts=peers)


def _evaluate(call: _Call, rows: Batch, partitions: Partitions, run: Run) -> Vector:
    run.check_cancel()
    callee = call.call.callee
    arguments = [as_array(item(rows, run), rows.row_count) for item in call.arguments]
    frames = call.frame(rows, partitions, run)
    if call.aggregate is not None:
        evaluate = call.aggregate.evaluate
        if call.call.filter is None and call.aggregate.own is None:
            return run.compute(evaluate, rows, arguments, frames, partitions, run)
        return evaluate(rows, arguments, frames, partitions, run)
    assert isinstance(callee, WindowFunction), "a callee is an aggregate or a window function"
    seen = WindowRows(
        row_count=partitions.row_count,
        starts=partitions.start,
        ends=partitions.end,
        peer_starts=partitions.peer_start,
        peer_ends=partitions.peer_end,
        peer_numbers=partitions.peer_number,
        frame_starts=frames.starts,
        frame_ends=frames.ends,
        exclude=frames.exclude,
    )
    return run.compute(callee.evaluate, seen, arguments)
