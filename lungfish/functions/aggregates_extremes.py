"""min, max, any_value, bool_and, bool_or, every, and the bitwise aggregates.

Numbers and times go through NumPy; other types compare by the value's own order, one winner a group kept from batch to batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.functions.group_state import GroupIds, count_groups, grown, valid_rows
from lungfish.functions.registry import Aggregate, Polymorphic
from lungfish.types.batch import Vector
from lungfish.types.compare import order_key
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    OID,
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
from lungfish.types.vectors import arrow_type, build_vector, integer_view, to_values

_AS_INTEGERS = (
    TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.OID, TypeKind.DATE, TypeKind.TIME,
    TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ,
)  # fmt: skip
_AS_FLOATS = (TypeKind.REAL, TypeKind.DOUBLE)


class NumberExtreme:
    """min or max of integers, floats and times. A float NaN is greater than everything, as in PostgreSQL."""

    def __init__(self, result_type: SqlType, *, is_max: bool) -> None:
        self._type = result_type
        self._is_float = result_type.kind in _AS_FLOATS
        self._is_max = is_max
        self._start: float | int
        if self._is_float:
            self._best: npt.NDArray[Any] = np.full(1, -np.inf if is_max else np.nan)
            self._start = -np.inf if is_max else np.nan
            # fmin passes over NaN, maximum lets it win.
            self._combine = np.maximum if is_max else np.fmin
        else:
            limits = np.iinfo(np.int64)
            self._start = int(limits.min if is_max else limits.max)
            self._best = np.full(1, self._start, np.int64)
            self._combine = np.maximum if is_max else np.minimum
        self._counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._best = grown(self._best, group_count, self._start)
        self._counts = grown(self._counts, group_count)
        group_ids, vector = valid_rows(group_ids, arguments[0])
        values = integer_view(vector).to_numpy(zero_copy_only=False)
        if not len(values):
            return
        values = values.astype(self._best.dtype, copy=False)
        with np.errstate(invalid="ignore"):
            if group_count == 1:
                self._best[0] = self._combine(self._best[0], self._combine.reduce(values))
                self._counts[0] += len(values)
            else:
                self._combine.at(self._best, group_ids, values)
                self._counts[:group_count] += count_groups(group_ids, group_count)

    def finish(self, group_count: int) -> Vector:
        best = grown(self._best, group_count, self._start)[:group_count]
        missing = grown(self._counts, group_count)[:group_count] == 0
        if self._is_float:
            return pa.array(best, pa.float64(), mask=missing).cast(arrow_type(self._type))
        target = arrow_type(self._type)
        narrow = pa.int32() if pa.types.is_date32(target) else pa.int64()
        column = pa.array(np.where(missing, 0, best), pa.int64(), mask=missing)
        if pa.types.is_temporal(target):
            return column.cast(narrow).view(target)
        return column.cast(target)


class OrderedExtreme:
    """min or max of any other ordered type."""

    def __init__(self, result_type: SqlType, *, is_max: bool) -> None:
        self._type = result_type
        self._is_max = is_max
        self._key = order_key(result_type)
        # Each group's winner: (key, value).
        self._best: dict[int, tuple[Any, Any]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        group_ids, vector = valid_rows(group_ids, arguments[0])
        best, key_of, is_max = self._best, self._key, self._is_max
        for group, value in zip(group_ids.tolist(), to_values(vector, self._type), strict=True):
            key = key_of(value)
            known = best.get(group)
            if known is None or (key > known[0] if is_max else key < known[0]):
                best[group] = (key, value)

    def finish(self, group_count: int) -> Vector:
        winners = [
            self._best[group][1] if group in self._best else None for group in range(group_count)
        ]
        return build_vector(winners, self._type)


def _extreme(
    *, is_max: bool
) -> Callable[[Sequence[SqlType], SqlType], NumberExtreme | OrderedExtreme]:
    def create(
        argument_types: Sequence[SqlType], result_type: SqlType
    ) -> NumberExtreme | OrderedExtreme:
        if result_type.kind in _AS_INTEGERS or result_type.kind in _AS_FLOATS:
            return NumberExtreme(result_type, is_max=is_max)
        return OrderedExtreme(result_type, is_max=is_max)

    return create


class AnyValue:
    """any_value: the first value that is not null."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._type = result_type
        self._found: dict[int, Any] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        group_ids, vector = valid_rows(group_ids, arguments[0])
        groups, first = np.unique(group_ids, return_index=True)
        for group, row in zip(groups.tolist(), first.tolist(), strict=True):
            if group not in self._found:
                self._found[group] = to_values(vector.slice(row, 1), self._type)[0]

    def finish(self, group_count: int) -> Vector:
        return build_vector([self._found.get(group) for group in range(group_count)], self._type)


class BooleanFold:
    """bool_and and bool_or: whether no value, or any value, decides."""

    def __init__(self, *, deciding: bool) -> None:
        # bool_and is decided by false, bool_or by true.
        self._deciding = deciding
        self._decided: npt.NDArray[np.int64] = np.zeros(1, np.int64)
        self._counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._decided = grown(self._decided, group_count)
        self._counts = grown(self._counts, group_count)
        group_ids, vector = valid_rows(group_ids, arguments[0])
        values = vector.to_numpy(zero_copy_only=False)
        if len(values):
            self._counts[:group_count] += count_groups(group_ids, group_count)
            self._decided[:group_count] += count_groups(
                group_ids[values == self._deciding], group_count
            )

    def finish(self, group_count: int) -> Vector:
        decided = grown(self._decided, group_count)[:group_count] > 0
        missing = grown(self._counts, group_count)[:group_count] == 0
        return pa.array(decided == self._deciding, pa.bool_(), mask=missing)


class BitwiseFold:
    """bit_and, bit_or and bit_xor of integers."""

    def __init__(self, result_type: SqlType, combine: np.ufunc, start: int) -> None:
        self._type = result_type
        self._combine = combine
        self._start = start
        self._folded: npt.NDArray[np.int64] = np.full(1, start, np.int64)
        self._counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._folded = grown(self._folded, group_count, self._start)
        self._counts = grown(self._counts, group_count)
        group_ids, vector = valid_rows(group_ids, arguments[0])
        if len(vector):
            values = vector.to_numpy(zero_copy_only=False).astype(np.int64)
            self._combine.at(self._folded, group_ids, values)
            self._counts[:group_count] += count_groups(group_ids, group_count)

    def finish(self, group_count: int) -> Vector:
        folded = grown(self._folded, group_count, self._start)[:group_count]
        missing = grown(self._counts, group_count)[:group_count] == 0
        return pa.array(folded, pa.int64(), mask=missing).cast(arrow_type(self._type))


def _fold(deciding: bool) -> Callable[[Sequence[SqlType], SqlType], BooleanFold]:
    return lambda argument_types, result_type: BooleanFold(deciding=deciding)


def _bitwise(combine: np.ufunc, start: int) -> Callable[[Sequence[SqlType], SqlType], BitwiseFold]:
    return lambda argument_types, result_type: BitwiseFold(result_type, combine, start)


_ORDERED = (
    SMALLINT, INTEGER, BIGINT, OID, REAL, DOUBLE, NUMERIC, TEXT, CHAR, DATE, TIME, TIMETZ, TIMESTAMP, TIMESTAMPTZ,
    INTERVAL, BYTEA,
)  # fmt: skip

EXTREME_AGGREGATES: tuple[Aggregate, ...] = (
    *(Aggregate("min", (kind,), kind, _extreme(is_max=False)) for kind in _ORDERED),
    *(Aggregate("max", (kind,), kind, _extreme(is_max=True)) for kind in _ORDERED),
    Aggregate("min", (Polymorphic.ANYENUM,), Polymorphic.ANYENUM, _extreme(is_max=False)),
    Aggregate("max", (Polymorphic.ANYENUM,), Polymorphic.ANYENUM, _extreme(is_max=True)),
    Aggregate("min", (Polymorphic.ANYARRAY,), Polymorphic.ANYARRAY, _extreme(is_max=False)),
    Aggregate("max", (Polymorphic.ANYARRAY,), Polymorphic.ANYARRAY, _extreme(is_max=True)),
    Aggregate("any_value", (Polymorphic.ANYELEMENT,), Polymorphic.ANYELEMENT, AnyValue, is_order_sensitive=True),
    Aggregate("bool_and", (BOOLEAN,), BOOLEAN, _fold(deciding=False)),
    Aggregate("every", (BOOLEAN,), BOOLEAN, _fold(deciding=False)),
    Aggregate("bool_or", (BOOLEAN,), BOOLEAN, _fold(deciding=True)),
    *(
        Aggregate(name, (kind,), kind, _bitwise(combine, start))
        for name, combine, start in (
            ("bit_and", np.bitwise_and, -1), ("bit_or", np.bitwise_or, 0), ("bit_xor", np.bitwise_xor, 0),
        )
        for kind in (SMALLINT, INTEGER, BIGINT)
    ),
)  # fmt: skip
