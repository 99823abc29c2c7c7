"""A disk that counts: reads, writes, extensions and syncs of a database's files, by who does them and in which file.

`MeasuredDisk` stands in front of any other disk. Each operation is charged to the purpose of its thread, `CLIENT` unless
`acting_as` says otherwise. Counts and times are not exact under races between threads; nothing is decided by them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lungfish.storage.checksum import BytesLike
from lungfish.storage.clock import Clock
from lungfish.storage.disk import Disk, File, Lock

# Purposes, as pg_stat_io's backend_type has them.
CLIENT = "client backend"
CHECKPOINTER = "checkpointer"
RECOVERY = "recovery"
IMAGE_STORE = "image store"
PURPOSES = (CLIENT, CHECKPOINTER, RECOVERY, IMAGE_STORE)
# Kinds of files, as pg_stat_io's object has them.
RELATION = "relation"
WAL = "wal"
OBJECTS = (RELATION, WAL)


@dataclass(slots=True)
class IoFigures:
    """What was done for one purpose with one kind of file. Times in milliseconds."""

    reads: int = 0
    read_bytes: int = 0
    read_ms: float = 0.0
    writes: int = 0
    write_bytes: int = 0
    write_ms: float = 0.0
    extends: int = 0
    extend_bytes: int = 0
    extend_ms: float = 0.0
    syncs: int = 0
    sync_ms: float = 0.0
    longest_sync_ms: float = 0.0


@dataclass(slots=True)
class IoTotals:
    """All figures of one database, by purpose and kind of file."""

    figures: dict[tuple[str, str], IoFigures] = field(
        default_factory=lambda: {
            (purpose, kind): IoFigures() for purpose in PURPOSES for kind in OBJECTS
        }
    )
    # Of the threads that act for something else than a client.
    _purposes: dict[int, str] = field(default_factory=dict)
    # Called after each read and write, with its purpose, kind of file and size: where an I/O budget is charged. It may wait.
    charge: Callable[[str, str, int], None] | None = None

    @contextmanager
    def acting_as(self, purpose: str) -> Iterator[None]:
        """Charge what this thread does to `purpose`."""
        thread = threading.get_ident()
        before = self._purposes.get(thread)
        self._purposes[thread] = purpose
        try:
            yield
        finally:
            if before is None:
                del self._purposes[thread]
            else:
                self._purposes[thread] = before

    def charged(self, kind: str, size: int) -> None:
        """Tell the budget what this thread has read or written."""
        if self.charge is not None:
            self.charge(self._purposes.get(threading.get_ident(), CLIENT), kind, size)

    def of(self, kind: str) -> IoFigures:
        """The figures that this thread's next operation counts in."""
        return self.figures[self._purposes.get(threading.get_ident(), CLIENT), kind]


class MeasuredDisk:
    """A disk in front of another one."""

    def __init__(self, disk: Disk, database_path: str, clock: Clock) -> None:
        self.totals = IoTotals()
        self._disk = disk
        self._database_path = database_path
        self._clock = clock

    def open(self, path: str, *, create: bool = False) -> File:
        file = self._disk.open(path, create=create)
        kind = RELATION if path == self._database_path else WAL
        return MeasuredFile(file, kind, self.totals, self._clock)

    def exists(self, path: str) -> bool:
        return self._disk.exists(path)

    def list(self, directory: str) -> list[str]:
        return self._disk.list(directory)

    def remove(self, path: str) -> None:
        self._disk.remove(path)

    def rename(self, old: str, new: str) -> None:
        self._disk.rename(old, new)

    def make_directory(self, path: str) -> None:
        self._disk.make_directory(path)

    def remove_directory(self, path: str) -> None:
        self._disk.remove_directory(path)

    def sync_directory(self, path: str) -> None:
        self._disk.sync_directory(path)

    def lock(self, path: str) -> Lock:
        return self._disk.lock(path)


class MeasuredFile:
    """A file in front of another one."""

    __slots__ = ("_file", "_kind", "_now_s", "_size", "_totals")

    def __init__(self, file: File, kind: str, totals: IoTotals, clock: Clock) -> None:
        self._file = file
        self._kind = kind
        self._totals = totals
        self._now_s = clock.monotonic_s
        self._size = file.size()

    @property
    def path(self) -> str:
        return self._file.path

    def read_at(self, offset: int, length: int) -> bytes:
        began = self._now_s()
        data = self._file.read_at(offset, length)
        self._count_read(len(data), began)
        return data

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        began = self._now_s()
        count = self._file.read_into(offset, buffer)
        self._count_read(count, began)
        return count

    def _count_read(self, count: int, began: float) -> None:
        figures = self._totals.of(self._kind)
        figures.reads += 1
        figures.read_bytes += count
        figures.read_ms += (self._now_s() - began) * 1000
        self._totals.charged(self._kind, count)

    def write_at(self, offset: int, data: BytesLike) -> None:
        began = self._now_s()
        self._file.write_at(offset, data)
        took_ms = (self._now_s() - began) * 1000
        figures = self._totals.of(self._kind)
        size = len(data)
        if offset + size > self._size:
            self._size = offset + size
            figures.extends += 1
            figures.extend_bytes += size
            figures.extend_ms += took_ms
        else:
            figures.writes += 1
            figures.write_bytes += size
            figures.write_ms += took_ms
        self._totals.charged(self._kind, size)

    def sync(self) -> None:
        began = self._now_s()
        self._file.sync()
        took_ms = (self._now_s() - began) * 1000
        figures = self._totals.of(self._kind)
        figures.syncs += 1
        figures.sync_ms += took_ms
        figures.longest_sync_ms = max(figures.longest_sync_ms, took_ms)

    def truncate(self, size: int) -> None:
        self._file.truncate(size)
        self._size = size

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._file.close()
