"""A buffer pool with one relation, whose steps a test takes one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from lungfish.storage.buffer_pool import FRAME_COUNT_MIN, BufferPool
from lungfish.storage.crash_state import Operation, OperationKind
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import Frame, PageMiss
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PAGE_SIZE = 4096
TABLE = RelationId(1)


class World:
    """A pool of the fewest frames, with one relation."""

    def __init__(self) -> None:
        self.disk = SimulatedDisk()
        self.store = PageStore.create(
            self.disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=uuid.UUID(int=1)
        )
        self.pool = BufferPool(self.store, 0)
        self.pages = self.pool.create_relation(TABLE, RelationKind.HEAP)
        self.lsn = 0

    def allocate(self, value: int) -> int:
        with self.pages.latch:
            frame = self.pages.allocate()
            self._change(frame, value)
            return frame.page_id

    def put(self, page: int, value: int) -> None:
        self.with_frame(page, lambda frame: self._change(frame, value))

    def get(self, page: int) -> int:
        found: list[int] = []
        self.with_frame(page, lambda frame: found.append(frame.data[0]))
        return found[0]

    def with_frame(self, page: int, use: Callable[[Frame], None]) -> None:
        while True:
            try:
                with self.pages.latch:
                    use(self.pages.fetch(PageId(page)))
                return
            except PageMiss as miss:
                miss.load()

    def fill(self, count: int = 2 * FRAME_COUNT_MIN) -> None:
        """Allocate so much that everything older is evicted."""
        for _ in range(count):
            self.allocate(255)
        self.pool.trim()
        self.pool.trim()

    def is_resident(self, page: int) -> bool:
        return PageId(page) in self.pages.frames

    def checkpoint(self) -> dict[int, int]:
        """Run a whole checkpoint; answers the image's pages."""
        frozen = self.pool.freeze()
        for page in frozen:
            frozen.write(page)
        frozen.publish()
        return self.image()

    def image(self) -> dict[int, int]:
        image = self.store.image
        count = image.relations[TABLE].page_count
        return {
            page: self.store.at_image(image).read(TABLE, PageId(page))[0] for page in range(count)
        }

    def during_write_of(self, value: int, act: Callable[[], None]) -> None:
        """Let `act` happen while the next page with this first byte is being written."""

        def hook(operation: Operation) -> Fault | None:
            if operation.kind is OperationKind.WRITE and operation.data[:1] == bytes([value]):
                self.disk.before_operation = None
                act()
            return None

        self.disk.before_operation = hook

    def _change(self, frame: Frame, value: int) -> None:
        self.lsn += 1
        self.pages.writable(frame, LSN(self.lsn))[0] = value
