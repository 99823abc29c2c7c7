"""What a crash may leave of a simulated disk: the durable state, and the choices among what was not yet durable.

See `simulated_disk.py` for the promises. Terms: an operation is *pending* while nothing has made it durable; the
*survivors* of a crash are the pending operations that it leaves, whole or (a write) in part.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lungfish.storage.disk import parent_directory
from lungfish.storage.memory_disk import ROOTS, FileContent

SECTOR_SIZE = 512


class OperationKind(enum.Enum):
    """What may be done to a disk. All but READ are recorded."""

    READ = "read"
    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    RENAME = "rename"
    REMOVE = "remove"
    MAKE_DIRECTORY = "make directory"
    REMOVE_DIRECTORY = "remove directory"
    SYNC_DIRECTORY = "sync directory"
    # A failed sync after which the operating system dropped what was not yet written.
    LOSE_UNSYNCED = "lose unsynced"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done, or about to be done, to the disk."""

    # From 1; a read has the number of the recorded operation that would come next.
    number: int
    kind: OperationKind
    path: str
    # Which file, whatever its name is now; 0 for directories.
    file_id: int = 0
    # WRITE and READ: where. TRUNCATE: the new size.
    offset: int = 0
    # READ: how much is asked for.
    length: int = 0
    data: bytes = b""
    new_path: str = ""


_NAME_KINDS = frozenset(
    {
        OperationKind.CREATE,
        OperationKind.RENAME,
        OperationKind.REMOVE,
        OperationKind.MAKE_DIRECTORY,
        OperationKind.REMOVE_DIRECTORY,
    }
)


class Persistence(enum.Enum):
    """What of the unsynced operations a crash leaves."""

    SYNCED = "only what was synced"
    EVERYTHING = "everything"
    RANDOM = "any subset"
    PREFIX = "the first ones, in the order they were made"
    TORN = "some lost, some whole, some torn at sectors of 512 bytes; the last write always torn"
    REORDERED = "the last ones without the first"
    LOST_NAMES = "all writes, but no change of a name"


class DurableState:
    """What is durable, and in order what is not yet. Contents are replaced, never changed, so copies share them."""

    __slots__ = ("contents", "directories", "names", "pending_data", "pending_names")

    def __init__(self) -> None:
        self.contents: dict[int, FileContent] = {}
        self.names: dict[str, int] = {}
        self.directories: set[str] = set()
        # The unsynced writes and truncations of each file.
        self.pending_data: dict[int, list[Operation]] = {}
        self.pending_names: list[Operation] = []

    def copy(self) -> DurableState:
        other = DurableState()
        other.contents = self.contents.copy()
        other.names = self.names.copy()
        other.directories = self.directories.copy()
        other.pending_data = {key: value.copy() for key, value in self.pending_data.items()}
        other.pending_names = self.pending_names.copy()
        return other

    def apply(self, operation: Operation) -> None:
        match operation.kind:
            case OperationKind.WRITE | OperationKind.TRUNCATE:
                self.pending_data.setdefault(operation.file_id, []).append(operation)
            case OperationKind.SYNC:
                pending = self.pending_data.pop(operation.file_id, None)
                if pending:
                    content = self.contents[operation.file_id].copy()
                    for each in pending:
                        change_content(content, each)
                    self.contents[operation.file_id] = content
            case OperationKind.LOSE_UNSYNCED:
                self.pending_data.pop(operation.file_id, None)
            case OperationKind.SYNC_DIRECTORY:
                staying = []
                for each in self.pending_names:
                    if operation.path == parent_directory(each.new_path or each.path):
                        change_names(self.names, self.directories, each)
                    else:
                        staying.append(each)
                self.pending_names = staying
            case OperationKind.CREATE:
                self.contents[operation.file_id] = FileContent()
                self.pending_names.append(operation)
            case _:
                self.pending_names.append(operation)

    def unsynced(self) -> list[Operation]:
        """All that is not durable, in the order in which it was made."""
        every = self.pending_names.copy()
        for pending in self.pending_data.values():
            every += pending
        return sorted(every, key=lambda operation: operation.number)

    def after_crash(self, persistence: Persistence, chance: random.Random) -> DurableState:
        """The state that a crash leaves, all of it durable. Uses this one up."""
        return self.with_survivors(choose_survivors(self.unsynced(), persistence, chance))

    def with_survivors(self, survivors: Iterable[Operation]) -> DurableState:
        """The state in which of all that is not durable these are left. Uses this one up."""
        changed: dict[int, FileContent] = {}
        for operation in survivors:
            if operation.kind in _NAME_KINDS:
                change_names(self.names, self.directories, operation)
                continue
            content = changed.get(operation.file_id)
            if content is None:
                content = changed[operation.file_id] = self.contents[operation.file_id].copy()
            change_content(content, operation)
        left = DurableState()
        left.directories = {
            each for each in self.directories if parent_directory(each) in self.directories | ROOTS
        }
        for name, file_id in self.names.items():
            if parent_directory(name) in left.directories | ROOTS:
                left.names[name] = file_id
                left.contents[file_id] = changed.get(file_id) or self.contents[file_id]
        return left


def change_content(content: FileContent, operation: Operation) -> None:
    """Apply a write or a truncation."""
    if operation.kind is OperationKind.WRITE:
        content.write(operation.offset, operation.data)
    else:
        content.truncate(operation.offset)


def change_names(names: dict[str, int], directories: set[str], operation: Operation) -> None:
    """Apply a change of a name. It speaks of the file, not of what the name means now: so it can be applied although an
    earlier change was lost.
    """
    match operation.kind:
        case OperationKind.CREATE:
            names[operation.path] = operation.file_id
        case OperationKind.RENAME:
            if names.get(operation.path) == operation.file_id:
                del names[operation.path]
            names[operation.new_path] = operation.file_id
        case OperationKind.REMOVE:
            if names.get(operation.path) == operation.file_id:
                del names[operation.path]
        case OperationKind.MAKE_DIRECTORY:
            directories.add(operation.path)
        case OperationKind.REMOVE_DIRECTORY:
            directories.discard(operation.path)
        case _:
            raise AssertionError(f"{operation.kind} changes no name")


def choose_survivors(
    unsynced: list[Operation], persistence: Persistence, chance: random.Random
) -> list[Operation]:
    """The unsynced operations that the crash leaves, in order; torn writes as writes of their sectors."""
    match persistence:
        case Persistence.SYNCED:
            return []
        case Persistence.EVERYTHING:
            return unsynced
        case Persistence.RANDOM:
            return [operation for operation in unsynced if chance.random() < 0.5]
        case Persistence.PREFIX:
            return unsynced[: chance.randint(0, len(unsynced))]
        case Persistence.REORDERED:
            return unsynced[chance.randint(0, len(unsynced)) :]
        case Persistence.LOST_NAMES:
            return [operation for operation in unsynced if operation.kind not in _NAME_KINDS]
        case Persistence.TORN:
            return _tear(unsynced, chance)


def torn_at(unsynced: list[Operation], size: int, *, keeps_others: bool) -> list[Operation]:
    """The survivors of a crash that leaves of the last unsynced write its first bytes, and of the others all or nothing."""
    survivors = list(unsynced) if keeps_others else []
    last = next((each for each in reversed(unsynced) if each.kind is OperationKind.WRITE), None)
    if last is not None:
        if keeps_others:
            survivors.remove(last)
        survivors.append(replace(last, data=last.data[:size]))
    return survivors


def _tear(unsynced: list[Operation], chance: random.Random) -> list[Operation]:
    writes = [each for each in unsynced if each.kind is OperationKind.WRITE]
    last_write = writes[-1] if writes else None
    survivors: list[Operation] = []
    for operation in unsynced:
        fate = chance.randrange(3)
        if operation is last_write or (fate == 2 and operation.kind is OperationKind.WRITE):
            survivors += _sectors(operation, chance)
        elif fate != 0:
            survivors.append(operation)
    return survivors


def _sectors(write: Operation, chance: random.Random) -> list[Operation]:
    """A random part of a write's sectors, each as a write of its own. Sectors are counted from the file's start."""
    survivors = []
    at = 0
    while at < len(write.data):
        end = min(len(write.data), at + SECTOR_SIZE - (write.offset + at) % SECTOR_SIZE)
        if chance.random() < 0.5:
            part = write.data[at:end]
            survivors.append(replace(write, offset=write.offset + at, data=part))
        at = end
    return survivors
