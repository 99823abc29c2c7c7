"""The log of a database, put together from several places: a backup, an archive, the folder beside the database.

A segment that is in more than one place is taken from the first that has it whole, in this order: the archive (it is complete there),
the folder, the backup (where the last one is cut off). `MergedLog` shows them as one folder that cannot be changed, so that
`LogReader` reads them as it reads any log, and a dry run writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lungfish import errors
from lungfish.recovery.backup_file import BackupFile
from lungfish.recovery.wal_segments import CHECKSUM, HEADER, SUFFIX, SegmentFolder, decode_header
from lungfish.storage.disk import Disk, File, Lock

# The name of the merged folder: it is nowhere.
MERGED_PATH = "(merged log)"


@dataclass(frozen=True, slots=True)
class SegmentSource:
    """Where a segment is read from: a place in words, and a file with the stretch of it."""

    place: str
    path: str
    offset: int
    length: int


class MergedLog:
    """A folder of segments that lie in several places. Implements `Disk`, for reading."""

    def __init__(self, disk: Disk, uuid: UUID) -> None:
        self._disk = disk
        self._uuid = uuid
        self.sources: dict[int, SegmentSource] = {}

    def add_folder(self, path: str, place: str) -> None:
        """Take in the segments of a folder that belong to the database and are not known yet."""
        folder = SegmentFolder(self._disk, path)
        for number in folder.numbers():
            file = folder.open(number)
            try:
                header = decode_header(file.read_at(0, HEADER.size + CHECKSUM.size))
                size = file.size()
            finally:
                file.close()
            if header is None or header.number != number:
                continue
            if header.uuid != self._uuid:
                raise errors.CorruptLog(
                    f'the log in "{path}" belongs to another database',
                    detail=f"It is of database {header.uuid}, the backup of database {self._uuid}.",
                )
            self.sources.setdefault(number, SegmentSource(place, folder.path_of(number), 0, size))

    def add_backup(self, backup: BackupFile) -> None:
        """Take in the segments of a backup that are not known yet. Raises CorruptDatabase if one is damaged."""
        for part in backup.facts.segments:
            backup.segment(part)
            offset = backup.segment_offsets[part.number]
            source = SegmentSource("backup", backup.path, offset, part.length)
            self.sources.setdefault(part.number, source)

    def drop_before(self, first: int) -> None:
        """Leave out the segments below a number, but for the newest one."""
        keep = min(first, max(self.sources, default=0))
        self.sources = {key: each for key, each in self.sources.items() if key >= keep}

    def drop_from(self, end: int) -> None:
        """Leave out the segments from a number on."""
        self.sources = {key: each for key, each in self.sources.items() if key < end}

    def folder(self) -> SegmentFolder:
        """All of them as one folder."""
        return SegmentFolder(self, MERGED_PATH)

    def read(self, number: int) -> bytes:
        """The bytes of a segment, its header's unit first."""
        source = self.sources[number]
        file = self._disk.open(source.path)
        try:
            return file.read_at(source.offset, source.length)
        finally:
            file.close()

    # Disk, as far as reading goes.

    def open(self, path: str, *, create: bool = False) -> File:
        number = int(path.rpartition("/")[2].removesuffix(SUFFIX))
        if create or number not in self.sources:
            raise errors.UndefinedFile(f'could not open file "{path}"')
        source = self.sources[number]
        return _Part(self._disk.open(source.path), source)

    def exists(self, path: str) -> bool:
        return path == MERGED_PATH

    def list(self, directory: str) -> list[str]:
        return [f"{number:016d}{SUFFIX}" for number in sorted(self.sources)]

    def remove(self, path: str) -> None:
        raise _unchangeable()

    def rename(self, old: str, new: str) -> None:
        raise _unchangeable()

    def make_directory(self, path: str) -> None:
        raise _unchangeable()

    def remove_directory(self, path: str) -> None:
        raise _unchangeable()

    def sync_directory(self, path: str) -> None:
        raise _unchangeable()

    def lock(self, path: str) -> Lock:
        raise _unchangeable()


class _Part:
    """A stretch of a file, as a file of its own for reading."""

    def __init__(self, file: File, source: SegmentSource) -> None:
        self._file = file
        self._source = source

    @property
    def path(self) -> str:
        return self._source.path

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self._source.length - offset)
        return self._file.read_at(self._source.offset + offset, length) if length > 0 else b""

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        data = self.read_at(offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def size(self) -> int:
        return self._source.length

    def write_at(self, offset: int, data: object) -> None:
        raise _unchangeable()

    def truncate(self, size: int) -> None:
        raise _unchangeable()

    def sync(self) -> None:
        raise _unchangeable()

    def close(self) -> None:
        self._file.close()


def _unchangeable() -> errors.InternalError:
    return errors.InternalError("a merged log is for reading only")
