"""Reading tables: SeqScan, and the rows of system views.

A table's columns stand in its stored row at `Table.stored_positions`; operators above know only the visible columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lungfish.catalog.objects import Table
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Row, Run
from lungfish.executor.filter import batch_filter
from lungfish.executor.partition_tests import behind_tests
from lungfish.executor.rows import rows_batches
from lungfish.planner.physical import SeqScan, SystemViewScan
from lungfish.storage.table import TableStore
from lungfish.types.batch import Batch
from lungfish.types.sql_type import BIGINT, SqlType

if TYPE_CHECKING:
    from lungfish.storage.table import TableStore


def make_seq_scan(plan: SeqScan, compiler: Compiler) -> Operator:
    """The operator of a SeqScan."""
    table, with_tuple_id = plan.table, plan.with_tuple_id
    positions = stored_positions(table, plan.column_indexes)
    keep = batch_filter(plan.filter, compiler)

    def run_seq_scan(run: Run) -> Iterator[Batch]:
        context = run.context
        changes = context.own_changes
        store = context.tables.table_store(table)
        if changes is not None and changes.has(table):
            batches = changes.scan(table, plan.column_indexes, with_tuple_id, run)
        else:
            batches = store.scan(
                context.snapshot, positions, with_tuple_id=with_tuple_id, check=run.check_cancel
            )
        progress = context.cancellation.expect(f"scanning {table.name}", _rows_expected(store))
        for batch in batches:
            run.check_cancel()
            progress.done += batch.row_count
            yield from keep(batch, run)

    return behind_tests(run_seq_scan, plan.tests, compiler)


def _rows_expected(store: TableStore) -> int:
    """About how many rows the table has, by its pages."""
    heap = store.heap
    return heap.pages.page_count * heap.format.slot_count_max


def make_system_view_scan(plan: SystemViewScan, compiler: Compiler) -> Operator:
    """The operator that reads a system view."""
    types = [plan.view.columns[index].type for index in plan.column_indexes]
    indexes = plan.column_indexes
    keep = batch_filter(plan.filter, compiler)

    def run_system_view_scan(run: Run) -> Iterator[Batch]:
        rows: Iterable[Row] = plan.view.rows(run.context)
        picked = (tuple([row[index] for index in indexes]) for row in rows)
        for batch in rows_batches(picked, types):
            run.check_cancel()
            yield from keep(batch, run)

    return run_system_view_scan


def stored_positions(table: Table, column_indexes: Sequence[int]) -> tuple[int, ...]:
    """The fields of the stored row that hold the columns."""
    return tuple(table.stored_positions[index] for index in column_indexes)


def output_types(table: Table, column_indexes: Sequence[int], with_tuple_id: bool) -> list[SqlType]:
    """The types of a scan's output."""
    types = [table.columns[index].type for index in column_indexes]
    return [*types, BIGINT] if with_tuple_id else types
