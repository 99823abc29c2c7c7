"""An interval as Python gets it: a timedelta that remembers its months.

A timedelta knows days and microseconds only; a month is 30 days in it and a year 365, as psycopg has it. `IntervalDelta` is such a
timedelta, so it adds to dates and compares as any; besides it keeps the three parts that PostgreSQL keeps apart, goes back
into the database unchanged, and its text is PostgreSQL's.
"""

from __future__ import annotations

import datetime
from typing import Any, Self

from lungfish.types.format_interval import format_interval
from lungfish.types.sql_type import Interval


class IntervalDelta(datetime.timedelta):
    """A timedelta made from an interval."""

    interval: Interval
    # IntervalStyle of the session that gave it.
    style: str

    def __new__(cls, interval: Interval, style: str = "postgres") -> Self:
        """Raises OverflowError for an interval of more than about 2.7 million years."""
        years = int(interval.months / 12)
        days = years * 365 + (interval.months - years * 12) * 30 + interval.days
        made = super().__new__(cls, days, 0, interval.microseconds)
        made.interval = interval
        made.style = style
        return made

    def __str__(self) -> str:
        return format_interval(self.interval, self.style)

    def __reduce__(self) -> tuple[type[IntervalDelta], tuple[Any, ...]]:
        return IntervalDelta, (self.interval, self.style)
