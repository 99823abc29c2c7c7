"""Rows made of sets of parameters, inserted by the page: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lungfish
from lungfish.native import compiled_module
from lungfish.storage.native import run_maker
from lungfish.storage.table_index import UniqueConflict
from lungfish.storage.table_sets import SetRows, insert_sets
from lungfish.storage.undo_runs import InsertRun

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.storage.native_runs") is None,
    reason="the compiled modules are not built here, or LUNGFISH_PLAIN is set",
)

ROWS = SetRows((0, 1, -1), (None, None, 7))
SETS = [(number, f"text {number}") for number in range(2000)]


class Interrupt(BaseException):
    """What comes from outside."""


@pytest.fixture
def database() -> Any:
    with lungfish.open(":memory:") as made:
        with made.connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text, n int)")
            connection.execute("CREATE INDEX t_name ON t (name)")
        yield made


def store_of(connection: Any) -> Any:
    """The table's store, within a transaction."""
    connection.execute("SELECT 1")
    session = connection._session
    (table,) = (each for each in session.catalog.tables() if each.name == "t")
    return session.tables.table_store(table)


def insert(database: Any, sets: list[tuple[Any, ...]], look_up: Callable[[], None]) -> None:
    with database.connect() as connection:
        store = store_of(connection)
        try:
            assert insert_sets(store, connection._session.transaction, sets, ROWS, look_up)
        finally:
            connection.commit()


def rows(database: Any) -> Any:
    assert not database.check("full").problems
    with database.connect() as connection:
        by_name = connection.execute("SELECT * FROM t WHERE name >= '' ORDER BY name").fetchall()
        assert by_name == connection.execute("SELECT * FROM t ORDER BY name").fetchall()
        return sorted(by_name)


def test_a_row_is_made_of_parameters_and_constants(database: Any) -> None:
    insert(database, SETS, lambda: None)
    assert rows(database) == [(number, name, 7) for number, name in SETS]


def test_what_comes_between_pages_takes_all_rows_back(database: Any) -> None:
    left = [3]

    def look_up() -> None:
        left[0] -= 1
        if not left[0]:
            raise Interrupt

    with pytest.raises(Interrupt):
        insert(database, SETS, look_up)
    assert rows(database) == []


def test_a_key_that_is_there_takes_all_rows_back(database: Any) -> None:
    insert(database, SETS[1500:1501], lambda: None)
    with pytest.raises(UniqueConflict):
        insert(database, SETS, lambda: None)
    assert rows(database) == [(1500, "text 1500", 7)]


def test_rows_taken_back_are_not_there_after_a_crash(tmp_path: Any) -> None:
    sql, path = "INSERT INTO t VALUES (?, ?)", str(tmp_path / "t.db")
    database = lungfish.open(path)
    connection = database.connect(autocommit=True)
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    connection.execute("BEGIN")
    connection.executemany(sql, SETS[:900])
    connection.execute("SAVEPOINT one")
    with pytest.raises(lungfish.IntegrityError):
        connection.executemany(sql, [*SETS[1000:], SETS[5]])
    connection.execute("ROLLBACK TO one")
    connection.executemany(sql, SETS[900:1000])
    connection.execute("COMMIT")
    database.crash()
    with lungfish.open(path) as again, again.connect() as connection:
        assert connection.execute("SELECT * FROM t ORDER BY id").fetchall() == SETS[:1000]
        assert not again.check("full").problems


def test_a_run_is_given_to_no_page_that_is_frozen_or_has_holes(database: Any) -> None:
    insert(database, SETS[:10], lambda: None)
    with database.connect() as connection:
        store = store_of(connection)
        maker = run_maker(store.rows.native, ROWS.sources, ROWS.constants)
        assert maker is not None
        transaction = connection._session.transaction
        transaction.assign_id()

        def try_run(start: int) -> int:
            run = InsertRun(store.rows, 0, 0)
            return maker.insert(transaction, SETS[: start + 5], start, run)

        assert try_run(20) == 5
        with database.connect(autocommit=True) as other:
            other.execute("CHECKPOINT")
            assert try_run(30) == 0
            other.execute("DELETE FROM t WHERE id = 5")
            other.execute("VACUUM t")
        assert try_run(40) == 0
        connection.commit()
    assert len(rows(database)) == 14
