"""A crash after every single operation of one run of the page store, under every persistence."""

from __future__ import annotations

import random
import uuid

import pytest

from lungfish.errors import UndefinedFile
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Persistence
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.simulated_disk import SimulatedDisk

PAGE_SIZE = 4096 * 2
IDENTITY = uuid.UUID(int=9)
TABLE = RelationId(1)
SEEDS = {
    Persistence.SYNCED: 1,
    Persistence.EVERYTHING: 1,
    Persistence.RANDOM: 4,
    Persistence.PREFIX: 2,
    Persistence.TORN: 4,
    Persistence.REORDERED: 4,
    Persistence.LOST_NAMES: 1,
}
Pages = dict[int, bytes]


class Run:
    """Checkpoints with early writes between and within, an aborted one, a table past the inline limit that shrinks."""

    def __init__(self) -> None:
        self.disk = SimulatedDisk()
        self.chance = random.Random(1)
        self.disk.make_directory("data")
        self.disk.sync_directory(".")
        self.store = PageStore.create(
            self.disk, "data/a.db", page_size_bytes=PAGE_SIZE, uuid=IDENTITY
        )
        # What each image holds, when its publishing began, and when it was acknowledged.
        self.images: dict[int, Pages] = {1: {}}
        self.began_at = {1: 0}
        self.done_at = {1: self.disk.operation_count}
        self.pages: Pages = {}
        self.store.create_relation(TABLE, RelationKind.HEAP)
        for checkpoint in range(8):
            self.write_early(12, below=[8, 80, 300][checkpoint % 3])
            self.checkpoint(is_aborted=checkpoint == 4)
        self.store.close()

    def content(self) -> bytes:
        return self.chance.randbytes(4096) + bytes(4096)

    def write_early(self, count: int, *, below: int) -> None:
        for _ in range(count):
            page = self.chance.randrange(below)
            self.pages[page] = self.content()
            self.store.write(TABLE, PageId(page), self.pages[page])

    def checkpoint(self, *, is_aborted: bool) -> None:
        builder = self.store.freeze()
        image = dict(self.pages)
        for page in (1, 2, 3):
            image[page] = self.pages[page] = self.content()
            builder.write(TABLE, PageId(page), image[page])
        self.write_early(3, below=8)
        if is_aborted:
            builder.abort()
            return
        builder.set_relation(TABLE, mark_lsn=LSN(1))
        builder.set_payload(b"checkpoint %d" % builder.generation)
        self.images[builder.generation] = image
        self.began_at[builder.generation] = self.disk.operation_count
        builder.publish()
        self.done_at[builder.generation] = self.disk.operation_count


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


@pytest.mark.slow
@pytest.mark.parametrize("persistence", list(Persistence), ids=lambda each: each.name)
def test_every_crash_leaves_the_last_image_or_the_one_being_published_whole(
    run: Run, persistence: Persistence
) -> None:
    for moment in range(run.disk.operation_count + 1):
        for seed in range(SEEDS[persistence]):
            state = run.disk.crash_state(moment, persistence, seed)
            check_state(run, state, moment)


def check_state(run: Run, disk: SimulatedDisk, moment: int) -> None:
    acknowledged = max((each for each, at in run.done_at.items() if at <= moment), default=-1)
    if not PageStore.exists(disk, "data/a.db"):
        assert acknowledged < 0
        return
    store = PageStore.open(disk, "data/a.db")
    assert store.generation >= acknowledged
    assert run.began_at.get(store.generation, 0) <= moment
    assert not store.fallback_used
    assert store.damage == ()
    expected = run.images.get(store.generation, {})
    for page, content in expected.items():
        assert store.read(TABLE, PageId(page)) == content
    assert check_pages(store).findings == ()
    store.abandon()


def test_a_database_whose_making_was_cut_short_can_be_made_again(run: Run) -> None:
    for moment in range(run.done_at[1] + 1):
        for persistence in Persistence:
            state = run.disk.crash_state(moment, persistence, 0)
            if not state.exists("data"):
                continue
            if not PageStore.exists(state, "data/a.db"):
                PageStore.create(state, "data/a.db", uuid=IDENTITY).close()
            store = PageStore.open(state, "data/a.db")
            assert store.relations() == []
            store.close()


def test_an_image_survives_crashes_while_the_next_one_is_written_over_and_over(run: Run) -> None:
    """Each crash is followed by work that reuses what the crash left free: the image must not be hit."""
    disk = run.disk
    chance = random.Random(5)
    expected = run.images[max(run.images)]
    for seed in range(12):
        store = PageStore.open(disk, "data/a.db")
        builder = store.freeze()
        for page in range(0, 40, 2):
            builder.write(TABLE, PageId(page), chance.randbytes(PAGE_SIZE))
        if seed % 3 == 0:
            store.write(TABLE, PageId(1), chance.randbytes(PAGE_SIZE))
        store.abandon()
        disk = disk.crash_state(disk.operation_count, Persistence.RANDOM, seed)
        check = PageStore.open(disk, "data/a.db")
        for page, content in expected.items():
            assert check.read(TABLE, PageId(page)) == content
        assert check_pages(check).findings == ()
        check.abandon()


def test_without_its_directory_synced_a_file_may_be_missing() -> None:
    """The drill itself: a file whose name nobody made durable is lost under `SYNCED`."""
    disk = SimulatedDisk()
    disk.open("a.db", create=True).sync()
    with pytest.raises(UndefinedFile):
        disk.crash_state(disk.operation_count, Persistence.SYNCED).open("a.db")
