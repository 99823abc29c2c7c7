"""What a statement gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lungfish.planner.expressions import OutputColumn
from lungfish.types.batch import Batch
from lungfish.types.vectors import arrow_type, build_vector, concat_vectors


@dataclass(frozen=True, slots=True)
class StatementResult:
    """A finished statement: its rows, if it gives any, are all here.

    Rows stand either in `batches` or, for short results that never were vectors, in `rows` as tuples of internal values.
    """

    # None for a statement that gives no rows at all; an empty tuple for rows without columns.
    columns: tuple[OutputColumn, ...] | None
    # PostgreSQL's command tag: "INSERT 0 3".
    tag: str
    # Rows given or changed; -1 where that means nothing.
    row_count: int = -1
    batches: Sequence[Batch] = ()
    rows: Sequence[tuple[Any, ...]] | None = None

    def to_arrow(self) -> pa.Table:
        """The rows as one Arrow table, one chunk a column."""
        columns = self.columns or ()
        if self.rows is not None:
            vectors = [
                build_vector([row[index] for row in self.rows], column.type)
                for index, column in enumerate(columns)
            ]
        else:
            vectors = [
                concat_vectors([batch.columns[index] for batch in self.batches], column.type)
                if self.batches
                else pa.array([], arrow_type(column.type))
                for index, column in enumerate(columns)
            ]
        return pa.Table.from_arrays(vectors, names=[column.name for column in columns])
