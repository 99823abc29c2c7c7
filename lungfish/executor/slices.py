"""Expressions that take long are evaluated over a few rows at a time, so that their statement can be stopped in between.

A batch has tens of thousands of rows, and a function may take milliseconds for each of them. So each evaluator keeps in mind how long a row took it
the last time, and goes over a batch in slices that take no longer than `SLICE_S`: most expressions need one, and pay for two looks at a clock. The
clock decides about the size of slices only, never about a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.portions import LONG_KINDS
from lungfish.planner.expression_tree import LEAVES, children
from lungfish.planner.expressions import BoundExpression, Call, CastTo, DomainExpr, SubqueryExpr
from lungfish.types.sql_type import TypeKind
from lungfish.types.vectors import concat_vectors

if TYPE_CHECKING:
    from lungfish.executor.compiler import RowEvaluator, VectorEvaluator
    from lungfish.executor.context import Run
    from lungfish.types.batch import Batch
    from lungfish.types.sql_type import SqlType

# How long a slice may take. Half of what is left to the rest of a statement that must end 100 ms after it was told to.
SLICE_S = 0.02
# The rows of a part: each may take ten microseconds to be inserted or locked, in several indexes some more.
PART_ROW_COUNT = 2_048
# So many rows are always evaluated at once, if that can be stopped; the first slice of an expression that nothing is known of.
FIRST_ROW_COUNT = 64
# What an expression takes at once may be longer than what it took the last time, but not by more than this.
GROWTH_MAX = 64
# With values of these kinds a function may be busy for long.
_LONG_KINDS = LONG_KINDS | {TypeKind.NUMERIC}
# Functions that ask the session how values are shown, which it knows, and nothing else.
_SHOWS_BY_SETTINGS = frozenset({
    "array_to_string", "array_to_json", "row_to_json", "to_json", "to_jsonb", "json_build_array", "json_build_object",
    "jsonb_build_array", "jsonb_build_object", "to_char",
})  # fmt: skip
# Functions and operators that go over a value once, in C.
_SHORT_WORK = frozenset({"=", "<>", "<", "<=", ">", ">=", "+", "-", "||", "length", "octet_length"})


def in_parts(batches: Iterable[Batch], run: Run) -> Iterator[Batch]:
    """The batches, large ones cut, for operators that do something with each row. Raises QueryCanceled between parts."""
    for batch in batches:
        run.check_cancel()
        if batch.row_count <= PART_ROW_COUNT:
            yield batch
            continue
        for start in range(0, batch.row_count, PART_ROW_COUNT):
            run.check_cancel()
            yield batch.slice(start, PART_ROW_COUNT)


def in_slices(evaluate: VectorEvaluator, expression: BoundExpression) -> VectorEvaluator:
    """The evaluator, going over large batches by slices if it takes long; what only computes may be stopped in the midst of a slice too."""
    if type(expression) in LEAVES:
        return evaluate
    if not only_computes(expression):
        # Nothing stops it in the midst of a slice, and a row may take long.
        return SlicedEvaluator(evaluate, expression.type, 1).evaluate
    compute = _stoppable(evaluate)
    sliced = SlicedEvaluator(compute, expression.type, FIRST_ROW_COUNT)

    def evaluate_in_slices(batch: Batch, run: Run) -> pa.Array | pa.Scalar:
        if batch.row_count <= FIRST_ROW_COUNT:
            return compute(batch, run)
        return sliced.evaluate(batch, run)

    return evaluate_in_slices


def stoppable_row(evaluate: RowEvaluator, expression: BoundExpression) -> RowEvaluator:
    """The evaluator over one row; if one value may keep it busy for long, a request to stop ends it."""
    if not (may_take_long(expression) and only_computes(expression)):
        return evaluate

    def compute(row: Sequence[Any], run: Run) -> Any:
        return run.context.cancellation.compute(evaluate, row, run)

    return compute


def may_take_long(expression: BoundExpression) -> bool:
    """Whether evaluating it over one row may take a noticeable time: more is done with a value of any length than to compare it."""
    if type(expression) in LEAVES:
        return False
    below = children(expression)
    if isinstance(expression, CastTo) or (
        isinstance(expression, Call) and expression.function.name not in _SHORT_WORK
    ):
        return any(each.type.kind in _LONG_KINDS for each in (expression, *below))
    return any(may_take_long(each) for each in below)


def only_computes(expression: BoundExpression) -> bool:
    """Whether evaluating the expression reads no table and asks nothing of the session."""
    match expression:
        case SubqueryExpr() | DomainExpr():
            return False
        case Call(function=function) if function.needs_statement or (
            function.needs_context and function.name not in _SHOWS_BY_SETTINGS
        ):
            return False
        case _:
            return all(only_computes(child) for child in children(expression))


def _stoppable(evaluate: VectorEvaluator) -> VectorEvaluator:
    def compute(batch: Batch, run: Run) -> pa.Array | pa.Scalar:
        return run.context.cancellation.compute(evaluate, batch, run)

    return compute


class SlicedEvaluator:
    """An evaluator and what it takes. Shared by all who run the plan: they may overwrite each other's figure, which does no harm."""

    __slots__ = ("_evaluate", "_row_count", "_type")

    def __init__(self, evaluate: VectorEvaluator, result: SqlType, row_count: int) -> None:
        self._evaluate = evaluate
        self._type = result
        # As many rows as can be evaluated within a slice's time, for all that is known.
        self._row_count = row_count

    def evaluate(self, batch: Batch, run: Run) -> pa.Array | pa.Scalar:
        """The expression over a batch. Raises QueryCanceled between slices."""
        if batch.row_count <= self._row_count:
            return self._timed(batch, run)
        pieces: list[pa.Array] = []
        start, row_count = 0, batch.row_count
        while start < row_count:
            piece = batch.slice(start, self._row_count)
            pieces.append(as_array(self._timed(piece, run), piece.row_count))
            start += piece.row_count
            run.check_cancel()
        return concat_vectors(pieces, self._type)

    def _timed(self, batch: Batch, run: Run) -> pa.Array | pa.Scalar:
        began = perf_counter()
        found = self._evaluate(batch, run)
        took = perf_counter() - began
        row_count = batch.row_count
        if took * GROWTH_MAX <= SLICE_S:
            self._row_count = max(self._row_count, row_count * GROWTH_MAX)
        else:
            self._row_count = max(1, int(row_count * SLICE_S / took))
        return found
