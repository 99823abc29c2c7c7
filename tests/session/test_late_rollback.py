"""What a failed statement has left to be taken back goes on in a thread, while the error is with the user already."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.database import Database
from lungfish.database.late_rollback import LateRollback
from lungfish.errors import IoError, QueryCanceled, UniqueViolation

ROW_COUNT = 3_000
SUM = ROW_COUNT * (ROW_COUNT + 1) // 2
BROKEN = f"UPDATE t SET i = CASE WHEN i = {ROW_COUNT - 1} THEN {ROW_COUNT} ELSE -i END, k = 7"
WAIT_S = 30


class Gate:
    """Keeps rollbacks from going on in their threads until it is opened."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.opened = threading.Event()
        go_on = LateRollback._run

        def run_once_open(late: LateRollback) -> None:
            assert self.opened.wait(WAIT_S)
            go_on(late)

        patch.setattr(LateRollback, "_run", run_once_open)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(monkeypatch)
    yield made
    made.opened.set()


@pytest.fixture
def database() -> Iterator[Database]:
    database = lungfish.open(":memory:")
    yield database
    database.close()


@pytest.fixture
def connection(database: Database, gate: Gate) -> Iterator[Connection]:
    with database.connect(autocommit=True) as connection:
        connection.execute(
            f"""CREATE TABLE t (i integer PRIMARY KEY, k integer); CREATE INDEX ON t (k);
                INSERT INTO t SELECT i, i % 10 FROM generate_series(1, {ROW_COUNT}) g(i)"""
        )
        yield connection
        gate.opened.set()


def total(connection: Connection) -> object:
    return connection.execute("SELECT sum(i), sum(k) FROM t").fetchone()


BEFORE = (SUM, ROW_COUNT // 10 * 45)


def test_the_error_comes_first_and_the_next_statement_waits(
    connection: Connection, gate: Gate
) -> None:
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    assert connection.session.database.transactions.running()
    assert not connection.in_transaction
    gate.opened.set()
    assert total(connection) == BEFORE
    assert not connection.session.database.transactions.running()


def test_others_see_the_rows_as_they_were_and_wait_for_them(
    connection: Connection, database: Database, gate: Gate
) -> None:
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    with database.connect(autocommit=True) as other:
        assert total(other) == BEFORE
        other.execute("SET lock_timeout = 1")
        with pytest.raises(lungfish.errors.LockNotAvailable):
            other.execute("UPDATE t SET k = 1 WHERE i = 1")
        gate.opened.set()
        other.execute("SET lock_timeout = 0")
        other.execute("UPDATE t SET k = k + 1 WHERE i = 1")
        assert total(other) == (BEFORE[0], BEFORE[1] + 1)


def test_waiting_for_it_can_be_cancelled(connection: Connection, gate: Gate) -> None:
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    for _ in range(2):
        with pytest.raises(QueryCanceled):
            connection.execute("SELECT 1", timeout=0.05)
    gate.opened.set()
    assert total(connection) == BEFORE


def test_the_end_of_a_failed_block_does_not_wait(connection: Connection, gate: Gate) -> None:
    connection.execute("BEGIN; INSERT INTO t VALUES (-1, 1)")
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
    assert not connection.in_transaction
    gate.opened.set()
    assert total(connection) == BEFORE


@pytest.mark.parametrize("is_opened_before", [True, False])
def test_savepoints_are_gone_back_to(
    connection: Connection, gate: Gate, is_opened_before: bool
) -> None:
    if is_opened_before:
        gate.opened.set()
    with connection.transaction():
        connection.execute("INSERT INTO t VALUES (-1, 1)")
        with pytest.raises(UniqueViolation), connection.transaction():
            connection.execute("INSERT INTO t VALUES (-2, 1)")
            connection.execute(BROKEN)
        gate.opened.set()
        assert total(connection) == (BEFORE[0] - 1, BEFORE[1] + 1)
        connection.execute("INSERT INTO t VALUES (-2, 1)")
    assert total(connection) == (BEFORE[0] - 3, BEFORE[1] + 2)
    assert connection.execute("SELECT count(*) FROM t WHERE k = 7").fetchval() == ROW_COUNT // 10


def test_a_commit_waits_for_what_a_savepoint_takes_back(connection: Connection, gate: Gate) -> None:
    connection.execute("BEGIN; INSERT INTO t VALUES (-1, 1); SAVEPOINT s")
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    connection.execute("ROLLBACK TO s")
    threading.Timer(0.05, gate.opened.set).start()
    connection.execute("COMMIT")
    assert total(connection) == (BEFORE[0] - 1, BEFORE[1] + 1)


def test_a_block_that_failed_behind_a_savepoint_is_rolled_back_whole(
    connection: Connection, gate: Gate
) -> None:
    connection.execute("BEGIN; INSERT INTO t VALUES (-1, 1); SAVEPOINT s")
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    connection.execute("ROLLBACK")
    gate.opened.set()
    assert total(connection) == BEFORE


def test_statements_that_are_ready_wait_too(connection: Connection, gate: Gate) -> None:
    sql = "SELECT k FROM t WHERE i = ?"
    assert [connection.execute(sql, (3,)).fetchval() for _ in range(3)] == [3, 3, 3]
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    found = []
    reader = threading.Thread(target=lambda: found.append(connection.execute(sql, (3,)).fetchval()))
    reader.start()
    reader.join(0.05)
    assert reader.is_alive()
    gate.opened.set()
    reader.join(WAIT_S)
    assert found == [3]


def test_what_fails_in_the_thread_is_gone_on_with_by_the_next_statement(
    connection: Connection, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    late = connection.session._late
    assert late is not None
    step = late._steps[0]
    failures = [IoError("the disk is gone"), IoError("the disk is still gone")]

    def fail_first(row_count: int | None) -> bool:
        if failures:
            raise failures.pop(0)
        return step(row_count)

    late._steps[0] = fail_first
    gate.opened.set()
    with pytest.raises(IoError, match="still gone"):
        connection.execute("SELECT 1")
    assert total(connection) == BEFORE


def test_a_checkpoint_meanwhile_has_the_rows_as_they_were(tmp_path: Path, gate: Gate) -> None:
    path = tmp_path / "a.db"
    database = lungfish.open(path)
    connection = database.connect(autocommit=True)
    connection.execute(
        f"""CREATE TABLE t (i integer PRIMARY KEY, k integer); CREATE INDEX ON t (k);
            INSERT INTO t SELECT i, i % 10 FROM generate_series(1, {ROW_COUNT}) g(i)"""
    )
    with pytest.raises(UniqueViolation):
        connection.execute(BROKEN)
    with database.connect(autocommit=True) as other:
        other.execute("CHECKPOINT")
    gate.opened.set()
    database.crash()
    with lungfish.connect(path, autocommit=True) as again:
        assert total(again) == BEFORE
        assert again.execute("SELECT count(*) FROM t WHERE k = 7").fetchval() == ROW_COUNT // 10
        again.execute("SCRUB")


def test_closing_waits_for_it(tmp_path: Path, gate: Gate) -> None:
    path = tmp_path / "a.db"
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute(
            f"""CREATE TABLE t (i integer PRIMARY KEY, k integer);
                INSERT INTO t SELECT i, i % 10 FROM generate_series(1, {ROW_COUNT}) g(i)"""
        )
        with pytest.raises(UniqueViolation):
            connection.execute(BROKEN)
        threading.Timer(0.05, gate.opened.set).start()
    with lungfish.connect(path, autocommit=True) as again:
        assert total(again) == BEFORE
