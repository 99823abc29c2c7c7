"""The order of rows by sort keys, as PostgreSQL has it: nulls where asked, NaN greatest, text by code points (collation "C").

Each key becomes a vector that Arrow sorts the right way. Integers, dates and text are that already; floats become the integers
of their bits; other types become the ranks of their distinct values. Arrow puts nulls last; where they are
wanted first, a vector "is it null" goes before the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.executor.aside import run_aside
from lungfish.executor.compiler import Compiler, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import Codes
from lungfish.planner.expressions import SortKey
from lungfish.types.batch import Batch
from lungfish.types.compare import KeyFunction, comparison_key
from lungfish.types.compute import pc
from lungfish.types.numerics import comparable_form
from lungfish.types.sorting import in_order
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import integer_view, to_values

# Floats as integers in the same order: negative ones have all bits but the sign turned around.
_SIGN_BIT = np.int64(-(2**63))
_MAGNITUDE_BITS = np.int64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class SortOrder:
    """Compiled sort keys."""

    evaluators: tuple[VectorEvaluator, ...]
    types: tuple[SqlType, ...]
    are_descending: tuple[bool, ...]
    nulls_first: tuple[bool, ...]

    def of_columns(self, start: int) -> SortOrder:
        """The same order of rows whose columns from `start` on are the keys."""
        getters = tuple(column_getter(start + number) for number in range(len(self.types)))
        return replace(self, evaluators=getters)

    def key_vectors(self, batch: Batch, run: Run) -> list[pa.Array]:
        """The keys of a batch's rows."""
        return [as_array(evaluate(batch, run), batch.row_count) for evaluate in self.evaluators]

    def sort_indices(self, batch: Batch, run: Run) -> pa.Array:
        """The row numbers of the batch in order; equal rows stay as they are."""
        return self.indices_of(self.key_vectors(batch, run), batch.row_count, run)

    def indices_of(self, keys: Sequence[pa.Array], row_count: int, run: Run) -> pa.Array:
        """The order of rows with these keys."""
        vectors: list[pa.Array] = []
        directions: list[str] = []
        for key, sql_type, is_descending, nulls_first in zip(
            keys, self.types, self.are_descending, self.nulls_first, strict=True
        ):
            if key.null_count and nulls_first:
                vectors.append(pc.is_null(key).cast(pa.int8()))
                directions.append("descending")
            vectors.append(run.compute(order_vector, key, sql_type))
            directions.append("descending" if is_descending else "ascending")
        if not vectors:
            return pa.array(np.arange(row_count))
        if len(vectors) == 1:
            only, order = vectors[0], directions[0]
            return run_aside(run, row_count, lambda: pc.array_sort_indices(only, order=order))
        names = [str(number) for number in range(len(vectors))]
        table = pa.RecordBatch.from_arrays(vectors, names=names)
        sort_keys = list(zip(names, directions, strict=True))
        return run_aside(run, row_count, lambda: pc.sort_indices(table, sort_keys=sort_keys))


def column_getter(index: int) -> VectorEvaluator:
    """The evaluator of a column."""
    return lambda batch, _run: batch.columns[index]


def sort_order(keys: Sequence[SortKey], compiler: Compiler) -> SortOrder:
    """Compile sort keys."""
    return SortOrder(
        evaluators=compiler.vectors([key.expression for key in keys]),
        types=tuple(key.expression.type for key in keys),
        are_descending=tuple(key.is_descending for key in keys),
        nulls_first=tuple(key.nulls_first for key in keys),
    )


def ascending(types: Sequence[SqlType]) -> SortOrder:
    """The order of given keys of these types, nulls last."""
    nowhere = (False,) * len(types)
    return SortOrder((), tuple(types), nowhere, nowhere)


def order_vector(vector: pa.Array, sql_type: SqlType) -> pa.Array:
    """A vector that Arrow sorts as PostgreSQL sorts this one; only for rows of this very vector."""
    kind = sql_type.kind
    if kind in (TypeKind.REAL, TypeKind.DOUBLE):
        return _float_order(vector)
    if kind is TypeKind.BOOLEAN:
        return vector.cast(pa.int8())
    if kind is TypeKind.NUMERIC and (decimals := comparable_form(vector)) is not None:
        return decimals
    if kind is TypeKind.UUID:
        return vector.cast(pa.binary())
    key = comparison_key(sql_type)
    return integer_view(vector) if key is None else _ranks(vector, sql_type, key)


def _float_order(vector: pa.Array) -> pa.Array:
    # Adding zero makes -0.0 a 0.0, which is equal to it.
    numbers = vector.cast(pa.float64()).fill_null(0.0).to_numpy() + 0.0
    bits = numbers.view(np.int64)
    ordered = np.where(bits < 0, bits ^ _MAGNITUDE_BITS, bits)
    ordered[np.isnan(numbers)] = _MAGNITUDE_BITS
    nulls = np.asarray(pc.is_null(vector)) if vector.null_count else None
    return pa.array(ordered, mask=nulls)


def _ranks(vector: pa.Array, sql_type: SqlType, key: KeyFunction) -> pa.Array:
    """The place of each value among the vector's distinct values in order; equal values share it."""
    encoded = vector.dictionary_encode()
    keys = [key(value) for value in to_values(encoded.dictionary, sql_type)]
    places: dict[Any, int] = {}
    # `run.compute` stops it: there is nothing to look at.
    for item in in_order(keys, lambda: None):
        places.setdefault(item, len(places))
    ranks = pa.array([places[item] for item in keys], pa.int64())
    return ranks.take(encoded.indices)


def peer_starts(keys: Sequence[pa.Array], types: Sequence[SqlType], row_count: int) -> Codes:
    """Of rows sorted by `keys`: the numbers of those that differ from the row before, the first one included."""
    changes = np.zeros(row_count, np.bool_)
    changes[:1] = True
    for vector, sql_type in zip(keys, types, strict=True):
        order = order_vector(vector, sql_type)
        if row_count > 1:
            before, after = order.slice(0, row_count - 1), order.slice(1)
            changes[1:] |= np.asarray(_differs(before, after))
    return np.flatnonzero(changes)


def _differs(before: pa.Array, after: pa.Array) -> pa.Array:
    different = pc.not_equal(before, after)
    if not different.null_count:
        return different
    return pc.fill_null(different, pc.xor(pc.is_null(before), pc.is_null(after)))


def dense_ranks(vector: pa.Array, sql_type: SqlType) -> Codes:
    """The place of each row's value among the distinct values in order, from 0; nulls come last."""
    order = order_vector(vector, sql_type)
    indices = pc.array_sort_indices(order)
    placed = order.take(indices)
    changes = np.zeros(len(vector), np.int64)
    if len(vector) > 1:
        changes[1:] = _differs(placed.slice(0, len(vector) - 1), placed.slice(1))
    ranks: Codes = np.empty(len(vector), np.int64)
    ranks[indices.to_numpy()] = np.cumsum(changes)
    return ranks
