"""The functions that PostgreSQL's own aggregates go through, for those that people make of them (CREATE AGGREGATE).

int4_avg_accum, int8_avg, int4_sum   states of sums: a bigint, or an array {count, sum}
float8_accum, float8_avg, ...        an array {count, sum, sum of squared distances from the mean} (Youngs and Cramer)
int4larger, int4smaller, ...         the greater and the lesser of two values
booland_statefunc, boolor_statefunc  of two truth values
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from lungfish.errors import InvalidParameterValue, NumericValueOutOfRange
from lungfish.functions.numeric_math import divide
from lungfish.functions.registry import Function
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.compare import compare_values
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
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
    array_of,
)

_BIGINT_END = 2**63


def _counted(state: ArrayValue, name: str) -> tuple[Any, Any]:
    if state.dimensions != (2,) or None in state.elements:
        raise InvalidParameterValue(f"{name}: expected 2-element int8 array")
    count, total = state.elements
    return count, total


def _in_range(value: int) -> int:
    if not -_BIGINT_END <= value < _BIGINT_END:
        raise NumericValueOutOfRange("bigint out of range")
    return value


def _accumulate(state: ArrayValue, value: int) -> ArrayValue:
    count, total = _counted(state, "int4_avg_accum")
    return array_value([count + 1, _in_range(total + value)])


def _withdraw(state: ArrayValue, value: int) -> ArrayValue:
    count, total = _counted(state, "int4_avg_accum_inv")
    return array_value([count - 1, _in_range(total - value)])


def _combine_counted(one: ArrayValue, other: ArrayValue) -> ArrayValue:
    first, second = _counted(one, "int4_avg_combine"), _counted(other, "int4_avg_combine")
    return array_value([first[0] + second[0], _in_range(first[1] + second[1])])


def _average(state: ArrayValue) -> Decimal | None:
    count, total = _counted(state, "int8_avg")
    return divide(Decimal(total), Decimal(count)) if count else None


def _increment(state: int) -> int:
    return _in_range(state + 1)


def _add_to_sum(state: int | None, value: int | None) -> int | None:
    if state is None or value is None:
        return value if state is None else state
    return _in_range(state + value)


# States of doubles.


def _moments(state: ArrayValue, name: str) -> tuple[float, float, float]:
    if state.dimensions != (3,) or None in state.elements:
        raise InvalidParameterValue(f"{name}: expected 3-element float8 array")
    count, total, squares = state.elements
    return count, total, squares


def _accumulate_float(state: ArrayValue, value: float) -> ArrayValue:
    count, total, squares = _moments(state, "float8_accum")
    new_count, new_total = count + 1.0, total + value
    if count > 0.0:
        step = value * new_count - new_total
        squares += step * step / (new_count * count)
        if math.isinf(new_total) or math.isinf(squares):
            if not math.isinf(total) and not math.isinf(value):
                raise NumericValueOutOfRange("value out of range: overflow")
            squares = math.nan
    elif math.isnan(value) or math.isinf(value):
        squares = math.nan
    return array_value([new_count, new_total, squares])


def _combine_floats(one: ArrayValue, other: ArrayValue) -> ArrayValue:
    count, total, squares = _moments(one, "float8_combine")
    more, added, distance = _moments(other, "float8_combine")
    if count == 0.0:
        return other
    if more == 0.0:
        return one
    apart = total / count - added / more
    both = count + more
    return array_value(
        [both, total + added, squares + distance + count * more * apart * apart / both]
    )


def _float_result(
    least_count: int, of: Callable[[float, float, float], float]
) -> Callable[[ArrayValue], float | None]:
    def result(state: ArrayValue) -> float | None:
        count, total, squares = _moments(state, "float8_avg")
        return of(count, total, squares) if count >= least_count else None

    return result


_FLOAT_RESULTS = (
    ("float8_avg", _float_result(1, lambda count, total, _: total / count)),
    ("float8_var_pop", _float_result(1, lambda count, _, squares: squares / count)),
    ("float8_var_samp", _float_result(2, lambda count, _, squares: squares / (count - 1.0))),
    ("float8_stddev_pop", _float_result(1, lambda count, _, squares: math.sqrt(squares / count))),
    (
        "float8_stddev_samp",
        _float_result(2, lambda count, _, squares: math.sqrt(squares / (count - 1.0))),
    ),
)

# The greater and the lesser.

_COMPARED: tuple[tuple[str, SqlType], ...] = (
    ("int2", SMALLINT), ("int4", INTEGER), ("int8", BIGINT), ("float4", REAL), ("float8", DOUBLE), ("numeric_", NUMERIC),
    ("text_", TEXT), ("bpchar_", CHAR), ("date_", DATE), ("time_", TIME), ("timetz_", TIMETZ), ("timestamp_", TIMESTAMP),
    ("timestamptz_", TIMESTAMPTZ), ("interval_", INTERVAL), ("oid", OID),
)  # fmt: skip


def _extremes(prefix: str, kind: SqlType) -> Iterator[Function]:
    def larger(one: Any, other: Any) -> Any:
        return one if compare_values(one, other, kind) >= 0 else other

    def smaller(one: Any, other: Any) -> Any:
        return one if compare_values(one, other, kind) <= 0 else other

    yield Function(f"{prefix}larger", (kind, kind), kind, larger)
    yield Function(f"{prefix}smaller", (kind, kind), kind, smaller)


_COUNTED = array_of(BIGINT)
_MOMENTS = array_of(DOUBLE)

FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(f"{name}_avg_accum{suffix}", (_COUNTED, kind), _COUNTED, form)
        for name, kind in (("int2", SMALLINT), ("int4", INTEGER))
        for suffix, form in (("", _accumulate), ("_inv", _withdraw))
    ),
    Function("int4_avg_combine", (_COUNTED, _COUNTED), _COUNTED, _combine_counted),
    Function("int8_avg", (_COUNTED,), NUMERIC, _average),
    Function("int8inc", (BIGINT,), BIGINT, _increment),
    Function("int2_sum", (BIGINT, SMALLINT), BIGINT, _add_to_sum, is_strict=False),
    Function("int4_sum", (BIGINT, INTEGER), BIGINT, _add_to_sum, is_strict=False),
    Function("float8_accum", (_MOMENTS, DOUBLE), _MOMENTS, _accumulate_float),
    Function("float4_accum", (_MOMENTS, REAL), _MOMENTS, _accumulate_float),
    Function("float8_combine", (_MOMENTS, _MOMENTS), _MOMENTS, _combine_floats),
    *(Function(name, (_MOMENTS,), DOUBLE, form) for name, form in _FLOAT_RESULTS),
    *(function for prefix, kind in _COMPARED for function in _extremes(prefix, kind)),
    Function("booland_statefunc", (BOOLEAN, BOOLEAN), BOOLEAN, lambda one, other: one and other),
    Function("boolor_statefunc", (BOOLEAN, BOOLEAN), BOOLEAN, lambda one, other: one or other),
)
