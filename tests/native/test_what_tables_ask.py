"""What a table asks of its rows beyond NOT NULL and unique keys is asked of a statement's tenth run as of its first."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish

# (the table, a statement, parameters that are fine, parameters that are not, the SQLSTATE of these).
CASES: tuple[tuple[str, str, Any, tuple[Any, ...], str], ...] = (
    ("CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n < 100))", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 100), "23514"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int, EXCLUDE USING btree (n WITH =))", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 3), "23P01"),
    ("CREATE TABLE t (id int, at int4range, PRIMARY KEY (id, at WITHOUT OVERLAPS))", "INSERT INTO t VALUES (?, int4range(1, 5))", lambda i: (i,), (3,), "23P01"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, None), "23502"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 3), "23505"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE DEFERRABLE)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 3), "23505"),
    ("CREATE TABLE t (id smallint PRIMARY KEY, n smallint)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 40_000), "22003"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int REFERENCES t)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, None), (99, 50), "23503"),
    ("CREATE DOMAIN few AS int CHECK (VALUE < 100); CREATE TABLE t (id int PRIMARY KEY, n few)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 100), "23514"),
    ("CREATE TABLE b (id int PRIMARY KEY, n int); CREATE VIEW t AS SELECT * FROM b WHERE n < 100 WITH CHECK OPTION", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 100), "44000"),
    ("CREATE TABLE a (id int, n int) PARTITION BY RANGE (n); CREATE TABLE t PARTITION OF a FOR VALUES FROM (0) TO (100)", "INSERT INTO t VALUES (?, ?)", lambda i: (i, i), (99, 100), "23514"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n < 100)); INSERT INTO t SELECT i, 0 FROM generate_series(0, 9) i", "UPDATE t SET n = ? WHERE id = ?", lambda i: (i, i), (100, 1), "23514"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t SELECT i, 0 FROM generate_series(0, 9) i", "UPDATE t SET n = ? WHERE id = ?", lambda i: (i, i), (None, 1), "23502"),
    ("CREATE TABLE t (id int PRIMARY KEY, n smallint); INSERT INTO t SELECT i, 30000 FROM generate_series(0, 9) i", "UPDATE t SET n = n + ? WHERE id = ?", lambda i: (i, i), (5000, 1), "22003"),
    ("CREATE TABLE b (id int PRIMARY KEY, n int); CREATE VIEW t AS SELECT * FROM b WHERE n < 100 WITH CHECK OPTION; INSERT INTO b SELECT i, 0 FROM generate_series(0, 9) i", "UPDATE t SET n = ? WHERE id = ?", lambda i: (i, i), (100, 1), "44000"),
    ("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(0, 99) i; CREATE TABLE r (id int REFERENCES t); INSERT INTO r VALUES (50)", "DELETE FROM t WHERE id = ?", lambda i: (i,), (50,), "23503"),
)  # fmt: skip


@pytest.mark.parametrize(("tables", "sql", "good", "bad", "sqlstate"), CASES)
def test_every_run_of_a_statement_is_asked_the_same(
    tables: str, sql: str, good: Any, bad: tuple[Any, ...], sqlstate: str
) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(tables)
        connection.execute("BEGIN")
        for number in range(10):
            assert connection.execute(sql, good(number)).rowcount == 1
        with pytest.raises(lungfish.Error) as failure:
            connection.execute(sql, bad)
            # What is deferrable is asked at the end of the statement, or here at the latest.
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert failure.value.sqlstate == sqlstate


def test_rules_are_followed_by_every_run() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE seen (id int)")
        for number in range(3):
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        connection.execute(
            "CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES (NEW.id)"
        )
        for number in range(3, 9):
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        assert connection.execute("SELECT count(*) FROM seen").fetchval() == 6
