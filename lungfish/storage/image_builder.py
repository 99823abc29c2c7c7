"""Building the next image: the write phase of a checkpoint, as the page store sees it.

    freeze ──> write, write, ... ──> set_relation, set_payload ──> publish
                        └───────────────── abort <────────────────────┘ (its error)

The order on disk in `publish`: page table chunks and manifest, sync, superblock, sync. Only then are the slots of the image
before the last one given back, so that at every moment the current image and the one before are whole in the file.

Whoever writes many pages tells `sync_behind` of each: while others commit it syncs every so often, so that no sync has much to write.
The log's syncs go to the same disk, and a commit waits for whatever the disk is at.

An exception from outside (Ctrl-C) in `publish` does not make the file doubtful. Before the superblock is written the image is just
not published: give it up. From there on `publish` goes through with it, and raises the exception when the image is current.

Overwriting may find no room either: btrfs, ZFS and thin volumes copy what is overwritten. A superblock that was refused so, and that the file does not
answer, is not on its way to the disk: the image is not published. What a sync leaves out that finds no room is not known, so it poisons the store.

A page written into the image is also what `read` sees from then on, unless an early write of it began since the freeze: that
version is then the newer one (`page_slots.Building.written_since`). An early write that began before the freeze and ends after
it may be the older one: it is dropped (`PageStore.write`).
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from lungfish.errors import DiskFull, Error, InternalError, IoError
from lungfish.storage.checksum import checksum
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import Image, RelationImage, RelationKind
from lungfish.storage.manifest import INLINE_PAGE_COUNT_MAX, Manifest, RelationEntry, RetainedImage
from lungfish.storage.page_slots import Building, LiveRelation, PageSlots
from lungfish.storage.page_table import (
    CHUNK_PAGES,
    UNIT_SIZE,
    ChunkAddress,
    PageTable,
    PageTableChunk,
    unit_count_of,
)
from lungfish.storage.superblock import SUPERBLOCK_SIZE, ManifestAddress, Superblock

# Cutting the file's end costs a change of its metadata: worth it for this many units (1 MiB), or always at close.
_CUT_UNIT_COUNT_MIN = 256
# So many page table chunks are written at once, and so much of a manifest.
_CHUNK_RUN, _MANIFEST_PIECE_SIZE = 32, 128 << 10
# So much is written before it is synced while others commit: what a disk writes in the time of a commit. See docs/performance.md.
SYNC_STEP_BYTES = 64 << 10
SYNC_PAUSE_MAX_S = 0.01
# A small image takes its time: each has a moment in which all writers stand still, which must stay rare among the commits meanwhile.
GENTLE_PAUSE_S = 0.003
GENTLE_TIME_S = 1.0


class SuperblockRefused(DiskFull):
    """There was no room to overwrite the older superblock, and nothing of the new one will be on the disk."""


class ImageFinished(InternalError):
    """The image was published or aborted already."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What one image cost."""

    generation: int
    pages_written: int
    # Pages, page tables, manifest and superblock.
    bytes_written: int
    # What all pages of the image take in the file.
    image_bytes: int
    # All syncs together, and the longest one.
    sync_s: float
    longest_sync_s: float
    sync_count: int


@dataclass(slots=True)
class _RelationFacts:
    """What is known of a relation beside its table; as in the image before until `set_relation`."""

    kind: RelationKind
    mark_lsn: LSN
    page_count: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Publication:
    """What is in the file of an image that only its superblock is missing of."""

    superblock: Superblock
    # The chunks that the file did not have, and where it has them now.
    chunks: list[tuple[PageTableChunk, ChunkAddress]]
    image: Image
    # The runs of units (first, count) that chunks and manifest took.
    runs: list[tuple[int, int]]


class ImageBuilder:
    """The image being built. One thread publishes or aborts; `write` may be called by others at the same time."""

    def __init__(self, slots: PageSlots, *, identity: uuid.UUID, clock: Clock) -> None:
        self._slots = slots
        self._uuid = identity
        self._clock = clock
        self._payload = b""
        self._name = ""
        # Nothing may be written into the image any more: its tables are being published, or it is done with.
        self._is_sealed = False
        self._is_finished = False
        # The relations that this image has as the one before has them.
        self._left_out: set[RelationId] = set()
        self.pages_written = 0
        self.bytes_written = 0
        # What `sync_behind` was told of since it last synced.
        self._unsynced_bytes = 0
        self._sync_times: list[float] = []
        self._began_s = clock.monotonic_s()
        # Set once the image is current, whatever `publish` raised.
        self.report: PublishReport | None = None
        # Whether nobody commits meanwhile; if somebody may, `give_way` is called between pieces of work in `publish`.
        self.is_alone: Callable[[], bool] = _yes
        self.give_way: Callable[[], None] = _go_on
        with slots.lock:
            if slots.building is not None:
                raise InternalError("another image is being built")
            current = slots.images[-1]
            self.generation = current.generation + 1
            self._tables = {key: live.table.freeze() for key, live in slots.live.items()}
            self._facts = {key: _facts_from(current, key, live) for key, live in slots.live.items()}
            self._building = slots.building = Building(self._tables)
            slots.freeze_count += 1

    def write(self, relation_id: RelationId, page_id: PageId, data: bytes | bytearray) -> int:
        """Write a frozen page to a fresh slot, into this image; answers how many bytes that took.

        Raises ImageFinished, DiskFull, IoError; then the page is as it was.
        """
        slots = self._slots
        location, sum_ = slots.place(data)
        with slots.lock:
            if self._is_sealed or relation_id not in self._tables or relation_id in self._left_out:
                slots.release_slot(location)
                raise ImageFinished(f"page {page_id} of relation {relation_id} comes too late")
            before = self._tables[relation_id].set(page_id, location, sum_)
            facts = self._facts[relation_id]
            facts.page_count = max(facts.page_count, page_id + 1)
            live = slots.live.get(relation_id)
            if live is not None and (relation_id, page_id) not in self._building.written_since:
                live_before = live.table.set(page_id, location, sum_)
                if live_before != before:
                    slots.release_unless_used(relation_id, page_id, live_before)
            slots.release_unless_used(relation_id, page_id, before)
            size = unit_count_of(location) * UNIT_SIZE
            self.pages_written += 1
            self.bytes_written += size
        return size

    def set_relation(
        self,
        relation_id: RelationId,
        *,
        mark_lsn: LSN,
        page_count: int | None = None,
        payload: bytes = b"",
    ) -> None:
        """Say up to where the relation's image is complete and what its owner wants to find with it.

        `page_count` counts pages that were allocated, though perhaps never written; None leaves it. A relation of which
        nothing is said keeps the mark and the payload of the image before.
        """
        facts = self._facts.get(relation_id)
        if facts is None:
            raise InternalError(f"relation {relation_id} was not there at the freeze")
        facts.mark_lsn = mark_lsn
        facts.payload = payload
        if page_count is not None:
            self.set_page_count(relation_id, page_count)

    def set_page_count(self, relation_id: RelationId, page_count: int) -> None:
        """Say how many pages the relation had at the freeze, those never written among them."""
        written_count = self._tables[relation_id].page_count
        self._facts[relation_id].page_count = max(page_count, written_count)

    def set_payload(self, payload: bytes) -> None:
        """Set the checkpoint's own facts."""
        self._payload = payload

    def set_name(self, name: str) -> None:
        """Keep this image, under a name, until `PageStore.name_image` takes that away."""
        self._name = name

    @property
    def relation_ids(self) -> list[RelationId]:
        """The relations that the image captures: those that were there at the freeze and were not left out."""
        return [each for each in self._tables if each not in self._left_out]

    def leave_out(self, relation_id: RelationId) -> None:
        """Let the image have a relation as the one before has it, or not at all if that has not either.

        What was written of it into this image is what `read` sees, and no image's.
        """
        slots = self._slots
        with slots.lock:
            table = self._tables.pop(relation_id)
            self._left_out.add(relation_id)
            slots.release_table(relation_id, table)
            before = slots.images[-1].relations.get(relation_id)
            if before is None:
                del self._facts[relation_id]
                return
            self._tables[relation_id] = before.table.freeze()
            self._facts[relation_id] = _RelationFacts(
                before.kind, before.mark_lsn, before.page_count, before.payload
            )

    def table(self, relation_id: RelationId) -> PageTable:
        """Where the image has a relation's pages. Under the slots' lock."""
        return self._tables[relation_id]

    def sync_behind(self, size: int) -> None:
        """Note that so many bytes were written for this image; every so often they are synced, and the disk left to others for as long.

        Raises IoError; then the store is poisoned, as after any failed sync.
        """
        self._unsynced_bytes += size
        if self.is_alone() or self._unsynced_bytes < SYNC_STEP_BYTES:
            return
        self._sync()
        pause = min(self._sync_times[-1], SYNC_PAUSE_MAX_S)
        if self._clock.monotonic_s() - self._began_s < GENTLE_TIME_S:
            pause = max(pause, GENTLE_PAUSE_S)
        self._clock.sleep(pause)

    def publish(self) -> PublishReport:
        """Make this image the current one, durably.

        A failure before the first sync (a full disk), and SuperblockRefused, leave everything as it was: publish again later, or abort.
        Another one from there on poisons the store: which image the file has is unknown, so nothing in it may be overwritten. What an
        exception from outside does is said above; `report` tells whether the image is current.
        """
        slots = self._slots
        slots.check_poison()
        with slots.lock:
            if self._is_sealed:
                raise ImageFinished("the image is finished")
            self._is_sealed = True
        publication = self._write_tables()
        try:
            self._go_through(publication)
        except BaseException as error:
            if is_failed_io(error) and not isinstance(error, SuperblockRefused):
                slots.poison(error)
            if slots.is_poisoned or isinstance(error, SuperblockRefused):
                raise
            # Whatever of the superblock is on its way to the disk, the same again makes it whole.
            try:
                self._go_through(publication)
            except BaseException as second:
                slots.poison(second)
                raise
            raise
        assert self.report is not None
        return self.report

    def _go_through(self, publication: _Publication) -> None:
        """Let the file's superblock lead to the image, and the image be the current one. Doing it again changes nothing."""
        slots, reach = self._slots, self._slots.failpoints.reach
        reach("checkpoint.superblock")
        self._write_superblock(publication)
        reach("checkpoint.superblock.sync")
        self._sync()
        reach("checkpoint.published")
        self._become_current(publication)
        with contextlib.suppress(IoError), slots.lock:
            # A file that stays longer than it need be is no failure. What this image took, the next one will want again.
            written = self.bytes_written // UNIT_SIZE
            slots.cut_end(least_unit_count=max(_CUT_UNIT_COUNT_MIN, 2 * written))

    def _write_superblock(self, publication: _Publication) -> None:
        """Overwrite the older one. Raises SuperblockRefused, and what else writing raises: then it may be there."""
        file, data = self._slots.file, publication.superblock.encode()
        offset = publication.superblock.unit * UNIT_SIZE
        try:
            file.write_at(offset, data)
        except DiskFull as error:
            if file.read_at(offset, len(data)) != data:
                self._give_back(publication.runs)
                raise SuperblockRefused(error.message, hint=error.hint) from error

    def _give_back(self, runs: list[tuple[int, int]]) -> None:
        """Nobody finds these tables and this manifest: the image may be written to, and published, again."""
        with self._slots.lock:
            for first, count in runs:
                self._slots.free.release(first, count)
            self._is_sealed = False

    def _sync(self) -> None:
        clock = self._clock
        started = clock.monotonic_s()
        try:
            self._slots.file.sync()
        except BaseException as error:
            if is_failed_io(error):
                self._slots.poison(error)
            raise
        self._sync_times.append(clock.monotonic_s() - started)
        self._unsynced_bytes = 0

    def abort(self) -> None:
        """Give the image up. What was written into it stays what `read` sees. Twice, or after publish, is harmless."""
        slots = self._slots
        with slots.lock:
            if self._is_finished:
                return
            slots.building = None
            self._is_finished = self._is_sealed = True
            for relation_id, table in self._tables.items():
                slots.release_table(relation_id, table)

    def _write_tables(self) -> _Publication:
        """Write the changed page table chunks and the manifest, durably; on failure the image may be written to again."""
        slots = self._slots
        written: list[tuple[int, int]] = []
        try:
            slots.failpoints.reach("checkpoint.publish")
            new_chunks = self._write_chunks(written)
            addresses = {id(chunk): address for chunk, address in new_chunks}
            data = self._manifest(addresses).encode()
            manifest = self._write_manifest(data, written)
            slots.failpoints.reach("checkpoint.sync")
            self._sync()
        except BaseException:
            self._give_back(written)
            raise
        self.bytes_written += sum(count for _, count in written) * UNIT_SIZE
        superblock = Superblock(self._uuid, slots.page_size_bytes, self.generation, manifest)
        return _Publication(superblock, new_chunks, self._image(manifest), written)

    def _write_manifest(self, data: bytes, written: list[tuple[int, int]]) -> ManifestAddress:
        """Write the manifest, piece by piece: it carries what transactions owe, perhaps many megabytes."""
        slots, file = self._slots, self._slots.file
        unit_count = -(-len(data) // UNIT_SIZE)
        with slots.lock:
            first = slots.free.allocate(unit_count)
            written.append((first, unit_count))
        for start in range(0, len(data), _MANIFEST_PIECE_SIZE):
            piece = data[start : start + _MANIFEST_PIECE_SIZE]
            # Whole units, so that the file always ends with one.
            piece = piece.ljust(-(-len(piece) // UNIT_SIZE) * UNIT_SIZE, b"\0")
            file.write_at(first * UNIT_SIZE + start, piece)
            self.sync_behind(len(piece))
            self.give_way()
        return ManifestAddress(first, len(data), checksum(data))

    def _write_chunks(
        self, written: list[tuple[int, int]]
    ) -> list[tuple[PageTableChunk, ChunkAddress]]:
        """Write every chunk that the file does not have yet, in runs; `written` notes the runs of units as they are taken."""
        changed = [
            chunk
            for table in self._tables.values()
            if table.page_count > INLINE_PAGE_COUNT_MAX
            for chunk in table.chunks
            if chunk.address is None
        ]
        placed = []
        for start in range(0, len(changed), _CHUNK_RUN):
            run = changed[start : start + _CHUNK_RUN]
            encoded = [chunk.encode() for chunk in run]
            first = self._slots.write_units(b"".join(encoded))
            written.append((first, len(run)))
            self.sync_behind(len(run) * UNIT_SIZE)
            self.give_way()
            for index, (chunk, data) in enumerate(zip(run, encoded, strict=True)):
                placed.append((chunk, ChunkAddress(first + index, checksum(data))))
        return placed

    def _manifest(self, addresses: dict[int, ChunkAddress]) -> Manifest:
        relations = {}
        for relation_id, table in self._tables.items():
            facts = self._facts[relation_id]
            is_inline = table.page_count <= INLINE_PAGE_COUNT_MAX
            relations[relation_id] = RelationEntry(
                kind=facts.kind,
                mark_lsn=facts.mark_lsn,
                page_count=facts.page_count,
                payload=facts.payload,
                entry_count=table.page_count,
                is_inline=is_inline,
                table=_inline_entries(table) if is_inline else _chunk_entries(table, addresses),
            )
        with self._slots.lock:
            retained = [
                RetainedImage(image.generation, image.name, image.manifest)
                for image in self._slots.images_to_keep(newer=1)
            ]
        return Manifest(
            generation=self.generation,
            uuid=self._uuid,
            name=self._name,
            payload=self._payload,
            relations=relations,
            retained=tuple(retained),
        )

    def _image(self, manifest: ManifestAddress) -> Image:
        return Image(
            generation=self.generation,
            name=self._name,
            payload=self._payload,
            relations={
                key: RelationImage(
                    facts.kind, facts.page_count, facts.mark_lsn, facts.payload, self._tables[key]
                )
                for key, facts in self._facts.items()
            },
            manifest=manifest,
        )

    def _become_current(self, publication: _Publication) -> None:
        """The image is durable: let it take its place, and give back what only a retired one needed. Again changes nothing."""
        slots, image = self._slots, publication.image
        outside_pins = slots.outside_pins()
        with slots.lock:
            for chunk, address in publication.chunks:
                chunk.address = address
            if slots.images[-1] is not image:
                slots.images.append(image)
            slots.building = None
            self._is_finished = True
            if self.report is None:
                self.report = PublishReport(
                    generation=self.generation,
                    pages_written=self.pages_written,
                    bytes_written=self.bytes_written + SUPERBLOCK_SIZE,
                    image_bytes=image.unit_count * UNIT_SIZE,
                    sync_s=sum(self._sync_times),
                    longest_sync_s=max(self._sync_times),
                    sync_count=len(self._sync_times),
                )
            for relation_id, table in self._tables.items():
                live = slots.live.get(relation_id)
                if live is not None:
                    live.table.adopt_equal_chunks(table)
            slots.retire_images(outside_pins)
            slots.free.start_at_front()


def is_failed_io(error: BaseException) -> bool:
    """Whether a write or a sync has failed, or only an exception from outside come: that is raised in place of what it finds on its way."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, Error | OSError):
            return True
        at = at.__context__
    return False


def _go_on() -> None:
    """Nobody waits."""


def _yes() -> bool:
    return True


def _facts_from(current: Image, relation_id: RelationId, live: LiveRelation) -> _RelationFacts:
    before = current.relations.get(relation_id)
    return _RelationFacts(
        kind=live.kind,
        mark_lsn=LSN(0) if before is None else before.mark_lsn,
        page_count=live.table.page_count,
        payload=b"" if before is None else before.payload,
    )


def _inline_entries(table: PageTable) -> tuple[int, ...]:
    count = table.page_count
    if not count:
        return ()
    chunk = table.chunks[0]
    return (*chunk.locations[:count], *chunk.checksums[:count])


def _chunk_entries(table: PageTable, addresses: dict[int, ChunkAddress]) -> tuple[int, ...]:
    words: list[int] = []
    for chunk in table.chunks:
        address = chunk.address if chunk.address is not None else addresses[id(chunk)]
        words += address
    return tuple(words)


assert INLINE_PAGE_COUNT_MAX <= CHUNK_PAGES
