"""What a restart tells while it runs, and what it leaves for `lungfish.recovery_history`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from lungfish.recovery.history import RecoveryRecord
from lungfish.recovery.restart_tables import ReplayCounts
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import Tail
from lungfish.storage.ids import LSN


class RecoveryPhase(enum.Enum):
    """Where a restart is; the values are those of `lungfish.recovery_progress`."""

    LOCATE = "locate"
    HYDRATE = "hydrate"
    ANALYZE = "analyze"
    UNDO = "undo"
    REDO = "redo"
    INDEX_REPAIR = "index_repair"
    CLEANUP = "cleanup"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RecoveryProgress:
    """How far a restart has got: given to its callback at the start of each phase, and at each table."""

    phase: RecoveryPhase
    done: int = 0
    total: int = 0
    unit: str = ""


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
    # Milliseconds.
    times: dict[RecoveryPhase, float] = field(default_factory=dict)
    counts: ReplayCounts = field(default_factory=ReplayCounts)
    losers: int = 0
    relations_dropped: int = 0
    pages_hydrated: int = 0

    @property
    def total_ms(self) -> float:
        """All phases."""
        return sum(self.times.values())

    def record(self) -> RecoveryRecord:
        """The row of the history."""
        times = {phase: self.times.get(phase, 0.0) for phase in RecoveryPhase}
        return RecoveryRecord(
            recovery_id=self.recovery_id,
            opened_at=self.opened_at,
            clean=self.is_clean,
            cause="clean" if self.is_clean else "crash",
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
            lock_ms=None,
            locate_ms=times[RecoveryPhase.LOCATE],
            hydrate_ms=times[RecoveryPhase.HYDRATE],
            analyze_ms=times[RecoveryPhase.ANALYZE],
            redo_ms=times[RecoveryPhase.REDO],
            undo_ms=times[RecoveryPhase.UNDO],
            index_ms=times[RecoveryPhase.INDEX_REPAIR],
            cleanup_ms=times[RecoveryPhase.CLEANUP],
            total_ms=self.total_ms,
            estimated_ms=None,
            estimate_error=None,
            tail_state=self.tail.state.value,
            discarded_bytes=self.tail.discarded_bytes,
            quarantined_path=self.quarantined_path,
            wal_recovery_mode=self.mode.value,
        )
