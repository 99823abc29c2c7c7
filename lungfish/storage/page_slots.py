"""The slots of the page file, and who refers to them.

A *slot* is a run of units that holds one stored page. The tables that may refer to a slot are

    live        what `PageStore.read` sees: the newest version of each page that was ever written
    building    the image being built, if there is one
    images      the retained images, oldest first; the last one is the current image
    quarantine  a damaged image to which a superblock in the file still leads: nothing of it is read, but nothing put in its
                place either, until another superblock is written over that one

Invariants:
1. A slot is written once, while no table refers to it, and belongs to one page of one relation for as long as any table
   refers to it. So "the same slot" is "the same location at the same page", and two tables are compared page by page.
2. A unit is used in `free` if and only if a slot, page table chunk, manifest or superblock that some table or image refers to
   covers it, or if it was just allocated for one.
3. Nothing that a retained image refers to is ever written to.
4. After a failed sync (`poison`) nothing is written any more, and nothing cut off: what the file has is then unknown.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lungfish.errors import CorruptDatabase, CorruptPage, Error, IoError
from lungfish.storage.checksum import checksum, checksum_of_parts
from lungfish.storage.disk import File
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.free_units import FreeUnits
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image import Image, QuarantinedImage, RelationKind
from lungfish.storage.image_reader import FoundImages
from lungfish.storage.page_table import (
    CHUNK_BITS,
    UNIT_MASK,
    UNIT_SIZE,
    PageTable,
    PageTableChunk,
    pack_location,
    unit_count_of,
    unpack_location,
)
from lungfish.storage.superblock import SUPERBLOCK_COUNT, ManifestAddress

_ZERO_UNIT = bytes(UNIT_SIZE)
# The current image and the one before: a crash while the next one is published needs both.
IMAGES_KEPT_MIN = 2


@dataclass(slots=True)
class LiveRelation:
    """A relation as it is now."""

    kind: RelationKind
    table: PageTable


@dataclass(slots=True)
class Building:
    """The tables of the image being built."""

    tables: dict[RelationId, PageTable]
    # Pages of which an early write began after the freeze: what `live` has of them is newer than the image.
    written_since: set[tuple[RelationId, PageId]] = field(default_factory=set)


class PageSlots:
    """Places stored pages in the file, and takes a slot back when nothing refers to it any more."""

    def __init__(self, file: File, page_size_bytes: int, failpoints: Failpoints) -> None:
        self.file = file
        self.failpoints = failpoints
        self.page_size_bytes = page_size_bytes
        # Guards everything below. Nothing waits under it; the one I/O under it is the truncation in `cut_end`.
        self.lock = threading.Lock()
        self.free = FreeUnits()
        self.live: dict[RelationId, LiveRelation] = {}
        self.images: list[Image] = []
        self.quarantined: list[QuarantinedImage] = []
        # How many of the newest images are kept, the current one counted; and those that somebody reads just now, by generation.
        self.images_kept = IMAGES_KEPT_MIN
        self.pins: Counter[int] = Counter()
        # The generations that other processes read; does I/O, so it is not asked under the lock.
        self.outside_pins: Callable[[], frozenset[int]] = frozenset
        self.building: Building | None = None
        # How many images were begun: tells an early write whether one was begun since its version was taken.
        self.freeze_count = 0
        self._poison: Error | None = None
        # Told of a page that a statement needs and that is not what was written, and of a failed sync. Whoever listens must not call the page store.
        self.on_bad_page: Callable[[RelationId, PageId], None] | None = None
        self.on_poison: Callable[[Error], None] | None = None
        self.free.claim(0, SUPERBLOCK_COUNT)

    # --- Pages in the file ---

    def place(self, data: bytes | bytearray) -> tuple[int, int]:
        """Write a page to a fresh slot, to which nothing refers yet; answers its location and checksum."""
        assert len(data) == self.page_size_bytes
        self.check_poison()
        if self.failpoints.is_on:
            self.failpoints.reach("pages.write")
        head, tail = stored_units(data)
        if not head and not tail:
            return 0, 0
        stored = data
        if tail:
            stored = data[: head * UNIT_SIZE] + data[len(data) - tail * UNIT_SIZE :]
        elif head * UNIT_SIZE < len(data):
            stored = data[: head * UNIT_SIZE]
        first_unit = self.write_units(stored)
        return pack_location(first_unit, head=head, tail=tail), checksum(stored)

    def read_page(self, location: int, expected: int) -> bytearray | None:
        """Read a page from its slot. None if what is there does not have the expected checksum."""
        page = bytearray(self.page_size_bytes)
        if location == 0:
            return page
        first_unit, head, tail = unpack_location(location)
        if (head + tail) * UNIT_SIZE > len(page):
            return None
        view = memoryview(page)
        offset = first_unit * UNIT_SIZE
        front = view[: head * UNIT_SIZE]
        if self.file.read_into(offset, front) < len(front):
            return None
        if not tail:
            return page if checksum(front) == expected else None
        back = view[len(page) - tail * UNIT_SIZE :]
        if self.file.read_into(offset + len(front), back) < len(back):
            return None
        return page if checksum_of_parts((front, back)) == expected else None

    def write_units(self, data: bytes | bytearray) -> int:
        """Write some bytes to fresh units, one run; answers the first. The units are given back if the write fails."""
        count = -(-len(data) // UNIT_SIZE)
        with self.lock:
            first = self.free.allocate(count)
        try:
            self.file.write_at(first * UNIT_SIZE, data)
        except BaseException:
            with self.lock:
                self.free.release(first, count)
            raise
        return first

    def corrupt_page(self, relation_id: RelationId, page_id: PageId, location: int) -> CorruptPage:
        """The error for a page that is not what was written."""
        offset = unpack_location(location).first_unit * UNIT_SIZE
        return CorruptPage(
            f"page {page_id} of relation {relation_id} does not match its checksum",
            detail=f'It is stored in file "{self.file.path}" at offset {offset}.',
        )

    # --- Who refers to what; all under the lock ---

    def release_slot(self, location: int) -> None:
        """Give back a slot to which nothing refers."""
        if location:
            self.free.release(location & UNIT_MASK, unit_count_of(location))

    def release_unless_used(self, relation_id: RelationId, page_id: PageId, location: int) -> None:
        """Give back a slot that a table has just let go of, unless another one refers to it."""
        if location and not any(
            table.location(page_id) == location for table in self.tables_of(relation_id)
        ):
            self.release_slot(location)

    def release_table(self, relation_id: RelationId, table: PageTable) -> None:
        """Give back all that only this table, which no longer counts, referred to: pages and stored chunks."""
        for chunk, theirs in self._own_chunks(relation_id, table):
            if chunk.address is not None:
                self.free.release(chunk.address.unit, 1)
            self.free.release_runs(*chunk.runs_not_in(theirs))

    def _own_chunks(
        self, relation_id: RelationId, table: PageTable
    ) -> Iterator[tuple[PageTableChunk, list[PageTableChunk]]]:
        """The chunks that only this table has, each with those that the relation's other tables have in its place."""
        others = list(self.tables_of(relation_id))
        for index, chunk in enumerate(table.chunks):
            theirs = [other.chunks[index] for other in others if index < len(other.chunks)]
            if all(other is not chunk for other in theirs):
                yield chunk, theirs

    def release_manifest(self, address: ManifestAddress) -> None:
        """Give back a retired image's manifest."""
        self.free.release(address.first_unit, address.unit_count)

    def tables_of(self, relation_id: RelationId) -> Iterator[PageTable]:
        """Every table of a relation that counts."""
        live = self.live.get(relation_id)
        if live is not None:
            yield live.table
        if self.building is not None and relation_id in self.building.tables:
            yield self.building.tables[relation_id]
        # The newest first: a slot that one of them has, the newest mostly has too.
        for image in reversed(self.held_images()):
            relation = image.relations.get(relation_id)
            if relation is not None:
                yield relation.table

    def held_images(self) -> list[Image]:
        """Every image whose slots must stay as they are."""
        damaged = [each.image for each in self.quarantined if each.image is not None]
        return [*self.images, *damaged]

    def images_to_keep(self, *, newer: int) -> list[Image]:
        """Those of the images that are still kept when so many newer ones are there, oldest first."""
        first_recent = len(self.images) + newer - self.images_kept
        return [
            image for index, image in enumerate(self.images) if image.name or index >= first_recent
        ]

    def retire_images(self, outside_pins: frozenset[int]) -> None:
        """Let go of what is not kept any longer, now that a newer image is durable; `outside_pins` are asked for since."""
        kept = {image.generation for image in self.images_to_keep(newer=0)}
        for image in self.images.copy():
            if image.generation in kept or image.generation in outside_pins:
                continue
            if not self.pins[image.generation]:
                self.images.remove(image)
                self._release_image(image)
        for index, damaged in enumerate(self.quarantined):
            if damaged.image is not None:
                # Its superblock is gone: another one has been written over it.
                self.quarantined[index] = replace(damaged, image=None)
                self._release_image(damaged.image)

    def _release_image(self, image: Image) -> None:
        for relation_id, relation in image.relations.items():
            self.release_table(relation_id, relation.table)
        self.release_manifest(image.manifest)

    def claim_images(self, found: FoundImages) -> None:
        """Retain the images found in the file, at open. Raises CorruptDatabase if a unit of the current one has two uses.

        An older one that does not agree with it is quarantined. The units that it had claimed until that was seen stay used until
        the next open: nobody can tell whose they are.
        """
        for damaged in found.quarantined:
            if damaged.image is not None:
                self._claim_image(damaged.image)
            self.quarantined.append(damaged)
        for image in reversed(found.images):
            try:
                self._claim_image(image)
            except CorruptDatabase as error:
                if image is found.images[-1]:
                    raise
                lost = QuarantinedImage(image.generation, image.name, error.message)
                self.quarantined.append(lost)
            else:
                self.images.insert(0, image)

    def _claim_image(self, image: Image) -> None:
        self.free.claim(image.manifest.first_unit, image.manifest.unit_count)
        for relation_id, relation in image.relations.items():
            for chunk, theirs in self._own_chunks(relation_id, relation.table):
                if chunk.address is not None:
                    self.free.claim(chunk.address.unit, 1)
                self.free.claim_runs(*chunk.runs_not_in(theirs))

    def cut_end(self, *, least_unit_count: int) -> None:
        """Cut off the free units at the file's end, if they are many enough to be worth it."""
        if self._poison is not None:
            # What is free in memory may belong to an image that the file has after all (invariant 4).
            return
        free_count = self.free.free_at_end()
        used_size = (self.free.unit_count - free_count) * UNIT_SIZE
        if self.file.size() - used_size >= max(1, least_unit_count) * UNIT_SIZE:
            # Under the lock, so that nobody is given a unit behind the end that is about to move.
            self.file.truncate(self.free.cut_end() * UNIT_SIZE)

    # --- Failure ---

    def poison(self, error: BaseException) -> None:
        """Refuse every later write: after `error` it is unknown what the file has."""
        if self._poison is None:
            self._poison = IoError(
                f'file "{self.file.path}" is not written any more since a sync failed: {error}',
                hint="Close the database and open it again: it recovers from its log.",
            )
            if self.on_poison is not None:
                self.on_poison(self._poison)

    @property
    def is_poisoned(self) -> bool:
        """Whether a sync has failed."""
        return self._poison is not None

    def check_poison(self) -> None:
        """Raise if a sync has failed."""
        if self._poison is not None:
            raise self._poison


def stored_units(data: bytes | bytearray) -> tuple[int, int]:
    """How many units of a page's beginning and of its end hold all that is not zero: around its longest run of zero units."""
    is_zero = bytes([data.startswith(_ZERO_UNIT, at) for at in range(0, len(data), UNIT_SIZE)])
    count = len(is_zero)
    if 1 not in is_zero:
        return count, 0
    run = max(is_zero.split(b"\0"), key=len)
    start = is_zero.rfind(run)
    return start, count - start - len(run)


assert 1 << CHUNK_BITS == 256, "the manifest's description says 256"
