"""Reading images back from the file, at open: superblocks, manifests, page tables.

Every byte is checked against a checksum that was itself checked: superblock -> manifest -> page table chunk -> page. What does
not match raises CorruptDatabase, and `open_images` then falls back to the image before.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lungfish.errors import CorruptDatabase, FeatureNotSupported, WrongObjectType
from lungfish.storage.checksum import checksum
from lungfish.storage.disk import File
from lungfish.storage.image import Image, QuarantinedImage, RelationImage, RelationKind
from lungfish.storage.manifest import Manifest, RelationEntry
from lungfish.storage.page_table import (
    CHUNK_PAGES,
    UNIT_SIZE,
    ChunkAddress,
    PageTable,
    PageTableChunk,
)
from lungfish.storage.superblock import (
    SUPERBLOCK_COUNT,
    SUPERBLOCK_SIZE,
    ManifestAddress,
    Superblock,
)


@dataclass(frozen=True, slots=True)
class FoundImages:
    """What a database file has."""

    # Of the current image.
    superblock: Superblock
    # Retained images, oldest first; the last is the current one.
    images: list[Image]
    # What was found damaged, in words. If it is the newest image, the current one is the one before.
    damage: tuple[str, ...]
    is_fallback: bool
    # Images that are damaged, or that the caller found so before.
    quarantined: tuple[QuarantinedImage, ...] = ()

    def alone(self) -> FoundImages:
        """The current image without the others, as if the file had nothing else."""
        return FoundImages(self.superblock, [self.images[-1].named("")], (), is_fallback=False)


def open_images(file: File, *, avoid: Mapping[int, str] = MappingProxyType({})) -> FoundImages:
    """Find the newest whole image and all that must be kept beside it.

    `avoid` are generations that must not become the current one, though their page tables are whole, each with the reason.
    Raises WrongObjectType (no database at all), FeatureNotSupported (another format), CorruptDatabase (no image is whole).
    """
    superblocks, damage = _read_superblocks(file)
    reader = _ImageReader(file)
    whole: list[tuple[Superblock, Manifest, Image]] = []
    quarantined: dict[int, QuarantinedImage] = {}
    for superblock in sorted(superblocks, key=lambda each: -each.generation):
        generation = superblock.generation
        try:
            manifest, image = reader.read_image(superblock.manifest)
            if manifest.generation != generation or manifest.uuid != superblock.uuid:
                raise CorruptDatabase(
                    "a manifest belongs to another image than its superblock says"
                )
        except CorruptDatabase as error:
            quarantined[generation] = QuarantinedImage(generation, "", error.message)
        else:
            if generation in avoid:
                reason = avoid[generation]
                quarantined[generation] = QuarantinedImage(generation, "", reason, image)
            else:
                whole.append((superblock, manifest, image))
    if not whole:
        damage += [f"image {each.generation}: {each.reason}" for each in quarantined.values()]
        raise CorruptDatabase(
            f'no image in database "{file.path}" is whole', detail="; ".join(damage)
        )
    superblock, manifest, _ = whole[0]
    known = {image.generation: image for _, _, image in whole}
    # What is kept for its name is what the newest manifest says: an older one may speak of a name that was dropped since.
    images = {superblock.generation: known[superblock.generation]}
    images |= {each: image.named("") for each, image in known.items() if each not in images}
    for retained in manifest.retained:
        generation = retained.generation
        try:
            image = known.get(generation) or reader.read_image(retained.manifest)[1]
        except CorruptDatabase as error:
            quarantined[generation] = QuarantinedImage(generation, retained.name, error.message)
        else:
            images[generation] = image.named(retained.name)
    damage += [f"image {each.generation}: {each.reason}" for each in quarantined.values()]
    return FoundImages(
        superblock=superblock,
        images=[images[each] for each in sorted(images)],
        damage=tuple(damage),
        # A superblock that cannot be read may have been the newest one: better to say so than not.
        is_fallback=(len(superblocks) < SUPERBLOCK_COUNT and bool(damage))
        or superblock.generation < max(each.generation for each in superblocks),
        quarantined=tuple(quarantined.values()),
    )


def read_image(file: File, address: ManifestAddress) -> tuple[Manifest, Image]:
    """Read one image with its manifest. Raises CorruptDatabase."""
    return _ImageReader(file).read_image(address)


def is_unfinished(file: File) -> bool:
    """Whether the file is what a crash while it was made leaves: without superblocks, and hardly longer than them."""
    if file.size() > (SUPERBLOCK_COUNT + 2) * UNIT_SIZE:
        return False
    return not any(file.read_at(0, SUPERBLOCK_COUNT * UNIT_SIZE))


def _read_superblocks(file: File) -> tuple[list[Superblock], list[str]]:
    """The superblocks that are whole, and what is wrong with the others."""
    found: list[Superblock] = []
    problems: list[WrongObjectType | FeatureNotSupported | CorruptDatabase] = []
    is_empty = False
    for index in range(SUPERBLOCK_COUNT):
        data = file.read_at(index * UNIT_SIZE, SUPERBLOCK_SIZE)
        is_empty |= not any(data)
        try:
            superblock = Superblock.decode(data, file.path)
            if superblock.unit != index:
                raise CorruptDatabase("a superblock is in the other one's place")
        except (WrongObjectType, FeatureNotSupported, CorruptDatabase) as error:
            problems.append(error)
        else:
            found.append(superblock)
    if not found:
        # A file of another version says more than one that is damaged, and that more than one that is something else.
        raise min(problems, key=lambda error: _SAYS_MOST.index(type(error)))
    if len(found) == 2 and found[0].uuid != found[1].uuid:
        raise CorruptDatabase(f'the superblocks of "{file.path}" are of different databases')
    # A crash while the database was made may leave only one, of its first generations.
    is_new = is_empty and found[0].generation < SUPERBLOCK_COUNT
    return found, [] if is_new else [error.message for error in problems]


_SAYS_MOST = [FeatureNotSupported, CorruptDatabase, WrongObjectType]


class _ImageReader:
    """Reads images; a chunk that two of them share is read once and is the same object in both."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._chunks: dict[ChunkAddress, PageTableChunk] = {}

    def read_image(self, address: ManifestAddress) -> tuple[Manifest, Image]:
        data = self._read(address.first_unit, address.length, address.checksum, "a manifest")
        manifest = Manifest.decode(data)
        relations = {
            relation_id: RelationImage(
                _kind(entry),
                entry.page_count,
                entry.mark_lsn,
                entry.payload,
                self._read_table(entry),
            )
            for relation_id, entry in manifest.relations.items()
        }
        image = Image(manifest.generation, manifest.name, manifest.payload, relations, address)
        return manifest, image

    def _read_table(self, entry: RelationEntry) -> PageTable:
        if entry.entry_count > entry.page_count:
            raise CorruptDatabase("a page table has more pages than its relation")
        if entry.is_inline:
            chunks = _inline_chunks(entry)
        else:
            units, sums = entry.table[::2], entry.table[1::2]
            chunks = [
                self._read_chunk(ChunkAddress(unit, sum_))
                for unit, sum_ in zip(units, sums, strict=True)
            ]
        unit_count = sum(chunk.unit_count for chunk in chunks)
        return PageTable(chunks, page_count=entry.entry_count, unit_count=unit_count)

    def _read_chunk(self, address: ChunkAddress) -> PageTableChunk:
        chunk = self._chunks.get(address)
        if chunk is None:
            data = self._read(address.unit, UNIT_SIZE, address.checksum, "a part of a page table")
            chunk = self._chunks[address] = PageTableChunk.decode(data, address)
        return chunk

    def _read(self, first_unit: int, length: int, expected: int, what: str) -> bytes:
        offset = first_unit * UNIT_SIZE
        # A length that was never checked must not ask for all the memory there is.
        if offset + length > self._file.size():
            raise CorruptDatabase(f'{what} lies behind the end of "{self._file.path}"')
        data = self._file.read_at(offset, length)
        if len(data) < length or checksum(data) != expected:
            raise CorruptDatabase(
                f'{what} in "{self._file.path}" at offset {offset} does not match its checksum'
            )
        return data


def _inline_chunks(entry: RelationEntry) -> list[PageTableChunk]:
    count = entry.entry_count
    if not count:
        return []
    if count > CHUNK_PAGES:
        raise CorruptDatabase("a page table is too long to be in a manifest")
    padding = bytes(8 * (CHUNK_PAGES - count))
    locations = array("Q", entry.table[:count])
    checksums = array("Q", entry.table[count:])
    locations.frombytes(padding)
    checksums.frombytes(padding)
    return [PageTableChunk(locations, checksums)]


def _kind(entry: RelationEntry) -> RelationKind:
    try:
        return RelationKind(entry.kind)
    except ValueError as error:
        raise CorruptDatabase(f"a relation is of unknown kind {entry.kind}") from error
