"""The scheduler: what makes a checkpoint due, without a thread under a clock moved by hand, and with one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest

from lungfish.recovery.checkpoint_request import CheckpointOutcome, CheckpointRequest
from lungfish.recovery.checkpoint_scheduler import CheckpointScheduler
from lungfish.storage.clock import ManualClock
from lungfish.storage.memory_disk import MemoryDisk
from tests.crash.small_database import OPTIONS, SmallDatabase
from tests.crash.workloads import row

WAIT_S = 10
OFF = {
    "checkpoint_wal_bytes": "0",
    "checkpoint_dirty_pages": "0",
    "checkpoint_interval": "0",
    "recovery_target_time_ms": "0",
    "wal_max_size": "0",
}


def database_with(settings: Mapping[str, str]) -> SmallDatabase:
    made = SmallDatabase(MemoryDisk(), replace(OPTIONS, settings={**OFF, **settings}))
    transaction = made.begin()
    made.create_table(transaction)
    transaction.commit()
    made.checkpoint()
    return made


def scheduler_of(database: SmallDatabase, *, has_thread: bool = False) -> CheckpointScheduler:
    core = database.core
    return CheckpointScheduler(
        core.checkpoints,
        pool=core.pool,
        settings=core.settings,
        clock=core.clock,
        has_thread=has_thread,
    )


def clock_of(database: SmallDatabase) -> ManualClock:
    clock = database.core.clock
    assert isinstance(clock, ManualClock)
    return clock


def add_rows(database: SmallDatabase, row_ids: range) -> None:
    transaction = database.begin()
    for row_id in row_ids:
        database.insert(transaction, 0, row(row_id, 1, 200))
    transaction.commit()


def triggers(database: SmallDatabase) -> list[str]:
    return [each.trigger for each in database.core.memory.checkpoints.rows()][1:]


def wait_for_checkpoints(database: SmallDatabase, count: int) -> None:
    pause = threading.Event()
    for _ in range(WAIT_S * 1000):
        if len(triggers(database)) >= count and database.core.checkpoints.current is None:
            return
        pause.wait(0.001)
    raise AssertionError("no checkpoint came")


@pytest.mark.parametrize(
    ("setting", "value", "trigger"),
    [
        ("checkpoint_wal_bytes", "20kB", "wal_bytes"),
        ("wal_max_size", "64kB", "wal_bytes"),
        ("checkpoint_dirty_pages", "3", "dirty_pages"),
        ("recovery_target_time_ms", "1ms", "recovery_target"),
    ],
)
def test_what_was_logged_makes_a_checkpoint_due(setting: str, value: str, trigger: str) -> None:
    database = database_with({setting: value})
    scheduler = scheduler_of(database)
    log = database.core.log
    database.core.checkpoints.estimate_ms = lambda redo_lsn: (log.end_lsn() - redo_lsn) / 10_000
    assert scheduler.due() is None
    add_rows(database, range(100))
    scheduler.consider()
    scheduler.consider()
    assert triggers(database) == [trigger]


def test_time_makes_a_checkpoint_due_where_something_has_changed() -> None:
    database = database_with({"checkpoint_interval": "5min"})
    scheduler, clock = scheduler_of(database), clock_of(database)
    clock.advance(301)
    assert scheduler.due() is None
    add_rows(database, range(3))
    scheduler.consider()
    assert triggers(database) == ["interval"]
    add_rows(database, range(3, 6))
    clock.advance(200)
    scheduler.consider()
    assert triggers(database) == ["interval"]
    clock.advance(101)
    scheduler.consider()
    assert triggers(database) == ["interval", "interval"]


def test_a_failed_checkpoint_is_not_tried_again_at_once() -> None:
    database = database_with({"checkpoint_wal_bytes": "20kB"})
    scheduler = scheduler_of(database)
    add_rows(database, range(100))
    with database.core.fence:
        assert scheduler.tick() is None
    assert database.core.memory.checkpoints.rows()[-1].outcome == "deferred"
    assert scheduler.due() is None
    add_rows(database, range(100, 200))
    assert scheduler.due() is not None


def test_a_run_under_a_clock_moved_by_hand_is_the_same_each_time() -> None:
    def run() -> list[tuple[str, int | None, float | None]]:
        database = database_with({"checkpoint_wal_bytes": "30kB", "checkpoint_interval": "100s"})
        scheduler = scheduler_of(database)
        for step in range(40):
            add_rows(database, range(step * 10, step * 10 + 10))
            clock_of(database).advance(7)
            scheduler.consider()
        rows = database.core.memory.checkpoints.rows()
        return [(each.trigger, each.pages_written, each.throttled_ms) for each in rows]

    first = run()
    assert len(first) > 3
    assert first == run()


def test_spreading_takes_the_asked_part_of_the_interval() -> None:
    database = database_with({"checkpoint_interval": "100s", "checkpoint_completion_target": "0.5"})
    add_rows(database, range(200))
    scheduler = scheduler_of(database, has_thread=True)
    clock_of(database).advance(101)
    result = scheduler.tick()
    assert result is not None
    assert result.pages_written > 5
    assert 30_000 < result.total_ms < 55_000
    assert result.throttled_ms > 30_000


def test_the_thread_takes_what_is_due_and_ends_when_told() -> None:
    database = database_with({"checkpoint_wal_bytes": "20kB"})
    scheduler = scheduler_of(database, has_thread=True)
    scheduler.consider()
    assert scheduler._thread is None
    add_rows(database, range(100))
    for _ in range(5):
        scheduler.consider()
    wait_for_checkpoints(database, 1)
    add_rows(database, range(100, 200))
    scheduler.consider()
    wait_for_checkpoints(database, 2)
    scheduler.stop()
    assert triggers(database) == ["wal_bytes", "wal_bytes"]
    assert scheduler._thread is not None
    assert not scheduler._thread.is_alive()


def test_a_stopped_scheduler_asks_for_nothing() -> None:
    database = database_with({"checkpoint_wal_bytes": "4kB"})
    scheduler = scheduler_of(database, has_thread=True)
    scheduler.stop()
    add_rows(database, range(100))
    scheduler.consider()
    assert scheduler._thread is None
    assert triggers(database) == []


def test_a_request_that_does_not_wait_is_served_by_the_thread() -> None:
    database = database_with({})
    scheduler = scheduler_of(database, has_thread=True)
    add_rows(database, range(10))
    answer = scheduler.ask(CheckpointRequest(reason="soon"))
    assert (answer.outcome, answer.checkpoint_id) == (CheckpointOutcome.REQUESTED, None)
    wait_for_checkpoints(database, 1)
    scheduler.stop()
