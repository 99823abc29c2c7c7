"""The archive of the log: each segment is copied away, durably, before it may be pruned.

    archive_path/
        <UUID of the database>/
            0000000000000001.wal     segments, as they were; the last one of a life as far as it goes
            archive.log              a line of JSON for each: number, when, size, checksum

Copying happens soon after a segment is sealed (`checkpoint_scheduler.py`: in its thread, where there is one, else after the commit that sealed
it); at each checkpoint, before the log is pruned; at CHECKPOINT (ARCHIVE), which seals the current segment first; and when the
database is closed. What fails is shown (`pg_stat_archiver`) and tried again at the next of these. Meanwhile the retention
holder `archive` keeps the segments.

A segment is *sealed* once nothing will be written to it any more: the log has gone on behind it, or its life has ended.

Invariants:
1. A segment counts as archived when the copy, its name and its line in `archive.log` are durable.
2. A copy that is there is never overwritten: another content under the same number is an error.
3. The pin is at or before the first segment that is not archived.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from uuid import UUID

from lungfish import errors
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_segments import SUFFIX, SegmentFolder
from lungfish.storage.checksum import checksum
from lungfish.storage.clock import Clock
from lungfish.storage.disk import Disk, File
from lungfish.storage.ids import LSN

ARCHIVE_PIN = "archive"
LIST_NAME = "archive.log"
PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True)
class ArchivedSegment:
    """A line of the list. The moment is in microseconds since 1970, UTC."""

    number: int
    at: int
    size: int
    checksum: int


@dataclass(slots=True)
class ArchiveFigures:
    """What `pg_stat_archiver` shows. Moments in microseconds since 1970, UTC."""

    archived_count: int = 0
    last_archived_wal: str | None = None
    last_archived_time: int | None = None
    failed_count: int = 0
    last_failed_wal: str | None = None
    last_failed_time: int | None = None
    last_error: str | None = None


class WalArchive:
    """Copies the segments of one log. Off while there is no path."""

    def __init__(
        self,
        disk: Disk,
        folder: SegmentFolder,
        log: WriteAheadLog,
        retention: WalRetentionManager,
        *,
        clock: Clock,
        uuid: UUID,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._log = log
        self._retention = retention
        self._clock = clock
        self._uuid = uuid
        self.figures = ArchiveFigures()
        self.path = ""
        # One thread archives at a time.
        self._latch = threading.Lock()
        # Of the current path; None: not read yet.
        self._archived: dict[int, ArchivedSegment] | None = None
        # The log's segment at the last time that all sealed ones were archived.
        self._done_before = -1

    @property
    def is_on(self) -> bool:
        """Whether there is somewhere to archive to."""
        return bool(self.path)

    @property
    def own_path(self) -> str:
        """The folder of this database's segments."""
        return f"{self.path}/{self._uuid}"

    def set_path(self, path: str) -> None:
        """Archive to another folder from now on; empty: no more. What is there still is kept until it is archived."""
        path = path.rstrip("/")
        if path == self.path:
            return
        with self._latch:
            self.path = path
            self._archived, self._done_before = None, -1
            if self.is_on:
                self._hold()
            else:
                self._retention.release(HolderKind.ARCHIVE, ARCHIVE_PIN)

    def has_work(self) -> bool:
        """Whether a segment was sealed since all were archived."""
        return self.is_on and self._current_number() != self._done_before

    def next_seal(self) -> LSN:
        """Where the log will have come when the next segment is sealed."""
        return LSN((self._current_number() + 1) * self._log.start.capacity)

    def archived(self) -> dict[int, ArchivedSegment]:
        """What is archived, by number, as far as is known without asking the archive."""
        known = self._archived
        return {} if known is None else dict(known)

    def run(self, *, is_final: bool = False) -> list[str]:
        """Archive what is sealed; answers what went wrong, in words. `is_final`: the life has ended, everything is sealed."""
        if not self.is_on:
            return []
        with self._latch:
            number: int | None = None
            current = self._current_number()
            try:
                done = self._read_list()
                for number in self._folder.numbers():
                    if number not in done and (is_final or self._is_sealed(number)):
                        self._archive(number, done)
            except errors.Error as error:
                self._note_failure(number, error)
                return [f"archiving failed: {error.message}"]
            finally:
                self._hold()
            self._done_before = current
        return []

    def _current_number(self) -> int:
        return self._log.durable_lsn // self._log.start.capacity

    def require(self) -> None:
        """Raise ObjectNotInPrerequisiteState if there is no archive."""
        if not self.is_on:
            raise errors.ObjectNotInPrerequisiteState(
                "there is no archive of the log", hint="Set archive_path to a folder."
            )

    def seal_and_run(self) -> list[str]:
        """Seal the current segment and archive it too. Raises DiskFull, IoError."""
        self._log.flush_to(self._log.seal())
        return self.run()

    def _is_sealed(self, number: int) -> bool:
        start = self._log.start
        return (
            number < start.segment_number or (number + 1) * start.capacity <= self._log.durable_lsn
        )

    def _archive(self, number: int, done: dict[int, ArchivedSegment]) -> None:
        source = self._folder.open(number)
        try:
            data = source.read_at(0, source.size())
        finally:
            source.close()
        path = f"{self.own_path}/{number:016d}{SUFFIX}"
        found = self._content(path)
        if found is None:
            self._write(path, data)
        elif found != data:
            raise errors.ObjectNotInPrerequisiteState(
                f'"{path}" is there already, with another content',
                hint="Give each database, and each copy of one, an archive of its own.",
            )
        entry = ArchivedSegment(number, self._clock.utc_us(), len(data), checksum(data))
        self._append_to_list(entry)
        done[number] = entry
        figures = self.figures
        figures.archived_count += 1
        figures.last_archived_wal = f"{number:016d}"
        figures.last_archived_time = entry.at

    def _content(self, path: str) -> bytes | None:
        if not self._disk.exists(path):
            return None
        file = self._disk.open(path)
        try:
            return file.read_at(0, file.size())
        finally:
            file.close()

    def _write(self, path: str, data: bytes) -> None:
        partial = path + PARTIAL_SUFFIX
        file = self._disk.open(partial, create=True)
        try:
            file.truncate(0)
            file.write_at(0, data)
            file.sync()
        finally:
            file.close()
        self._disk.rename(partial, path)
        self._disk.sync_directory(self.own_path)

    # The list

    def _read_list(self) -> dict[int, ArchivedSegment]:
        if self._archived is None:
            self._disk.make_directory(self.path)
            self._disk.make_directory(self.own_path)
            self._disk.sync_directory(self.path)
            file = self._open_list()
            try:
                self._archived = _decode_list(file.read_at(0, file.size()))
            finally:
                file.close()
        return self._archived

    def _append_to_list(self, entry: ArchivedSegment) -> None:
        line = json.dumps([entry.number, entry.at, entry.size, entry.checksum])
        file = self._open_list()
        try:
            size = file.size()
            # A line that a crash cut off is ended, so that this one stands alone.
            is_cut = size and file.read_at(size - 1, 1) != b"\n"
            file.write_at(size, f"{chr(10) if is_cut else ''}{line}\n".encode())
            file.sync()
        finally:
            file.close()
        self._disk.sync_directory(self.own_path)

    def _open_list(self) -> File:
        return self._disk.open(f"{self.own_path}/{LIST_NAME}", create=True)

    def _hold(self) -> None:
        """Pin the log from the first segment that is not archived (invariant 3)."""
        if not self.is_on:
            return
        done = self._archived or {}
        capacity = self._log.start.capacity
        waiting = [number for number in self._folder.numbers() if number not in done]
        first = min([*waiting, self._log.durable_lsn // capacity])
        # What retention has given up already cannot be held any more.
        lsn = LSN(max(first * capacity, self._retention.floor))
        self._retention.pin(HolderKind.ARCHIVE, ARCHIVE_PIN, owner=self.path, lsn=lsn)

    def _note_failure(self, number: int | None, error: errors.Error) -> None:
        figures = self.figures
        figures.failed_count += 1
        figures.last_failed_wal = None if number is None else f"{number:016d}"
        figures.last_failed_time = self._clock.utc_us()
        figures.last_error = error.message


def _decode_list(data: bytes) -> dict[int, ArchivedSegment]:
    """The lines that are whole; one that a crash cut off tells nothing."""
    found = {}
    for line in data.split(b"\n"):
        try:
            values = json.loads(line)
            entry = ArchivedSegment(*(int(each) for each in values))
        except (ValueError, TypeError):
            continue
        found[entry.number] = entry
    return found
