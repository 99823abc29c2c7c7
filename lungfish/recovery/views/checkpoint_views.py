"""What the coordinator is doing, and how the last checkpoints went: `checkpoint_status`, `checkpoint_history`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.checkpoint_run import CheckpointRun, Phase
from lungfish.recovery.core import StorageCore
from lungfish.recovery.history import CHECKPOINT_HISTORY_COLUMNS, CheckpointRecord
from lungfish.recovery.view_rows import Columns, Row, row_of
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, PG_LSN, TEXT, TIMESTAMPTZ

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
        run.throttled_ms,
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


def _lsn(lsn: int | None) -> str | None:
    return None if lsn is None else format_lsn(lsn)


CHECKPOINT_VIEWS = (
    StorageView(12301, "checkpoint_status", CHECKPOINT_STATUS_COLUMNS, checkpoint_status_rows),
    StorageView(12302, "checkpoint_history", CHECKPOINT_HISTORY_COLUMNS, checkpoint_history_rows),
)
