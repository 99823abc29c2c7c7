"""The page store on disks that are full or fail, and after mistakes of our own."""

from __future__ import annotations

import pytest

from lungfish.errors import (
    DiskFull,
    InternalError,
    IoError,
)
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.simulated_disk import Fault, SimulatedDisk
from tests.storage.page_store_tools import (
    PAGE_SIZE,
    TABLE,
    new_store,
    page,
    publish,
)


def fail(
    disk: SimulatedDisk,
    kind: OperationKind,
    error: Exception,
    *,
    nth: int = 1,
    loses_unsynced: bool = True,
) -> None:
    """Let the nth operation of a kind fail, and the ones after it succeed."""
    seen = []

    def hook(operation: Operation) -> Fault | None:
        if operation.kind is kind:
            seen.append(operation)
            if len(seen) == nth:
                return Fault(error, loses_unsynced=loses_unsynced)
        return None

    disk.before_operation = hook


def test_a_full_disk_fails_an_early_write_and_leaves_the_page_as_it_was() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    store.write(TABLE, PageId(0), page(1))
    disk.capacity_bytes = 0
    with pytest.raises(DiskFull):
        store.write(TABLE, PageId(0), page(2))
    assert store.read(TABLE, PageId(0)) == page(1)
    disk.capacity_bytes = None
    store.write(TABLE, PageId(0), page(3))
    assert store.read(TABLE, PageId(0)) == page(3)
    assert check_pages(store).findings == ()


@pytest.mark.parametrize("nth", [1, 2])
def test_a_full_disk_fails_a_publish_that_can_be_done_again_once_there_is_room(nth: int) -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(100), page(1))
    # The first write is of the page table, the second one of the manifest.
    fail(disk, OperationKind.WRITE, DiskFull("no room"), nth=nth)
    with pytest.raises(DiskFull):
        builder.publish()
    assert store.generation == 1
    builder.write(TABLE, PageId(0), page(2))
    builder.publish()
    assert store.generation == 2
    assert check_pages(store).findings == ()


def test_a_full_disk_fails_a_publish_that_can_be_given_up() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(1))
    fail(disk, OperationKind.WRITE, DiskFull("no room"))
    with pytest.raises(DiskFull):
        builder.publish()
    builder.abort()
    assert store.read(TABLE, PageId(0)) == page(1)
    assert check_pages(store).findings == ()


@pytest.mark.parametrize("nth", [1, 2])
def test_after_a_failed_sync_nothing_is_written_any_more(nth: int) -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    publish(store, {0: page(1)})
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(2))
    fail(disk, OperationKind.SYNC, IoError("EIO"), nth=nth)
    with pytest.raises(IoError, match="EIO"):
        builder.publish()
    builder.abort()
    count = disk.operation_count
    with pytest.raises(IoError, match="since a sync failed"):
        store.write(TABLE, PageId(0), page(3))
    with pytest.raises(IoError, match="since a sync failed"):
        store.freeze()
    assert disk.operation_count == count
    disk.before_operation = None
    store.abandon()
    for persistence in Persistence:
        state = disk.crash_state(disk.operation_count, persistence)
        reopened = PageStore.open(state, "a.db")
        expected = page(1) if reopened.generation == 2 else page(2)
        assert reopened.read(TABLE, PageId(0)) == expected
        assert check_pages(reopened).findings == ()


def test_closing_after_a_failed_sync_leaves_the_file_as_it_is() -> None:
    """The superblock may be on the disk although its sync failed: then its image must be whole."""
    disk = SimulatedDisk()
    store = new_store(disk)
    # Leaves a hole for the next manifest, so that the file ends with pages.
    publish(store)
    builder = store.freeze()
    for number in range(20):
        builder.write(TABLE, PageId(number), page(1))
    fail(disk, OperationKind.SYNC, IoError("EIO"), nth=2, loses_unsynced=False)
    with pytest.raises(IoError, match="EIO"):
        builder.publish()
    builder.abort()
    store.drop_relation(TABLE)
    store.close()
    disk.before_operation = None
    reopened = PageStore.open(disk, "a.db")
    assert reopened.generation == 3
    assert reopened.read(TABLE, PageId(19)) == page(1)
    assert check_pages(reopened).findings == ()


def test_a_write_that_fails_on_the_superblock_poisons_too() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    builder = store.freeze()
    fail(disk, OperationKind.WRITE, IoError("EIO"), nth=2)
    with pytest.raises(IoError):
        builder.publish()
    with pytest.raises(IoError, match="since a sync failed"):
        store.write(TABLE, PageId(0), page(1))


@pytest.mark.parametrize("applied_size", [0, 100, 511])
def test_a_superblock_that_finds_no_room_is_not_published_and_poisons_nothing(
    applied_size: int,
) -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    publish(store, {0: page(1)})
    used = store.usage().used_bytes
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(2))
    writes = iter((None, Fault(DiskFull("no space"), applied_size=applied_size)))
    disk.before_operation = lambda operation: (
        next(writes, None) if operation.kind is OperationKind.WRITE else None
    )
    with pytest.raises(DiskFull, match="no space"):
        builder.publish()
    disk.before_operation = None
    for persistence in Persistence:
        reopened = PageStore.open(disk.crash_state(disk.operation_count, persistence), "a.db")
        assert reopened.read(TABLE, PageId(0)) == page(1)
        # At most that the older superblock is torn.
        assert all("superblock" in each.message for each in check_pages(reopened).findings)
    # The same image can be published once there is room, or given up.
    if applied_size:
        builder.publish()
    builder.abort()
    assert store.read(TABLE, PageId(0)) == page(2)
    publish(store, {0: page(3)})
    publish(store, {0: page(4)})
    assert store.usage().used_bytes <= used + 2 * PAGE_SIZE
    store.close()
    reopened = PageStore.open(disk, "a.db")
    assert reopened.read(TABLE, PageId(0)) == page(4)
    assert check_pages(reopened).findings == ()


def test_a_superblock_that_was_written_although_there_was_no_room_is_published() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    builder = store.freeze()
    builder.write(TABLE, PageId(0), page(2))
    writes = iter((None, Fault(DiskFull("no space"), applied_size=512)))
    disk.before_operation = lambda operation: (
        next(writes, None) if operation.kind is OperationKind.WRITE else None
    )
    builder.publish()
    disk.before_operation = None
    assert PageStore.open(disk, "a.db").read(TABLE, PageId(0)) == page(2)


def test_a_short_write_leaves_nothing_behind() -> None:
    disk = SimulatedDisk()
    store = new_store(disk)
    store.write(TABLE, PageId(0), page(1))
    disk.before_operation = lambda operation: (
        Fault(IoError("short"), applied_size=700) if operation.kind is OperationKind.WRITE else None
    )
    with pytest.raises(IoError):
        store.write(TABLE, PageId(0), page(2))
    disk.before_operation = None
    assert store.read(TABLE, PageId(0)) == page(1)
    assert check_pages(store).findings == ()


def test_unknown_relations_are_our_own_mistake() -> None:
    store = new_store(MemoryDisk())
    for use in (
        lambda: store.read(RelationId(5), PageId(0)),
        lambda: store.drop_relation(RelationId(5)),
        lambda: store.create_relation(TABLE, RelationKind.HEAP),
        lambda: store.freeze().set_relation(RelationId(5), mark_lsn=LSN(0)),
    ):
        with pytest.raises(InternalError):
            use()
