"""A database that is only read: its newest checkpoint's image, while another process writes, or while nobody does.

The image never changes, and is held against the writer as long as this database is open (`storage/reader_pins.py`). What was committed
since that checkpoint is not in it: `Connection.refresh` goes on to the newest image. A database that was not closed has committed rows
in its log alone; if nobody has it open, opening it to read recovers it first, as opening it to write would.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from lungfish.database.database import Database
from lungfish.database.options import DatabaseOptions
from lungfish.errors import DatabaseInUse, SnapshotTooOld, UndefinedFile
from lungfish.recovery.core import LOG_SUFFIX, CoreOptions, StorageCore
from lungfish.recovery.wal_segments import SegmentFolder
from lungfish.storage import Disk, MemoryDisk
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.measured_disk import MeasuredDisk
from lungfish.storage.overlay_file import OverlayFile
from lungfish.storage.page_store import PageStore
from lungfish.storage.reader_pins import HeldImage


class ReaderDatabase(Database):
    """A database at the image that was the newest when it was opened. What opening it changes stays in memory."""

    is_historical = True

    def __init__(self, held: HeldImage, *, name: str, options: DatabaseOptions) -> None:
        """Use `open_reader`. The image is let go of at the end, or if opening fails."""
        self._held = held
        # Opens the database as it is now; set by whoever knows how it was asked for.
        self.reopen: Callable[[], Database] = lambda: self
        try:
            store = PageStore(OverlayFile(held.file), held.found.alone(), options.clock)
            store.slots.on_bad_page = self._blame_age
            disk = MeasuredDisk(MemoryDisk(), held.file.path, options.clock)
            core_options = CoreOptions(buffer_size=options.buffer_bytes, is_historical=True)
            core = StorageCore(disk, store, clock=options.clock, options=core_options)
            # Numbers of this database name nothing: chance of its own keeps the caller's undisturbed.
            generation = held.image.generation
            own = replace(options, checkpoint_wal_bytes=0, random=random.Random(generation))
            super().__init__(core, _NoLock(), name=name, options=own)
        except BaseException:
            held.release()
            raise

    @property
    def generation(self) -> int:
        """The image's number."""
        return self._held.image.generation

    def close(self) -> None:
        """Drop it, and let go of the image. Twice is harmless."""
        self.crash()

    def crash(self) -> None:
        was_closed = self.is_closed
        super().crash()
        if not was_closed:
            self._held.release()

    def _blame_age(self, _relation_id: RelationId, _page_id: PageId) -> None:
        """A page that is not the image's any more: was the image taken from us?"""
        if not self._held.is_held:
            raise SnapshotTooOld(
                "the image that is read is gone",
                detail="It was older than the writer's max_snapshot_age.",
                hint="Go on with the newest one: Connection.refresh().",
            )


def newest_image_of(database: Database) -> Database:
    """The database as its newest image has it, if it is one that is only read; itself if there is none newer."""
    return database.reopen() if isinstance(database, ReaderDatabase) else database


class _NoLock:
    """A reader locks nothing but its own file."""

    last_end = "unknown"

    def release(self, *, is_crash: bool = False) -> None:
        """Nothing was locked."""


def open_reader(disk: Disk, path: str, *, name: str, options: DatabaseOptions) -> ReaderDatabase:
    """Open a database to read it, at its newest image.

    Raises UndefinedFile, CorruptDatabase and its kin, InsufficientPrivilege where nothing can be written beside the database.
    """
    if not disk.exists(path):
        raise UndefinedFile(f'database "{path}" does not exist')
    if SegmentFolder(disk, path + LOG_SUFFIX).numbers():
        _recover(disk, path, name=name, options=options)
    held = HeldImage(disk, path, now_us=options.clock.utc_us())
    return ReaderDatabase(held, name=name, options=options)


def _recover(disk: Disk, path: str, *, name: str, options: DatabaseOptions) -> None:
    """Bring what the log has into the file, unless somebody has it open who will do so."""
    try:
        database = Database.open(disk, path, name=name, create=False, options=options)
    except DatabaseInUse:
        return
    database.close()
