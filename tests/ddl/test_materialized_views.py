"""Materialised views: filled, refreshed, depended upon, and kept over a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def base(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("CREATE TABLE t (a integer, b text)")
    connection.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    return connection


def test_one_without_data_cannot_be_read_until_it_is_refreshed(base: Any) -> None:
    base.execute("CREATE MATERIALIZED VIEW m AS SELECT * FROM t WITH NO DATA")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="has not been populated"):
        base.execute("SELECT * FROM m")
    base.execute("REFRESH MATERIALIZED VIEW m")
    assert base.execute("SELECT * FROM m").fetchall() == [(1, "x"), (2, "y")]


def test_it_shows_what_was_there_at_its_last_refresh(base: Any) -> None:
    base.execute("CREATE MATERIALIZED VIEW m (k, v) AS SELECT a, b FROM t")
    base.execute("CREATE UNIQUE INDEX ON m (k)")
    base.execute("DELETE FROM t WHERE a = 1")
    assert base.execute("SELECT count(*) FROM m").fetchval() == 2
    base.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY m")
    assert base.execute("SELECT v FROM m WHERE k = 2").fetchall() == [("y",)]
    assert base.execute("SELECT count(*) FROM m").fetchval() == 1


def test_a_refresh_is_undone_by_rollback(base: Any) -> None:
    base.execute("CREATE MATERIALIZED VIEW m AS SELECT * FROM t")
    base.execute("BEGIN")
    base.execute("DELETE FROM t")
    base.execute("REFRESH MATERIALIZED VIEW m")
    assert base.execute("SELECT count(*) FROM m").fetchval() == 0
    base.execute("ROLLBACK")
    assert base.execute("SELECT count(*) FROM m").fetchval() == 2


def test_it_is_neither_table_nor_view(base: Any) -> None:
    base.execute("CREATE MATERIALIZED VIEW m AS SELECT * FROM t")
    with pytest.raises(errors.WrongObjectType):
        base.execute("INSERT INTO m VALUES (1, 'x')")
    with pytest.raises(errors.WrongObjectType):
        base.execute("DROP VIEW m")
    with pytest.raises(errors.WrongObjectType):
        base.execute("DROP TABLE m")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        base.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY m")


def test_what_it_reads_cannot_be_dropped_but_renamed(base: Any) -> None:
    base.execute("CREATE MATERIALIZED VIEW m AS SELECT t.a FROM t")
    base.execute("CREATE VIEW v AS SELECT m.a + 1 AS a FROM m")
    with pytest.raises(errors.DependentObjectsStillExist) as caught:
        base.execute("DROP TABLE t")
    assert caught.value.detail == "materialized view m depends on table t"
    base.execute("CREATE SCHEMA s")
    base.execute("ALTER TABLE t RENAME TO u")
    base.execute("ALTER TABLE u SET SCHEMA s")
    base.execute("ALTER SCHEMA s RENAME TO z")
    base.execute("ALTER MATERIALIZED VIEW m RENAME TO n")
    base.execute("INSERT INTO z.u VALUES (3, 'z')")
    base.execute("REFRESH MATERIALIZED VIEW n")
    assert base.execute("SELECT a FROM v ORDER BY a").fetchall() == [(2,), (3,), (4,)]
    base.execute("DROP TABLE z.u CASCADE")
    with pytest.raises(errors.UndefinedTable):
        base.execute("SELECT * FROM v")


def test_it_outlives_a_crash(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    connection = lungfish.connect(path, autocommit=True)
    connection.execute("CREATE MATERIALIZED VIEW m AS SELECT i FROM generate_series(1, 9) AS s(i)")
    lungfish.open(path).crash()
    connection.close()
    with lungfish.connect(path, autocommit=True) as again:
        assert again.execute("SELECT sum(i) FROM m").fetchval() == 45
        again.execute("REFRESH MATERIALIZED VIEW m")
        assert again.execute("SELECT sum(i) FROM m").fetchval() == 45
