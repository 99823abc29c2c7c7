"""RETURNING: expressions over the old row, the new row and the other columns of the statement's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.executor.compiler import Compiler
from lungfish.executor.context import Row, Run
from lungfish.executor.rows import rows_batch
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.physical import Returning
from lungfish.types.batch import Batch


class ReturningRows:
    """Makes a changing statement's output: a batch for some changed rows.

    Without RETURNING the batch has no columns; its row count is how many rows were changed, as with RETURNING.
    """

    def __init__(
        self,
        returning: Returning | None,
        columns: Sequence[OutputColumn],
        column_count: int,
        compiler: Compiler,
    ) -> None:
        """`column_count`: how many columns the table has."""
        self.is_wanted = returning is not None
        self._evaluators = () if returning is None else compiler.rows(returning.expressions)
        self._types = [column.type for column in columns] if returning is not None else []
        self._no_row: Row = (None,) * column_count

    def row(
        self, old: Row | None, new: Row | None, others: Sequence[Any], run: Run
    ) -> tuple[Any, ...]:
        """The output for one changed row."""
        if not self.is_wanted:
            return ()
        row = (*(old or self._no_row), *(new or self._no_row), *others)
        return tuple([evaluate(row, run) for evaluate in self._evaluators])

    def batch(self, rows: Sequence[Row]) -> Batch:
        """The output of some changed rows, made of what `row` answered."""
        return rows_batch(rows, self._types)
