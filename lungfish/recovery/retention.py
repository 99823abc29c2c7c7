"""Who still needs the write-ahead log, and from where: nothing at or after the lowest pinned position is ever removed.

Whoever needs the log holds a pin: the last checkpoint (`redo_lsn`: restart reads from there), a checkpoint in progress, an
index whose image is older than its table's (`index_mark`), a backup, an archive, a person.

Invariants:
1. A pin is taken before the position that it guards is relied upon, and let go only after the superblock that makes it
   needless has been synced.
2. `prune_below` answers the floor and remembers it under one latch: a pin below a floor once answered is refused, so advancing
   retention and taking a pin cannot race.
3. Without any pin nothing may be removed: a log whose checkpoint has not yet said what it needs keeps everything.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from lungfish import errors
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN


class HolderKind(enum.Enum):
    """Why a stretch of the log is kept; the values are those of `lungfish.wal_retention`."""

    CHECKPOINT_IN_PROGRESS = "checkpoint_in_progress"
    REDO_LSN = "redo_lsn"
    SNAPSHOT = "snapshot"
    INDEX_MARK = "index_mark"
    BACKUP = "backup"
    ARCHIVE = "archive"
    NAMED_CHECKPOINT = "named_checkpoint"
    MIN_KEEP = "min_keep"
    USER_PIN = "user_pin"


# What a person can do about a holder that keeps too much: in words, and in SQL where SQL can do it ({name}: the holder's, quoted).
REMEDIES: dict[HolderKind, tuple[str, str | None]] = {
    HolderKind.CHECKPOINT_IN_PROGRESS: ("wait until the checkpoint is done", None),
    HolderKind.REDO_LSN: ("take a checkpoint", "CHECKPOINT"),
    HolderKind.SNAPSHOT: ("end the transaction that holds the snapshot", None),
    HolderKind.INDEX_MARK: ("take a checkpoint of all relations", "CHECKPOINT"),
    HolderKind.BACKUP: ("wait until the backup is done", None),
    HolderKind.ARCHIVE: ("see why the archive does not accept segments", None),
    HolderKind.NAMED_CHECKPOINT: ("drop the named checkpoint", "DROP CHECKPOINT {name}"),
    HolderKind.MIN_KEEP: ("keep less of the log", None),
    HolderKind.USER_PIN: ("release the pin", None),
}


@dataclass(frozen=True, slots=True)
class RetentionHolder:
    """One pin. The pair of kind and id names it."""

    kind: HolderKind
    id: str
    # The thread, connection or part of the program that took it.
    owner: str
    pinned_lsn: LSN
    # Microseconds since 1970, UTC.
    since: int


@dataclass(frozen=True, slots=True)
class RetentionShare:
    """What one holder keeps, of the log as it is now."""

    holder: RetentionHolder
    pinned_bytes: int
    # What could be removed if this holder alone let go.
    exclusive_bytes: int
    # No other holder pins a lower position.
    is_binding: bool


class WalRetentionManager:
    """The pins of one log."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latch = threading.Lock()
        # Guarded by the latch, as is the floor.
        self._holders: dict[tuple[HolderKind, str], RetentionHolder] = {}
        self._floor = LSN(0)

    def pin(self, kind: HolderKind, holder_id: str, *, owner: str, lsn: LSN) -> RetentionHolder:
        """Keep the log from `lsn` on, until `release`. A holder that pins again moves its pin.

        Raises ObjectNotInPrerequisiteState if that part of the log may be gone already.
        """
        with self._latch:
            if lsn < self._floor:
                raise errors.ObjectNotInPrerequisiteState(
                    f"the write-ahead log before {format_lsn(self._floor)} is no longer kept",
                    detail=f'{kind.value} "{holder_id}" asked for it from {format_lsn(lsn)}.',
                )
            previous = self._holders.get((kind, holder_id))
            since = self._clock.utc_us() if previous is None else previous.since
            holder = RetentionHolder(kind, holder_id, owner, lsn, since)
            self._holders[kind, holder_id] = holder
            return holder

    def pin_lowest(self, kind: HolderKind, holder_id: str, *, owner: str) -> RetentionHolder:
        """Keep everything that is kept now, whatever others let go meanwhile."""
        with self._latch:
            lowest = min((each.pinned_lsn for each in self._holders.values()), default=self._floor)
            holder = RetentionHolder(kind, holder_id, owner, lowest, self._clock.utc_us())
            self._holders[kind, holder_id] = holder
            return holder

    def release(self, kind: HolderKind, holder_id: str) -> None:
        """Let go. A holder that is not there has let go already."""
        with self._latch:
            self._holders.pop((kind, holder_id), None)

    def holders(self) -> tuple[RetentionHolder, ...]:
        """The pins, lowest first."""
        with self._latch:
            found = list(self._holders.values())
        return tuple(sorted(found, key=lambda each: (each.pinned_lsn, each.kind.value, each.id)))

    @property
    def floor(self) -> LSN:
        """The position below which the log may be gone already."""
        return self._floor

    def prune_below(self) -> LSN:
        """The position below which the log may be removed now; from here on no pin is accepted below it."""
        with self._latch:
            if self._holders:
                lowest = min(each.pinned_lsn for each in self._holders.values())
                self._floor = max(self._floor, lowest)
            return self._floor

    def binding(self) -> RetentionHolder | None:
        """The holder with the lowest pin."""
        return next(iter(self.holders()), None)


def retention_shares(holders: Iterable[RetentionHolder], end: LSN) -> list[RetentionShare]:
    """How much of the log up to `end` each holder keeps."""
    ordered = sorted(holders, key=lambda each: each.pinned_lsn)
    shares = []
    for index, holder in enumerate(ordered):
        is_binding = index == 0
        next_lsn = ordered[1].pinned_lsn if len(ordered) > 1 else end
        shares.append(
            RetentionShare(
                holder=holder,
                pinned_bytes=max(0, end - holder.pinned_lsn),
                exclusive_bytes=max(0, next_lsn - holder.pinned_lsn) if is_binding else 0,
                is_binding=is_binding,
            )
        )
    return shares
