"""What is computed for whole batches, given as if rows were made one by one: those before a row that fails come first.

PostgreSQL makes a row when it is asked for. Below a LIMIT or a cursor, nobody may ever ask for the one that divides by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lungfish.errors import DataError
from lungfish.executor.context import Run
from lungfish.planner.expression_tree import is_volatile, walk
from lungfish.planner.expressions import BoundExpression, SubqueryExpr
from lungfish.types.batch import Batch

Made = TypeVar("Made")


def rows_before_failing(
    compute: Callable[[Batch, Run], Made], expressions: Iterable[BoundExpression]
) -> Callable[[Batch, Run], Iterator[Made]]:
    """What `compute` makes of a batch by evaluating `expressions`, in parts where a row of it raises DataError.

    Expressions that cannot be evaluated twice are taken with the whole batch at once.
    """
    if not all(map(_is_repeatable, expressions)):
        return lambda batch, run: iter((compute(batch, run),))

    def make(batch: Batch, run: Run) -> Iterator[Made]:
        try:
            made = compute(batch, run)
        except DataError:
            if batch.row_count < 2:
                raise
        else:
            yield made
            return
        half = batch.row_count // 2
        yield from make(batch.slice(0, half), run)
        yield from make(batch.slice(half, batch.row_count - half), run)

    return make


def _is_repeatable(expression: BoundExpression) -> bool:
    if is_volatile(expression):
        return False
    # What a subquery calls is not looked into.
    return not any(isinstance(node, SubqueryExpr) for node in walk(expression))
