"""Statistical aggregates: variance, deviation, correlation and regression.

Floats by Youngs and Cramer's updating sums, as PostgreSQL does since version 12; integers and NUMERIC exactly, from the sums of the
values and of their squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions import numeric_math
from lungfish.functions.group_state import GroupIds
from lungfish.functions.registry import Aggregate
from lungfish.types.batch import Vector
from lungfish.types.numerics import CONTEXT, NAN, ZERO, numeric_values, round_to_scale, scale_of
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INTEGER,
    NUMERIC,
    REAL,
    SMALLINT,
    SqlType,
    TypeKind,
)
from lungfish.types.vectors import build_vector


class ExactMoments:
    """Count, sum and sum of squares of each group, exactly."""

    def __init__(self, *, is_sample: bool, is_root: bool) -> None:
        self._is_sample = is_sample
        self._is_root = is_root
        self._moments: dict[int, tuple[int, Decimal, Decimal]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        values = _as_decimals(arguments[0])
        moments, add, multiply = self._moments, CONTEXT.add, CONTEXT.multiply
        for group, value in zip(group_ids.tolist(), values, strict=True):
            if value is not None:
                count, total, squares = moments.get(group, (0, ZERO, ZERO))
                if value.is_finite() and total.is_finite():
                    moments[group] = (
                        count + 1,
                        add(total, value),
                        add(squares, multiply(value, value)),
                    )
                else:
                    moments[group] = (count + 1, NAN, NAN)

    def finish(self, group_count: int) -> Vector:
        return build_vector([self._answer(group) for group in range(group_count)], NUMERIC)

    def _answer(self, group: int) -> Decimal | None:
        count, total, squares = self._moments.get(group, (0, ZERO, ZERO))
        if count == 0 or (self._is_sample and count == 1):
            return None
        if total.is_nan():
            return NAN
        number = Decimal(count)
        spread = CONTEXT.subtract(CONTEXT.multiply(number, squares), CONTEXT.multiply(total, total))
        if spread <= 0:
            return ZERO
        divisor = CONTEXT.multiply(number, number - 1 if self._is_sample else number)
        variance = numeric_math.divide(spread, divisor)
        if not self._is_root:
            return variance
        # The root shows as many digits as the variance.
        return round_to_scale(variance.sqrt(CONTEXT_FOR_ROOTS), scale_of(variance))


CONTEXT_FOR_ROOTS = CONTEXT.copy()
CONTEXT_FOR_ROOTS.prec = 100


def _as_decimals(vector: Vector) -> list[Decimal | None]:
    if str(vector.type).startswith(("int", "uint")):
        return [None if value is None else Decimal(value) for value in vector.to_pylist()]
    return numeric_values(vector)


class FloatMoments:
    """Count, sum and sum of squared differences of each group, updated value by value."""

    def __init__(self, *, is_sample: bool, is_root: bool) -> None:
        self._is_sample = is_sample
        self._is_root = is_root
        self._moments: dict[int, tuple[int, float, float]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        moments, isfinite, isinf = self._moments, math.isfinite, math.isinf
        for group, value in zip(group_ids.tolist(), arguments[0].to_pylist(), strict=True):
            if value is None:
                continue
            count, total, spread = moments.get(group, (0, 0.0, 0.0))
            is_finite = isfinite(value) and not isinf(total)
            count += 1
            total += value
            if count > 1:
                difference = value * count - total
                spread += difference * difference / (count * (count - 1))
                if isinf(spread):
                    spread = _not_a_number(is_overflow=is_finite)
            elif not is_finite:
                spread = math.nan
            moments[group] = (count, total, spread)

    def finish(self, group_count: int) -> Vector:
        return build_vector([self._answer(group) for group in range(group_count)], DOUBLE)

    def _answer(self, group: int) -> float | None:
        count, _, spread = self._moments.get(group, (0, 0.0, 0.0))
        divisor = count - 1 if self._is_sample else count
        if divisor <= 0:
            return None
        variance = spread / divisor
        return math.sqrt(variance) if self._is_root else variance


def _not_a_number(*, is_overflow: bool) -> float:
    """What stands for an infinite spread. Raises NumericValueOutOfRange where no value was infinite."""
    if is_overflow:
        raise NumericValueOutOfRange("value out of range: overflow")
    return math.nan


Pair = tuple[int, float, float, float, float, float]


class Regression:
    """The regression family over (y, x): count, sums, and sums of squared and mixed differences."""

    def __init__(self, answer: Callable[[Pair], float | None]) -> None:
        self._answer = answer
        self._moments: dict[int, Pair] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        moments, isinf, isfinite = self._moments, math.isinf, math.isfinite
        ys, xs = (vector.to_pylist() for vector in arguments)
        for group, y, x in zip(group_ids.tolist(), ys, xs, strict=True):
            if x is None or y is None:
                continue
            count, sum_x, sum_xx, sum_y, sum_yy, sum_xy = moments.get(
                group, (0, 0.0, 0.0, 0.0, 0.0, 0.0)
            )
            x_is_bounded = not (isinf(sum_x) or isinf(x))
            y_is_bounded = not (isinf(sum_y) or isinf(y))
            count += 1
            sum_x += x
            sum_y += y
            if count > 1:
                dx, dy = x * count - sum_x, y * count - sum_y
                scale = 1.0 / (count * (count - 1))
                sum_xx += dx * dx * scale
                sum_yy += dy * dy * scale
                sum_xy += dx * dy * scale
                if isinf(sum_xx):
                    sum_xx = _not_a_number(is_overflow=x_is_bounded)
                if isinf(sum_yy):
                    sum_yy = _not_a_number(is_overflow=y_is_bounded)
                if isinf(sum_xy):
                    sum_xy = _not_a_number(is_overflow=x_is_bounded and y_is_bounded)
            elif not (isfinite(x) and isfinite(y)):
                sum_xy = math.nan
                sum_xx = sum_xx if isfinite(x) else math.nan
                sum_yy = sum_yy if isfinite(y) else math.nan
            moments[group] = (count, sum_x, sum_xx, sum_y, sum_yy, sum_xy)

    def finish(self, group_count: int) -> Vector:
        answers = [
            self._answer(self._moments.get(group, (0, 0.0, 0.0, 0.0, 0.0, 0.0)))
            for group in range(group_count)
        ]
        return build_vector(answers, DOUBLE)


def _corr(pair: Pair) -> float | None:
    count, _, xx, _, yy, xy = pair
    return None if count < 1 or xx == 0 or yy == 0 else xy / math.sqrt(xx * yy)


def _slope(pair: Pair) -> float | None:
    count, _, xx, _, _, xy = pair
    return None if count < 1 or xx == 0 else xy / xx


def _intercept(pair: Pair) -> float | None:
    count, x, xx, y, _, xy = pair
    return None if count < 1 or xx == 0 else (y - x * xy / xx) / count


def _r2(pair: Pair) -> float | None:
    count, _, xx, _, yy, xy = pair
    if count < 1 or xx == 0:
        return None
    return 1.0 if yy == 0 else xy * xy / (xx * yy)


_REGRESSIONS: dict[str, Callable[[Pair], float | None]] = {
    "corr": _corr,
    "covar_pop": lambda pair: pair[5] / pair[0] if pair[0] else None,
    "covar_samp": lambda pair: pair[5] / (pair[0] - 1) if pair[0] > 1 else None,
    "regr_avgx": lambda pair: pair[1] / pair[0] if pair[0] else None,
    "regr_avgy": lambda pair: pair[3] / pair[0] if pair[0] else None,
    "regr_intercept": _intercept,
    "regr_r2": _r2,
    "regr_slope": _slope,
    "regr_sxx": lambda pair: pair[2] if pair[0] else None,
    "regr_sxy": lambda pair: pair[5] if pair[0] else None,
    "regr_syy": lambda pair: pair[4] if pair[0] else None,
}


class RegressionCount:
    """regr_count: the pairs without a null."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._counts: dict[int, int] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        ys, xs = (vector.to_pylist() for vector in arguments)
        for group, y, x in zip(group_ids.tolist(), ys, xs, strict=True):
            if x is not None and y is not None:
                self._counts[group] = self._counts.get(group, 0) + 1

    def finish(self, group_count: int) -> Vector:
        return build_vector([self._counts.get(group, 0) for group in range(group_count)], BIGINT)


def _moments(
    *, is_sample: bool, is_root: bool
) -> Callable[[Sequence[SqlType], SqlType], ExactMoments | FloatMoments]:
    def create(
        argument_types: Sequence[SqlType], result_type: SqlType
    ) -> ExactMoments | FloatMoments:
        kind = FloatMoments if result_type.kind is TypeKind.DOUBLE else ExactMoments
        return kind(is_sample=is_sample, is_root=is_root)

    return create


def _regression(
    answer: Callable[[Pair], float | None],
) -> Callable[[Sequence[SqlType], SqlType], Regression]:
    return lambda argument_types, result_type: Regression(answer)


_SPREADS = {
    "variance": (True, False), "var_samp": (True, False), "var_pop": (False, False),
    "stddev": (True, True), "stddev_samp": (True, True), "stddev_pop": (False, True),
}  # fmt: skip

STATISTICAL_AGGREGATES: tuple[Aggregate, ...] = (
    *(
        Aggregate(
            name,
            (kind,),
            DOUBLE if kind in (REAL, DOUBLE) else NUMERIC,
            _moments(is_sample=sample, is_root=root),
        )
        for name, (sample, root) in _SPREADS.items()
        for kind in (SMALLINT, INTEGER, BIGINT, NUMERIC, REAL, DOUBLE)
    ),
    *(
        Aggregate(name, (DOUBLE, DOUBLE), DOUBLE, _regression(answer))
        for name, answer in _REGRESSIONS.items()
    ),
    Aggregate("regr_count", (DOUBLE, DOUBLE), BIGINT, RegressionCount),
)
