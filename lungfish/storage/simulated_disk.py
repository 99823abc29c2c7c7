"""A disk in memory that keeps a record of what was done to it, and can show what a crash would have left of it.

Every change (create, write, truncate, sync, rename, remove, ...) is an operation with a number, from 1.
`crash_state(k, persistence, seed)` answers a new disk as it might be found after a crash right after operation k. What a
crash may leave is what the promises of `disk.py` allow and nothing better:

1. Of a file, what it had at its last sync is there, overlaid by any part of the later writes and truncations.
2. Of a directory, the names it had at its last sync, with any part of the later changes of names. A change of a name is
   whole or absent. Syncing a file does not make its name durable.
3. What is durable by 1 and 2 is never changed: the disk forgets, it does not lie.

The idea is ALICE's (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014): replay the trace under each
persistence that the contract allows. Cost: the record keeps a snapshot of the durable state every 64 operations, with the
immutable chunks shared, so a crash state costs the replay of at most 64 operations and one list of chunks for each file.

`before_operation` is called before every operation, reads too, and may answer a `Fault`.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from lungfish.errors import DiskFull, IoError, UndefinedFile
from lungfish.storage.checksum import BytesLike
from lungfish.storage.crash_state import (
    DurableState,
    Operation,
    OperationKind,
    Persistence,
    torn_at,
)
from lungfish.storage.disk import File, Lock, LockHolder, database_in_use, parent_directory
from lungfish.storage.memory_disk import ROOTS, FileContent, names_in

_SNAPSHOT_INTERVAL = 64


class SimulatedCrash(BaseException):
    """The machine stopped: raised by the operation that met it and by every later one. Not an error to be handled."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with an operation instead of its being done."""

    error: BaseException
    # WRITE: so many bytes are written before it fails.
    applied_size: int = 0
    # SYNC: the unsynced writes of the file are dropped, and reads show the old content (what Linux does).
    loses_unsynced: bool = False


class SimulatedDisk:
    """A `Disk` with a record and with faults. `capacity_bytes` bounds all files together, to play a full disk."""

    def __init__(self, initial: DurableState | None = None) -> None:
        state = initial if initial is not None else DurableState()
        self.before_operation: Callable[[Operation], Fault | None] | None = None
        self.capacity_bytes: int | None = None
        self._lock = threading.RLock()
        self._operations: list[Operation] = []
        self._live = {file_id: content.copy() for file_id, content in state.contents.items()}
        self._names = state.names.copy()
        self._directories = state.directories.copy()
        self._locked: set[str] = set()
        self._next_file_id = max(state.contents, default=0) + 1
        self._is_halted = False
        self._durable = state
        # What is durable, and what is not yet, after operation 0, 64, 128, ...
        self._snapshots: list[DurableState] = [state.copy()]

    # --- Disk ---

    def open(self, path: str, *, create: bool = False) -> File:
        with self._lock:
            file_id = self._names.get(path)
            if file_id is None:
                if not create:
                    raise _missing(path)
                self._require_parent(path)
                file_id = self._next_file_id
                self._perform(OperationKind.CREATE, path, file_id=file_id)
                self._next_file_id += 1
                self._names[path] = file_id
                self._live[file_id] = FileContent()
            return SimulatedFile(self, path, file_id)

    def exists(self, path: str) -> bool:
        with self._lock:
            return path in self._names or path in self._directories

    def list(self, directory: str) -> list[str]:
        with self._lock:
            return names_in(directory, self._names, self._directories)

    def remove(self, path: str) -> None:
        with self._lock:
            file_id = self._file_id(path)
            self._perform(OperationKind.REMOVE, path, file_id=file_id)
            del self._names[path]

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            file_id = self._file_id(old)
            self._require_parent(new)
            self._perform(OperationKind.RENAME, old, file_id=file_id, new_path=new)
            del self._names[old]
            self._names[new] = file_id

    def make_directory(self, path: str) -> None:
        with self._lock:
            if path in self._directories:
                return
            self._require_parent(path)
            self._perform(OperationKind.MAKE_DIRECTORY, path)
            self._directories.add(path)

    def remove_directory(self, path: str) -> None:
        with self._lock:
            if path not in self._directories:
                raise _missing(path)
            if names_in(path, self._names, self._directories):
                raise IoError(f'could not remove directory "{path}": Directory not empty')
            self._perform(OperationKind.REMOVE_DIRECTORY, path)
            self._directories.remove(path)

    def sync_directory(self, path: str) -> None:
        with self._lock:
            self._perform(OperationKind.SYNC_DIRECTORY, path)

    def lock(self, path: str) -> Lock:
        with self._lock:
            if path in self._locked:
                holder = LockHolder(os.getpid(), "this machine", "this process", 0)
                raise database_in_use(path, holder, own_pid=holder.pid)
            self.open(path, create=True).close()
            self._locked.add(path)
        return _SimulatedLock(self._locked, path)

    # --- The record ---

    @property
    def operation_count(self) -> int:
        """How many operations were recorded: the last crash point."""
        return len(self._operations)

    def operation(self, number: int) -> Operation:
        """The recorded operation with a number, from 1."""
        return self._operations[number - 1]

    @property
    def used_bytes(self) -> int:
        """What all files take now: what `capacity_bytes` bounds."""
        return sum(self._live[each].size for each in self._names.values())

    def crash_state(self, number: int, persistence: Persistence, seed: int = 0) -> SimulatedDisk:
        """The disk as a crash right after operation `number` may leave it (0: before the first one).

        The answer is independent of this disk, starts with an empty record, and all in it is durable: so it can be run
        and crashed in its turn. The same arguments give the same state.
        """
        with self._lock:
            nearest = min(number // _SNAPSHOT_INTERVAL, len(self._snapshots) - 1)
            state = self._snapshots[nearest].copy()
            for operation in self._operations[nearest * _SNAPSHOT_INTERVAL : number]:
                state.apply(operation)
        # A string as the seed is hashed by value, so this is the same in every run.
        chance = random.Random(f"{number} {persistence.name} {seed}")
        return SimulatedDisk(state.after_crash(persistence, chance))

    def torn_state(self, size: int, *, keeps_others: bool) -> SimulatedDisk:
        """The disk as a crash now may leave it: of the last unsynced write the first `size` bytes, of the others all or nothing."""
        with self._lock:
            state = self._durable.copy()
        return SimulatedDisk(
            state.with_survivors(torn_at(state.unsynced(), size, keeps_others=keeps_others))
        )

    def halt(self) -> None:
        """Stop the machine: from now on every operation raises SimulatedCrash."""
        self._is_halted = True

    # --- For SimulatedFile ---

    def read(self, path: str, file_id: int, offset: int, length: int) -> bytes:
        with self._lock:
            fault = self._fault_of(OperationKind.READ, path, file_id, offset, length)
            if fault is not None:
                raise fault.error
            return self._live[file_id].read(offset, length)

    def write(self, path: str, file_id: int, offset: int, data: BytesLike) -> None:
        with self._lock:
            self._require_room(file_id, offset + len(data))
            copy = bytes(data)
            self._perform(OperationKind.WRITE, path, file_id=file_id, offset=offset, data=copy)
            self._live[file_id].write(offset, copy)

    def truncate(self, path: str, file_id: int, size: int) -> None:
        with self._lock:
            self._require_room(file_id, size)
            self._perform(OperationKind.TRUNCATE, path, file_id=file_id, offset=size)
            self._live[file_id].truncate(size)

    def sync(self, path: str, file_id: int) -> None:
        with self._lock:
            self._perform(OperationKind.SYNC, path, file_id=file_id)

    def size(self, file_id: int) -> int:
        with self._lock:
            return self._live[file_id].size

    # --- Helpers ---

    def _perform(
        self,
        kind: OperationKind,
        path: str,
        *,
        file_id: int = 0,
        offset: int = 0,
        data: bytes = b"",
        new_path: str = "",
    ) -> None:
        """Record an operation, or let it fail; the caller then changes the live state."""
        operation = Operation(
            self.operation_count + 1,
            kind,
            path,
            file_id=file_id,
            offset=offset,
            data=data,
            new_path=new_path,
        )
        fault = self._ask(operation)
        if fault is not None:
            self._fail(operation, fault)
        self._record(operation)

    def _fault_of(
        self, kind: OperationKind, path: str, file_id: int, offset: int, length: int
    ) -> Fault | None:
        if self.before_operation is None and not self._is_halted:
            return None
        number = self.operation_count + 1
        return self._ask(
            Operation(number, kind, path, file_id=file_id, offset=offset, length=length)
        )

    def _ask(self, operation: Operation) -> Fault | None:
        if self._is_halted:
            raise SimulatedCrash
        return None if self.before_operation is None else self.before_operation(operation)

    def _fail(self, operation: Operation, fault: Fault) -> None:
        if operation.kind is OperationKind.WRITE and fault.applied_size:
            part = operation.data[: fault.applied_size]
            self._record(replace(operation, data=part))
            self._live[operation.file_id].write(operation.offset, part)
        if operation.kind is OperationKind.SYNC and fault.loses_unsynced:
            self._record(replace(operation, kind=OperationKind.LOSE_UNSYNCED))
            self._live[operation.file_id] = self._durable.contents[operation.file_id].copy()
        if isinstance(fault.error, SimulatedCrash):
            self._is_halted = True
        raise fault.error

    def _record(self, operation: Operation) -> None:
        self._operations.append(operation)
        self._durable.apply(operation)
        if operation.number % _SNAPSHOT_INTERVAL == 0:
            self._snapshots.append(self._durable.copy())

    def _file_id(self, path: str) -> int:
        file_id = self._names.get(path)
        if file_id is None:
            raise _missing(path)
        return file_id

    def _require_parent(self, path: str) -> None:
        parent = parent_directory(path)
        if parent not in self._directories and parent not in ROOTS:
            raise _missing(path)

    def _require_room(self, file_id: int, size: int) -> None:
        if self.capacity_bytes is None:
            return
        growth = size - self._live[file_id].size
        if growth > 0 and self.used_bytes + growth > self.capacity_bytes:
            raise DiskFull("could not write file: No space left on device")


class SimulatedFile:
    """An open file of a `SimulatedDisk`."""

    def __init__(self, disk: SimulatedDisk, path: str, file_id: int) -> None:
        self._disk = disk
        self._path = path
        self._file_id = file_id

    @property
    def path(self) -> str:
        return self._path

    def read_at(self, offset: int, length: int) -> bytes:
        return self._disk.read(self._path, self._open_id(), offset, length)

    def read_into(self, offset: int, buffer: bytearray | memoryview) -> int:
        data = self._disk.read(self._path, self._open_id(), offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write_at(self, offset: int, data: BytesLike) -> None:
        self._disk.write(self._path, self._open_id(), offset, data)

    def sync(self) -> None:
        self._disk.sync(self._path, self._open_id())

    def truncate(self, size: int) -> None:
        self._disk.truncate(self._path, self._open_id(), size)

    def size(self) -> int:
        return self._disk.size(self._open_id())

    def close(self) -> None:
        self._file_id = 0

    def _open_id(self) -> int:
        if not self._file_id:
            raise IoError(f'file "{self._path}" is closed')
        return self._file_id


class _SimulatedLock:
    def __init__(self, locked: set[str], path: str) -> None:
        self._locked = locked
        self._path = path

    # There is no other process.
    last_end = "unknown"

    def release(self, *, is_crash: bool = False) -> None:
        self._locked.discard(self._path)


def _missing(path: str) -> UndefinedFile:
    return UndefinedFile(f'could not open file "{path}": No such file or directory')
