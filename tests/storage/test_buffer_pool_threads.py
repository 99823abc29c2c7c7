"""The buffer pool under real threads: writers, readers and a checkpoint at once, in a few frames.

Each page counts how often it was changed, in its first and in its last bytes; a model counts along, under the same latch. While
the fence is closed the model is copied: that is what the image must have.
"""

from __future__ import annotations

import random
import sys
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest

from lungfish.storage.buffer_pool import FRAME_COUNT_MIN, BufferPool
from lungfish.storage.check import check_pages
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import Frame, PageMiss, RelationPages

PAGE_SIZE = 4096
PAGE_COUNT = 3 * FRAME_COUNT_MIN
CHANGES_PER_WRITER = 2000


@pytest.fixture(autouse=True)
def switching_often() -> Iterator[None]:
    """Let threads interleave far more often than they would."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Workload:
    """Two relations of pages that count their changes."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.store = PageStore.create(
            self.disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=uuid.UUID(int=1)
        )
        self.pool = BufferPool(self.store, 0)
        self.fence = Fence()
        self.counts: dict[tuple[int, int], int] = {}
        self.is_over = threading.Event()
        self.errors: list[BaseException] = []
        self.pages = {
            number: self.pool.create_relation(RelationId(number), RelationKind.HEAP)
            for number in (1, 2)
        }
        for number, pages in self.pages.items():
            for _ in range(PAGE_COUNT):
                with pages.latch:
                    frame = pages.allocate()
                    pages.writable(frame, LSN(1))
                    self.counts[number, frame.page_id] = 0
                self.pool.trim()

    def write(self, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(CHANGES_PER_WRITER):
            number, page = chance.randrange(1, 3), chance.randrange(PAGE_COUNT)
            self.operate(number, page, self.increment, is_writer=True)

    def read(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.is_over.is_set():
            number, page = chance.randrange(1, 3), chance.randrange(PAGE_COUNT)
            self.operate(number, page, self.verify, is_writer=False)

    def operate(
        self,
        number: int,
        page: int,
        act: Callable[[RelationPages, Frame], None],
        *,
        is_writer: bool,
    ) -> None:
        pages = self.pages[number]
        while True:
            try:
                if is_writer:
                    with self.fence, pages.latch:
                        act(pages, pages.fetch(PageId(page)))
                else:
                    with pages.latch:
                        act(pages, pages.fetch(PageId(page)))
                break
            except PageMiss as miss:
                miss.load()
        self.pool.trim()

    def increment(self, pages: RelationPages, frame: Frame) -> None:
        self.verify(pages, frame)
        key = pages.relation_id, frame.page_id
        data = pages.writable(frame, LSN(1 + self.counts[key]))
        self.counts[key] += 1
        data[:8] = data[-8:] = self.counts[key].to_bytes(8, "little")

    def verify(self, pages: RelationPages, frame: Frame) -> None:
        data = frame.data
        assert data[:8] == data[-8:]
        assert int.from_bytes(data[:8], "little") == self.counts[pages.relation_id, frame.page_id]

    def checkpoint(self, chance: random.Random) -> None:
        assert self.fence.close(10)
        expected = dict(self.counts)
        frozen = self.pool.freeze()
        self.fence.open()
        is_aborted = chance.random() < 0.3
        for page in frozen:
            if is_aborted and chance.random() < 0.1:
                break
            frozen.write(page)
        if is_aborted:
            frozen.abort()
            return
        frozen.publish()
        image = self.store.image
        for (number, page), count in expected.items():
            data = self.store.at_image(image).read(RelationId(number), PageId(page))
            assert data[:8] == data[-8:]
            assert int.from_bytes(data[:8], "little") == count

    def run(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self.errors.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_writers_readers_evictions_and_checkpoints_agree(seed: int) -> None:
    load = Workload()
    writers = [load.run(lambda each=each: load.write(seed * 100 + each)) for each in range(4)]  # type: ignore[misc]
    readers = [load.run(lambda each=each: load.read(seed * 100 + each)) for each in range(2)]  # type: ignore[misc]
    chance = random.Random(seed)
    while any(writer.is_alive() for writer in writers):
        load.checkpoint(chance)
    load.is_over.set()
    for thread in writers + readers:
        thread.join(60)
        assert not thread.is_alive()
    assert load.errors == []
    assert sum(load.counts.values()) == 4 * CHANGES_PER_WRITER
    for number, page in load.counts:
        load.operate(number, page, load.verify, is_writer=False)
    load.checkpoint(random.Random(2))
    assert check_pages(load.store).findings == ()
    assert load.pool.figures().early_writes > 0
