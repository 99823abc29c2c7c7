"""min and max of every ordered type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.functions.exact_sums import valid_part
from lungfish.functions.group_state import GroupArray, GroupIds
from lungfish.functions.numeric_math import scaled
from lungfish.functions.registry import Accumulator, Aggregate, Polymorphic
from lungfish.functions.vector_tools import numbers_of
from lungfish.types.batch import Vector
from lungfish.types.compare import comparison_key
from lungfish.types.compute import pc
from lungfish.types.numerics import small_words
from lungfish.types.sql_type import (
    BIGINT,
    BYTEA,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    OID,
    PG_LSN,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    SqlType,
    TypeKind,
)
from lungfish.types.vectors import arrow_type, build_vector, to_values

_NUMBERS = (SMALLINT, INTEGER, BIGINT, OID, REAL, DOUBLE, DATE, TIME, TIMESTAMP, TIMESTAMPTZ)
_FLOATS = (TypeKind.REAL, TypeKind.DOUBLE)
# Types of which a batch's least value is found by their order within the batch.
_TEXTS = (TEXT, BYTEA)
_KEYED = (CHAR, INTERVAL, TIMETZ, PG_LSN)


class NumberExtreme:
    """min or max of types whose vectors are numbers. NaN is the greatest float."""

    def __init__(self, sql_type: SqlType, *, is_max: bool) -> None:
        self._arrow_type = arrow_type(sql_type)
        self._is_max = is_max
        self._is_float = sql_type.kind in _FLOATS
        self._best: GroupArray | None = None
        self._seen = GroupArray(np.bool_, False)
        if self._is_float:
            # fmin passes over NaN, maximum hands it on; both as the order wants.
            self._better: Any = np.maximum if is_max else np.fmin
        else:
            self._better = np.maximum if is_max else np.minimum

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Take in the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        self._seen.grow(group_count)[kept] = True
        values = numbers_of(vector)
        if self._best is None:
            self._best = GroupArray(values.dtype, self._start(values.dtype))
        slots = self._best.grow(group_count)
        if not len(values):
            return
        with np.errstate(invalid="ignore"):
            if group_count == 1:
                slots[0] = self._better(slots[0], self._better.reduce(values))
            else:
                self._better.at(slots, kept, values)

    def _start(self, dtype: npt.DTypeLike) -> Any:
        if self._is_float:
            return -np.inf if self._is_max else np.nan
        limits = np.iinfo(dtype)
        return limits.min if self._is_max else limits.max

    def finish(self, group_count: int) -> Vector:
        """One value a group; null for a group without values."""
        if self._best is None:
            return pa.nulls(group_count, self._arrow_type)
        values = pa.array(self._best.final(group_count), mask=~self._seen.final(group_count))
        return values if values.type == self._arrow_type else values.view(self._arrow_type)


class KeyedExtreme:
    """min or max of any type: each batch's best per group is found first, then compared with what is kept."""

    def __init__(self, sql_type: SqlType, *, is_max: bool) -> None:
        self._type = sql_type
        self._is_max = is_max
        # Of equal values that look different (1.0 and 1.00) the last one wins, as in PostgreSQL.
        self._takes_last = sql_type.kind in (TypeKind.NUMERIC, TypeKind.INTERVAL)
        self._key: Callable[[Any], Any] = comparison_key(sql_type) or (lambda value: value)
        # The best value of each group with its key.
        self._best: dict[int, tuple[Any, Any]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Take in the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        if not len(vector):
            return
        if self._type.kind in (TypeKind.TEXT, TypeKind.BYTEA):
            groups, values = self._best_texts(vector, kept, group_count)
        elif self._type.kind is TypeKind.NUMERIC and (words := small_words(vector)) is not None:
            groups, values = self._best_words(words, kept, group_count, vector.type.scale)
        else:
            groups, values = kept.tolist(), to_values(vector, self._type)
        self._offer(groups, values)

    def _offer(self, groups: Sequence[int], values: Sequence[Any]) -> None:
        best, key_of, is_max = self._best, self._key, self._is_max
        takes_last = self._takes_last
        for group, value in zip(groups, values, strict=True):
            key = key_of(value)
            kept = best.get(group)
            if (
                kept is None
                or (key > kept[0] if is_max else key < kept[0])
                or (takes_last and key == kept[0])
            ):
                best[group] = key, value

    def _best_texts(
        self, vector: Vector, group_ids: GroupIds, group_count: int
    ) -> tuple[list[int], list[Any]]:
        if group_count == 1:
            found = pc.min_max(vector)
            return [0], [found["max" if self._is_max else "min"].as_py()]
        encoded = vector.dictionary_encode()
        words = encoded.dictionary
        order = pc.array_sort_indices(words).to_numpy()
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        groups, best = self._best_numbers(ranks[encoded.indices.to_numpy()], group_ids, group_count)
        return groups.tolist(), words.take(pa.array(order[best])).to_pylist()

    def _best_words(
        self, words: npt.NDArray[np.int64], group_ids: GroupIds, group_count: int, scale: int
    ) -> tuple[list[int], list[Decimal]]:
        groups, best = self._best_numbers(words, group_ids, group_count)
        return groups.tolist(), [scaled(word, scale) for word in best.tolist()]

    def _best_numbers(
        self, numbers: npt.NDArray[np.int64], group_ids: GroupIds, group_count: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The groups that occur, and the best number of each."""
        limits = np.iinfo(np.int64)
        slots = np.full(group_count, limits.min if self._is_max else limits.max, np.int64)
        better: Any = np.maximum if self._is_max else np.minimum
        better.at(slots, group_ids, numbers)
        seen = np.zeros(group_count, np.bool_)
        seen[group_ids] = True
        groups = np.flatnonzero(seen)
        return groups, slots[groups]

    def finish(self, group_count: int) -> Vector:
        """One value a group; null for a group without values."""
        best = self._best
        values = [best[group][1] if group in best else None for group in range(group_count)]
        return build_vector(values, self._type)


def _number_extreme(is_max: bool) -> Callable[[Sequence[SqlType], SqlType], Accumulator]:
    return lambda types, result: NumberExtreme(types[0], is_max=is_max)


def _keyed_extreme(is_max: bool) -> Callable[[Sequence[SqlType], SqlType], Accumulator]:
    return lambda types, result: KeyedExtreme(types[0], is_max=is_max)


def _aggregates() -> list[Aggregate]:
    found = []
    for name, is_max in (("min", False), ("max", True)):
        for sql_type in _NUMBERS:
            found.append(Aggregate(name, (sql_type,), sql_type, _number_extreme(is_max)))
        for sql_type in (*_TEXTS, NUMERIC, *_KEYED):
            found.append(Aggregate(name, (sql_type,), sql_type, _keyed_extreme(is_max)))
        for pseudo in (Polymorphic.ANYARRAY, Polymorphic.ANYENUM):
            found.append(Aggregate(name, (pseudo,), pseudo, _keyed_extreme(is_max)))
        found.append(Aggregate(name, (Polymorphic.RECORD,), _nameless, _keyed_extreme(is_max)))
    return found


def _nameless(types: Sequence[SqlType]) -> SqlType:
    """A record: of whichever row type the argument is."""
    return replace(types[0], name=None, oid=0)


AGGREGATES: tuple[Aggregate, ...] = tuple(_aggregates())
