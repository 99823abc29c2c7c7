"""CAST: `types.casts` does the work; what is added here is nulls, the session's settings and the place of an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import VectorOrScalar, scalar_value
from lungfish.planner.expressions import CastTo
from lungfish.types.batch import Batch
from lungfish.types.casts import Cast, require_find_cast
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.vectors import constant_scalar


def _find(expression: CastTo) -> Cast:
    try:
        return require_find_cast(
            expression.operand.type, expression.type, is_explicit=expression.is_explicit
        )
    except errors.Error as error:
        raise error.at(expression.position)  # noqa: B904 - the same error, its place added.


def _settings(cast: Cast, run: Run) -> TextSettings:
    if not cast.depends_on_settings:
        return CANONICAL
    settings: TextSettings = run.context.functions.session_fact("text_settings")
    return settings


def vector_cast(expression: CastTo, compiler: Compiler) -> VectorEvaluator:
    """A cast over batches."""
    cast = _find(expression)
    operand = compiler.vector(expression.operand)
    if cast.is_identity:
        return operand
    source, target, position = expression.operand.type, expression.type, expression.position

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        found = operand(batch, run)
        settings = _settings(cast, run)
        try:
            if isinstance(found, pa.Scalar):
                value = scalar_value(found, source)
                if value is not None:
                    value = cast.scalar(value, settings)
                return constant_scalar(value, target)
            return cast.vector(found, settings)
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.

    return evaluate


def row_cast(expression: CastTo, compiler: Compiler) -> RowEvaluator:
    """A cast over one row."""
    cast = _find(expression)
    operand = compiler.row(expression.operand)
    if cast.is_identity:
        return operand
    convert, position = cast.scalar, expression.position

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        value = operand(row, run)
        if value is None:
            return None
        try:
            return convert(value, _settings(cast, run))
        except errors.Error as error:
            raise error.at(position)  # noqa: B904 - the same error, its place added.

    return evaluate
