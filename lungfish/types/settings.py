"""What of a session's settings text input and output depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lungfish.types.time_zones import UTC, TimeZone


class ObjectNames(Protocol):
    """Names of objects by their oids, as regclass and its kin show and read them: `kind` is the type's name."""

    def name_of(self, kind: str, oid: int) -> str: ...
    def oid_of(self, kind: str, text: str) -> int:
        """Raises UndefinedTable and the like where nothing has that name."""


@dataclass(frozen=True, slots=True)
class TextSettings:
    """The settings that decide how values are read from and written to text; PostgreSQL's names in the comments."""

    # TimeZone.
    time_zone: TimeZone = UTC
    # The second part of DateStyle: MDY, DMY or YMD.
    date_order: str = "MDY"
    # The first part of DateStyle: ISO, SQL, Postgres or German.
    date_style: str = "ISO"
    # IntervalStyle: postgres, postgres_verbose, sql_standard or iso_8601.
    interval_style: str = "postgres"
    # bytea_output: hex or escape.
    bytea_output: str = "hex"
    # extra_float_digits: from 1 up floats are written with the fewest digits that read back the same.
    extra_float_digits: int = 1
    # The transaction's timestamp in microseconds since 1970, for 'now', 'today' and the like. Without it they are refused.
    transaction_timestamp: int | None = None
    # The session's catalog. Without it the types that show names show numbers.
    names: ObjectNames | None = None


# How values are written where no session is near: in vectors, in storage, in messages.
CANONICAL = TextSettings()
