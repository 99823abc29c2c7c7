"""A table with its pages, log and transactions in memory, for the tests of rows and tables."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from lungfish import errors
from lungfish.storage.btree import BTree
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import ManualClock
from lungfish.storage.fence import Fence
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, PageId, RelationId, TransactionId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.keys import KeyCodec
from lungfish.storage.log import NoLog
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.overflow import Overflow
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import RelationPages
from lungfish.storage.rows import RowLayout
from lungfish.storage.table import LockStatus, TableIndex, TableStore, UniqueConflict
from lungfish.storage.table_build import check_heap, check_index
from lungfish.storage.table_rows import purge_undo_list
from lungfish.storage.transactions import Transaction, TransactionManager
from lungfish.types.sql_type import SqlType


class LoggedRow(NamedTuple):
    """What `RecordingLog` keeps of one change."""

    transaction_id: int
    address: TupleId
    before: bytes | None
    after: bytes | None


class RecordingLog(NoLog):
    """A log in memory that can be read again. The LSN of a record is its number."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[LoggedRow] = []
        self.committed: set[int] = set()

    def append_row(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        self.records.append(LoggedRow(transaction_id, address, before, after))
        return self.end_lsn()

    def append_rows(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        addresses: Sequence[TupleId],
        after: Sequence[bytes],
    ) -> LSN:
        for address, row in zip(addresses, after, strict=True):
            self.records.append(LoggedRow(transaction_id, address, None, row))
        return self.end_lsn()

    def append_commit(self, transaction_id: TransactionId, first_lsn: LSN) -> LSN:
        self.committed.add(transaction_id)
        return self.end_lsn()

    def append_abort(self, transaction_id: TransactionId) -> LSN:
        return self.end_lsn()

    def end_lsn(self) -> LSN:
        return LSN(len(self.records))


HEAP, OVERFLOW, FIRST_INDEX = RelationId(10), RelationId(11), RelationId(12)


class World:
    """The parts that `database.py` wires together in earnest."""

    def __init__(self, *, page_size: int = 4096, budget_bytes: int = 64 * 1024 * 1024) -> None:
        self.page_size = page_size
        self.budget_bytes = budget_bytes
        clock = ManualClock()
        self.store = PageStore.create(
            MemoryDisk(), "w.db", page_size_bytes=page_size, uuid=uuid.UUID(int=1), clock=clock
        )
        self.pool = BufferPool(self.store, budget_bytes)
        self.log = RecordingLog()
        self.fence = Fence()
        self.transactions = TransactionManager(self.log, self.fence, clock)
        self.transactions.purge_queue.hooks.append(purge_undo_list)

    def heap(self, types: Sequence[SqlType]) -> Heap:
        """An empty heap."""
        pages = self.pool.create_relation(HEAP, RelationKind.HEAP)
        overflow = self.pool.create_relation(OVERFLOW, RelationKind.OVERFLOW)
        return Heap(pages, Overflow(overflow, self.page_size), RowLayout(types), self.page_size)

    def table(self, types: Sequence[SqlType], *index_columns: Any) -> TableStore:
        """An empty table with an index for each tuple of positions; ("unique", ...) makes it unique."""
        heap = self.heap(types)
        indexes = [
            self.index(types, columns, RelationId(FIRST_INDEX + number))
            for number, columns in enumerate(index_columns)
        ]
        return TableStore(heap, indexes, self.transactions, name="t", trim=self.pool.trim)

    def index(
        self, types: Sequence[SqlType], columns: tuple[Any, ...], relation_id: RelationId
    ) -> TableIndex:
        """An empty index."""
        is_unique = columns[0] == "unique"
        positions: tuple[int, ...] = columns[1:] if is_unique else columns
        pages = self.pool.create_relation(relation_id, RelationKind.INDEX)
        codec = KeyCodec([types[position] for position in positions])
        return TableIndex(
            BTree.create(pages, codec, LSN(1)),
            tuple_getter(positions),
            is_unique=is_unique,
            positions=positions,
        )

    def pages_of(self, relation_id: RelationId) -> list[bytes]:
        """A copy of a relation's pages."""
        pages = self.pool.open_relation(relation_id)
        self.load_all(pages)
        copies = [bytes(pages.frames[PageId(each)].data) for each in range(pages.page_count)]
        self.shrink()
        return copies

    def set_pages(self, relation_id: RelationId, copies: list[bytes]) -> None:
        """Make a relation's pages what another world's were."""
        pages = self.pool.open_relation(relation_id)
        with pages.latch:
            for page_id, copy in enumerate(copies):
                if page_id == pages.page_count:
                    pages.allocate()
                frame = pages.fetch(PageId(page_id))
                pages.writable(frame, LSN(1))[:] = copy
                frame.cache = None

    def evict_everything(self) -> None:
        """Write all pages and take them out of memory."""
        self.pool.set_budget(0)
        self.pool._frame_limit = 0
        for _ in range(4):
            self.pool.trim()
        self.pool.set_budget(self.budget_bytes)

    def load_all(self, *relations: RelationPages) -> None:
        """Bring every page of some relations into memory and keep them there until `shrink`."""
        self.pool.set_budget(1 << 30)
        for pages in relations:
            for page_id in range(pages.page_count):
                if page_id not in pages.frames:
                    pages.load(PageId(page_id))

    def shrink(self) -> None:
        """Go back to the budget."""
        self.pool.set_budget(self.budget_bytes)
        self.pool.trim()


def tuple_getter(positions: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """itemgetter that always answers a tuple."""
    if len(positions) == 1:
        position = positions[0]
        return lambda values: (values[position],)
    return itemgetter(*positions)


def begin(world: World, *, timeout_s: float | None = 0, **options: Any) -> Transaction:
    owner = world.transactions.locks.new_owner(timeout_s=timeout_s)
    return world.transactions.begin(lock_owner=owner, **options)


def committed_rows(world: World, table: TableStore, rows: list[tuple[Any, ...]]) -> list[TupleId]:
    transaction = begin(world)
    addresses = table.insert_many(transaction, rows)
    transaction.commit()
    return addresses


def contents(world: World, table: TableStore) -> list[tuple[Any, ...]]:
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    rows = [
        row
        for batch in table.scan(snapshot)
        for row in zip(*[column.to_pylist() for column in batch.columns], strict=True)
    ]
    transaction.commit()
    for index in table.indexes:
        check_index(table.rows, index)
    assert check_heap(table.rows) == len(rows)
    return sorted(rows, key=repr)


def lock(
    table: TableStore, transaction: Transaction, address: TupleId, **options: Any
) -> LockStatus:
    return table.lock(transaction, transaction.statement_snapshot(), address, **options).status


class Waiter:
    """Something done in another thread, that is known to wait for a lock."""

    def __init__(self, world: World, action: Callable[[], Any]) -> None:
        self.result: Any = None
        self.thread = threading.Thread(target=self.run, args=(action,))
        self.thread.start()
        while not world.transactions.locks.waiting_count and self.thread.is_alive():
            self.thread.join(0.0005)
        assert self.thread.is_alive(), f"it did not wait: {self.result}"

    def run(self, action: Callable[[], Any]) -> None:
        try:
            self.result = action()
        except (errors.Error, UniqueConflict) as error:
            self.result = error

    def finish(self) -> Any:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.result
