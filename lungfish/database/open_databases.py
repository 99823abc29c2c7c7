"""The databases that this process has open, by file: one Database a file, shared by all who connect to it."""

from __future__ import annotations

import itertools
import os
import threading

from lungfish.database.database import Database
from lungfish.database.options import DatabaseOptions
from lungfish.database.reader import open_reader
from lungfish.errors import DatabaseInUse, FeatureNotSupported
from lungfish.storage import Disk, LocalDisk, MemoryDisk

MEMORY = ":memory:"
_MEMORY_PATH = "memory.db"

# Guards the map; also held while a database is opened, so that two threads do not open one file.
_lock = threading.RLock()
_databases: dict[tuple[str, int], Database] = {}
# Those that are only read, by file and image.
_readers: dict[tuple[str, int, int], Database] = {}
_anonymous_numbers = itertools.count(1)


def open_database(
    path: str, *, create: bool, read_only: bool, options: DatabaseOptions
) -> Database:
    """The open database of that path, opened now if it is not.

    Read-only, a file that this process has not open to write is read at its newest image: see `reader.py`.
    """
    if read_only and path == MEMORY:
        raise FeatureNotSupported("a new database in memory cannot be opened read-only")
    key = _key(path, options)
    with _lock:
        found = _databases.get(key)
        if found is not None and not found.is_closed:
            return found
        if path.startswith(MEMORY):
            disk = options.disk or MemoryDisk()
            database = Database.open(disk, _MEMORY_PATH, name=path, create=True, options=options)
        else:
            disk = options.disk or LocalDisk(options.clock)
            if read_only:
                return _open_reader(key, disk, path, options)
            database = Database.open(disk, path, name=path, create=create, options=options)
        database.on_close.append(lambda: _forget(key, database))
        _databases[key] = database
        return database


def _open_reader(key: tuple[str, int], disk: Disk, path: str, options: DatabaseOptions) -> Database:
    """The newest image, shared by those of this process who read it."""
    made = open_reader(disk, path, name=path, options=options)
    shared = _readers.get((*key, made.generation))
    if shared is not None and not shared.is_closed:
        made.close()
        return shared
    of_image = (*key, made.generation)
    made.on_close.append(lambda: _forget_reader(of_image, made))
    made.reopen = lambda: open_database(path, create=False, read_only=True, options=options)
    _readers[of_image] = made
    return made


def _forget_reader(of_image: tuple[str, int, int], database: Database) -> None:
    with _lock:
        if _readers.get(of_image) is database:
            del _readers[of_image]


def adopt_database(database: Database) -> None:
    """Let a database in memory that was opened elsewhere be found under its name."""
    key = database.name, 0
    with _lock:
        _databases[key] = database
    database.on_close.append(lambda: _forget(key, database))


def _key(path: str, options: DatabaseOptions) -> tuple[str, int]:
    if path == MEMORY:
        return path, next(_anonymous_numbers)
    if path.startswith(MEMORY):
        return path, 0
    if options.disk is not None:
        return path, id(options.disk)
    return os.path.realpath(path), 0


def _forget(key: tuple[str, int], database: Database) -> None:
    with _lock:
        if _databases.get(key) is database:
            del _databases[key]


def _after_fork() -> None:
    """A forked child must not write to its parent's files: what it inherited is unusable there."""
    for database in [*_databases.values(), *_readers.values()]:
        database.disown(
            DatabaseInUse(
                "the database belongs to the parent process", hint="Open it after the fork."
            )
        )
    _databases.clear()
    _readers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
