"""What the planner may know of the data; storage and ANALYZE supply it, `DefaultStatistics` guesses."""

from __future__ import annotations

from typing import Protocol

from lungfish.catalog.objects import Table

# What PostgreSQL assumes of a table that it has not looked at is ten pages; this is about as many rows.
DEFAULT_ROW_COUNT = 1000.0


class Statistics(Protocol):
    """Facts about tables. All of them may be stale; none may change a result."""

    def row_count(self, table: Table) -> float:
        """About how many rows the table has."""

    def distinct_count(self, table: Table, column_number: int) -> float | None:
        """About how many different values the column of that number has, or None if nobody has counted."""


class DefaultStatistics:
    """Nothing is known."""

    def row_count(self, table: Table) -> float:
        """The same for every table."""
        return DEFAULT_ROW_COUNT

    def distinct_count(self, table: Table, column_number: int) -> float | None:
        """Unknown."""
        return None
