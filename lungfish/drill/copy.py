"""A database's files as the first state of a simulated disk. The files are only read, under the database's own lock."""

from __future__ import annotations

from lungfish.errors import UndefinedFile
from lungfish.recovery.core import LOG_SUFFIX
from lungfish.storage import Disk
from lungfish.storage.crash_state import DurableState
from lungfish.storage.memory_disk import FileContent
from lungfish.storage.simulated_disk import SimulatedDisk

# The database's name on the simulated disk.
PATH = "drill.db"
_READ_SIZE = 1 << 20


def copy_to_simulated_disk(disk: Disk, path: str) -> SimulatedDisk:
    """A simulated disk that has the database, and its log if it was not closed; all of it durable. It is held in memory.

    Raises UndefinedFile where there is none, DatabaseInUse while it is open.
    """
    if not disk.exists(path):
        raise UndefinedFile(f'database "{path}" does not exist')
    state = DurableState()
    lock = disk.lock(path)
    try:
        _copy_file(disk, path, state, PATH)
        folder = path + LOG_SUFFIX
        if disk.exists(folder):
            state.directories.add(PATH + LOG_SUFFIX)
            for name in disk.list(folder):
                _copy_file(disk, f"{folder}/{name}", state, f"{PATH}{LOG_SUFFIX}/{name}")
    finally:
        lock.release()
    return SimulatedDisk(state)


def _copy_file(disk: Disk, path: str, state: DurableState, name: str) -> None:
    content = FileContent()
    file = disk.open(path)
    try:
        size = file.size()
        for offset in range(0, size, _READ_SIZE):
            content.write(offset, file.read_at(offset, min(_READ_SIZE, size - offset)))
    finally:
        file.close()
    file_id = len(state.contents) + 1
    state.contents[file_id] = content
    state.names[name] = file_id
