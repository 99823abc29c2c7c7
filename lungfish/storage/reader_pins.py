"""Images that other processes read: how a reader keeps the writer from using their space again.

    app.db-readers/<generation>-<first unit>-<length>-<checksum>-<since>-<process>-<number>

one file a reader, which holds it locked.

A reader finds the newest image, makes and locks a file whose name says where that image's manifest is, and looks again. The writer,
before it lets go of an image, tries the lock of each file: one that it gets belongs to a reader that is gone, however it went, and the
file is removed; one that it does not get holds its image.

Invariants:
1. The writer looks at the files after the superblock that replaces an image is durable, and keeps each image for at least one publish
   more (`page_slots.py`). So a reader that holds its file, and then still finds its image to be the newest one or the one before, is seen.
2. An opening writer keeps the images of living readers too: their files say where the manifests are, whatever the newest manifest retains.
3. A reader that is cut off all the same (its file was removed, by hand or as older than `max_snapshot_age`) never reads wrong rows: each page is checked against the checksum
   in its image's page table, and what does not match raises.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lungfish.errors import CorruptDatabase, DatabaseInUse, Error, SnapshotTooOld, UndefinedFile
from lungfish.storage.clock import Clock
from lungfish.storage.disk import HOLDER_SUFFIX, Disk, File, Lock
from lungfish.storage.image import Image
from lungfish.storage.image_reader import FoundImages, open_images, read_image
from lungfish.storage.superblock import ManifestAddress

READERS_SUFFIX = "-readers"
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)-([0-9a-f]{16})-(\d+)-(\d+)-\d+")
# A writer that publishes faster than a reader can look is waited out that often.
_ATTEMPTS_MAX = 100
_DAMAGE_ATTEMPTS_MAX = 5
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ReaderPin:
    """What a reader's file says."""

    generation: int
    manifest: ManifestAddress
    # Microseconds since 1970, UTC.
    since_us: int
    process_id: int

    @staticmethod
    def parse(name: str) -> ReaderPin | None:
        """Read a file's name; None for one that is no reader's."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        address = ManifestAddress(int(found[2]), int(found[3]), int(found[4], 16))
        return ReaderPin(int(found[1]), address, int(found[5]), int(found[6]))


class ReaderPins:
    """The readers' files of one database, as the writer sees them."""

    def __init__(self, disk: Disk, path: str, clock: Clock) -> None:
        self._disk = disk
        self._folder = path + READERS_SUFFIX
        self._clock = clock
        # How old a pin may be, in seconds; 0: as old as it likes.
        self.age_limit_s: Callable[[], float] = lambda: 0.0

    def living(self) -> list[ReaderPin]:
        """The pins of readers that are there and not too old; the files of others are removed."""
        found = []
        limit_us = self.age_limit_s() * 1_000_000
        for name in self._disk.list(self._folder):
            pin = None if name.endswith(HOLDER_SUFFIX) else ReaderPin.parse(name)
            if pin is None:
                continue
            if limit_us and self._clock.utc_us() - pin.since_us > limit_us:
                # Its reader finds the file gone when it meets a page that is not its own any more.
                with contextlib.suppress(Error):
                    self._disk.remove(f"{self._folder}/{name}")
            elif self._is_held(name):
                found.append(pin)
        if not found and self._disk.exists(self._folder):
            with contextlib.suppress(Error):
                self._disk.remove_directory(self._folder)
        return found

    def generations(self) -> frozenset[int]:
        """The generations of the images that readers hold."""
        return frozenset(pin.generation for pin in self.living())

    def _is_held(self, name: str) -> bool:
        path = f"{self._folder}/{name}"
        try:
            lock = self._disk.lock(path)
        except DatabaseInUse:
            return True
        except Error:
            # It cannot be told: then somebody may.
            return True
        # Removed before the lock is let go: whoever waits for it sees that its file is gone.
        with contextlib.suppress(Error):
            self._disk.remove(path)
        lock.release()
        return False


def with_pinned(found: FoundImages, file: File, pins: list[ReaderPin]) -> FoundImages:
    """The images of a file with those that readers hold, oldest first. One that cannot be read any more is its reader's trouble."""
    known = {image.generation: image for image in found.images}
    for pin in pins:
        if pin.generation not in known and pin.generation < found.superblock.generation:
            with contextlib.suppress(Error):
                known[pin.generation] = read_image(file, pin.manifest)[1].named("")
    images = [known[each] for each in sorted(known)]
    return FoundImages(found.superblock, images, found.damage, found.is_fallback, found.quarantined)


class HeldImage:
    """The newest image of a database, held against its writer until `release`."""

    def __init__(self, disk: Disk, path: str, *, now_us: int) -> None:
        """Find and hold it. Raises UndefinedFile, CorruptDatabase and its kin, InsufficientPrivilege where no file can be made."""
        self._disk = disk
        self._folder = path + READERS_SUFFIX
        self.file = disk.open(path)
        try:
            self.found, self._path, self._lock = self._hold(now_us)
        except BaseException:
            self.file.close()
            raise

    @property
    def image(self) -> Image:
        """The image."""
        return self.found.images[-1]

    def _hold(self, now_us: int) -> tuple[FoundImages, str, Lock]:
        for attempt in range(_ATTEMPTS_MAX):
            try:
                before = open_images(self.file).superblock
            except CorruptDatabase:
                # The writer may have gone on between two reads.
                if attempt >= _DAMAGE_ATTEMPTS_MAX:
                    raise
                continue
            address = before.manifest
            self._disk.make_directory(self._folder)
            path = (
                f"{self._folder}/{before.generation}-{address.first_unit}-{address.length}"
                f"-{address.checksum:016x}-{now_us}-{os.getpid()}-{next(_numbers)}"
            )
            try:
                lock = self._disk.lock(path)
            except UndefinedFile:
                # The last reader before has just removed the folder.
                continue
            with _let_go_unless_returned(self._disk, path, lock) as keep:
                found = open_images(self.file)
                if found.superblock == before and self._disk.exists(path):
                    keep()
                    return found, path, lock
        raise SnapshotTooOld(
            "the database takes checkpoints faster than they can be read", hint="Try again."
        )

    @property
    def is_held(self) -> bool:
        """Whether the writer still honours it: not once it was too old."""
        return self._disk.exists(self._path)

    def release(self) -> None:
        """Let the writer have the space back. Twice is harmless."""
        _let_go(self._disk, self._path, self._lock)
        with contextlib.suppress(Error):
            # Fails as long as other readers are there.
            self._disk.remove_directory(self._folder)
        self.file.close()


@contextlib.contextmanager
def _let_go_unless_returned(disk: Disk, path: str, lock: Lock) -> Iterator[_Keep]:
    keep = _Keep()
    try:
        yield keep
    finally:
        if not keep.is_kept:
            _let_go(disk, path, lock)


class _Keep:
    """Whether a lock is kept after all."""

    def __init__(self) -> None:
        self.is_kept = False

    def __call__(self) -> None:
        self.is_kept = True


def _let_go(disk: Disk, path: str, lock: Lock) -> None:
    with contextlib.suppress(Error):
        disk.remove(path)
    lock.release()


__all__ = ["READERS_SUFFIX", "HeldImage", "ReaderPin", "ReaderPins", "with_pinned"]
