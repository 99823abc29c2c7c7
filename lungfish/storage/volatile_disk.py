"""A disk around another one that keeps unsynced writes in this process: a killed process is then what a loss of power is.

What the operating system's cache would save from a `kill -9` is lost here with the process, unless it says `spill` first. So a test can
kill a real process with real files and choose what survives.

Invariants:
1. A file that was synced has in the inner disk what its users see.
2. A change of a name goes to the inner disk at once: of names nothing is lost.
3. Between syncs the inner file is only read.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from lungfish.storage.checksum import BytesLike
from lungfish.storage.disk import Disk, File, Lock

# Bytes at offsets, in order; data None: truncated to the offset.
Changes = list[tuple[int, bytes | None]]


@dataclass(slots=True)
class _Pending:
    """What was done to a file since its last sync."""

    # The size that its users see.
    size: int
    changes: Changes = field(default_factory=list)


class VolatileDisk:
    """A `Disk` whose unsynced writes die with the process."""

    def __init__(self, inner: Disk) -> None:
        self._inner = inner
        self._lock = threading.RLock()
        self._pending: dict[str, _Pending] = {}
        # The paths with unsynced writes, the one written last at the end.
        self._order: list[str] = []

    def spill(self, *, torn_bytes: int | None = None, keeps_others: bool = True) -> None:
        """Hand unsynced writes to the inner disk, without a sync, as a system's cache would that outlives the process.

        `torn_bytes`: of the last one only its first bytes. Not `keeps_others`: nothing but that one.
        """
        with self._lock:
            last = self._order[-1] if self._order else None
            for path in dict.fromkeys(self._order):
                changes = list(self._pending[path].changes)
                torn = None
                if path == last and torn_bytes is not None and changes[-1][1] is not None:
                    offset, data = changes.pop()
                    torn = (offset, (data or b"")[:torn_bytes])
                kept = [*(changes if keeps_others else []), *([torn] if torn else [])]
                self._apply(path, kept)

    # --- Disk ---

    def open(self, path: str, *, create: bool = False) -> File:
        inner = self._inner.open(path, create=create)
        with self._lock:
            if path not in self._pending:
                self._pending[path] = _Pending(inner.size())
        return _VolatileFile(self, inner)

    def exists(self, path: str) -> bool:
        return self._inner.exists(path)

    def list(self, directory: str) -> list[str]:
        return self._inner.list(directory)

    def remove(self, path: str) -> None:
        with self._lock:
            self._inner.remove(path)
            self._forget(path)

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            self._inner.rename(old, new)
            self._forget(new)
            if old in self._pending:
                self._pending[new] = self._pending.pop(old)
                self._order = [new if each == old else each for each in self._order]

    def make_directory(self, path: str) -> None:
        self._inner.make_directory(path)

    def remove_directory(self, path: str) -> None:
        self._inner.remove_directory(path)

    def sync_directory(self, path: str) -> None:
        self._inner.sync_directory(path)

    def lock(self, path: str) -> Lock:
        return self._inner.lock(path)

    # --- For its files ---

    def read(self, file: File, offset: int, length: int) -> bytes:
        with self._lock:
            pending = self._pending[file.path]
            length = max(0, min(length, pending.size - offset))
            buffer = bytearray(length)
            data = file.read_at(offset, length)
            buffer[: len(data)] = data
            for at, change in pending.changes:
                if change is None:
                    # What was cut off reads as zeros if the file has grown over it again.
                    start = max(at, offset)
                    if start < offset + length:
                        buffer[start - offset :] = bytes(offset + length - start)
                    continue
                start, end = max(at, offset), min(at + len(change), offset + length)
                if start < end:
                    buffer[start - offset : end - offset] = change[start - at : end - at]
            return bytes(buffer)

    def change(self, path: str, offset: int, data: bytes | None) -> None:
        with self._lock:
            pending = self._pending[path]
            pending.changes.append((offset, data))
            pending.size = offset if data is None else max(pending.size, offset + len(data))
            self._order.append(path)

    def sync(self, file: File) -> None:
        with self._lock:
            pending = self._pending[file.path]
            self._apply(file.path, pending.changes)
            pending.changes.clear()
            self._order = [each for each in self._order if each != file.path]
            file.sync()

    def size(self, path: str) -> int:
        return self._pending[path].size

    def _apply(self, path: str, changes: Changes) -> None:
        if not changes:
            return
        file = self._inner.open(path)
        try:
            for offset, data in changes:
                if data is None:
                    file.truncate(offset)
                else:
                    file.write_at(offset, data)
        finally:
            file.close()

    def _forget(self, path: str) -> None:
        self._pending.pop(path, None)
        self._order = [each for each in self._order if each != path]


class _VolatileFile:
    """An open file of a `VolatileDisk`."""

    def __init__(self, disk: VolatileDisk, inner: File) -> None:
        self._disk = disk
        self._inner = inner

    @property
    def path(self) -> str:
        return self._inner.path

    def read_at(self, offset: int, length: int) -> bytes:
        return self._disk.read(self._inner, offset, length)

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        data = self._disk.read(self._inner, offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write_at(self, offset: int, data: BytesLike) -> None:
        self._disk.change(self.path, offset, bytes(data))

    def sync(self) -> None:
        self._disk.sync(self._inner)

    def truncate(self, size: int) -> None:
        self._disk.change(self.path, size, None)

    def size(self) -> int:
        return self._disk.size(self.path)

    def close(self) -> None:
        self._inner.close()
