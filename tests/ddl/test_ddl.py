"""What exists: CREATE, ALTER, DROP and their transactions, through SQL."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish


def state(connection: Any, sql: str) -> str:
    """The SQLSTATE that a statement raises."""
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(sql)
    return str(caught.value.sqlstate)


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(sql).fetchall())


def test_a_rolled_back_create_table_leaves_nothing(connection: Any) -> None:
    before = rows(connection, "SELECT relname FROM pg_class ORDER BY 1")
    connection.execute("BEGIN; CREATE TABLE t (a serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES")
    assert rows(connection, "SELECT a FROM t") == [(1,)]
    connection.execute("ROLLBACK")
    assert state(connection, "SELECT a FROM t") == "42P01"
    assert rows(connection, "SELECT relname FROM pg_class ORDER BY 1") == before


def test_ddl_rolls_back_to_a_savepoint(connection: Any) -> None:
    connection.execute(
        "BEGIN; CREATE TABLE kept (a integer); SAVEPOINT s; CREATE TABLE gone (a integer); ROLLBACK TO s"
    )
    connection.execute("CREATE TABLE again (a integer); COMMIT")
    assert rows(connection, "SELECT tablename FROM pg_tables ORDER BY 1") == [("again",), ("kept",)]


def test_the_first_ddl_after_a_savepoint_can_be_taken_back_and_done_again(connection: Any) -> None:
    connection.execute(
        "BEGIN; SAVEPOINT s; CREATE TABLE t (a integer); ROLLBACK TO s; CREATE TABLE t (b integer); COMMIT"
    )
    connection.execute("INSERT INTO t (b) VALUES (1)")
    assert rows(connection, "SELECT b FROM t") == [(1,)]


def test_a_rolled_back_drop_table_brings_everything_back(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY, b text UNIQUE)")
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    connection.execute("BEGIN; DROP TABLE t; ROLLBACK")
    assert rows(connection, "SELECT * FROM t WHERE b = 'x'") == [(1, "x")]
    assert state(connection, "INSERT INTO t VALUES (2, 'x')") == "23505"


@pytest.mark.parametrize(
    ("insert", "expected"),
    [
        ("INSERT INTO t VALUES (1, 'a', 1, 1)", "23505"),
        ("INSERT INTO t VALUES (2, NULL, 1, 1)", "23502"),
        ("INSERT INTO t VALUES (2, 'b', -1, 1)", "23514"),
        ("INSERT INTO t VALUES (2, 'b', 1, 99)", "23503"),
        ("INSERT INTO t VALUES (2, 'far too long', 1, 1)", "22001"),
        ("INSERT INTO t VALUES (99999999999, 'b', 1, 1)", "22003"),
        ("INSERT INTO t VALUES ('x', 'b', 1, 1)", "22P02"),
    ],
)
def test_constraints_hold(connection: Any, insert: str, expected: str) -> None:
    connection.execute("CREATE TABLE parent (id integer PRIMARY KEY)")
    connection.execute("INSERT INTO parent VALUES (1)")
    connection.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, name varchar(5) NOT NULL, n integer CHECK (n > 0), p integer REFERENCES parent)"
    )
    connection.execute("INSERT INTO t VALUES (1, 'a', 1, 1)")
    assert state(connection, insert) == expected


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("CASCADE", []),
        ("SET NULL", [(1, None)]),
        ("SET DEFAULT", [(1, 7)]),
    ],
)
def test_referential_actions_on_delete(connection: Any, action: str, after: list[Any]) -> None:
    connection.execute("CREATE TABLE parent (id integer PRIMARY KEY)")
    connection.execute("INSERT INTO parent VALUES (5), (7)")
    connection.execute(
        f"CREATE TABLE child (id integer, p integer DEFAULT 7 REFERENCES parent ON DELETE {action} ON UPDATE CASCADE)"
    )
    connection.execute("INSERT INTO child VALUES (1, 5)")
    connection.execute("DELETE FROM parent WHERE id = 5")
    assert rows(connection, "SELECT id, p FROM child") == after


def test_updates_of_a_referenced_key_cascade_or_are_refused(connection: Any) -> None:
    connection.execute("CREATE TABLE parent (a integer, b integer, PRIMARY KEY (a, b))")
    connection.execute("INSERT INTO parent VALUES (1, 1), (2, 2)")
    connection.execute(
        "CREATE TABLE one (x integer, y integer, FOREIGN KEY (x, y) REFERENCES parent ON UPDATE CASCADE)"
    )
    connection.execute(
        "CREATE TABLE two (x integer, y integer, FOREIGN KEY (x, y) REFERENCES parent)"
    )
    connection.execute("INSERT INTO one VALUES (1, 1)")
    connection.execute("INSERT INTO two VALUES (2, 2)")
    connection.execute("UPDATE parent SET b = 10 WHERE a = 1")
    assert rows(connection, "SELECT * FROM one") == [(1, 10)]
    assert state(connection, "UPDATE parent SET b = 10 WHERE a = 2") == "23503"


def test_identity_and_serial_columns(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE t (a serial, b integer GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5), c text)"
    )
    connection.execute("INSERT INTO t (c) VALUES ('x'), ('y')")
    assert rows(connection, "SELECT a, b, c FROM t ORDER BY a") == [(1, 10, "x"), (2, 15, "y")]
    assert state(connection, "INSERT INTO t (b) VALUES (1)") == "428C9"


def test_generated_columns_are_computed(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)")
    connection.execute("INSERT INTO t (a) VALUES (4)")
    connection.execute("UPDATE t SET a = 5")
    assert rows(connection, "SELECT * FROM t") == [(5, 10)]


def test_alter_table_changes_the_rows_that_are_there(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY, b text)")
    connection.execute("INSERT INTO t VALUES (1, '10'), (2, '20')")
    connection.execute("ALTER TABLE t ADD COLUMN c integer NOT NULL DEFAULT 7, ADD COLUMN d text")
    connection.execute("ALTER TABLE t ALTER COLUMN b TYPE integer USING b::integer")
    connection.execute("ALTER TABLE t RENAME COLUMN c TO e")
    connection.execute("ALTER TABLE t DROP COLUMN d")
    assert rows(connection, "SELECT * FROM t ORDER BY a") == [(1, 10, 7), (2, 20, 7)]
    assert state(connection, "INSERT INTO t VALUES (1, 1, 1)") == "23505"
    connection.execute("ALTER TABLE t RENAME TO u")
    assert rows(connection, "SELECT sum(b) FROM u") == [(30,)]


def test_add_constraint_looks_at_the_rows(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer, b integer)")
    connection.execute("INSERT INTO t VALUES (1, 1), (1, 2), (NULL, 3)")
    assert state(connection, "ALTER TABLE t ADD PRIMARY KEY (a)") == "23502"
    assert state(connection, "ALTER TABLE t ADD UNIQUE (a)") == "23505"
    assert state(connection, "ALTER TABLE t ADD CHECK (b < 3)") == "23514"
    connection.execute("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0)")
    assert state(connection, "INSERT INTO t VALUES (5, 0)") == "23514"
    connection.execute("ALTER TABLE t DROP CONSTRAINT positive")
    connection.execute("INSERT INTO t VALUES (5, 0)")


def test_a_dropped_column_takes_its_constraints_and_indexes(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE t (a integer, b integer UNIQUE, c integer CHECK (c > 0), d integer)"
    )
    connection.execute("INSERT INTO t VALUES (1, 2, 3, 4)")
    connection.execute("ALTER TABLE t DROP COLUMN b, DROP COLUMN c")
    connection.execute("INSERT INTO t VALUES (5, 6)")
    assert rows(connection, "SELECT * FROM t ORDER BY a") == [(1, 4), (5, 6)]
    assert rows(connection, "SELECT indexname FROM pg_indexes") == []


def test_views_are_queries_with_a_name(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer, b text)")
    connection.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    connection.execute("CREATE VIEW v (n, word) AS SELECT a + 1, b FROM t WHERE a > 1")
    assert rows(connection, "SELECT word, n FROM v") == [("y", 3)]
    assert state(connection, "DROP TABLE t") == "2BP01"
    connection.execute("DROP TABLE t CASCADE")
    assert state(connection, "SELECT * FROM v") == "42P01"


def test_schemas_and_search_path(connection: Any) -> None:
    connection.execute("CREATE SCHEMA s; CREATE TABLE s.t (a integer); CREATE TABLE t (b integer)")
    connection.execute("SET search_path = s, public")
    connection.execute("INSERT INTO t VALUES (1)")
    assert rows(connection, "SELECT a FROM s.t") == [(1,)]
    assert rows(connection, "SELECT b FROM public.t") == []
    assert state(connection, "DROP SCHEMA s") == "2BP01"
    connection.execute("DROP SCHEMA s CASCADE")
    assert state(connection, "SELECT * FROM s.t") == "42P01"


def test_indexes_serve_and_can_be_dropped(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer, b text)")
    connection.execute("INSERT INTO t SELECT i, 'w' || i FROM generate_series(1, 2000) AS s(i)")
    connection.execute("CREATE UNIQUE INDEX by_a ON t (a)")
    connection.execute("CREATE INDEX by_lower ON t (lower(b) DESC) WHERE a > 10")
    connection.execute("ANALYZE t")
    plan = "\n".join(row[0] for row in rows(connection, "EXPLAIN SELECT * FROM t WHERE a = 77"))
    assert "Index Scan using by_a" in plan
    assert rows(connection, "SELECT b FROM t WHERE a = 77") == [("w77",)]
    assert state(connection, "INSERT INTO t VALUES (77, 'x')") == "23505"
    connection.execute("DROP INDEX by_a")
    connection.execute("INSERT INTO t VALUES (77, 'x')")
    assert rows(connection, "SELECT count(*) FROM t WHERE a = 77") == [(2,)]


def test_truncate_can_be_rolled_back(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("BEGIN; TRUNCATE t; INSERT INTO t VALUES (1), (2); ROLLBACK")
    assert rows(connection, "SELECT a FROM t") == [(1,)]
    connection.execute("TRUNCATE t")
    assert rows(connection, "SELECT a FROM t") == []


def test_create_table_as_keeps_names_and_types(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT i AS n, i * 1.5 AS x, 'w' AS word FROM generate_series(1, 3) AS s(i)"
    )
    assert rows(connection, "SELECT data_type FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position") == [
        ("integer",), ("numeric",), ("text",),
    ]  # fmt: skip
    assert rows(connection, "SELECT count(*) FROM t") == [(3,)]


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("CREATE TABLE x (a nosuch)", "42704"),
        ("CREATE TABLE x (a integer, a text)", "42701"),
        ("CREATE TABLE x (a integer DEFAULT nosuch)", "0A000"),
        ("CREATE TABLE x (a integer PRIMARY KEY, b integer PRIMARY KEY)", "42P16"),
        ("CREATE TABLE x (a integer REFERENCES nosuch)", "42P01"),
        ("CREATE INDEX ON nosuch (a)", "42P01"),
        ("CREATE TABLE pg_catalog.x (a integer)", "42501"),
        ("DROP TABLE nosuch", "42P01"),
        ("DROP VIEW pg_class", "42501"),
        ("ALTER TABLE nosuch ADD COLUMN a integer", "42P01"),
        ("CREATE SCHEMA pg_mine", "42939"),
        ("CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()", "0A000"),
        ("CREATE TYPE pair AS (a integer); COMMENT ON COLUMN pair.a IS 'first'", "0A000"),
    ],
)
def test_what_cannot_be_defined_is_refused_with_its_sqlstate(
    connection: Any, sql: str, sqlstate: str
) -> None:
    assert state(connection, sql) == sqlstate


def test_if_exists_and_if_not_exists_only_give_notice(connection: Any) -> None:
    notices: list[str] = []
    connection.on_notice(lambda severity, message: notices.append(message))
    connection.execute(
        "DROP TABLE IF EXISTS t; CREATE TABLE IF NOT EXISTS t (a integer); CREATE TABLE IF NOT EXISTS t (a integer)"
    )
    assert notices == [
        'table "t" does not exist, skipping',
        'relation "t" already exists, skipping',
    ]
