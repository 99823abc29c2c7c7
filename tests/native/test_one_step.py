"""What a statement in one step may meet: entries of older versions, a plan that changed while it waited, a text that is none."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import pytest

import lungfish
from lungfish.native import compiled_module
from lungfish.session import time_limit
from lungfish.storage.transactions import Transaction


@pytest.fixture
def database() -> Any:
    with lungfish.open(":memory:") as made:
        with made.connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
            connection.execute("INSERT INTO t VALUES (1, 10), (5, 50)")
        yield made


@pytest.mark.parametrize(
    ("sql", "values"),
    [("UPDATE t SET v = ? WHERE id = ?", (99, 1)), ("DELETE FROM t WHERE id = ?", (1,))],
)
def test_a_key_that_a_row_had_before_leads_to_no_row(
    database: Any, sql: str, values: tuple[int, ...]
) -> None:
    with database.connect(autocommit=True) as connection:
        for _ in range(3):
            # So that it is ready.
            connection.execute(sql, (*values[:-1], 777))
        connection.execute("BEGIN")
        connection.execute("UPDATE t SET v = 12 WHERE id = 5")
        connection.execute("UPDATE t SET id = 2 WHERE id = 1")
        for _ in range(2):
            assert connection.execute(sql, values).rowcount == 0
        connection.execute("COMMIT")
        found = connection.execute("SELECT * FROM t ORDER BY id").fetchall()
        assert found == [(2, 10), (5, 12)]


def test_rows_of_a_plan_that_changed_while_it_waited_are_of_the_new_types(database: Any) -> None:
    sql = "SELECT v FROM t WHERE id = ?"
    found: list[Any] = []
    with database.connect(autocommit=True) as one, database.connect(autocommit=True) as other:
        for _ in range(3):
            assert other.execute(sql, (1,)).fetchall() == [(10,)]
        one.execute("BEGIN")
        one.execute("ALTER TABLE t ALTER v TYPE text USING 'number ' || v")
        one.execute("ALTER TABLE t ALTER v TYPE date USING date '2000-01-01' + 10")
        reader = threading.Thread(target=lambda: found.extend(other.execute(sql, (1,)).fetchall()))
        reader.start()
        deadline = time.monotonic() + 60
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not one.execute(waiting).fetchval():
            assert time.monotonic() < deadline, "it should wait for the table"
        one.execute("COMMIT")
        reader.join(60)
        assert found == other.execute(sql, (1,)).fetchall()
        assert [type(value).__name__ for (value,) in found] == ["date"]


def test_a_text_that_is_none_is_refused_before_the_statement_begins(database: Any) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE s (k text PRIMARY KEY, v text)")
        connection.execute("INSERT INTO s VALUES ('a', 'b')")
        sql = "UPDATE s SET v = ? WHERE k = ?"
        for _ in range(3):
            connection.execute(sql, ("x", "a"))
        connection.execute("BEGIN")
        connection.execute(sql, ("y", "a"))
        with pytest.raises(lungfish.Error):
            connection.execute(sql, ("\ud800", "a"))
        assert connection.transaction_status == "active"
        connection.commit()
        assert connection.execute("SELECT v FROM s").fetchval() == "y"


def test_a_row_that_somebody_has_locked_is_waited_for_and_others_are_not(database: Any) -> None:
    sql = "UPDATE t SET v = v + 1 WHERE id = ?"
    with database.connect(autocommit=True) as one, database.connect(autocommit=True) as other:
        other.execute("SET lock_timeout = 1")
        for _ in range(3):
            assert other.execute(sql, (1,)).rowcount == 1
        one.execute("BEGIN")
        one.execute("SELECT * FROM t WHERE id = 5 FOR UPDATE")
        other.execute("BEGIN")
        assert other.execute(sql, (1,)).rowcount == 1
        with pytest.raises(lungfish.errors.LockNotAvailable):
            other.execute(sql, (5,))
        other.rollback()
        for _ in range(2):
            assert one.execute(sql, (5,)).rowcount == 1
        one.execute("COMMIT")
        assert one.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, 13), (5, 52)]


def test_rows_of_a_range_that_somebody_has_locked_are_waited_for(database: Any) -> None:
    sql = "UPDATE t SET v = v + 1 WHERE id > ? AND id < ?"
    with database.connect(autocommit=True) as one, database.connect(autocommit=True) as other:
        other.execute("SET lock_timeout = 1")
        for _ in range(3):
            assert other.execute(sql, (0, 9)).rowcount == 2
        one.execute("BEGIN")
        one.execute("SELECT * FROM t WHERE id = 5 FOR SHARE")
        other.execute("BEGIN")
        assert other.execute(sql, (0, 3)).rowcount == 1
        with pytest.raises(lungfish.errors.LockNotAvailable):
            other.execute(sql, (0, 9))
        other.rollback()
        one.execute("COMMIT")
        assert one.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, 13), (5, 53)]


@pytest.mark.parametrize("table", ["t", "u"])
def test_a_join_sees_one_moment_of_both_tables(database: Any, table: str) -> None:
    sql = "SELECT t.v, u.v FROM t, u WHERE t.id = ? AND u.id = t.id + 0"
    with database.connect(autocommit=True) as reader, database.connect(autocommit=True) as writer:
        writer.execute("CREATE TABLE u (id int PRIMARY KEY, v int)")
        writer.execute("INSERT INTO u VALUES (1, 10), (5, 50)")
        for _ in range(3):
            assert reader.execute(sql, (1,)).fetchall() == [(10, 10)]

        stores = reader._session.database.stores.all()
        (rows,) = [store.rows for store in stores if store.rows.name == table]
        (index,) = rows.indexes
        kind, tree, looks = type(index), index.btree, []

        class Watched(kind):  # type: ignore[valid-type, misc]
            """The index, the first look at whose tree lets the writer in."""

            @property
            def btree(self) -> Any:
                if not looks:
                    looks.append(self)
                    writer.execute("BEGIN; UPDATE t SET v = 11; UPDATE u SET v = 11; COMMIT")
                return tree

        # Learned anew, as the tuple is another one.
        rows.indexes = (*rows.indexes,)
        index.__class__ = Watched
        try:
            (found,) = reader.execute(sql, (1,)).fetchall()
        finally:
            index.__class__ = kind
        assert found in ((10, 10), (11, 11))


@pytest.mark.skipif(
    compiled_module("lungfish.executor.native_range_lanes") is None,
    reason="the ordinary way asks for the lock's owner under a latch, where nobody may be let in",
)
def test_a_row_of_a_range_is_not_changed_from_what_it_no_longer_is(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "UPDATE t SET v = v + 1 WHERE id > ? AND id < ?"
    found = Transaction.lock_owner.fget
    assert found is not None
    with database.connect(autocommit=True) as one, database.connect(autocommit=True) as other:
        other.execute("SET lock_timeout = 1")
        for _ in range(3):
            one.execute(sql, (0, 9))
        one.execute("BEGIN")
        one.execute("SELECT * FROM t WHERE id = 5 FOR UPDATE")
        one.execute("UPDATE t SET v = 7 WHERE id = 5")
        looks: list[bool] = []

        def lock_owner(transaction: Transaction) -> Any:
            if not looks:
                looks.append(False)
                with contextlib.suppress(lungfish.errors.LockNotAvailable):
                    other.execute("UPDATE t SET v = 100 WHERE id = 1")
                    looks.append(True)
            return found(transaction)

        monkeypatch.setattr(Transaction, "lock_owner", property(lock_owner))
        one.execute(sql, (0, 9))
        monkeypatch.undo()
        one.execute("COMMIT")
        (value,) = one.execute("SELECT v FROM t WHERE id = 1").fetchone()
        assert value == (101 if True in looks else 14)


@pytest.mark.skipif(
    compiled_module("lungfish.session.native_runner") is None, reason="built without a C compiler"
)
def test_a_time_limit_costs_a_statement_in_one_step_no_timer(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql, change = "SELECT v FROM t WHERE id = ?", "UPDATE t SET v = ? WHERE id = ?"
    with database.connect(autocommit=True) as connection:
        connection.execute("SET statement_timeout = '10s'")
        for _ in range(3):
            connection.execute(sql, (1,))
            connection.execute("BEGIN")
            connection.execute(change, (11, 1))
            connection.execute("COMMIT")

        def no_timer(*_: object) -> None:
            raise AssertionError("a timer")

        monkeypatch.setattr(time_limit.threading, "Timer", no_timer)
        assert connection.execute(sql, (1,)).fetchall() == [(11,)]
        connection.execute("BEGIN")
        connection.execute(sql, (1,))
        connection.execute(change, (12, 1))
        connection.execute("COMMIT")
        assert connection.execute(sql, (1,)).fetchall() == [(12,)]
        with pytest.raises(lungfish.errors.InternalError, match="a timer"):
            connection.execute("SELECT count(*) FROM t, t u")
