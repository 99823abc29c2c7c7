"""Updates that change the length of a row, in one step: within its page, to overflow pages and back, and what others see of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish.database.options import DatabaseOptions
from lungfish.native import compiled_module
from lungfish.session.plans import PlanningSession

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.executor.native_lanes") is None, reason="it is not built"
)
BODY = "UPDATE t SET body = ? WHERE id = ?"
BOTH = "UPDATE t SET body = ?, raw = ? WHERE id = ?"
COUNT = "UPDATE t SET n = n + 1 WHERE id = ? RETURNING n, body"
SELECT = "SELECT n, body, raw FROM t WHERE id = ?"
RANGE = "UPDATE t SET body = ? WHERE id >= ? AND id < ?"
DELETE = "DELETE FROM t WHERE id = ? RETURNING body"
# A page of 4,096 bytes is full, and its longest values are 1,016 bytes long.
OPTIONS = DatabaseOptions(page_size_bytes=4096, checkpoint_wal_bytes=0)
ROW_COUNT = 40


class Table:
    """A table on full pages, what is in it, and the statements about it that did not run in one step."""

    def __init__(self, database: lungfish.Database, path: Path) -> None:
        self.database, self.path = database, path
        self.connection = database.connect(autocommit=True)
        self.rows: dict[int, list[Any]] = {}
        self.left: list[str] = []

    def fill(self) -> None:
        self.connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int, body text, raw bytea)")
        self.rows = {number: [number, "x" * 300, b"raw"] for number in range(ROW_COUNT)}
        sets = [(number, *row) for number, row in self.rows.items()]
        self.connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", sets)

    def change(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement about one row, or RANGE, and do the same to `rows`."""
        cursor = self.connection.execute(sql, values)
        found = cursor.fetchall() if cursor.description else []
        for key in range(values[1], values[2]) if sql == RANGE else (values[-1],):
            row = self.rows[key]
            if sql in (BODY, BOTH, RANGE):
                row[1] = values[0]
            if sql == BOTH:
                row[2] = values[1]
            if sql == COUNT:
                row[0] += 1
            if sql == DELETE:
                del self.rows[key]
        return found

    def require_all(self) -> None:
        """All rows are as they should be, and the file too."""
        for key, row in self.rows.items():
            assert self.connection.execute(SELECT, (key,)).fetchone() == tuple(row), key
        assert self.connection.execute("SELECT count(*) FROM t").fetchval() == len(self.rows)
        assert not self.database.check("full").problems


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with lungfish.open(tmp_path / "a.db", options=OPTIONS) as database:
        made = Table(database, tmp_path / "a.db")
        made.fill()
        for sql, values in (
            (BODY, ("x" * 300, 0)),
            (BOTH, ("x" * 300, b"raw", 0)),
            (RANGE, ("x" * 300, 0, 2)),
            (COUNT, (-1,)),
            (SELECT, (0,)),
            (DELETE, (-1,)),
        ):
            # So that it is ready.
            for _ in range(3):
                made.connection.execute(sql, values)
        plainly = PlanningSession._run_ready

        def run_ready(session: Any, *arguments: Any, **names: Any) -> Any:
            made.left.append(session.last_query)
            return plainly(session, *arguments, **names)

        monkeypatch.setattr(PlanningSession, "_run_ready", run_ready)
        yield made


def begin(table: Table) -> None:
    """Begin a transaction, and have the pages at hand that may be changed in place."""
    table.connection.execute("BEGIN")
    for key in range(ROW_COUNT):
        table.change(COUNT, key)
    # What they push out needs pages: these are there then.
    table.change(BODY, "y" * 900, ROW_COUNT - 1)
    table.left.clear()


def test_a_text_gets_longer_and_shorter_within_its_page(table: Table) -> None:
    begin(table)
    table.change(BODY, "y" * 12, 1)
    for size in (13, 100, 7, 299, 290, 13, 280, 0):
        table.change(BODY, "z" * size, 1)
    table.change(BODY, None, 2)
    table.change(BODY, "back" * 70, 2)
    table.change(BOTH, None, b"q" * 250, 2)
    table.change(BOTH, "w" * 100, b"q" * 90, 2)
    assert table.left == []
    table.connection.execute("COMMIT")
    table.require_all()


def test_values_move_to_overflow_pages_and_back(table: Table) -> None:
    begin(table)
    for size in (400, 600, 1017, 1500, 300, 40, 1200):
        table.change(BODY, "o" * size, 5)
        assert table.change(COUNT, 5) == [(table.rows[5][0], "o" * size)]
        assert table.connection.execute(SELECT, (5,)).fetchone() == tuple(table.rows[5])
    table.change(BOTH, "p" * 700, b"r" * 800, 6)
    table.change(BOTH, "p" * 1400, b"r" * 1400, 6)
    assert table.change(DELETE, 5) == [("o" * 1200,)]
    # A new overflow page is Python's affair, and so is whatever comes then, as it has locked the row.
    assert len(table.left) <= 5
    table.connection.execute("COMMIT")
    table.require_all()


def test_a_page_is_made_tidy_when_there_is_enough_to_be_won(table: Table) -> None:
    begin(table)
    for _ in range(20):
        for size in (290, 250, 310, 200, 280):
            for key in (10, 11, 12):
                table.change(BODY, str(key) * (size // 2), key)
    assert len(table.left) < 10
    table.connection.execute("COMMIT")
    table.require_all()


def test_texts_of_a_range_get_longer_where_all_of_them_have_room(table: Table) -> None:
    begin(table)
    for key in range(10, 30):
        table.change(BODY, "", key)
    for size in (13, 40, 30):
        table.change(RANGE, "r" * size, 10, 14)
    assert table.left == []
    table.change(RANGE, "r" * 900, 10, 30)
    assert table.left == [RANGE]
    table.connection.execute("COMMIT")
    table.require_all()


def test_older_snapshots_see_what_was_there_before(table: Table) -> None:
    before = {key: tuple(row) for key, row in table.rows.items()}
    with table.database.connect(autocommit=True) as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        for key in range(ROW_COUNT):
            table.change(BODY, "new" * (key * 13 % 400), key)
        table.change(DELETE, 3)
        table.change(BOTH, "newer" * 150, b"r" * 900, 4)
        for key, row in before.items():
            assert reader.execute(SELECT, (key,)).fetchone() == row
        reader.execute("COMMIT")
        table.require_all()
        assert reader.execute(SELECT, (4,)).fetchone() == tuple(table.rows[4])


@pytest.mark.parametrize("to", ["ROLLBACK TO s; COMMIT", "ROLLBACK", "crash"])
def test_a_change_of_length_is_taken_back(table: Table, to: str) -> None:
    before = {key: list(row) for key, row in table.rows.items()}
    begin_at = "BEGIN; SAVEPOINT s"
    table.connection.execute(begin_at)
    for key in range(ROW_COUNT):
        table.change(BODY, "new" * (key * 13 % 400), key)
        table.change(COUNT, key)
        table.change(BOTH, "n" * (key * 17 % 1100), b"r" * (key * 7 % 30), key)
    table.change(DELETE, 7)
    table.rows = before
    if to == "crash":
        with table.database.connect(autocommit=True) as other:
            # So that the log has what is not committed.
            other.execute("CREATE TABLE other (i int)")
        table.database.crash()
        with lungfish.open(table.path, options=OPTIONS) as again:
            found = Table(again, table.path)
            found.rows = before
            found.require_all()
        return
    table.connection.execute(to)
    table.require_all()


def test_what_was_committed_is_there_after_a_crash(table: Table) -> None:
    for key in range(ROW_COUNT):
        table.change(BODY, "new" * (key * 13 % 400), key)
    table.connection.execute("BEGIN")
    for key in range(0, ROW_COUNT, 2):
        table.change(BOTH, None if key % 3 else "n" * key, b"r" * (40 * key), key)
        table.change(COUNT, key)
    table.connection.execute("COMMIT")
    table.database.crash()
    with lungfish.open(table.path, options=OPTIONS) as again:
        found = Table(again, table.path)
        found.rows = table.rows
        found.require_all()


def test_overflowed_values_are_freed_once_nobody_sees_them(table: Table) -> None:
    pool = table.connection.session.database.core.pool

    def change_all() -> int:
        for key in range(ROW_COUNT):
            table.change(BODY, "c" * 1500, key)
        return pool.figures().resident_pages

    for _ in range(3):
        first = change_all()
    for _ in range(10):
        last = change_all()
    assert last <= first + 2
    table.require_all()


def test_new_rows_go_to_other_pages_when_one_is_full(table: Table) -> None:
    insert = "INSERT INTO log VALUES (?, ?)"
    table.connection.execute("CREATE TABLE log (n int, body text)")
    for number in range(3):
        table.connection.execute(insert, (number, "x" * 300))
    table.connection.execute("BEGIN")
    table.connection.execute(insert, (3, "x" * 300))
    table.left.clear()
    for number in range(4, 200):
        table.connection.execute(insert, (number, "x" * (number * 7 % 500)))
    assert table.left == []
    table.connection.execute("COMMIT")
    # Pages that are free again are taken before new ones.
    pages = "SELECT pg_relation_size('log')"
    before = table.connection.execute(pages).fetchval()
    table.connection.execute("DELETE FROM log WHERE n < 150")
    for number in range(100):
        table.connection.execute(insert, (number, "y" * 250))
    found = table.connection.execute("SELECT n, length(body) FROM log ORDER BY n").fetchall()
    kept = [(number, number * 7 % 500) for number in range(150, 200)]
    assert found == [(number, 250) for number in range(100)] + kept
    assert table.connection.execute(pages).fetchval() <= before
    assert not table.database.check("full").problems


def test_memory_stays_within_its_budget_while_pages_are_added(tmp_path: Path) -> None:
    options = DatabaseOptions(page_size_bytes=4096, buffer_bytes=96 << 10, checkpoint_wal_bytes=0)
    with lungfish.open(tmp_path / "b.db", options=options) as database:
        connection = database.connect(autocommit=True)
        connection.execute("CREATE TABLE log (n int, body text)")
        connection.execute("BEGIN")
        for number in range(3000):
            connection.execute("INSERT INTO log VALUES (?, ?)", (number, "x" * 300))
        figures = connection.session.database.core.pool.figures()
        assert figures.used_bytes <= 2 * figures.budget_bytes
        connection.execute("COMMIT")
        assert connection.execute("SELECT sum(n), count(*) FROM log").fetchone() == (4498500, 3000)
