"""RETURNING: expressions over the old row, the new row and the other columns of the statement's input.

WITH CHECK OPTION of views is looked at here too: each new row comes by once it is stored, in the columns of the table that the
statement is about, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.rows import rows_batch
from lungfish.executor.violations import check_option_violation
from lungfish.executor.volatile_calls import runs_volatile_routine
from lungfish.planner.expression_tree import has_subquery
from lungfish.planner.physical import DeleteRows, InsertRows, MergeRows, Returning, UpdateRows
from lungfish.types.batch import Batch


class ReturningRows:
    """Makes a changing statement's output: a batch for some changed rows.

    Without RETURNING the batch has no columns; its row count is how many rows were changed, as with RETURNING.
    """

    def __init__(
        self,
        plan: InsertRows | UpdateRows | DeleteRows | MergeRows,
        compiler: Compiler,
    ) -> None:
        returning, columns = plan.returning, plan.columns
        self.has_checks = returning is not None and bool(returning.checks)
        # Whether rows have to come by one by one, each as soon as it is stored.
        self.is_row_by_row = self.has_checks or (
            returning is not None
            and any(has_subquery(it) or runs_volatile_routine(it) for it in returning.expressions)
        )
        self._checks = () if returning is None else _compile_checks(returning, compiler)
        self._table = plan.table
        column_count = len(plan.table.columns) + bool(plan.members)
        self.is_wanted = returning is not None
        self._evaluators = () if returning is None else compiler.rows(returning.expressions)
        self._types = [column.type for column in columns] if returning is not None else []
        self._has_presence = returning is not None and returning.has_presence
        self._no_row: Row = (None,) * column_count

    def row(
        self, old: Row | None, new: Row | None, others: Sequence[Any], run: Run
    ) -> tuple[Any, ...]:
        """The output for one changed row."""
        if not self.is_wanted:
            return ()
        row = (*(old or self._no_row), *(new or self._no_row), *others)
        if self._has_presence:
            row = (*row, old is not None, new is not None)
        if self.has_checks and new is not None:
            for view_name, evaluate in self._checks:
                if evaluate(row, run) is not True:
                    raise check_option_violation(self._table, view_name, new)
        return tuple([evaluate(row, run) for evaluate in self._evaluators])

    def batch(self, rows: Sequence[Row]) -> Batch:
        """The output of some changed rows, made of what `row` answered."""
        return rows_batch(rows, self._types)


def _compile_checks(
    returning: Returning, compiler: Compiler
) -> tuple[tuple[str, RowEvaluator], ...]:
    return tuple((view_name, compiler.row(check)) for view_name, check in returning.checks)
