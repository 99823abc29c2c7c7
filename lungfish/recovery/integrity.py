"""What was found damaged or failed, and what was done about it: the events of `lungfish.integrity_events`."""

from __future__ import annotations

import enum
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lungfish import errors
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN, PageId

# The newest so many are kept for as long as the database is open, and so many with each checkpoint.
EVENT_COUNT_MAX = 1024
EVENTS_STORED_MAX = 128


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
    """The events of one database. Safe for threads.

    They are kept with each checkpoint (`facts`), and each new one is noted in the log, so that a crash loses none: but for those of
    a log that cannot be written any more, which live as long as the process.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latch = threading.Lock()
        self._events: deque[IntegrityEvent] = deque(maxlen=EVENT_COUNT_MAX)
        # What was told of a page already: whoever reads it again tells nothing new.
        self._pages_told: set[tuple[str, PageId]] = set()
        # Called with each new event, with no latch held.
        self.on_event: Callable[[IntegrityEvent], None] | None = None

    def add(
        self,
        kind: DamageKind,
        object_name: str,
        *,
        action: DamageAction,
        source: str,
        detail: str,
        page_no: PageId | None = None,
        lsn: LSN | None = None,
    ) -> None:
        """Note a finding."""
        event = IntegrityEvent(
            self._clock.utc_us(), kind, object_name, action, source, detail, page_no, lsn
        )
        with self._latch:
            if page_no is not None:
                if (object_name, page_no) in self._pages_told:
                    return
                self._pages_told.add((object_name, page_no))
            self._events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def restore(self, event: IntegrityEvent) -> None:
        """Take in an event of an earlier life."""
        with self._latch:
            if event not in self._events:
                self._events.append(event)

    def events(self) -> tuple[IntegrityEvent, ...]:
        """Oldest first."""
        with self._latch:
            return tuple(self._events)

    def facts(self) -> dict[str, Any]:
        """The newest events, as a checkpoint keeps them."""
        newest = self.events()[-EVENTS_STORED_MAX:]
        return {"events": [_values_of(each) for each in newest]} if newest else {}

    def restore_facts(self, facts: Mapping[str, Any]) -> None:
        """Take in what `facts` gave. Raises CorruptDatabase."""
        for values in facts.get("events", []):
            self.restore(_event_of(values))


def encode_event(event: IntegrityEvent) -> bytes:
    """An event as the payload of a note in the log."""
    return json.dumps(_values_of(event), separators=(",", ":")).encode()


def decode_event(payload: bytes) -> IntegrityEvent:
    """The inverse of `encode_event`. Raises CorruptDatabase."""
    try:
        values = json.loads(payload)
    except ValueError as error:
        raise errors.CorruptDatabase("a note of an integrity event is no JSON") from error
    return _event_of(values)


def _values_of(event: IntegrityEvent) -> list[Any]:
    values = [getattr(event, each.name) for each in fields(event)]
    return [each.value if isinstance(each, enum.Enum) else each for each in values]


def _event_of(values: Any) -> IntegrityEvent:
    try:
        at, kind, object_name, action, source, detail, page_no, lsn = values
        return IntegrityEvent(
            at, DamageKind(kind), object_name, DamageAction(action), source, detail, page_no, lsn
        )
    except (TypeError, ValueError) as error:
        raise errors.CorruptDatabase("an integrity event cannot be read") from error
