"""InsertRows: INSERT, in bulk where nothing hinders it; ON CONFLICT row by row; and `insert_rows` for COPY and its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lungfish.catalog.objects import Table
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import ExecutionContext, Row, Run
from lungfish.executor.kept_rows import keep_batches
from lungfish.executor.on_conflict import Changed, ConflictHandler, make_conflict
from lungfish.executor.partitioned_insert import make_partitioned_insert, row_writer
from lungfish.executor.referential_actions import finish_constraints
from lungfish.executor.returning import ReturningRows
from lungfish.executor.rows import batch_rows
from lungfish.executor.slices import in_parts
from lungfish.executor.statement_progress import StatementProgress
from lungfish.executor.table_reads import may_read
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.types.batch import Batch

# How many rows are stored between two looks whether the statement was asked to stop.
CHUNK_ROW_COUNT = 2048


def make_insert(plan: InsertRows, compiler: Compiler) -> Operator:
    """The operator of an InsertRows."""
    table = plan.table
    source = compiler.operator(plan.input)
    types = [column.type for column in table.columns]
    if table.partition_key is not None:
        return make_partitioned_insert(plan, compiler)
    returning = ReturningRows(plan, compiler)
    conflict = None if plan.conflict is None else make_conflict(plan.conflict, compiler)
    reads_first = not isinstance(plan.input, ValuesScan) and may_read(plan.input, [table])

    def run_insert(run: Run) -> Iterator[Batch]:
        writer = TableWriter(table, run)
        if reads_first:
            kept = keep_batches(source(run), run)
            try:
                yield from insert_all(kept, writer)
            finally:
                kept.close()
        else:
            yield from insert_all(source(run), writer)

    def insert_all(batches: Iterable[Batch], writer: TableWriter) -> Iterator[Batch]:
        run = writer.run
        handler = None if conflict is None else ConflictHandler(conflict, writer)
        by_column = handler is None and not returning.is_wanted and writer.takes_columns
        for batch in in_parts(batches, run):
            if by_column:
                writer.insert_columns(batch)
                yield Batch((), batch.row_count)
                continue
            rows = batch_rows(batch, types)
            changed: Iterable[Changed]
            if handler is None and returning.is_row_by_row:
                changed = ((None, writer.insert(row)[1]) for row in rows)
            elif handler is None:
                changed = ((None, row) for row in writer.insert_many(rows))
            else:
                changed = handler.insert(rows)
            yield returning.batch([returning.row(old, new, (), run) for old, new in changed])

    return run_insert


def insert_batches(table: Table, batches: Iterable[Batch], context: ExecutionContext) -> int:
    """`insert_rows` for rows that come by column."""
    if table.partition_key is not None:
        types = [column.type for column in table.columns]
        rows = (row for batch in batches for row in batch_rows(batch, types))
        return insert_rows(table, rows, context)
    run = Run(context)
    writer = TableWriter(table, run)
    count = 0
    for batch in in_parts(batches, run):
        if writer.takes_columns:
            writer.insert_columns(batch)
        else:
            writer.insert_many(batch_rows(batch, writer.rules.types))
        count += batch.row_count
    finish_constraints(run)
    return count


def insert_rows(
    table: Table,
    rows: Iterable[Row],
    context: ExecutionContext,
    progress: StatementProgress | None = None,
) -> int:
    """Store whole rows, in the order of the table's columns, with the checks of all its constraints; answers their number.

    `progress` counts them, unless whoever makes the rows does.
    """
    run = Run(context)
    writer = row_writer(table, run)
    iterator = iter(rows)
    count = 0
    while chunk := list(islice(iterator, CHUNK_ROW_COUNT)):
        run.check_cancel()
        writer.insert_many(chunk)
        count += len(chunk)
        if progress is not None:
            progress.done = count
    finish_constraints(run)
    return count
