"""Sorting any number of rows: in memory, or as runs in spill files that are merged (external merge sort).

Of so many runs that one block of each would be too much, some are merged into one first.

The merge works by blocks, not by rows: of each run it holds a block; the rows that are not greater than the least of the
blocks' last rows are certainly next, so they are cut off, put together, sorted as a whole and handed on.

    run 1   [1 4 9 | ...        last rows: 9, 7, 12; the least is 7:
    run 2   [2 5 7 | ...        1 4 | 2 5 7 | 3 6  go out, sorted; run 2 reads its next block
    run 3   [3 6 12 | ...
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from lungfish.executor.aside import run_aside
from lungfish.executor.context import Run
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.rows import concat_batches, rows_within
from lungfish.executor.sort_keys import SortOrder
from lungfish.executor.spill import SpillFile
from lungfish.types.batch import BATCH_BYTES, Batch
from lungfish.types.sql_type import SqlType

# Below this a run is not worth a file: the least memory a sort takes, whatever the budget says.
_RUN_BYTES_MIN = 1 << 20
# Blocks of runs: so many of them would fill the memory, but none is larger or smaller than these.
_BLOCKS = 64
_BLOCK_BYTES_MIN = 1 << 16
_BLOCK_BYTES_MAX = 1 << 22


def sort_batches(
    source: Iterable[Batch], order: SortOrder, types: Sequence[SqlType], run: Run
) -> Iterator[Batch]:
    """The rows of `source` in order."""
    sort = ExternalSort(order, types, run)
    try:
        for batch in source:
            run.check_cancel()
            sort.add(batch)
        yield from sort.rows()
    finally:
        sort.close()


class ExternalSort:
    """Takes rows in and gives them back in order."""

    def __init__(self, order: SortOrder, types: Sequence[SqlType], run: Run) -> None:
        self._order = order
        self._types = types
        self._run = run
        memory = run.context.memory
        limit = max(memory.limit_bytes, _RUN_BYTES_MIN)
        self._block_bytes = min(max(limit // _BLOCKS, _BLOCK_BYTES_MIN), _BLOCK_BYTES_MAX)
        # So many runs are merged at once: their blocks, and these as one, fill the memory.
        self._fan_in = max(limit // (2 * self._block_bytes), 2)
        self._memory = memory
        self._held: list[Batch] = []
        self._held_bytes = 0
        self._runs: list[SpillFile] = []

    def add(self, batch: Batch) -> None:
        """Take in some rows."""
        size, space = batch_size_bytes(batch), self._run.context.spill
        if not self._memory.reserve(size):
            if space is not None and self._held_bytes >= _RUN_BYTES_MIN:
                self._runs.append(self._file_of(self._sorted(self._block_bytes)))
                self._memory.release(self._held_bytes)
                self._held_bytes = 0
            self._memory.take(size)
        self._held.append(batch)
        self._held_bytes += size

    @property
    def is_spilled(self) -> bool:
        """Whether some of the rows are in files."""
        return bool(self._runs)

    def take_held(self) -> list[Batch]:
        """The rows in memory as they came; they are still accounted for until `close`. Instead of `rows`, if nothing is spilled."""
        held, self._held = self._held, []
        return held

    def rows(self) -> Iterator[Batch]:
        """All rows in order. Once."""
        if not self._runs:
            yield from self._sorted(BATCH_BYTES)
            return
        while len(self._runs) > self._fan_in:
            self._merge_some()
        last = self._sorted(self._block_bytes)
        yield from self._merge([*(each.batches() for each in self._runs), last])

    def close(self) -> None:
        """Let go of everything. Twice is harmless."""
        self._memory.release(self._held_bytes)
        self._held, self._held_bytes = [], 0
        for each in self._runs:
            each.close()
        self._runs = []

    def _sorted(self, size_bytes: int) -> Iterator[Batch]:
        """The held rows in order, in batches of about that size. They are held no more."""
        batches, self._held = self._held, []
        row_count = sum(batch.row_count for batch in batches)
        run, types = self._run, self._types
        whole = run_aside(run, row_count, lambda: concat_batches(batches, types))
        batches.clear()
        indices = self._order.sort_indices(whole, run) if row_count > 1 else None
        step = rows_within(size_bytes, row_count, batch_size_bytes(whole))
        for start in range(0, row_count, step):
            run.check_cancel()
            yield whole if indices is None else _taken(whole, indices.slice(start, step), run)

    def _file_of(self, batches: Iterator[Batch]) -> SpillFile:
        space = self._run.context.spill
        assert space is not None, "without one there are no runs"
        file = space.open()
        try:
            for batch in batches:
                file.append(batch)
        except BaseException:
            file.close()
            raise
        return file

    def _merge_some(self) -> None:
        """Make each `fan_in` runs one. Neighbours, so that equal rows stay in their order."""
        for place in range(math.ceil(len(self._runs) / self._fan_in)):
            taken = self._runs[place : place + self._fan_in]
            merged = self._file_of(self._merge([each.batches() for each in taken]))
            self._runs[place : place + self._fan_in] = [merged]
            for each in taken:
                each.close()

    def _merge(self, sources: Sequence[Iterator[Batch]]) -> Iterator[Batch]:
        run = self._run
        readers = [_RunReader(source) for source in sources]
        readers = [reader for reader in readers if reader.block is not None]
        while readers:
            run.check_cancel()
            whole, taken = _next_rows(readers, self._order, self._types, run)
            step = rows_within(self._block_bytes, whole.row_count, batch_size_bytes(whole))
            for start in range(0, len(taken), step):
                yield _taken(whole, taken.slice(start, step), run)
            for reader in readers:
                if reader.block is not None and not reader.block.row_count:
                    reader.advance()
            readers = [reader for reader in readers if reader.block is not None]


def _taken(whole: Batch, places: pa.Array, run: Run) -> Batch:
    """The rows at these places; of many, in a call that need not be waited for."""
    return run_aside(run, len(places), lambda: whole.take(places))


class _RunReader:
    """A sorted run, block by block."""

    def __init__(self, blocks: Iterator[Batch]) -> None:
        self._blocks = blocks
        self.block = next(self._blocks, None)

    def advance(self) -> None:
        """Go on to the next block; `block` is None at the end."""
        self.block = next(self._blocks, None)


def _next_rows(
    readers: list[_RunReader], order: SortOrder, types: Sequence[SqlType], run: Run
) -> tuple[Batch, pa.Array]:
    """Cut off the blocks' rows that are next for certain: all blocks as one, and the places of those rows in it, in order.

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
        readers[0].block = blocks[0].slice(0, 0)
        return whole, pa.array(indices)
    cut = int(places[ends - 1].min())
    taken = indices[: cut + 1]
    for reader, block, end in zip(readers, blocks, ends.tolist(), strict=True):
        start = end - block.row_count
        count = int(((taken >= start) & (taken < end)).sum())
        reader.block = block.slice(count, block.row_count)
    return whole, pa.array(taken)
