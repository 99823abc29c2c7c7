"""Computed columns: Project, and ProjectSet for select lists with set-returning functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import Error
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.calls import row_set_function
from lungfish.executor.expressions.vectors import as_array, spread
from lungfish.executor.failing_rows import rows_before_failing
from lungfish.executor.portions import Portions, RowPortions
from lungfish.executor.rows import batch_rows
from lungfish.executor.volatile_calls import row_by_row, runs_volatile_routine
from lungfish.planner.expression_tree import shares_sequences
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.physical import Project, ProjectSet
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector


def make_project(plan: Project, compiler: Compiler) -> Operator:
    """The operator of a Project."""
    source = compiler.operator(plan.input)
    if all(isinstance(item, ColumnRef) for item in plan.expressions):
        return _pick_columns(source, [item.index for item in plan.expressions])  # type: ignore[union-attr]
    if any(map(runs_volatile_routine, plan.expressions)) or shares_sequences(plan.expressions):
        source = row_by_row(source)
    portions = Portions()
    evaluators = portions.vectors(plan.expressions, compiler)

    def compute(batch: Batch, run: Run) -> Iterable[Batch]:
        return spread([evaluate(batch, run) for evaluate in evaluators], batch.row_count)

    parts = rows_before_failing(compute, plan.expressions)

    def run_project(run: Run) -> Iterator[Batch]:
        for batch in portions.cut(source(run), run):
            for pieces in parts(batch, run):
                for piece in pieces:
                    run.check_cancel()
                    yield piece

    return run_project


def _pick_columns(source: Operator, indexes: Sequence[int]) -> Operator:
    def run_pick(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            columns = batch.columns
            yield Batch(tuple([columns[index] for index in indexes]), batch.row_count)

    return run_pick


# Starts the set that an input row gives to one column of a ProjectSet.
_SetEvaluator = Callable[[Sequence[Any], Run], Iterator[Any]]


def make_project_set(plan: ProjectSet, compiler: Compiler) -> Operator:
    """The operator of a ProjectSet: sets side by side, plain expressions repeated.

    Sets are read as rows are asked for: below a LIMIT, a set without an end is no trouble.
    """
    source = compiler.operator(plan.input)
    input_types = [column.type for column in plan.input.columns]
    types = [column.type for column in plan.columns]
    found = [_set_evaluator(item, compiler) for item in plan.expressions]
    sets = [item for item in found if item is not None]
    plain = [
        None if item else compiler.vector(e)
        for item, e in zip(found, plan.expressions, strict=True)
    ]

    def run_project_set(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            fixed = [
                None if evaluate is None else as_array(evaluate(batch, run), batch.row_count)
                for evaluate in plain
            ]
            started = (
                [evaluate(row, run) for evaluate in sets] for row in batch_rows(batch, input_types)
            )
            portions = RowPortions.of_types(types)
            for sources, columns in _side_by_side(started, len(sets), portions):
                run.check_cancel()
                made = _set_batch(fixed, sources, columns, types)
                portions.note_batch(made)
                yield made

    return run_project_set


def _set_evaluator(expression: BoundExpression, compiler: Compiler) -> _SetEvaluator | None:
    """The evaluator of a set-returning call; None for any other expression."""
    if not (isinstance(expression, Call) and expression.function.returns_set):
        return None
    arguments: tuple[RowEvaluator, ...] = compiler.rows(expression.arguments)
    call = row_set_function(expression)

    def evaluate(row: Sequence[Any], run: Run) -> Iterator[Any]:
        return iter(call([argument(row, run) for argument in arguments], run))

    return evaluate


def _side_by_side(
    started: Iterable[Sequence[Iterator[Any]]], set_count: int, portions: RowPortions
) -> Iterator[tuple[list[int], list[list[Any]]]]:
    """The values of each row's sets, the shorter ones padded with NULL: for each value its input row, and a column for each
    set, as many values at a time as `portions` says.

    The rows before one that fails come first, as if rows were made one by one: below a LIMIT nobody may ask for that one.
    """
    sources: list[int] = []
    columns: list[list[Any]] = [[] for _ in range(set_count)]
    try:
        for number, sets in enumerate(started):
            while True:
                room = portions.row_count - len(sources)
                failure = _read_sets(columns, sets, len(sources), room)
                length = max(map(len, columns)) - len(sources)
                sources.extend([number] * length)
                for column in columns:
                    column.extend([None] * (len(sources) - len(column)))
                if failure is not None:
                    raise failure
                if length < room:
                    break
                yield sources, columns
                sources, columns = [], [[] for _ in range(set_count)]
    except Error:
        if sources:
            yield sources, columns
        raise
    if sources:
        yield sources, columns


def _read_sets(
    columns: Sequence[list[Any]], sets: Sequence[Iterator[Any]], start: int, room: int
) -> Error | None:
    """Add up to `room` values of each set to its column. Where one fails the columns end before that row; answers the error."""
    failure = None
    for column, values in zip(columns, sets, strict=True):
        try:
            column.extend(islice(values, room))
        except Error as error:
            # The values before it are in the list already.
            failure, room = error, len(column) - start
    if failure is not None:
        for column in columns:
            del column[start + room :]
    return failure


def _set_batch(
    fixed: Sequence[pa.Array | None],
    sources: Sequence[int],
    columns: Sequence[Sequence[Any]],
    types: Sequence[SqlType],
) -> Batch:
    picked = pa.array(np.array(sources, np.int64))
    values = iter(columns)
    return Batch(
        tuple(
            build_vector(next(values), sql_type) if array is None else array.take(picked)
            for array, sql_type in zip(fixed, types, strict=True)
        ),
        len(sources),
    )
