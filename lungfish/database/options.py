"""How a database is opened: sizes, triggers, and the seams through which tests bring their own disk, clock and chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from lungfish.recovery.core import CoreOptions
from lungfish.recovery.restart_checkpoint import RESTART_CHECKPOINT_BYTES_DEFAULT
from lungfish.recovery.restart_log import MEMORY_LIMIT_DEFAULT
from lungfish.recovery.restart_progress import RecoveryProgress
from lungfish.recovery.wal_damage import WalRecoveryMode, recovery_mode
from lungfish.recovery.wal_segments import SEGMENT_SIZE_DEFAULT
from lungfish.storage import Clock, Disk, SystemClock
from lungfish.storage.page_store import PAGE_SIZE_DEFAULT

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Options of `lungfish.open`. Sizes in bytes, times in seconds; those of pages and segments count for a new database only."""

    page_size_bytes: int = PAGE_SIZE_DEFAULT
    wal_segment_bytes: int = SEGMENT_SIZE_DEFAULT
    # Memory for pages.
    buffer_bytes: int = 256 * MIB
    # How much of the log restart keeps in memory at once.
    recovery_memory_bytes: int = MEMORY_LIMIT_DEFAULT
    # A long restart takes an image of its own each time it has redone that much of the log.
    recovery_checkpoint_bytes: int = RESTART_CHECKPOINT_BYTES_DEFAULT
    # A checkpoint begins by itself once that much has been logged since the last one; 0: never.
    checkpoint_wal_bytes: int = 64 * MIB
    # What opening does where the log is damaged: tail, strict, point_in_time, salvage (`recovery/wal_damage.py`).
    wal_recovery_mode: str = WalRecoveryMode.TAIL.value
    # Where segments of the log are copied before they are removed; empty: nowhere. ALTER SYSTEM SET archive_path sets it for good.
    archive_path: str = ""
    # Called while restart runs.
    on_recovery: Callable[[RecoveryProgress], None] | None = None
    # Where the files are; None: the machine's own disk, or memory for ":memory:".
    disk: Disk | None = None
    clock: Clock = field(default_factory=SystemClock)
    # Where random() and the database's own name get their chance from.
    random: random.Random = field(default_factory=random.SystemRandom)

    def core(self) -> CoreOptions:
        """What storage and recovery are told."""
        return CoreOptions(
            page_size=self.page_size_bytes,
            segment_size=self.wal_segment_bytes,
            buffer_size=self.buffer_bytes,
            recovery_memory_limit=self.recovery_memory_bytes,
            recovery_checkpoint_bytes=self.recovery_checkpoint_bytes,
            wal_recovery_mode=recovery_mode(self.wal_recovery_mode),
            archive_path=self.archive_path,
            on_recovery=self.on_recovery,
        )
