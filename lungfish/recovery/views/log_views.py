"""The log's files, who keeps them, and what is archived: `wal_segments`, `wal_retention`, `pg_stat_archiver`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lungfish.recovery.core import StorageCore
from lungfish.recovery.retention import REMEDIES, HolderKind, RetentionHolder, retention_shares
from lungfish.recovery.view_rows import Columns, Row
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.recovery.wal_segments import (
    DAMAGED_PREFIX,
    FREE_PREFIX,
    SUFFIX,
    TORN_PREFIX,
    Segment,
)
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
    """What is in the log's folder, then what is in the archive only. `crc_ok` is about header and records (`segment_checks.py`)."""
    segments = core.folder.survey(core.store.uuid)
    is_sound = core.segment_checks.verdicts(segments, core.log.durable_lsn)
    holders = core.retention.holders()
    archived = core.archive.archived()
    next_made_at = [
        None if following.header is None else following.header.created_at
        for following in segments[1:]
    ]
    # A log that nobody has written to since the last clean end has no segment at all.
    for segment, last_at in zip(segments, [*next_made_at, None][: len(segments)], strict=True):
        yield _segment_row(core, segment, holders, (last_at, is_sound.get(segment.number)))
    yield from _kept_rows(core)
    capacity, there = core.log.start.capacity, {each.number for each in segments}
    for number, entry in sorted(archived.items()):
        if number not in there:
            path = f"{core.archive.own_path}/{number:016d}{SUFFIX}"
            start, end = format_lsn(number * capacity), format_lsn((number + 1) * capacity)
            facts = (start, end, entry.size, "archived", 0, None, None, entry.at, True, path)
            yield (number, *facts)


def _segment_row(
    core: StorageCore,
    segment: Segment,
    holders: tuple[RetentionHolder, ...],
    facts: tuple[int | None, bool | None],
) -> Row:
    """`facts`: when it was last written to, and whether its records are sound."""
    header = segment.header
    last_at, is_sound = facts
    path = core.folder.path_of(segment.number)
    if header is None:
        # Its making was cut off; it holds nothing.
        return (segment.number, *(None,) * 3, "removable", 0, *(None,) * 3, False, path)
    needed_by = sum(holder.pinned_lsn < header.end for holder in holders)
    entry = core.archive.archived().get(segment.number)
    if core.log.writer.segment_number == segment.number:
        state = "active"
    elif needed_by:
        state = "needed"
    else:
        state = "removable" if entry is None else "archived"
    return (
        segment.number,
        format_lsn(header.start),
        format_lsn(header.end),
        header.size,
        state,
        needed_by,
        header.created_at,
        last_at,
        None if entry is None else entry.at,
        is_sound,
        path,
    )


def _kept_rows(core: StorageCore) -> Iterator[Row]:
    """Segments to be used again, which have no place in the log, and bytes kept aside, which have one and are no segment."""
    nothing = (None, None, None, None)
    for name in core.folder.others():
        path = f"{core.folder.path}/{name}"
        size = core.folder.size_of(name)
        kind, _, number = name.rpartition("-")
        if name.startswith(FREE_PREFIX):
            yield (int(number), None, None, size, "recycled", 0, None, None, None, None, path)
        elif kind in (DAMAGED_PREFIX.rstrip("-"), TORN_PREFIX.rstrip("-")):
            start = int(number, 16)
            places = (format_lsn(start), format_lsn(start + size))
            segment_no = start // core.log.start.capacity
            yield (segment_no, *places, size, "quarantined", 0, *nothing[:3], False, path)


STAT_ARCHIVER_COLUMNS: Columns = (
    ("archived_count", BIGINT),
    ("last_archived_wal", TEXT),
    ("last_archived_time", TIMESTAMPTZ),
    ("failed_count", BIGINT),
    ("last_failed_wal", TEXT),
    ("last_failed_time", TIMESTAMPTZ),
    ("stats_reset", TIMESTAMPTZ),
)


def stat_archiver_rows(core: StorageCore) -> Iterable[Row]:
    """One row."""
    figures = core.archive.figures
    yield (
        figures.archived_count,
        figures.last_archived_wal,
        figures.last_archived_time,
        figures.failed_count,
        figures.last_failed_wal,
        figures.last_failed_time,
        core.opened_at,
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
    StorageView(
        12403, "pg_stat_archiver", STAT_ARCHIVER_COLUMNS, stat_archiver_rows, is_postgres=True
    ),
)

assert set(REMEDIES) == set(HolderKind)
