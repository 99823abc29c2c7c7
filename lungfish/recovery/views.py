"""The rows of the system views about checkpoints, the log and restarts, each with its columns: name and SQL type.

    checkpoint_status     one row: what the coordinator is doing, and how the last one went
    checkpoint_history    the last 256 checkpoints
    wal_segments          the log's files
    wal_retention         who keeps the log, from where, and what to do about it
    recovery_history      the last openings

Each function takes the `StorageCore` and answers internal values in the order of its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lungfish.recovery.checkpoint_run import CheckpointRun, Phase
from lungfish.recovery.core import StorageCore
from lungfish.recovery.history import (
    CHECKPOINT_HISTORY_COLUMNS,
    RECOVERY_HISTORY_COLUMNS,
    CheckpointRecord,
)
from lungfish.recovery.retention import REMEDIES, HolderKind, RetentionHolder, retention_shares
from lungfish.recovery.view_rows import Columns, Row, row_of
from lungfish.recovery.wal_records import format_lsn
from lungfish.recovery.wal_segments import Segment
from lungfish.types.sql_type import BIGINT, BOOLEAN, DOUBLE, INTEGER, PG_LSN, TEXT, TIMESTAMPTZ

ViewRows = Callable[[StorageCore], Iterable[Row]]

CHECKPOINT_STATUS_COLUMNS: Columns = (
    ("state", TEXT),
    ("checkpoint_id", BIGINT),
    ("kind", TEXT),
    ("mode", TEXT),
    ("trigger", TEXT),
    ("requested_by", TEXT),
    ("started_at", TIMESTAMPTZ),
    ("pages_total", BIGINT),
    ("pages_done", BIGINT),
    ("bytes_total", BIGINT),
    ("bytes_done", BIGINT),
    ("files_total", BIGINT),
    ("files_synced", BIGINT),
    ("eta_ms", DOUBLE),
    ("fence_held_ms", DOUBLE),
    ("waiting_writers", INTEGER),
    ("queue_depth", INTEGER),
    ("merged_requests", INTEGER),
    ("throttled_ms", DOUBLE),
    ("last_success_id", BIGINT),
    ("last_success_lsn", PG_LSN),
    ("last_success_redo_lsn", PG_LSN),
    ("last_success_at", TIMESTAMPTZ),
    ("seconds_since_success", DOUBLE),
    ("wal_bytes_since_redo", BIGINT),
    ("last_error", TEXT),
)

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


def checkpoint_status_rows(core: StorageCore) -> Iterable[Row]:
    """Always one row."""
    run = core.checkpoints.current
    history = core.memory.checkpoints.rows()
    success = next((row for row in reversed(history) if row.outcome == "complete"), None)
    error = next((row for row in reversed(history) if row.error_text), None)
    log_bytes = max(0, core.log.end_lsn() - core.memory.facts.redo_lsn)
    yield (
        *_current_part(core, run),
        *_success_part(core, success),
        log_bytes,
        None if error is None else error.error_text,
    )


def _current_part(core: StorageCore, run: CheckpointRun | None) -> Row:
    queue_depth = core.checkpoints.waiting_count
    if run is None:
        nothing = (None,) * 13
        return (Phase.IDLE.value, *nothing, None, core.fence.waiting, queue_depth, 0, None)
    pages, request = core.checkpoints.pages, run.request
    eta_ms = None
    if run.est_total_ms is not None:
        eta_ms = max(0.0, run.est_total_ms - run.total_ms)
    return (
        run.phase.value,
        run.context.checkpoint_id,
        request.kind.value,
        request.mode.value,
        request.trigger.value,
        request.requested_by,
        run.started_at,
        pages.pages_total,
        pages.pages_done,
        run.est_bytes,
        pages.bytes_done,
        1,
        0 if run.report is None else 1,
        eta_ms,
        run.times.get(Phase.FENCE),
        core.fence.waiting,
        queue_depth,
        run.merged_count - 1,
        # Nothing holds a checkpoint back yet.
        0.0,
    )


def _success_part(core: StorageCore, success: CheckpointRecord | None) -> Row:
    if success is None:
        return (None,) * 5
    age_us = core.clock.utc_us() - (success.finished_at or success.started_at)
    return (
        success.checkpoint_id,
        _lsn(success.checkpoint_lsn),
        _lsn(success.redo_lsn),
        success.finished_at or success.started_at,
        age_us / 1_000_000,
    )


def checkpoint_history_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first."""
    return [row_of(row, CHECKPOINT_HISTORY_COLUMNS) for row in core.memory.checkpoints.rows()]


def recovery_history_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first."""
    return [row_of(row, RECOVERY_HISTORY_COLUMNS) for row in core.memory.recoveries.rows()]


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


def _lsn(lsn: int | None) -> str | None:
    return None if lsn is None else format_lsn(lsn)


# Name, columns, rows: of schema `lungfish`.
STORAGE_VIEWS: tuple[tuple[str, Columns, ViewRows], ...] = (
    ("checkpoint_status", CHECKPOINT_STATUS_COLUMNS, checkpoint_status_rows),
    ("checkpoint_history", CHECKPOINT_HISTORY_COLUMNS, checkpoint_history_rows),
    ("wal_segments", WAL_SEGMENTS_COLUMNS, wal_segments_rows),
    ("wal_retention", WAL_RETENTION_COLUMNS, wal_retention_rows),
    ("recovery_history", RECOVERY_HISTORY_COLUMNS, recovery_history_rows),
)

assert set(REMEDIES) == set(HolderKind)
