"""Windows over more rows than memory holds: the rows come sorted from files, and are done partition after partition.

Of the partitions at hand only the columns that the calls look at are kept in memory; whole rows go through a file once more, to be given out with the
results beside them. So what must fit into memory is what is looked at in the largest partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from lungfish.executor.context import Run
from lungfish.executor.kept_rows import KeptRows
from lungfish.executor.memory import MemoryAccount, batch_size_bytes
from lungfish.executor.rows import concat_batches
from lungfish.executor.sort_keys import SortOrder, peer_starts
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import concat_vectors

# Answers the results of all calls for the rows of whole partitions, in order.
Evaluate = Callable[[Batch, Run], list[Vector]]


def partition_after_partition(
    batches: Iterable[Batch], order: SortOrder, part: WindowPart
) -> Iterator[Batch]:
    """The sorted rows with their results. `order` is that of the partitions alone."""
    last: list[Vector] = []
    try:
        for batch in batches:
            part.run.check_cancel()
            keys = order.key_vectors(batch, part.run)
            start = _last_start(last, keys, order.types, batch.row_count)
            if start:
                part.append(batch.slice(0, start))
            if start is not None:
                yield from part.results()
                part.append(batch.slice(start, batch.row_count))
            else:
                part.append(batch)
            last = [key.slice(batch.row_count - 1) for key in keys]
        yield from part.results()
    finally:
        part.close()


def _last_start(
    last: Sequence[Vector], keys: Sequence[Vector], types: Sequence[SqlType], row_count: int
) -> int | None:
    """Where the last partition of a batch begins; None if it began before. `last`: the keys of the row before the batch."""
    if last:
        joined = [
            concat_vectors([before, key], sql_type)
            for before, key, sql_type in zip(last, keys, types, strict=True)
        ]
        start = int(peer_starts(joined, types, row_count + 1)[-1]) - 1
        return None if start < 0 else start
    start = int(peer_starts(keys, types, row_count)[-1])
    return start or None


class WindowPart:
    """The rows of the partitions at hand: what is looked at in memory, all of it where there is room."""

    def __init__(
        self, used: frozenset[int], types: Sequence[SqlType], evaluate: Evaluate, run: Run
    ) -> None:
        """`used`: the columns that `evaluate` looks at."""
        self.run = run
        self._used = used
        self._types = types
        self._evaluate = evaluate
        self._account = MemoryAccount(run.context.memory)
        self._rows = KeptRows(run.context.memory, run.context.spill)
        self._looked_at: list[Batch] = []
        self._size_bytes = 0

    def append(self, batch: Batch) -> None:
        """Rows that follow."""
        count = batch.row_count
        columns = [
            column if index in self._used else pa.nulls(count)
            for index, column in enumerate(batch.columns)
        ]
        looked_at = Batch(tuple(columns), count)
        self._looked_at.append(looked_at)
        self._size_bytes += batch_size_bytes(looked_at)
        self._account.grow_to(self._size_bytes)
        self._rows.append(batch)

    def results(self) -> Iterator[Batch]:
        """All rows with their results, which ends their partitions."""
        rows = concat_batches(self._looked_at, self._types)
        self._looked_at = []
        added = self._evaluate(rows, self.run) if rows.row_count else []
        del rows
        start = 0
        for batch in self._rows:
            count = batch.row_count
            yield Batch((*batch.columns, *(each.slice(start, count) for each in added)), count)
            start += count
        self.close()
        self._rows = KeptRows(self.run.context.memory, self.run.context.spill)
        self._size_bytes = 0

    def close(self) -> None:
        """Let go of the rows."""
        self._account.close()
        self._rows.close()
