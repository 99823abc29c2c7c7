"""Sorting any number of rows: in memory, or as runs in spill files that are merged (external merge sort).

The merge works by blocks, not by rows: of each run it holds a block; the rows that are not greater than the least of the
blocks' last rows are certainly next, so they are cut off, put together, sorted as a whole and handed on.

    run 1   [1 4 9 | ...        last rows: 9, 7, 12; the least is 7:
    run 2   [2 5 7 | ...        1 4 | 2 5 7 | 3 6  go out, sorted; run 2 reads its next block
    run 3   [3 6 12 | ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from lungfish.executor.aside import run_aside
from lungfish.executor.context import Run
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.rows import concat_batches, split_batch
from lungfish.executor.sort_keys import SortOrder
from lungfish.executor.spill import SpillFile
from lungfish.types.batch import Batch
from lungfish.types.sql_type import SqlType

# Below this a run is not worth a file: the least memory a sort takes, whatever the budget says.
_RUN_BYTES_MIN = 1 << 20


def sort_batches(
    source: Iterator[Batch], order: SortOrder, types: Sequence[SqlType], run: Run
) -> Iterator[Batch]:
    """The rows of `source` in order."""
    memory, space = run.context.memory, run.context.spill
    held: list[Batch] = []
    held_bytes = 0
    runs: list[SpillFile] = []
    try:
        for batch in source:
            run.check_cancel()
            size = batch_size_bytes(batch)
            if not memory.reserve(size):
                if space is not None and held_bytes >= _RUN_BYTES_MIN:
                    runs.append(space.open())
                    _write_run(runs[-1], _sorted(held, order, types, run))
                    memory.release(held_bytes)
                    held, held_bytes = [], 0
                memory.take(size)
            held.append(batch)
            held_bytes += size
        last = _sorted(held, order, types, run)
        held = []
        if not runs:
            yield from split_batch(last)
            return
        yield from _merge(
            [*(_RunReader(each) for each in runs), _RunReader(last)], order, types, run
        )
    finally:
        memory.release(held_bytes)
        for each in runs:
            each.close()


def _sorted(
    batches: Sequence[Batch], order: SortOrder, types: Sequence[SqlType], run: Run
) -> Batch:
    row_count = sum(batch.row_count for batch in batches)
    whole = run_aside(run, row_count, lambda: concat_batches(batches, types))
    if row_count < 2:
        return whole
    indices = order.sort_indices(whole, run)
    return run_aside(run, row_count, lambda: whole.take(indices))


def _write_run(file: SpillFile, rows: Batch) -> None:
    for batch in split_batch(rows):
        file.append(batch)


class _RunReader:
    """A sorted run, block by block."""

    def __init__(self, rows: SpillFile | Batch) -> None:
        self._blocks = iter(split_batch(rows) if isinstance(rows, Batch) else rows.batches())
        self.block = next(self._blocks, None)

    def advance(self) -> None:
        """Go on to the next block; `block` is None at the end."""
        self.block = next(self._blocks, None)


def _merge(
    readers: list[_RunReader], order: SortOrder, types: Sequence[SqlType], run: Run
) -> Iterator[Batch]:
    readers = [reader for reader in readers if reader.block is not None]
    while readers:
        run.check_cancel()
        yield from split_batch(_next_rows(readers, order, types, run))
        for reader in readers:
            if reader.block is not None and not reader.block.row_count:
                reader.advance()
        readers = [reader for reader in readers if reader.block is not None]


def _next_rows(
    readers: list[_RunReader], order: SortOrder, types: Sequence[SqlType], run: Run
) -> Batch:
    """Cut off the blocks' rows that are next for certain; in order.

    All blocks are sorted as one: the last rows' places in it say which comes first, and everything up to there goes out. Rows
    equal to it in later runs wait for the next round, so that equal rows stay in the order of the runs.
    """
    blocks = [reader.block for reader in readers if reader.block is not None]
    whole = concat_batches(blocks, types)
    indices = order.sort_indices(whole, run).to_numpy()
    ends = np.cumsum([block.row_count for block in blocks])
    places = np.empty(whole.row_count, np.int64)
    places[indices] = np.arange(whole.row_count)
    if len(blocks) == 1:
        readers[0].block = Batch(blocks[0].slice(0, 0).columns, 0)
        return whole
    cut = int(places[ends - 1].min())
    taken = indices[: cut + 1]
    for reader, block, end in zip(readers, blocks, ends.tolist(), strict=True):
        start = end - block.row_count
        count = int(((taken >= start) & (taken < end)).sum())
        reader.block = block.slice(count, block.row_count)
    return whole.take(pa.array(taken))
