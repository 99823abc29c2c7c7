"""Expressions without operands: constants, columns, outer columns, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.planner.expressions import ColumnRef, Constant, OuterRef, ParameterRef
from lungfish.types.batch import Batch
from lungfish.types.vectors import constant_scalar


def vector_constant(expression: Constant, _compiler: Compiler) -> VectorEvaluator:
    """A constant is one Arrow scalar, made once."""
    scalar = constant_scalar(expression.value, expression.type)

    def evaluate(_batch: Batch, _run: Run) -> pa.Scalar:
        return scalar

    return evaluate


def row_constant(expression: Constant, _compiler: Compiler) -> RowEvaluator:
    """A constant's internal value."""
    value = expression.value
    return lambda _row, _run: value


def vector_column(expression: ColumnRef, _compiler: Compiler) -> VectorEvaluator:
    """A column of the batch."""
    index = expression.index

    def evaluate(batch: Batch, _run: Run) -> pa.Array:
        return batch.columns[index]

    return evaluate


def row_column(expression: ColumnRef, _compiler: Compiler) -> RowEvaluator:
    """A value of the row."""
    get = itemgetter(expression.index)
    return lambda row, _run: get(row)


def _outer_value(expression: OuterRef, run: Run) -> Any:
    return run.outer_rows[-expression.level][expression.index]


def vector_outer(expression: OuterRef, _compiler: Compiler) -> VectorEvaluator:
    """An outer column is one value for the whole batch."""
    value_type = expression.type

    def evaluate(_batch: Batch, run: Run) -> pa.Scalar:
        return constant_scalar(_outer_value(expression, run), value_type)

    return evaluate


def row_outer(expression: OuterRef, _compiler: Compiler) -> RowEvaluator:
    """A value of an enclosing query's current row."""
    level, index = expression.level, expression.index
    return lambda _row, run: run.outer_rows[-level][index]


def parameter_value(index: int, parameters: Sequence[Any]) -> Any:
    """The value of parameter `index`. Raises UndefinedParameter (42P02) if none was given."""
    if index >= len(parameters):
        raise errors.UndefinedParameter(f"there is no parameter ${index + 1}")
    return parameters[index]


def vector_parameter(expression: ParameterRef, _compiler: Compiler) -> VectorEvaluator:
    """A parameter is one value for the whole batch."""
    index, value_type = expression.index, expression.type

    def evaluate(_batch: Batch, run: Run) -> pa.Scalar:
        return constant_scalar(parameter_value(index, run.context.parameters), value_type)

    return evaluate


def row_parameter(expression: ParameterRef, _compiler: Compiler) -> RowEvaluator:
    """A parameter's internal value."""
    index = expression.index

    def evaluate(_row: Sequence[Any], run: Run) -> Any:
        parameters = run.context.parameters
        if index < len(parameters):
            return parameters[index]
        return parameter_value(index, parameters)

    return evaluate
