"""The buffer pool against a model: the newest bytes of each page, the bytes at the freeze, the images published, crashes."""

from __future__ import annotations

import uuid

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from lungfish.errors import IoError
from lungfish.storage.buffer_pool import FRAME_COUNT_MIN, BufferPool
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.frozen_pages import FrozenPages
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import PageMiss, RelationPages
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PAGE_SIZE = 2 * 4096
IDENTITY = uuid.UUID(int=7)
# Each page as a number in its first bytes and the same in its last ones.
Values = dict[tuple[int, int], int]

relation_numbers = st.sampled_from([1, 2])
values = st.integers(1, 1 << 30)
seeds = st.integers(0, 1_000_000)


def put(page: bytearray, value: int) -> None:
    page[:8] = page[-8:] = value.to_bytes(8, "little")


def value_of(page: bytearray) -> int:
    assert page[:8] == page[-8:]
    return int.from_bytes(page[:8], "little")


def fetch_value(pages: RelationPages, page: int) -> int:
    while True:
        try:
            with pages.latch:
                return value_of(pages.fetch(PageId(page)).data)
        except PageMiss as miss:
            miss.load()


class BufferPoolMachine(RuleBasedStateMachine):
    """A pool of the fewest frames possible, so that nearly every step evicts."""

    @initialize()
    def create(self) -> None:
        self.disk = SimulatedDisk()
        self.store = PageStore.create(self.disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=IDENTITY)
        self.pool = BufferPool(self.store, 0)
        self.pages = {
            number: self.pool.create_relation(RelationId(number), RelationKind.HEAP)
            for number in (1, 2)
        }
        self.lsn = 0
        self.newest: Values = {}
        self.frozen: FrozenPages | None = None
        self.at_freeze: Values = {}
        # By generation; and what a crash must not go behind.
        self.published: dict[int, Values] = {1: {}}
        self.done_at = {1: self.disk.operation_count}

    @rule(number=relation_numbers, count=st.integers(1, FRAME_COUNT_MIN), value=values)
    def allocate(self, number: int, count: int, value: int) -> None:
        pages = self.pages[number]
        for each in range(count):
            with pages.latch:
                frame = pages.allocate()
                self.lsn += 1
                put(pages.writable(frame, LSN(self.lsn)), value + each)
                self.newest[number, frame.page_id] = value + each
        self.pool.trim()

    @precondition(lambda self: self.newest)
    @rule(data=st.data(), value=values, trims=st.booleans())
    def change(self, data: st.DataObject, value: int, trims: bool) -> None:
        number, page = data.draw(st.sampled_from(sorted(self.newest)))
        pages = self.pages[number]
        while True:
            try:
                with pages.latch:
                    frame = pages.fetch(PageId(page))
                    before = frame.data
                    self.lsn += 1
                    put(pages.writable(frame, LSN(self.lsn)), value)
                    assert frame.data is before or value_of(before) == self.newest[number, page]
                break
            except PageMiss as miss:
                miss.load()
        self.newest[number, page] = value
        if trims:
            self.pool.trim()

    @precondition(lambda self: self.newest)
    @rule(data=st.data(), count=st.integers(1, 2 * FRAME_COUNT_MIN))
    def read_some(self, data: st.DataObject, count: int) -> None:
        keys = sorted(self.newest)
        start = data.draw(st.integers(0, len(keys) - 1))
        for number, page in keys[start : start + count]:
            assert fetch_value(self.pages[number], page) == self.newest[number, page]
            self.pool.trim()

    @precondition(lambda self: self.frozen is None)
    @rule()
    def freeze(self) -> None:
        self.frozen = self.pool.freeze()
        self.at_freeze = dict(self.newest)
        assert self.frozen.pages_left == self.frozen.page_count

    @precondition(lambda self: self.frozen is not None)
    @rule(count=st.integers(1, 10))
    def write_some_frozen(self, count: int) -> None:
        assert self.frozen is not None
        for page, _ in zip(self.frozen, range(count), strict=False):
            key = page.relation_id, page.page_id
            assert value_of(page.data) == self.at_freeze[key]
            self.frozen.write(page)

    @precondition(lambda self: self.frozen is not None)
    @rule()
    def publish(self) -> None:
        assert self.frozen is not None
        for page in self.frozen:
            self.frozen.write(page)
        generation = self.frozen.builder.generation
        self.published[generation] = self.at_freeze
        self.frozen.publish()
        self.done_at[generation] = self.disk.operation_count
        self.frozen = None

    @precondition(lambda self: self.frozen is not None)
    @rule()
    def abort(self) -> None:
        assert self.frozen is not None
        self.frozen.abort()
        self.frozen = None

    @rule(count=st.integers(1, FRAME_COUNT_MIN), value=values)
    def grow_on_a_full_disk(self, count: int, value: int) -> None:
        """Early writes fail: memory is exceeded, nothing is lost, and readers notice nothing."""
        self.disk.before_operation = fail_writes
        self.allocate(1, count, value)
        self.disk.before_operation = None

    @rule(share=st.floats(0, 1), persistence=st.sampled_from(Persistence), seed=seeds)
    def crash_then(self, share: float, persistence: Persistence, seed: int) -> None:
        moment = self.done_at[1] + round((self.disk.operation_count - self.done_at[1]) * share)
        state = self.disk.crash_state(moment, persistence, seed)
        store = PageStore.open(state, "a.db")
        oldest = max(each for each, done_at in self.done_at.items() if done_at <= moment)
        assert store.generation >= oldest
        assert not store.fallback_used
        pool = BufferPool(store, 0)
        found = {}
        for number in store.relations():
            pages = pool.open_relation(number)
            for page in range(pages.page_count):
                found[number, page] = fetch_value(pages, page)
        assert found == self.published[store.generation]
        store.abandon()

    @invariant()
    def memory_is_within_its_budget_unless_the_disk_was_full(self) -> None:
        self.pool.trim()
        in_way = self.frozen is not None and self.pool.early_write_error is None
        figures = self.pool.figures()
        assert figures.resident_pages <= FRAME_COUNT_MIN or in_way

    @invariant()
    def no_unit_is_lost_or_used_twice(self) -> None:
        if self.frozen is None:
            assert check_pages(self.store).findings == ()

    def teardown(self) -> None:
        if hasattr(self, "pages"):
            for (number, page), value in self.newest.items():
                assert fetch_value(self.pages[number], page) == value


def fail_writes(operation: Operation) -> Fault | None:
    if operation.kind is OperationKind.WRITE:
        return Fault(IoError("no"), applied_size=512)
    return None


TestBufferPoolMachine = BufferPoolMachine.TestCase
TestBufferPoolMachine.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
