"""ISO 8601's intervals, as PostgreSQL reads them: with designators (P1Y2M3DT4H5M6S) or without (P0001-02-03T04:05:06, P00010203T040506).

A number may have a fraction and an exponent, and is read as a floating-point number, so a long one leaves its fraction few digits.
"""

from __future__ import annotations

import re
from typing import Protocol

from lungfish.types.datetime_errors import DecodingError, Fault

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NUMBER_MAX = 1e15
_DIGITS = re.compile(r"-?(\d*)", re.ASCII)

_DATE = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_TIME = {"H": "hour", "M": "minute", "S": "second"}
_DATE_ORDER = ("year", "month", "day")
_TIME_ORDER = ("hour", "minute", "second")


class PartSum(Protocol):
    """What takes the parts of an interval."""

    def add(self, unit: str, value: int, fraction: float) -> None: ...


def decode_iso_interval(text: str, total: PartSum) -> None:
    """Add what stands behind the P to the sum. Raises DecodingError."""
    if not text:
        raise DecodingError
    date, mark, time = text.partition("T")
    _Part(date, total).decode(_DATE, _DATE_ORDER, "-", width=8)
    while mark:
        # PostgreSQL lets the mark come again.
        part, mark, time = time.partition("T")
        _Part(part, total).decode(_TIME, _TIME_ORDER, ":", width=6)


class _Part:
    """The date part or the time part."""

    def __init__(self, text: str, total: PartSum) -> None:
        self._text = text
        self._total = total
        self._place = 0

    def decode(
        self, units: dict[str, str], order: tuple[str, ...], separator: str, *, width: int
    ) -> None:
        """Read the part. `width` is how many digits it has when written without separators."""
        text = self._text
        while self._place < len(text):
            start = self._place
            value, fraction = self._number()
            sign = text[self._place : self._place + 1]
            if sign in units:
                self._total.add(units[sign], value, fraction)
                self._place += 1
            elif start or sign not in ("", separator):
                raise DecodingError
            elif not sign and _digit_count(text) == width:
                self._add_whole(order, value, fraction)
            else:
                self._add_separated(order, separator, value, fraction)
                return

    def _add_whole(self, order: tuple[str, ...], value: int, fraction: float) -> None:
        sign = -1 if value < 0 else 1
        digits = abs(value)
        numbers = (digits // 10_000, digits // 100 % 100, digits % 100)
        for unit, number in zip(order, numbers, strict=True):
            self._total.add(unit, sign * number, 0.0)
        # As in PostgreSQL, what is behind the point of such seconds is lost: it is taken for a fraction of a microsecond.
        self._total.add("day" if order is _DATE_ORDER else "microsecond", 0, fraction)

    def _add_separated(
        self, order: tuple[str, ...], separator: str, value: int, fraction: float
    ) -> None:
        """The first number has been read already."""
        self._total.add(order[0], value, fraction)
        for unit in order[1:]:
            if self._place == len(self._text):
                return
            if self._text[self._place] != separator:
                raise DecodingError
            self._place += 1
            self._total.add(unit, *self._number())
        if self._place < len(self._text):
            raise DecodingError

    def _number(self) -> tuple[int, float]:
        """The number that stands here: its whole part and its fraction, both with its sign."""
        match = _NUMBER.match(self._text, self._place)
        if match is None:
            raise DecodingError
        self._place = match.end()
        value = float(match[0])
        if not -_NUMBER_MAX <= value <= _NUMBER_MAX:
            raise DecodingError(Fault.FIELD_OVERFLOW)
        whole = int(value)
        return whole, value - whole


def _digit_count(text: str) -> int:
    match = _DIGITS.match(text)
    return len(match[1]) if match is not None else 0
