"""Inheritance and partitions without a server at hand; what PostgreSQL answers is compared by tests/differential/test_scripts.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.connection import Connection
from lungfish.functions.partition_hash import partition_hash
from lungfish.types.sql_type import INTEGER, TEXT

MEASURES = """
CREATE TABLE measures (day integer, place text, v integer) PARTITION BY RANGE (day);
CREATE TABLE early PARTITION OF measures FOR VALUES FROM (0) TO (10);
CREATE TABLE late PARTITION OF measures FOR VALUES FROM (10) TO (20);
INSERT INTO measures SELECT i, 'p' || i, i * i FROM generate_series(0, 19) AS g(i);
"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        yield made


def rows(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def test_partitions_and_their_rows_come_back_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "parts.db")
    with lungfish.connect(path, autocommit=True) as first:
        first.run_script(MEASURES)
    with lungfish.connect(path, autocommit=True) as second:
        assert rows(second, "SELECT count(*), max(v) FROM measures") == [(20, 361)]
        assert rows(second, "SELECT count(*) FROM late") == [(10,)]
        with pytest.raises(errors.CheckViolation):
            second.execute("INSERT INTO measures VALUES (20, 'x', 1)")


def test_a_partition_made_in_a_transaction_goes_with_it(connection: Connection) -> None:
    connection.run_script(MEASURES)
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE later PARTITION OF measures FOR VALUES FROM (20) TO (30)")
    connection.execute("INSERT INTO measures VALUES (25, 'x', 1)")
    connection.execute("ROLLBACK")
    with pytest.raises(errors.CheckViolation) as caught:
        connection.execute("INSERT INTO measures VALUES (25, 'x', 1)")
    assert caught.value.detail == "Partition key of the failing row contains (day) = (25)."


def test_a_constant_leaves_the_other_partitions_alone(connection: Connection) -> None:
    connection.run_script(MEASURES)
    plan = rows(connection, "EXPLAIN (COSTS OFF) SELECT * FROM measures WHERE day = 3")
    assert plan == [("Seq Scan on early measures",), ("  Filter: (day = 3)",)]


def test_a_row_moves_when_its_key_changes(connection: Connection) -> None:
    connection.run_script(MEASURES)
    connection.execute("UPDATE measures SET day = day + 10 WHERE day = 4")
    found = rows(connection, "SELECT tableoid::regclass, v FROM measures WHERE v = 16")
    assert found == [("late", 16)]


def test_executemany_finds_the_partition_of_each_row(connection: Connection) -> None:
    connection.run_script(MEASURES)
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO measures VALUES (?, 'many', 0)", [(1,), (11,), (12,)])
    found = rows(connection, "SELECT count(*) FROM late WHERE place = 'many'")
    assert found == [(2,)]


def test_statements_about_a_parent_follow_new_children(connection: Connection) -> None:
    connection.execute("CREATE TABLE parent (id integer)")
    connection.execute("INSERT INTO parent VALUES (1)")
    query = "SELECT count(*) FROM parent"
    assert rows(connection, query) == [(1,)]
    connection.execute("CREATE TABLE child () INHERITS (parent)")
    connection.execute("INSERT INTO child VALUES (2)")
    assert rows(connection, query) == [(2,)]
    connection.execute("ALTER TABLE child NO INHERIT parent")
    assert rows(connection, query) == [(1,)]


def test_the_hash_of_a_partition_key_is_postgresqls() -> None:
    # Read from PostgreSQL 18: the remainders for which satisfies_hash_partition says yes.
    assert partition_hash((1,), (INTEGER,)) % 65521 == 58446
    assert partition_hash(("hello world!", 7), (TEXT, INTEGER)) % 65521 == 44079
