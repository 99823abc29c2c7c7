"""WITH: queries run once and read by many; and recursion."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import ExecutionContext, Run
from lungfish.executor.kept_rows import KeptRows
from lungfish.executor.key_codes import RowCodes, first_places
from lungfish.executor.memory import MemoryAccount
from lungfish.planner.physical import CteScan, RecursiveUnion, WorkTableScan
from lungfish.types.batch import Batch


class CteRows:
    """The rows of one WITH query: made as they are asked for, kept for whoever reads next.

    So a LIMIT above ends a recursion that would never end by itself, as in PostgreSQL.
    """

    def __init__(self, operator: Operator, context: ExecutionContext) -> None:
        self._operator = operator
        self._context = context
        self._run = Run(context)
        self._source: Iterator[Batch] | None = None
        self._kept: KeptRows | None = None

    def rows(self) -> Iterator[Batch]:
        """The rows from the first one on; several readers may be at it at once."""
        kept = self._started()
        place = 0
        while not kept.is_spilled:
            if place < kept.held_count:
                place += 1
                yield kept.held(place - 1)
            elif not self._take_next(kept):
                return
        # What has gone to a file is read from there, once it is complete.
        self.run_to_end()
        yield from islice(kept, place, None)

    def run_to_end(self) -> None:
        """Make all rows that are still to come: a data-modifying query is run whether it is read or not."""
        kept = self._started()
        while self._take_next(kept):
            pass

    def _started(self) -> KeptRows:
        if self._kept is None:
            self._source = iter(self._operator(self._run))
            self._kept = KeptRows(self._context.memory, self._context.spill)
        return self._kept

    def _take_next(self, kept: KeptRows) -> bool:
        """Keep one batch more; False at the end."""
        if self._source is None:
            return False
        self._run.check_cancel()
        batch = next(self._source, None)
        if batch is None:
            self._source = None
            return False
        kept.append(batch)
        return True

    def close(self) -> None:
        """Let go of the rows."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()
        self._source = None
        if self._kept is not None:
            self._kept.close()


def make_cte_scan(plan: CteScan, _compiler: Compiler) -> Operator:
    """The operator that reads a WITH query."""
    cte_id = plan.cte_id

    def run_cte_scan(run: Run) -> Iterator[Batch]:
        yield from run.context.ctes[cte_id].rows()

    return run_cte_scan


def make_work_table_scan(plan: WorkTableScan, _compiler: Compiler) -> Operator:
    """The operator that reads the rows of recursion's last round."""
    cte_id = plan.cte_id

    def run_work_table_scan(run: Run) -> Iterator[Batch]:
        yield from run.context.work_tables[cte_id]

    return run_work_table_scan


def make_recursive_union(plan: RecursiveUnion, compiler: Compiler) -> Operator:
    """The operator of WITH RECURSIVE."""
    initial, step = compiler.operator(plan.initial), compiler.operator(plan.step)
    cte_id = plan.cte_id
    types = [column.type for column in plan.columns]
    is_all = plan.is_all

    def run_recursive_union(run: Run) -> Iterator[Batch]:
        seen = None if is_all else RowCodes(types)
        account = MemoryAccount(run.context.memory)
        work_tables = run.context.work_tables
        # A recursion inside the step of another one, or in a lateral join, finds the tables of its own round.
        before = work_tables.get(cte_id)
        try:
            current = _new_rows(initial(run), seen)
            while current:
                yield from current
                run.check_cancel()
                if seen is not None:
                    account.grow_to(seen.size_bytes)
                work_tables[cte_id] = current
                current = _new_rows(step(run), seen)
        finally:
            account.close()
            work_tables[cte_id] = before

    return run_recursive_union


def _new_rows(batches: Iterator[Batch], seen: RowCodes | None) -> list[Batch]:
    """The batches without rows that have been seen; empty ones are left out."""
    if seen is None:
        return [batch for batch in batches if batch.row_count]
    found: list[Batch] = []
    for batch in batches:
        before = seen.count
        codes = seen.encode(batch.columns, batch.row_count)
        added = seen.count - before
        if added:
            places = first_places(codes, before, added)
            found.append(batch.take(pa.array(np.sort(places))))
    return found
