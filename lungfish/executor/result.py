"""What executing a statement gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lungfish.executor.context import Row
from lungfish.executor.rows import rows_batches
from lungfish.planner.expressions import OutputColumn
from lungfish.types.batch import Batch


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """A finished statement. Its rows stand in `batches`, or, where they never were vectors, in `rows` as tuples of internal values.

    `columns` is None for a statement that yields no rows at all; an empty tuple stands for rows without columns.
    """

    columns: tuple[OutputColumn, ...] | None
    # PostgreSQL's command tag: "SELECT 3", "INSERT 0 1".
    tag: str
    # Rows given or changed.
    row_count: int
    batches: Sequence[Batch] = ()
    rows: Sequence[Row] | None = None

    def as_batches(self) -> Iterator[Batch]:
        """The rows as batches, however they are held."""
        if self.rows is None:
            return iter(self.batches)
        return rows_batches(self.rows, [column.type for column in self.columns or ()])


def command_tag(word: str, row_count: int) -> str:
    """The command tag of a finished statement."""
    return f"INSERT 0 {row_count}" if word == "INSERT" else f"{word} {row_count}"
