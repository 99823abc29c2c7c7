"""Sorts, joins and aggregates that work_mem cannot hold go to temporary files, which never outlive their statement, or a kill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.crash.sql_drill import open_on

ROW_COUNT = 60_000
QUERIES = [
    "SELECT s, i FROM t ORDER BY s DESC, i",
    "SELECT s, count(*), max(i) FROM t GROUP BY s ORDER BY 1",
    "SELECT a.i, b.s FROM t a JOIN t b ON a.s = b.s ORDER BY a.i",
    "SELECT count(*) FROM (SELECT DISTINCT s, i FROM t) x",
    "SELECT i, lag(s) OVER (ORDER BY s) FROM t ORDER BY i",
    "SELECT count(DISTINCT s), count(DISTINCT (i % 20000)::text) FROM t",
    "SELECT i % 2, md5(string_agg(s, ',' ORDER BY s DESC)) FROM t GROUP BY 1 ORDER BY 1",
    "SELECT s FROM t INTERSECT ALL SELECT s FROM t WHERE i % 3 = 0 ORDER BY 1",
    "SELECT s FROM t EXCEPT SELECT s FROM t WHERE i % 3 = 0 ORDER BY 1",
    "SELECT s FROM t WHERE i % 3 = 0 EXCEPT SELECT s FROM t WHERE i < 1000 ORDER BY 1",
    "SELECT s FROM (SELECT s FROM t UNION ALL SELECT s FROM t) u EXCEPT ALL SELECT s FROM t WHERE i > 1000 ORDER BY 1",
    "SELECT s FROM t ORDER BY s OFFSET 100 LIMIT 50000",
    "SELECT i, s, sum(i) OVER (PARTITION BY i % 1000 ORDER BY i), count(*) FILTER (WHERE i % 2 = 0) OVER () FROM t ORDER BY i",
    "SELECT s, rank() OVER (PARTITION BY left(s, 3) ORDER BY s), last_value(i) OVER (ORDER BY i RANGE 5 PRECEDING) FROM t ORDER BY s",
]


def temporary_files(disk: SimulatedDisk) -> list[str]:
    return [path for path in disk._names if "-temp/" in path]


def counter(connection: Connection, name: str) -> float:
    query = "SELECT value FROM lungfish.metrics WHERE name = ?"
    return float(connection.execute(query, (name,)).fetchval())


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[SimulatedDisk, Connection]]:
    disk = SimulatedDisk()
    with open_on(disk) as connection:
        connection.execute(
            f"CREATE TABLE t AS SELECT i, md5(i::text) || repeat('x', 40) AS s FROM generate_series(1, {ROW_COUNT}) g(i)"
        )
        yield disk, connection


@pytest.mark.parametrize("query", QUERIES)
def test_little_memory_gives_the_same_rows(
    world: tuple[SimulatedDisk, Connection], query: str
) -> None:
    disk, connection = world
    connection.execute("SET work_mem = '1GB'")
    expected = connection.execute(query).fetchall()
    connection.execute("SET work_mem = '1MB'")
    before = counter(connection, "temp_bytes")
    assert connection.execute(query).fetchall() == expected
    assert counter(connection, "temp_bytes") > before or "LIMIT" in query
    assert temporary_files(disk) == []


def test_a_statement_that_is_stopped_leaves_no_file(
    world: tuple[SimulatedDisk, Connection],
) -> None:
    disk, connection = world
    connection.execute("SET work_mem = '1MB'")
    with pytest.raises(lungfish.errors.DivisionByZero):
        connection.execute("SELECT * FROM t ORDER BY s, 1 / (i - 59000)")
    assert temporary_files(disk) == []


def test_a_full_disk_ends_the_statement_and_nothing_else(
    world: tuple[SimulatedDisk, Connection],
) -> None:
    disk, connection = world
    connection.execute("SET work_mem = '1MB'")
    disk.capacity_bytes = disk.used_bytes + (1 << 20)
    with pytest.raises(lungfish.errors.DiskFull):
        connection.execute(QUERIES[0])
    disk.capacity_bytes = None
    assert temporary_files(disk) == []
    assert len(connection.execute(QUERIES[0]).fetchall()) == ROW_COUNT


def test_what_a_kill_leaves_is_removed_when_the_database_is_opened() -> None:
    disk = SimulatedDisk()
    connection = open_on(disk)
    space: Any = connection._session.database.spill
    file = space.open()
    assert len(temporary_files(disk)) == 1
    connection._session.database.crash()
    connection.close()
    file._end = -1
    connection = open_on(disk)
    assert temporary_files(disk) == []
    connection.close()


@pytest.mark.parametrize(
    ("value", "shown"),
    [("64kB", "64kB"), ("2048", "2MB"), ("1.5 GB", "1536MB"), ("1GB", "1GB"), ("1TB", "1TB")],
)
def test_work_mem_is_shown_in_the_largest_unit(value: str, shown: str) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(f"SET work_mem = '{value}'")
        assert connection.execute("SHOW work_mem").fetchval() == shown


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "32kB",
            '32 kB is outside the valid range for parameter "work_mem" (64 kB .. 2147483647 kB)',
        ),
        ("4 MiB", 'invalid value for parameter "work_mem": "4 MiB"'),
        ("much", 'invalid value for parameter "work_mem": "much"'),
    ],
)
def test_work_mem_takes_amounts_of_memory_only(value: str, message: str) -> None:
    with (
        lungfish.connect(":memory:", autocommit=True) as connection,
        pytest.raises(lungfish.errors.InvalidParameterValue) as raised,
    ):
        connection.execute(f"SET work_mem = '{value}'")
    assert raised.value.message == message
