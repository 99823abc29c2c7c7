"""MergeRows: for each row of the join of target and source the first branch whose kind of match and condition fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.kept_rows import keep_batches
from lungfish.executor.member_rows import MemberRows
from lungfish.executor.merge_target import MergedMembers, MergedTable, MergeTarget
from lungfish.executor.returning import ReturningRows
from lungfish.executor.rows import batch_rows
from lungfish.executor.slices import in_parts
from lungfish.executor.table_writer import TableWriter
from lungfish.planner.physical import MergeBranch, MergeRows
from lungfish.storage.table_lock import LockedRow, LockStatus
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
    returning = ReturningRows(plan, compiler)

    def read(run: Run) -> Iterator[Row]:
        for batch in source(run):
            yield from batch_rows(batch, input_types)

    def run_merge(run: Run) -> Iterator[Batch]:
        if plan.members or table.partition_key is not None:
            target: MergeTarget = MergedMembers(MemberRows(table, plan.members, run))
        else:
            target = MergedTable(TableWriter(table, run))
        merge = _Merge(target, branches, returning, read)
        kept = keep_batches(source(run), run)
        try:
            for batch in in_parts(kept, run):
                rows = [row for item in batch_rows(batch, input_types) for row in merge.do(item)]
                yield returning.batch(rows)
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
    """One run of a MERGE. Input rows: the target's columns, what tells its row from others, the source's columns, and whether there
    is a source row."""

    def __init__(
        self,
        target: MergeTarget,
        branches: Sequence[_Branch],
        returning: ReturningRows,
        read_again: Callable[[Run], Iterable[Row]],
    ) -> None:
        """`read_again`: the input's rows in another run."""
        self._target = target
        self._run = target.run
        self._branches = branches
        self._returning = returning
        self._read_again = read_again
        self._width = target.width
        # Where the source's columns begin.
        self._others_from = target.width + target.key_width

    def do(self, row: Row) -> list[tuple[Any, ...]]:
        """Do what the branches say of one row; answers what is to be put out."""
        self._run.check_cancel()
        branch = self._choose(row)
        if branch is None or branch.kind == "nothing":
            return []
        if branch.kind == "insert":
            return [self._insert(branch, row)]
        if not self._target.claim(row):
            raise errors.CardinalityViolation(
                "MERGE command cannot affect row a second time",
                hint="Ensure that not more than one source row matches any one target row.",
            )
        new = self._new_row(branch, row)
        locked = self._target.lock(row, new)
        if locked.status is LockStatus.SAME:
            return [self._change(row, new)]
        outputs = [self._do_chosen(each) for each in self._now(row, locked)]
        return [output for output in outputs if output is not None]

    def _now(self, row: Row, locked: LockedRow) -> list[Row]:
        """What has become of a row whose target changed while we waited for it: it matches still, or what has lost its match, each for itself."""
        if locked.values is not None:
            current = self._newest(row)
            if current is not None:
                return [current]
        rows: list[Row] = []
        if locked.values is not None:
            # RETURNING shows what it did match, as in PostgreSQL.
            target = self._target.newest(row, locked.values)
            rows.append((*target, *self._others(row), None))
        if row[-1] is True:
            rows.append((*[None] * self._others_from, *row[self._others_from :]))
        return rows

    def _do_chosen(self, row: Row) -> tuple[Any, ...] | None:
        """Do what the branches say of a row whose target is locked."""
        branch = self._choose(row)
        if branch is None or branch.kind == "nothing":
            return None
        if branch.kind == "insert":
            return self._insert(branch, row)
        new = self._new_row(branch, row)
        self._target.lock(row, new)
        return self._change(row, new)

    def _newest(self, row: Row) -> Row | None:
        """The input row as a newer snapshot gives it: the same target row joined with the same source row."""
        context = self._run.context
        with context.snapshot_of_now() as snapshot:
            now = Run(replace(context, snapshot=snapshot, kept={}), self._run.outer_rows)
            for candidate in self._read_again(now):
                if candidate[self._width :] == row[self._width :]:
                    return candidate
        return None

    def _choose(self, row: Row) -> _Branch | None:
        match = _match_of(has_target=row[self._width] is not None, has_source=row[-1] is True)
        for branch in self._branches:
            if branch.match == match and (
                branch.condition is None or branch.condition(row, self._run) is True
            ):
                return branch
        return None

    def _insert(self, branch: _Branch, row: Row) -> tuple[Any, ...]:
        values = self._assigned([None] * self._width, branch, row)
        new = self._target.insert(values)
        return self._returning.row(None, new, (*new, "INSERT", *self._others(row)), self._run)

    def _new_row(self, branch: _Branch, row: Row) -> list[Any] | None:
        """What an update makes of the target row; None for a delete."""
        if branch.kind == "delete":
            return None
        return self._assigned(list(row[: self._width]), branch, row)

    def _change(self, row: Row, new: list[Any] | None) -> tuple[Any, ...]:
        """Update or delete the locked target row."""
        old, completed = self._target.change(row, new)
        current = old if completed is None else completed
        action = "DELETE" if completed is None else "UPDATE"
        beside = (*current, action, *self._others(row))
        return self._returning.row(old, completed, beside, self._run)

    def _assigned(self, values: list[Any], branch: _Branch, row: Row) -> list[Any]:
        for position, evaluate in branch.assignments:
            values[position] = evaluate(row, self._run)
        return values

    def _others(self, row: Row) -> Row:
        return row[self._others_from : -1]


def _match_of(*, has_target: bool, has_source: bool) -> str:
    if has_target:
        return MATCHED if has_source else NOT_MATCHED_BY_SOURCE
    return NOT_MATCHED_BY_TARGET
