"""Whatever happens to the bytes of the file: a typed error, or the content of an image that was published. Never anything else."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

import pytest

from lungfish.errors import CorruptDatabase, Error
from lungfish.storage.check import check_pages
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.page_table import UNIT_SIZE

PAGE_SIZE = 2 * UNIT_SIZE
TABLE, SMALL = RelationId(1), RelationId(2)
Damage = Callable[[bytearray, random.Random], None]
Pages = dict[tuple[RelationId, int], bytes]


def published() -> tuple[bytes, dict[int, Pages]]:
    """A file with two images, and what each has; one relation's page table has units of its own."""
    disk, chance = MemoryDisk(), random.Random(1)
    store = PageStore.create(disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=uuid.UUID(int=1))
    store.create_relation(TABLE, RelationKind.HEAP)
    store.create_relation(SMALL, RelationKind.INDEX)
    images: dict[int, Pages] = {}
    pages: Pages = {}
    for generation in (2, 3):
        builder = store.freeze()
        for number in range(generation, 90, generation):
            pages[TABLE, number] = chance.randbytes(UNIT_SIZE) + bytes(UNIT_SIZE)
            builder.write(TABLE, PageId(number), pages[TABLE, number])
        pages[SMALL, 0] = bytes(UNIT_SIZE) + chance.randbytes(UNIT_SIZE)
        builder.write(SMALL, PageId(0), pages[SMALL, 0])
        builder.set_payload(b"facts of %d" % generation)
        builder.publish()
        images[generation] = dict(pages)
    store.close()
    file = disk.open("a.db")
    return file.read_at(0, file.size()), images


FILE, IMAGES = published()


def flip_a_bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_a_bit_of_the_head(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(2) * UNIT_SIZE + chance.randrange(88)] ^= 1 << chance.randrange(8)


def zero_a_sector(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) // 512) * 512
    data[at : at + 512] = bytes(512)


def misdirect_a_unit(data: bytearray, chance: random.Random) -> None:
    source, target = (chance.randrange(len(data) // UNIT_SIZE) * UNIT_SIZE for _ in range(2))
    data[target : target + UNIT_SIZE] = data[source : source + UNIT_SIZE]


def scramble_a_run(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    size = min(chance.randrange(1, 9000), len(data) - at)
    data[at : at + size] = chance.randbytes(size)


def cut_off_the_end(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        flip_a_bit_of_the_head,
        zero_a_sector,
        misdirect_a_unit,
        scramble_a_run,
        cut_off_the_end,
    ],
)
def test_damage_is_a_typed_error_or_an_image_that_was_published(damage: Damage) -> None:
    outcomes = set()
    for seed in range(150):
        data = bytearray(FILE)
        damage(data, random.Random(seed))
        outcomes.add(outcome_of(bytes(data)))
    assert outcomes & {"refused", "fallback", "a damaged page"}


def outcome_of(data: bytes) -> str:
    disk = MemoryDisk()
    disk.open("a.db", create=True).write_at(0, data)
    try:
        store = PageStore.open(disk, "a.db")
    except Error:
        return "refused"
    assert store.fallback_used or store.generation == 3
    assert store.image.payload == b"facts of %d" % store.generation
    outcome = "fallback" if store.fallback_used else "whole"
    bad_pages = set()
    for key, content in IMAGES[store.generation].items():
        try:
            assert store.read(key[0], PageId(key[1])) == content
        except CorruptDatabase:
            bad_pages.add(key)
    found = check_pages(store)
    assert bad_pages <= {(each.relation_id, each.page_id) for each in found.findings}
    assert not store.damage or found.findings
    store.abandon()
    return "a damaged page" if bad_pages else outcome
