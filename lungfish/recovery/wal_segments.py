"""The folder of the write-ahead log: segments of one fixed size, their headers, making, reusing and removing them.

    app.db-wal/
        0000000000000001.wal      header (one unit of 4096 bytes), then a stretch of the log
        0000000000000002.wal
        free-0000000000000001     a segment that is no longer needed, to be reused

Terms. *LSN*: a byte position in the log, counting records only, never segment headers. With a *capacity* of segment size less
header, segment n holds the positions [n * capacity, (n + 1) * capacity); a record may cross from one segment into the
next. *Life*: the time from one open of the database to its close or crash, numbered by the *generation*. A life begins at
the start of a fresh segment, so the log of an earlier life is never written to again; the header says where the earlier life
was found to end (`previous_end`).

Invariants:
1. A segment and its directory entry are durable before the first record is written into it.
2. The header's unit is never written again while the segment bears its number.
3. Within the folder a higher number means later; generations never fall.
4. Segments are removed from the lowest number upwards, and never one that a retention holder needs (`retention.py`).
5. A name and the number in its header agree, and the UUID is the database's: anything else is not a segment of this log.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from uuid import UUID

from xxhash import xxh3_64_intdigest

from lungfish import errors
from lungfish.storage.disk import Disk, File, parent_directory
from lungfish.storage.ids import LSN

HEADER_SIZE = 4096
SEGMENT_SIZE_DEFAULT = 8 << 20
SEGMENT_SIZE_MIN = 2 * HEADER_SIZE
MAGIC = b"LUNGWAL\n"
VERSION = 1
SUFFIX = ".wal"
FREE_PREFIX = "free-"
# Bytes kept aside: of damage, for good; of a torn tail, until the database is closed.
DAMAGED_PREFIX = "damaged-"
TORN_PREFIX = "torn-"
# Magic, version, size; UUID; number, generation, life's start, previous life's end, wall clock; reused; then a checksum.
HEADER = struct.Struct("<8sII16sQQQQqI4x")
CHECKSUM = struct.Struct("<Q")
# Reused segments kept beyond what is needed: enough for the log to grow on without making files.
FREE_SEGMENTS_MAX = 4

assert HEADER.size + CHECKSUM.size <= 512, "one sector, so that a header is never torn"


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The facts at the head of a segment."""

    number: int
    size: int
    uuid: UUID
    generation: int
    # Where the life that wrote this segment began, and where it found the life before to end.
    life_start: LSN
    previous_end: LSN
    # Microseconds since 1970, UTC.
    created_at: int
    # Reused: behind the last record there are remains of older ones instead of zeros.
    is_reused: bool

    @property
    def capacity(self) -> int:
        """How many bytes of the log the segment holds."""
        return self.size - HEADER_SIZE

    @property
    def start(self) -> LSN:
        """The position of the segment's first byte."""
        return LSN(self.number * self.capacity)

    @property
    def end(self) -> LSN:
        """The position after the segment's last byte."""
        return LSN((self.number + 1) * self.capacity)

    def encode(self) -> bytes:
        """The header as bytes, with its checksum."""
        packed = HEADER.pack(
            MAGIC,
            VERSION,
            self.size,
            self.uuid.bytes,
            self.number,
            self.generation,
            self.life_start,
            self.previous_end,
            self.created_at,
            int(self.is_reused),
        )
        return packed + CHECKSUM.pack(xxh3_64_intdigest(packed))


def decode_header(data: bytes) -> SegmentHeader | None:
    """Take a header apart; None if it is not a whole one."""
    if len(data) < HEADER.size + CHECKSUM.size or not data.startswith(MAGIC):
        return None
    packed = data[: HEADER.size]
    (stored,) = CHECKSUM.unpack_from(data, HEADER.size)
    if stored != xxh3_64_intdigest(packed):
        return None
    fields = HEADER.unpack(packed)
    if fields[1] != VERSION:
        raise errors.CorruptLog(
            f"write-ahead log of format version {fields[1]}; this program reads version {VERSION}"
        )
    _, _, size, uuid, number, generation, life_start, previous_end, created_at, reused = fields
    return SegmentHeader(
        number=number,
        size=size,
        uuid=UUID(bytes=uuid),
        generation=generation,
        life_start=LSN(life_start),
        previous_end=LSN(previous_end),
        created_at=created_at,
        is_reused=bool(reused),
    )


@dataclass(frozen=True, slots=True)
class LogStart:
    """Where a life of the log begins; from `LogReader` after a crash, from the image after a clean close."""

    uuid: UUID
    generation: int
    segment_number: int
    segment_size: int
    # Where the life before ended.
    previous_end: LSN

    @property
    def capacity(self) -> int:
        """How many bytes of the log a segment holds."""
        return self.segment_size - HEADER_SIZE

    @property
    def life_start(self) -> LSN:
        """The position of the life's first record."""
        return LSN(self.segment_number * self.capacity)


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the folder that is named as a segment."""

    number: int
    # None: it has no whole header.
    header: SegmentHeader | None
    # Without a header although there are records: as a header is durable before the first record (invariant 1), it was damaged.
    # A segment without either is one whose making was cut off.
    is_damaged: bool = False


class SegmentFolder:
    """The files of one log. Not safe for threads by itself; `WriteAheadLog` calls it from one at a time."""

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self.path = path
        self._is_made = False

    def numbers(self) -> list[int]:
        """The numbers of the files named as segments, lowest first."""
        return [
            int(name.removesuffix(SUFFIX))
            for name in self._disk.list(self.path)
            if name.endswith(SUFFIX) and name.removesuffix(SUFFIX).isdigit()
        ]

    def survey(self, uuid: UUID) -> list[Segment]:
        """Every segment with its header, lowest number first.

        Raises CorruptLog if a header is whole but not of this database or not of this place (invariant 5).
        """
        return [self._look_at(number, uuid) for number in self.numbers()]

    def open(self, number: int) -> File:
        """Open a segment that is there."""
        return self._disk.open(self.path_of(number))

    def others(self) -> list[str]:
        """The names of what is no segment: segments to be used again, bytes kept aside."""
        return [name for name in self._disk.list(self.path) if not name.endswith(SUFFIX)]

    def size_of(self, name: str) -> int:
        """The size of a file of the folder."""
        file = self._disk.open(f"{self.path}/{name}")
        try:
            return file.size()
        finally:
            file.close()

    def content(self, number: int) -> bytes:
        """What lies behind a segment's header."""
        file = self.open(number)
        try:
            return file.read_at(HEADER_SIZE, max(0, file.size() - HEADER_SIZE))
        finally:
            file.close()

    def create(self, header: SegmentHeader) -> tuple[File, SegmentHeader]:
        """Make a segment, durably with its name (invariant 1); a free one is reused if there is one. Answers its header too."""
        path = self.path_of(header.number)
        self._make_folder()
        free = self._free_names()
        if free and not self._disk.exists(path):
            return self._reuse(f"{self.path}/{free[0]}", path, header)
        # There already if its making was cut off: then there may be older records in it, as in a free one.
        header = replace(header, is_reused=self._disk.exists(path))
        file = self._disk.open(path, create=True)
        try:
            file.truncate(header.size)
            file.write_at(0, header.encode())
            file.sync()
            self._disk.sync_directory(self.path)
        except BaseException:
            file.close()
            raise
        return file, header

    def remove(self, numbers: list[int], *, keeps_free: bool) -> tuple[int, int]:
        """Remove segments, lowest first (invariant 4), or keep a few to be reused. Answers how many were removed and kept."""
        removed = kept = 0
        free_count = len(self._free_names())
        for number in sorted(numbers):
            path = self.path_of(number)
            if keeps_free and free_count < FREE_SEGMENTS_MAX:
                self._disk.rename(path, f"{self.path}/{FREE_PREFIX}{number:016d}")
                free_count += 1
                kept += 1
            else:
                self._disk.remove(path)
                removed += 1
        if numbers:
            self._disk.sync_directory(self.path)
        return removed, kept

    def take_back(self, first: int) -> None:
        """Remove the segments from `first` on, the newest first and each durably: a crash on the way leaves no gap among them."""
        for number in sorted(self.numbers(), reverse=True):
            if number < first:
                break
            self._disk.remove(self.path_of(number))
            self._disk.sync_directory(self.path)

    def sync_names_and(self, numbers: list[int]) -> None:
        """Make what was read durable before anything is built on it: a killed process may have left it in the system's cache."""
        for number in numbers:
            file = self.open(number)
            try:
                file.sync()
            finally:
                file.close()
        self._disk.sync_directory(self.path)
        self._disk.sync_directory(parent_directory(self.path))

    def keep_aside(self, lsn: int, data: bytes, *, is_torn: bool = False) -> str:
        """Keep bytes that are not used in a file of their own, durably; answers its path. Doing it again changes nothing."""
        prefix = TORN_PREFIX if is_torn else DAMAGED_PREFIX
        path = f"{self.path}/{prefix}{lsn:016X}"
        self._make_folder()
        file = self._disk.open(path, create=True)
        try:
            file.write_at(0, data)
            file.sync()
        finally:
            file.close()
        self._disk.sync_directory(self.path)
        return path

    def remove_folder(self) -> None:
        """Remove everything, at a clean close: the image says that nothing of it is needed."""
        if not self._disk.exists(self.path):
            return
        names = self._disk.list(self.path)
        ours = (FREE_PREFIX, TORN_PREFIX)
        damaged = [name for name in names if not (name.endswith(SUFFIX) or name.startswith(ours))]
        for name in names:
            if name not in damaged:
                self._disk.remove(f"{self.path}/{name}")
        if not damaged:
            self._disk.remove_directory(self.path)
            self._disk.sync_directory(parent_directory(self.path))

    def path_of(self, number: int) -> str:
        """The path of a segment's file."""
        return f"{self.path}/{number:016d}{SUFFIX}"

    def _look_at(self, number: int, uuid: UUID) -> Segment:
        file = self.open(number)
        try:
            header = decode_header(file.read_at(0, HEADER.size + CHECKSUM.size))
            if header is None:
                return Segment(number, None, is_damaged=any(file.read_at(HEADER_SIZE, file.size())))
        finally:
            file.close()
        if header.uuid != uuid:
            raise errors.CorruptLog(
                f'the write-ahead log "{self.path}" belongs to another database',
                detail=f"The log is of database {header.uuid}, the file is database {uuid}.",
                hint="Put the log back beside its own database file, or move it away.",
            )
        if header.number != number:
            raise errors.CorruptLog(
                f'segment "{self.path_of(number)}" says that it is segment {header.number}'
            )
        return Segment(number, header)

    def _free_names(self) -> list[str]:
        return [name for name in self._disk.list(self.path) if name.startswith(FREE_PREFIX)]

    def _reuse(self, old_path: str, path: str, header: SegmentHeader) -> tuple[File, SegmentHeader]:
        """Make a segment of a free one. Its new name comes last, when the header in it is durable."""
        file = self._disk.open(old_path)
        try:
            if file.size() != header.size:
                file.truncate(header.size)
            header = replace(header, is_reused=True)
            file.write_at(0, header.encode())
            file.sync()
        finally:
            file.close()
        self._disk.rename(old_path, path)
        self._disk.sync_directory(self.path)
        return self._disk.open(path), header

    def _make_folder(self) -> None:
        """Make the folder and its name durable, once for each life: a killed process may have left the name in the cache only."""
        if not self._is_made:
            self._disk.make_directory(self.path)
            self._disk.sync_directory(parent_directory(self.path))
            self._is_made = True
