"""The log's files, and who keeps them: `wal_segments`, `wal_retention`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.retention import REMEDIES, HolderKind, RetentionHolder, retention_shares
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.recovery.wal_segments import Segment
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import BIGINT, BOOLEAN, DOUBLE, INTEGER, PG_LSN, TEXT, TIMESTAMPTZ

WAL_SEGMENTS_COLUMNS: Columns = (
    ("segment_no", BIGINT),
    ("start_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("size_bytes", BIGINT),
    ("state", TEXT),
    ("needed_by", INTEGER),
    ("first_at", TIMESTAMPTZ),
    ("last_at", TIMESTAMPTZ),
    ("archived_at", TIMESTAMPTZ),
    ("crc_ok", BOOLEAN),
    ("path", TEXT),
)

WAL_RETENTION_COLUMNS: Columns = (
    ("holder_kind", TEXT),
    ("holder_id", TEXT),
    ("owner", TEXT),
    ("pinned_lsn", PG_LSN),
    ("pinned_bytes", BIGINT),
    ("exclusive_bytes", BIGINT),
    ("since", TIMESTAMPTZ),
    ("age_s", DOUBLE),
    ("is_binding", BOOLEAN),
    ("remedy", TEXT),
    ("remedy_sql", TEXT),
)


def wal_segments_rows(core: StorageCore) -> Iterable[Row]:
    """Lowest number first; those kept to be reused have no number of their own any more and are left out."""
    segments = core.folder.survey(core.store.uuid)
    holders = core.retention.holders()
    next_made_at = [
        None if following.header is None else following.header.created_at
        for following in segments[1:]
    ]
    for segment, last_at in zip(segments, [*next_made_at, None], strict=True):
        yield _segment_row(core, segment, holders, last_at)


def _segment_row(
    core: StorageCore,
    segment: Segment,
    holders: tuple[RetentionHolder, ...],
    last_at: int | None,
) -> Row:
    header = segment.header
    path = core.folder.path_of(segment.number)
    if header is None:
        # Its making was cut off; it holds nothing.
        return (segment.number, *(None,) * 3, "removable", 0, *(None,) * 3, False, path)
    needed_by = sum(holder.pinned_lsn < header.end for holder in holders)
    if core.log.writer.segment_number == segment.number:
        state = "active"
    else:
        state = "needed" if needed_by else "removable"
    return (
        segment.number,
        format_lsn(header.start),
        format_lsn(header.end),
        header.size,
        state,
        needed_by,
        header.created_at,
        last_at,
        None,
        True,
        path,
    )


def wal_retention_rows(core: StorageCore) -> Iterable[Row]:
    """The lowest pin first."""
    now = core.clock.utc_us()
    for share in retention_shares(core.retention.holders(), core.log.end_lsn()):
        holder = share.holder
        remedy, remedy_sql = REMEDIES[holder.kind]
        if remedy_sql is not None:
            remedy_sql = remedy_sql.format(name=quote_identifier(holder.id))
        yield (
            holder.kind.value,
            holder.id,
            holder.owner,
            format_lsn(holder.pinned_lsn),
            share.pinned_bytes,
            share.exclusive_bytes,
            holder.since,
            (now - holder.since) / 1_000_000,
            share.is_binding,
            remedy,
            remedy_sql,
        )


LOG_VIEWS = (
    StorageView(12305, "wal_segments", WAL_SEGMENTS_COLUMNS, wal_segments_rows),
    StorageView(12306, "wal_retention", WAL_RETENTION_COLUMNS, wal_retention_rows),
)

assert set(REMEDIES) == set(HolderKind)
