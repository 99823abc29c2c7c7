"""A page store with one relation, its pages and where they lie."""

from __future__ import annotations

import uuid

from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import PublishReport
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.page_table import UNIT_SIZE, unpack_location
from lungfish.storage.simulated_disk import SimulatedDisk

PAGE_SIZE = 4 * UNIT_SIZE
IDENTITY = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
TABLE = RelationId(1)


def new_store(disk: MemoryDisk | SimulatedDisk) -> PageStore:
    store = PageStore.create(disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=IDENTITY)
    store.create_relation(TABLE, RelationKind.HEAP)
    return store


def page(value: int) -> bytes:
    return bytes([value]) * PAGE_SIZE


def publish(store: PageStore, pages: dict[int, bytes] | None = None) -> PublishReport:
    builder = store.freeze()
    for number, data in (pages or {}).items():
        builder.write(TABLE, PageId(number), data)
    return builder.publish()


def flip(disk: MemoryDisk | SimulatedDisk, offset: int) -> None:
    """Change one bit of the file."""
    file = disk.open("a.db")
    byte = file.read_at(offset, 1)
    file.write_at(offset, bytes([byte[0] ^ 1]))
    file.close()


def offset_of(store: PageStore, number: int) -> int:
    location = store.slots.live[TABLE].table.location(PageId(number))
    return unpack_location(location).first_unit * UNIT_SIZE
