"""The backup file: one image of a database and the log behind it, in one file that proves itself.

    ┌────────┬──────────────────────┬──────────────────────┬──────────┬─────────┐
    │ header │ runs of units        │ parts of log segments│ contents │ trailer │
    └────────┴──────────────────────┴──────────────────────┴──────────┴─────────┘
      4096 B   as in the database     their headers too      zlib JSON,  where the contents are
               file, one after the                           runs
               other

A *run* is consecutive units of the database file that the image uses: its manifest, its page tables, its pages. They keep their
numbers, so all addresses within the image hold, and `BackupImageFile` shows a backup as the file that it was taken from. An
*incremental* backup has only the units whose content its base does not have; the rest is read from there, down to a full one.

`docs/file-format.md` has the bytes. Invariants:
1. The trailer is written last, then the file is synced, then it gets its name: a file without a sound trailer is no backup.
2. Everything is covered by a checksum: runs and segments each by their own, the contents by the trailer's.
3. A unit that an incremental backup lacks has the content that its base shows for it.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass, field
from uuid import UUID

import numpy as np
import numpy.typing as npt

from lungfish import errors
from lungfish.storage.checksum import checksum
from lungfish.storage.disk import Disk, File
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.storage.superblock import ManifestAddress

MAGIC = b"LFBACKUP"
TRAILER_MAGIC = b"LFBKEND\0"
VERSION = 2
HEADER_SIZE = UNIT_SIZE
_HEADER = struct.Struct("<8sII16s16s16s")
_TRAILER = struct.Struct("<8sQQQ")
_CHECKSUM = struct.Struct("<Q")
TRAILER_SIZE = _TRAILER.size + _CHECKSUM.size
_LENGTH = struct.Struct("<Q")
# First unit, count, checksum.
RUN_FIELDS = 3
Runs = npt.NDArray[np.uint64]
_NIL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class SegmentPart:
    """The part of a log segment that a backup has: its header's unit, then the log up to where the backup ends."""

    number: int
    length: int
    checksum: int


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What a backup says of itself. Moments in microseconds since 1970, UTC; sizes in bytes."""

    backup_id: str
    database_id: str
    # Of the backup that this one adds to, and where that was; empty for a full one.
    base_id: str
    base_path: str
    page_size: int
    generation: int
    manifest_unit: int
    manifest_length: int
    manifest_checksum: int
    checkpoint_id: int
    # The image is complete up to here; the log of the backup goes on to `end_lsn`.
    redo_lsn: int
    lowest_mark: int
    end_lsn: int
    started_at: int
    finished_at: int
    segments: list[SegmentPart] = field(default_factory=list)

    @property
    def is_incremental(self) -> bool:
        """Whether it needs its base."""
        return bool(self.base_id)

    @property
    def manifest(self) -> ManifestAddress:
        """Where the image's manifest is."""
        return ManifestAddress(self.manifest_unit, self.manifest_length, self.manifest_checksum)


def encode_header(facts: BackupFacts) -> bytes:
    """The first unit: what the file is, for whoever looks at it."""
    base = UUID(facts.base_id) if facts.base_id else _NIL
    body = _HEADER.pack(
        MAGIC,
        VERSION,
        facts.page_size,
        UUID(facts.backup_id).bytes,
        UUID(facts.database_id).bytes,
        base.bytes,
    )
    return (body + _CHECKSUM.pack(checksum(body))).ljust(HEADER_SIZE, b"\0")


def encode_end(facts: BackupFacts, runs: Runs, offset: int) -> bytes:
    """Contents and trailer, to stand at `offset`."""
    text = zlib.compress(json.dumps(asdict(facts), sort_keys=True).encode(), 6)
    contents = b"".join((_LENGTH.pack(len(text)), text, runs.astype("<u8").tobytes()))
    trailer = _TRAILER.pack(TRAILER_MAGIC, offset, len(contents), checksum(contents))
    return b"".join((contents, trailer, _CHECKSUM.pack(checksum(trailer))))


class BackupFile:
    """A backup, open for reading. Its header, trailer and contents were found sound."""

    def __init__(self, disk: Disk, path: str) -> None:
        """Raises UndefinedFile, WrongObjectType (no backup at all), CorruptDatabase, FeatureNotSupported."""
        self.path = path
        self.file = disk.open(path)
        try:
            self.facts, self.runs = _read_contents(self.file, path)
        except BaseException:
            self.file.close()
            raise
        counts = self.runs[:, 1].astype(np.int64)
        # Where each run, and behind them each segment, lies in the file.
        ends = HEADER_SIZE + np.cumsum(counts) * UNIT_SIZE
        self.run_offsets = ends - counts * UNIT_SIZE
        at = int(ends[-1]) if len(ends) else HEADER_SIZE
        self.segment_offsets: dict[int, int] = {}
        for part in self.facts.segments:
            self.segment_offsets[part.number] = at
            at += part.length

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def check(self) -> int:
        """Verify every run and every segment; answers how many bytes that were. Raises CorruptDatabase."""
        total = 0
        for index in range(len(self.runs)):
            first, count, stored = (int(each) for each in self.runs[index])
            data = self.file.read_at(int(self.run_offsets[index]), count * UNIT_SIZE)
            self._compare(data, count * UNIT_SIZE, stored, f"units {first} to {first + count - 1}")
            total += len(data)
        for part in self.facts.segments:
            total += len(self.segment(part))
        return total

    def segment(self, part: SegmentPart) -> bytes:
        """A part of the log, verified. Raises CorruptDatabase."""
        data = self.file.read_at(self.segment_offsets[part.number], part.length)
        self._compare(data, part.length, part.checksum, f"log segment {part.number}")
        return data

    def _compare(self, data: bytes, length: int, stored: int, what: str) -> None:
        if len(data) != length or checksum(data) != stored:
            raise errors.CorruptDatabase(
                f'{what} in backup "{self.path}" do not match their checksum'
            )


def _read_contents(file: File, path: str) -> tuple[BackupFacts, Runs]:
    head = file.read_at(0, HEADER_SIZE)
    if not head.startswith(MAGIC) or len(head) < HEADER_SIZE:
        raise errors.WrongObjectType(f'file "{path}" is not a Lungfish backup')
    version = _HEADER.unpack_from(head)[1]
    if version != VERSION:
        raise errors.FeatureNotSupported(
            f'backup "{path}" has format version {version}; this program reads version {VERSION}'
        )
    size = file.size()
    end = file.read_at(max(0, size - TRAILER_SIZE), TRAILER_SIZE)
    (stored,) = _CHECKSUM.unpack_from(end, _TRAILER.size) if len(end) == TRAILER_SIZE else (0,)
    if len(end) < TRAILER_SIZE or stored != checksum(end[: _TRAILER.size]):
        raise errors.CorruptDatabase(f'backup "{path}" is cut off or damaged at its end')
    magic, offset, length, stored = _TRAILER.unpack_from(end)
    if magic != TRAILER_MAGIC or offset + length + TRAILER_SIZE != size:
        raise errors.CorruptDatabase(f'backup "{path}" is damaged at its end')
    contents = file.read_at(offset, length)
    if checksum(contents) != stored:
        raise errors.CorruptDatabase(f'the contents of backup "{path}" do not match their checksum')
    facts, runs = _decode_contents(contents, path)
    if head != encode_header(facts):
        raise errors.CorruptDatabase(f'the header of backup "{path}" is damaged')
    return facts, runs


def _decode_contents(contents: bytes, path: str) -> tuple[BackupFacts, Runs]:
    try:
        (length,) = _LENGTH.unpack_from(contents)
        end = _LENGTH.size + length
        document = json.loads(zlib.decompress(contents[_LENGTH.size : end]))
        parts = [SegmentPart(**each) for each in document.pop("segments")]
        facts = BackupFacts(**document, segments=parts)
        runs = np.frombuffer(contents[end:], "<u8").reshape(-1, RUN_FIELDS)
    except (struct.error, zlib.error, ValueError, KeyError, TypeError) as error:
        raise errors.CorruptDatabase(f'the contents of backup "{path}" cannot be read') from error
    return facts, runs


class BackupImageFile:
    """A backup and its bases as the database file that they were taken from, for reading. Implements `File`, but for changes."""

    def __init__(self, chain: list[BackupFile]) -> None:
        """`chain`: the backup itself, its base, the base's base, down to a full one."""
        self._chain = chain
        self._starts = [backup.runs[:, 0].astype(np.int64) for backup in chain]
        self._orders = [np.argsort(starts, kind="stable") for starts in self._starts]
        self._sorted = [
            starts[order] for starts, order in zip(self._starts, self._orders, strict=True)
        ]
        last = [int((backup.runs[:, 0] + backup.runs[:, 1]).max(initial=0)) for backup in chain]
        self._unit_count = max(last)

    @property
    def path(self) -> str:
        return self._chain[0].path

    def read_at(self, offset: int, length: int) -> bytes:
        """Read; units that no image uses are zero."""
        parts = []
        while length > 0 and offset < self.size():
            unit, skip = divmod(offset, UNIT_SIZE)
            size = min(length, UNIT_SIZE - skip)
            found = self._find(unit)
            if found is None:
                parts.append(bytes(size))
            else:
                backup, place, unit_count = found
                if len(self._chain) == 1:
                    # Nobody in front of it has a part of the run.
                    size = min(length, unit_count * UNIT_SIZE - skip)
                parts.append(backup.file.read_at(place + skip, size))
            offset += size
            length -= size
        return b"".join(parts)

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        data = self.read_at(offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def size(self) -> int:
        return self._unit_count * UNIT_SIZE

    def write_at(self, offset: int, data: object) -> None:
        raise errors.InternalError("a backup is not written to")

    def truncate(self, size: int) -> None:
        raise errors.InternalError("a backup is not written to")

    def sync(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Let go of the files."""
        for backup in self._chain:
            backup.close()

    def _find(self, unit: int) -> tuple[BackupFile, int, int] | None:
        """Which backup has a unit, where, and how many units of the same run lie there."""
        for backup, starts, order in zip(self._chain, self._sorted, self._orders, strict=True):
            at = int(np.searchsorted(starts, unit, side="right")) - 1
            if at < 0:
                continue
            index = int(order[at])
            first, count = int(backup.runs[index, 0]), int(backup.runs[index, 1])
            if unit < first + count:
                place = int(backup.run_offsets[index]) + (unit - first) * UNIT_SIZE
                return backup, place, first + count - unit
        return None


def open_chain(disk: Disk, path: str) -> list[BackupFile]:
    """A backup and its bases, down to a full one. Raises UndefinedFile naming a base that is not there; as `BackupFile`."""
    chain = [BackupFile(disk, path)]
    try:
        while (facts := chain[-1].facts).is_incremental:
            chain.append(_open_base(disk, chain[-1].path, facts))
    except BaseException:
        for backup in chain:
            backup.close()
        raise
    return chain


def _open_base(disk: Disk, path: str, facts: BackupFacts) -> BackupFile:
    """The base: where it was when the backup was taken, or beside the backup."""
    folder, _, _ = path.rpartition("/")
    name = facts.base_path.rpartition("/")[2]
    beside = f"{folder}/{name}" if folder else name
    for place in (facts.base_path, beside):
        if disk.exists(place):
            base = BackupFile(disk, place)
            if base.facts.backup_id == facts.base_id:
                return base
            base.close()
    raise errors.UndefinedFile(
        f'backup "{path}" adds to backup "{facts.base_path}", which is not there',
        hint="Put it back, or beside this one.",
    )
