"""generate_series: rows from a start to an end, of integers, NUMERIC and timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from lungfish.errors import InvalidParameterValue
from lungfish.functions.registry import Function, FunctionContext
from lungfish.types.calendar import add_months, is_infinite_timestamp
from lungfish.types.compare import interval_span
from lungfish.types.numerics import CONTEXT, ZERO
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import (
    BIGINT,
    INTEGER,
    INTERVAL,
    NUMERIC,
    TIMESTAMP,
    Interval,
)

_DAY_US = 86_400_000_000


def _zero_step() -> InvalidParameterValue:
    return InvalidParameterValue("step size cannot equal zero")


def _integers(start: int, stop: int, step: int = 1) -> Iterable[int]:
    if step == 0:
        raise _zero_step()
    return range(start, stop + (1 if step > 0 else -1), step)


def _decimals(start: Decimal, stop: Decimal, step: Decimal = Decimal(1)) -> Iterator[Decimal]:
    for value, name in ((start, "start"), (stop, "stop"), (step, "step")):
        if not value.is_finite():
            word = "size" if name == "step" else "value"
            kind = "NaN" if value.is_nan() else "infinity"
            raise InvalidParameterValue(f"{name} {word} cannot be {kind}")
    if step == ZERO:
        raise _zero_step()
    return _count(start, stop, step)


def _count(start: Decimal, stop: Decimal, step: Decimal) -> Iterator[Decimal]:
    value = start
    while value <= stop if step > ZERO else value >= stop:
        yield value
        value = CONTEXT.add(value, step)


def _timestamps(start: int, stop: int, step: Interval) -> Iterator[int]:
    span = interval_span(step)
    if span == 0:
        raise _zero_step()
    if is_infinite_timestamp(start) or is_infinite_timestamp(stop):
        raise InvalidParameterValue("start and stop values must be finite")
    return _moments(start, stop, step, is_upward=span > 0)


def _moments(start: int, stop: int, step: Interval, *, is_upward: bool) -> Iterator[int]:
    moment = start
    while moment <= stop if is_upward else moment >= stop:
        yield moment
        days, rest = divmod(moment, _DAY_US)
        moment = (add_months(days, step.months) + step.days) * _DAY_US + rest + step.microseconds


def _instants(context: FunctionContext, start: int, stop: int, step: Interval) -> Iterator[int]:
    """Steps by the calendar of the session's time zone."""
    settings: TextSettings = context.session_fact("text_settings")
    zone = settings.time_zone
    for local in _timestamps(zone.to_local(start), zone.to_local(stop), step):
        yield zone.to_instant(local)


def _series(kind: Any, step: Any, make: Any) -> tuple[Function, ...]:
    return (
        Function("generate_series", (kind, kind), kind, make, returns_set=True),
        Function("generate_series", (kind, kind, step), kind, make, returns_set=True),
    )


SERIES_FUNCTIONS: tuple[Function, ...] = (
    *_series(INTEGER, INTEGER, _integers),
    *_series(BIGINT, BIGINT, _integers),
    *_series(NUMERIC, NUMERIC, _decimals),
    Function(
        "generate_series",
        (TIMESTAMP, TIMESTAMP, INTERVAL),
        TIMESTAMP,
        _timestamps,
        returns_set=True,
    ),
)
