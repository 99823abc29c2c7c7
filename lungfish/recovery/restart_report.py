"""What a restart leaves for `lungfish.recovery_history`."""

from __future__ import annotations

from dataclasses import dataclass, field

from lungfish.recovery.history import RecoveryRecord
from lungfish.recovery.restart_progress import RecoveryPhase
from lungfish.recovery.restart_tables import ReplayCounts
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import Tail
from lungfish.storage.ids import LSN

# The cause of a restart that makes a database of a backup.
RESTORED = "restore"


@dataclass(slots=True)
class RecoveryReport:
    """One restart."""

    recovery_id: int
    opened_at: int
    is_clean: bool
    checkpoint_id: int
    fallback_used: bool
    redo_lsn: LSN
    tail: Tail
    quarantined_path: str | None
    mode: WalRecoveryMode
    log_bytes: int
    records_read: int
    # Milliseconds.
    times: dict[RecoveryPhase, float] = field(default_factory=dict)
    counts: ReplayCounts = field(default_factory=ReplayCounts)
    losers: int = 0
    relations_dropped: int = 0
    pages_hydrated: int = 0
    cause: str = "unknown"
    # How long it took to get the file's lock; None: nobody measured.
    lock_ms: float | None = None
    # What was expected once the log had been looked at; None: there was nothing to recover.
    estimated_ms: float | None = None
    # Images taken during redo.
    checkpoints: int = 0

    @property
    def total_ms(self) -> float:
        """All phases."""
        return sum(self.times.values())

    @property
    def estimate_error(self) -> float | None:
        """How far off the estimate was, as a share of the time it took: above 0 it was too high."""
        if self.estimated_ms is None or not self.total_ms:
            return None
        return (self.estimated_ms - self.total_ms) / self.total_ms

    def record(self) -> RecoveryRecord:
        """The row of the history."""
        times = {phase: self.times.get(phase, 0.0) for phase in RecoveryPhase}
        return RecoveryRecord(
            recovery_id=self.recovery_id,
            opened_at=self.opened_at,
            clean=self.is_clean,
            cause="clean" if self.is_clean and self.cause != RESTORED else self.cause,
            checkpoint_id=self.checkpoint_id,
            fallback_used=self.fallback_used,
            redo_lsn=self.redo_lsn,
            end_lsn=self.tail.end,
            wal_bytes=self.log_bytes,
            records_applied=self.counts.records_applied,
            records_skipped=self.counts.records_skipped,
            pages_hydrated=self.pages_hydrated,
            torn_pages_fixed=0,
            losers=self.losers,
            lock_ms=self.lock_ms,
            locate_ms=times[RecoveryPhase.LOCATE],
            hydrate_ms=times[RecoveryPhase.HYDRATE],
            analyze_ms=times[RecoveryPhase.ANALYZE],
            redo_ms=times[RecoveryPhase.REDO],
            undo_ms=times[RecoveryPhase.UNDO],
            index_ms=times[RecoveryPhase.INDEX_REPAIR],
            cleanup_ms=times[RecoveryPhase.CLEANUP],
            total_ms=self.total_ms,
            estimated_ms=self.estimated_ms,
            estimate_error=self.estimate_error,
            tail_state=self.tail.state.value,
            discarded_bytes=self.tail.discarded_bytes,
            quarantined_path=self.quarantined_path,
            wal_recovery_mode=self.mode.value,
            records_read=self.records_read,
        )
