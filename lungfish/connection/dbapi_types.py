"""PEP 249's type objects and constructors."""

from __future__ import annotations

import datetime
from typing import Final

apilevel: Final = "2.0"
# Threads may share the module and connections.
threadsafety: Final = 2
paramstyle: Final = "qmark"

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802 - PEP 249's name.
    """The local date of a time in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(ticks).date()


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802
    """The local time of day of a time in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(ticks).time()


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802
    """The local date and time of a time in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(ticks)


class TypeObject:
    """Equal to the type code (a SQL type's name without modifiers) of each column of its family."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TypeObject):
            return self._names == other._names
        return other in self._names

    def __hash__(self) -> int:
        return hash(self._names)


STRING = TypeObject(
    "text", "character varying", "character", "name", "json", "jsonb", "uuid", "unknown"
)
BINARY = TypeObject("bytea")
NUMBER = TypeObject("smallint", "integer", "bigint", "numeric", "real", "double precision", "oid")
DATETIME = TypeObject(
    "date",
    "time without time zone",
    "time with time zone",
    "timestamp without time zone",
    "timestamp with time zone",
    "interval",
)
ROWID = TypeObject("oid")
