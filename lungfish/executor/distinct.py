"""Distinct and set operations: rows told apart by the codes of all their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import UNKNOWN, Codes
from lungfish.executor.kept_rows import KeptRows, keep_batches
from lungfish.executor.key_codes import RowCodes, first_places
from lungfish.executor.memory import MemoryAccount
from lungfish.executor.partition import Overflow, Parts, parts_for
from lungfish.executor.sort_keys import column_getter
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


def _distinct_rows(
    batches: Iterable[Batch], types: Sequence[SqlType], run: Run, *, level: int = 0
) -> Iterator[Batch]:
    """The first row of each key. Once the keys take all the memory, rows of others are put away, and done part by part at the end."""
    codes = RowCodes(types)
    account = MemoryAccount(run.context.memory)
    overflow: Overflow | None = None
    try:
        for batch in batches:
            run.check_cancel()
            if overflow is not None:
                found = run.compute(codes.lookup, batch.columns, batch.row_count)
                rest = batch.filter(pa.array(found == UNKNOWN))
                if rest.row_count:
                    overflow.add(rest, rest.columns)
                continue
            before = codes.count
            found = run.compute(codes.encode, batch.columns, batch.row_count)
            yield from _first_rows(batch, found, before, codes.count - before)
            if not account.grow_to(codes.size_bytes) and run.context.spill is not None:
                overflow = Overflow(types, level, run)
        account.close()
        del codes
        if overflow is not None:
            yield from _distinct_parts(overflow, types, run, level=level)
    finally:
        account.close()
        if overflow is not None:
            overflow.close()


def _distinct_parts(
    overflow: Overflow, types: Sequence[SqlType], run: Run, *, level: int
) -> Iterator[Batch]:
    for part in overflow.parts():
        yield from _distinct_rows(part, types, run, level=level + 1)


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

    operation = _SetOperation(types=tuple(types), is_intersect=is_intersect, is_all=is_all)

    def run_set_operation(run: Run) -> Iterator[Batch]:
        kept = keep_batches(right(run), run)
        try:
            if kept.is_spilled and types:
                yield from operation.by_parts(left(run), kept, run)
            else:
                yield from operation.rows(left(run), kept, run)
        finally:
            kept.close()

    return run_set_operation


@dataclass(frozen=True, slots=True)
class _SetOperation:
    """INTERSECT or EXCEPT. The right rows are counted, and the left ones go through them one by one.

    A right side that memory cannot hold is parted by the hash of all columns, and the left one with it. What grows with the left rows is only what EXCEPT
    has given already: when that takes all the memory, further rows are put away, and told apart part by part at the end.
    """

    types: tuple[SqlType, ...]
    is_intersect: bool
    is_all: bool

    def by_parts(self, left: Iterable[Batch], right: KeptRows, run: Run) -> Iterator[Batch]:
        """The rows, of inputs that are parted first."""
        columns = [column_getter(index) for index in range(len(self.types))]
        parts = Parts(parts_for(right, run), run)
        try:
            parts.fill(0, right, columns, self.types)
            right.close()
            parts.fill(1, left, columns, self.types)
            for right_part, left_part in parts.pairs():
                yield from self.rows(left_part, right_part, run)
                right_part.close()
                left_part.close()
        finally:
            parts.close()

    def rows(self, left: Iterable[Batch], right: Iterable[Batch], run: Run) -> Iterator[Batch]:
        """The rows, with the codes of all right rows in memory."""
        account = MemoryAccount(run.context.memory)
        overflow: Overflow | None = None
        codes = RowCodes(self.types)
        # Whether left rows have to be told apart that are not among the right ones.
        is_noted = not self.is_intersect and not self.is_all
        try:
            right_counts = _CodeCounts()
            for batch in right:
                run.check_cancel()
                encoded = run.compute(codes.encode, batch.columns, batch.row_count)
                right_counts.add(encoded, codes.count)
                account.grow_to(codes.size_bytes)
            met = _CodeCounts()
            for batch in left:
                run.check_cancel()
                code = codes.encode if is_noted and overflow is None else codes.lookup
                found = run.compute(code, batch.columns, batch.row_count)
                kept = _filter(batch, self._wanted(found, codes.count, right_counts, met))
                if overflow is not None:
                    rest = batch.filter(pa.array(found == UNKNOWN))
                    if rest.row_count:
                        overflow.add(rest, rest.columns)
                elif is_noted and not account.grow_to(codes.size_bytes):
                    overflow = None if run.context.spill is None else Overflow(self.types, 0, run)
                if kept.row_count:
                    yield kept
            if overflow is not None:
                account.close()
                del codes
                yield from _distinct_parts(overflow, self.types, run, level=0)
        finally:
            account.close()
            if overflow is not None:
                overflow.close()

    def _wanted(
        self, found: Codes, code_count: int, right_counts: _CodeCounts, met: _CodeCounts
    ) -> npt.NDArray[np.bool_]:
        """Which left rows go on, of those whose code is known; of the others all do that EXCEPT ALL gives."""
        known = found != UNKNOWN
        codes = found if known.all() else found[known]
        numbers, available = met.add(codes, code_count), right_counts.of(codes)
        if self.is_all:
            passes = numbers < available if self.is_intersect else numbers >= available
        else:
            passes = (numbers == 0) & ((available > 0) if self.is_intersect else (available == 0))
        if codes is found:
            return passes
        wanted = np.full(len(found), self.is_all and not self.is_intersect)
        wanted[known] = passes
        return wanted


def _filter(batch: Batch, wanted: npt.NDArray[np.bool_]) -> Batch:
    if not batch.columns:
        return batch.slice(0, int(wanted.sum()))
    return batch.filter(pa.array(wanted))


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
