"""The time zones that SET TIME ZONE and AT TIME ZONE know: pg_timezone_names and pg_timezone_abbrevs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import SystemView
from lungfish.executor.system_views.definition import catalog_of
from lungfish.types.calendar import MICROSECONDS_PER_SECOND
from lungfish.types.sql_type import Interval
from lungfish.types.time_zones import (
    DAYLIGHT_ABBREVIATIONS,
    STANDARD_ABBREVIATIONS,
    find_zone,
    zone_names,
)

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _names(context: ExecutionContext) -> Rows:
    now = context.functions.transaction_timestamp()
    for name in zone_names():
        zone = find_zone(name)
        if zone is not None:
            offset = zone.offset_at(now)
            yield name, zone.abbreviation_at(now), _interval(offset), zone.is_daylight_at(now)


def _abbreviations(_context: ExecutionContext) -> Rows:
    for is_daylight, table in ((False, STANDARD_ABBREVIATIONS), (True, DAYLIGHT_ABBREVIATIONS)):
        for name, offset in table.items():
            yield name.upper(), _interval(offset), is_daylight


def _interval(seconds: int) -> Interval:
    return Interval(0, 0, seconds * MICROSECONDS_PER_SECOND)


ZONE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        12490,
        "pg_timezone_names",
        "name text, abbrev text, utc_offset interval, is_dst bool",
        _names,
    ),
    catalog_of(
        12491,
        "pg_timezone_abbrevs",
        "abbrev text, utc_offset interval, is_dst bool",
        _abbreviations,
    ),
)
