"""Temporary tables, views and sequences: one session's own, gone with it, and never in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[tuple[lungfish.Connection, lungfish.Connection]]:
    path = str(tmp_path / "t.db")
    with (
        lungfish.connect(path, autocommit=True) as one,
        lungfish.connect(path, autocommit=True) as two,
    ):
        one.execute("CREATE TABLE t (a integer)")
        one.execute("INSERT INTO t VALUES (1)")
        yield one, two


Sessions = tuple[lungfish.Connection, lungfish.Connection]


def test_a_temporary_table_hides_a_permanent_one_from_its_session_only(sessions: Sessions) -> None:
    one, two = sessions
    one.execute("CREATE TEMP TABLE t (a serial, b text DEFAULT 'x')")
    one.execute("INSERT INTO t DEFAULT VALUES")
    assert one.execute("SELECT * FROM t").fetchall() == [(1, "x")]
    assert one.execute("SELECT * FROM public.t").fetchall() == [(1,)]
    assert two.execute("SELECT * FROM t").fetchall() == [(1,)]
    two.execute("CREATE TEMP TABLE t (z integer)")
    assert two.execute("SELECT * FROM t").fetchall() == []
    one.execute("DROP TABLE t")
    assert one.execute("SELECT * FROM t").fetchall() == [(1,)]


def test_temporary_ddl_is_undone_by_rollback(sessions: Sessions) -> None:
    one, _ = sessions
    one.execute("BEGIN")
    one.execute("CREATE TEMP TABLE x AS SELECT 1 AS a")
    one.execute("SAVEPOINT s")
    one.execute("CREATE TEMP TABLE y (a integer)")
    one.execute("ROLLBACK TO s")
    with pytest.raises(errors.UndefinedTable):
        one.execute("SELECT * FROM y")
    one.execute("ROLLBACK")
    with pytest.raises(errors.UndefinedTable):
        one.execute("SELECT * FROM x")


def test_on_commit_empties_or_drops(sessions: Sessions) -> None:
    one, _ = sessions
    one.execute("CREATE TEMP TABLE emptied (a integer) ON COMMIT DELETE ROWS")
    one.execute("BEGIN")
    one.execute("CREATE TEMP TABLE dropped (a integer) ON COMMIT DROP")
    one.execute("INSERT INTO emptied VALUES (1), (2)")
    assert one.execute("SELECT count(*) FROM emptied, dropped").fetchval() == 0
    assert one.execute("SELECT count(*) FROM emptied").fetchval() == 2
    one.execute("COMMIT")
    assert one.execute("SELECT count(*) FROM emptied").fetchval() == 0
    with pytest.raises(errors.UndefinedTable):
        one.execute("SELECT * FROM dropped")


def test_a_view_of_a_temporary_table_is_temporary(sessions: Sessions) -> None:
    one, two = sessions
    notices: list[str] = []
    one.on_notice(lambda severity, message: notices.append(message))
    one.execute("CREATE TEMP TABLE x (a integer)")
    one.execute("CREATE VIEW v AS SELECT * FROM x")
    assert notices == ['view "v" will be a temporary view']
    with pytest.raises(errors.UndefinedTable):
        two.execute("SELECT * FROM v")


def test_permanent_and_temporary_tables_do_not_reference_each_other(sessions: Sessions) -> None:
    one, _ = sessions
    one.execute("CREATE TEMP TABLE x (a integer PRIMARY KEY)")
    with pytest.raises(errors.InvalidTableDefinition, match="permanent tables may reference only"):
        one.execute("CREATE TABLE p (a integer REFERENCES x)")
    one.execute("CREATE TABLE q (a integer PRIMARY KEY)")
    with pytest.raises(errors.InvalidTableDefinition, match="temporary tables may reference only"):
        one.execute("CREATE TEMP TABLE y (a integer REFERENCES q)")
    with pytest.raises(errors.InvalidTableDefinition, match="non-temporary schema"):
        one.execute("CREATE TEMP TABLE public.z (a integer)")


def test_temporary_rows_are_not_logged(sessions: Sessions) -> None:
    one, _ = sessions
    one.execute("CREATE TEMP TABLE x (a integer PRIMARY KEY, b text)")
    before = log_end(one)
    one.execute("INSERT INTO x SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i")
    one.execute("UPDATE x SET b = 'y' WHERE a % 2 = 0")
    one.execute("DELETE FROM x WHERE a % 3 = 0")
    assert log_end(one) - before < 1000
    assert one.execute("SELECT count(*), count(DISTINCT b) FROM x").fetchall() == [(3334, 2)]


def log_end(connection: lungfish.Connection) -> int:
    return int(connection._session.database.core.log.end_lsn())


def test_temporary_tables_live_through_a_checkpoint_and_die_in_a_crash(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    one = lungfish.connect(path, autocommit=True)
    one.execute("CREATE TEMP TABLE x AS SELECT i, repeat('x', 5000) FROM generate_series(1, 200) i")
    one.execute("CREATE TABLE kept (a integer)")
    one.execute("CHECKPOINT")
    one.execute("BEGIN")
    one.execute("UPDATE x SET i = i + 1")
    one.execute("ROLLBACK")
    assert one.execute("SELECT sum(i) FROM x").fetchval() == 20100
    lungfish.open(path).crash()
    one.close()
    with lungfish.connect(path, autocommit=True) as again:
        with pytest.raises(errors.UndefinedTable):
            again.execute("SELECT * FROM x")
        again.execute("INSERT INTO kept VALUES (1)")
        again.execute("CREATE TEMP TABLE x (a integer)")
        assert again.execute("SELECT count(*) FROM x").fetchval() == 0


def test_a_session_takes_its_temporary_tables_along(sessions: Sessions) -> None:
    one, two = sessions
    before = len(two._session.database.core.store.relations())
    two.execute("CREATE TEMP TABLE x (a serial PRIMARY KEY)")
    assert len(two._session.database.core.store.relations()) > before
    two.close()
    assert len(one._session.database.core.store.relations()) == before
