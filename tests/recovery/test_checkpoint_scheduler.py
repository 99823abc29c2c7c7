"""The scheduler asks for a checkpoint when enough was logged or enough time has passed, and stops when told."""

from __future__ import annotations

import threading

import pytest

from lungfish.recovery.checkpoint_request import CheckpointTrigger
from lungfish.recovery.checkpoint_scheduler import CheckpointScheduler
from lungfish.storage.memory_disk import MemoryDisk
from tests.crash.small_database import SmallDatabase
from tests.crash.workloads import row

WAIT_S = 10


@pytest.fixture
def database() -> SmallDatabase:
    made = SmallDatabase(MemoryDisk())
    transaction = made.begin()
    made.create_table(transaction)
    transaction.commit()
    return made


def add_rows(database: SmallDatabase, row_ids: range) -> None:
    transaction = database.begin()
    for row_id in row_ids:
        database.insert(transaction, 0, row(row_id, 1, 200))
    transaction.commit()


def wait_for_checkpoints(database: SmallDatabase, count: int) -> list[str]:
    pause = threading.Event()
    for _ in range(WAIT_S * 1000):
        rows = database.core.memory.checkpoints.rows()
        if len(rows) >= count and database.core.checkpoints.current is None:
            return [each.trigger for each in rows]
        pause.wait(0.001)
    raise AssertionError("no checkpoint came")


def test_a_grown_log_asks_for_one_checkpoint(database: SmallDatabase) -> None:
    scheduler = CheckpointScheduler(database.core.checkpoints, wal_bytes=20_000, interval_s=0)
    scheduler.consider()
    assert scheduler._thread is None
    add_rows(database, range(100))
    for _ in range(5):
        scheduler.consider()
    assert wait_for_checkpoints(database, 1) == ["wal_bytes"]
    scheduler.consider()
    add_rows(database, range(100, 200))
    scheduler.consider()
    assert wait_for_checkpoints(database, 2) == ["wal_bytes", "wal_bytes"]
    scheduler.stop()
    assert scheduler._thread is not None
    assert not scheduler._thread.is_alive()


def test_time_asks_for_a_checkpoint_only_when_there_is_something_to_write(
    database: SmallDatabase,
) -> None:
    add_rows(database, range(10))
    scheduler = CheckpointScheduler(database.core.checkpoints, wal_bytes=0, interval_s=0.005)
    scheduler.start()
    assert wait_for_checkpoints(database, 1)[0] == "interval"
    scheduler.stop()
    count = len(database.core.memory.checkpoints.rows())
    scheduler._checkpoint(CheckpointTrigger.INTERVAL)
    assert len(database.core.memory.checkpoints.rows()) == count


def test_a_stopped_scheduler_asks_for_nothing(database: SmallDatabase) -> None:
    scheduler = CheckpointScheduler(database.core.checkpoints, wal_bytes=1, interval_s=0.001)
    scheduler.stop()
    scheduler.start()
    add_rows(database, range(10))
    scheduler.consider()
    assert scheduler._thread is None
    assert database.core.memory.checkpoints.rows() == []
