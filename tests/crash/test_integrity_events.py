"""What fails or is found damaged is shown in `lungfish.integrity_events`, for longer than the life that met it."""

from __future__ import annotations

import random

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.storage.crash_state import Operation, OperationKind
from lungfish.storage.simulated_disk import Fault, SimulatedDisk

PATH = "events.db"


def opened(
    disk: SimulatedDisk, mode: str = "tail"
) -> tuple[lungfish.Database, lungfish.Connection]:
    options = DatabaseOptions(
        disk=disk,
        page_size_bytes=4096,
        wal_segment_bytes=32_768,
        checkpoint_wal_bytes=0,
        wal_recovery_mode=mode,
        random=random.Random(3),
    )
    database = lungfish.open(PATH, options=options)
    return database, database.connect(autocommit=True)


def new_database(disk: SimulatedDisk) -> tuple[lungfish.Database, lungfish.Connection]:
    database, connection = opened(disk)
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, filling text)")
    return database, connection


def crash(database: lungfish.Database, connection: lungfish.Connection) -> None:
    database.crash()
    connection.close()


def events(connection: lungfish.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT kind, action, source FROM lungfish.integrity_events ORDER BY at"
    ).fetchall()


def failing(kind: OperationKind, path: str, error: errors.Error) -> object:
    def fail(operation: Operation) -> Fault | None:
        is_it = operation.kind is kind and path in operation.path
        return Fault(error, loses_unsynced=True) if is_it else None

    return fail


def test_a_full_disk_is_one_event_and_outlives_the_process() -> None:
    disk = SimulatedDisk()
    database, connection = new_database(disk)
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    disk.capacity_bytes = 0
    for key in (2, 3):
        with pytest.raises(errors.DiskFull):
            connection.execute("INSERT INTO t VALUES (?, repeat('x', 300000))", (key,))
    disk.capacity_bytes = None
    connection.execute("INSERT INTO t VALUES (4, 'x')")
    assert events(connection) == [("enospc", "refused", "commit")]
    crash(database, connection)
    database, connection = opened(disk)
    assert events(connection) == [("enospc", "refused", "commit")]
    connection.execute("CHECKPOINT")
    crash(database, connection)
    database, connection = opened(disk)
    assert events(connection) == [("enospc", "refused", "commit")]
    crash(database, connection)


@pytest.mark.parametrize("path", ["-wal", PATH])
@pytest.mark.parametrize("kind", [OperationKind.SYNC, OperationKind.WRITE])
def test_a_failed_write_or_sync_is_shown_and_a_failed_sync_poisons(
    path: str, kind: OperationKind
) -> None:
    disk = SimulatedDisk()
    database, connection = new_database(disk)
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    disk.before_operation = failing(kind, path, errors.IoError("EIO"))  # type: ignore[assignment]
    with pytest.raises((errors.IoError, errors.StatementCompletionUnknown)):
        connection.execute("CHECKPOINT") if path == PATH else None
        connection.execute("INSERT INTO t VALUES (2, 'x')")
    disk.before_operation = None
    is_page_write = path == PATH and kind is OperationKind.WRITE
    if not is_page_write:
        with pytest.raises(errors.IoError) as caught:
            connection.execute("INSERT INTO t VALUES (3, 'x')")
        assert caught.value.sqlstate == "58030"
        assert ("fsync_failed", "poisoned") in [each[:2] for each in events(connection)]
        levels = connection.execute("SELECT level FROM lungfish.health WHERE check_name = 'handle'")
        if path == "-wal":
            assert levels.fetchval() == "critical"
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 1
    crash(database, connection)
    database, connection = opened(disk)
    assert connection.execute("SELECT count(*) FROM t WHERE id = 1").fetchval() == 1
    connection.execute("INSERT INTO t VALUES (9, 'x')")
    crash(database, connection)


def test_a_page_that_does_not_match_its_checksum_is_an_event() -> None:
    disk = SimulatedDisk()
    database, connection = new_database(disk)
    connection.execute("INSERT INTO t VALUES (1, 'find me in the file')")
    connection.close()
    database.close()
    file = disk.open(PATH)
    content = file.read_at(0, file.size())
    file.write_at(content.index(b"find me"), b"FIND")
    file.close()
    database, connection = opened(disk)
    for _ in range(2):
        with pytest.raises(errors.CorruptPage):
            connection.execute("SELECT * FROM t")
    rows = connection.execute(
        "SELECT kind, object, page_no, action FROM lungfish.integrity_events"
    ).fetchall()
    assert [(kind, page, action) for kind, _, page, action in rows] == [("page_crc", 0, "refused")]
    crash(database, connection)


def test_damage_that_a_mode_has_passed_over_is_an_event_with_its_place() -> None:
    disk = SimulatedDisk()
    database, connection = new_database(disk)
    for key in range(10):
        connection.execute("INSERT INTO t VALUES (?, repeat('y', 500))", (key,))
    end = database._database.core.log.end_lsn()
    crash(database, connection)
    number, offset = divmod(end - 3000, 32_768 - 4096)
    file = disk.open(f"{PATH}-wal/{number:016d}.wal")
    file.write_at(4096 + offset, b"????????")
    file.close()
    with pytest.raises(errors.CorruptLog):
        opened(disk)
    database, connection = opened(disk, "salvage")
    rows = connection.execute(
        "SELECT kind, action, source, lsn IS NOT NULL FROM lungfish.integrity_events"
    ).fetchall()
    assert rows == [("wal_crc", "quarantined", "open", True)]
    states = connection.execute(
        "SELECT count(*) FROM lungfish.wal_segments WHERE state = 'quarantined'"
    )
    assert states.fetchval() == 1
    crash(database, connection)
    database, connection = opened(disk)
    assert [row[0] for row in events(connection)] == ["wal_crc"]
    crash(database, connection)


@pytest.mark.parametrize("message", ["EIO", "EMFILE: Too many open files"])
def test_a_file_that_cannot_be_opened_is_a_typed_error_and_loses_nothing(message: str) -> None:
    disk = SimulatedDisk()
    database, connection = new_database(disk)
    failures = 0

    def fail(operation: Operation) -> Fault | None:
        nonlocal failures
        if operation.kind is OperationKind.CREATE and operation.path.endswith(".wal"):
            failures += 1
            return Fault(errors.IoError(message))
        return None

    acknowledged = 0
    disk.before_operation = fail
    with pytest.raises((errors.IoError, errors.StatementCompletionUnknown)):
        for key in range(200):
            connection.execute("INSERT INTO t VALUES (?, repeat('x', 900))", (key,))
            acknowledged = key + 1
    assert failures
    disk.before_operation = None
    crash(database, connection)
    database, connection = opened(disk)
    count = connection.execute("SELECT count(*) FROM t").fetchval()
    assert count in (acknowledged, acknowledged + 1)
    crash(database, connection)
