"""Distinct and set operations: rows told apart by the codes of all their columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import Codes
from lungfish.executor.key_codes import RowCodes, first_places
from lungfish.planner.physical import Append, Distinct, SetOperation
from lungfish.types.batch import Batch


def make_distinct(plan: Distinct, compiler: Compiler) -> Operator:
    """The operator of DISTINCT and DISTINCT ON: the first row of each key goes on at once."""
    source = compiler.operator(plan.input)
    on = compiler.vectors(plan.on)
    if plan.on:
        types = [expression.type for expression in plan.on]
    else:
        types = [column.type for column in plan.input.columns]

    def run_distinct(run: Run) -> Iterator[Batch]:
        codes = RowCodes(types)
        met_count = 0
        for batch in source(run):
            run.check_cancel()
            count = batch.row_count
            if not types:
                # Rows without columns are all equal.
                if count:
                    yield batch.slice(0, 1)
                    return
                continue
            keys = [as_array(item(batch, run), count) for item in on] if on else batch.columns
            found = codes.encode(keys, count)
            new_count = codes.count - met_count
            if new_count == count:
                yield batch
            elif new_count:
                yield batch.take(pa.array(np.sort(first_places(found, met_count, new_count))))
            met_count = codes.count

    return run_distinct


def make_append(plan: Append, compiler: Compiler) -> Operator:
    """The operator of UNION ALL."""
    sources = [compiler.operator(item) for item in plan.inputs]

    def run_append(run: Run) -> Iterator[Batch]:
        for source in sources:
            yield from source(run)

    return run_append


def make_set_operation(plan: SetOperation, compiler: Compiler) -> Operator:
    """The operator of INTERSECT and EXCEPT. With ALL a row is counted: min(m, n) of them, or m - n."""
    left, right = compiler.operator(plan.left), compiler.operator(plan.right)
    types = [column.type for column in plan.left.columns]
    is_intersect, is_all = plan.kind == "intersect", plan.is_all

    def run_set_operation(run: Run) -> Iterator[Batch]:
        codes = RowCodes(types)
        right_counts = _CodeCounts()
        for batch in right(run):
            run.check_cancel()
            right_counts.add(codes.encode(batch.columns, batch.row_count), codes.count)
        met = _CodeCounts()
        for batch in left(run):
            run.check_cancel()
            found = codes.encode(batch.columns, batch.row_count)
            numbers = met.add(found, codes.count)
            available = right_counts.of(found)
            if is_all:
                wanted = numbers < available if is_intersect else numbers >= available
            else:
                wanted = (numbers == 0) & ((available > 0) if is_intersect else (available == 0))
            kept = (
                batch.filter(pa.array(wanted))
                if batch.columns
                else batch.slice(0, int(wanted.sum()))
            )
            if kept.row_count:
                yield kept

    return run_set_operation


class _CodeCounts:
    """How often each code has been met."""

    def __init__(self) -> None:
        self._counts = np.zeros(0, np.int64)

    def add(self, codes: Codes, code_count: int) -> Codes:
        """Count the codes; answers for each how often it had been met before, in this batch too."""
        if code_count > len(self._counts):
            grown = np.zeros(max(code_count, 2 * len(self._counts)), np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        is_first = np.ones(len(ordered), np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        starts = np.maximum.accumulate(np.where(is_first, np.arange(len(ordered)), 0))
        numbers = np.empty(len(codes), np.int64)
        numbers[order] = np.arange(len(ordered)) - starts
        numbers += self._counts[codes]
        self._counts += np.bincount(codes, minlength=len(self._counts))
        return numbers

    def of(self, codes: Codes) -> Codes:
        """How often each code has been met."""
        known = codes < len(self._counts)
        counts = np.zeros(len(codes), np.int64)
        counts[known] = self._counts[codes[known]]
        return counts
