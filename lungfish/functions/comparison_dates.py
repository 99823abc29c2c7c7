"""Comparison of dates with timestamps, and of timestamps without and with time zone.

A date is compared as its midnight, also where that midnight would be out of a timestamp's range; a value without time zone as the
instant that it is in the session's zone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from lungfish.functions.datetime_operators import text_settings
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.calendar import MICROSECONDS_PER_DAY, is_infinite_timestamp
from lungfish.types.sql_type import (
    BOOLEAN,
    DATE,
    INFINITE_DATE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_DATE,
    MINUS_INFINITE_TIMESTAMP,
    TIMESTAMP,
    TIMESTAMPTZ,
    SqlType,
)
from lungfish.types.time_zones import TimeZone

Comparison = Callable[[Any, Any], bool]
Convert = Callable[[int, TimeZone], int]

_OPERATORS: dict[str, Comparison] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def midnight_of(days: int) -> int:
    """A date's midnight in microseconds, however large."""
    if days == INFINITE_DATE:
        return INFINITE_TIMESTAMP
    if days == MINUS_INFINITE_DATE:
        return MINUS_INFINITE_TIMESTAMP
    midnight = days * MICROSECONDS_PER_DAY
    # A date beyond all timestamps is still before infinity.
    return min(midnight, INFINITE_TIMESTAMP - 1)


def _local_to_instant(local: int, zone: TimeZone) -> int:
    if is_infinite_timestamp(local) or local == INFINITE_TIMESTAMP - 1:
        return local
    return zone.to_instant(local)


def _date_to_instant(days: int, zone: TimeZone) -> int:
    return _local_to_instant(midnight_of(days), zone)


def _as_is(instant: int, zone: TimeZone) -> int:
    return instant


_CONVERSIONS: dict[SqlType, Convert] = {
    DATE: _date_to_instant,
    TIMESTAMP: _local_to_instant,
    TIMESTAMPTZ: _as_is,
}


def _zoned(compare: Comparison, left: SqlType, right: SqlType) -> Callable[..., bool]:
    left_instant, right_instant = _CONVERSIONS[left], _CONVERSIONS[right]

    def scalar(context: FunctionContext, one: int, other: int) -> bool:
        zone = text_settings(context).time_zone
        return compare(left_instant(one, zone), right_instant(other, zone))

    return scalar


def _functions() -> list[Function]:
    found = []
    for symbol, compare in _OPERATORS.items():
        found += [
            Function(symbol, (DATE, TIMESTAMP), BOOLEAN, _date_first(compare)),
            Function(symbol, (TIMESTAMP, DATE), BOOLEAN, _date_second(compare)),
        ]
        for other in (DATE, TIMESTAMP):
            for left, right in ((other, TIMESTAMPTZ), (TIMESTAMPTZ, other)):
                found.append(
                    Function(
                        symbol,
                        (left, right),
                        BOOLEAN,
                        _zoned(compare, left, right),
                        volatility=Volatility.STABLE,
                        needs_context=True,
                    )
                )
    return found


def _date_first(compare: Comparison) -> Comparison:
    return lambda days, timestamp: compare(midnight_of(days), timestamp)


def _date_second(compare: Comparison) -> Comparison:
    return lambda timestamp, days: compare(timestamp, midnight_of(days))


FUNCTIONS: tuple[Function, ...] = tuple(_functions())
