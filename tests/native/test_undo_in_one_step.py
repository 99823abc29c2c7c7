"""Changes that compiled code takes back: which go that way, and that pages, log and versions are then as Python leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.native import compiled_module
from lungfish.storage.native import take_back_plainly
from lungfish.storage.transactions import Transaction

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.storage.native_undo") is None, reason="it is not built"
)
ROW_COUNT = 300


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with lungfish.connect(tmp_path / "a.db", autocommit=True) as made:
        made.execute(
            f"""CREATE TABLE t (i integer PRIMARY KEY, k integer, s text); CREATE INDEX ON t (k);
                INSERT INTO t SELECT i, i % 10, 'text of row ' || i FROM generate_series(1, {ROW_COUNT}) g(i)"""
        )
        yield made


def rows(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT i, k, s FROM t ORDER BY i").fetchall()


def open_transaction(connection: Connection) -> Transaction:
    transaction = connection.session.transaction
    assert transaction is not None
    return transaction


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("DELETE FROM t", ROW_COUNT),
        ("UPDATE t SET s = reverse(s)", ROW_COUNT),
        ("UPDATE t SET s = reverse(s); DELETE FROM t; SELECT 1", 2 * ROW_COUNT),
        # Longer than before, another key, new rows: Python's affair.
        ("UPDATE t SET s = s || 'x'", 0),
        ("UPDATE t SET k = k + 1", 0),
        ("INSERT INTO t SELECT i + 1000, k, s FROM t", 0),
        ("UPDATE t SET s = repeat(s, 5000) WHERE i = 7", 0),
    ],
)
@pytest.mark.parametrize("is_logged", [False, True])
def test_rows_as_long_as_before_with_the_same_keys_go_this_way(
    connection: Connection, sql: str, count: int, is_logged: bool
) -> None:
    before = rows(connection)
    connection.execute("BEGIN; SAVEPOINT s")
    connection.execute(sql)
    transaction = open_transaction(connection)
    assert take_back_plainly(transaction, 0, 10_000, is_logged=is_logged) == count
    if count:
        assert not transaction.undo
        assert rows(connection) == before
        connection.execute("UPDATE t SET s = 'y' WHERE i = 1; DELETE FROM t WHERE i = 2")
    connection.execute("ROLLBACK TO s; COMMIT")
    assert rows(connection) == before
    assert {row[1] for row in connection.execute("SCRUB").fetchall()} == {"ok"}


def test_it_stops_where_it_is_told(connection: Connection) -> None:
    connection.execute("BEGIN; DELETE FROM t")
    transaction = open_transaction(connection)
    assert take_back_plainly(transaction, 0, 7, is_logged=False) == 7
    assert take_back_plainly(transaction, ROW_COUNT - 10, 100, is_logged=False) == 3
    assert len(transaction.undo) == ROW_COUNT - 10
    assert len(rows(connection)) == 10
    connection.execute("ROLLBACK")
    assert len(rows(connection)) == ROW_COUNT


def test_a_list_that_a_checkpoint_holds_is_left_alone(connection: Connection) -> None:
    connection.execute("BEGIN; DELETE FROM t")
    transaction = open_transaction(connection)
    transaction.is_undo_held = True
    held = transaction.undo
    assert take_back_plainly(transaction, 0, 7, is_logged=False) == 0
    connection.execute("ROLLBACK")
    assert len(rows(connection)) == ROW_COUNT
    assert len(held) == ROW_COUNT


@pytest.mark.parametrize("first", ["INSERT INTO u VALUES (7)", "UPDATE u SET i = 2 WHERE i = 1"])
def test_a_change_of_a_temporary_table_comes_next(connection: Connection, first: str) -> None:
    connection.execute("CREATE TEMP TABLE u (i integer); INSERT INTO u VALUES (1)")
    before = rows(connection)
    connection.execute(f"BEGIN; SAVEPOINT s; {first}; UPDATE t SET s = reverse(s)")
    connection.execute("ROLLBACK TO s")
    assert rows(connection) == before
    assert connection.execute("TABLE u").fetchall() == [(1,)]
    connection.execute("COMMIT")


def test_what_a_savepoint_takes_back_is_taken_back_by_a_restart_too(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    database = lungfish.open(path)
    connection = database.connect(autocommit=True)
    connection.execute(
        "CREATE TABLE t (i integer PRIMARY KEY, k integer, s text);"
        " INSERT INTO t SELECT i, 1, 'text of row ' || i FROM generate_series(1, 600) g(i)"
    )
    before = rows(connection)
    connection.execute("BEGIN; SAVEPOINT s; UPDATE t SET s = reverse(s) WHERE i % 2 = 0")
    connection.execute(
        "DELETE FROM t WHERE i % 3 = 0; ROLLBACK TO s; UPDATE t SET k = 2 WHERE i = 5"
    )
    connection.execute("COMMIT")
    after = rows(connection)
    assert after == [(i, 2 if i == 5 else k, s) for i, k, s in before]
    database.crash()
    with lungfish.connect(path, autocommit=True) as again:
        assert rows(again) == after
        assert {row[1] for row in again.execute("SCRUB").fetchall()} == {"ok"}
