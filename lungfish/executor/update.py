"""UPDATE and DELETE of single rows, whichever way they come.

A statement first reads all its input, then changes rows: so it neither meets its own changes nor updates a row twice. For each
row the lock decides what happens (READ COMMITTED; above it a row changed by others is an error of the lock):

    (none)    nobody is in the way: the row is changed at once (storage/direct_change.py)
    same      the row is as we have read it: the values computed from the input hold
    changed   someone has committed a newer version: WHERE is looked at again and the values are computed again, over the newest row
    gone      nothing to do
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.returning import ReturningRows
from lungfish.executor.table_rules import TableRules
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.expression_tree import has_subquery, shares_sequences
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.physical import DeleteRows, UpdateRows
from lungfish.storage.ids import TupleId
from lungfish.storage.table_lock import LockStatus
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import to_values

# Does it to the row that an input row stands for, answers the statement's output for it, or None if there is nothing to be
# done. The new values are handed in if they have been computed already.
RowChanger = Callable[[Row, "tuple[Any, ...] | None"], Row | None]
RowDeleter = Callable[[Row], Row | None]


@dataclass(frozen=True, slots=True)
class Assignments:
    """SET, compiled both ways."""

    positions: tuple[int, ...]
    by_row: tuple[RowEvaluator, ...]
    by_column: tuple[VectorEvaluator, ...]
    types: tuple[SqlType, ...]
    # Whether all values must be there before the first change, because they read tables.
    reads_tables: bool
    # Whether one of them asks a sequence that another one moves.
    shares_sequences: bool

    def of_batch(self, batch: Batch, run: Run) -> list[tuple[Any, ...]]:
        """The new values for each row of the input."""
        if self.shares_sequences and batch.row_count > 1:
            pieces = [batch.slice(at, 1) for at in range(batch.row_count)]
            return [values for piece in pieces for values in self.of_batch(piece, run)]
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
) -> Assignments:
    """SET, compiled both ways."""
    expressions = [expression for _, expression in assignments]
    return Assignments(
        positions=tuple(position for position, _ in assignments),
        by_row=compiler.rows(expressions),
        by_column=compiler.vectors(expressions),
        types=tuple(expression.type for expression in expressions),
        reads_tables=any(map(has_subquery, expressions)),
        shares_sequences=shares_sequences(expressions),
    )


class Updater:
    """A compiled UPDATE of single rows, whichever way they come."""

    def __init__(self, plan: UpdateRows, compiler: Compiler) -> None:
        self.target = Target(plan, compiler)
        self.assignments = compile_assignments(plan.assignments, compiler)
        self._table = plan.table
        # Of the table's rules, which change with the catalog: what the assignments may change.
        self._changed: tuple[TableRules | None, frozenset[int]] = (None, frozenset())

    def changer(self, run: Run) -> RowChanger:
        """What changes the rows that input rows stand for, in one statement."""
        writer = TableWriter(self._table, run)
        return lambda row, computed: self.change(row, computed, writer)

    def _changed_by(self, rules: TableRules) -> frozenset[int]:
        known, changed = self._changed
        if known is not rules:
            changed = rules.changed_by(self.assignments.positions)
            self._changed = rules, changed
        return changed

    def change(self, row: Row, computed: tuple[Any, ...] | None, writer: TableWriter) -> Row | None:
        """Change the row that an input row stands for; answers its output, None if it is not to be changed.

        `computed`: the new values, if they have been computed already.
        """
        run, target, assignments = writer.run, self.target, self.assignments
        run.check_cancel()
        address = target.address(row)
        # Before it is known whether the row is still to be changed: what a value raises, it raises for such a row too.
        values = assignments.of_row(row, run) if computed is None else computed
        if not writer.claim(address):
            return None
        old = target.old_row(row)
        new = assignments.applied(old, values)
        done = writer.update_directly(address, old, new, self._changed_by(writer.rules))
        if done is not None:
            return target.returning.row(old, done, target.others(row), run)
        mode = writer.update_mode(old, new)
        locked = writer.lock(address, mode)
        if locked.values is None:
            return None
        if locked.status is not LockStatus.SAME:
            current = target.looked_at_again(row, locked.values, run)
            if current is None:
                return None
            old = locked.values
            new = assignments.applied(old, assignments.of_row(current, run))
            if writer.update_mode(old, new) is not mode:
                writer.lock(address)
        completed = writer.update(address, old, new)
        return target.returning.row(old, completed, target.others(row), run)


class Target:
    """What UPDATE and DELETE have in common: an input of old row, TupleId and other columns."""

    def __init__(self, plan: UpdateRows | DeleteRows, compiler: Compiler) -> None:
        self.input_types = [column.type for column in plan.input.columns]
        self.width = len(plan.table.columns)
        self._recheck = None if plan.recheck is None else compiler.row(plan.recheck)
        self._table = plan.table
        self.returning = ReturningRows(plan, compiler)

    def deleter(self, run: Run) -> RowDeleter:
        """What deletes the rows that input rows stand for, in one statement."""
        writer = TableWriter(self._table, run)
        return lambda row: self.delete(row, writer)

    def address(self, row: Row) -> TupleId:
        """Where the row is."""
        return TupleId(row[self.width])

    def old_row(self, row: Row) -> Row:
        """The table's part of an input row."""
        return row[: self.width]

    def others(self, row: Row) -> Row:
        """What FROM or USING adds."""
        return row[self.width + 1 :]

    def looked_at_again(self, row: Row, newest: Row, run: Run) -> Row | None:
        """The input row with the newest values of a row that has changed; None if WHERE no longer holds for it."""
        current = (*newest, *row[self.width :])
        if self._recheck is not None and self._recheck(current, run) is not True:
            return None
        return current

    def delete(self, row: Row, writer: TableWriter) -> Row | None:
        """Delete the row that an input row stands for; answers its output, None if it is not to be deleted."""
        writer.run.check_cancel()
        address = self.address(row)
        if not writer.claim(address, "deleted"):
            return None
        old = self.old_row(row)
        if writer.delete_directly(address, old):
            return self.returning.row(old, None, self.others(row), writer.run)
        locked = writer.lock(address)
        if locked.values is None:
            return None
        if (
            locked.status is not LockStatus.SAME
            and self.looked_at_again(row, locked.values, writer.run) is None
        ):
            return None
        writer.delete(address, locked.values)
        return self.returning.row(locked.values, None, self.others(row), writer.run)
