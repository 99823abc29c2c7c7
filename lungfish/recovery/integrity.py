"""What was found damaged, and what was done about it: the events of `lungfish.integrity_events`, as they happen."""

from __future__ import annotations

import enum
import threading
from collections import deque
from dataclasses import dataclass

from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN, PageId

# The newest so many are kept, for as long as the database is open.
EVENT_COUNT_MAX = 1024


class DamageKind(enum.Enum):
    """What was wrong; the values are those of the view."""

    PAGE_CRC = "page_crc"
    WAL_CRC = "wal_crc"
    IMAGE_CRC = "image_crc"
    FSYNC_FAILED = "fsync_failed"
    SHORT_WRITE = "short_write"
    ENOSPC = "enospc"
    LOST_WRITE = "lost_write"
    MISDIRECTED = "misdirected"
    STALE_PAGE = "stale_page"
    MANIFEST_MISMATCH = "manifest_mismatch"


class DamageAction(enum.Enum):
    """What was done; the values are those of the view."""

    REPAIRED = "repaired"
    QUARANTINED = "quarantined"
    REFUSED = "refused"
    POISONED = "poisoned"


@dataclass(frozen=True, slots=True)
class IntegrityEvent:
    """One finding: a row of the view."""

    # Microseconds since 1970, UTC.
    at: int
    kind: DamageKind
    # What is damaged: an image, a relation, a segment of the log.
    object: str
    action: DamageAction
    # Who found it: open, scrub, a statement.
    source: str
    detail: str
    page_no: PageId | None = None
    lsn: LSN | None = None


class IntegrityLog:
    """The events of one open database. Safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latch = threading.Lock()
        self._events: deque[IntegrityEvent] = deque(maxlen=EVENT_COUNT_MAX)

    def add(
        self,
        kind: DamageKind,
        object_name: str,
        *,
        action: DamageAction,
        source: str,
        detail: str,
        page_no: PageId | None = None,
    ) -> None:
        """Note a finding."""
        event = IntegrityEvent(
            self._clock.utc_us(), kind, object_name, action, source, detail, page_no
        )
        with self._latch:
            self._events.append(event)

    def events(self) -> tuple[IntegrityEvent, ...]:
        """Oldest first."""
        with self._latch:
            return tuple(self._events)
