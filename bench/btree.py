"""The B+Tree alone: microseconds for each lookup, insert, removal and scanned entry.

python bench/btree.py             # 100,000 entries
python bench/btree.py 1000000
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from lungfish.storage.btree import BTree
from lungfish.storage.btree_build import build_btree, sort_entries
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.keys import WHOLE_RANGE, KeyCodec
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT


def main() -> None:
    """Print a table: one line a work, one column a kind of key."""
    parser = argparse.ArgumentParser(description="Time the B+Tree.")
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    count = parser.parse_args().count
    source = random.Random(1)
    numbers = [source.randrange(10 * count) for _ in range(count)]
    kinds: dict[str, tuple[KeyCodec, list[tuple[Any, ...]]]] = {
        "bigint": (KeyCodec([BIGINT]), [(number,) for number in numbers]),
        "text": (KeyCodec([TEXT]), [(f"customer-{number:09}",) for number in numbers]),
        "integer, integer": (
            KeyCodec([INTEGER, INTEGER]),
            [(number // 100, number % 100) for number in numbers],
        ),
    }
    figures = {name: measure(codec, rows) for name, (codec, rows) in kinds.items()}
    print(f"{'us each':24} " + " ".join(f"{name:>18}" for name in figures))
    for work in next(iter(figures.values())):
        print(f"{work:24} " + " ".join(f"{figures[name][work]:18.2f}" for name in figures))


def measure(codec: KeyCodec, rows: list[tuple[Any, ...]]) -> dict[str, float]:
    """Time all works on keys of one kind."""
    store = PageStore.create(
        MemoryDisk(), "bench.db", page_size_bytes=32 * 1024, uuid=uuid.UUID(int=1)
    )
    pool = BufferPool(store)
    pages = [pool.create_relation(RelationId(number), RelationKind.INDEX) for number in (1, 2, 3)]
    grown, appended, built = (BTree.create(each, codec, LSN(0)) for each in pages)
    encode, lsn = codec.encode, LSN(1)
    figures: dict[str, float] = {}

    def timed(name: str, work: Callable[[], None]) -> None:
        begin = time.perf_counter()
        work()
        figures[name] = (time.perf_counter() - begin) / len(rows) * 1e6

    keys: list[Any] = []
    timed("encode", lambda: keys.extend([encode(row) for row in rows]))
    addresses = [TupleId(number) for number in range(len(keys))]
    entries = list(zip(keys, addresses, strict=True))
    timed("insert at random", lambda: [grown.add(*each, lsn) for each in entries] and None)
    timed("look up", lambda: [grown.addresses(key) for key in keys] and None)
    timed(
        "insert unless taken",
        lambda: [grown.add(*each, lsn, list_others=True) for each in entries] and None,
    )
    timed("scan", lambda: [None for _ in grown.scan(WHOLE_RANGE)] and None)
    timed(
        "scan backwards", lambda: [None for _ in grown.scan(WHOLE_RANGE, is_backward=True)] and None
    )
    timed("remove at random", lambda: [grown.remove(*each, lsn) for each in entries] and None)
    ordered = sorted(entries)
    timed("append", lambda: [appended.add(*each, lsn) for each in ordered] and None)
    timed("remove in order", lambda: [appended.remove(*each, lsn) for each in ordered] and None)
    stored = np.array(keys, np.int64) if codec.is_integer else keys
    timed(
        "sort and build",
        lambda: build_btree(built, *sort_entries(stored, np.array(addresses)), lsn),
    )
    return figures


if __name__ == "__main__":
    main()
