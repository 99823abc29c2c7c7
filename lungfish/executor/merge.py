"""MergeRows: for each row of the join of target and source the first branch whose kind of match and condition fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.kept_rows import keep_batches
from lungfish.executor.returning import ReturningRows
from lungfish.executor.rows import batch_rows
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.physical import MergeBranch, MergeRows
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockStatus
from lungfish.types.batch import Batch

MATCHED = "matched"
NOT_MATCHED_BY_TARGET = "not matched by target"
NOT_MATCHED_BY_SOURCE = "not matched by source"


@dataclass(frozen=True, slots=True)
class _Branch:
    match: str
    condition: RowEvaluator | None
    kind: str
    assignments: tuple[tuple[int, RowEvaluator], ...]


def make_merge(plan: MergeRows, compiler: Compiler) -> Operator:
    """The operator of a MergeRows."""
    table = plan.table
    source = compiler.operator(plan.input)
    input_types = [column.type for column in plan.input.columns]
    branches = tuple(_compile(branch, compiler) for branch in plan.branches)
    returning = ReturningRows(plan.returning, plan.columns, len(table.columns), compiler)

    def run_merge(run: Run) -> Iterator[Batch]:
        merge = _Merge(TableWriter(table, run), branches, returning)
        kept = keep_batches(source(run), run)
        try:
            for batch in kept:
                run.check_cancel()
                rows = (merge.do(row) for row in batch_rows(batch, input_types))
                yield returning.batch([row for row in rows if row is not None])
        finally:
            kept.close()

    return run_merge


def _compile(branch: MergeBranch, compiler: Compiler) -> _Branch:
    return _Branch(
        match=branch.match,
        condition=None if branch.condition is None else compiler.row(branch.condition),
        kind=branch.kind,
        assignments=tuple(
            (position, compiler.row(expression)) for position, expression in branch.assignments
        ),
    )


class _Merge:
    """One run of a MERGE. Input rows: the target's columns, its TupleId, the source's columns, and whether there is a source row."""

    def __init__(
        self, writer: TableWriter, branches: Sequence[_Branch], returning: ReturningRows
    ) -> None:
        self._writer = writer
        self._branches = branches
        self._returning = returning
        self._width = len(writer.table.columns)

    def do(self, row: Row) -> tuple[Any, ...] | None:
        """Do what the branches say of one row; answers its output if it was changed."""
        branch = self._choose(row)
        if branch is None or branch.kind == "nothing":
            return None
        run = self._writer.run
        others = row[self._width + 1 : -1]
        if branch.kind == "insert":
            values: list[Any] = [None] * self._width
            new = self._writer.insert(self._assigned(values, branch, row))[1]
            return self._returning.row(None, new, others, run)
        old = row[: self._width]
        mode = LockMode.FOR_UPDATE
        if branch.kind == "update":
            mode = self._writer.update_mode(position for position, _ in branch.assignments)
        if not self._lock(row, mode):
            return None
        address = TupleId(row[self._width])
        if branch.kind == "delete":
            self._writer.delete(address, old)
            return self._returning.row(old, None, others, run)
        new = self._writer.update(address, old, self._assigned(list(old), branch, row))
        return self._returning.row(old, new, others, run)

    def _choose(self, row: Row) -> _Branch | None:
        match = _match_of(has_target=row[self._width] is not None, has_source=row[-1] is True)
        for branch in self._branches:
            if branch.match == match and (
                branch.condition is None or branch.condition(row, self._writer.run) is True
            ):
                return branch
        return None

    def _assigned(self, values: list[Any], branch: _Branch, row: Row) -> list[Any]:
        for position, evaluate in branch.assignments:
            values[position] = evaluate(row, self._writer.run)
        return values

    def _lock(self, row: Row, mode: LockMode) -> bool:
        """Lock the target row; False if it is gone.

        If it was changed meanwhile, which branch applies would have to be found out by joining again, which this does not do.
        """
        address = TupleId(row[self._width])
        if not self._writer.claim(address):
            raise errors.CardinalityViolation(
                "MERGE command cannot affect row a second time",
                hint="Ensure that not more than one source row matches any one target row.",
            )
        locked = self._writer.lock(address, mode)
        if locked.status is LockStatus.CHANGED:
            raise errors.SerializationFailure(
                "could not serialize access due to concurrent update",
                detail="MERGE does not look again at a row that changed while it waited.",
            )
        return locked.values is not None


def _match_of(*, has_target: bool, has_source: bool) -> str:
    if has_target:
        return MATCHED if has_source else NOT_MATCHED_BY_SOURCE
    return NOT_MATCHED_BY_TARGET
