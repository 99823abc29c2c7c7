"""Virtual generated columns: how they last, and what is not stored of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import Connection, errors

MADE = """
CREATE TABLE t (a int PRIMARY KEY, b int GENERATED ALWAYS AS (a * 2) VIRTUAL CHECK (b < 1000), c text GENERATED ALWAYS AS ('c' || a::text) NOT NULL);
INSERT INTO t SELECT g FROM generate_series(1, 10) AS g;
"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.run_script(MADE)
        yield made


def rows(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def test_a_virtual_column_and_its_checks_come_back_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "virtual.db")
    with lungfish.connect(path, autocommit=True) as first:
        first.run_script(MADE)
    with lungfish.connect(path, autocommit=True) as second:
        assert rows(second, "SELECT b, c FROM t WHERE b = 6") == [(6, "c3")]
        assert rows(second, "SELECT attgenerated FROM pg_attribute WHERE attname = 'b'") == [("v",)]
        with pytest.raises(errors.CheckViolation) as caught:
            second.execute("INSERT INTO t VALUES (500)")
        assert caught.value.detail == "Failing row contains (500, virtual, virtual)."


def test_a_virtual_column_that_is_added_in_a_transaction_goes_with_it(
    connection: Connection,
) -> None:
    connection.execute("BEGIN")
    connection.execute("ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (a + 1)")
    connection.execute("ALTER TABLE t DROP CONSTRAINT t_b_check")
    connection.execute("ALTER TABLE t ALTER COLUMN b SET EXPRESSION AS (a * 3)")
    assert rows(connection, "SELECT b, d FROM t WHERE a = 3") == [(9, 4)]
    connection.execute("ROLLBACK")
    assert rows(connection, "SELECT b FROM t WHERE a = 3") == [(6,)]
    with pytest.raises(errors.UndefinedColumn):
        connection.execute("SELECT d FROM t")


def test_an_expression_that_fails_stops_only_who_reads_the_column(connection: Connection) -> None:
    connection.execute("CREATE TABLE n (a int, b int GENERATED ALWAYS AS (10 / a))")
    connection.execute("INSERT INTO n VALUES (0), (5)")
    connection.execute("ALTER TABLE n ADD COLUMN z int DEFAULT 1")
    assert rows(connection, "SELECT a, z FROM n ORDER BY a") == [(0, 1), (5, 1)]
    assert rows(connection, "SELECT b FROM n WHERE a = 5") == [(2,)]
    with pytest.raises(errors.DivisionByZero):
        connection.execute("SELECT b FROM n").fetchall()


def test_a_reader_that_has_waited_sees_the_new_value(tmp_path: Path) -> None:
    path = str(tmp_path / "shared.db")
    with lungfish.open(path) as database:
        writer, reader = database.connect(), database.connect(autocommit=True)
        reader.run_script(MADE)
        writer.execute("UPDATE t SET a = 30 WHERE b = 6")
        writer.commit()
        changed = reader.execute("UPDATE t SET a = b + 1 WHERE c = 'c30' RETURNING old.b, b")
        assert changed.fetchall() == [(60, 122)]
        writer.close()
        reader.close()
