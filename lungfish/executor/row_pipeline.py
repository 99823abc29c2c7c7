"""The short way of a whole statement about a few rows: look up, insert, update or delete by key, without a vector.

A pipeline does what the operators would do, through the same `TableWriter`; only the batches in between are spared. Statements
with WITH queries, or that read tables while they change them, go through the operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish.executor.compiler import Compiler
from lungfish.executor.context import ExecutionContext, Row, Run
from lungfish.executor.referential_actions import finish_constraints
from lungfish.executor.result import ExecutionResult, command_tag
from lungfish.executor.returning import ReturningRows
from lungfish.executor.row_source import RowSource, make_row_source
from lungfish.executor.table_reads import reads_while_writing
from lungfish.executor.table_writer import TableWriter
from lungfish.executor.update import Target, Updater
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.physical import (
    DeleteRows,
    InsertRows,
    PhysicalPlan,
    PhysicalStatement,
    UpdateRows,
)

RowPipeline = Callable[[ExecutionContext], ExecutionResult]
# Changes the rows and answers what RETURNING makes of each changed one.
_Change = Callable[[Run], "list[Row]"]


def make_row_pipeline(statement: PhysicalStatement, compiler: Compiler) -> RowPipeline | None:
    """The pipeline of the statement; None where it needs the operators."""
    root = statement.root
    if statement.ctes or statement.steps is not None or reads_while_writing(root):
        return None
    match root:
        case InsertRows():
            change = _insert(root, compiler)
        case UpdateRows():
            change = _update(root, compiler)
        case DeleteRows():
            change = _delete(root, compiler)
        case _:
            return _select(root, compiler)
    return None if change is None else _changing(change, statement.tag, root.columns)


def _select(root: PhysicalPlan, compiler: Compiler) -> RowPipeline | None:
    source = make_row_source(root, compiler)
    if source is None:
        return None
    columns = root.columns

    def run_select(context: ExecutionContext) -> ExecutionResult:
        rows = source(Run(context))
        count = len(rows)
        return ExecutionResult(columns, f"SELECT {count}", count, (), rows)

    return run_select


def _changing(change: _Change, word: str, columns: Sequence[OutputColumn]) -> RowPipeline:
    output = tuple(columns) or None

    def run_change(context: ExecutionContext) -> ExecutionResult:
        run = Run(context)
        rows = change(run)
        finish_constraints(run)
        count = len(rows)
        tag = command_tag(word, count)
        return ExecutionResult(output, tag, count, (), None if output is None else rows)

    return run_change


def _insert(plan: InsertRows, compiler: Compiler) -> _Change | None:
    source = make_row_source(plan.input, compiler)
    table = plan.table
    if source is None or plan.conflict is not None or table.partition_key is not None:
        return None
    returning = ReturningRows(plan, compiler)

    def insert(run: Run) -> list[Row]:
        writer = TableWriter(table, run)
        rows = source(run)
        if len(rows) == 1:
            inserted = [writer.insert(rows[0])[1]]
        elif returning.has_checks:
            return [returning.row(None, writer.insert(row)[1], (), run) for row in rows]
        else:
            inserted = writer.insert_many(rows)
        return [returning.row(None, row, (), run) for row in inserted]

    return insert


def _update(plan: UpdateRows, compiler: Compiler) -> _Change | None:
    source: RowSource | None = make_row_source(plan.input, compiler)
    if source is None or plan.members:
        return None
    table = plan.table
    updater = Updater(plan, compiler)

    def update(run: Run) -> list[Row]:
        writer = TableWriter(table, run)
        changed = [updater.change(row, None, writer) for row in source(run)]
        return [row for row in changed if row is not None]

    return update


def _delete(plan: DeleteRows, compiler: Compiler) -> _Change | None:
    source = make_row_source(plan.input, compiler)
    if source is None or plan.members:
        return None
    table = plan.table
    target = Target(plan, compiler)

    def delete(run: Run) -> list[Row]:
        writer = TableWriter(table, run)
        changed = [target.delete(row, writer) for row in source(run)]
        return [row for row in changed if row is not None]

    return delete
