"""Rows that come from no table: VALUES, nothing at all, and set-returning functions in FROM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import Any

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Row, Run
from lungfish.executor.expressions.calls import row_set_function
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.portions import RowPortions
from lungfish.executor.rows import rows_batches
from lungfish.executor.volatile_calls import runs_volatile_routine
from lungfish.planner.expressions import BoundExpression, Call, Constant
from lungfish.planner.physical import EmptyScan, FunctionScan, ValuesScan
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import build_vector

_ONE_ROW = Batch((), 1)


def make_values_scan(plan: ValuesScan, compiler: Compiler) -> Operator:
    """The operator of literal rows."""
    if len(plan.rows) == 1:
        return _one_row(plan, compiler)
    types = [column.type for column in plan.columns]
    makers = [literal_row(row, compiler) for row in plan.rows]

    def run_values(run: Run) -> Iterator[Batch]:
        yield from rows_batches((make(run) for make in makers), types)

    def run_one_by_one(run: Run) -> Iterator[Batch]:
        for make in makers:
            yield from rows_batches([make(run)], types)

    is_one_by_one = any(runs_volatile_routine(item) for row in plan.rows for item in row)
    return run_one_by_one if is_one_by_one else run_values


def literal_row(expressions: Sequence[BoundExpression], compiler: Compiler) -> Callable[[Run], Row]:
    """What makes one row of VALUES; of constants alone it is made now."""
    constants = [item for item in expressions if isinstance(item, Constant)]
    if len(constants) == len(expressions):
        row = tuple([item.value for item in constants])
        return lambda _run: row
    evaluators = compiler.rows(expressions)
    return lambda run: tuple([evaluate((), run) for evaluate in evaluators])


def _one_row(plan: ValuesScan, compiler: Compiler) -> Operator:
    evaluators = compiler.vectors(plan.rows[0])

    def run_row(run: Run) -> Iterator[Batch]:
        yield Batch(tuple(as_array(evaluate(_ONE_ROW, run), 1) for evaluate in evaluators), 1)

    return run_row


def make_empty_scan(_plan: EmptyScan, _compiler: Compiler) -> Operator:
    """The operator of no rows."""

    def run_empty(_run: Run) -> Iterator[Batch]:
        return iter(())

    return run_empty


def make_function_scan(plan: FunctionScan, compiler: Compiler) -> Operator:
    """The operator of functions in FROM, side by side."""
    types = [column.type for column in plan.columns]
    calls = [_FunctionRows(call, compiler) for call in plan.calls]
    if len(calls) == 1 and not calls[0].is_row and not plan.with_ordinality:
        return _one_column(calls[0], types[0])

    def run_functions(run: Run) -> Iterator[Batch]:
        padding = [(None,) * call.width for call in calls]
        sets = zip_longest(*(call.rows(run) for call in calls))
        rows: Iterable[Row] = (
            tuple(
                value
                for part, nulls in zip(parts, padding, strict=True)
                for value in (nulls if part is None else part)
            )
            for parts in sets
        )
        if plan.with_ordinality:
            rows = ((*row, number) for number, row in enumerate(rows, 1))
        for batch in rows_batches(rows, types):
            run.check_cancel()
            yield batch

    return run_functions


def _one_column(function: _FunctionRows, sql_type: SqlType) -> Operator:
    """The common case, one function of one column, without a tuple for each value."""

    def run_function(run: Run) -> Iterator[Batch]:
        items = iter(function.items(run))
        portions = RowPortions.of_types([sql_type])
        while chunk := list(islice(items, portions.row_count)):
            run.check_cancel()
            vector = build_vector(chunk, sql_type)
            portions.note(len(chunk), vector.nbytes)
            yield Batch((vector,), len(chunk))

    return run_function


class _FunctionRows:
    """One function of a FunctionScan: its rows as tuples."""

    def __init__(self, call: BoundExpression, compiler: Compiler) -> None:
        # What is no call gives one row: a cast, or a call that was computed already.
        self._function = row_set_function(call) if isinstance(call, Call) else _one_item
        self._arguments = compiler.rows(call.arguments if isinstance(call, Call) else (call,))
        # A function whose type is a row gives tuples, one value for each of its fields.
        fields = call.type.fields if call.type.kind is TypeKind.RECORD else ()
        self.is_row = bool(fields)
        self.width = max(1, len(fields))

    def items(self, run: Run) -> Iterable[Any]:
        """What one call gives."""
        return self._function([argument((), run) for argument in self._arguments], run)

    def rows(self, run: Run) -> Iterator[tuple[Any, ...]]:
        """What one call gives, as rows."""
        for item in self.items(run):
            yield (item or (None,) * self.width) if self.is_row else (item,)


def _one_item(values: Sequence[Any], _run: Run) -> Iterable[Any]:
    return values
