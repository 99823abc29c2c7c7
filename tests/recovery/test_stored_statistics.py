"""What ANALYZE has learned is there again after a restart, clean or not."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish.connection import Connection
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.sql_drill import open_on

FIGURES = "SELECT relname, reltuples, relpages > 0 FROM pg_class WHERE relname IN ('t', 'u', 'x', 't_k_idx') ORDER BY 1"


def figures(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(FIGURES).fetchall()


def distinct_count(connection: Connection) -> float | None:
    database = connection._session.database
    (table,) = [each for each in database.catalog.tables() if each.name == "t"]
    return database.statistics.distinct_count(table, 2)


def make_tables(disk: SimulatedDisk) -> Connection:
    connection = open_on(disk)
    connection.execute("CREATE TABLE t (i integer, k integer); CREATE INDEX ON t (k)")
    connection.execute("INSERT INTO t SELECT i, i % 7 FROM generate_series(1, 500) g(i)")
    connection.execute("CREATE TABLE u AS SELECT 1 AS i; CREATE TABLE x AS SELECT 2 AS i")
    return connection


@pytest.mark.parametrize("has_checkpoint", [True, False])
@pytest.mark.parametrize("is_crash", [True, False])
def test_statistics_are_there_again_after_a_restart(has_checkpoint: bool, is_crash: bool) -> None:
    disk = SimulatedDisk()
    connection = make_tables(disk)
    connection.execute("CHECKPOINT")
    connection.execute("ANALYZE t; ANALYZE u")
    if has_checkpoint:
        connection.execute("CHECKPOINT")
    connection.execute("INSERT INTO u VALUES (2)")
    before = figures(connection)
    assert ("t", 500.0, True) in before
    if is_crash:
        connection._session.database.crash()
    connection.close()
    connection = open_on(disk)
    assert figures(connection) == before
    assert distinct_count(connection) == 7
    connection.close()


def test_what_was_learned_of_a_table_goes_with_it() -> None:
    disk = SimulatedDisk()
    connection = make_tables(disk)
    for sql in ("ANALYZE", "CHECKPOINT", "DROP TABLE u"):
        connection.execute(sql)
    connection.execute("BEGIN; CREATE TABLE gone AS SELECT 3 AS i; ANALYZE gone; ROLLBACK")
    database = connection._session.database
    database.crash()
    connection.close()
    connection = open_on(disk)
    database = connection._session.database
    present = {table.relation_id for table in database.catalog.tables()}
    assert set(database.core.stored_statistics.known) == present
    connection.close()


def test_a_temporary_table_leaves_nothing_in_the_log() -> None:
    connection = open_on(SimulatedDisk())
    connection.execute("CREATE TEMPORARY TABLE mine AS SELECT 1 AS i")
    connection.execute("ANALYZE mine")
    assert not connection._session.database.core.stored_statistics.known
    connection.close()
