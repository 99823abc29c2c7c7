"""Rows parted by the hash of their keys, so that rows with equal keys come into the same part.

Hashes are the same in every run: a statement's rows come in the same order each time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.compiler import VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.kept_rows import KeptRows
from lungfish.executor.key_codes import INTEGER_KINDS, as_int64
from lungfish.types.batch import Batch
from lungfish.types.compare import comparison_key
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import integer_view, to_values

# Two inputs are parted side by side.
_SIDE_COUNT = 2
# Into how many parts go the rows of keys that had no room.
_OVERFLOW_PART_COUNT = 16

Hashes = npt.NDArray[np.uint64]

# Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): the mixer of SplitMix64.
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_NULL_HASH = np.uint64(0x9E3779B97F4A7C15)


class Parts:
    """The two inputs of a join, each parted by its keys, in memory as far as the budget goes."""

    def __init__(self, part_count: int, run: Run) -> None:
        context = run.context
        self._run = run
        self._sides = [
            [KeptRows(context.memory, context.spill) for _ in range(part_count)]
            for _ in range(_SIDE_COUNT)
        ]

    def fill(
        self,
        side: int,
        batches: Iterable[Batch],
        keys: Sequence[VectorEvaluator],
        types: Sequence[SqlType],
    ) -> None:
        """Part the rows of one input."""
        parts = self._sides[side]
        for batch in batches:
            self._run.check_cancel()
            count = batch.row_count
            vectors = [as_array(evaluate(batch, self._run), count) for evaluate in keys]
            numbers = part_numbers(vectors, types, len(parts))
            _deal(batch, numbers, parts)

    def pairs(self) -> Iterator[tuple[KeptRows, KeptRows]]:
        """The parts that belong together, one of each input."""
        yield from zip(self._sides[0], self._sides[1], strict=True)

    def close(self) -> None:
        """Let go of all parts."""
        for side in self._sides:
            for part in side:
                part.close()


def parts_for(rows: KeptRows, run: Run) -> int:
    """Into how many parts rows go that memory cannot hold, so that it can hold each of them."""
    return min(max(2 * rows.size_bytes // max(run.context.memory.limit_bytes, 1), 2), 64)


class Overflow:
    """Rows of keys for which there was no room, parted by their hash: one part after the other is done by itself, and may overflow again."""

    def __init__(self, types: Sequence[SqlType], level: int, run: Run) -> None:
        """`level`: how many times over these rows have been parted before. Rows of one part are parted by another hash."""
        context = run.context
        self._types = types
        self._level = level
        self._parts = [KeptRows(context.memory, context.spill) for _ in range(_OVERFLOW_PART_COUNT)]

    def add(self, batch: Batch, keys: Sequence[pa.Array]) -> None:
        """Put rows with these keys away."""
        numbers = part_numbers(keys, self._types, len(self._parts), level=self._level)
        _deal(batch, numbers, self._parts)

    def parts(self) -> Iterator[KeptRows]:
        """The parts that have rows; each is let go of when the next one is asked for."""
        for part in self._parts:
            if part.row_count:
                yield part
            part.close()

    def close(self) -> None:
        """Let go of all parts."""
        for part in self._parts:
            part.close()


def _deal(batch: Batch, numbers: npt.NDArray[np.int64], parts: Sequence[KeptRows]) -> None:
    """Put each row into the part of its number."""
    for number, part in enumerate(parts):
        rows = np.flatnonzero(numbers == number)
        if len(rows):
            part.append(batch.take(pa.array(rows)))


def part_numbers(
    keys: Sequence[pa.Array], types: Sequence[SqlType], part_count: int, *, level: int = 0
) -> npt.NDArray[np.int64]:
    """The part of each row, from 0 up to `part_count`; other parts at another level. Requires: at least one key."""
    hashes = np.full(len(keys[0]), level, np.uint64)
    for vector, sql_type in zip(keys, types, strict=True):
        hashes = _mixed(hashes ^ _hashes(vector, sql_type))
    return (hashes % np.uint64(part_count)).astype(np.int64)


def _mixed(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FIRST_FACTOR
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _SECOND_FACTOR
    mixed: Hashes = hashes ^ (hashes >> np.uint64(31))
    return mixed


def _hashes(vector: pa.Array, sql_type: SqlType) -> Hashes:
    if sql_type.kind in INTEGER_KINDS:
        integers = integer_view(vector)
        if not vector.null_count:
            return as_int64(integers).view(np.uint64)
        hashes = np.full(len(vector), _NULL_HASH, np.uint64)
        hashes[np.asarray(vector.is_valid())] = as_int64(integers.drop_null()).view(np.uint64)
        return hashes
    encoded = vector.dictionary_encode()
    key = comparison_key(sql_type)
    values = to_values(encoded.dictionary, sql_type)
    table = np.array(
        [*(_hash(value if key is None else key(value)) for value in values), int(_NULL_HASH)],
        np.uint64,
    )
    indices = encoded.indices.fill_null(len(values)) if vector.null_count else encoded.indices
    found: Hashes = table[indices.to_numpy()]
    return found


def _hash(key: Any) -> int:
    """A hash of a comparison key: Python's own for numbers, which is fixed; never that of strings, which is not."""
    if isinstance(key, str):
        return zlib.crc32(key.encode())
    if isinstance(key, bytes):
        return zlib.crc32(key)
    if isinstance(key, tuple):
        combined = len(key)
        for part in key:
            combined = (combined * 1_000_003 ^ _hash(part)) & 0xFFFFFFFFFFFFFFFF
        return combined
    return hash(key) & 0xFFFFFFFFFFFFFFFF
