"""Calls of routines that are volatile: each sees what the statement has done with the rows before its own.

Where one stands, rows go through an operator one by one, and each is stored before the next one is made.
"""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.executor.compiler import Operator
from lungfish.executor.context import Run
from lungfish.functions.registry import Volatility
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import BoundExpression, Call
from lungfish.types.batch import Batch


def runs_volatile_routine(expression: BoundExpression) -> bool:
    """Whether the expression, outside of subqueries, runs statements that see what was changed meanwhile."""
    return any(
        isinstance(node, Call)
        and node.function.needs_statement
        and node.function.volatility is Volatility.VOLATILE
        for node in walk(expression)
    )


def row_by_row(source: Operator) -> Operator:
    """The rows of an operator, each as a batch of its own."""

    def run_rows(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            for at in range(batch.row_count):
                yield batch.slice(at, 1)

    return run_rows
