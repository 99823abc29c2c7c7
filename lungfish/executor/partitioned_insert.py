"""INSERT into a partitioned table: each row goes to the leaf that takes its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from lungfish import errors
from lungfish.catalog.inheritance import leaves, part_of_index
from lungfish.catalog.objects import Oid, Table
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Row, Run
from lungfish.executor.kept_rows import keep_batches
from lungfish.executor.member_rows import Member, MemberRows
from lungfish.executor.on_conflict import Conflict, ConflictHandler, LeafView, make_conflict
from lungfish.executor.returning import ReturningRows
from lungfish.executor.rows import batch_rows
from lungfish.executor.slices import in_parts
from lungfish.executor.table_reads import may_read
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.types.batch import Batch

# (old row, new row) as the partitioned table shows them, with the leaf's oid behind.
Changed = tuple[Row | None, Row]


class RowWriter(Protocol):
    """What stores whole rows of a table, and answers what they have become."""

    def insert_many(self, rows: Sequence[Row]) -> list[Row]: ...


def row_writer(table: Table, run: Run) -> RowWriter:
    """The way to store rows of a table, partitioned or not."""
    if table.partition_key is None:
        return TableWriter(table, run)
    return MemberRows(table, leaves(table, run.context.catalog), run)


def make_partitioned_insert(plan: InsertRows, compiler: Compiler) -> Operator:
    """The operator of an InsertRows whose table is partitioned."""
    table = plan.table
    source = compiler.operator(plan.input)
    types = [column.type for column in table.columns]
    returning = ReturningRows(plan, compiler)
    conflict = None if plan.conflict is None else make_conflict(plan.conflict, compiler)
    reads_first = not isinstance(plan.input, ValuesScan) and may_read(
        plan.input, [table, *plan.members]
    )

    def insert_all(batches: Iterable[Batch], run: Run) -> Iterator[Batch]:
        rows = MemberRows(table, plan.members, run)
        handler = None if conflict is None else _LeafConflicts(conflict, rows)
        for batch in in_parts(batches, run):
            if handler is None and not returning.is_wanted:
                rows.insert_columns(batch)
                yield Batch((), batch.row_count)
                continue
            values = batch_rows(batch, types)
            changed: Iterable[Changed]
            if handler is None and returning.is_row_by_row:
                changed = ((None, rows.insert_many([value])[0]) for value in values)
            elif handler is None:
                changed = [(None, row) for row in rows.insert_many(values)]
            else:
                changed = (each for each in map(handler.insert, values) if each is not None)
            yield returning.batch([returning.row(old, new, (), run) for old, new in changed])

    def run_insert(run: Run) -> Iterator[Batch]:
        if not reads_first:
            yield from insert_all(source(run), run)
            return
        kept = keep_batches(source(run), run)
        try:
            yield from insert_all(kept, run)
        finally:
            kept.close()

    return run_insert


class _LeafConflicts:
    """ON CONFLICT over the leaves: each leaf has its own parts of the arbiter indexes."""

    def __init__(self, conflict: Conflict, rows: MemberRows) -> None:
        self._conflict = conflict
        self._rows = rows
        self._handlers: dict[Oid, ConflictHandler] = {}

    def insert(self, row: Row) -> Changed | None:
        """Insert a row or do what the clause says; None if nothing was changed."""
        leaf, turned = self._rows.leaf_of(row)
        member = self._rows.of(int(leaf.oid))
        handler = self._handlers.get(leaf.oid)
        if handler is None:
            handler = self._handlers[leaf.oid] = self._handler(member)
        for old, new in handler.insert([turned]):
            return None if old is None else member.seen(old), member.seen(new)
        return None

    def _handler(self, member: Member) -> ConflictHandler:
        catalog = self._rows.run.context.catalog
        parts = [part_of_index(member.table, item, catalog) for item in self._conflict.arbiters]
        arbiters = tuple(part for part in parts if part is not None)
        if self._conflict.arbiters and not arbiters:
            raise errors.InvalidColumnReference(
                "there is no unique or exclusion constraint matching the ON CONFLICT specification"
            )
        conflict = replace(self._conflict, arbiters=arbiters)
        view = LeafView(lambda row: member.seen(row)[:-1], member.positions, self._stays(member))
        return ConflictHandler(conflict, member.writer, view)

    def _stays(self, member: Member) -> Any:
        def stays(row: Sequence[Any]) -> bool:
            seen = member.seen(tuple(row))[:-1]
            return self._rows.leaf_of(seen)[0].oid == member.table.oid

        return stays
