"""Computed columns: Project, and ProjectSet for select lists with set-returning functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.calls import row_set_function
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.rows import batch_rows
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.planner.physical import Project, ProjectSet
from lungfish.types.batch import BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector


def make_project(plan: Project, compiler: Compiler) -> Operator:
    """The operator of a Project."""
    source = compiler.operator(plan.input)
    if all(isinstance(item, ColumnRef) for item in plan.expressions):
        return _pick_columns(source, [item.index for item in plan.expressions])  # type: ignore[union-attr]
    evaluators = compiler.vectors(plan.expressions)

    def run_project(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            count = batch.row_count
            columns = tuple(as_array(evaluate(batch, run), count) for evaluate in evaluators)
            yield Batch(columns, count)

    return run_project


def _pick_columns(source: Operator, indexes: Sequence[int]) -> Operator:
    def run_pick(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            columns = batch.columns
            yield Batch(tuple([columns[index] for index in indexes]), batch.row_count)

    return run_pick


# Answers the values that an input row gives to one column of a ProjectSet.
_SetEvaluator = Callable[[Sequence[Any], Run], "Sequence[Any]"]


def make_project_set(plan: ProjectSet, compiler: Compiler) -> Operator:
    """The operator of a ProjectSet: sets side by side, plain expressions repeated."""
    source = compiler.operator(plan.input)
    input_types = [column.type for column in plan.input.columns]
    types = [column.type for column in plan.columns]
    sets = [_set_evaluator(item, compiler) for item in plan.expressions]
    plain = [
        None if item else compiler.vector(e) for item, e in zip(sets, plan.expressions, strict=True)
    ]

    def run_project_set(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            fixed = [
                None if evaluate is None else as_array(evaluate(batch, run), batch.row_count)
                for evaluate in plain
            ]
            found: list[list[Sequence[Any]]] = [
                [] if item is None else [item(row, run) for row in batch_rows(batch, input_types)]
                for item in sets
            ]
            yield from _side_by_side(fixed, found, types, batch.row_count)

    return run_project_set


def _set_evaluator(expression: BoundExpression, compiler: Compiler) -> _SetEvaluator | None:
    """The evaluator of a set-returning call; None for any other expression."""
    if not (isinstance(expression, Call) and expression.function.returns_set):
        return None
    arguments: tuple[RowEvaluator, ...] = compiler.rows(expression.arguments)
    call = row_set_function(expression)

    def evaluate(row: Sequence[Any], run: Run) -> Sequence[Any]:
        return list(call([argument(row, run) for argument in arguments], run))

    return evaluate


def _side_by_side(
    fixed: Sequence[pa.Array | None],
    found: Sequence[list[Sequence[Any]]],
    types: Sequence[SqlType],
    row_count: int,
) -> Iterator[Batch]:
    lengths = np.zeros(row_count, np.int64)
    for sets in found:
        if sets:
            lengths = np.maximum(lengths, np.array([len(each) for each in sets], np.int64))
    total = int(lengths.sum())
    sources = pa.array(np.repeat(np.arange(row_count), lengths))
    columns: list[pa.Array] = []
    for array, sets, sql_type in zip(fixed, found, types, strict=True):
        if array is not None:
            columns.append(array.take(sources))
            continue
        values: list[Any] = []
        for each, length in zip(sets, lengths.tolist(), strict=True):
            values.extend(each)
            values.extend([None] * (length - len(each)))
        columns.append(build_vector(values, sql_type))
    whole = Batch(tuple(columns), total)
    for start in range(0, total, BATCH_ROW_COUNT):
        yield whole.slice(start, BATCH_ROW_COUNT)
