"""Statements that run again take the short way, and nobody can tell by their answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish
from lungfish.session import ready as ready_module
from lungfish.session.plans import PlanningSession


@pytest.fixture
def database() -> Iterator[lungfish.Database]:
    with lungfish.open(":memory:") as made:
        yield made


@pytest.fixture
def connection(database: lungfish.Database) -> Iterator[lungfish.Connection]:
    with database.connect(autocommit=True) as made:
        made.execute("CREATE TABLE t (id int PRIMARY KEY, at date, name text, n numeric(8, 2))")
        made.execute("INSERT INTO t VALUES (1, '2020-02-29', 'one', 1.5), (-2, NULL, 'x''y', 2)")
        yield made


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command tags of the statements that took the short way; without lanes, which are shorter still."""
    monkeypatch.setattr(ready_module, "make_lane", lambda *_: None)
    tags: list[str] = []
    run_ready = PlanningSession._run_ready

    def note(self: PlanningSession, *arguments: object, **named: object) -> object:
        result = run_ready(self, *arguments, **named)  # type: ignore[arg-type]
        tags.append(result.tag)
        return result

    monkeypatch.setattr(PlanningSession, "_run_ready", note)
    return tags


def test_a_text_with_parameters_is_ready_from_its_second_run(
    connection: lungfish.Connection, short_runs: list[str]
) -> None:
    for key, name in ((1, "one"), (-2, "x'y"), (3, None)):
        # The expression keeps it from having a lane.
        found = connection.execute("SELECT name || '' FROM t WHERE id = ?", (key,)).fetchval()
        assert found == name
    assert short_runs == ["SELECT 1", "SELECT 0"]


def test_literals_of_one_shape_share_a_plan(
    connection: lungfish.Connection, short_runs: list[str]
) -> None:
    queries = [
        ("SELECT name, at FROM t WHERE id = 1", [("one", "2020-02-29")]),
        ("SELECT name, at FROM t WHERE id = -2", [("x'y", None)]),
        ("SELECT name, at FROM t WHERE id = 3000000000", []),
        ("SELECT name, at FROM t WHERE id = '1'", [("one", "2020-02-29")]),
    ]
    for sql, rows in queries:
        assert connection.execute(sql).fetch_text() == rows
    connection.execute("INSERT INTO t VALUES (7, '2021-01-01', 'it''s', 3)")
    connection.execute("UPDATE t SET name = 'new', n = n + 0.25 WHERE id = 7")
    assert connection.execute("SELECT * FROM t WHERE id = 7").fetch_text() == [
        ("7", "2021-01-01", "new", "3.25")
    ]
    connection.execute("DELETE FROM t WHERE id = 7")
    assert connection.execute("SELECT count(*) FROM t WHERE name = 'new'").fetchval() == 0
    # Only for a key beyond the column's range another plan is needed.
    assert len(short_runs) == len(queries) - 1 + 4


@pytest.mark.parametrize(
    ("sql", "sqlstate", "place"),
    [
        ("INSERT INTO t VALUES (9, 'no date', 'x', 1)", "22007", "'no date'"),
        ("INSERT INTO t VALUES (9, '2020-01-01', 'x', 1234567)", "22003", None),
        ("SELECT name FROM t WHERE id = 'one'", "22P02", "'one'"),
        ("SELECT nane FROM t WHERE id = 1", "42703", "nane"),
        ("UPDATE t SET n = n / 0 WHERE id = 1", "22012", None),
        ("INSERT INTO t VALUES (1, NULL, 'x', 1)", "23505", None),
    ],
)
def test_errors_are_worded_and_placed_as_ever(
    connection: lungfish.Connection, sql: str, sqlstate: str, place: str | None
) -> None:
    connection.execute("INSERT INTO t VALUES (8, '2020-01-01', 'x', 1)")
    connection.execute("SELECT name FROM t WHERE id = '8'")
    connection.execute("UPDATE t SET n = n / 1 WHERE id = 8")
    for _ in range(2):
        with pytest.raises(lungfish.Error) as caught:
            connection.execute(sql)
        assert caught.value.sqlstate == sqlstate
        if place is not None:
            assert caught.value.position == sql.index(place)


def test_a_ready_statement_follows_the_catalog_and_the_search_path(
    connection: lungfish.Connection,
) -> None:
    sql = "SELECT * FROM t WHERE id = ?"
    for _ in range(2):
        assert connection.execute(sql, (1,)).rowcount == 1
    connection.execute("ALTER TABLE t DROP COLUMN at")
    assert connection.execute(sql, (1,)).fetch_text() == [("1", "one", "1.50")]
    connection.execute("CREATE SCHEMA s")
    connection.execute("CREATE TABLE s.t (id int PRIMARY KEY)")
    connection.execute("SET search_path = s, public")
    assert connection.execute(sql, (1,)).fetchall() == []
    connection.execute("DROP TABLE s.t")
    assert connection.execute(sql, (1,)).fetchall() != []


def test_a_failed_transaction_refuses_ready_statements_too(
    connection: lungfish.Connection,
) -> None:
    sql = "SELECT name FROM t WHERE id = ?"
    for _ in range(2):
        connection.execute(sql, (1,))
    connection.execute("BEGIN")
    with pytest.raises(lungfish.Error):
        connection.execute("SELECT 1 / 0")
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(sql, (1,))
    assert caught.value.sqlstate == "25P02"
    connection.execute("ROLLBACK")
    assert connection.execute(sql, (1,)).fetchval() == "one"


def test_a_ready_read_that_writes_by_function_is_committed(
    connection: lungfish.Connection,
) -> None:
    for timeout in ("7s", "8s", "9s"):
        connection.execute("SELECT set_config('lock_timeout', ?, false)", (timeout,))
    assert connection.execute("SHOW lock_timeout").fetchval() == "9s"
    first, second = (connection.execute("SELECT txid_current()").fetchval() for _ in range(2))
    assert second > first


def test_readers_let_go_of_their_snapshots_and_locks(
    connection: lungfish.Connection, database: lungfish.Database
) -> None:
    for _ in range(3):
        connection.execute("SELECT name FROM t WHERE id = 1")
    with database.connect(autocommit=True) as other:
        assert other.execute("SELECT count(*) FROM lungfish.snapshots").fetchval() == 1
        other.execute("SET lock_timeout = '1ms'")
        other.execute("ALTER TABLE t ADD COLUMN more int")
    assert len(connection.execute("SELECT * FROM t WHERE id = 1").fetchone()) == 5


def test_a_ready_read_that_fails_leaves_nothing_behind(connection: lungfish.Connection) -> None:
    sql = "SELECT 10 / id FROM t WHERE id = ?"
    connection.execute("INSERT INTO t VALUES (0)")
    connection.execute(sql, (1,))
    with pytest.raises(lungfish.DataError):
        connection.execute(sql, (0,))
    assert connection.execute(sql, (1,)).fetchval() == 10
