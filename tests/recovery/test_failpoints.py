"""Failpoints: every one that is named is met, each can end the database, and none costs anything while nobody watches."""

from __future__ import annotations

import random

import pytest

from lungfish import errors
from lungfish.connection import Connection
from lungfish.database import Database, DatabaseOptions, open_database
from lungfish.session import Session
from lungfish.storage.clock import ManualClock
from lungfish.storage.crash_state import Persistence
from lungfish.storage.failpoints import FAILPOINTS, Failpoints, matching_failpoints
from lungfish.storage.simulated_disk import SimulatedCrash, SimulatedDisk

PATH = "a.db"


def open_on(disk: SimulatedDisk, failpoints: Failpoints | None = None) -> Database:
    options = DatabaseOptions(
        page_size_bytes=4096,
        wal_segment_bytes=16 * 1024,
        recovery_memory_bytes=16 * 1024,
        recovery_checkpoint_bytes=4 * 1024,
        checkpoint_wal_bytes=0,
        disk=disk,
        clock=ManualClock(),
        random=random.Random(1),
        failpoints=failpoints,
    )
    database = open_database(PATH, create=True, read_only=False, options=options)
    # It stays open when the last connection goes.
    database.join(disk)
    return database


def connect(database: Database) -> Connection:
    return Connection(Session(database, autocommit=True, read_only=False))


def work(database: Database) -> None:
    """Something that meets the points of an open database."""
    with connect(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (a int PRIMARY KEY, b text)")
        connection.execute(
            "INSERT INTO t SELECT g, 'x' FROM generate_series(1, 3) g ON CONFLICT DO NOTHING"
        )
        connection.execute("CHECKPOINT")
        for number in range(12):
            connection.execute(f"UPDATE t SET b = repeat('abc', 1000 + {number}) WHERE a = 1")
        connection.execute("UPDATE t SET b = 'y' WHERE a = 2")


def crash_in(disk: SimulatedDisk, failpoints: Failpoints, name: str) -> None:
    """Open, work and close with a crash armed at a point; the machine must have stopped there."""

    def crash(_: str) -> None:
        disk.halt()
        raise SimulatedCrash

    failpoints.arm(name, crash)
    database = None
    try:
        database = open_on(disk, failpoints)
        work(database)
        database.close()
    except SimulatedCrash:
        pass
    else:
        pytest.fail(f"{name} was not met")
    finally:
        if database is not None:
            database.crash()


def full_disk(failpoints: Failpoints) -> None:
    """A life in which the log meets a full disk."""
    disk = SimulatedDisk()
    database = open_on(disk, failpoints)
    with connect(database) as connection:
        connection.execute("CREATE TABLE u (a int)")
        disk.capacity_bytes = disk.used_bytes
        with pytest.raises(errors.DiskFull):
            for _ in range(100):
                connection.execute("INSERT INTO u SELECT g FROM generate_series(1, 200) g")
        disk.capacity_bytes = None
    database.close()


def leave_a_log(disk: SimulatedDisk) -> None:
    """A database that was not closed, with more in its log than a restart redoes at once."""
    database = open_on(disk)
    work(database)
    database.crash()


def test_every_point_is_met() -> None:
    failpoints = Failpoints()
    failpoints.watch()
    disk = SimulatedDisk()
    leave_a_log(disk)
    database = open_on(disk, failpoints)
    work(database)
    database.close()
    full_disk(failpoints)
    missed = [name for name, hits in failpoints.hits().items() if not hits]
    assert missed == []


@pytest.mark.parametrize(
    "persistence",
    [Persistence.SYNCED, pytest.param(Persistence.EVERYTHING, marks=pytest.mark.release)],
)
@pytest.mark.parametrize(
    "name", [point.name for point in FAILPOINTS if point.name != "wal.cut_back"]
)
def test_a_crash_at_any_point_loses_nothing_committed(name: str, persistence: Persistence) -> None:
    disk = SimulatedDisk()
    leave_a_log(disk)
    crash_in(disk, Failpoints(), name)
    database = open_on(disk.crash_state(disk.operation_count, persistence))
    with connect(database) as connection:
        rows = connection.execute("SELECT a, left(b, 1) FROM t ORDER BY a").fetchall()
    problems = list(database.core.store.damage)
    database.close()
    assert rows == [(1, "a"), (2, "y"), (3, "x")]
    assert problems == []


def test_an_action_waits_for_its_hit_and_is_called_once() -> None:
    failpoints = Failpoints()
    met: list[str] = []
    failpoints.arm("pages.write", met.append, hit=3)
    assert failpoints.is_armed("pages.write")
    for _ in range(5):
        failpoints.reach("pages.write")
    assert met == ["pages.write"]
    assert not failpoints.is_armed("pages.write")
    assert failpoints.hits()["pages.write"] == 5


def test_what_is_armed_in_a_block_is_forgotten_behind_it() -> None:
    failpoints = Failpoints()
    with failpoints.armed("pages.write", pytest.fail):
        assert failpoints.is_armed("pages.write")
    failpoints.reach("pages.write")


def test_nothing_is_counted_until_somebody_watches() -> None:
    failpoints = Failpoints()
    failpoints.reach("pages.write")
    assert failpoints.hits()["pages.write"] == 0


def test_a_pattern_stands_for_points_in_their_order() -> None:
    assert matching_failpoints("wal.flush.*") == (
        "wal.flush.before_write",
        "wal.flush.before_sync",
        "wal.flush.after_sync",
    )
    assert matching_failpoints("pages.write") == ("pages.write",)


def test_a_point_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        errors.UndefinedObject, match=r'failpoint "wal\.flush\.sync" does not'
    ) as found:
        Failpoints().arm("wal.flush.sync", pytest.fail)
    assert "wal.flush.before_sync" in (found.value.hint or "")


def test_the_view_lists_every_point_and_what_is_armed() -> None:
    failpoints = Failpoints()
    database = open_on(SimulatedDisk(), failpoints)
    failpoints.arm("checkpoint.begin", pytest.fail)
    with connect(database) as connection:
        names = connection.execute("SELECT name FROM lungfish.failpoints").fetchall()
        armed = connection.execute(
            "SELECT name, room, hits FROM lungfish.failpoints WHERE armed"
        ).fetchall()
        connection.execute("CREATE TABLE t ()")
        changed = connection.execute(
            "SELECT hits FROM lungfish.failpoints WHERE name = 'catalog.change'"
        ).fetchall()
    failpoints.disarm()
    database.close()
    assert names == [(point.name,) for point in FAILPOINTS]
    assert armed == [("checkpoint.begin", "recovery", 0)]
    assert changed == [(1,)]


def test_a_log_that_lost_its_only_batch_is_not_missed_after_a_clean_close() -> None:
    disk = SimulatedDisk()
    leave_a_log(disk)
    open_on(disk).close()
    crash_in(disk, Failpoints(), "wal.flush.before_sync")
    disk = disk.crash_state(disk.operation_count, Persistence.SYNCED)
    # The first life after the crash finds a segment without a record, changes nothing and closes.
    open_on(disk).close()
    open_on(disk).close()
