"""count, sum and avg. Exact for integers and NUMERIC: totals are kept in two 64-bit halves that cannot overflow for 2^31 rows, or in
Decimals for values that do not fit 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions.group_state import (
    GroupIds,
    add_to_groups,
    count_groups,
    grown,
    valid_rows,
)
from lungfish.functions.numeric_division import divide_numeric
from lungfish.functions.registry import Aggregate, Polymorphic
from lungfish.types.batch import Vector
from lungfish.types.numerics import CONTEXT, canonical, checked, numeric_values, small_words
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    REAL,
    SMALLINT,
    Interval,
    SqlType,
    TypeKind,
)
from lungfish.types.vectors import build_vector, interval_fields

_LOW_BITS = 32
_LOW_MASK = (1 << _LOW_BITS) - 1


class Count:
    """count(*) and count(x)."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._counts = grown(self._counts, group_count)
        for vector in arguments[:1]:
            group_ids, _ = valid_rows(group_ids, vector)
        if group_count == 1:
            self._counts[0] += len(group_ids)
        elif len(group_ids):
            self._counts[:group_count] += count_groups(group_ids, group_count)

    def finish(self, group_count: int) -> Vector:
        return pa.array(grown(self._counts, group_count)[:group_count], pa.int64())


class ExactTotals:
    """Totals and counts of integers, group by group: `high * 2^32 + low`."""

    def __init__(self) -> None:
        self.high: npt.NDArray[np.int64] = np.zeros(1, np.int64)
        self.low: npt.NDArray[np.int64] = np.zeros(1, np.int64)
        self.counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def grow(self, group_count: int) -> None:
        """Make room for groups."""
        self.high = grown(self.high, group_count)
        self.low = grown(self.low, group_count)
        self.counts = grown(self.counts, group_count)

    def add(self, group_ids: GroupIds, group_count: int, values: npt.NDArray[np.int64]) -> None:
        """Take in the values of a batch, none of them null."""
        if not len(values):
            return
        if group_count == 1:
            self.counts[0] += len(values)
        else:
            self.counts[:group_count] += count_groups(group_ids, group_count)
        if values.dtype != np.int64 or (
            int(values.max()) < 1 << 31 and int(values.min()) >= -(1 << 31)
        ):
            add_to_groups(self.low, group_ids, values.astype(np.int64, copy=False))
        else:
            add_to_groups(self.high, group_ids, values >> _LOW_BITS)
            add_to_groups(self.low, group_ids, values & _LOW_MASK)

    def total(self, group: int) -> int:
        """A group's exact total."""
        return (int(self.high[group]) << _LOW_BITS) + int(self.low[group])

    def totals(self, group_count: int) -> list[int | None]:
        """The totals; None for groups without a value."""
        self.grow(group_count)
        highs, lows = self.high.tolist(), self.low.tolist()
        return [
            (highs[group] << _LOW_BITS) + lows[group] if count else None
            for group, count in enumerate(self.counts[:group_count].tolist())
        ]


class SumOfIntegers:
    """sum(smallint), sum(integer) -> bigint; sum(bigint) -> numeric."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = ExactTotals()
        self._is_bigint = result_type.kind is TypeKind.BIGINT

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.grow(group_count)
        group_ids, vector = valid_rows(group_ids, arguments[0])
        self._totals.add(group_ids, group_count, vector.to_numpy(zero_copy_only=False))

    def finish(self, group_count: int) -> Vector:
        totals = self._totals.totals(group_count)
        if not self._is_bigint:
            return build_vector(
                [None if total is None else Decimal(total) for total in totals], NUMERIC
            )
        for total in totals:
            if total is not None and not -(2**63) <= total < 2**63:
                raise NumericValueOutOfRange("bigint out of range")
        return pa.array(totals, pa.int64())


class AverageOfIntegers:
    """avg of an integer type -> numeric."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = ExactTotals()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.grow(group_count)
        group_ids, vector = valid_rows(group_ids, arguments[0])
        self._totals.add(group_ids, group_count, vector.to_numpy(zero_copy_only=False))

    def finish(self, group_count: int) -> Vector:
        totals = self._totals.totals(group_count)
        return build_vector(
            [
                None if total is None else divide_numeric(Decimal(total), Decimal(count))
                for total, count in zip(totals, self._totals.counts.tolist(), strict=False)
            ],
            NUMERIC,
        )


class NumericTotals:
    """Totals of NUMERIC: exact integers at one scale where vectors allow it, Decimals for the rest."""

    def __init__(self) -> None:
        # Totals of the unscaled values of decimal128 vectors, by scale.
        self._scaled: dict[int, ExactTotals] = {}
        # Totals of all else. The largest scale met is part of the result, as in PostgreSQL.
        self._others: dict[int, Decimal] = {}
        self._other_counts: dict[int, int] = {}

    def update(self, group_ids: GroupIds, group_count: int, vector: Vector) -> None:
        """Take in a batch."""
        group_ids, vector = valid_rows(group_ids, vector)
        words = small_words(vector)
        if words is not None:
            totals = self._scaled.setdefault(vector.type.scale, ExactTotals())
            totals.grow(group_count)
            totals.add(group_ids, group_count, words)
            return
        others, counts = self._others, self._other_counts
        for group, value in zip(group_ids.tolist(), numeric_values(vector), strict=True):
            before = others.get(group)
            others[group] = value if before is None else _added(before, value)
            counts[group] = counts.get(group, 0) + 1

    def results(self, group_count: int) -> list[tuple[Decimal, int] | None]:
        """The total and count of each group; None for groups without a value."""
        found: list[tuple[Decimal, int] | None] = [
            (self._others[group], self._other_counts[group]) if group in self._others else None
            for group in range(group_count)
        ]
        for scale, totals in self._scaled.items():
            for group, total in enumerate(totals.totals(group_count)):
                if total is None:
                    continue
                value = Decimal(total).scaleb(-scale, CONTEXT)
                count = int(totals.counts[group])
                before = found[group]
                if before is not None:
                    value, count = _added(before[0], value), before[1] + count
                found[group] = (value, count)
        return found


def _added(left: Decimal, right: Decimal | None) -> Decimal:
    """The sum, with infinities of both signs giving NaN."""
    assert right is not None
    if left.is_infinite() and right.is_infinite() and (left > 0) != (right > 0):
        return Decimal("NaN")
    return CONTEXT.add(left, right)


class SumOfNumeric:
    """sum(numeric)."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = NumericTotals()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.update(group_ids, group_count, arguments[0])

    def finish(self, group_count: int) -> Vector:
        results = self._totals.results(group_count)
        return build_vector(
            [None if found is None else checked(found[0]) for found in results], NUMERIC
        )


class AverageOfNumeric:
    """avg(numeric)."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = NumericTotals()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.update(group_ids, group_count, arguments[0])

    def finish(self, group_count: int) -> Vector:
        results = self._totals.results(group_count)
        return build_vector(
            [
                None
                if found is None
                else divide_numeric(
                    canonical(found[0]) if found[0].is_finite() else found[0], Decimal(found[1])
                )
                for found in results
            ],
            NUMERIC,
        )


class FloatTotals:
    """Totals and counts of floats. NumPy sums pairwise within a group's run of rows, in a fixed order, so results do not waver."""

    def __init__(self) -> None:
        self.totals: npt.NDArray[np.float64] = np.zeros(1)
        self.counts: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def update(self, group_ids: GroupIds, group_count: int, vector: Vector) -> None:
        """Take in a batch."""
        self.totals = grown(self.totals, group_count)
        self.counts = grown(self.counts, group_count)
        group_ids, vector = valid_rows(group_ids, vector)
        values = vector.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        if not len(values):
            return
        with np.errstate(invalid="ignore", over="ignore"):
            if group_count == 1:
                self.totals[0] += values.sum()
                self.counts[0] += len(values)
            else:
                self.totals[:group_count] += np.bincount(group_ids, values, group_count)
                self.counts[:group_count] += count_groups(group_ids, group_count)


class SumOfFloats:
    """sum(real), sum(double precision)."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = FloatTotals()
        self._type = pa.float32() if result_type.kind is TypeKind.REAL else pa.float64()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.update(group_ids, group_count, arguments[0])

    def finish(self, group_count: int) -> Vector:
        totals = grown(self._totals.totals, group_count)[:group_count]
        counts = grown(self._totals.counts, group_count)[:group_count]
        return pa.array(totals, pa.float64(), mask=counts == 0).cast(self._type)


class AverageOfFloats:
    """avg(real), avg(double precision) -> double precision."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._totals = FloatTotals()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._totals.update(group_ids, group_count, arguments[0])

    def finish(self, group_count: int) -> Vector:
        totals = grown(self._totals.totals, group_count)[:group_count]
        counts = grown(self._totals.counts, group_count)[:group_count]
        with np.errstate(invalid="ignore", divide="ignore"):
            return pa.array(totals / counts, pa.float64(), mask=counts == 0)


class IntervalTotals:
    """Totals of intervals, part by part; avg divides as PostgreSQL's interval division does."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._parts = {name: ExactTotals() for name in ("months", "days", "microseconds")}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        group_ids, vector = valid_rows(group_ids, arguments[0])
        fields = interval_fields(vector)
        for name, totals in self._parts.items():
            totals.grow(group_count)
            totals.add(group_ids, group_count, fields[name].astype(np.int64))

    def results(self, group_count: int) -> list[tuple[int, int, int, int] | None]:
        """Months, days, microseconds and count of each group."""
        months, days, microseconds = (part.totals(group_count) for part in self._parts.values())
        counts = self._parts["months"].counts.tolist()
        return [
            None if month is None else (month, day or 0, microsecond or 0, count)
            for month, day, microsecond, count in zip(
                months, days, microseconds, counts, strict=False
            )
        ]

    def finish(self, group_count: int) -> Vector:
        return build_vector(
            [
                None if found is None else Interval(*found[:3])
                for found in self.results(group_count)
            ],
            INTERVAL,
        )


class AverageOfIntervals(IntervalTotals):
    """avg(interval)."""

    def finish(self, group_count: int) -> Vector:
        return build_vector(
            [None if found is None else _divided(found) for found in self.results(group_count)],
            INTERVAL,
        )


def _divided(found: tuple[int, int, int, int]) -> Interval:
    """An interval divided by a count: fractions of months go to days of 1/30, fractions of days to time."""
    months, days, microseconds, count = found
    whole_months = int(months / count)
    rest_days = (months - whole_months * count) * 30
    whole_days = int((days + 0) / count)
    day_rest = (days - whole_days * count) + rest_days
    extra_days = int(day_rest / count)
    time_rest = (day_rest - extra_days * count) * 86_400_000_000
    return Interval(
        whole_months, whole_days + extra_days, round((microseconds + time_rest) / count)
    )


def _entries() -> tuple[Aggregate, ...]:
    integers = (SMALLINT, INTEGER, BIGINT)
    sums = [
        Aggregate("sum", (kind,), NUMERIC if kind is BIGINT else BIGINT, SumOfIntegers)
        for kind in integers
    ]
    averages = [Aggregate("avg", (kind,), NUMERIC, AverageOfIntegers) for kind in integers]
    return (
        Aggregate("count", (), BIGINT, Count, takes_star=True),
        Aggregate("count", (Polymorphic.ANY,), BIGINT, Count),
        *sums,
        Aggregate("sum", (NUMERIC,), NUMERIC, SumOfNumeric),
        Aggregate("sum", (REAL,), REAL, SumOfFloats),
        Aggregate("sum", (DOUBLE,), DOUBLE, SumOfFloats),
        Aggregate("sum", (INTERVAL,), INTERVAL, IntervalTotals),
        *averages,
        Aggregate("avg", (NUMERIC,), NUMERIC, AverageOfNumeric),
        Aggregate("avg", (REAL,), DOUBLE, AverageOfFloats),
        Aggregate("avg", (DOUBLE,), DOUBLE, AverageOfFloats),
        Aggregate("avg", (INTERVAL,), INTERVAL, AverageOfIntervals),
    )


SUM_AGGREGATES = _entries()
