"""Old versions and deleted rows that compiled code purges: which go that way, and that pages and indexes are then as Python leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.native import compiled_module
from lungfish.storage.native import purge_plainly, take_back_plainly
from lungfish.storage.transactions import TransactionManager, UndoEntry

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.storage.native_purge") is None, reason="it is not built"
)
ROW_COUNT = 300

Rows = list[tuple[object, ...]]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with lungfish.connect(tmp_path / "a.db", autocommit=True) as made:
        made.execute(
            f"""CREATE TABLE t (i integer PRIMARY KEY, k integer, s text); CREATE INDEX t_ks ON t (k, s);
                INSERT INTO t SELECT i, i % 10, 'text of row ' || i FROM generate_series(1, {ROW_COUNT}) g(i)"""
        )
        yield made


def transactions(connection: Connection) -> TransactionManager:
    return connection.session.database.transactions


def owed_of(connection: Connection, sql: str) -> tuple[list[UndoEntry], list[Rows]]:
    """What the purge owes after a transaction, the horizon having passed it since; and the rows that are there."""
    manager = transactions(connection)
    held = manager.take_snapshot()
    connection.execute(f"BEGIN; {sql}; COMMIT")
    rows = by_each_way(connection)
    ((_, undo),) = manager.purge_queue.owed()
    manager.release(held)
    return undo, rows


def by_each_way(connection: Connection) -> list[Rows]:
    """The rows by the table, and by each index."""
    return [
        connection.execute("SELECT i, k, s FROM t WHERE s || '' >= '' ORDER BY i").fetchall(),
        connection.execute("SELECT i, k, s FROM t WHERE i > -1 ORDER BY i").fetchall(),
        sorted(connection.execute("SELECT i, k, s FROM t WHERE k > -1 ORDER BY k, s").fetchall()),
    ]


@pytest.mark.parametrize(
    ("sql", "left_count"),
    [
        ("DELETE FROM t WHERE i % 2 = 0", 0),
        ("DELETE FROM t WHERE i > 250", 0),
        ("UPDATE t SET s = reverse(s); DELETE FROM t WHERE i % 3 = 0", 0),
        ("UPDATE t SET k = k + 1", 0),
        ("UPDATE t SET i = -i WHERE i = 7; UPDATE t SET i = 1007 WHERE i = -7", 0),
        ("UPDATE t SET s = s || 'x' WHERE i < 50; UPDATE t SET s = s || 'y' WHERE i < 50", 0),
        ("INSERT INTO t VALUES (999, 9, 'x'); DELETE FROM t WHERE i = 999", 0),
        # NULL in a key is Python's affair.
        ("UPDATE t SET k = NULL WHERE i = 7; DELETE FROM t WHERE i = 8", 1),
    ],
)
def test_versions_and_deleted_rows_go_this_way(
    connection: Connection, sql: str, left_count: int
) -> None:
    undo, before = owed_of(connection, sql)
    assert undo
    purge_plainly(undo)
    assert len(undo) == left_count
    transactions(connection).purge()
    found = by_each_way(connection)
    assert found == before
    assert found[0] == found[1]
    assert {row[1] for row in connection.execute("SCRUB").fetchall()} == {"ok"}
    # The slots are free, and so are the keys.
    connection.execute(
        "DELETE FROM t; INSERT INTO t SELECT i, 1, 'n' FROM generate_series(1, 9) g(i)"
    )
    assert connection.execute("SELECT count(*) FROM t WHERE k = 1").fetchval() == 9
    assert not transactions(connection).purge_queue


def test_a_leaf_that_may_have_to_be_merged_is_left_to_python(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE many (i integer PRIMARY KEY); INSERT INTO many SELECT i FROM generate_series(1, 20000) g(i)"
    )
    undo, _ = owed_of(connection, "DELETE FROM many WHERE i < 19990")
    left = len(undo)
    while undo:
        purge_plainly(undo)
        if len(undo) == left:
            break
        left = len(undo)
    assert 0 < left < 19989
    transactions(connection).purge()
    assert connection.execute("SELECT count(*), min(i) FROM many").fetchone() == (11, 19990)
    (index,) = [
        store.rows.indexes[0]
        for store in connection.session.database.stores.all()
        if store.rows.name == "many"
    ]
    assert index.btree.store.first_free_page(), "leaves have been merged"
    assert {row[1] for row in connection.execute("SCRUB").fetchall()} == {"ok"}


def test_a_version_that_a_snapshot_sees_stays(connection: Connection) -> None:
    manager = transactions(connection)
    held = manager.take_snapshot()
    connection.execute("DELETE FROM t WHERE i = 5")
    assert len(manager.purge_queue) == 1
    manager.release(held)
    connection.execute("UPDATE t SET s = 'x' WHERE i = 6")
    assert not manager.purge_queue


@pytest.mark.parametrize("is_logged", [False, True])
def test_new_rows_are_taken_back_with_their_entries(
    connection: Connection, is_logged: bool
) -> None:
    before = by_each_way(connection)
    connection.execute("BEGIN; SAVEPOINT s")
    for number in range(5):
        connection.execute(
            "INSERT INTO t VALUES (?, ?, ?)", (1000 + number, number, "new row " * 3)
        )
    transaction = connection.session.transaction
    assert transaction is not None
    assert take_back_plainly(transaction, 0, 100, is_logged=is_logged) == 5
    assert by_each_way(connection) == before
    connection.execute("INSERT INTO t VALUES (1000, 1, 'again')")
    connection.execute("ROLLBACK TO s; COMMIT")
    assert by_each_way(connection) == before
    assert {row[1] for row in connection.execute("SCRUB").fetchall()} == {"ok"}


def test_what_was_inserted_and_taken_back_is_not_there_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    database = lungfish.open(path)
    connection = database.connect(autocommit=True)
    connection.execute(
        "CREATE TABLE t (i integer PRIMARY KEY, k integer, s text); CREATE INDEX t_ks ON t (k, s)"
    )
    sql = "INSERT INTO t VALUES (?, ?, ?)"
    connection.execute(sql, (1, 1, "stays"))
    connection.execute("CHECKPOINT")
    connection.execute("BEGIN")
    connection.execute(sql, (2, 2, "stays too"))
    connection.execute("SAVEPOINT s")
    for number in range(3, 9):
        connection.execute(sql, (number, number, "goes"))
    connection.execute("ROLLBACK TO s; DELETE FROM t WHERE i = 1; COMMIT")
    connection.execute("BEGIN")
    connection.execute(sql, (9, 9, "goes too"))
    connection.execute("ROLLBACK")
    connection.execute(sql, (10, 10, "last"))
    expected = [(2, 2, "stays too"), (10, 10, "last")]
    assert by_each_way(connection)[0] == expected
    database.crash()
    with lungfish.connect(path, autocommit=True) as again:
        assert by_each_way(again) == [expected] * 3
        assert {row[1] for row in again.execute("SCRUB").fetchall()} == {"ok"}
