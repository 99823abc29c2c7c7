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
            for number, part in enumerate(parts):
                rows = np.flatnonzero(numbers == number)
                if len(rows):
                    part.append(batch.take(pa.array(rows)))

    def pairs(self) -> Iterator[tuple[KeptRows, KeptRows]]:
        """The parts that belong together, one of each input."""
        yield from zip(self._sides[0], self._sides[1], strict=True)

    def close(self) -> None:
        """Let go of all parts."""
        for side in self._sides:
            for part in side:
                part.close()


def part_numbers(
    keys: Sequence[pa.Array], types: Sequence[SqlType], part_count: int
) -> npt.NDArray[np.int64]:
    """The part of each row, from 0 up to `part_count`. Requires: at least one key."""
    hashes = np.zeros(len(keys[0]), np.uint64)
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
