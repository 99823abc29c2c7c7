"""Aggregates that put their values together one by one: sum and avg of intervals, bit_and, bit_or and bit_xor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.errors import StringDataLengthMismatch
from lungfish.functions import interval_math
from lungfish.functions.exact_sums import valid_part
from lungfish.functions.group_state import GroupArray, GroupIds, count_groups
from lungfish.functions.registry import Accumulator, Aggregate
from lungfish.functions.vector_tools import numbers_of
from lungfish.types.batch import Vector
from lungfish.types.sql_type import BIGINT, INTEGER, INTERVAL, SMALLINT, Interval, SqlType, TypeKind
from lungfish.types.vectors import build_vector, to_values

Step = Callable[[Any, Any], Any]


class Fold:
    """`step` from value to value; null for a group without values. `finish` sees the result and the number of values."""

    def __init__(
        self,
        types: Sequence[SqlType],
        result: SqlType,
        *,
        step: Step,
        finish: Callable[[Any, int], Any] | None = None,
    ) -> None:
        self._type = types[0]
        self._result = result
        self._step = step
        self._finish = finish
        self._states: dict[int, Any] = {}
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Take in the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        count_groups(self._counts, kept, group_count)
        states, step = self._states, self._step
        for group, value in zip(kept.tolist(), to_values(vector, self._type), strict=True):
            states[group] = step(states[group], value) if group in states else value

    def finish(self, group_count: int) -> Vector:
        """One value a group."""
        values = [self._states.get(group) for group in range(group_count)]
        if self._finish is not None:
            counts = self._counts.final(group_count).tolist()
            values = [
                None if value is None else self._finish(value, count)
                for value, count in zip(values, counts, strict=True)
            ]
        return build_vector(values, self._result)


class IntegerBits:
    """bit_and, bit_or or bit_xor of an integer type, by NumPy."""

    def __init__(self, ufunc: Any, start: int) -> None:
        self._ufunc = ufunc
        self._start = start
        self._slots: GroupArray | None = None
        self._seen = GroupArray(np.bool_, False)
        self._arrow_type: Any = None

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Take in the valid values."""
        self._arrow_type = arguments[0].type
        vector, kept = valid_part(arguments[0], group_ids)
        values = numbers_of(vector)
        if self._slots is None:
            self._slots = GroupArray(values.dtype, self._start)
        self._seen.grow(group_count)[kept] = True
        self._ufunc.at(self._slots.grow(group_count), kept, values)

    def finish(self, group_count: int) -> Vector:
        """One value a group; null for a group without values."""
        if self._slots is None:
            return pa.nulls(group_count, pa.int64())
        values = self._slots.final(group_count)
        return pa.array(values, self._arrow_type, mask=~self._seen.final(group_count))


def _average(total: Interval, count: int) -> Interval:
    return interval_math.divide(total, float(count))


def _bitwise(name: str, combine: Callable[[int, int], int]) -> Step:
    def step(left: str, right: str) -> str:
        if len(left) != len(right):
            raise StringDataLengthMismatch(f"cannot {name} bit strings of different sizes")
        return format(combine(int(left or "0", 2), int(right or "0", 2)), f"0{len(left)}b")

    return step


def _interval_sum(types: Sequence[SqlType], result: SqlType) -> Accumulator:
    return Fold(types, result, step=interval_math.add)


def _interval_average(types: Sequence[SqlType], result: SqlType) -> Accumulator:
    return Fold(types, result, step=interval_math.add, finish=_average)


def _integer_bits(ufunc: Any, start: int) -> Callable[[Sequence[SqlType], SqlType], Accumulator]:
    return lambda types, result: IntegerBits(ufunc, start)


def _string_bits(
    name: str,
    combine: Callable[[int, int], int],
) -> Callable[[Sequence[SqlType], SqlType], Accumulator]:
    return lambda types, result: Fold(types, result, step=_bitwise(name, combine))


_BIT = SqlType(TypeKind.BIT)
_BITS: tuple[tuple[str, Any, int, Callable[[int, int], int]], ...] = (
    ("bit_and", np.bitwise_and, -1, lambda left, right: left & right),
    ("bit_or", np.bitwise_or, 0, lambda left, right: left | right),
    ("bit_xor", np.bitwise_xor, 0, lambda left, right: left ^ right),
)

FOLDED_AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate("sum", (INTERVAL,), INTERVAL, _interval_sum),
    Aggregate("avg", (INTERVAL,), INTERVAL, _interval_average),
    *(
        Aggregate(name, (sql_type,), sql_type, _integer_bits(ufunc, start))
        for name, ufunc, start, _ in _BITS
        for sql_type in (SMALLINT, INTEGER, BIGINT)
    ),
    *(
        Aggregate(name, (_BIT,), _BIT, _string_bits(name[4:].upper(), combine))
        for name, _, _, combine in _BITS
    ),
)
