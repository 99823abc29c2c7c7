"""Batches to rows and rows to batches, where an operator works row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from lungfish.executor.context import Row
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.portions import RowPortions
from lungfish.types.batch import BATCH_BYTES, BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector, concat_vectors, to_values


def batch_rows(batch: Batch, types: Sequence[SqlType]) -> list[Row]:
    """The rows as tuples of internal values. Requires: a type for each column, or for the first ones that are wanted."""
    if not types:
        return [()] * batch.row_count
    columns = [
        to_values(column, sql_type) for column, sql_type in zip(batch.columns, types, strict=False)
    ]
    return list(zip(*columns, strict=True))


def rows_batch(rows: Sequence[Sequence[Any]], types: Sequence[SqlType]) -> Batch:
    """A batch of some rows."""
    if not types:
        return Batch((), len(rows))
    if not rows:
        return empty_batch(types)
    columns = zip(*rows, strict=True)
    return Batch(
        tuple(build_vector(column, kind) for column, kind in zip(columns, types, strict=True)),
        len(rows),
    )


def rows_batches(rows: Iterable[Sequence[Any]], types: Sequence[SqlType]) -> Iterator[Batch]:
    """Batches of the usual size from any number of rows."""
    iterator = iter(rows)
    portions = RowPortions.of_types(types)
    while chunk := list(islice(iterator, portions.row_count)):
        batch = rows_batch(chunk, types)
        portions.note_batch(batch)
        yield batch


def empty_batch(types: Sequence[SqlType]) -> Batch:
    """A batch without rows."""
    return Batch(tuple(build_vector([], sql_type) for sql_type in types), 0)


def concat_batches(batches: Sequence[Batch], types: Sequence[SqlType]) -> Batch:
    """The rows of several batches as one."""
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return empty_batch(types)
    columns = tuple(
        concat_vectors([batch.columns[index] for batch in batches], sql_type)
        for index, sql_type in enumerate(types)
    )
    return Batch(columns, sum(batch.row_count for batch in batches))


def split_batch(batch: Batch) -> Iterator[Batch]:
    """A large batch in slices of the usual size; nothing for an empty one."""
    size_bytes = batch_size_bytes(batch)
    if batch.row_count <= BATCH_ROW_COUNT and size_bytes <= BATCH_BYTES:
        if batch.row_count:
            yield batch
        return
    step = rows_within(BATCH_BYTES, batch.row_count, size_bytes)
    for start in range(0, batch.row_count, step):
        yield batch.slice(start, step)


def rows_within(wanted_bytes: int, row_count: int, size_bytes: int) -> int:
    """How many rows of their average width a batch of `wanted_bytes` has."""
    return max(1, min(wanted_bytes * row_count // max(size_bytes, 1), BATCH_ROW_COUNT))
