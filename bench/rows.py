"""Rows and tables: single-row operations and scans of one table in memory, without SQL and without a log. CPU time.

python bench/rows.py
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lungfish.storage.btree import BTree
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import ManualClock
from lungfish.storage.fence import Fence
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.keys import KeyCodec
from lungfish.storage.log import NoLog
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.overflow import Overflow
from lungfish.storage.page_store import PageStore
from lungfish.storage.rows import RowLayout
from lungfish.storage.table import TableIndex, TableStore
from lungfish.storage.table_rows import purge_undo_list
from lungfish.storage.transactions import TransactionManager
from lungfish.types.sql_type import BIGINT, DATE, DOUBLE, INTEGER, TEXT
from lungfish.types.vectors import build_vector

TYPES = (INTEGER, TEXT, BIGINT, DOUBLE, DATE)
ROW_COUNT = 50_000
PAGE_SIZE = 65_536


def open_table() -> tuple[TransactionManager, TableStore]:
    """An empty table with a unique index on its first column."""
    clock = ManualClock()
    store = PageStore.create(
        MemoryDisk(), "b.db", page_size_bytes=PAGE_SIZE, uuid=uuid.UUID(int=1), clock=clock
    )
    pool = BufferPool(store)
    transactions = TransactionManager(NoLog(), Fence(), clock)
    transactions.purge_queue.hooks.append(purge_undo_list)
    pages = pool.create_relation(RelationId(1), RelationKind.HEAP)
    overflow = Overflow(pool.create_relation(RelationId(2), RelationKind.OVERFLOW), PAGE_SIZE)
    heap = Heap(pages, overflow, RowLayout(TYPES), PAGE_SIZE)
    codec = KeyCodec([INTEGER])
    tree = BTree.create(pool.create_relation(RelationId(3), RelationKind.INDEX), codec, LSN(1))
    index = TableIndex(tree, lambda values: (values[0],), is_unique=True, positions=(0,))
    return transactions, TableStore(heap, [index], transactions, trim=pool.trim)


def row(number: int) -> tuple[int, str, int, float, int]:
    """Five columns; the text is longer than a view."""
    return number, f"customer number {number}", number * 7, number / 3, number % 1000


@contextmanager
def measured(name: str, count: int, unit: str = "us") -> Iterator[None]:
    """Print the time for each of `count` things."""
    start = time.process_time()
    yield
    seconds = (time.process_time() - start) / count
    print(f"{name:<44}{seconds * (1e6 if unit == 'us' else 1e9):>10.2f} {unit}")


def best_of(name: str, count: int, action: Callable[[], object], repeats: int = 5) -> None:
    """Print the best time of several, in nanoseconds for each of `count` things."""
    best = min(_seconds(action) for _ in range(repeats))
    print(f"{name:<44}{best / count * 1e9:>10.2f} ns")


def _seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def bench_codec() -> None:
    """One row to bytes and back."""
    layout = RowLayout(TYPES)
    values = row(12345)
    packed = layout.pack(values, 7)
    best_of("pack a row", 10_000, lambda: [layout.pack(values, 7) for _ in range(10_000)])
    best_of("unpack a row", 10_000, lambda: [layout.unpack(packed) for _ in range(10_000)])


def bench_writes(transactions: TransactionManager, table: TableStore) -> list[TupleId]:
    """Inserts, updates and deletes, each in one transaction."""
    rows = [row(number) for number in range(ROW_COUNT)]
    transaction = transactions.begin()
    with measured("insert, one unique index", ROW_COUNT):
        addresses = [table.insert(transaction, values) for values in rows]
    transaction.commit()
    transaction = transactions.begin()
    snapshot = transaction.statement_snapshot()
    with measured("lock and update, no key changed", ROW_COUNT):
        for address in addresses:
            found = table.lock(transaction, snapshot, address)
            assert found.values is not None
            table.update(transaction, address, (*found.values[:2], 5, 1.0, 2))
    with measured("commit and purge of these, each row", ROW_COUNT):
        transaction.commit()
    transaction = transactions.begin()
    snapshot = transaction.statement_snapshot()
    with measured("update and key change", 10_000):
        for address in addresses[:10_000]:
            found = table.lock(transaction, snapshot, address)
            assert found.values is not None
            table.update(transaction, address, (found.values[0] + 10**6, *found.values[1:]))
    with measured("roll that back", 10_000):
        transaction.rollback()
    more = [row(number + ROW_COUNT) for number in range(ROW_COUNT)]
    columns = [
        build_vector(list(values), sql_type)
        for values, sql_type in zip(zip(*more, strict=True), TYPES, strict=True)
    ]
    transaction = transactions.begin()
    with measured("insert_many, each row", ROW_COUNT):
        table.insert_many(transaction, more)
    with measured("roll that back, each row", ROW_COUNT):
        transaction.rollback()
    transaction = transactions.begin()
    with measured("insert_batch, each row", ROW_COUNT):
        table.insert_batch(transaction, columns, ROW_COUNT)
    transaction.rollback()
    return addresses


def bench_reads(
    transactions: TransactionManager, table: TableStore, addresses: list[TupleId]
) -> None:
    """Point reads and scans."""
    transaction = transactions.begin()
    snapshot = transaction.statement_snapshot()
    with measured("get by TupleId", ROW_COUNT):
        for address in addresses:
            table.get(snapshot, address)
    index = table.indexes[0]
    key_range = index.btree.codec.range
    with measured("lookup by unique key", 10_000):
        for number in range(10_000):
            next(iter(table.index_scan(snapshot, index, key_range((number,)))))
    for name, positions in (
        ("scan 1 fixed column, a row", [0]),
        ("scan 4 fixed columns, a row", [0, 2, 3, 4]),
        ("scan 4 fixed columns and a text, a row", [0, 1, 2, 3, 4]),
    ):
        best_of(name, ROW_COUNT, lambda positions=positions: list(table.scan(snapshot, positions)))
    writer = transactions.begin()
    writing = writer.statement_snapshot()
    for address in addresses[::50]:
        table.lock(writer, writing, address)
        table.delete(writer, address)
    best_of(
        "the same, 2 % of the rows being deleted",
        ROW_COUNT,
        lambda: list(table.scan(snapshot, [0, 1, 2, 3, 4])),
    )
    writer.rollback()


def main() -> int:
    """Run all."""
    bench_codec()
    transactions, table = open_table()
    addresses = bench_writes(transactions, table)
    bench_reads(transactions, table, addresses)
    return 0


if __name__ == "__main__":
    sys.exit(main())
