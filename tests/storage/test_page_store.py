"""The page store: wrong and damaged files, images, space."""

from __future__ import annotations

import pytest

from lungfish.errors import (
    CorruptDatabase,
    CorruptPage,
    FeatureNotSupported,
    InternalError,
    InvalidParameterValue,
    UndefinedFile,
    WrongObjectType,
)
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.ids import LSN, PageId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import ImageFinished
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.storage.simulated_disk import Fault, SimulatedDisk
from tests.storage.page_store_tools import (
    IDENTITY,
    PAGE_SIZE,
    TABLE,
    flip,
    new_store,
    offset_of,
    page,
    publish,
)

# --- Files that are no database, or a damaged one ---


def test_a_missing_file_is_not_there() -> None:
    disk = MemoryDisk()
    assert not PageStore.exists(disk, "a.db")
    with pytest.raises(UndefinedFile):
        PageStore.open(disk, "a.db")


@pytest.mark.parametrize("content", [b"name,price\napple,3\n", b"SQLite format 3\0" * 4096, b"x"])
def test_some_other_file_is_told_apart_and_left_alone(content: bytes) -> None:
    disk = MemoryDisk()
    disk.open("a.db", create=True).write_at(0, content)
    assert PageStore.exists(disk, "a.db")
    with pytest.raises(WrongObjectType, match=r'file "a\.db" is not a Lungfish database'):
        PageStore.open(disk, "a.db")
    with pytest.raises(InternalError):
        PageStore.create(disk, "a.db", uuid=IDENTITY)
    assert disk.open("a.db").read_at(0, len(content)) == content


def test_an_empty_file_becomes_a_database() -> None:
    disk = MemoryDisk()
    disk.open("a.db", create=True)
    assert not PageStore.exists(disk, "a.db")
    new_store(disk).close()
    assert PageStore.exists(disk, "a.db")


def test_the_file_begins_with_the_magic() -> None:
    disk = MemoryDisk()
    new_store(disk).close()
    assert disk.open("a.db").read_at(0, 12) == b"Lungfish\r\n\x1a\n"


def test_a_file_of_another_format_version_is_refused() -> None:
    disk = MemoryDisk()
    new_store(disk).close()
    file = disk.open("a.db")
    for unit in (0, 1):
        file.write_at(unit * UNIT_SIZE + 16, (9).to_bytes(4, "little"))
    with pytest.raises(FeatureNotSupported, match="file format 9"):
        PageStore.open(disk, "a.db")


@pytest.mark.parametrize("size", [0, 1000, 2048, 12288, 1 << 20])
def test_an_impossible_page_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidParameterValue):
        PageStore.create(MemoryDisk(), "a.db", page_size_bytes=size, uuid=IDENTITY)


def test_what_the_superblock_says_is_known_after_reopening() -> None:
    disk = MemoryDisk()
    new_store(disk).close()
    store = PageStore.open(disk, "a.db")
    assert (store.uuid, store.page_size_bytes, store.generation) == (IDENTITY, PAGE_SIZE, 1)


def test_a_flipped_bit_in_a_page_raises_corrupt_page_with_its_place() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    publish(store, {0: page(1), 1: page(2)})
    place = offset_of(store, 1)
    flip(disk, place + 100)
    with pytest.raises(CorruptPage, match="page 1 of relation 1") as caught:
        store.read(TABLE, PageId(1))
    assert f"offset {place}" in str(caught.value)
    assert store.read(TABLE, PageId(0)) == page(1)
    assert [finding.page_id for finding in check_pages(store).findings] == [1]


def test_a_page_with_another_pages_content_raises_corrupt_page() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    publish(store, {0: page(1), 1: page(2)})
    file = disk.open("a.db")
    file.write_at(offset_of(store, 1), file.read_at(offset_of(store, 0), PAGE_SIZE))
    with pytest.raises(CorruptPage):
        store.read(TABLE, PageId(1))


def test_a_page_behind_the_end_of_a_cut_file_raises_corrupt_page() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    publish(store, {0: page(1)})
    disk.open("a.db").truncate(offset_of(store, 0) + 5000)
    with pytest.raises(CorruptPage):
        store.read(TABLE, PageId(0))


def two_images(disk: MemoryDisk) -> PageStore:
    """Images 2 and 3; page 100 makes the page table too long to stand in the manifest."""
    store = new_store(disk)
    publish(store, {0: page(2), 100: page(2)})
    publish(store, {0: page(3), 100: page(3)})
    return store


def manifest_offset(store: PageStore) -> int:
    return store.image.manifest.first_unit * UNIT_SIZE


def chunk_offset(store: PageStore) -> int:
    address = store.image.relations[TABLE].table.chunks[0].address
    assert address is not None
    return address.unit * UNIT_SIZE


def superblock_offset(store: PageStore) -> int:
    return store.generation % 2 * UNIT_SIZE


@pytest.mark.parametrize("part", [superblock_offset, manifest_offset, chunk_offset])
def test_damage_to_the_newest_image_falls_back_to_the_one_before_and_says_so(part) -> None:
    disk = MemoryDisk()
    store = two_images(disk)
    flip(disk, part(store) + 50)
    store.abandon()
    store = PageStore.open(disk, "a.db")
    assert store.fallback_used
    assert store.damage
    assert store.generation == 2
    assert store.read(TABLE, PageId(100)) == page(2)
    publish(store, {0: page(4)})
    store.close()
    store = PageStore.open(disk, "a.db")
    assert not store.fallback_used
    assert store.generation == 3
    assert store.read(TABLE, PageId(0)) == page(4)
    assert check_pages(store).findings == ()


def test_damage_to_the_image_before_is_reported_and_no_fallback() -> None:
    disk = MemoryDisk()
    store = two_images(disk)
    flip(disk, store.images[0].manifest.first_unit * UNIT_SIZE)
    store.abandon()
    store = PageStore.open(disk, "a.db")
    assert not store.fallback_used
    assert len(store.damage) == 1
    assert store.generation == 3


def test_a_file_with_no_whole_image_is_corrupt() -> None:
    disk = MemoryDisk()
    store = two_images(disk)
    for image in store.images:
        flip(disk, image.manifest.first_unit * UNIT_SIZE)
    store.abandon()
    with pytest.raises(CorruptDatabase, match="no image"):
        PageStore.open(disk, "a.db")


def test_two_damaged_superblocks_are_corruption_not_a_new_file() -> None:
    disk = MemoryDisk()
    store = two_images(disk)
    flip(disk, 60)
    flip(disk, UNIT_SIZE + 60)
    store.abandon()
    assert PageStore.exists(disk, "a.db")
    with pytest.raises(CorruptDatabase, match="superblock"):
        PageStore.open(disk, "a.db")


# --- Images ---


def test_an_image_has_what_its_checkpoint_gave_it() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(1))
    builder.set_relation(TABLE, mark_lsn=LSN(99), page_count=7, payload=b"of the table")
    builder.set_payload(b"of the checkpoint")
    report = builder.publish()
    assert (report.generation, report.pages_written) == (2, 1)
    assert report.image_bytes == PAGE_SIZE
    store.close()
    image = PageStore.open(disk, "a.db").image
    relation = image.relations[TABLE]
    assert image.payload == b"of the checkpoint"
    assert (relation.kind, relation.page_count, relation.mark_lsn, relation.payload) == (
        RelationKind.HEAP,
        7,
        99,
        b"of the table",
    )


def test_what_was_written_early_is_read_but_forgotten_by_a_crash() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    publish(store, {0: page(1)})
    store.write(TABLE, PageId(0), page(2))
    assert store.read(TABLE, PageId(0)) == page(2)
    assert store.at_image(store.image).read(TABLE, PageId(0)) == page(1)
    crashed = disk.crash_state(disk.operation_count, Persistence.EVERYTHING)
    assert PageStore.open(crashed, "a.db").read(TABLE, PageId(0)) == page(1)


def test_an_early_version_newer_than_the_image_stays_the_newest() -> None:
    store = new_store(MemoryDisk())
    builder = store.freeze()
    store.write(TABLE, PageId(0), page(2))
    builder.write(TABLE, PageId(0), page(1))
    assert store.read(TABLE, PageId(0)) == page(2)
    builder.publish()
    assert store.read(TABLE, PageId(0)) == page(2)
    assert store.at_image(store.image).read(TABLE, PageId(0)) == page(1)


def test_a_newer_version_of_zeros_is_not_mistaken_for_an_unchanged_page() -> None:
    store = new_store(MemoryDisk())
    store.write(TABLE, PageId(0), bytes(PAGE_SIZE))
    builder = store.freeze()
    store.write(TABLE, PageId(0), bytes(PAGE_SIZE))
    builder.write(TABLE, PageId(0), page(1))
    assert store.read(TABLE, PageId(0)) == bytes(PAGE_SIZE)


def test_an_image_that_is_done_with_takes_no_more_pages() -> None:
    store = new_store(MemoryDisk())
    builder = store.freeze()
    builder.publish()
    with pytest.raises(ImageFinished):
        builder.write(TABLE, PageId(0), page(1))
    with pytest.raises(ImageFinished):
        builder.publish()
    builder.abort()
    assert store.generation == 2
    assert check_pages(store).findings == ()


def test_a_page_that_comes_while_the_image_is_published_is_refused() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(1))
    refused = []

    def hook(operation: Operation) -> Fault | None:
        if operation.kind is OperationKind.SYNC and not refused:
            refused.append(True)
            with pytest.raises(ImageFinished):
                builder.write(TABLE, PageId(0), page(1))
        return None

    disk.before_operation = hook
    builder.publish()
    assert refused
    disk.before_operation = None
    assert check_pages(store).findings == ()


def test_a_named_image_is_kept_until_its_name_is_taken_away() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(1))
    builder.set_name("before the release")
    builder.publish()
    for value in range(2, 6):
        publish(store, {0: page(value)})
    store.close()
    store = PageStore.open(disk, "a.db")
    named = store.images[0]
    assert (named.generation, named.name) == (2, "before the release")
    assert store.at_image(named).read(TABLE, PageId(0)) == page(1)
    assert check_pages(store).findings == ()
    store.name_image(2, "")
    publish(store)
    assert [image.generation for image in store.images] == [6, 7]
    assert check_pages(store).findings == ()
    store.close()
    assert [image.generation for image in PageStore.open(disk, "a.db").images] == [6, 7]


def test_a_small_checkpoint_of_a_large_table_writes_little() -> None:
    store = new_store(MemoryDisk())
    publish(store, {number: page(1) for number in range(2000)})
    report = publish(store, {1234: page(2)})
    # The page, its part of the page table, the manifest, the superblock.
    assert report.bytes_written <= PAGE_SIZE + 2 * UNIT_SIZE + 512
    unchanged = publish(store)
    assert unchanged.bytes_written <= UNIT_SIZE + 512


# --- What a page takes ---


@pytest.mark.parametrize(
    ("full", "units"),
    [("....", 0), ("x...", 1), ("...x", 1), ("x..x", 2), (".x..", 2), ("x.xx", 3), ("xxxx", 4)],
)
def test_a_page_takes_no_room_for_its_longest_run_of_empty_units(full: str, units: int) -> None:
    store = new_store(MemoryDisk())
    data = b"".join((b"x" if each == "x" else b"\0") * UNIT_SIZE for each in full)
    before = store.usage().used_bytes
    store.write(TABLE, PageId(0), data)
    assert store.usage().used_bytes - before == units * UNIT_SIZE
    assert store.read(TABLE, PageId(0)) == data


def test_pages_written_one_after_another_lie_one_after_another() -> None:
    store = new_store(MemoryDisk())
    publish(store, {number: page(1) for number in range(20)})
    places = [offset_of(store, number) for number in range(20)]
    assert places == list(range(places[0], places[0] + 20 * PAGE_SIZE, PAGE_SIZE))


def test_early_versions_that_nothing_needs_are_used_again_at_once() -> None:
    store = new_store(MemoryDisk())
    for value in range(100):
        store.write(TABLE, PageId(0), page(value + 1))
    assert store.usage().file_bytes <= 8 * UNIT_SIZE + 2 * PAGE_SIZE


def test_a_table_rewritten_for_ever_takes_a_bounded_file() -> None:
    store = new_store(MemoryDisk())
    for value in range(30):
        publish(store, {number: page(value + 1) for number in range(50)})
    assert store.usage().file_bytes <= 3.5 * 50 * PAGE_SIZE


def test_the_file_shrinks_after_a_large_relation_is_dropped() -> None:
    disk = MemoryDisk()
    store = new_store(disk)
    publish(store, {number: page(1) for number in range(500)})
    full = store.usage().file_bytes
    store.drop_relation(TABLE)
    publish(store)
    publish(store)
    assert store.usage().file_bytes < full / 10
    store.close()
    assert disk.open("a.db").size() == store.slots.free.unit_count * UNIT_SIZE
    assert PageStore.open(disk, "a.db").relations() == []
