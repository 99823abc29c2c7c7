"""The page store: a copy-on-write file of pages, in which every checkpoint is an immutable image.

    unit 0   unit 1   units 2 ...
    ┌──────┬──────┬──────────────────────────────────────────────────────────────┐
    │ sb A │ sb B │ pages, page table chunks and manifests, in any order          │     units of 4 KiB
    └──┬───┴──┬───┴──────────────────────────────────────────────────────────────┘
       │      └─> manifest N-1 ─> page tables ─> pages      shared between images where nothing changed
       └────────> manifest N   ─> page tables ─> pages

A page is never overwritten while a retained image refers to it, so there are no torn pages to repair, and a crash at any moment
leaves the current image or the one before, whole. Shadow paging (Lorie, "Physical Integrity in a Large Segmented Database",
1977) with the checksums in the parent, as in ZFS: a stale, lost or misdirected write is found, not only a torn one.

Beside the images there is the *live* state: pages written early, between checkpoints, because memory was short. `read` sees them; a
crash forgets them. The files `page_slots.py`, `image_builder.py` and `image_reader.py` are parts of this one thing, and
`docs/file-format.md` has the bytes.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lungfish.errors import CorruptPage, InternalError, InvalidParameterValue
from lungfish.storage.checksum import checksum
from lungfish.storage.clock import Clock, SystemClock
from lungfish.storage.disk import Disk, File, parent_directory
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image import Image, QuarantinedImage, RelationKind
from lungfish.storage.image_builder import ImageBuilder, PublishReport, is_failed_io
from lungfish.storage.image_reader import FoundImages, is_unfinished, open_images
from lungfish.storage.manifest import Manifest
from lungfish.storage.overlay_file import OverlayFile
from lungfish.storage.page_slots import IMAGES_KEPT_MIN, LiveRelation, PageSlots
from lungfish.storage.page_table import UNIT_SIZE, PageTable
from lungfish.storage.reader_pins import ReaderPins, with_pinned
from lungfish.storage.superblock import (
    LOG_NOTE_OFFSET,
    LOG_NOTE_SIZE,
    SUPERBLOCK_COUNT,
    ManifestAddress,
    Superblock,
    decode_log_note,
    encode_log_note,
    is_page_size,
)

# See docs/decisions/0002-page-size.md.
PAGE_SIZE_DEFAULT = 32 * 1024


@dataclass(frozen=True, slots=True)
class FileUsage:
    """How the file's space is used, in bytes."""

    file_bytes: int
    used_bytes: int
    free_bytes: int


class PageStore:
    """An open page file. Safe for threads; one thread at a time writes any one page."""

    def __init__(
        self, file: File, found: FoundImages, clock: Clock, failpoints: Failpoints | None = None
    ) -> None:
        superblock = found.superblock
        self.uuid = superblock.uuid
        self.page_size_bytes = superblock.page_size_bytes
        # The newest image was damaged, and the current one is the one before.
        self.fallback_used = found.is_fallback
        # What was found damaged at open, in words.
        self.damage = found.damage
        self._clock = clock
        # The newest life of the log that the file itself speaks of; 0: none.
        self.noted_log_generation = _read_log_notes(file, self.uuid)
        # Relations of the image that were dropped and made again: what the image says of their size is over. Restart does that with an
        # index that it cannot rely on.
        self._remade: set[RelationId] = set()
        # None: of a store that is an image itself.
        self.reader_pins: ReaderPins | None = None
        # The parts of the page store share these; nobody else looks at them.
        self.failpoints = failpoints if failpoints is not None else Failpoints()
        self.slots = PageSlots(file, self.page_size_bytes, self.failpoints)
        self.slots.claim_images(found)
        for relation_id, relation in self.image.relations.items():
            self.slots.live[relation_id] = LiveRelation(relation.kind, relation.table.freeze())

    @staticmethod
    def exists(disk: Disk, path: str) -> bool:
        """Whether there is a database, or at least a file that must not be taken for a new one.

        An empty file, and one whose making a crash cut short, is none: `create` makes a database of it.
        """
        if not disk.exists(path):
            return False
        file = disk.open(path)
        try:
            return not is_unfinished(file)
        finally:
            file.close()

    @staticmethod
    def create(
        disk: Disk,
        path: str,
        *,
        page_size_bytes: int = PAGE_SIZE_DEFAULT,
        uuid: uuid.UUID,
        clock: Clock | None = None,
        failpoints: Failpoints | None = None,
    ) -> PageStore:
        """Make a database file with an empty image in it, durably. Requires: `exists` says no."""
        if not is_page_size(page_size_bytes):
            raise InvalidParameterValue(
                f"page size {page_size_bytes} is not a power of two from 4096 to 524288"
            )
        file = disk.open(path, create=True)
        try:
            if not is_unfinished(file):
                raise InternalError(f'file "{path}" is there already')
            file.truncate(0)
            _write_empty_images(file, uuid, page_size_bytes)
            disk.sync_directory(parent_directory(path))
            store = PageStore(file, open_images(file), clock or SystemClock(), failpoints)
            store.keep_for_readers(ReaderPins(disk, path, clock or SystemClock()))
            return store
        except BaseException:
            file.close()
            raise

    @staticmethod
    def open(
        disk: Disk,
        path: str,
        *,
        clock: Clock | None = None,
        avoid: Mapping[int, str] = MappingProxyType({}),
        failpoints: Failpoints | None = None,
    ) -> PageStore:
        """Open a database file at its newest whole image that is not among the generations to `avoid`.

        Raises UndefinedFile, WrongObjectType (some other file), FeatureNotSupported (another format version) and
        CorruptDatabase (no image is whole).
        """
        file = disk.open(path)
        try:
            pins = ReaderPins(disk, path, clock or SystemClock())
            found = with_pinned(open_images(file, avoid=avoid), file, pins.living())
            store = PageStore(file, found, clock or SystemClock(), failpoints)
            store.keep_for_readers(pins)
            return store
        except BaseException:
            file.close()
            raise

    def at_image(self, image: Image) -> PageStore:
        """The store as one of its images has it, to be read, and changed in memory only. Requires: the image is pinned throughout."""
        superblock = Superblock(self.uuid, self.page_size_bytes, image.generation, image.manifest)
        found = FoundImages(superblock, [image.named("")], (), is_fallback=False)
        return PageStore(OverlayFile(self.slots.file), found, self._clock)

    def keep_for_readers(self, pins: ReaderPins) -> None:
        """Keep the images that other processes read."""
        self.reader_pins = pins
        self.slots.outside_pins = pins.generations

    @property
    def path(self) -> str:
        return self.slots.file.path

    @property
    def image(self) -> Image:
        """The current image: the one that a restart would begin with."""
        return self.slots.images[-1]

    @property
    def images(self) -> tuple[Image, ...]:
        """All retained images, oldest first: those with a name, the one before the current one, the current one."""
        with self.slots.lock:
            return tuple(self.slots.images)

    @property
    def quarantined(self) -> tuple[QuarantinedImage, ...]:
        """The images that were found damaged at open."""
        with self.slots.lock:
            return tuple(self.slots.quarantined)

    @property
    def generation(self) -> int:
        """The current image's number."""
        return self.image.generation

    # --- Relations ---

    def create_relation(self, relation_id: RelationId, kind: RelationKind) -> None:
        """Add a relation without pages. It is in the file from the next image on."""
        with self.slots.lock:
            if relation_id in self.slots.live:
                raise InternalError(f"relation {relation_id} is there already")
            if relation_id in self.image.relations:
                self._remade.add(relation_id)
            self.slots.live[relation_id] = LiveRelation(RelationKind(kind), PageTable())

    def drop_relation(self, relation_id: RelationId) -> None:
        """Remove a relation; its space is free once no retained image has it."""
        slots = self.slots
        with slots.lock:
            relation = slots.live.pop(relation_id, None)
            if relation is None:
                raise InternalError(f"relation {relation_id} does not exist")
            slots.release_table(relation_id, relation.table)

    def relations(self) -> list[RelationId]:
        """The relations there are now."""
        with self.slots.lock:
            return list(self.slots.live)

    def kind(self, relation_id: RelationId) -> RelationKind:
        with self.slots.lock:
            return self._live(relation_id).kind

    def kinds(self) -> dict[RelationId, RelationKind]:
        """The relations there are now, with what they are."""
        with self.slots.lock:
            return {relation_id: live.kind for relation_id, live in self.slots.live.items()}

    def page_count(self, relation_id: RelationId) -> int:
        """How many pages of the relation the file has or had at the current image, whichever is more."""
        with self.slots.lock:
            count = self._live(relation_id).table.page_count
            if relation_id in self._remade:
                return count
        in_image = self.image.relations.get(relation_id)
        return count if in_image is None else max(count, in_image.page_count)

    # --- Pages ---

    def read(self, relation_id: RelationId, page_id: PageId) -> bytearray:
        """Read the newest version of a page that was written, verified. Raises CorruptPage, IoError."""
        return self.read_version(relation_id, page_id)[0]

    def read_version(
        self, relation_id: RelationId, page_id: PageId
    ) -> tuple[bytearray, tuple[int, int]]:
        """Read a page; the second part changes whenever another version of the page is written (see `version`)."""
        version = self.version(relation_id, page_id)
        while True:
            page = self.slots.read_page(*version)
            if page is not None:
                return page, version
            # The slot may have been given to another page while we read it: then there is a newer version.
            now = self.version(relation_id, page_id)
            if now == version:
                if self.slots.on_bad_page is not None:
                    self.slots.on_bad_page(relation_id, page_id)
                raise self.slots.corrupt_page(relation_id, page_id, version[0])
            version = now

    def version(self, relation_id: RelationId, page_id: PageId) -> tuple[int, int]:
        """What tells one written version of a page from another: its place and its checksum."""
        with self.slots.lock:
            table = self._live(relation_id).table
            if page_id < table.page_count:
                return table.entry(page_id)
        if page_id < self.page_count(relation_id):
            return 0, 0
        raise CorruptPage(
            f"page {page_id} of relation {relation_id} does not exist",
            detail=f"The relation has {self.page_count(relation_id)} pages.",
        )

    @property
    def freeze_count(self) -> int:
        """How many images were begun since the store was opened."""
        return self.slots.freeze_count

    def write(
        self,
        relation_id: RelationId,
        page_id: PageId,
        data: bytes | bytearray,
        *,
        taken_at: int | None = None,
    ) -> bool:
        """Write a page early, to a fresh slot: `read` sees it, no image does, a crash forgets it.

        `taken_at` is the `freeze_count` when this version of the page was taken; by default that is now. If an image was begun
        since, the version may be older than the frozen one: nothing is changed and False is answered. Requires: `data` does not
        change meanwhile. Raises DiskFull, IoError; then too the page is as it was.
        """
        slots = self.slots
        if taken_at is None:
            taken_at = slots.freeze_count
        location, sum_ = slots.place(data)
        with slots.lock:
            relation = slots.live.get(relation_id)
            if relation is None or taken_at != slots.freeze_count:
                # Dropped, or an image begun, while we wrote.
                slots.release_slot(location)
                return False
            before = relation.table.set(page_id, location, sum_)
            if slots.building is not None:
                slots.building.written_since.add((relation_id, page_id))
            slots.release_unless_used(relation_id, page_id, before)
        return True

    # --- Images ---

    def freeze(self) -> ImageBuilder:
        """Begin the next image, from the pages as they are in the file now.

        With a buffer pool, call its `freeze` instead: it does this at the right moment, with the pages still in memory.
        """
        slots = self.slots
        slots.check_poison()
        before = slots.building
        try:
            return ImageBuilder(slots, identity=self.uuid, clock=self._clock)
        except BaseException:
            # Cut off (Ctrl-C) when all was ready: nothing is in the image yet, and nobody would give it up.
            with slots.lock:
                slots.building = before
            raise

    def set_images_kept(self, count: int) -> None:
        """How many of the newest images are kept from the next publish on; fewer than two are never."""
        with self.slots.lock:
            self.slots.images_kept = max(IMAGES_KEPT_MIN, count)

    def name_image(self, generation: int, name: str) -> None:
        """Keep a retained image under a name; with the empty one no longer: from the next publish on its space is free.

        The file says so from the next publish on.
        """
        with self.slots.lock:
            for index, image in enumerate(self.slots.images):
                if image.generation == generation:
                    self.slots.images[index] = image.named(name)
                    return
        raise InternalError(f"image {generation} is not retained")

    def forget_quarantined(self, name: str) -> bool:
        """Speak no more of a damaged image that was kept under a name; whether there was one. The next manifest leaves it out."""
        slots = self.slots
        with slots.lock:
            for damaged in slots.quarantined:
                if damaged.name == name and damaged.image is None:
                    slots.quarantined.remove(damaged)
                    return True
        return False

    @contextlib.contextmanager
    def pin_image(self, generation: int) -> Iterator[Image]:
        """Hold an image for reading: its slots stay, whatever is dropped or published meanwhile."""
        slots = self.slots
        with slots.lock:
            image = next((each for each in slots.images if each.generation == generation), None)
            if image is None:
                raise InternalError(f"image {generation} is not retained")
            slots.pins[generation] += 1
        try:
            yield image
        finally:
            with slots.lock:
                slots.pins[generation] -= 1

    def repeat_image(self) -> PublishReport:
        """Publish the current image once more, sharing all its pages: then the file holds it under both superblocks.

        Requires: nothing was written since. At a close it takes the place of an image that would need the log.
        """
        current = self.image
        builder = self.freeze()
        try:
            for relation_id, relation in current.relations.items():
                builder.set_page_count(relation_id, relation.page_count)
            builder.set_payload(current.payload)
            builder.set_name(current.name)
            return builder.publish()
        finally:
            builder.abort()

    # --- The file ---

    def note_log(self, generation: int) -> None:
        """Note durably in the file that a life of the log has begun: whoever finds no log then knows that it is missing.

        Raises IoError; then the store is poisoned, as after any failed sync.
        """
        slots = self.slots
        slots.check_poison()
        # Invariant 4 of `superblock.py`.
        unit = (self.generation + 1) % SUPERBLOCK_COUNT
        note = encode_log_note(generation, self.uuid)
        try:
            slots.file.write_at(unit * UNIT_SIZE + LOG_NOTE_OFFSET, note)
            slots.file.sync()
        except BaseException as error:
            # Cut off by an exception from outside, it is done again.
            if is_failed_io(error):
                slots.poison(error)
            raise
        self.noted_log_generation = generation

    def usage(self) -> FileUsage:
        """How the file's space is used now."""
        slots = self.slots
        with slots.lock:
            used = slots.free.used_count * UNIT_SIZE
            size = slots.file.size()
        return FileUsage(file_bytes=size, used_bytes=used, free_bytes=max(0, size - used))

    def close(self) -> None:
        """Cut off what is free at the file's end, and close it. Nothing is written: publish first."""
        slots = self.slots
        try:
            with slots.lock:
                slots.cut_end(least_unit_count=1)
        finally:
            slots.file.close()

    def abandon(self) -> None:
        """Close the file and touch nothing, as a killed process would."""
        self.slots.file.close()

    def _live(self, relation_id: RelationId) -> LiveRelation:
        relation = self.slots.live.get(relation_id)
        if relation is None:
            raise InternalError(f"relation {relation_id} does not exist")
        return relation


def _read_log_notes(file: File, identity: uuid.UUID) -> int:
    notes = (
        file.read_at(unit * UNIT_SIZE + LOG_NOTE_OFFSET, LOG_NOTE_SIZE)
        for unit in range(SUPERBLOCK_COUNT)
    )
    return max(decode_log_note(note, identity) for note in notes)


def _write_empty_images(file: File, identity: uuid.UUID, page_size_bytes: int) -> None:
    """Write images 0 and 1, both empty. The superblocks come last: without one the file is no database yet."""
    superblocks = []
    for generation in range(SUPERBLOCK_COUNT):
        manifest = Manifest(generation, identity, "", b"", {}).encode()
        unit = SUPERBLOCK_COUNT + generation
        file.write_at(unit * UNIT_SIZE, manifest.ljust(UNIT_SIZE, b"\0"))
        address = ManifestAddress(unit, len(manifest), checksum(manifest))
        superblocks.append(Superblock(identity, page_size_bytes, generation, address))
    file.sync()
    for superblock in superblocks:
        file.write_at(superblock.unit * UNIT_SIZE, superblock.encode())
    file.sync()
