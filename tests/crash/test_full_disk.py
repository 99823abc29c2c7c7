"""A full disk, through SQL: writes are refused with 53100, reading goes on, and so does writing once there is room, without reopening.

The disk has a quota; space is freed by raising it. A commit that was refused must never come back, whatever a crash leaves of what had
been written of it; a commit that was acknowledged must always.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.recovery.checkpoint_request import CheckpointRequest
from lungfish.recovery.checkpoint_run import CheckpointRun
from lungfish.storage.crash_state import Operation, OperationKind, Persistence
from lungfish.storage.ids import LSN
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PATH = "full.db"
SEGMENT_SIZE = 65_536


def options(disk: SimulatedDisk) -> DatabaseOptions:
    return DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=SEGMENT_SIZE,
        checkpoint_wal_bytes=0,
        random=random.Random(3),
    )


@contextmanager
def opened(disk: SimulatedDisk) -> Iterator[lungfish.Connection]:
    """A connection in autocommit; the database is crashed at the end, as closing needs room."""
    database = lungfish.open(PATH, options=options(disk))
    connection = database.connect(autocommit=True)
    try:
        yield connection
    finally:
        database.crash()
        connection.close()


def used_bytes(disk: SimulatedDisk) -> int:
    paths = [PATH, *(f"{PATH}-wal/{name}" for name in disk.list(f"{PATH}-wal"))]
    total = 0
    for path in paths:
        file = disk.open(path)
        total += file.size()
        file.close()
    return total


def keys_of(connection: lungfish.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]


def insert(connection: lungfish.Connection, key: int, size: int = 6000) -> None:
    connection.execute("INSERT INTO t VALUES (?, repeat('x', ?))", (key, size))


def fill(connection: lungfish.Connection, disk: SimulatedDisk) -> list[int]:
    """Insert until the disk is full; answers the keys that were acknowledged."""
    disk.capacity_bytes = used_bytes(disk) + 40_000
    acknowledged = []
    for key in range(1, 100):
        try:
            insert(connection, key)
        except errors.DiskFull:
            return acknowledged
        acknowledged.append(key)
    raise AssertionError("the disk never got full")


def test_a_full_disk_refuses_commits_goes_on_reading_and_then_goes_on_writing() -> None:
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        acknowledged = fill(connection, disk)
        for key in (200, 201):
            with pytest.raises(errors.DiskFull, match="no space left") as caught:
                insert(connection, key)
            assert caught.value.sqlstate == "53100"
        assert keys_of(connection) == acknowledged
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (len(acknowledged),)
        with pytest.raises(errors.DiskFull):
            connection.execute("CREATE TABLE u (id integer)")
        disk.capacity_bytes = None
        insert(connection, 300)
        connection.execute("CREATE TABLE u (id integer)")
        connection.execute("CHECKPOINT")
        insert(connection, 301)
        assert keys_of(connection) == [*acknowledged, 300, 301]
    with opened(disk) as connection:
        assert keys_of(connection) == [*acknowledged, 300, 301]
        assert connection.execute("SELECT count(*) FROM u").fetchone() == (0,)


def test_a_transaction_on_a_full_disk_can_be_rolled_back_to_a_savepoint_and_wholly() -> None:
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        acknowledged = fill(connection, disk)
        connection.execute("BEGIN")
        insert(connection, 400)
        connection.execute("SAVEPOINT s")
        connection.execute("UPDATE t SET filling = 'y'")
        connection.execute("ROLLBACK TO s")
        with pytest.raises(errors.DiskFull):
            connection.execute("COMMIT")
        assert not connection.in_transaction
        assert keys_of(connection) == acknowledged
        disk.capacity_bytes = None
        insert(connection, 400)
        assert keys_of(connection) == [*acknowledged, 400]


@pytest.mark.parametrize("free_bytes", range(0, 90_000, 6_000))
def test_a_refused_commit_never_comes_back_and_an_acknowledged_one_always(free_bytes: int) -> None:
    disk = SimulatedDisk()
    # The operation after which each key was known to be committed, or (False) refused.
    known: list[tuple[int, int, bool]] = []
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        disk.capacity_bytes = used_bytes(disk) + free_bytes
        for key in range(12):
            if key == 9:
                disk.capacity_bytes = None
            try:
                insert(connection, key, 17_000 if key % 2 else 300)
            except errors.DiskFull:
                known.append((disk.operation_count, key, False))
            else:
                known.append((disk.operation_count, key, True))
    assert [key for _, key, done in known if done and key >= 9] == [9, 10, 11]
    chance = random.Random(free_bytes)
    first = known[0][0]
    for number in sorted(chance.sample(range(first, disk.operation_count + 1), 12)):
        found = disk.crash_state(number, chance.choice(list(Persistence)), seed=number)
        with opened(found) as connection:
            keys = set(keys_of(connection))
        for at, key, is_committed in known:
            if at <= number:
                assert (key in keys) == is_committed, f"key {key} after operation {number}"


def test_what_a_full_disk_leaves_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lungfish.recovery.wal.BACKLOG_SIZE_MAX", 100_000)
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        acknowledged = fill(connection, disk)
        log = connection._session.database.core.log
        for key in range(500, 560):
            with pytest.raises(errors.DiskFull):
                insert(connection, key)
        assert log.end_lsn() - log._written < 120_000
        disk.capacity_bytes = None
        # The first one may still be refused, but finds that there is room again.
        for key in (600, 601):
            try:
                insert(connection, key)
            except errors.DiskFull:
                continue
            acknowledged.append(key)
        assert 601 in acknowledged
        assert keys_of(connection) == acknowledged


def test_a_sync_that_fails_for_lack_of_space_poisons_as_any_failed_sync() -> None:
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        insert(connection, 1)

        def fail(operation: Operation) -> Fault | None:
            if operation.kind is OperationKind.SYNC:
                return Fault(errors.DiskFull("ENOSPC"), loses_unsynced=True)
            return None

        disk.before_operation = fail
        with pytest.raises(errors.StatementCompletionUnknown):
            insert(connection, 2)
        disk.before_operation = None
        with pytest.raises(errors.IoError) as caught:
            insert(connection, 3)
        assert caught.value.sqlstate == "58030"
        assert keys_of(connection) == [1]
        # The row's writer has no end that could be waited for.
        with pytest.raises(errors.IoError, match="no more"):
            connection.execute("INSERT INTO t VALUES (2, '') ON CONFLICT (id) DO NOTHING")
    with opened(disk) as connection:
        assert keys_of(connection) in ([1], [1, 2])
        insert(connection, 3)


def test_a_checkpoint_that_counted_a_commit_which_was_then_refused_is_given_up() -> None:
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        acknowledged = fill(connection, disk)
        database = connection._session.database
        checkpoints, log = database.core.checkpoints, database.core.log
        hold_still, take_back = checkpoints._hold_still, log.take_back

        def take_back_after_the_fence(end: LSN) -> bool:
            """A checkpoint holds everything still before the commit is taken back, and flushes after it."""
            taken: list[bool] = []

            def hold_still_first(run: CheckpointRun) -> None:
                hold_still(run)
                taken.append(take_back(end))
                disk.capacity_bytes = None

            with monkeypatch.context() as patch:
                patch.setattr(checkpoints, "_hold_still", hold_still_first)
                with pytest.raises(errors.DiskFull, match="given up"):
                    database.checkpoint(CheckpointRequest())
            return taken[0]

        monkeypatch = pytest.MonkeyPatch()
        with monkeypatch.context() as patch:
            patch.setattr(log, "take_back", take_back_after_the_fence)
            with pytest.raises(errors.DiskFull):
                insert(connection, 700)
        assert keys_of(connection) == acknowledged
        connection.execute("CHECKPOINT")
    with opened(disk) as connection:
        assert keys_of(connection) == acknowledged


def test_what_a_failed_write_left_on_the_disk_is_cut_off_before_the_commit_is_refused() -> None:
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
        insert(connection, 1, 10)

        def write_and_fail(operation: Operation) -> Fault | None:
            """Everything arrives, and yet the write fails: the space ran out behind it."""
            if operation.kind is OperationKind.WRITE and operation.path.endswith(".wal"):
                return Fault(errors.DiskFull("ENOSPC"), applied_size=len(operation.data))
            return None

        disk.before_operation = write_and_fail
        with pytest.raises(errors.DiskFull):
            insert(connection, 2, 10)
        disk.before_operation = None
        number = disk.operation_count
    for persistence in Persistence:
        with opened(disk.crash_state(number, persistence, seed=1)) as connection:
            assert keys_of(connection) == [1]


def test_a_checkpoint_that_has_no_room_to_overwrite_its_superblock_fails_and_the_database_goes_on() -> (
    None
):
    """As on btrfs, ZFS and thin volumes, which copy what is overwritten."""
    disk = SimulatedDisk()
    with opened(disk) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, body text)")
        insert(connection, 1)
        connection.execute("CHECKPOINT")
        insert(connection, 2)

        def refuse(operation: Operation) -> Fault | None:
            is_superblock = operation.path == PATH and operation.offset < 8192
            is_write = operation.kind is OperationKind.WRITE
            return Fault(errors.DiskFull("no room")) if is_write and is_superblock else None

        disk.before_operation = refuse
        for key in (3, 4):
            with pytest.raises(errors.DiskFull, match="no room"):
                connection.execute("CHECKPOINT")
            insert(connection, key)
        for persistence in Persistence:
            state = disk.crash_state(disk.operation_count, persistence)
            with opened(state) as after:
                assert keys_of(after) == [1, 2, 3, 4]
        disk.before_operation = None
        connection.execute("CHECKPOINT")
        insert(connection, 5)
        failed = "SELECT count(*) FROM lungfish.checkpoint_history WHERE error_sqlstate = '53100'"
        assert connection.execute(failed).fetchval() == 2
    with opened(disk.crash_state(disk.operation_count, Persistence.SYNCED)) as after:
        assert keys_of(after) == [1, 2, 3, 4, 5]
    state = disk.crash_state(disk.operation_count, Persistence.SYNCED)
    with lungfish.open(PATH, options=options(state)) as database:
        assert not database.check("full").problems
