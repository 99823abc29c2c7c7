"""Subqueries inside expressions, those that no rule has turned into a join.

A subquery without outer references is run once a statement. Another one is run for each distinct set of the outer values that it
uses: `outer_columns` of the expression names them.

    scalar          the value of the one row; NULL without rows; 21000 with more than one
    exists          whether there is a row
    array           the values of all rows
    any, all        the operands compared with each row in three-valued logic (quantified.py)
    member          whether a row is equal to the operands; over batches by the codes of all rows
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.quantified import (
    ComparedRows,
    Comparison,
    compile_comparison,
)
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array
from lungfish.executor.key_codes import UNKNOWN, RowCodes
from lungfish.executor.memo import memo_key, outer_columns_of
from lungfish.planner.expression_tree import columns_of, is_volatile, walk
from lungfish.planner.expressions import BoundExpression, ColumnRef, SubqueryExpr
from lungfish.planner.physical import PhysicalPlan
from lungfish.types.array_value import array_value, check_stackable, stack_arrays
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import build_vector, constant_scalar, to_values

_MEMO_ENTRIES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class _Subquery:
    """A compiled subquery. `identity` is its place among the statement's kept results."""

    kind: str
    operator: Operator
    types: tuple[SqlType, ...]
    operands: tuple[RowEvaluator, ...]
    # How the operands are compared with the columns.
    comparison: Comparison
    is_correlated: bool
    # The outer values that the result depends on, and their key; None where each run may answer something else.
    outer_values: tuple[RowEvaluator, ...] | None
    key: Callable[[Sequence[Any]], Hashable]
    identity: object


def _compile(expression: SubqueryExpr, compiler: Compiler) -> _Subquery:
    plan = cast("PhysicalPlan", expression.plan)
    types = tuple(column.type for column in plan.columns)
    is_repeatable = not expression.is_correlated or outer_columns_of(plan) is not None
    return _Subquery(
        kind=expression.kind,
        operator=compiler.operator(plan),
        types=types,
        operands=compiler.rows(expression.operands),
        comparison=compile_comparison(expression, types),
        is_correlated=expression.is_correlated,
        outer_values=compiler.rows(expression.outer_columns) if is_repeatable else None,
        key=memo_key([item.type for item in expression.outer_columns]),
        identity=object(),
    )


def vector_subquery(expression: SubqueryExpr, compiler: Compiler) -> VectorEvaluator:
    """A subquery over batches."""
    subquery = _compile(expression, compiler)
    result_type = expression.type
    if expression.kind == "member":
        return _vector_member(expression, subquery, compiler)
    # The rows as the subquery sees them: only the columns that it or the operands use are made.
    used = sorted(columns_of(expression))
    is_repeatable = not subquery.is_correlated or subquery.outer_values is not None
    if not used and is_repeatable and not is_volatile(expression):
        return lambda _batch, run: constant_scalar(_answer((), subquery, run), result_type)
    types = _column_types(expression, used)

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        rows = _sparse_rows(batch, used, types)
        return build_vector([_answer(row, subquery, run) for row in rows], result_type)

    return evaluate


def _vector_member(
    expression: SubqueryExpr, subquery: _Subquery, compiler: Compiler
) -> VectorEvaluator:
    operands = compiler.vectors(expression.operands)
    nulls = [False] * len(subquery.types)
    # The row evaluators keep something else for the same subquery.
    identity = object()

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        if not batch.row_count:
            return pa.array([], pa.bool_())
        kept = run.context.kept
        codes = kept.get(identity)
        if codes is None:
            codes = RowCodes(subquery.types, nulls)
            for members in subquery.operator(run.inside(())):
                run.compute(codes.encode, members.columns, members.row_count)
            kept[identity] = codes
        vectors = [as_array(operand(batch, run), batch.row_count) for operand in operands]
        return pa.array(run.compute(codes.lookup, vectors, batch.row_count) != UNKNOWN)

    return evaluate


def row_subquery(expression: SubqueryExpr, compiler: Compiler) -> RowEvaluator:
    """A subquery over one row."""
    subquery = _compile(expression, compiler)
    return lambda row, run: _answer(row, subquery, run)


def _answer(row: Sequence[Any], subquery: _Subquery, run: Run) -> Any:
    if subquery.kind in ("any", "all"):
        operands = [operand(row, run) for operand in subquery.operands]
        return _kept(row, subquery, run, _compared).answer(operands, run)
    if subquery.kind == "member":
        operands = [operand(row, run) for operand in subquery.operands]
        return _kept(row, subquery, run, _compared).answer(operands, run) is True
    return _kept(row, subquery, run, _RESULTS[subquery.kind])


def _kept(
    row: Sequence[Any],
    subquery: _Subquery,
    run: Run,
    make: Callable[[_Subquery, Run], Any],
) -> Any:
    """`make` for this row, remembered under the outer values that it depends on."""
    kept = run.context.kept
    if not subquery.is_correlated:
        if subquery.identity not in kept:
            kept[subquery.identity] = make(subquery, run.inside(row))
        return kept[subquery.identity]
    if subquery.outer_values is None:
        return make(subquery, run.inside(row))
    memo = kept.setdefault(subquery.identity, {})
    key = subquery.key([value(row, run) for value in subquery.outer_values])
    if key not in memo:
        run.check_cancel()
        if len(memo) >= _MEMO_ENTRIES_MAX:
            memo.clear()
        memo[key] = make(subquery, run.inside(row))
    return memo[key]


def _scalar(subquery: _Subquery, run: Run) -> Any:
    found: Any = None
    row_count = 0
    for batch in subquery.operator(run):
        row_count += batch.row_count
        if row_count > 1:
            raise errors.CardinalityViolation(
                "more than one row returned by a subquery used as an expression"
            )
        if batch.row_count:
            found = _values(batch, subquery.types)[0]
    return found


def _exists(subquery: _Subquery, run: Run) -> bool:
    return any(batch.row_count for batch in subquery.operator(run))


def _array(subquery: _Subquery, run: Run) -> Any:
    values: list[Any] = []
    for batch in subquery.operator(run):
        values.extend(_values(batch, subquery.types))
    if values and subquery.types[0].kind is TypeKind.ARRAY:
        for value in values:
            check_stackable(value, values[0])
        return stack_arrays(values)
    return array_value(values)


def _compared(subquery: _Subquery, run: Run) -> ComparedRows:
    return ComparedRows(subquery.comparison, subquery.operator(run), subquery.types)


def _values(batch: Batch, types: Sequence[SqlType]) -> list[Any]:
    return to_values(batch.columns[0], types[0])


_RESULTS: dict[str, Callable[[_Subquery, Run], Any]] = {
    "scalar": _scalar,
    "exists": _exists,
    "array": _array,
}


def _column_types(expression: SubqueryExpr, used: Sequence[int]) -> dict[int, SqlType]:
    """The types of the row's columns that the subquery or its operands look at."""
    found: dict[int, SqlType] = {}
    pending: list[BoundExpression] = [expression]
    while pending:
        for part in walk(pending.pop()):
            if isinstance(part, ColumnRef):
                found[part.index] = part.type
            elif isinstance(part, SubqueryExpr):
                pending.extend(part.outer_columns)
    return {index: found[index] for index in used}


def _sparse_rows(
    batch: Batch, used: Sequence[int], types: dict[int, SqlType]
) -> Iterator[list[Any]]:
    """The batch's rows with None in the columns that nobody looks at."""
    columns = [to_values(batch.columns[index], types[index]) for index in used]
    width = len(batch.columns)
    for number in range(batch.row_count):
        row: list[Any] = [None] * width
        for index, column in zip(used, columns, strict=True):
            row[index] = column[number]
        yield row
