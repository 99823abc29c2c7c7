"""How a database is opened: sizes, triggers, and the seams through which tests bring their own disk, clock and chance."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from lungfish.storage import Clock, Disk, SystemClock

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Options of `lungfish.open`. Sizes in bytes, times in seconds."""

    # Of a new database; an existing one keeps its own. None: the default of the page store.
    page_size_bytes: int | None = None
    # Memory for pages.
    buffer_bytes: int = 256 * MIB
    # Of a new database.
    wal_segment_bytes: int | None = None
    # A checkpoint begins by itself once that much has been logged since the last one; 0: never.
    checkpoint_wal_bytes: int = 64 * MIB
    # And at the latest after that long, if there is anything to write; 0: never.
    checkpoint_interval_s: float = 300.0
    # Where the files are; None: the machine's own disk, or memory for ":memory:".
    disk: Disk | None = None
    clock: Clock = field(default_factory=SystemClock)
    # Where random() and the like get their chance from.
    random: random.Random = field(default_factory=random.Random)
