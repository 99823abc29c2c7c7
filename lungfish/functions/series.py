"""generate_series: rows from a start to an end, of integers, NUMERIC and timestamps.

Every function looks at its arguments at once, so a wrong step is an error even where no row is asked for; the rows themselves
are made one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from lungfish.errors import InvalidParameterValue, NumericValueOutOfRange
from lungfish.functions.datetime_operators import (
    add_interval,
    add_interval_in_zone,
    text_settings,
)
from lungfish.functions.interval_math import is_infinite
from lungfish.functions.numeric_math import add
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.compare import interval_span
from lungfish.types.sql_type import (
    BIGINT,
    INTEGER,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Interval,
)
from lungfish.types.time_zones import TimeZone, zone_by_name


def _zero_step() -> InvalidParameterValue:
    return InvalidParameterValue("step size cannot equal zero")


def _integers(start: int, stop: int, step: int = 1) -> Iterable[int]:
    if step == 0:
        raise _zero_step()
    return range(start, stop + (1 if step > 0 else -1), step)


def _decimals(start: Decimal, stop: Decimal, step: Decimal = Decimal(1)) -> Iterator[Decimal]:
    for value, name in ((start, "start value"), (stop, "stop value"), (step, "step size")):
        if not value.is_finite():
            kind = "NaN" if value.is_nan() else "infinity"
            raise InvalidParameterValue(f"{name} cannot be {kind}")
    if not step:
        raise _zero_step()
    return _count(start, stop, step)


def _count(start: Decimal, stop: Decimal, step: Decimal) -> Iterator[Decimal]:
    value = start
    while value <= stop if step > 0 else value >= stop:
        yield value
        try:
            value = add(value, step)
        except NumericValueOutOfRange:
            # What lies beyond all numbers lies beyond the end.
            return


def _moments(
    start: int, stop: int, step: Interval, following: Callable[[int, Interval], int]
) -> Iterator[int]:
    if is_infinite(step):
        raise InvalidParameterValue("step size cannot be infinite")
    span = interval_span(step)
    if span == 0:
        raise _zero_step()
    return _count_moments(start, stop, step, following)


def _count_moments(
    start: int, stop: int, step: Interval, following: Callable[[int, Interval], int]
) -> Iterator[int]:
    is_upward = interval_span(step) > 0
    moment = start
    while moment <= stop if is_upward else moment >= stop:
        # Before this one is given out: a row fails whose successor is no timestamp, as in PostgreSQL.
        after = following(moment, step)
        yield moment
        moment = after


def _timestamps(start: int, stop: int, step: Interval) -> Iterator[int]:
    return _moments(start, stop, step, add_interval)


def _instants(start: int, stop: int, step: Interval, zone: TimeZone) -> Iterator[int]:
    return _moments(start, stop, step, lambda instant, by: add_interval_in_zone(instant, by, zone))


def _session_instants(
    context: FunctionContext, start: int, stop: int, step: Interval
) -> Iterator[int]:
    return _instants(start, stop, step, text_settings(context).time_zone)


def _zone_instants(start: int, stop: int, step: Interval, zone: str) -> Iterator[int]:
    return _instants(start, stop, step, zone_by_name(zone))


_NAME = "generate_series"

FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(_NAME, (kind,) * count, kind, make, returns_set=True)
        for kind, make in ((INTEGER, _integers), (BIGINT, _integers), (NUMERIC, _decimals))
        for count in (2, 3)
    ),
    Function(_NAME, (TIMESTAMP, TIMESTAMP, INTERVAL), TIMESTAMP, _timestamps, returns_set=True),
    Function(
        _NAME,
        (TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL),
        TIMESTAMPTZ,
        _session_instants,
        volatility=Volatility.STABLE,
        needs_context=True,
        returns_set=True,
    ),
    Function(
        _NAME,
        (TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, TEXT),
        TIMESTAMPTZ,
        _zone_instants,
        returns_set=True,
    ),
)
