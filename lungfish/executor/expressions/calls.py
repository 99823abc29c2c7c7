"""Calls of functions and operators, and casts: where one form of a function is missing it is made of the other.

    has a vector form   over batches: called as it is;  over rows: called with vectors of length one
    has a scalar form   over rows: called as it is;     over batches: mapped over the internal values

A call whose arguments are all scalars is done once for the batch, unless the function is volatile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import (
    VectorOrScalar,
    as_array,
    scalar_array,
    scalar_value,
)
from lungfish.functions.registry import Function, Volatility
from lungfish.planner.expressions import Call
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector, constant_scalar, to_values

# A function over evaluated arguments: (arguments, row count, run) -> array or scalar.
VectorCall = Callable[[Sequence[VectorOrScalar], int, Run], VectorOrScalar]
# A function over internal values: (values, run) -> value.
RowCall = Callable[[Sequence[Any], Run], Any]


def vector_call(expression: Call, compiler: Compiler) -> VectorEvaluator:
    """A call over batches; an error of the function gets the call's place."""
    arguments = compiler.vectors(expression.arguments)
    types = tuple(argument.type for argument in expression.arguments)
    call = vector_function(
        expression.function, types, expression.type, expression.is_variadic_array
    )
    position = expression.position

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        values = [argument(batch, run) for argument in arguments]
        try:
            return call(values, batch.row_count, run)
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.

    return evaluate


def row_call(expression: Call, compiler: Compiler) -> RowEvaluator:
    """A call over one row; an error of the function gets the call's place."""
    function = expression.function
    arguments = compiler.rows(expression.arguments)
    types = tuple(argument.type for argument in expression.arguments)
    position = expression.position
    if _is_plain(function, expression.is_variadic_array) and len(arguments) == 2:
        return _row_binary(function, arguments[0], arguments[1], position)
    call = row_function(function, types, expression.type, expression.is_variadic_array)

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        values = [argument(row, run) for argument in arguments]
        try:
            return call(values, run)
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.

    return evaluate


def _is_plain(function: Function, is_variadic_array: bool) -> bool:
    return (
        function.scalar is not None
        and function.is_strict
        and not (
            function.needs_context
            or function.needs_statement
            or function.needs_types
            or is_variadic_array
        )
    )


def _row_binary(
    function: Function, left: RowEvaluator, right: RowEvaluator, position: int
) -> RowEvaluator:
    """The common case, a strict operator of two operands, without building an argument list."""
    scalar = function.scalar
    assert scalar is not None, "asked for plain functions only"

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        # Both before the test: what the right one raises is raised beside a null too.
        one = left(row, run)
        other = right(row, run)
        if one is None or other is None:
            return None
        try:
            return scalar(one, other)
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.

    return evaluate


# What asks the session for something is not stopped in its midst, so it looks more often.
_ROWS_BETWEEN_LOOKS = 4

# To these a VARIADIC array that is NULL gives no arguments; every other function answers NULL.
_NULL_ARRAY_IS_EMPTY = frozenset({"format"})


def row_function(
    function: Function,
    types: Sequence[SqlType],
    result: SqlType,
    is_variadic_array: bool = False,
) -> RowCall:
    """The function over internal values: nulls, context, types and a VARIADIC array are seen to."""
    if function.scalar is None:
        return _row_from_vector(function, types, result)
    scalar: Callable[..., Any] = function.scalar
    keywords: dict[str, Any] = {"types": tuple(types)} if function.needs_types else {}
    is_strict, needs_context = function.is_strict, function.needs_context
    needs_statement = function.needs_statement
    is_null_empty = function.name in _NULL_ARRAY_IS_EMPTY

    def call(values: Sequence[Any], run: Run) -> Any:
        if is_strict and None in values:
            return None
        if is_variadic_array:
            if values[-1] is None and not is_null_empty:
                return None
            values = _spread(values)
        if needs_context:
            return scalar(run.context.functions, *values, **keywords)
        if needs_statement:
            return scalar(run.context, *values)
        return scalar(*values, **keywords)

    return call


def _spread(values: Sequence[Any]) -> Sequence[Any]:
    """The arguments with the elements of the VARIADIC array in its place."""
    array = values[-1]
    return [*values[:-1], *(array if array is not None else ())]


def _row_from_vector(function: Function, types: Sequence[SqlType], result: SqlType) -> RowCall:
    vector: Callable[..., VectorOrScalar] | None = function.vector
    assert vector is not None, f"{function.name} has neither a vector nor a scalar form"
    keywords: dict[str, Any] = {"types": tuple(types)} if function.needs_types else {}
    is_strict = function.is_strict

    def call(values: Sequence[Any], _run: Run) -> Any:
        if is_strict and None in values:
            return None
        arrays = [build_vector([value], kind) for value, kind in zip(values, types, strict=True)]
        answer = vector(*arrays, **keywords)
        if isinstance(answer, pa.Scalar):
            return scalar_value(answer, result)
        return to_values(answer, result)[0]

    return call


def vector_function(
    function: Function,
    types: Sequence[SqlType],
    result: SqlType,
    is_variadic_array: bool = False,
) -> VectorCall:
    """The function over vectors and scalars."""
    on_row = row_function(function, types, result, is_variadic_array)
    if function.vector is None or is_variadic_array or function.needs_context:
        on_arrays = _mapped(on_row, types, result, function.is_strict)
    else:
        on_arrays = _vector_form(function, types)
    if function.volatility is Volatility.VOLATILE:
        return on_arrays
    types = tuple(types)

    def call(arguments: Sequence[VectorOrScalar], row_count: int, run: Run) -> VectorOrScalar:
        for argument in arguments:
            if not isinstance(argument, pa.Scalar):
                return on_arrays(arguments, row_count, run)
        values = [
            scalar_value(argument, kind) for argument, kind in zip(arguments, types, strict=True)
        ]
        return constant_scalar(on_row(values, run), result)

    return call


def _vector_form(function: Function, types: Sequence[SqlType]) -> VectorCall:
    vector: Callable[..., VectorOrScalar] | None = function.vector
    assert vector is not None, "asked for functions with a vector form"
    keywords: dict[str, Any] = {"types": tuple(types)} if function.needs_types else {}

    def call(arguments: Sequence[VectorOrScalar], row_count: int, _run: Run) -> VectorOrScalar:
        if all(isinstance(argument, pa.Scalar) for argument in arguments):
            arguments = [as_array(argument, row_count) for argument in arguments]
        return vector(*arguments, **keywords)

    return call


def _mapped(
    on_row: RowCall, types: Sequence[SqlType], result: SqlType, is_strict: bool
) -> VectorCall:
    """A scalar form mapped over the rows."""

    def call(arguments: Sequence[VectorOrScalar], row_count: int, run: Run) -> VectorOrScalar:
        if not arguments:
            return build_vector([on_row((), run) for _ in range(row_count)], result)
        columns = [
            _values(argument, kind, row_count)
            for argument, kind in zip(arguments, types, strict=True)
        ]
        values = []
        for start in range(0, row_count, _ROWS_BETWEEN_LOOKS):
            run.check_cancel()
            part = [column[start : start + _ROWS_BETWEEN_LOOKS] for column in columns]
            rows = zip(*part, strict=True)
            if is_strict:
                values += [None if None in row else on_row(row, run) for row in rows]
            else:
                values += [on_row(row, run) for row in rows]
        return build_vector(values, result)

    return call


def _values(argument: VectorOrScalar, sql_type: SqlType, row_count: int) -> list[Any]:
    if isinstance(argument, pa.Scalar):
        return to_values(scalar_array(argument), sql_type) * row_count
    return to_values(argument, sql_type)


def row_set_function(expression: Call) -> Callable[[Sequence[Any], Run], Iterable[Any]]:
    """A set-returning function over internal values: answers its items; a plain function gives one item."""
    types = tuple(argument.type for argument in expression.arguments)
    call = row_function(expression.function, types, expression.type, expression.is_variadic_array)
    returns_set, position = expression.function.returns_set, expression.position

    def items(values: Sequence[Any], run: Run) -> Iterable[Any]:
        try:
            answer = call(values, run)
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.
        if not returns_set:
            return (answer,)
        return () if answer is None else answer

    return items
