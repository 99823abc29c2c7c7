"""CASE, COALESCE, GREATEST and LEAST.

A branch that might raise is evaluated only for the rows that reach it: the batch is parted by the conditions, each part goes
through its own branch, and the parts are put back in order. Branches that cannot raise are chosen from by Arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.safety import is_safe
from lungfish.executor.expressions.vectors import (
    VectorOrScalar,
    as_array,
    inverse_permutation,
    subset,
    true_mask,
)
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import CaseExpr, CoalesceExpr, ExtremeExpr
from lungfish.types.batch import Batch
from lungfish.types.compare import comparison_key
from lungfish.types.compute import pc
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import build_vector, concat_vectors, to_values


@dataclass(frozen=True, slots=True)
class _Branch:
    """A condition and its result; the last one, without a condition, is the ELSE."""

    condition: VectorEvaluator | None
    result: VectorEvaluator


def vector_case(expression: CaseExpr, compiler: Compiler) -> VectorEvaluator:
    """CASE WHEN condition THEN result ... ELSE default END."""
    branches = (
        *(
            _Branch(compiler.vector(test), compiler.vector(then))
            for test, then in expression.branches
        ),
        _Branch(None, compiler.vector(expression.default)),
    )
    if expression.type.kind is not TypeKind.NUMERIC and is_safe(expression):
        return _case_by_choice(branches)
    used = frozenset(columns_of(expression))
    return _case_by_parts(branches, used, expression.type)


def _case_by_choice(branches: tuple[_Branch, ...]) -> VectorEvaluator:
    *tests, otherwise = branches

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        result = otherwise.result(batch, run)
        for branch in reversed(tests):
            assert branch.condition is not None, "only the last branch has no condition"
            mask = true_mask(branch.condition(batch, run), batch.row_count)
            result = pc.if_else(mask, branch.result(batch, run), result)
        return result

    return evaluate


def _case_by_parts(
    branches: tuple[_Branch, ...], used: frozenset[int], result_type: SqlType
) -> VectorEvaluator:
    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        left = np.arange(batch.row_count)
        rest = batch
        places: list[npt.NDArray[np.int64]] = []
        results: list[pa.Array] = []
        for branch in branches:
            if branch.condition is None:
                chosen, part = left, rest
            else:
                mask = true_mask(branch.condition(rest, run), rest.row_count)
                chosen, part, left, rest = _split(mask, left, rest, used)
            if len(chosen):
                places.append(chosen)
                results.append(as_array(branch.result(part, run), len(chosen)))
            if not len(left):
                break
        if len(results) == 1:
            return results[0]
        joined = concat_vectors(results, result_type)
        return joined.take(inverse_permutation(places, batch.row_count))

    return evaluate


def _split(
    mask: pa.BooleanArray, rows: npt.NDArray[np.int64], batch: Batch, used: frozenset[int]
) -> tuple[npt.NDArray[np.int64], Batch, npt.NDArray[np.int64], Batch]:
    """The rows of `batch` where the mask is true, and the others, each with their numbers."""
    true_count = mask.true_count
    if true_count == 0:
        return rows[:0], Batch((), 0), rows, batch
    if true_count == len(rows):
        return rows, batch, rows[:0], Batch((), 0)
    taken = pc.indices_nonzero(mask)
    others = pc.indices_nonzero(pc.invert(mask))
    return (
        rows[taken.to_numpy()],
        subset(batch, used, taken),
        rows[others.to_numpy()],
        subset(batch, used, others),
    )


def row_case(expression: CaseExpr, compiler: Compiler) -> RowEvaluator:
    """CASE over one row."""
    branches = [(compiler.row(test), compiler.row(then)) for test, then in expression.branches]
    default = compiler.row(expression.default)

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        for condition, result in branches:
            if condition(row, run) is True:
                return result(row, run)
        return default(row, run)

    return evaluate


def vector_coalesce(expression: CoalesceExpr, compiler: Compiler) -> VectorEvaluator:
    """COALESCE: the first operand that is not null."""
    operands = compiler.vectors(expression.operands)
    used = frozenset(columns_of(expression))
    result_type = expression.type
    if result_type.kind is not TypeKind.NUMERIC and all(map(is_safe, expression.operands)):
        return lambda batch, run: pc.coalesce(*(operand(batch, run) for operand in operands))

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        left = np.arange(batch.row_count)
        rest = batch
        places: list[npt.NDArray[np.int64]] = []
        results: list[pa.Array] = []
        for number, operand in enumerate(operands, 1):
            found = as_array(operand(rest, run), rest.row_count)
            if found.null_count and number < len(operands):
                mask = pc.is_valid(found)
                results.append(found.filter(mask))
                chosen, _, left, rest = _split(mask, left, rest, used)
                places.append(chosen)
            else:
                results.append(found)
                places.append(left)
                break
            if not len(left):
                break
        if len(results) == 1:
            return results[0]
        return concat_vectors(results, result_type).take(
            inverse_permutation(places, batch.row_count)
        )

    return evaluate


def row_coalesce(expression: CoalesceExpr, compiler: Compiler) -> RowEvaluator:
    """COALESCE over one row."""
    operands = compiler.rows(expression.operands)

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        for operand in operands:
            value = operand(row, run)
            if value is not None:
                return value
        return None

    return evaluate


def vector_extreme(expression: ExtremeExpr, compiler: Compiler) -> VectorEvaluator:
    """GREATEST or LEAST: nulls are passed over."""
    operands = compiler.vectors(expression.operands)
    result_type = expression.type
    if _is_ordered_by_arrow(result_type):
        choose = pc.max_element_wise if expression.is_greatest else pc.min_element_wise
        return lambda batch, run: choose(*(operand(batch, run) for operand in operands))
    pick = _picker(expression)

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        columns = [
            to_values(as_array(operand(batch, run), batch.row_count), result_type)
            for operand in operands
        ]
        return build_vector([pick(row) for row in zip(*columns, strict=True)], result_type)

    return evaluate


def _is_ordered_by_arrow(sql_type: SqlType) -> bool:
    return sql_type.kind in (
        TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.DATE, TypeKind.TIMESTAMP,
        TypeKind.TIMESTAMPTZ, TypeKind.TIME,
    )  # fmt: skip


def _picker(expression: ExtremeExpr) -> Any:
    key = comparison_key(expression.type)
    choose: Any = max if expression.is_greatest else min

    def pick(values: Sequence[Any]) -> Any:
        present = [value for value in values if value is not None]
        return choose(present, key=key) if present else None

    return pick


def row_extreme(expression: ExtremeExpr, compiler: Compiler) -> RowEvaluator:
    """GREATEST or LEAST over one row."""
    operands = compiler.rows(expression.operands)
    pick = _picker(expression)
    return lambda row, run: pick([operand(row, run) for operand in operands])
