"""Boolean expressions in three-valued logic: AND, OR, NOT, IS NULL, IS TRUE, IS DISTINCT FROM.

The operands of AND and OR are evaluated in order; one that might raise is evaluated only for the rows that the operands
before it have not decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.calls import row_function, vector_function
from lungfish.executor.expressions.safety import is_safe
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array, subset
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import (
    AndAll,
    BoundExpression,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
)
from lungfish.types.batch import Batch
from lungfish.types.compute import pc

_FALSE = pa.scalar(False)
_TRUE = pa.scalar(True)


@dataclass(frozen=True, slots=True)
class _Operand:
    evaluate: VectorEvaluator
    is_safe: bool
    used: frozenset[int]


def _operands(expressions: Sequence[BoundExpression], compiler: Compiler) -> tuple[_Operand, ...]:
    return tuple(
        _Operand(compiler.vector(item), is_safe(item), frozenset(columns_of(item)))
        for item in expressions
    )


def vector_and(expression: AndAll, compiler: Compiler) -> VectorEvaluator:
    """A conjunction: false decides a row."""
    return _vector_junction(_operands(expression.operands, compiler), pc.and_kleene, decided=_FALSE)


def vector_or(expression: OrAny, compiler: Compiler) -> VectorEvaluator:
    """A disjunction: true decides a row."""
    return _vector_junction(_operands(expression.operands, compiler), pc.or_kleene, decided=_TRUE)


def _vector_junction(
    operands: tuple[_Operand, ...],
    combine: Callable[[VectorOrScalar, VectorOrScalar], VectorOrScalar],
    *,
    decided: pa.Scalar,
) -> VectorEvaluator:
    """AND or OR over `operands`; a row whose result so far is `decided` needs no further operand."""

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        result: VectorOrScalar | None = None
        for operand in operands:
            if result is None:
                result = operand.evaluate(batch, run)
            elif operand.is_safe:
                result = combine(result, operand.evaluate(batch, run))
            else:
                result = _combine_undecided(batch, run, operand, result, combine, decided)
        assert result is not None, "AND and OR have operands"
        return result

    return evaluate


def _combine_undecided(
    batch: Batch,
    run: Run,
    operand: _Operand,
    result: VectorOrScalar,
    combine: Callable[[VectorOrScalar, VectorOrScalar], VectorOrScalar],
    decided: pa.Scalar,
) -> VectorOrScalar:
    if isinstance(result, pa.Scalar):
        if result.equals(decided):
            return result
        return combine(result, operand.evaluate(batch, run))
    is_open = pc.fill_null(pc.not_equal(result, decided), True)
    open_count = is_open.true_count
    if open_count == len(result):
        return combine(result, operand.evaluate(batch, run))
    if open_count == 0:
        return result
    indices = pc.indices_nonzero(is_open)
    part = subset(batch, operand.used, indices)
    answers = as_array(operand.evaluate(part, run), len(indices))
    return pc.replace_with_mask(result, is_open, combine(result.filter(is_open), answers))


def row_and(expression: AndAll, compiler: Compiler) -> RowEvaluator:
    """A conjunction over one row."""
    return _row_junction(compiler.rows(expression.operands), decided=False)


def row_or(expression: OrAny, compiler: Compiler) -> RowEvaluator:
    """A disjunction over one row."""
    return _row_junction(compiler.rows(expression.operands), decided=True)


def _row_junction(operands: tuple[RowEvaluator, ...], *, decided: bool) -> RowEvaluator:
    at_once, at_the_end = decided, not decided

    def evaluate(row: Sequence[Any], run: Run) -> bool | None:
        has_null = False
        for operand in operands:
            value = operand(row, run)
            if value is decided:
                return at_once
            if value is None:
                has_null = True
        return None if has_null else at_the_end

    return evaluate


def vector_not(expression: NotExpr, compiler: Compiler) -> VectorEvaluator:
    """NOT: null stays null."""
    operand = compiler.vector(expression.operand)

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        return pc.invert(operand(batch, run))

    return evaluate


def row_not(expression: NotExpr, compiler: Compiler) -> RowEvaluator:
    """NOT over one row."""
    operand = compiler.row(expression.operand)

    def evaluate(row: Sequence[Any], run: Run) -> bool | None:
        value = operand(row, run)
        return None if value is None else not value

    return evaluate


def vector_is_null(expression: IsNullExpr, compiler: Compiler) -> VectorEvaluator:
    """IS [NOT] NULL."""
    operand = compiler.vector(expression.operand)
    test = pc.is_valid if expression.is_negated else pc.is_null

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        return test(operand(batch, run))

    return evaluate


def row_is_null(expression: IsNullExpr, compiler: Compiler) -> RowEvaluator:
    """IS [NOT] NULL over one row."""
    operand = compiler.row(expression.operand)
    if expression.is_negated:
        return lambda row, run: operand(row, run) is not None
    return lambda row, run: operand(row, run) is None


def vector_is_boolean(expression: IsBooleanExpr, compiler: Compiler) -> VectorEvaluator:
    """IS [NOT] TRUE, FALSE or UNKNOWN: never null."""
    operand = compiler.vector(expression.operand)
    value, is_negated = expression.value, expression.is_negated

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        found = operand(batch, run)
        if value is None:
            return pc.is_valid(found) if is_negated else pc.is_null(found)
        matches = pc.fill_null(found if value else pc.invert(found), False)
        return pc.invert(matches) if is_negated else matches

    return evaluate


def row_is_boolean(expression: IsBooleanExpr, compiler: Compiler) -> RowEvaluator:
    """IS [NOT] TRUE, FALSE or UNKNOWN over one row."""
    operand = compiler.row(expression.operand)
    value, is_negated = expression.value, expression.is_negated
    return lambda row, run: (operand(row, run) is value) is not is_negated


def vector_is_distinct(expression: IsDistinctExpr, compiler: Compiler) -> VectorEvaluator:
    """IS [NOT] DISTINCT FROM: null is a value equal to itself."""
    left, right = compiler.vector(expression.left), compiler.vector(expression.right)
    types = (expression.left.type, expression.right.type)
    equals = vector_function(expression.equals, types, expression.type)
    is_negated = expression.is_negated

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        one, other = left(batch, run), right(batch, run)
        both_null = pc.and_(pc.is_null(one), pc.is_null(other))
        same = pc.or_(pc.fill_null(equals((one, other), batch.row_count, run), False), both_null)
        return same if is_negated else pc.invert(same)

    return evaluate


def row_is_distinct(expression: IsDistinctExpr, compiler: Compiler) -> RowEvaluator:
    """IS [NOT] DISTINCT FROM over one row."""
    left, right = compiler.row(expression.left), compiler.row(expression.right)
    types = (expression.left.type, expression.right.type)
    equals = row_function(expression.equals, types, expression.type)
    is_negated = expression.is_negated

    def evaluate(row: Sequence[Any], run: Run) -> bool:
        one, other = left(row, run), right(row, run)
        if one is None or other is None:
            same = one is other
        else:
            same = bool(equals((one, other), run))
        return same is is_negated

    return evaluate
