"""How many rows are made at a time: as many as BATCH_BYTES hold, for all that is known of their width.

A batch of BATCH_ROW_COUNT rows is what the kernels like best, as long as a row is narrow. Rows of 100 kB would make it three gigabytes.
What is read or picked is measured before it is copied (`cuts`); what is computed has a width only once it is there: so a few rows come first, and
as many as their width allows then (`RowPortions`, `Portions`). Values that get a thousand times longer from one row to the next are beyond this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.planner.expression_tree import LEAVES
from lungfish.planner.expressions import BoundExpression
from lungfish.types.batch import BATCH_BYTES, BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.executor.compiler import Compiler, VectorEvaluator
    from lungfish.executor.context import Run

# Values of these kinds may be long.
LONG_KINDS = frozenset({
    TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.BYTEA, TypeKind.JSON, TypeKind.JSONB, TypeKind.BIT,
    TypeKind.VARBIT, TypeKind.ARRAY, TypeKind.RECORD, TypeKind.MULTIRANGE,
})  # fmt: skip

# The first rows of an unknown width, and how many times as many may be next.
_FIRST_ROW_COUNT = 64
_GROWTH_MAX = 8


class RowPortions:
    """How many rows to make next."""

    __slots__ = ("row_count",)

    def __init__(self, row_count: int = _FIRST_ROW_COUNT) -> None:
        self.row_count = row_count

    @classmethod
    def of_types(cls, types: Iterable[SqlType]) -> RowPortions:
        """For rows of these types: whole batches if they cannot be wide."""
        is_long = any(sql_type.kind in LONG_KINDS for sql_type in types)
        return cls() if is_long else cls(BATCH_ROW_COUNT)

    def note(self, row_count: int, size_bytes: int) -> None:
        """So many rows took so many bytes."""
        fitting = BATCH_BYTES * row_count // max(size_bytes, 1)
        self.row_count = max(1, min(fitting, row_count * _GROWTH_MAX, BATCH_ROW_COUNT))

    def note_batch(self, batch: Batch) -> None:
        """The rows of this batch were made."""
        if batch.row_count:
            self.note(batch.row_count, sum([column.nbytes for column in batch.columns]))


class Portions:
    """Cuts an operator's input, so that what its expressions give for a part keeps within BATCH_BYTES. Belongs to a compiled plan; what it
    learns, to one execution of a statement, since the next one may have other parameters."""

    def __init__(self) -> None:
        self._is_needed = False

    def vectors(
        self, expressions: Sequence[BoundExpression], compiler: Compiler
    ) -> tuple[VectorEvaluator, ...]:
        """The evaluators of expressions, whose results are measured if they can be long."""
        return tuple(
            self._watched(evaluate) if _may_be_long(expression) else evaluate
            for expression, evaluate in zip(expressions, compiler.vectors(expressions), strict=True)
        )

    def _watched(self, evaluate: VectorEvaluator) -> VectorEvaluator:
        self._is_needed = True

        def evaluate_watched(batch: Batch, run: Run) -> pa.Array | pa.Scalar:
            found = evaluate(batch, run)
            widths = run.context.kept.get(self)
            if widths is not None and isinstance(found, pa.Array):
                widths.size_bytes += found.nbytes
            return found

        return evaluate_watched

    def cut(self, batches: Iterable[Batch], run: Run) -> Iterator[Batch]:
        """The batches in parts. Requires: each part is evaluated before the next one is asked for."""
        if not self._is_needed:
            yield from batches
            return
        widths = run.context.kept.get(self)
        if widths is None:
            widths = run.context.kept[self] = _Widths()
        portions = widths.portions
        for batch in batches:
            start, row_count = 0, batch.row_count
            while start < row_count:
                is_whole = not start and row_count <= portions.row_count
                part = batch if is_whole else batch.slice(start, portions.row_count)
                widths.size_bytes = 0
                yield part
                portions.note(part.row_count, widths.size_bytes)
                start += part.row_count


class _Widths:
    """What is known in one execution."""

    __slots__ = ("portions", "size_bytes")

    def __init__(self) -> None:
        self.portions = RowPortions()
        # What the watched expressions have given for the part at hand.
        self.size_bytes = 0


def _may_be_long(expression: BoundExpression) -> bool:
    """Whether its values may be longer than what they are made of. Columns are in the batch already, constants are spread by who needs them."""
    return type(expression) not in LEAVES and expression.type.kind in LONG_KINDS


def row_widths(columns: Iterable[pa.Array]) -> npt.NDArray[np.int64] | None:
    """The bytes of each row's long values; None if there are none. What a row takes beside them is little."""
    widths: npt.NDArray[np.int64] | None = None
    for column in columns:
        if pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type):
            offsets = np.frombuffer(column.buffers()[1], np.int64)
            own = np.diff(offsets[column.offset : column.offset + len(column) + 1])
            widths = own if widths is None else widths + own
    return widths


def cuts(widths: npt.NDArray[np.int64], size_bytes: int = BATCH_BYTES) -> Iterator[slice]:
    """Slices of rows of these widths that each take no more than `size_bytes`, or are one row."""
    ends = np.cumsum(widths)
    start, row_count = 0, len(widths)
    while start < row_count:
        before = int(ends[start - 1]) if start else 0
        end = int(np.searchsorted(ends, before + size_bytes, side="right"))
        end = max(end, start + 1)
        yield slice(start, end)
        start = end
