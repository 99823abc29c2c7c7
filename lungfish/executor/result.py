"""What executing a statement gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lungfish.executor.context import Row
from lungfish.executor.rows import rows_batches
from lungfish.planner.expressions import OutputColumn
from lungfish.types.batch import Batch
from lungfish.types.vectors import arrow_type, build_vector, concat_vectors


# Not frozen: each statement makes one, and a frozen dataclass takes twice the time.
@dataclass(slots=True)
class ExecutionResult:
    """A finished statement. Its rows stand in `batches`, or, where they never were vectors, in `rows` as tuples of internal values.

    `columns` is None for a statement that yields no rows at all; an empty tuple stands for rows without columns.
    """

    columns: tuple[OutputColumn, ...] | None
    # PostgreSQL's command tag: "SELECT 3", "INSERT 0 1".
    tag: str
    # Rows given or changed; -1 where that means nothing.
    row_count: int = -1
    # Can be gone through again and again.
    batches: Iterable[Batch] = ()
    rows: Sequence[Row] | None = None

    def to_arrow(self) -> pa.Table:
        """The rows as one Arrow table, one chunk a column."""
        columns = self.columns or ()
        if self.rows is not None:
            vectors = [
                build_vector([row[index] for row in self.rows], column.type)
                for index, column in enumerate(columns)
            ]
        else:
            batches = list(self.batches)
            vectors = [
                concat_vectors([batch.columns[index] for batch in batches], column.type)
                if batches
                else pa.array([], arrow_type(column.type))
                for index, column in enumerate(columns)
            ]
        return pa.Table.from_arrays(vectors, names=[column.name for column in columns])

    def as_batches(self) -> Iterator[Batch]:
        """The rows as batches, however they are held."""
        if self.rows is None:
            return iter(self.batches)
        return rows_batches(self.rows, [column.type for column in self.columns or ()])


def command_tag(word: str, row_count: int) -> str:
    """The command tag of a finished statement."""
    return f"INSERT 0 {row_count}" if word == "INSERT" else f"{word} {row_count}"
