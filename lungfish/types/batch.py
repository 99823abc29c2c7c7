"""A batch: some rows, held by column. What operators hand to each other and what a table scan yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

# One column of a batch. Its Arrow type follows from the SQL type as `sql_type.py` tells.
Vector: TypeAlias = pa.Array

BATCH_ROW_COUNT = 32_768
# What the values of a batch should take at most; a batch of one row takes what it takes.
BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of equal length. `row_count` stands apart because a batch may have no column at all (`SELECT FROM t`)."""

    columns: tuple[Vector, ...]
    row_count: int

    def slice(self, offset: int, count: int) -> Batch:
        """The rows from `offset`, at most `count` of them, without copying."""
        count = max(0, min(count, self.row_count - offset))
        return Batch(tuple(column.slice(offset, count) for column in self.columns), count)

    def take(self, indices: pa.Array) -> Batch:
        """The rows at `indices` (a null index gives a row of nulls), in that order."""
        return Batch(tuple(column.take(indices) for column in self.columns), len(indices))

    def filter(self, mask: pa.BooleanArray) -> Batch:
        """The rows where `mask` is true; null counts as false."""
        columns = tuple(column.filter(mask) for column in self.columns)
        return Batch(columns, len(columns[0]) if columns else int(mask.true_count))
