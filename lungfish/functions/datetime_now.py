"""What time it is: the transaction's, the statement's and the clock's; and moving between time zones."""

from __future__ import annotations

from lungfish.functions.datetime_operators import zone_of
from lungfish.functions.registry import Function, FunctionContext, Volatility
from lungfish.types.calendar import MICROSECONDS_PER_DAY, is_infinite_timestamp
from lungfish.types.sql_type import (
    DATE,
    INTEGER,
    INTERVAL,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Interval,
)
from lungfish.types.time_zones import fixed_zone, zone_by_name

_STABLE = Volatility.STABLE


def _transaction_time(context: FunctionContext) -> int:
    return context.transaction_timestamp()


def _statement_time(context: FunctionContext) -> int:
    return context.statement_timestamp()


def _clock_time(context: FunctionContext) -> int:
    return context.clock_timestamp()


def _rounded(value: int, digits: int) -> int:
    unit = 10 ** max(6 - digits, 0)
    return (value + unit // 2) // unit * unit


def _local_now(context: FunctionContext) -> int:
    return zone_of(context).to_local(context.transaction_timestamp())


def _today(context: FunctionContext) -> int:
    return _local_now(context) // MICROSECONDS_PER_DAY


def _local_time(context: FunctionContext) -> int:
    return _local_now(context) % MICROSECONDS_PER_DAY


def _to_zone(name: str, instant: int) -> int:
    return instant if is_infinite_timestamp(instant) else zone_by_name(name).to_local(instant)


def _from_zone(name: str, local: int) -> int:
    return local if is_infinite_timestamp(local) else zone_by_name(name).to_instant(local)


def _to_offset(offset: Interval, instant: int) -> int:
    return fixed_zone(offset.microseconds // 1_000_000).to_local(instant)


def _from_offset(offset: Interval, local: int) -> int:
    return fixed_zone(offset.microseconds // 1_000_000).to_instant(local)


FUNCTIONS: tuple[Function, ...] = (
    *(
        Function(name, (), TIMESTAMPTZ, _transaction_time, volatility=_STABLE, needs_context=True)
        for name in ("now", "transaction_timestamp", "current_timestamp")
    ),
    Function(
        "current_timestamp", (INTEGER,), TIMESTAMPTZ,
        lambda context, digits: _rounded(context.transaction_timestamp(), digits), volatility=_STABLE, needs_context=True,
    ),
    Function("statement_timestamp", (), TIMESTAMPTZ, _statement_time, volatility=_STABLE, needs_context=True),
    Function("clock_timestamp", (), TIMESTAMPTZ, _clock_time, volatility=Volatility.VOLATILE, needs_context=True),
    Function("current_date", (), DATE, _today, volatility=_STABLE, needs_context=True),
    Function("localtimestamp", (), TIMESTAMP, _local_now, volatility=_STABLE, needs_context=True),
    Function(
        "localtimestamp", (INTEGER,), TIMESTAMP,
        lambda context, digits: _rounded(_local_now(context), digits), volatility=_STABLE, needs_context=True,
    ),
    Function("localtime", (), TIME, _local_time, volatility=_STABLE, needs_context=True),
    Function("timezone", (TEXT, TIMESTAMPTZ), TIMESTAMP, _to_zone),
    Function("timezone", (TEXT, TIMESTAMP), TIMESTAMPTZ, _from_zone),
    Function("timezone", (INTERVAL, TIMESTAMPTZ), TIMESTAMP, _to_offset),
    Function("timezone", (INTERVAL, TIMESTAMP), TIMESTAMPTZ, _from_offset),
)  # fmt: skip
