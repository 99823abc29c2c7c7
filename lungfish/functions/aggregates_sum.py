"""sum and avg of integers, NUMERIC, floats and intervals.

The results' types are PostgreSQL's: sum(integer) is bigint, sum(bigint) and avg of integers are numeric, sum(real) is real
but avg(real) double precision. Floats are added in the order of the rows, one after the other, so the result is always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions import numeric_math
from lungfish.functions.exact_sums import ExactSum, valid_part
from lungfish.functions.group_state import GroupArray, GroupIds, count_groups
from lungfish.functions.registry import Aggregate
from lungfish.functions.vector_tools import numbers_of
from lungfish.types.batch import Vector
from lungfish.types.numerics import ZERO, numeric_values, small_words
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INTEGER,
    NUMERIC,
    REAL,
    SMALLINT,
    SqlType,
)
from lungfish.types.vectors import build_vector


class IntegerSum:
    """sum or avg of an integer type."""

    def __init__(self, result: SqlType, *, is_average: bool) -> None:
        self._result = result
        self._is_average = is_average
        self._sum = ExactSum()
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Add the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        count_groups(self._counts, kept, group_count)
        self._sum.add(kept, group_count, numbers_of(vector).astype(np.int64, copy=False))

    def finish(self, group_count: int) -> Vector:
        """The sums or averages; null for a group without values. Raises 22003 for a BIGINT sum that does not fit."""
        counts = self._counts.final(group_count)
        if self._result is BIGINT:
            plain = self._sum.plain_totals(group_count)
            if plain is not None:
                return pa.array(plain, mask=counts == 0)
        totals = self._sum.totals(group_count)
        if self._result is BIGINT:
            if any(not -(2**63) <= total < 2**63 for total in totals):
                raise NumericValueOutOfRange("bigint out of range")
            return pa.array(np.array(totals, np.int64), mask=counts == 0)
        return build_vector(
            _sums_or_averages([Decimal(total) for total in totals], counts, self._is_average),
            NUMERIC,
        )


def _sums_or_averages(
    totals: Sequence[Decimal], counts: npt.NDArray[np.int64], is_average: bool
) -> list[Decimal | None]:
    """Null where nothing was counted; else the sum, or the sum divided by the count."""
    found: list[Decimal | None] = []
    for total, count in zip(totals, counts.tolist(), strict=True):
        if not count:
            found.append(None)
        else:
            found.append(numeric_math.divide(total, Decimal(count)) if is_average else total)
    return found


class NumericSum:
    """sum or avg of NUMERIC. Values of the decimal128 form are added by scale, as integers; others one by one."""

    def __init__(self, *, is_average: bool) -> None:
        self._is_average = is_average
        self._sums: dict[int, ExactSum] = {}
        # Which groups have had a value of a scale: it decides the result's display scale.
        self._scales: dict[int, GroupArray] = {}
        self._others: dict[int, Decimal] = {}
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Add the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        count_groups(self._counts, kept, group_count)
        if pa.types.is_decimal128(vector.type):
            self._add_decimals(kept, group_count, vector)
        else:
            others = self._others
            for group, value in zip(kept.tolist(), numeric_values(vector), strict=True):
                assert value is not None
                others[group] = numeric_math.add(others.get(group, ZERO), value)

    def _add_decimals(self, group_ids: GroupIds, group_count: int, vector: Vector) -> None:
        scale = vector.type.scale
        if scale not in self._sums:
            self._sums[scale], self._scales[scale] = ExactSum(), GroupArray(np.bool_, False)
        self._scales[scale].grow(group_count)[group_ids] = True
        words = small_words(vector)
        if words is None:
            self._sums[scale].add_wide(group_ids, group_count, vector)
        else:
            self._sums[scale].add(group_ids, group_count, words)

    def finish(self, group_count: int) -> Vector:
        """The sums or averages; null for a group without values."""
        totals = [self._others.get(group, ZERO) for group in range(group_count)]
        for scale, exact in self._sums.items():
            has_scale = self._scales[scale].final(group_count).tolist()
            for group, own in enumerate(exact.totals(group_count)):
                if has_scale[group]:
                    totals[group] = numeric_math.add(totals[group], numeric_math.scaled(own, scale))
        counts = self._counts.final(group_count)
        return build_vector(_sums_or_averages(totals, counts, self._is_average), NUMERIC)


class FloatSum:
    """sum or avg of floats, added in the order of the rows."""

    def __init__(self, dtype: npt.DTypeLike, *, is_average: bool) -> None:
        self._dtype = np.dtype(dtype)
        self._is_average = is_average
        self._sums = GroupArray(dtype)
        self._counts = GroupArray(np.int64)
        self._has_infinity = GroupArray(np.bool_, False)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Add the valid values."""
        vector, kept = valid_part(arguments[0], group_ids)
        count_groups(self._counts, kept, group_count)
        values = numbers_of(vector).astype(self._dtype, copy=False)
        is_infinite = np.isinf(values)
        if bool(is_infinite.any()):
            self._has_infinity.grow(group_count)[kept[is_infinite]] = True
        sums = self._sums.grow(group_count)
        with np.errstate(all="ignore"):
            if group_count == 1:
                # A running sum adds in order, where `sum` would add in pairs.
                if len(values):
                    sums[0] = np.cumsum(np.concatenate((sums[:1], values)))[-1]
            else:
                np.add.at(sums, kept, values)

    def finish(self, group_count: int) -> Vector:
        """The sums or averages; null for a group without values. Raises 22003 where finite values overflowed."""
        sums = self._sums.final(group_count)
        overflowed = np.isinf(sums) & ~self._has_infinity.final(group_count)
        if bool(overflowed.any()):
            raise NumericValueOutOfRange("value out of range: overflow")
        counts = self._counts.final(group_count)
        if self._is_average:
            sums = sums / np.maximum(counts, 1)
        return pa.array(sums, mask=counts == 0)


def _integer_sum(types: Sequence[SqlType], result: SqlType) -> Any:
    return IntegerSum(result, is_average=False)


def _integer_average(types: Sequence[SqlType], result: SqlType) -> Any:
    return IntegerSum(result, is_average=True)


AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate("sum", (SMALLINT,), BIGINT, _integer_sum),
    Aggregate("sum", (INTEGER,), BIGINT, _integer_sum),
    Aggregate("sum", (BIGINT,), NUMERIC, _integer_sum),
    Aggregate("avg", (SMALLINT,), NUMERIC, _integer_average),
    Aggregate("avg", (INTEGER,), NUMERIC, _integer_average),
    Aggregate("avg", (BIGINT,), NUMERIC, _integer_average),
    Aggregate("sum", (NUMERIC,), NUMERIC, lambda types, result: NumericSum(is_average=False)),
    Aggregate("avg", (NUMERIC,), NUMERIC, lambda types, result: NumericSum(is_average=True)),
    Aggregate(
        "sum",
        (REAL,),
        REAL,
        lambda t, r: FloatSum(np.float32, is_average=False),
        is_order_sensitive=True,
    ),
    Aggregate(
        "avg",
        (REAL,),
        DOUBLE,
        lambda t, r: FloatSum(np.float64, is_average=True),
        is_order_sensitive=True,
    ),
    Aggregate(
        "sum",
        (DOUBLE,),
        DOUBLE,
        lambda t, r: FloatSum(np.float64, is_average=False),
        is_order_sensitive=True,
    ),
    Aggregate(
        "avg",
        (DOUBLE,),
        DOUBLE,
        lambda t, r: FloatSum(np.float64, is_average=True),
        is_order_sensitive=True,
    ),
)
