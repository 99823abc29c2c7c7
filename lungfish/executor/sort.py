"""Sort and TopN.

Sort keeps its input and sorts it at once. What does not fit into memory is sorted in runs, which are then merged: see
`external_sort.py`. TopN keeps only the rows that can still be among the first ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.executor.external_sort import sort_batches
from lungfish.executor.limit import evaluate_limit, evaluate_offset
from lungfish.executor.rows import concat_batches, split_batch
from lungfish.executor.sort_keys import SortOrder, sort_order
from lungfish.planner.physical import Sort, TopN
from lungfish.types.batch import BATCH_ROW_COUNT, Batch


def make_sort(plan: Sort, compiler: Compiler) -> Operator:
    """The operator of a Sort."""
    source = compiler.operator(plan.input)
    order = sort_order(plan.keys, compiler)
    types = tuple(column.type for column in plan.input.columns)

    def run_sort(run: Run) -> Iterator[Batch]:
        return sort_batches(source(run), order, types, run)

    return run_sort


def make_top_n(plan: TopN, compiler: Compiler) -> Operator:
    """The operator of ORDER BY with LIMIT."""
    source = compiler.operator(plan.input)
    order = sort_order(plan.keys, compiler)
    types = tuple(column.type for column in plan.input.columns)
    limit = compiler.row(plan.limit)
    offset = None if plan.offset is None else compiler.row(plan.offset)

    def run_top_n(run: Run) -> Iterator[Batch]:
        row_count_max = evaluate_limit(limit, run)
        skipped = evaluate_offset(offset, run)
        if row_count_max is None:
            rest = concat_batches(list(sort_batches(source(run), order, types, run)), types)
            yield from split_batch(rest.slice(skipped, rest.row_count))
            return
        if row_count_max == 0:
            return
        wanted = row_count_max + skipped
        held: list[Batch] = []
        held_count = 0
        for batch in source(run):
            run.check_cancel()
            held.append(batch)
            held_count += batch.row_count
            if held_count > 2 * wanted + BATCH_ROW_COUNT:
                best = _first_rows(concat_batches(held, types), order, wanted, run)
                held, held_count = [best], best.row_count
        best = _first_rows(concat_batches(held, types), order, wanted, run)
        yield from split_batch(best.slice(skipped, row_count_max))

    return run_top_n


def _first_rows(batch: Batch, order: SortOrder, row_count: int, run: Run) -> Batch:
    return batch.take(order.sort_indices(batch, run).slice(0, row_count))
