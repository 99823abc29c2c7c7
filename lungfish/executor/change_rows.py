"""UpdateRows and DeleteRows: all input is read first, then its rows are changed one by one (update.py, member_update.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.executor.kept_rows import KeptRows, keep_batches
from lungfish.executor.member_update import MemberTarget, MemberUpdater
from lungfish.executor.rows import batch_rows
from lungfish.executor.update import Assignments, Target, Updater
from lungfish.planner.physical import DeleteRows, UpdateRows
from lungfish.types.batch import Batch

# From this many rows on the new values are computed by column.
_VECTOR_ROW_COUNT = 32


def make_update(plan: UpdateRows, compiler: Compiler) -> Operator:
    """The operator of an UpdateRows."""
    source = compiler.operator(plan.input)
    updater = MemberUpdater(plan, compiler) if plan.members else Updater(plan, compiler)
    assignments, target = updater.assignments, updater.target

    def run_update(run: Run) -> Iterator[Batch]:
        change = updater.changer(run)
        kept = keep_batches(source(run), run)
        try:
            computed = _computed(kept, assignments, run)
            for batch, values in zip(kept, computed, strict=True):
                rows = run.compute(batch_rows, batch, target.input_types)
                changed = (
                    change(row, values[number] if values is not None else None)
                    for number, row in enumerate(rows)
                )
                yield target.returning.batch([row for row in changed if row is not None])
        finally:
            kept.close()

    return run_update


def _computed(
    kept: KeptRows, assignments: Assignments, run: Run
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
    target = MemberTarget(plan, compiler) if plan.members else Target(plan, compiler)

    def run_delete(run: Run) -> Iterator[Batch]:
        delete = target.deleter(run)
        kept = keep_batches(source(run), run)
        try:
            for batch in kept:
                run.check_cancel()
                rows = run.compute(batch_rows, batch, target.input_types)
                changed = map(delete, rows)
                yield target.returning.batch([row for row in changed if row is not None])
        finally:
            kept.close()

    return run_delete
