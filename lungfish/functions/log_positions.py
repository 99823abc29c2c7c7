"""Arithmetic of pg_lsn: a place in the log is 64 bits, and distances between places are numeric."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from lungfish.errors import FeatureNotSupported, InvalidParameterValue
from lungfish.functions.registry import Function
from lungfish.types.sql_type import INTEGER, NUMERIC, PG_LSN

_LSN_MAX = 2**64 - 1


def _place(lsn: str) -> int:
    high, _, low = lsn.partition("/")
    return int(high, 16) << 32 | int(low, 16)


def _from_numeric(value: Decimal) -> str:
    """The place of that number, rounded to the nearest. Raises FeatureNotSupported, InvalidParameterValue."""
    if value.is_nan():
        raise FeatureNotSupported("cannot convert NaN to pg_lsn")
    if value.is_infinite():
        raise FeatureNotSupported("cannot convert infinity to pg_lsn")
    place = int(value.to_integral_value(ROUND_HALF_UP))
    if not 0 <= place <= _LSN_MAX:
        raise InvalidParameterValue("pg_lsn out of range")
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def _moved(word: str, sign: int) -> Callable[[str, Decimal], str]:
    def move(lsn: str, distance: Decimal) -> str:
        if distance.is_nan():
            raise FeatureNotSupported(f"cannot {word} pg_lsn")
        if distance.is_infinite():
            return _from_numeric(distance)
        return _from_numeric(_place(lsn) + sign * distance)

    return move


_add = _moved("add NaN to", 1)
_subtract = _moved("subtract NaN from", -1)


def _distance(left: str, right: str) -> Decimal:
    return Decimal(_place(left) - _place(right))


def _compare(left: str, right: str) -> int:
    first, second = _place(left), _place(right)
    return (first > second) - (first < second)


FUNCTIONS: tuple[Function, ...] = (
    Function("pg_lsn", (NUMERIC,), PG_LSN, _from_numeric),
    Function("+", (PG_LSN, NUMERIC), PG_LSN, _add),
    Function("+", (NUMERIC, PG_LSN), PG_LSN, lambda distance, lsn: _add(lsn, distance)),
    Function("-", (PG_LSN, NUMERIC), PG_LSN, _subtract),
    Function("-", (PG_LSN, PG_LSN), NUMERIC, _distance),
    Function("pg_wal_lsn_diff", (PG_LSN, PG_LSN), NUMERIC, _distance),
    Function("pg_lsn_cmp", (PG_LSN, PG_LSN), INTEGER, _compare),
)
