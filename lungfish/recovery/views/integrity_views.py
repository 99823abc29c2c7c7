"""What was found damaged or failed: `integrity_events`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.types.sql_type import BIGINT, PG_LSN, TEXT, TIMESTAMPTZ

INTEGRITY_EVENTS_COLUMNS: Columns = (
    ("at", TIMESTAMPTZ),
    ("kind", TEXT),
    ("object", TEXT),
    ("page_no", BIGINT),
    ("lsn", PG_LSN),
    ("action", TEXT),
    ("source", TEXT),
    ("detail", TEXT),
)


def integrity_events_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first."""
    for event in core.integrity.events():
        yield (
            event.at,
            event.kind.value,
            event.object,
            event.page_no,
            None if event.lsn is None else format_lsn(event.lsn),
            event.action.value,
            event.source,
            event.detail,
        )


INTEGRITY_VIEWS = (
    StorageView(12315, "integrity_events", INTEGRITY_EVENTS_COLUMNS, integrity_events_rows),
)
