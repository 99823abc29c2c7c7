"""Checking a page file: every page and page table of every retained image, and that no two things share a unit.

Damage is answered as findings, not raised, so that one check shows all of it. What the pages mean (rows, keys) is not looked at
here: that is for their owners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lungfish.errors import CorruptDatabase, Error, IoError
from lungfish.storage.free_units import FreeUnits
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image import Image
from lungfish.storage.image_reader import open_images
from lungfish.storage.page_slots import PageSlots
from lungfish.storage.page_store import PageStore
from lungfish.storage.page_table import PageTable, PageTableChunk, unpack_location
from lungfish.storage.superblock import SUPERBLOCK_COUNT


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    message: str
    relation_id: RelationId | None = None
    page_id: PageId | None = None


@dataclass(frozen=True, slots=True)
class PageCheck:
    """The outcome of a check."""

    pages_checked: int
    findings: tuple[Finding, ...]


def check_pages(store: PageStore) -> PageCheck:
    """Read and verify all that the store refers to. Requires: nobody writes meanwhile, no image is being built."""
    findings = list(_check_images(store))
    findings += _check_units(store.slots)
    pages_checked = 0
    verified: set[tuple[RelationId, PageId, int]] = set()
    for relation_id, table in _tables(store.slots):
        for page_id in map(PageId, range(table.page_count)):
            location, expected = table.entry(page_id)
            if (relation_id, page_id, location) in verified:
                continue
            verified.add((relation_id, page_id, location))
            pages_checked += 1
            try:
                if store.slots.read_page(location, expected) is None:
                    raise store.slots.corrupt_page(relation_id, page_id, location)
            except Error as error:
                findings.append(Finding(str(error), relation_id, page_id))
    return PageCheck(pages_checked, tuple(findings))


def _check_images(store: PageStore) -> Iterator[Finding]:
    """Read superblocks, manifests and page tables again, as the next open would."""
    try:
        found = open_images(store.slots.file)
    except Error as error:
        yield Finding(str(error))
        return
    for damage in found.damage:
        yield Finding(damage)
    if found.superblock.generation != store.generation:
        yield Finding(
            f"the file's newest whole image is {found.superblock.generation}, but {store.generation} is open"
        )


def _check_units(slots: PageSlots) -> Iterator[Finding]:
    """Claim all that is referred to, anew: nothing twice, and just what the map of used units says."""
    claimed = FreeUnits()
    claimed.claim(0, SUPERBLOCK_COUNT)
    chunks: dict[int, PageTableChunk] = {}
    pages: set[tuple[RelationId, int, int]] = set()
    for image in slots.held_images():
        yield from _claim(claimed, image.manifest.first_unit, image.manifest.unit_count)
    for relation_id, table in _tables(slots):
        for index, chunk in enumerate(table.chunks):
            if id(chunk) in chunks:
                continue
            chunks[id(chunk)] = chunk
            if chunk.address is not None:
                yield from _claim(claimed, chunk.address.unit, 1)
            for at, location in enumerate(chunk.locations):
                page = (relation_id, index * len(chunk.locations) + at, location)
                if location and page not in pages:
                    pages.add(page)
                    place = unpack_location(location)
                    yield from _claim(claimed, place.first_unit, place.unit_count)
    for unit in range(max(claimed.unit_count, slots.free.unit_count)):
        if claimed.is_used(unit) and not slots.free.is_used(unit):
            yield Finding(f"unit {unit} of the file is in use but counted as free")
        if slots.free.is_used(unit) and not claimed.is_used(unit):
            yield Finding(f"unit {unit} of the file is counted as used but nothing refers to it")


def _claim(claimed: FreeUnits, first: int, count: int) -> Iterator[Finding]:
    try:
        claimed.claim(first, count)
    except CorruptDatabase as error:
        yield Finding(error.message)


def _tables(slots: PageSlots) -> Iterator[tuple[RelationId, PageTable]]:
    for image in slots.held_images():
        for relation_id, relation in image.relations.items():
            yield relation_id, relation.table
    for relation_id, live in slots.live.items():
        yield relation_id, live.table


# A page of one relation at one place: what several images share is read once.
VerifiedPages = dict[tuple[RelationId, PageId, int], bool]


def check_image(
    store: PageStore,
    image: Image,
    *,
    verified: VerifiedPages,
    look: Callable[[], None],
    relations: Iterable[RelationId] | None = None,
) -> PageCheck:
    """Read every page of an image, or of some of its relations, as the file has it; writers may go on.

    Requires: the image is pinned, or the newest one. `verified` takes what was read, and answers for it the next time. `look` is called
    before each page, and may raise to give up.
    """
    findings = []
    pages_checked = 0
    for relation_id in image.relations if relations is None else relations:
        relation = image.relations.get(relation_id)
        if relation is None:
            continue
        for page_id in map(PageId, range(relation.table.page_count)):
            location, expected = relation.table.entry(page_id)
            if not location:
                continue
            look()
            pages_checked += 1
            key = relation_id, page_id, location
            if key not in verified:
                try:
                    verified[key] = store.slots.read_page(location, expected) is not None
                except IoError as error:
                    verified[key] = False
                    findings.append(Finding(error.message, relation_id, page_id))
                    continue
            if not verified[key]:
                damage = store.slots.corrupt_page(relation_id, page_id, location)
                findings.append(Finding(damage.message, relation_id, page_id))
    return PageCheck(pages_checked, tuple(findings))
