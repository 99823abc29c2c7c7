"""Forks: whole databases of their own in memory, which begin with what another one has committed, in milliseconds.

    parent ── checkpoint, if anything has changed ──> image ── closed as if by itself ──> content ── shared by ──> fork, fork, fork

The content is that of a database file that was closed: every fork opens it as any database opens. Its chunks are never changed, only
replaced (`storage/memory_disk.py`), so a fork costs a pointer for each 4 KiB of it, and what it changes. The parent's first fork after a
change reads the image into memory; those after it share that. A fork knows nothing of its parent and outlives it.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from lungfish.database.database import Database
from lungfish.database.open_databases import MEMORY, adopt_database
from lungfish.database.options import DatabaseOptions
from lungfish.errors import FeatureNotSupported
from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger
from lungfish.recovery.core import CoreOptions, StorageCore
from lungfish.storage import Disk, MemoryDisk
from lungfish.storage.disk import File
from lungfish.storage.image import Image
from lungfish.storage.image_reader import FoundImages
from lungfish.storage.measured_disk import MeasuredDisk
from lungfish.storage.memory_disk import CHUNK_SIZE, FileContent
from lungfish.storage.overlay_file import OverlayFile
from lungfish.storage.page_store import PageStore
from lungfish.storage.superblock import Superblock

FORK_PATH = "fork.db"
_READ_BYTES = 256 * CHUNK_SIZE
_numbers = itertools.count(1)
_REQUEST = CheckpointRequest(trigger=CheckpointTrigger.FORCED, requested_by="fork")
# Makes a disk that has one file, FORK_PATH, with that content.
MakeDisk = Callable[[FileContent], Disk]
# Guards the contents that databases keep.
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ForkContent:
    """The file that forks of a database begin with, and the image that it was made of."""

    image: tuple[int, int]
    file: FileContent


def fork_database(parent: Database, *, make_disk: MakeDisk | None = None) -> Database:
    """A new database that begins with what the parent has committed. It is open under a name of its own, `:memory:fork-1`.

    `make_disk` says where it lies; memory that simply keeps it is the usual place. Raises what a checkpoint raises.
    """
    content = content_of(parent)
    disk = (make_disk or memory_disk)(content)
    options = replace(
        parent.options,
        disk=disk,
        # A thread a fork would be most of its cost: the commit that finds a checkpoint due takes it.
        checkpoint_thread=False,
        archives_log=False,
        on_recovery=None,
        failpoints=None,
    )
    return open_fork(disk, f"{MEMORY}fork-{next(_numbers)}", options)


def open_fork(disk: Disk, name: str, options: DatabaseOptions) -> Database:
    """Open what lies on a fork's disk, so that whoever connects to that name finds it."""
    database = Database.open(disk, FORK_PATH, name=name, create=False, options=options)
    adopt_database(database)
    return database


def memory_disk(content: FileContent) -> Disk:
    """A disk in memory with the file."""
    disk = MemoryDisk()
    disk.put(FORK_PATH, content.copy())
    return disk


def content_of(parent: Database) -> FileContent:
    """What the parent has committed, as the file of a closed database."""
    if parent.is_historical:
        raise FeatureNotSupported("a database that is only read cannot be forked")
    with _lock:
        if parent.core.checkpoints.differs_from_image():
            parent.checkpoint(_REQUEST)
        image = parent.core.images.images()[-1]
        identity = image.generation, image.manifest.checksum
        if parent.fork_content is None or parent.fork_content.image != identity:
            with parent.core.images.reading(image, "fork"):
                parent.fork_content = ForkContent(identity, _closed_file(parent, image))
        return parent.fork_content.file


def _closed_file(parent: Database, image: Image) -> FileContent:
    """The file as it would be if the database had been closed with this image."""
    store = parent.core.store
    kept = _KeptFile(store.slots.file)
    superblock = Superblock(store.uuid, store.page_size_bytes, image.generation, image.manifest)
    found = FoundImages(superblock, [image.named("")], (), is_fallback=False)
    clock = parent.options.clock
    core = StorageCore(
        MeasuredDisk(MemoryDisk(), store.path, clock),
        PageStore(kept, found, clock),
        clock=clock,
        options=CoreOptions(is_historical=True),
    )
    options = replace(
        parent.options,
        checkpoint_wal_bytes=0,
        failpoints=None,
        # Numbers of this database name nothing: chance of its own keeps the parent's undisturbed.
        random=random.Random(image.generation),
    )
    closing = Database(core, _NoLock(), name=parent.name, options=options)
    # An image of its own, which says that there is no log beside it.
    closing.checkpoint(_REQUEST)
    closing.close()
    assert kept.content is not None, "it was closed"
    return kept.content


class _KeptFile(OverlayFile):
    """Keeps what it has when it is closed."""

    def __init__(self, base: File) -> None:
        super().__init__(base)
        self.content: FileContent | None = None

    def close(self) -> None:
        if self.content is None:
            content = FileContent()
            for offset in range(0, self.size(), _READ_BYTES):
                content.write(offset, self.read_at(offset, _READ_BYTES))
            self.content = content
        super().close()


class _NoLock:
    """There is no file to lock."""

    last_end = "unknown"

    def release(self, *, is_crash: bool = False) -> None:
        """Nothing was locked."""


__all__ = ["FORK_PATH", "ForkContent", "fork_database", "memory_disk", "open_fork"]
