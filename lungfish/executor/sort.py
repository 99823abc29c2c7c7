"""Sort and TopN.

Sort keeps its input and sorts it at once. What does not fit into memory is sorted in runs, which are then merged: see
`external_sort.py`. TopN keeps only the rows that can still be among the first ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.executor.external_sort import sort_batches
from lungfish.executor.limit import after_offset, evaluate_limit, evaluate_offset, first_rows
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.rows import concat_batches, split_batch
from lungfish.executor.sort_keys import SortOrder, sort_order
from lungfish.planner.physical import Sort, TopN
from lungfish.types.batch import BATCH_BYTES, BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType


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
        if row_count_max == 0:
            return
        batches = source(run)
        if row_count_max is not None:
            best = _BestRows(row_count_max + skipped, order, types, run)
            if best.take_in(batches):
                yield from split_batch(best.cut().slice(skipped, row_count_max))
                return
            batches = chain(best.held, batches)
        ordered = after_offset(sort_batches(batches, order, types, run), skipped)
        yield from ordered if row_count_max is None else first_rows(ordered, row_count_max, run)

    return run_top_n


class _BestRows:
    """The first rows of what has been seen, and some that are still to be compared with them."""

    def __init__(self, wanted: int, order: SortOrder, types: Sequence[SqlType], run: Run) -> None:
        self._wanted = wanted
        self._order = order
        self._types = types
        self._run = run
        self.held: list[Batch] = []

    def take_in(self, batches: Iterator[Batch]) -> bool:
        """Go through the batches; False once the rows wanted do not fit into memory: then all rows to this point are `held`, or fewer that are better."""
        context = self._run.context
        limit = max(context.memory.limit_bytes, 4 * BATCH_BYTES)
        count_max, size_max = 2 * self._wanted + BATCH_ROW_COUNT, 2 * BATCH_BYTES
        count = size = 0
        for batch in batches:
            self._run.check_cancel()
            self.held.append(batch)
            count += batch.row_count
            size += batch_size_bytes(batch)
            if count > count_max or (size > size_max and count > self._wanted):
                best = self.cut()
                self.held, count, size = [best], best.row_count, batch_size_bytes(best)
                size_max = 2 * (size + BATCH_BYTES)
            if size > limit and context.spill is not None:
                return False
        return True

    def cut(self) -> Batch:
        """The rows wanted, in order."""
        whole = concat_batches(self.held, self._types)
        return whole.take(self._order.sort_indices(whole, self._run).slice(0, self._wanted))
