"""Where tests can step in: `failpoints`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.storage.failpoints import FAILPOINTS
from lungfish.types.sql_type import BIGINT, BOOLEAN, TEXT

FAILPOINTS_COLUMNS: Columns = (
    ("name", TEXT),
    ("room", TEXT),
    ("description", TEXT),
    # Since somebody began to watch; nothing is counted before.
    ("hits", BIGINT),
    ("armed", BOOLEAN),
)


def failpoints_rows(core: StorageCore) -> Iterable[Row]:
    """In the order in which a life meets them."""
    hits = core.failpoints.hits()
    for point in FAILPOINTS:
        is_armed = core.failpoints.is_armed(point.name)
        yield (point.name, point.room, point.description, hits[point.name], is_armed)


FAILPOINT_VIEWS = (StorageView(12318, "failpoints", FAILPOINTS_COLUMNS, failpoints_rows),)
