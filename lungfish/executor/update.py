"""UpdateRows and DeleteRows.

A statement first reads all its input, then changes rows: so it neither meets its own changes nor updates a row twice. For each
row the lock decides what happens (READ COMMITTED; above it a row changed by others is an error of the lock):

    same      the row is as we have read it: the values computed from the input hold
    changed   someone has committed a newer version: WHERE is looked at again and the values are computed again, over the newest row
    gone      nothing to do
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.executor.compiler import Compiler, Operator, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.kept_rows import KeptRows, keep_batches
from lungfish.executor.returning import ReturningRows
from lungfish.executor.rows import batch_rows
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.expression_tree import has_subquery
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.physical import DeleteRows, UpdateRows
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockStatus
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import to_values

# From this many rows on the new values are computed by column.
_VECTOR_ROW_COUNT = 32


@dataclass(frozen=True, slots=True)
class _Assignments:
    """SET, compiled both ways."""

    positions: tuple[int, ...]
    by_row: tuple[RowEvaluator, ...]
    by_column: tuple[VectorEvaluator, ...]
    types: tuple[SqlType, ...]
    # Whether all values must be there before the first change, because they read tables.
    reads_tables: bool

    def of_batch(self, batch: Batch, run: Run) -> list[tuple[Any, ...]]:
        """The new values for each row of the input."""
        columns = [
            to_values(as_array(evaluate(batch, run), batch.row_count), sql_type)
            for evaluate, sql_type in zip(self.by_column, self.types, strict=True)
        ]
        return list(zip(*columns, strict=True))

    def of_row(self, row: Row, run: Run) -> tuple[Any, ...]:
        """The new values for one row of the input."""
        return tuple([evaluate(row, run) for evaluate in self.by_row])

    def applied(self, old: Row, values: Sequence[Any]) -> list[Any]:
        """The row with the new values in it."""
        new = list(old)
        for position, value in zip(self.positions, values, strict=True):
            new[position] = value
        return new


def compile_assignments(
    assignments: Sequence[tuple[int, BoundExpression]], compiler: Compiler
) -> _Assignments:
    """Compile SET."""
    expressions = [expression for _, expression in assignments]
    return _Assignments(
        positions=tuple(position for position, _ in assignments),
        by_row=compiler.rows(expressions),
        by_column=compiler.vectors(expressions),
        types=tuple(expression.type for expression in expressions),
        reads_tables=any(map(has_subquery, expressions)),
    )


def make_update(plan: UpdateRows, compiler: Compiler) -> Operator:
    """The operator of an UpdateRows."""
    source = compiler.operator(plan.input)
    target = Target(plan, compiler)
    assignments = compile_assignments(plan.assignments, compiler)

    def run_update(run: Run) -> Iterator[Batch]:
        writer = TableWriter(plan.table, run)
        kept = keep_batches(source(run), run)
        try:
            computed = _computed(kept, assignments, run)
            for batch, values in zip(kept, computed, strict=True):
                run.check_cancel()
                yield update_batch(batch, values, writer)
        finally:
            kept.close()

    def update_batch(
        batch: Batch, computed: list[tuple[Any, ...]] | None, writer: TableWriter
    ) -> Batch:
        run = writer.run
        mode = writer.update_mode(assignments.positions)
        found: list[Row] = []
        for number, row in enumerate(batch_rows(batch, target.input_types)):
            run.check_cancel()
            current, is_same = target.lock(row, writer, mode)
            if current is None:
                continue
            if is_same and computed is not None:
                values = computed[number]
            else:
                values = assignments.of_row(current, run)
            old = target.old_row(current)
            new = writer.update(target.address(row), old, assignments.applied(old, values))
            found.append(target.returning.row(old, new, target.others(row), run))
        return target.returning.batch(found)

    return run_update


def _computed(
    kept: KeptRows, assignments: _Assignments, run: Run
) -> Iterator[list[tuple[Any, ...]] | None]:
    """The new values of each batch's rows; None where they are computed row by row."""
    if assignments.reads_tables:
        return iter([assignments.of_batch(batch, run) for batch in kept])
    return (
        assignments.of_batch(batch, run) if batch.row_count >= _VECTOR_ROW_COUNT else None
        for batch in kept
    )


def make_delete(plan: DeleteRows, compiler: Compiler) -> Operator:
    """The operator of a DeleteRows."""
    source = compiler.operator(plan.input)
    target = Target(plan, compiler)

    def run_delete(run: Run) -> Iterator[Batch]:
        writer = TableWriter(plan.table, run)
        kept = keep_batches(source(run), run)
        try:
            for batch in kept:
                run.check_cancel()
                yield delete_batch(batch, writer)
        finally:
            kept.close()

    def delete_batch(batch: Batch, writer: TableWriter) -> Batch:
        found: list[Row] = []
        for row in batch_rows(batch, target.input_types):
            writer.run.check_cancel()
            current, _ = target.lock(row, writer)
            if current is not None:
                old = target.old_row(current)
                writer.delete(target.address(row), old)
                found.append(target.returning.row(old, None, target.others(row), writer.run))
        return target.returning.batch(found)

    return run_delete


class Target:
    """What UPDATE and DELETE have in common: an input of old row, TupleId and other columns."""

    def __init__(self, plan: UpdateRows | DeleteRows, compiler: Compiler) -> None:
        self.input_types = [column.type for column in plan.input.columns]
        self._width = len(plan.table.columns)
        self._recheck = None if plan.recheck is None else compiler.row(plan.recheck)
        self.returning = ReturningRows(plan.returning, plan.columns, self._width, compiler)

    def address(self, row: Row) -> TupleId:
        """Where the row is."""
        return TupleId(row[self._width])

    def old_row(self, row: Row) -> Row:
        """The table's part of an input row."""
        return row[: self._width]

    def others(self, row: Row) -> Row:
        """What FROM or USING adds."""
        return row[self._width + 1 :]

    def lock(
        self, row: Row, writer: TableWriter, mode: LockMode = LockMode.FOR_UPDATE
    ) -> tuple[Row | None, bool]:
        """Lock the row. Answers the input row with its newest values, None if it is not to be changed; and whether it is as read."""
        address = self.address(row)
        if not writer.claim(address):
            return None, False
        locked = writer.lock(address, mode)
        if locked.values is None:
            return None, False
        if locked.status is LockStatus.SAME:
            return row, True
        current = (*locked.values, *row[self._width :])
        if self._recheck is not None and self._recheck(current, writer.run) is not True:
            return None, False
        return current, False
