"""Subqueries inside expressions, those that no rule has turned into a join.

A subquery without outer references is run once a statement. Another one is run for each distinct set of the outer values that it
uses: `outer_columns` of the expression names them.

    scalar          the value of the one row; NULL without rows; 21000 with more than one
    exists          whether there is a row
    array           the values of all rows
    any, all        the operands compared with each row in three-valued logic
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.expressions.calls import RowCall, VectorCall, row_function, vector_function
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array
from lungfish.executor.memo import memo_key, outer_columns_of
from lungfish.executor.rows import batch_rows
from lungfish.planner.expression_tree import columns_of, walk
from lungfish.planner.expressions import BoundExpression, ColumnRef, SubqueryExpr
from lungfish.planner.physical import PhysicalPlan
from lungfish.types.array_value import array_value, check_stackable, stack_arrays
from lungfish.types.batch import Batch
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind
from lungfish.types.vectors import build_vector, constant_scalar, to_values

_MEMO_ENTRIES_MAX = 65_536
# So many rows are compared sooner as a batch than one by one.
_COMPARED_BATCH_ROWS_MIN = 32


@dataclass(frozen=True, slots=True)
class _Subquery:
    """A compiled subquery. `identity` is its place among the statement's kept results."""

    kind: str
    operator: Operator
    types: tuple[SqlType, ...]
    operands: tuple[RowEvaluator, ...]
    # Of the operands with the columns, one by one: a row, and a batch if every operator can compare one.
    compare: tuple[RowCall, ...]
    compare_columns: tuple[VectorCall, ...]
    operand_types: tuple[SqlType, ...]
    is_correlated: bool
    # The outer values that the result depends on, and their key; None where each run may answer something else.
    outer_values: tuple[RowEvaluator, ...] | None
    key: Callable[[Sequence[Any]], Hashable]
    identity: object


def _compile(expression: SubqueryExpr, compiler: Compiler) -> _Subquery:
    plan = cast("PhysicalPlan", expression.plan)
    types = tuple(column.type for column in plan.columns)
    is_repeatable = not expression.is_correlated or outer_columns_of(plan) is not None
    compared = [
        (function, (operand.type, column), BOOLEAN)
        for function, operand, column in zip(
            expression.operators, expression.operands, types, strict=False
        )
    ]
    have_vectors = all(function.vector is not None for function, _, _ in compared)
    return _Subquery(
        kind=expression.kind,
        operator=compiler.operator(plan),
        types=types,
        operands=compiler.rows(expression.operands),
        compare=tuple(row_function(*each) for each in compared),
        compare_columns=tuple(vector_function(*each) for each in compared) if have_vectors else (),
        operand_types=tuple(operand.type for operand in expression.operands),
        is_correlated=expression.is_correlated,
        outer_values=compiler.rows(expression.outer_columns) if is_repeatable else None,
        key=memo_key([item.type for item in expression.outer_columns]),
        identity=object(),
    )


def vector_subquery(expression: SubqueryExpr, compiler: Compiler) -> VectorEvaluator:
    """A subquery over batches."""
    subquery = _compile(expression, compiler)
    result_type = expression.type
    if not subquery.is_correlated and not subquery.operands:
        return lambda _batch, run: constant_scalar(_answer((), subquery, run), result_type)
    # The rows as the subquery sees them: only the columns that it or the operands use are made.
    used = sorted(columns_of(expression))
    types = _column_types(expression, used)

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        rows = _sparse_rows(batch, used, types)
        return build_vector([_answer(row, subquery, run) for row in rows], result_type)

    return evaluate


def row_subquery(expression: SubqueryExpr, compiler: Compiler) -> RowEvaluator:
    """A subquery over one row."""
    subquery = _compile(expression, compiler)
    return lambda row, run: _answer(row, subquery, run)


def _answer(row: Sequence[Any], subquery: _Subquery, run: Run) -> Any:
    if subquery.kind in ("any", "all"):
        operands = [operand(row, run) for operand in subquery.operands]
        return _quantified(operands, subquery, _kept(row, subquery, run, _parts), run)
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


def _parts(subquery: _Subquery, run: Run) -> list[list[Row] | Batch]:
    """All rows of the subquery, for comparisons: as batches where these are long enough to be compared as such."""
    return [
        batch
        if subquery.compare_columns and batch.row_count >= _COMPARED_BATCH_ROWS_MIN
        else list(batch_rows(batch, subquery.types))
        for batch in subquery.operator(run)
    ]


def _values(batch: Batch, types: Sequence[SqlType]) -> list[Any]:
    return to_values(batch.columns[0], types[0])


_RESULTS: dict[str, Callable[[_Subquery, Run], Any]] = {
    "scalar": _scalar,
    "exists": _exists,
    "array": _array,
}


def _quantified(
    operands: Sequence[Any], subquery: _Subquery, parts: list[list[Row] | Batch], run: Run
) -> bool | None:
    """ANY: true if a comparison is true, else null if one is null. ALL: the same of the negations."""
    decided = subquery.kind == "any"
    has_null = False
    for part in parts:
        if isinstance(part, Batch):
            answers: Iterable[bool | None] = _compare_batch(operands, subquery, part, run)
        else:
            answers = (_compare_row(operands, subquery, row, run) for row in part)
        for answer in answers:
            if answer is decided:
                return decided
            has_null = has_null or answer is None
    return None if has_null else not decided


def _compare_batch(
    operands: Sequence[Any], subquery: _Subquery, batch: Batch, run: Run
) -> set[bool | None]:
    """What comparisons of the rows of a batch answer, each answer once; of several columns all must hold."""
    count = batch.row_count
    answers: VectorOrScalar | None = None
    for compare, operand, kind, column in zip(
        subquery.compare_columns, operands, subquery.operand_types, batch.columns, strict=False
    ):
        found = compare((constant_scalar(operand, kind), column), count, run)
        answers = found if answers is None else pc.and_kleene(answers, found)
    array = as_array(answers, count)
    null_count, true_count = array.null_count, array.true_count
    counts = {None: null_count, True: true_count, False: count - null_count - true_count}
    return {answer for answer, times in counts.items() if times}


def _compare_row(operands: Sequence[Any], subquery: _Subquery, row: Row, run: Run) -> bool | None:
    """One comparison; of several columns all must hold."""
    has_null = False
    for compare, operand, value in zip(subquery.compare, operands, row, strict=False):
        answer = compare((operand, value), run)
        if answer is None:
            has_null = True
        elif not answer:
            return False
    return None if has_null else True


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
