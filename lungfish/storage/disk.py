"""The seam to the operating system: `Disk` and `File`, and `LocalDisk`, the only code that calls its file functions.

Everything in Lungfish that does I/O is given a `Disk`. Besides `LocalDisk` there are `MemoryDisk` (`:memory:`) and
`SimulatedDisk` (the crash drill), so what a caller may rely on is only what is promised here:

1. A write is durable once a later `File.sync` of the same file has returned; until then a crash may keep any part of it,
   down to single sectors of 512 bytes, whatever happened to other writes.
2. A file's name (made, renamed, removed) is durable once `Disk.sync_directory` of its directory has returned. Syncing
   the file does not do it.
3. `close` does not sync.
4. A failed call raises an error of `lungfish.errors` and never an OSError. After a failed `sync` nothing is known about the
   writes before it: the operating system may have dropped them and will report success the next time (Rebello et al.,
   "Can Applications Recover from fsync Failures?", 2020). Whoever syncs must not try again.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import socket
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import Protocol

from lungfish.errors import (
    DatabaseInUse,
    DiskFull,
    DuplicateFile,
    Error,
    InsufficientPrivilege,
    IoError,
    UndefinedFile,
)
from lungfish.storage.checksum import BytesLike
from lungfish.storage.clock import Clock, SystemClock

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Beside the database while it is open: who has it open. The lock itself is on the database file.
HOLDER_SUFFIX = "-lock"


class File(Protocol):
    """An open file. Safe to use from many threads; positions are bytes from 0."""

    @property
    def path(self) -> str: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Read; the answer is shorter than `length` only at the end of the file."""

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        """Fill the buffer; answers how many bytes were there."""

    def write_at(self, offset: int, data: BytesLike) -> None:
        """Write all of `data`, growing the file where needed (a gap reads as zeros)."""

    def sync(self) -> None:
        """Make all writes and truncations so far durable."""

    def truncate(self, size: int) -> None:
        """Set the size: cut, or grow with zeros."""

    def size(self) -> int: ...

    def close(self) -> None:
        """Let go of the file, without a sync. Twice is harmless."""


class Lock(Protocol):
    """A database file held for this process alone."""

    @property
    def last_end(self) -> str:
        """How the one who held it before ended, if it did not close the database: crash, kill, os_restart; unknown."""

    def release(self, *, is_crash: bool = False) -> None:
        """Let go; `is_crash`: of a database that was not closed, so that the next one knows. Twice is harmless."""


class Disk(Protocol):
    """Files and directories by name; names are paths with `/`, as the caller gave them."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and writing. `create` makes an empty file if there is none; else UndefinedFile is raised."""

    def exists(self, path: str) -> bool: ...

    def list(self, directory: str) -> list[str]:
        """The names in a directory, sorted; empty if there is no such directory."""

    def remove(self, path: str) -> None: ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name in one step, in place of what had that name."""

    def make_directory(self, path: str) -> None:
        """Make a directory; it may be there already."""

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""

    def sync_directory(self, path: str) -> None:
        """Make the names in a directory durable."""

    def lock(self, path: str) -> Lock:
        """Hold a database file for this process, making it (empty) if need be. Raises DatabaseInUse, naming the holder."""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who has a database open, for the message that another one gets."""

    pid: int
    host: str
    command: str
    since_us: int
    # Of the system it ran on; empty where that has none.
    boot_id: str = ""
    # It let go of the lock, without closing the database.
    has_crashed: bool = False

    def end(self) -> str:
        """How it ended, seen from this process: the names of `Lock.last_end`."""
        if self.has_crashed:
            return "crash"
        if not self.boot_id or self.host != socket.gethostname():
            return "unknown"
        return "kill" if self.boot_id == _boot_id() else "os_restart"

    def describe(self) -> str:
        since = datetime.datetime.fromtimestamp(self.since_us // 1_000_000, datetime.UTC)
        return f'process {self.pid} ("{self.command}") on {self.host} since {since:%Y-%m-%d %H:%M:%S} UTC'


def database_in_use(
    path: str, holder: LockHolder | None, *, own_pid: int, detail: str | None = None
) -> Error:
    """The error for a database that someone else holds: it names the holder and what to do."""
    if holder is None:
        return DatabaseInUse(
            f'database "{path}" is in use by another process', hint="Close it there, and try again."
        )
    if holder.pid == own_pid:
        hint = "This process has it open already: use that connection, or close it first."
    else:
        hint = f"Close it there, or end process {holder.pid}, and try again."
    return DatabaseInUse(
        f'database "{path}" is in use by {holder.describe()}', detail=detail, hint=hint
    )


def parent_directory(path: str) -> str:
    """The directory that holds a path, `.` for a bare name."""
    return os.path.dirname(path) or "."


class LocalDisk:
    """The machine's own files."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock if clock is not None else SystemClock()

    def open(self, path: str, *, create: bool = False) -> File:
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(path, flags | os.O_CREAT if create else flags, 0o644)
        except OSError as error:
            raise _typed(error, f'could not open file "{path}"') from error
        return LocalFile(path, descriptor)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list(self, directory: str) -> list[str]:
        try:
            return sorted(os.listdir(directory))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _typed(error, f'could not read directory "{directory}"') from error

    def remove(self, path: str) -> None:
        try:
            os.remove(path)
        except OSError as error:
            raise _typed(error, f'could not remove file "{path}"') from error

    def rename(self, old: str, new: str) -> None:
        try:
            os.replace(old, new)
        except OSError as error:
            raise _typed(error, f'could not rename file "{old}" to "{new}"') from error

    def make_directory(self, path: str) -> None:
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise _typed(error, f'could not create directory "{path}"') from error

    def remove_directory(self, path: str) -> None:
        try:
            os.rmdir(path)
        except OSError as error:
            raise _typed(error, f'could not remove directory "{path}"') from error

    def sync_directory(self, path: str) -> None:
        if sys.platform == "win32":
            return  # Windows cannot open a directory, and writes its names through.
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                _sync_fully(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _typed(error, f'could not sync directory "{path}"') from error

    def lock(self, path: str) -> Lock:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(path, flags, 0o644)
        except OSError as error:
            raise _typed(error, f'could not open file "{path}"') from error
        try:
            _lock_descriptor(descriptor)
        except BlockingIOError as error:
            os.close(descriptor)
            holder = _read_holder(path)
            raise database_in_use(
                path, holder, own_pid=os.getpid(), detail=_detail_of(holder)
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise _typed(error, f'could not lock file "{path}"') from error
        last = _read_holder(path)
        _write_holder(path, self._clock.utc_us())
        return _LocalLock(path, descriptor, last_end="unknown" if last is None else last.end())


class LocalFile:
    """One open file descriptor, read and written by position."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        # Only data was written since the last sync, within the size it had then: fdatasync is enough.
        self._synced_size = -1
        self._seek_lock = threading.Lock()

    @property
    def path(self) -> str:
        return self._path

    def read_at(self, offset: int, length: int) -> bytes:
        buffer = bytearray(length)
        count = self.read_into(offset, buffer)
        return bytes(buffer) if count == length else bytes(buffer[:count])

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer)
        done = 0
        try:
            while done < len(view):
                count = self._read_some(offset + done, view[done:])
                if count == 0:
                    break
                done += count
        except OSError as error:
            raise _typed(error, f'could not read file "{self._path}" at {offset}') from error
        return done

    def write_at(self, offset: int, data: BytesLike) -> None:
        size = len(data)
        try:
            done = self._write_some(offset, data)
            while done < size:
                done += self._write_some(offset + done, memoryview(data)[done:])
        except OSError as error:
            raise _typed(error, f'could not write file "{self._path}" at {offset}') from error
        if offset + size > self._synced_size:
            self._synced_size = -1

    def sync(self) -> None:
        try:
            if self._synced_size < 0:
                size = self.size()
                _sync_fully(self._descriptor)
                self._synced_size = size
            else:
                _sync_data(self._descriptor)
        except OSError as error:
            raise _typed(error, f'could not sync file "{self._path}"') from error

    def truncate(self, size: int) -> None:
        self._synced_size = -1
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            raise _typed(error, f'could not truncate file "{self._path}" to {size}') from error

    def size(self) -> int:
        try:
            return os.fstat(self._descriptor).st_size
        except OSError as error:
            raise _typed(error, f'could not stat file "{self._path}"') from error

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            warnings.warn(f"file {self._path!r} was left open", ResourceWarning, stacklevel=2)
            self.close()

    if sys.platform == "win32":

        def _read_some(self, offset: int, view: memoryview) -> int:
            with self._seek_lock:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                data = os.read(self._descriptor, len(view))
            view[: len(data)] = data
            return len(data)

        def _write_some(self, offset: int, data: BytesLike) -> int:
            with self._seek_lock:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                return os.write(self._descriptor, data)

    else:

        def _read_some(self, offset: int, view: memoryview) -> int:
            return os.preadv(self._descriptor, [view], offset)

        def _write_some(self, offset: int, data: BytesLike) -> int:
            return os.pwrite(self._descriptor, data, offset)


class _LocalLock:
    """A lock on the open file: the operating system lets go of it when the process ends, however that happens."""

    def __init__(self, path: str, descriptor: int, *, last_end: str) -> None:
        self._path = path
        self._descriptor = descriptor
        self.last_end = last_end

    def release(self, *, is_crash: bool = False) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        holder = _read_holder(self._path)
        if is_crash and holder is not None:
            _write_holder(self._path, holder.since_us, has_crashed=True)
        else:
            with contextlib.suppress(OSError):
                os.remove(self._path + HOLDER_SUFFIX)
        os.close(descriptor)


def _lock_descriptor(descriptor: int) -> None:
    """Take the lock or raise BlockingIOError. A lock of the descriptor, not of the process: it holds against a second
    open in the same process too, and is not lost when some other descriptor of the file is closed.
    """
    if sys.platform == "win32":
        # Windows locks ranges, and keeps others from reading them: so one byte far behind any end.
        os.lseek(descriptor, 1 << 62, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _boot_id() -> str:
    """What tells this run of the system from those before; empty where there is no such thing."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _write_holder(path: str, now_us: int, *, has_crashed: bool = False) -> None:
    """Say who holds the lock. Only a courtesy to others: a failure to say so is no failure to hold it."""
    command = " ".join(os.path.basename(part) for part in sys.orig_argv[:3])
    facts = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": command,
        "since_us": now_us,
        "boot_id": _boot_id(),
        "has_crashed": has_crashed,
    }
    with contextlib.suppress(OSError), open(path + HOLDER_SUFFIX, "w", encoding="utf-8") as file:
        json.dump(facts, file)


def _read_holder(path: str) -> LockHolder | None:
    """What the holder said of itself; None if it said nothing that can be read."""
    try:
        with open(path + HOLDER_SUFFIX, encoding="utf-8") as file:
            facts = json.load(file)
        return LockHolder(
            pid=int(facts["pid"]),
            host=str(facts["host"]),
            command=str(facts["command"]),
            since_us=int(facts["since_us"]),
            boot_id=str(facts.get("boot_id", "")),
            has_crashed=bool(facts.get("has_crashed", False)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_holder(path: str) -> tuple[LockHolder, bool] | None:
    """Who says to have a database open, and whether that process is there; None if nobody does. A process of another machine counts as there."""
    holder = _read_holder(path)
    if holder is None:
        return None
    if holder.host != socket.gethostname() or sys.platform == "win32":
        return holder, True
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return holder, False
    except OSError:
        pass
    return holder, True


def _detail_of(holder: LockHolder | None) -> str | None:
    """A lock outlives its process only in a child that was forked with the database open: say so."""
    if holder is None or sys.platform == "win32" or holder.host != socket.gethostname():
        return None
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return (
            f"Process {holder.pid} has ended, but a child that it forked still has the file open."
        )
    except OSError:
        return None
    return None


def _sync_fully(descriptor: int) -> None:
    if sys.platform == "darwin":
        # macOS's fsync only hands the data to the drive; this also empties the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def _sync_data(descriptor: int) -> None:
    if sys.platform == "linux":
        os.fdatasync(descriptor)
    else:
        _sync_fully(descriptor)


def _typed(error: OSError, what: str) -> Error:
    """The error of `lungfish.errors` for an OSError, worded as PostgreSQL words it."""
    message = f"{what}: {error.strerror or error}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull(message, hint="Free some space; nothing committed is lost.")
        case errno.ENOENT | errno.ENOTDIR:
            return UndefinedFile(message)
        case errno.EEXIST:
            return DuplicateFile(message)
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return InsufficientPrivilege(message)
        case _:
            return IoError(message)
