"""How transactions end, in one step of compiled code or without it: what is owed to the purge, who is told, what the log has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import lungfish
from lungfish.storage.native import native_ends


@pytest.fixture
def database() -> Iterator[Any]:
    with lungfish.open(":memory:") as made:
        with made.connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
            connection.execute("INSERT INTO t VALUES (1, 10), (2, 20)")
        yield made


def manager_of(connection: Any) -> Any:
    return connection._session.database.transactions


def test_a_transaction_that_only_inserts_owes_no_purge(database: Any) -> None:
    with database.connect() as old, database.connect(autocommit=True) as connection:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT * FROM t")
        connection.execute("INSERT INTO t VALUES (3, 30)")
        assert len(manager_of(connection).purge_queue) == 0
        assert old.execute("SELECT count(*) FROM t").fetchval() == 2


def test_versions_are_kept_as_long_as_a_snapshot_needs_them(database: Any) -> None:
    with database.connect() as old, database.connect(autocommit=True) as connection:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert old.execute("SELECT v FROM t WHERE id = 1").fetchval() == 10
        for value in (11, 12):
            connection.execute("UPDATE t SET v = ? WHERE id = ?", (value, 1))
        queue = manager_of(connection).purge_queue
        assert len(queue) == 2
        assert old.execute("SELECT v FROM t WHERE id = 1").fetchval() == 10
        old.commit()
        connection.execute("UPDATE t SET v = ? WHERE id = ?", (13, 1))
        assert len(queue) == 0
        assert connection.execute("SELECT v FROM t WHERE id = 1").fetchval() == 13
    assert not database.check("full").problems


def test_versions_are_kept_for_a_cursor_that_outlives_its_statement(database: Any) -> None:
    with database.connect() as reader, database.connect(autocommit=True) as connection:
        reader.execute("DECLARE c CURSOR FOR SELECT v FROM t ORDER BY id")
        connection.execute("UPDATE t SET v = ? WHERE id = ?", (99, 1))
        assert reader.execute("FETCH ALL FROM c").fetchall() == [(10,), (20,)]
        reader.commit()


def test_nothing_is_purged_that_a_running_writer_below_may_need(database: Any) -> None:
    with database.connect() as older, database.connect(autocommit=True) as connection:
        older.execute("UPDATE t SET v = 21 WHERE id = 2")
        connection.execute("UPDATE t SET v = ? WHERE id = ?", (11, 1))
        assert len(manager_of(connection).purge_queue) == 1
        older.commit()
        assert len(manager_of(connection).purge_queue) == 0
    assert not database.check("full").problems


def test_who_waits_for_a_transaction_is_told_of_its_end(database: Any) -> None:
    with database.connect() as first, database.connect(autocommit=True) as second:
        first.execute("UPDATE t SET v = ? WHERE id = ?", (11, 1))
        waiter = threading.Thread(
            target=lambda: second.execute("UPDATE t SET v = v + ? WHERE id = ?", (100, 1))
        )
        waiter.start()
        while not second._session.database.transactions.locks.waiting_count:
            pass
        first.commit()
        waiter.join(60)
        assert not waiter.is_alive()
        assert first.execute("SELECT v FROM t WHERE id = 1").fetchval() == 111


def test_locks_of_tables_go_with_the_transaction(database: Any) -> None:
    with database.connect() as first, database.connect(autocommit=True) as second:
        first.execute("INSERT INTO t VALUES (3, 30)")
        second.execute("SET lock_timeout = 1")
        with pytest.raises(lungfish.OperationalError):
            second.execute("DROP TABLE t")
        first.commit()
        second.execute("DROP TABLE t")


def test_nothing_is_done_in_one_step_while_somebody_is_inside(database: Any) -> None:
    with database.connect() as connection:
        connection.execute("UPDATE t SET v = ? WHERE id = ?", (11, 1))
        manager, transaction = manager_of(connection), connection._session.transaction
        ends = native_ends(manager)
        if ends is None:
            pytest.skip("the compiled modules are not built here, or LUNGFISH_PLAIN is set")
        with manager.log._latch:
            assert not ends.append_commit(transaction)
        assert manager.fence.close(timeout_s=1)
        assert not ends.append_commit(transaction)
        manager.fence.open()
        with manager.members._mutex:
            assert not ends.finish(transaction)
        with manager.purge_queue._mutex:
            assert not ends.finish(transaction)
        transaction.on_commit.append(lambda: None)
        assert not ends.finish(transaction)
        transaction.on_commit.clear()
        assert transaction in manager.running()
        end = manager.log.end_lsn()
        assert ends.append_commit(transaction)
        assert manager.log.end_lsn() == transaction.commit_lsn == end + 48
        connection.commit()
        assert transaction not in manager.running()
