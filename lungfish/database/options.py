"""How a database is opened: sizes, triggers, and the seams through which tests bring their own disk, clock and chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lungfish.recovery.core import CoreOptions
from lungfish.recovery.restart_checkpoint import RESTART_CHECKPOINT_BYTES_DEFAULT
from lungfish.recovery.restart_log import MEMORY_LIMIT_DEFAULT
from lungfish.recovery.restart_progress import RecoveryProgress
from lungfish.recovery.wal_damage import WalRecoveryMode, recovery_mode
from lungfish.recovery.wal_segments import SEGMENT_SIZE_DEFAULT
from lungfish.storage import Clock, Disk, SystemClock
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.page_store import PAGE_SIZE_DEFAULT

MIB = 1 << 20
# The settings that let checkpoints begin by themselves: 0 switches each off.
_TRIGGERS = (
    "checkpoint_wal_bytes",
    "checkpoint_dirty_pages",
    "checkpoint_interval",
    "recovery_target_time_ms",
)


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
    # What opening does where the log is damaged: tail, strict, point_in_time, salvage (`recovery/wal_damage.py`).
    wal_recovery_mode: str = WalRecoveryMode.TAIL.value
    # A checkpoint begins by itself once that much has been logged since the last one; 0: none begins by itself, whatever happens.
    # None: as the setting of that name says.
    checkpoint_wal_bytes: int | None = None
    # Whether there may be a thread that takes them; else the commit that finds one due takes it. None: if the clock is the machine's.
    checkpoint_thread: bool | None = None
    # Settings of the database in place of their defaults, by name.
    settings: Mapping[str, str] = field(default_factory=dict)
    # False: the log is not archived, whatever archive_path says.
    archives_log: bool = True
    # Opened to make a database of a backup: so `lungfish.recovery_history` calls it.
    is_restore: bool = False
    # Called while restart runs.
    on_recovery: Callable[[RecoveryProgress], None] | None = None
    # Where the files are; None: the machine's own disk, or memory for ":memory:".
    disk: Disk | None = None
    clock: Clock = field(default_factory=SystemClock)
    # Moments of storage and recovery at which a test steps in; None: the database makes its own.
    failpoints: Failpoints | None = None
    # Where random() and the database's own name get their chance from.
    random: random.Random = field(default_factory=random.SystemRandom)

    @property
    def has_thread(self) -> bool:
        """Whether checkpoints may begin in a thread of their own: under a clock moved by hand nothing may happen by itself."""
        if self.checkpoint_thread is None:
            return isinstance(self.clock, SystemClock)
        return self.checkpoint_thread

    def core(self) -> CoreOptions:
        """What storage and recovery are told."""
        return CoreOptions(
            page_size=self.page_size_bytes,
            segment_size=self.wal_segment_bytes,
            buffer_size=self.buffer_bytes,
            recovery_memory_limit=self.recovery_memory_bytes,
            recovery_checkpoint_bytes=self.recovery_checkpoint_bytes,
            wal_recovery_mode=recovery_mode(self.wal_recovery_mode),
            archives_log=self.archives_log,
            on_recovery=self.on_recovery,
            settings={**self._checkpoint_settings(), **self.settings},
            failpoints=self.failpoints,
        )

    def _checkpoint_settings(self) -> dict[str, str]:
        if self.checkpoint_wal_bytes is None:
            return {}
        if self.checkpoint_wal_bytes:
            return {"checkpoint_wal_bytes": str(self.checkpoint_wal_bytes)}
        return dict.fromkeys(_TRIGGERS, "0")
