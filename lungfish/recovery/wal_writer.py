"""Puts stretches of the log into segment files and syncs them: the leader's hands (`wal.py`). One thread at a time.

Invariants:
1. A file is left for the next segment only when it is synced, so `sync` needs to look at the current one alone.
2. Segments are made in order, each when the log first reaches it.
3. Behind the log's end the current segment is filled with zeros, some way ahead: a small write then goes to blocks that the file
   has already, and its sync need not write the file's metadata too (measured here: 130 instead of 165 us).
4. Only a write or the making of a segment raises DiskFull. A sync that fails for lack of space is a failed sync as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.errors import DiskFull, IoError
from lungfish.recovery.wal_segments import HEADER_SIZE, LogStart, SegmentFolder, SegmentHeader
from lungfish.storage.clock import Clock
from lungfish.storage.disk import File
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.ids import LSN

# How far ahead of the end zeros are written, and up to which size a write is worth preparing for.
ZEROS_AHEAD = 256 << 10
SMALL_WRITE_MAX = 64 << 10
_ZEROS = memoryview(bytes(ZEROS_AHEAD))


class SegmentWriter:
    """Where a life's records go."""

    # Named are those attributes that compiled code looks at for each commit.
    __slots__ = ("__dict__", "_file", "_filled_to", "_header", "_on_first_segment")

    def __init__(
        self,
        folder: SegmentFolder,
        start: LogStart,
        *,
        clock: Clock,
        failpoints: Failpoints,
        on_first_segment: Callable[[], None] | None = None,
    ) -> None:
        self._folder = folder
        self._start = start
        self._clock = clock
        self._failpoints = failpoints
        # Until it was called: see `WriteAheadLog`.
        self._on_first_segment = on_first_segment
        self._capacity = start.capacity
        self.life_start = start.life_start
        # The segment that is written to; none before the life's first write.
        self._file: File | None = None
        self._header: SegmentHeader | None = None
        # Up to where the current file has its blocks.
        self._filled_to = 0
        self.segments_made = 0

    @property
    def segment_number(self) -> int | None:
        """The number of the segment that is written to, or None while there is none: it must not be removed."""
        return None if self._header is None else self._header.number

    def write(self, lsn: LSN, data: bytes) -> None:
        """Write a stretch of the log. Doing it again changes nothing."""
        if self._failpoints.is_on:
            self._failpoints.reach("wal.flush.before_write")
        number, offset = divmod(lsn, self._capacity)
        if offset + len(data) <= self._capacity:
            # Nearly always.
            self._write_part(self._file_of(number), HEADER_SIZE + offset, data)
            return
        view = memoryview(data)
        while view:
            number, offset = divmod(lsn, self._capacity)
            file = self._file_of(number)
            part = view[: self._capacity - offset]
            self._write_part(file, HEADER_SIZE + offset, part)
            view = view[len(part) :]
            lsn = LSN(lsn + len(part))

    def cut_back(self, end: LSN) -> None:
        """Take away, durably, what was written from `end` on: the log goes on there.

        Requires: nothing from there on was acknowledged.
        """
        if self._header is None:
            return
        self._failpoints.reach("wal.cut_back")
        number, offset = divmod(end, self._capacity)
        last = self._header.number
        if last < number:
            # The segment before is full, and the next one could not be made.
            return
        # The making of a segment may have failed when it was there already, with a whole header: it goes too, or would be behind a gap.
        self._folder.take_back(number + 1)
        if last > number:
            self.close()
            self.segments_made -= last - number
            self._header = replace(self._header, number=number)
        if self._file is None:
            self._file = self._folder.open(number)
        self._filled_to = HEADER_SIZE + offset
        self._file.truncate(self._filled_to)
        _sync(self._file)

    def sync(self) -> None:
        """Make all that was written durable."""
        if self._file is not None:
            if self._failpoints.is_on:
                self._failpoints.reach("wal.flush.before_sync")
            _sync(self._file)

    def close(self) -> None:
        """Let go of the file, without a sync."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _file_of(self, number: int) -> File:
        file = self._file
        if file is not None and self._header is not None and self._header.number == number:
            self._tell_first()
            return file
        if file is not None:
            self._failpoints.reach("wal.segment.seal")
            # Invariant 1: nothing of it is left to a later sync.
            _sync(file)
            self.close()
        wanted = SegmentHeader(
            number=number,
            size=self._start.segment_size,
            uuid=self._start.uuid,
            generation=self._start.generation,
            life_start=self.life_start,
            previous_end=self._start.previous_end,
            created_at=self._clock.utc_us(),
            is_reused=False,
        )
        self._failpoints.reach("wal.segment.create")
        self._file, self._header = self._folder.create(wanted)
        self.segments_made += 1
        self._failpoints.reach("wal.segment.made")
        self._filled_to = self._header.size if self._header.is_reused else 0
        self._tell_first()
        return self._file

    def _tell_first(self) -> None:
        """Tell of the life's first segment, before a record is in it; again, if an exception from outside cut the telling off."""
        if self._on_first_segment is not None:
            self._on_first_segment()
            self._on_first_segment = None

    def _write_part(self, file: File, offset: int, part: bytes | memoryview) -> None:
        end = offset + len(part)
        if end <= self._filled_to or len(part) > SMALL_WRITE_MAX:
            file.write_at(offset, part)
            self._filled_to = max(self._filled_to, end)
        else:
            zeros = _ZEROS[: self._start.segment_size - end]
            try:
                # By itself: to put both into one string of bytes took longer than a second call. First, so that a write that is torn is that of records.
                file.write_at(end, zeros)
            except DiskFull:
                # There may be room for the records alone.
                zeros = _ZEROS[:0]
            file.write_at(offset, part)
            self._filled_to = end + len(zeros)


def _sync(file: File) -> None:
    try:
        file.sync()
    except DiskFull as error:
        raise IoError(error.message) from error
