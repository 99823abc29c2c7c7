"""pg_stat_* and the catalogs of servers: what is counted, what is null because nobody counts it, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, name text)")
    connection.execute("INSERT INTO t SELECT g, g::text FROM generate_series(1, 30) g")
    return connection


def one(db: Any, sql: str) -> tuple[Any, ...]:
    (row,) = db.execute(sql).fetchall()
    return tuple(row)


COUNTS = (
    "SELECT n_live_tup, vacuum_count, analyze_count FROM pg_stat_user_tables WHERE relname = 't'"
)


def test_vacuum_and_analyze_are_counted_by_table(db: Any) -> None:
    assert one(db, COUNTS) == (None, 0, 0)
    db.execute("VACUUM t")
    assert one(db, COUNTS) == (30, 1, 0)
    db.execute("ANALYZE t")
    db.execute("VACUUM (ANALYZE) t")
    assert one(db, COUNTS) == (30, 2, 2)


def test_vacuum_full_counts_as_no_vacuum_and_keeps_what_is_known_of_columns(db: Any) -> None:
    db.execute("ANALYZE t")
    known = "SELECT attname, n_distinct FROM pg_stats WHERE tablename = 't' AND attname = 'id'"
    before = one(db, known)
    db.execute("VACUUM (FULL) t")
    assert one(db, COUNTS) == (30, 0, 1)
    assert one(db, known) == before


def test_an_index_whose_scans_nobody_counts_does_not_look_unused(db: Any) -> None:
    assert one(db, "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes") == ("t_pkey", None)
    assert db.execute("SELECT * FROM pg_stat_user_indexes WHERE idx_scan = 0").fetchall() == []


def test_temporary_files_and_pages_are_counted_for_the_database(db: Any) -> None:
    row = one(db, "SELECT numbackends, blks_hit > 0, temp_files, deadlocks FROM pg_stat_database")
    assert row == (1, True, 0, 0)


def test_a_copy_is_seen_while_it_lasts(db: Any) -> None:
    db.execute(
        "CREATE FUNCTION seen() RETURNS text VOLATILE LANGUAGE sql AS "
        "'SELECT concat(pid = pg_backend_pid(), tuples_processed) FROM pg_stat_progress_copy'"
    )
    db.execute("CREATE TABLE log (id integer, said text DEFAULT seen())")
    with db.copy("COPY log (id) FROM STDIN") as copy:
        copy.write("1\n2\n")
    assert db.execute("SELECT said FROM log").fetchall() == [("t2",), ("t2",)]
    assert db.execute("SELECT seen()").fetchall() == [(None,)]


@pytest.mark.parametrize("name", ["pg_config", "pg_shmem_allocations", "pg_stat_slru"])
def test_what_cannot_be_told_is_refused_by_name(db: Any, name: str) -> None:
    with pytest.raises(errors.FeatureNotSupported, match=f"^{name} is not supported"):
        db.execute(f"SELECT * FROM {name}")
