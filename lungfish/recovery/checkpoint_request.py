"""What is asked of a checkpoint, and what it answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TypeVar

from lungfish.recovery.view_rows import Columns
from lungfish.storage.ids import LSN
from lungfish.types.sql_type import BIGINT, BOOLEAN, DOUBLE, INTEGER, PG_LSN, TEXT, array_of

FENCE_TIMEOUT_MS_DEFAULT = 50.0


class CheckpointMode(enum.Enum):
    """How hard it presses. Declared in order of strength: of merged requests the strongest mode counts."""

    # Never holds a writer up that is inside the fence for long, and never raises for contention.
    PASSIVE = "passive"
    SPREAD = "spread"
    FAST = "fast"


class CheckpointKind(enum.Enum):
    """What it captures. Declared in order of strength."""

    INCREMENTAL = "incremental"
    FULL = "full"
    # The last one, at a clean close: afterwards nobody writes.
    FINAL = "final"


class CheckpointTrigger(enum.Enum):
    """Who wanted it; the values are those of `lungfish.checkpoint_status`."""

    FIRST = "first"
    FORCED = "forced"
    INTERVAL = "interval"
    WAL_BYTES = "wal_bytes"
    DIRTY_PAGES = "dirty_pages"
    ACTIVE_TXNS = "active_txns"
    RECOVERY_TARGET = "recovery_target"
    SHUTDOWN = "shutdown"


class CheckpointOutcome(enum.Enum):
    """How it ended; the values are those of `lungfish.checkpoint_history`."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    ABORTED = "aborted"
    FAILED = "failed"
    DRY_RUN = "dry_run"
    # Only as an answer, with WAIT off: it has been asked for.
    REQUESTED = "requested"


_MODES = list(CheckpointMode)
_KINDS = list(CheckpointKind)


@dataclass(frozen=True, slots=True)
class CheckpointRequest:
    """The options of one CHECKPOINT statement, or of the scheduler."""

    mode: CheckpointMode = CheckpointMode.FAST
    kind: CheckpointKind = CheckpointKind.INCREMENTAL
    trigger: CheckpointTrigger = CheckpointTrigger.FORCED
    # The connection or thread that asks.
    requested_by: str = ""
    reason: str = ""
    # Keep the image under this name.
    name: str = ""
    # For so long, in microseconds; None: until it is dropped.
    keep_us: int | None = None
    # Keep the log from a named image on, too; without a name: remove nothing of it afterwards.
    retains_log: bool = False
    # Hand the log over to the archive before any of it is removed.
    archives: bool = False
    # Read back what was written before it counts.
    verifies: bool = False
    is_dry_run: bool = False
    # False: answer at once, and let it be done in the background.
    waits: bool = True
    fence_timeout_ms: float = FENCE_TIMEOUT_MS_DEFAULT
    # How long all of it may take; None: as long as it takes.
    timeout_ms: float | None = None
    # Bytes a second that it may write, in place of the setting; None: the setting.
    io_rate: float | None = None

    def merged_with(self, other: CheckpointRequest) -> CheckpointRequest:
        """One request that does what both ask for: of each option the stronger."""
        return replace(
            self,
            mode=max(self.mode, other.mode, key=_MODES.index),
            kind=max(self.kind, other.kind, key=_KINDS.index),
            reason="; ".join(dict.fromkeys(each for each in (self.reason, other.reason) if each)),
            name=self.name or other.name,
            keep_us=_longer(self.keep_us, other.keep_us),
            retains_log=self.retains_log or other.retains_log,
            archives=self.archives or other.archives,
            verifies=self.verifies or other.verifies,
            fence_timeout_ms=max(self.fence_timeout_ms, other.fence_timeout_ms),
            timeout_ms=_longer(self.timeout_ms, other.timeout_ms),
            io_rate=_longer(self.io_rate, other.io_rate),
        )


_Number = TypeVar("_Number", int, float)


def _longer(first: _Number | None, second: _Number | None) -> _Number | None:
    """The larger of two numbers, where None has no end."""
    return None if first is None or second is None else max(first, second)


@dataclass(frozen=True, slots=True)
class CheckpointResult:
    """The row that CHECKPOINT answers. Times in milliseconds, sizes in bytes; its columns are RESULT_COLUMNS."""

    # None: it has only been asked for.
    checkpoint_id: int | None
    outcome: CheckpointOutcome
    reason: str = ""
    mode: CheckpointMode = CheckpointMode.FAST
    kind: CheckpointKind = CheckpointKind.INCREMENTAL
    merged: bool = False
    redo_lsn: LSN | None = None
    checkpoint_lsn: LSN | None = None
    pages_written: int = 0
    bytes_written: int = 0
    image_bytes: int = 0
    wal_bytes_freed: int = 0
    wal_bytes_still_held: int = 0
    held_by: str | None = None
    fence_ms: float = 0.0
    prepare_ms: float = 0.0
    write_ms: float = 0.0
    sync_ms: float = 0.0
    commit_ms: float = 0.0
    total_ms: float = 0.0
    blocked_txns: int = 0
    blocked_max_ms: float = 0.0
    throttled_ms: float = 0.0
    # What a dry run predicts; a real run says what it had predicted.
    est_pages: int | None = None
    est_bytes: int | None = None
    est_total_ms: float | None = None
    est_fence_ms: float | None = None
    recovery_estimate_before_ms: float | None = None
    recovery_estimate_after_ms: float | None = None
    warnings: tuple[str, ...] = ()


RESULT_COLUMNS: Columns = (
    ("checkpoint_id", BIGINT),
    ("outcome", TEXT),
    ("reason", TEXT),
    ("mode", TEXT),
    ("kind", TEXT),
    ("merged", BOOLEAN),
    ("redo_lsn", PG_LSN),
    ("checkpoint_lsn", PG_LSN),
    ("pages_written", BIGINT),
    ("bytes_written", BIGINT),
    ("image_bytes", BIGINT),
    ("wal_bytes_freed", BIGINT),
    ("wal_bytes_still_held", BIGINT),
    ("held_by", TEXT),
    ("fence_ms", DOUBLE),
    ("prepare_ms", DOUBLE),
    ("write_ms", DOUBLE),
    ("sync_ms", DOUBLE),
    ("commit_ms", DOUBLE),
    ("total_ms", DOUBLE),
    ("blocked_txns", INTEGER),
    ("blocked_max_ms", DOUBLE),
    ("throttled_ms", DOUBLE),
    ("est_pages", BIGINT),
    ("est_bytes", BIGINT),
    ("est_total_ms", DOUBLE),
    ("est_fence_ms", DOUBLE),
    ("recovery_estimate_before_ms", DOUBLE),
    ("recovery_estimate_after_ms", DOUBLE),
    ("warnings", array_of(TEXT)),
)
