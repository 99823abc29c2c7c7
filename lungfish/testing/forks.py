"""Forks that can crash, and restarts of any database that is open in this process."""

from __future__ import annotations

from dataclasses import replace

from lungfish.connection.handle import DatabaseHandle
from lungfish.database.fork import FORK_PATH, fork_database, open_fork
from lungfish.database.open_databases import MEMORY, open_database
from lungfish.errors import InterfaceError
from lungfish.storage.crash_state import DurableState, Persistence
from lungfish.storage.memory_disk import FileContent
from lungfish.storage.simulated_disk import SimulatedDisk


def crashable_fork(database: DatabaseHandle) -> DatabaseHandle:
    """A fork on a disk that forgets at a crash what was not synced. `database.fork()` is a little faster, and forgets nothing."""
    return DatabaseHandle(fork_database(database._database, make_disk=_simulated_disk))


def _simulated_disk(content: FileContent) -> SimulatedDisk:
    state = DurableState()
    state.contents[1] = content.copy()
    state.names[FORK_PATH] = 1
    return SimulatedDisk(state)


def restart(database: DatabaseHandle, *, crash: bool = False, loses_unsynced: bool = True) -> None:
    """End the database and open it again, as a restart of the program would; all its connections end.

    Cleanly, or by a `crash`, after which the database recovers. Of a crashable fork, what was not synced is lost then, unless
    `loses_unsynced` is false. Raises InterfaceError for a database in memory that is no fork: it would be gone.
    """
    ended = database._database
    disk = ended.options.disk
    if ended.name.startswith(MEMORY) and disk is None:
        raise InterfaceError(
            "a database in memory cannot be restarted", hint="A fork of it can: database.fork()."
        )
    if crash:
        ended.crash()
    else:
        ended.close()
    if isinstance(disk, SimulatedDisk):
        is_lost = crash and loses_unsynced
        persistence = Persistence.SYNCED if is_lost else Persistence.EVERYTHING
        disk = disk.crash_state(disk.operation_count, persistence)
    if ended.name.startswith(MEMORY) and disk is not None:
        fresh = open_fork(disk, ended.name, replace(ended.options, disk=disk))
    else:
        fresh = open_database(ended.name, create=False, read_only=False, options=ended.options)
    database.adopt(fresh)
