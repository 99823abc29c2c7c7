from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lungfish.executor.kept_rows import KeptRows
from lungfish.executor.memory import MemoryAccount, MemoryBudget
from lungfish.executor.rows import batch_rows, rows_batch
from lungfish.executor.spill import SpillSpace
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.types.batch import Batch
from lungfish.types.sql_type import INTEGER, INTERVAL, NUMERIC, TEXT, Interval

TYPES = (INTEGER, TEXT, NUMERIC, INTERVAL)
ROWS: list[tuple[Any, ...]] = [
    (1, "one", Decimal("1.50"), Interval(1, 2, 3)),
    (None, None, None, None),
    (3, "drei", Decimal("NaN"), Interval(0, -1, 0)),
]


def test_batches_come_back_as_they_were_and_the_file_goes() -> None:
    disk = MemoryDisk()
    file = SpillSpace(disk, "tmp", StorageTelemetryRegistry()).open()
    batches = [
        rows_batch(ROWS, TYPES),
        rows_batch([], TYPES),
        Batch((), 7),
        rows_batch(ROWS[:1], TYPES),
    ]
    for batch in batches:
        file.append(batch)
    found = list(file.batches())
    assert [batch.row_count for batch in found] == [3, 0, 7, 1]
    # As text, because NaN does not equal itself.
    assert str(batch_rows(found[0], TYPES)) == str(ROWS)
    assert len(disk.list("tmp")) == 1
    file.close()
    file.close()
    assert disk.list("tmp") == []


def test_what_a_crash_left_behind_is_removed() -> None:
    disk = MemoryDisk()
    SpillSpace(disk, "tmp", StorageTelemetryRegistry()).open().append(rows_batch(ROWS, TYPES))
    disk.open("tmp/keep", create=True).close()
    SpillSpace(disk, "tmp", StorageTelemetryRegistry()).clear()
    assert disk.list("tmp") == ["keep"]


@pytest.mark.parametrize("limit_bytes", [1, 1 << 20])
def test_kept_rows_can_be_read_again_from_memory_or_from_a_file(limit_bytes: int) -> None:
    disk = MemoryDisk()
    memory = MemoryBudget(limit_bytes)
    kept = KeptRows(memory, SpillSpace(disk, "tmp", StorageTelemetryRegistry()))
    for _ in range(4):
        kept.append(rows_batch(ROWS, TYPES))
    assert kept.is_spilled is (limit_bytes == 1)
    assert kept.row_count == 12
    for _ in range(2):
        assert sum(batch.row_count for batch in kept) == 12
    kept.close()
    kept.close()
    assert memory.used_bytes == 0
    assert disk.list("tmp") == []


def test_without_spill_space_rows_are_kept_all_the_same() -> None:
    memory = MemoryBudget(1)
    kept = KeptRows(memory, None)
    kept.append(rows_batch(ROWS, TYPES))
    assert not kept.is_spilled
    assert memory.used_bytes > memory.limit_bytes
    kept.close()


def test_an_account_says_when_the_budget_is_gone() -> None:
    memory = MemoryBudget(100)
    one, other = MemoryAccount(memory), MemoryAccount(memory)
    assert one.grow_to(60)
    assert one.grow_to(50)
    assert not other.grow_to(70)
    assert (memory.used_bytes, memory.peak_bytes) == (130, 130)
    one.close()
    other.close()
    assert (memory.used_bytes, memory.peak_bytes) == (0, 130)
