"""How the last openings went, and how this one did: `recovery_history`, `recovery_progress`, `pg_stat_recovery`, `recovery_estimate`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.history import RECOVERY_HISTORY_COLUMNS
from lungfish.recovery.restart_estimate import ESTIMATE_COLUMNS, estimate_restart
from lungfish.recovery.restart_progress import PROGRESS_COLUMNS
from lungfish.recovery.view_rows import Columns, Row, internal_value, row_of
from lungfish.recovery.views.storage_view import StorageView
from lungfish.types.sql_type import BOOLEAN, INTEGER, PG_LSN, TEXT, TIMESTAMPTZ

STAT_RECOVERY_COLUMNS: Columns = (
    ("promote_triggered", BOOLEAN),
    ("last_replayed_read_lsn", PG_LSN),
    ("last_replayed_end_lsn", PG_LSN),
    ("last_replayed_tli", INTEGER),
    ("replay_end_lsn", PG_LSN),
    ("replay_end_tli", INTEGER),
    ("recovery_last_xact_time", TIMESTAMPTZ),
    ("current_chunk_start_time", TIMESTAMPTZ),
    ("pause_state", TEXT),
)
# There is one line of history.
_TIMELINE = 1


def recovery_history_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first."""
    return [row_of(row, RECOVERY_HISTORY_COLUMNS) for row in core.memory.recoveries.rows()]


def recovery_progress_rows(core: StorageCore) -> Iterable[Row]:
    """One row: who can ask has a connection, so the restart is done; while it ran, its callback was told the same."""
    return [row_of(core.driver.progress.latest, PROGRESS_COLUMNS)]


def stat_recovery_rows(core: StorageCore) -> Iterable[Row]:
    """As PostgreSQL has it, but of the recovery after a crash: there is no standby."""
    latest, facts = core.driver.progress.latest, core.driver.log_facts
    values = (
        False,
        facts.last_record_lsn if facts.record_count else None,
        latest.current_lsn,
        _TIMELINE,
        latest.end_lsn,
        _TIMELINE,
        facts.last_commit_at or None,
        latest.phase_started_at,
        "not paused",
    )
    columns = zip(values, STAT_RECOVERY_COLUMNS, strict=True)
    return [tuple(internal_value(value, kind) for value, (_, kind) in columns)]


def recovery_estimate_rows(core: StorageCore) -> Iterable[Row]:
    """One row."""
    return [
        row_of(
            estimate_restart(core, core.settings.number("recovery_target_time_ms") or None),
            ESTIMATE_COLUMNS,
        )
    ]


RESTART_VIEWS = (
    StorageView(12314, "recovery_estimate", ESTIMATE_COLUMNS, recovery_estimate_rows),
    StorageView(12312, "recovery_progress", PROGRESS_COLUMNS, recovery_progress_rows),
    StorageView(12313, "recovery_history", RECOVERY_HISTORY_COLUMNS, recovery_history_rows),
    StorageView(
        12405, "pg_stat_recovery", STAT_RECOVERY_COLUMNS, stat_recovery_rows, is_postgres=True
    ),
)
