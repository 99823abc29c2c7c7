"""What the page size costs: one table and its index in pages of several sizes, on the machine's disk.

python bench/pages.py             # 200,000 rows in pages of 16, 32 and 64 KiB
python bench/pages.py --rows 1000000 --sizes 8 16 32 64 128

Figures are the median of several rounds with the sizes in turn. docs/decisions/0002-page-size.md says what follows from them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lungfish.storage.btree import BTree
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import SystemClock
from lungfish.storage.disk import LocalDisk
from lungfish.storage.fence import Fence
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import PublishReport
from lungfish.storage.keys import KeyCodec
from lungfish.storage.log import NoLog
from lungfish.storage.overflow import Overflow
from lungfish.storage.page_store import PageStore
from lungfish.storage.rows import RowLayout
from lungfish.storage.table import TableIndex, TableStore
from lungfish.storage.transactions import TransactionManager
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER, TEXT

TYPES = [BIGINT, INTEGER, INTEGER, DOUBLE, DOUBLE, TEXT, TEXT, BIGINT]
HEAP, OVERFLOW, INDEX = RelationId(1), RelationId(2), RelationId(3)
UPDATES = 1000
LOOKUPS = 5000
Figures = dict[str, float]


class Table:
    """A table of 8 columns with an index on the first, in a file."""

    def __init__(self, folder: str, page_size: int) -> None:
        self.path = f"{folder}/{page_size}.db"
        disk = LocalDisk()
        is_new = not PageStore.exists(disk, self.path)
        self.store = (
            PageStore.create(disk, self.path, page_size_bytes=page_size, uuid=uuid.uuid4())
            if is_new
            else PageStore.open(disk, self.path)
        )
        self.pool = BufferPool(self.store, 1 << 30)
        self.transactions = TransactionManager(NoLog(), Fence(), SystemClock())
        # Behind the ids of those who filled the table before it was reopened.
        self.transactions.restore(TransactionId(1 if is_new else 1_000_000))
        if is_new:
            self.pool.create_relation(HEAP, RelationKind.HEAP)
            self.pool.create_relation(OVERFLOW, RelationKind.OVERFLOW)
            self.pool.create_relation(INDEX, RelationKind.INDEX)
        overflow = Overflow(self.pool.open_relation(OVERFLOW), page_size)
        heap = Heap(self.pool.open_relation(HEAP), overflow, RowLayout(TYPES), page_size)
        pages, codec = self.pool.open_relation(INDEX), KeyCodec([BIGINT])
        self.tree = BTree.create(pages, codec, LSN(1)) if is_new else BTree(pages, codec)
        index = TableIndex(self.tree, lambda values: (values[0],), is_unique=True, positions=(0,))
        self.rows = TableStore(heap, [index], self.transactions, trim=self.pool.trim)

    def checkpoint(self) -> PublishReport:
        frozen = self.pool.freeze()
        for page in frozen:
            frozen.write(page)
        return frozen.publish()


def main() -> None:
    """Print a table: one line a figure, one column a page size."""
    parser = argparse.ArgumentParser(description="Time page sizes.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[16, 32, 64], help="in KiB")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[int, list[Figures]] = {size: [] for size in options.sizes}
    for _ in range(options.rounds):
        for size in options.sizes:
            with tempfile.TemporaryDirectory(prefix="lungfish-bench-") as folder:
                found[size].append(measure(folder, size * 1024, options.rows))
    print(f"{'':44} " + " ".join(f"{size:>8} K" for size in options.sizes))
    for name in found[options.sizes[0]][0]:
        medians = [statistics.median(each[name] for each in found[size]) for size in options.sizes]
        print(f"{name:44} " + " ".join(f"{median:10.2f}" for median in medians))


def measure(folder: str, page_size: int, row_count: int) -> Figures:
    """All figures of one page size."""
    figures: Figures = {}
    table = Table(folder, page_size)
    addresses: list[TupleId] = []
    figures["insert in batches, us a row"] = (
        timed(lambda: addresses.extend(fill(table, row_count))) / row_count
    )
    figures["first checkpoint, ms"] = timed(table.checkpoint) / 1000
    figures["file, bytes a row"] = Path(table.path).stat().st_size / row_count
    timed(lambda: scan(table, [1, 3]))
    figures["scan 2 columns in memory, ns a row"] = (
        timed(lambda: scan(table, [1, 3])) * 1000 / row_count
    )
    figures["update by address, us a row"] = timed(lambda: update(table, addresses)) / UPDATES
    report = table.checkpoint()
    figures["checkpoint, KiB for each updated row"] = report.bytes_written / UPDATES / 1024
    table.store.close()

    table = Table(folder, page_size)
    figures["scan 2 columns from the file, ns a row"] = (
        timed(lambda: scan(table, [1, 3])) * 1000 / row_count
    )
    table.store.close()

    table = Table(folder, page_size)
    table.pool.set_budget(Path(table.path).stat().st_size // 10)
    keys = random.Random(2).sample(range(row_count), min(LOOKUPS, row_count))
    figures["lookup by key, a tenth in memory, us"] = timed(lambda: look_up(table, keys)) / len(
        keys
    )
    table.pool.set_budget(1 << 30)
    look_up(table, keys)
    figures["lookup by key, all in memory, us"] = timed(lambda: look_up(table, keys)) / len(keys)
    table.store.close()
    figures["40 small tables with an index each, KiB"] = small_tables(folder, page_size)
    return figures


def fill(table: Table, row_count: int) -> list[TupleId]:
    source = random.Random(1)
    addresses: list[TupleId] = []
    for start in range(0, row_count, 10_000):
        rows = [
            (
                key,
                key % 97,
                key // 7,
                key * 0.5,
                source.random(),
                f"customer {key}",
                "short",
                key * 3,
            )
            for key in range(start, min(row_count, start + 10_000))
        ]
        transaction = table.transactions.begin()
        addresses += table.rows.insert_many(transaction, rows)
        transaction.commit()
    return addresses


def scan(table: Table, positions: list[int]) -> None:
    transaction = table.transactions.begin()
    for _ in table.rows.scan(transaction.statement_snapshot(), positions):
        pass
    transaction.rollback()


def update(table: Table, addresses: list[TupleId]) -> None:
    source = random.Random(3)
    transaction = table.transactions.begin()
    snapshot = transaction.statement_snapshot()
    for address in source.sample(addresses, UPDATES):
        values: Any = table.rows.lock(transaction, snapshot, address).values
        table.rows.update(transaction, address, (*values[:2], 0, *values[3:]))
    transaction.commit()


def look_up(table: Table, keys: list[int]) -> None:
    encode = table.tree.codec.encode
    transaction = table.transactions.begin()
    snapshot = transaction.statement_snapshot()
    for key in keys:
        for address in table.tree.addresses(encode((key,))):
            assert table.rows.get(snapshot, address) is not None
        table.pool.trim()
    transaction.rollback()


def small_tables(folder: str, page_size: int) -> float:
    """The size in KiB of a file with 40 tables of 10 rows of 100 bytes, with an index each."""
    disk = LocalDisk()
    store = PageStore.create(
        disk, f"{folder}/small.db", page_size_bytes=page_size, uuid=uuid.uuid4()
    )
    for number in range(1, 81):
        store.create_relation(RelationId(number), RelationKind.HEAP)
    builder = store.freeze()
    for number in range(1, 81):
        builder.write(RelationId(number), 0, (b"x" * 1000).ljust(page_size, b"\0"))  # type: ignore[arg-type]
    builder.publish()
    store.close()
    return Path(f"{folder}/small.db").stat().st_size / 1024


def timed(work: Callable[[], object]) -> float:
    """Microseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e6


if __name__ == "__main__":
    main()
