"""Transactions through SQL: failure, savepoints, isolation between sessions, read-only, settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import lungfish


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    """Two sessions of one database with a table t(id, v) of two rows."""
    with (
        lungfish.connect(":memory:pair", autocommit=True) as one,
        lungfish.connect(":memory:pair", autocommit=True) as two,
    ):
        one.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
        one.execute("INSERT INTO t VALUES (1, 10), (2, 20)")
        yield one, two


def state(connection: Any, sql: str) -> str:
    """The SQLSTATE that a statement raises."""
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(sql)
    return str(caught.value.sqlstate)


def test_a_failed_transaction_accepts_only_rollback(connection: Any) -> None:
    connection.execute("BEGIN")
    assert state(connection, "SELECT 1/0") == "22012"
    assert connection.transaction_status == "failed"
    assert state(connection, "SELECT 1") == "25P02"
    assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
    assert connection.execute("SELECT 1").fetchval() == 1


def test_a_syntax_error_fails_the_transaction_too(connection: Any) -> None:
    connection.execute("BEGIN")
    assert state(connection, "SELEC 1") == "42601"
    assert state(connection, "SELECT 1") == "25P02"
    connection.execute("ROLLBACK")


def test_rollback_to_a_savepoint_mends_a_failed_transaction(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    connection.execute("BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s")
    assert state(connection, "INSERT INTO t VALUES (1)") == "23505"
    connection.execute("ROLLBACK TO s")
    connection.execute("INSERT INTO t VALUES (2)")
    connection.execute("COMMIT")
    assert connection.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (2,)]


def test_savepoints_nest_and_hide_each_other(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer)")
    connection.execute("BEGIN")
    for value in (1, 2, 3):
        connection.execute("SAVEPOINT s")
        connection.execute("INSERT INTO t VALUES (?)", (value,))
    connection.execute("ROLLBACK TO s")
    connection.execute("RELEASE s")
    connection.execute("ROLLBACK TO s")
    connection.execute("COMMIT")
    assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_savepoint_errors(connection: Any) -> None:
    assert state(connection, "SAVEPOINT s") == "25P01"
    connection.execute("BEGIN")
    assert state(connection, "ROLLBACK TO nosuch") == "3B001"


def test_uncommitted_rows_are_invisible_to_others(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute(
        "BEGIN; UPDATE t SET v = 11 WHERE id = 1; INSERT INTO t VALUES (3, 30); DELETE FROM t WHERE id = 2"
    )
    assert two.execute("SELECT id, v FROM t ORDER BY id").fetchall() == [(1, 10), (2, 20)]
    assert one.execute("SELECT id, v FROM t ORDER BY id").fetchall() == [(1, 11), (3, 30)]
    one.execute("COMMIT")
    assert two.execute("SELECT id, v FROM t ORDER BY id").fetchall() == [(1, 11), (3, 30)]


def test_repeatable_read_keeps_its_snapshot_and_refuses_to_overwrite(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert one.execute("SELECT v FROM t WHERE id = 1").fetchval() == 10
    two.execute("UPDATE t SET v = 11 WHERE id = 1")
    assert one.execute("SELECT v FROM t WHERE id = 1").fetchval() == 10
    assert state(one, "UPDATE t SET v = v + 1 WHERE id = 1") == "40001"
    one.execute("ROLLBACK")
    assert one.execute("SELECT v FROM t WHERE id = 1").fetchval() == 11


def test_read_committed_looks_at_the_row_again_after_waiting(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; UPDATE t SET v = v + 1 WHERE id = 1")
    waiter = threading.Thread(target=two.execute, args=("UPDATE t SET v = v + 1 WHERE id = 1",))
    waiter.start()
    while not two._session.database.transactions.locks.waiting_count:
        pass
    one.execute("COMMIT")
    waiter.join()
    assert one.execute("SELECT v FROM t WHERE id = 1").fetchval() == 12


def test_two_inserts_of_one_key_never_both_succeed(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; INSERT INTO t VALUES (9, 1)")
    failures: list[str] = []

    def insert() -> None:
        try:
            two.execute("INSERT INTO t VALUES (9, 2)")
        except lungfish.Error as error:
            failures.append(str(error.sqlstate))

    waiter = threading.Thread(target=insert)
    waiter.start()
    while not two._session.database.transactions.locks.waiting_count:
        pass
    one.execute("COMMIT")
    waiter.join()
    assert failures == ["23505"]


def test_a_deadlock_is_found(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 1")
    two.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 2")
    failures: list[str] = []

    def cross() -> None:
        try:
            two.execute("UPDATE t SET v = 0 WHERE id = 1")
        except lungfish.Error as error:
            failures.append(str(error.sqlstate))
            two.execute("ROLLBACK")

    waiter = threading.Thread(target=cross)
    waiter.start()
    while not two._session.database.transactions.locks.waiting_count:
        pass
    try:
        one.execute("UPDATE t SET v = 0 WHERE id = 2")
    except lungfish.Error as error:
        failures.append(str(error.sqlstate))
        one.execute("ROLLBACK")
    waiter.join()
    assert failures == ["40P01"]


def test_lock_timeout_gives_up(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 1")
    two.execute("SET lock_timeout = '20ms'")
    assert state(two, "UPDATE t SET v = 1 WHERE id = 1") == "55P03"
    one.execute("ROLLBACK")


def test_a_read_only_transaction_refuses_writes(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer)")
    connection.execute("BEGIN READ ONLY")
    assert state(connection, "INSERT INTO t VALUES (1)") == "25006"
    connection.execute("ROLLBACK")
    connection.execute("BEGIN READ ONLY")
    assert state(connection, "CREATE TABLE u (a integer)") == "25006"


def test_several_statements_in_one_text_are_one_transaction(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer)")
    assert state(connection, "INSERT INTO t VALUES (1); SELECT 1/0") == "22012"
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 0


def test_settings_roll_back_with_their_transaction(connection: Any) -> None:
    connection.execute("BEGIN; SET TimeZone = 'Europe/Paris'; ROLLBACK")
    assert connection.execute("SHOW TimeZone").fetchval() == "UTC"
    connection.execute("BEGIN; SET LOCAL TimeZone = 'Europe/Paris'")
    assert connection.execute("SHOW TimeZone").fetchval() == "Europe/Paris"
    connection.execute("COMMIT")
    assert connection.execute("SHOW TimeZone").fetchval() == "UTC"
    assert state(connection, "SET nosuch = 1") == "42704"


def test_a_statement_can_be_cancelled_from_another_thread(connection: Any) -> None:
    timer = threading.Timer(0.05, connection.cancel)
    timer.start()
    sql = "SELECT count(*) FROM generate_series(1, 30000) a, generate_series(1, 30000) b WHERE a * b = -1"
    assert state(connection, sql) == "57014"
    timer.join()


def test_statement_timeout(connection: Any) -> None:
    connection.execute("SET statement_timeout = '30ms'")
    sql = "SELECT count(*) FROM generate_series(1, 30000) a, generate_series(1, 30000) b WHERE a * b = -1"
    assert state(connection, sql) == "57014"


def test_prepared_statements(connection: Any) -> None:
    connection.execute("PREPARE add (integer, integer) AS SELECT $1 + $2")
    assert connection.execute("EXECUTE add(1, 2)").fetchval() == 3
    connection.execute("DEALLOCATE add")
    assert state(connection, "EXECUTE add(1, 2)") == "26000"


def test_a_table_that_is_locked_is_named(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; LOCK TABLE t IN SHARE MODE")
    two.execute("BEGIN")
    with pytest.raises(lungfish.errors.LockNotAvailable, match='lock on relation "t"'):
        two.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE NOWAIT")
    one.execute("ROLLBACK")


def test_a_deadlock_says_who_waits_for_whom(pair: tuple[Any, Any]) -> None:
    one, two = pair
    one.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 1")
    two.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 2")
    waiter = threading.Thread(target=one.execute, args=("UPDATE t SET v = 0 WHERE id = 2",))
    waiter.start()
    while one._session._lock_owner.request is None:
        pass
    with pytest.raises(lungfish.errors.DeadlockDetected, match="deadlock detected") as caught:
        two.execute("UPDATE t SET v = 0 WHERE id = 1")
    waiter.join()
    assert caught.value.detail is not None
    lines = caught.value.detail.splitlines()
    assert len(lines) == 2
    numbers = {each._session.number for each in (one, two)}
    assert all(any(f"blocked by session {number}." in line for line in lines) for number in numbers)
