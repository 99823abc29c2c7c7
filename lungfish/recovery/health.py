"""What is wrong with a database, or soon will be, and what to do about it: the checks behind `lungfish.health`.

Each check reads one value and holds it against two thresholds; `docs/storage.md` has a section for each, under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lungfish.recovery.core import StorageCore
from lungfish.recovery.gauges import checkpoint_age_s, oldest_transaction_age_s, wal_backlog
from lungfish.recovery.history import CheckpointRecord

PLAYBOOK = "docs/storage.md"
CHECKPOINT_LAG_S = (120.0, 300.0)
BACKLOG_SEGMENTS = (2.0, 8.0)
SNAPSHOT_AGE_S = (300.0, 3600.0)
FAILED_CHECKPOINTS = (1.0, 3.0)
# Of what the pool may hold: beyond it a checkpoint takes long and evictions write.
DIRTY_SHARE_PERCENT = (50.0, 90.0)
EVENTS = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check's result. `level` is ok, warn or critical."""

    check_name: str
    level: str
    value: float
    unit: str
    warn_at: float
    critical_at: float
    # When the state began, as far as it is known: microseconds since 1970, UTC.
    since: int | None
    remedy: str | None
    remedy_sql: str | None
    playbook: str


@dataclass(frozen=True, slots=True)
class Check:
    """What is looked at, and when it is too much."""

    name: str
    unit: str
    thresholds: tuple[float, float]
    read: Callable[[StorageCore], float]
    remedy: str
    remedy_sql: str | None = None
    since: Callable[[StorageCore], int | None] = lambda core: None


def health_checks(core: StorageCore) -> Iterator[HealthCheck]:
    """All checks as they are now."""
    for check in CHECKS:
        value = check.read(core)
        warn_at, critical_at = check.thresholds
        level = "critical" if value >= critical_at else "warn" if value >= warn_at else "ok"
        is_ok = level == "ok"
        yield HealthCheck(
            check.name,
            level,
            value,
            check.unit,
            warn_at,
            critical_at,
            None if is_ok else check.since(core),
            None if is_ok else check.remedy,
            None if is_ok else check.remedy_sql,
            f"{PLAYBOOK}#{check.name.replace('_', '-')}",
        )


def _checkpoint_lag_s(core: StorageCore) -> float:
    """How long changes may have waited for an image: since the newest one or the opening, whichever came later."""
    if not core.checkpoints.differs_from_image():
        return 0.0
    open_s = (core.clock.utc_us() - core.opened_at) / 1_000_000
    return min(checkpoint_age_s(core), open_s)


def _backlog_segments(core: StorageCore) -> float:
    return wal_backlog(core) / core.log.start.segment_size


def _failures(core: StorageCore) -> list[CheckpointRecord]:
    """The failed checkpoints since the last complete one, oldest first."""
    found: list[CheckpointRecord] = []
    for record in core.memory.checkpoints.rows():
        if record.outcome == "complete":
            found.clear()
        elif record.outcome in ("failed", "aborted", "deferred"):
            found.append(record)
    return found


def _failed_since(core: StorageCore) -> int | None:
    return next((record.started_at for record in _failures(core)), None)


def _is_poisoned(core: StorageCore) -> float:
    return float(core.log.failure is not None or core.transactions.poison_error is not None)


def _dirty_percent(core: StorageCore) -> float:
    figures = core.pool.figures()
    dirty_bytes = figures.dirty_pages * core.store.page_size_bytes
    return 100.0 * dirty_bytes / figures.budget_bytes


def _oldest_begin(core: StorageCore) -> int | None:
    return min((facts.begun_at for facts in core.transactions.facts()), default=None)


def _eviction_trouble(core: StorageCore) -> float:
    return float(core.pool.early_write_error is not None)


CHECKS: tuple[Check, ...] = (
    Check(
        "handle",
        "poisoned",
        EVENTS,
        _is_poisoned,
        "a write or sync of the log failed: close the database and open it again, which recovers all that was committed",
    ),
    Check(
        "checkpoint_lag",
        "s",
        CHECKPOINT_LAG_S,
        _checkpoint_lag_s,
        "take a checkpoint, and see in checkpoint_history why none was taken",
        "CHECKPOINT",
        lambda core: max(core.memory.facts.taken_at, core.opened_at),
    ),
    Check(
        "wal_backlog",
        "segments",
        BACKLOG_SEGMENTS,
        _backlog_segments,
        "take a checkpoint, so that a restart has less to redo",
        "CHECKPOINT",
    ),
    Check(
        "failed_checkpoints",
        "checkpoints",
        FAILED_CHECKPOINTS,
        lambda core: float(len(_failures(core))),
        "see error_text and blocker of the last rows of checkpoint_history, then try again",
        "CHECKPOINT (FENCE_TIMEOUT 1000)",
        _failed_since,
    ),
    Check(
        "old_snapshot",
        "s",
        SNAPSHOT_AGE_S,
        oldest_transaction_age_s,
        "end the oldest transaction of lungfish.snapshots: it keeps all old versions of rows in memory",
        "SELECT * FROM lungfish.snapshots ORDER BY age_s DESC LIMIT 1",
        _oldest_begin,
    ),
    Check(
        "dirty_pages",
        "percent",
        DIRTY_SHARE_PERCENT,
        _dirty_percent,
        "take a checkpoint, or give the database more memory",
        "CHECKPOINT",
    ),
    Check(
        "early_writes",
        "failing",
        EVENTS,
        _eviction_trouble,
        "pages cannot be written to make room, so memory grows: see to the disk, then take a checkpoint",
        "CHECKPOINT",
    ),
)
