"""Distinct and set operations: rows told apart by the codes of all their columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import Codes
from lungfish.executor.key_codes import RowCodes, first_places
from lungfish.executor.memory import MemoryAccount
from lungfish.planner.physical import Append, Distinct, SetOperation
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import SqlType


def make_distinct(plan: Distinct, compiler: Compiler) -> Operator:
    """The operator of DISTINCT and DISTINCT ON: the first row of each key goes on at once, in the input's order."""
    source = compiler.operator(plan.input)
    if plan.on:
        types = tuple(expression.type for expression in plan.on)
        keys = compiler.vectors(plan.on)
        return lambda run: _first_of_runs(source(run), keys, types, run)
    types = tuple(column.type for column in plan.input.columns)
    if not types:
        return lambda run: _one_of(source(run))
    return lambda run: _distinct_rows(source(run), types, run)


def _distinct_rows(batches: Iterator[Batch], types: Sequence[SqlType], run: Run) -> Iterator[Batch]:
    codes = RowCodes(types)
    account = MemoryAccount(run.context.memory)
    try:
        for batch in batches:
            run.check_cancel()
            before = codes.count
            found = run.compute(codes.encode, batch.columns, batch.row_count)
            account.grow_to(codes.size_bytes)
            yield from _first_rows(batch, found, before, codes.count - before)
    finally:
        account.close()


def _first_rows(batch: Batch, codes: Codes, start: int, count: int) -> Iterator[Batch]:
    """The first row of each of the `count` codes from `start`, in order."""
    if count == batch.row_count:
        yield batch
    elif count:
        yield batch.take(pa.array(np.sort(first_places(codes, start, count))))


def _first_of_runs(
    batches: Iterator[Batch],
    keys: Sequence[VectorEvaluator],
    types: Sequence[SqlType],
    run: Run,
) -> Iterator[Batch]:
    """DISTINCT ON: the input is sorted by the keys, so equal ones stand together, and only the last key is remembered."""
    last: list[Vector] = []
    for batch in batches:
        run.check_cancel()
        count = batch.row_count
        if not count:
            continue
        vectors = [as_array(evaluate(batch, run), count) for evaluate in keys]
        codes = RowCodes(types)
        if last:
            codes.encode(last, 1)
        before = codes.count if last else 0
        found = run.compute(codes.encode, vectors, count)
        yield from _first_rows(batch, found, before, codes.count - before)
        last = [vector.slice(count - 1, 1) for vector in vectors]


def _one_of(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Rows without columns are all equal."""
    for batch in batches:
        if batch.row_count:
            yield batch.slice(0, 1)
            return


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
        account = MemoryAccount(run.context.memory)
        try:
            yield from count_rows(run, account)
        finally:
            account.close()

    def count_rows(run: Run, account: MemoryAccount) -> Iterator[Batch]:
        codes = RowCodes(types)
        right_counts = _CodeCounts()
        for batch in right(run):
            run.check_cancel()
            encoded = run.compute(codes.encode, batch.columns, batch.row_count)
            right_counts.add(encoded, codes.count)
            account.grow_to(codes.size_bytes)
        met = _CodeCounts()
        for batch in left(run):
            run.check_cancel()
            found = run.compute(codes.encode, batch.columns, batch.row_count)
            account.grow_to(codes.size_bytes)
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
