"""Files in memory: for `:memory:` databases, and the base of the simulated disk.

A file's content is a list of immutable chunks, so a copy of a whole file costs one pointer for each chunk. Invariants:
1. Every chunk but the last has `CHUNK_SIZE` bytes; the last may be shorter, never empty.
2. A chunk is never changed, only replaced: copies may share chunks for ever.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable

from lungfish.errors import DiskFull, IoError, UndefinedFile
from lungfish.storage.checksum import BytesLike
from lungfish.storage.disk import File, Lock, LockHolder, database_in_use, parent_directory

CHUNK_SIZE = 4096
_ZERO_CHUNK = bytes(CHUNK_SIZE)
# The directories that are always there.
ROOTS = frozenset({".", "/"})


class FileContent:
    """The bytes of one file, cheap to copy. Not safe for threads by itself."""

    __slots__ = ("chunks", "size")

    def __init__(self, chunks: list[bytes] | None = None, size: int = 0) -> None:
        self.chunks = chunks if chunks is not None else []
        self.size = size

    def copy(self) -> FileContent:
        return FileContent(self.chunks.copy(), self.size)

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        first, last = offset // CHUNK_SIZE, (end - 1) // CHUNK_SIZE
        start = offset - first * CHUNK_SIZE
        if first == last:
            return self.chunks[first][start : start + end - offset]
        data = b"".join(self.chunks[first : last + 1])
        return (
            data if start == 0 and len(data) == end - offset else data[start : start + end - offset]
        )

    def write(self, offset: int, data: BytesLike) -> None:
        if not data:
            return
        if offset > self.size:
            self.truncate(offset)
        end = offset + len(data)
        first, last = offset // CHUNK_SIZE, (end - 1) // CHUNK_SIZE
        start = first * CHUNK_SIZE
        # What of the first and the last chunk stays as it was.
        before = self.chunks[first][: offset - start] if offset > start else b""
        after = b""
        if end < self.size:
            after = self.chunks[last][end - last * CHUNK_SIZE :]
        joined = b"".join((before, data, after)) if before or after else bytes(data)
        self.chunks[first : last + 1] = [
            joined[at : at + CHUNK_SIZE] for at in range(0, len(joined), CHUNK_SIZE)
        ]
        self.size = max(self.size, end)

    def truncate(self, size: int) -> None:
        count = -(-size // CHUNK_SIZE)
        if size < self.size:
            del self.chunks[count:]
            if size % CHUNK_SIZE:
                self.chunks[-1] = self.chunks[-1][: size % CHUNK_SIZE]
        elif size > self.size:
            if self.size % CHUNK_SIZE:
                self.chunks[-1] += bytes(CHUNK_SIZE - len(self.chunks[-1]))
            self.chunks.extend([_ZERO_CHUNK] * (count - len(self.chunks)))
            if size % CHUNK_SIZE:
                self.chunks[-1] = self.chunks[-1][: size % CHUNK_SIZE]
        self.size = size


class MemoryDisk:
    """Files that live as long as this object. `capacity_bytes` bounds them all together, to play a full disk."""

    def __init__(self, *, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._files: dict[str, FileContent] = {}
        self._directories: set[str] = set()
        self._locked: set[str] = set()
        self._used_bytes = 0

    def open(self, path: str, *, create: bool = False) -> File:
        with self._lock:
            content = self._files.get(path)
            if content is None:
                if not create:
                    raise UndefinedFile(f'could not open file "{path}": No such file or directory')
                self._require_parent(path)
                content = self._files[path] = FileContent()
        return MemoryFile(self, path, content)

    def put(self, path: str, content: FileContent) -> None:
        """Have a file with that content, which is not to be changed elsewhere."""
        with self._lock:
            self._files[path] = content
            self._used_bytes += content.size

    def exists(self, path: str) -> bool:
        with self._lock:
            return path in self._files or path in self._directories

    def list(self, directory: str) -> list[str]:
        with self._lock:
            return names_in(directory, self._files, self._directories)

    def remove(self, path: str) -> None:
        with self._lock:
            content = self._files.pop(path, None)
            if content is None:
                raise UndefinedFile(f'could not remove file "{path}": No such file or directory')
            self._used_bytes -= content.size

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            content = self._files.get(old)
            if content is None:
                raise UndefinedFile(f'could not rename file "{old}": No such file or directory')
            self._require_parent(new)
            del self._files[old]
            replaced = self._files.get(new)
            if replaced is not None:
                self._used_bytes -= replaced.size
            self._files[new] = content

    def make_directory(self, path: str) -> None:
        with self._lock:
            self._directories.add(path)

    def remove_directory(self, path: str) -> None:
        with self._lock:
            if path not in self._directories:
                raise UndefinedFile(f'could not remove directory "{path}": No such directory')
            if names_in(path, self._files, self._directories):
                raise IoError(f'could not remove directory "{path}": Directory not empty')
            self._directories.remove(path)

    def sync_directory(self, path: str) -> None:
        """Nothing to do: nothing here outlives the process."""

    def lock(self, path: str) -> Lock:
        with self._lock:
            if path in self._locked:
                holder = LockHolder(os.getpid(), "this machine", "this process", 0)
                raise database_in_use(path, holder, own_pid=holder.pid)
            self._locked.add(path)
            self._files.setdefault(path, FileContent())
        return _MemoryLock(self._locked, path)

    def write(self, content: FileContent, offset: int, data: BytesLike) -> None:
        """Change a file's content, within the capacity."""
        with self._lock:
            self._reserve(content, offset + len(data) if len(data) else content.size)
            content.write(offset, data)

    def truncate(self, content: FileContent, size: int) -> None:
        with self._lock:
            if size > content.size:
                self._reserve(content, size)
            else:
                self._used_bytes -= content.size - size
            content.truncate(size)

    def read(self, content: FileContent, offset: int, length: int) -> bytes:
        with self._lock:
            return content.read(offset, length)

    def _require_parent(self, path: str) -> None:
        parent = parent_directory(path)
        if parent not in self._directories and parent not in ROOTS:
            raise UndefinedFile(f'could not create file "{path}": No such file or directory')

    def _reserve(self, content: FileContent, size: int) -> None:
        growth = size - content.size
        if growth <= 0:
            return
        if self.capacity_bytes is not None and self._used_bytes + growth > self.capacity_bytes:
            raise DiskFull("could not write file: No space left on device")
        self._used_bytes += growth


class MemoryFile:
    """An open file of a `MemoryDisk`; it stays readable after the file was removed, as on a real disk."""

    def __init__(self, disk: MemoryDisk, path: str, content: FileContent) -> None:
        self._disk = disk
        self._path = path
        self._content: FileContent | None = content

    @property
    def path(self) -> str:
        return self._path

    def read_at(self, offset: int, length: int) -> bytes:
        return self._disk.read(self._open_content(), offset, length)

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        data = self._disk.read(self._open_content(), offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write_at(self, offset: int, data: BytesLike) -> None:
        self._disk.write(self._open_content(), offset, data)

    def sync(self) -> None:
        self._open_content()

    def truncate(self, size: int) -> None:
        self._disk.truncate(self._open_content(), size)

    def size(self) -> int:
        return self._open_content().size

    def close(self) -> None:
        self._content = None

    def _open_content(self) -> FileContent:
        content = self._content
        if content is None:
            raise IoError(f'file "{self._path}" is closed')
        return content


class _MemoryLock:
    def __init__(self, locked: set[str], path: str) -> None:
        self._locked = locked
        self._path = path

    # There is no other process.
    last_end = "unknown"

    def release(self, *, is_crash: bool = False) -> None:
        self._locked.discard(self._path)


def names_in(directory: str, files: Iterable[str], directories: Iterable[str]) -> list[str]:
    """The names of what is directly in a directory, sorted."""
    found = [name for name in files if parent_directory(name) == directory]
    found += [name for name in directories if parent_directory(name) == directory]
    return sorted(name.rsplit("/", 1)[-1] for name in found)
