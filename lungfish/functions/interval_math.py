"""Arithmetic of intervals among themselves and with numbers, and their justification.

The three parts are added and subtracted on their own. Multiplied by a fraction, what is left of a month becomes days (of which it
has 30) and what is left of a day becomes time; this and its rounding follow PostgreSQL step by step.
"""

from __future__ import annotations

import math

from lungfish.errors import DatetimeFieldOverflow, DivisionByZero
from lungfish.functions.registry import Function
from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, SECONDS_PER_DAY
from lungfish.types.compare import DAYS_PER_MONTH
from lungfish.types.parse_interval import (
    INFINITE_INTERVAL,
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    MINUS_INFINITE_INTERVAL,
)
from lungfish.types.sql_type import DOUBLE, INTERVAL, Interval

INFINITIES = (INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL)


def out_of_range() -> DatetimeFieldOverflow:
    """The error of an interval that cannot be."""
    return DatetimeFieldOverflow("interval out of range")


def checked_interval(months: int, days: int, microseconds: int) -> Interval:
    """The finite interval of these parts. Raises 22008 where one overflows."""
    if (
        INT32_MIN <= months <= INT32_MAX
        and INT32_MIN <= days <= INT32_MAX
        and INT64_MIN <= microseconds <= INT64_MAX
    ):
        found = Interval(months, days, microseconds)
        if found not in INFINITIES:
            return found
    raise out_of_range()


def is_infinite(value: Interval) -> bool:
    """Whether the interval is infinity or -infinity."""
    return value in INFINITIES


def negate(value: Interval) -> Interval:
    """-value."""
    if value == INFINITE_INTERVAL:
        return MINUS_INFINITE_INTERVAL
    if value == MINUS_INFINITE_INTERVAL:
        return INFINITE_INTERVAL
    return checked_interval(-value.months, -value.days, -value.microseconds)


def add(left: Interval, right: Interval) -> Interval:
    """left + right. Raises 22008, also for the sum of the two infinities."""
    if is_infinite(left) or is_infinite(right):
        if is_infinite(left) and is_infinite(right) and left != right:
            raise out_of_range()
        return left if is_infinite(left) else right
    return checked_interval(
        left.months + right.months, left.days + right.days, left.microseconds + right.microseconds
    )


def subtract(left: Interval, right: Interval) -> Interval:
    """left - right."""
    if is_infinite(left) or is_infinite(right):
        if left == right:
            raise out_of_range()
        return left if is_infinite(left) else negate(right)
    return checked_interval(
        left.months - right.months, left.days - right.days, left.microseconds - right.microseconds
    )


def multiply(value: Interval, factor: float) -> Interval:
    """value * factor."""
    if math.isnan(factor):
        raise out_of_range()
    if is_infinite(value):
        if factor == 0.0:
            raise out_of_range()
        return value if factor > 0 else negate(value)
    if math.isinf(factor):
        return _infinite_product(value, factor)
    return _scaled(value, value.months * factor, value.days * factor, value.microseconds * factor)


def _infinite_product(value: Interval, factor: float) -> Interval:
    days = value.months * DAYS_PER_MONTH + value.days
    span = days * MICROSECONDS_PER_DAY + value.microseconds
    if span == 0:
        raise out_of_range()
    return INFINITE_INTERVAL if (span > 0) == (factor > 0) else MINUS_INFINITE_INTERVAL


def _product_reversed(factor: float, value: Interval) -> Interval:
    return multiply(value, factor)


def divide(value: Interval, divisor: float) -> Interval:
    """value / divisor. Raises 22012, 22008."""
    if divisor == 0.0:
        raise DivisionByZero("division by zero")
    if math.isnan(divisor):
        raise out_of_range()
    if is_infinite(value):
        if math.isinf(divisor):
            raise out_of_range()
        return value if divisor > 0 else negate(value)
    return _scaled(
        value, value.months / divisor, value.days / divisor, value.microseconds / divisor
    )


def _scaled(value: Interval, months: float, days: float, microseconds: float) -> Interval:
    """Cut months and days to whole ones, and hand their fractions down."""
    whole_months, whole_days = _to_int32(months), _to_int32(days)
    rest_days = _round_micro((months - whole_months) * DAYS_PER_MONTH)
    seconds = _round_micro((days - whole_days + rest_days - int(rest_days)) * SECONDS_PER_DAY)
    if abs(seconds) >= SECONDS_PER_DAY:
        carried = int(seconds / SECONDS_PER_DAY)
        whole_days += carried
        seconds -= carried * SECONDS_PER_DAY
    whole_days += int(rest_days)
    total = _rint(microseconds + seconds * MICROSECONDS_PER_SECOND)
    if not math.isfinite(total):
        raise out_of_range()
    return checked_interval(whole_months, whole_days, int(total))


def _to_int32(value: float) -> int:
    if not INT32_MIN - 1 < value < INT32_MAX + 1:
        raise out_of_range()
    return int(value)


def _round_micro(value: float) -> float:
    return _rint(value * MICROSECONDS_PER_SECOND) / MICROSECONDS_PER_SECOND


def _rint(value: float) -> float:
    return float(round(value)) if math.isfinite(value) else value


def justify_hours(value: Interval) -> Interval:
    """24 hours become a day."""
    if is_infinite(value):
        return value
    days, rest = _split(value.microseconds, MICROSECONDS_PER_DAY)
    days += value.days
    days, rest = _same_sign(days, rest, MICROSECONDS_PER_DAY)
    return checked_interval(value.months, days, rest)


def justify_days(value: Interval) -> Interval:
    """30 days become a month."""
    if is_infinite(value):
        return value
    months, rest = _split(value.days, DAYS_PER_MONTH)
    months += value.months
    months, rest = _same_sign(months, rest, DAYS_PER_MONTH)
    return checked_interval(months, rest, value.microseconds)


def justify_interval(value: Interval) -> Interval:
    """Both, and all parts of one sign."""
    if is_infinite(value):
        return value
    carried, microseconds = _split(value.microseconds, MICROSECONDS_PER_DAY)
    months, days = _split(value.days + carried, DAYS_PER_MONTH)
    months += value.months
    if months > 0 and (days < 0 or (days == 0 and microseconds < 0)):
        days, months = days + DAYS_PER_MONTH, months - 1
    elif months < 0 and (days > 0 or (days == 0 and microseconds > 0)):
        days, months = days - DAYS_PER_MONTH, months + 1
    days, microseconds = _same_sign(days, microseconds, MICROSECONDS_PER_DAY)
    return checked_interval(months, days, microseconds)


def _split(value: int, unit: int) -> tuple[int, int]:
    """Division toward zero, with its rest."""
    quotient = abs(value) // unit
    quotient = -quotient if value < 0 else quotient
    return quotient, value - quotient * unit


def _same_sign(large: int, small: int, unit: int) -> tuple[int, int]:
    if large > 0 and small < 0:
        return large - 1, small + unit
    if large < 0 and small > 0:
        return large + 1, small - unit
    return large, small


FUNCTIONS: tuple[Function, ...] = (
    Function("+", (INTERVAL, INTERVAL), INTERVAL, add),
    Function("-", (INTERVAL, INTERVAL), INTERVAL, subtract),
    Function("-", (INTERVAL,), INTERVAL, negate),
    Function("*", (INTERVAL, DOUBLE), INTERVAL, multiply),
    Function("*", (DOUBLE, INTERVAL), INTERVAL, _product_reversed),
    Function("/", (INTERVAL, DOUBLE), INTERVAL, divide),
    Function("justify_hours", (INTERVAL,), INTERVAL, justify_hours),
    Function("justify_days", (INTERVAL,), INTERVAL, justify_days),
    Function("justify_interval", (INTERVAL,), INTERVAL, justify_interval),
)
