"""LIKE, keys of indexes, schemas with elements, renames of sequences, and statements that only say what is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    return connection


def test_like_including_all_copies_what_belongs_to_a_table(db: Any) -> None:
    db.execute(
        "CREATE TABLE t (a integer PRIMARY KEY CONSTRAINT positive CHECK (a > 0), b text DEFAULT 'x', "
        "c integer GENERATED ALWAYS AS IDENTITY, d integer GENERATED ALWAYS AS (a * 2) STORED)"
    )
    db.execute("CREATE UNIQUE INDEX ON t (b) WHERE a > 1")
    db.execute("CREATE TABLE u (LIKE t INCLUDING ALL)")
    db.execute("INSERT INTO u (a) VALUES (1), (2)")
    assert db.execute("SELECT * FROM u").fetchall() == [(1, "x", 1, 2), (2, "x", 2, 4)]
    for wrong in ("(2)", "(3)"):
        with pytest.raises(errors.UniqueViolation):
            db.execute(f"INSERT INTO u (a) VALUES {wrong}")
    with pytest.raises(errors.CheckViolation, match="positive"):
        db.execute("INSERT INTO u (a) VALUES (-1)")
    names = "SELECT indexname FROM pg_indexes WHERE tablename = 'u' ORDER BY 1"
    assert db.execute(names).fetchall() == [("u_b_idx",), ("u_pkey",)]


def test_like_alone_copies_names_types_and_not_null(db: Any) -> None:
    db.execute("CREATE TABLE t (a integer NOT NULL DEFAULT 7 CHECK (a > 0), b text)")
    db.execute("CREATE TABLE u (LIKE t, c integer)")
    with pytest.raises(errors.NotNullViolation):
        db.execute("INSERT INTO u (b) VALUES ('x')")
    db.execute("INSERT INTO u (a) VALUES (-1)")


def test_an_index_can_become_a_key(db: Any) -> None:
    db.execute("CREATE TABLE t (a integer, b integer)")
    db.execute("CREATE UNIQUE INDEX i ON t (a)")
    db.execute("CREATE UNIQUE INDEX d ON t (b DESC)")
    db.execute("ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY USING INDEX i")
    with pytest.raises(errors.NotNullViolation):
        db.execute("INSERT INTO t VALUES (NULL, 1)")
    db.execute("CREATE TABLE child (a integer REFERENCES t)")
    with pytest.raises(errors.WrongObjectType):
        db.execute("ALTER TABLE t ADD UNIQUE USING INDEX d")


def test_a_sequence_keeps_its_users_when_it_is_renamed_or_moved(db: Any) -> None:
    db.execute("CREATE SEQUENCE s")
    db.execute("CREATE TABLE t (a integer DEFAULT nextval('s'), b serial)")
    db.execute("CREATE SCHEMA z")
    db.execute("ALTER SEQUENCE s RENAME TO r")
    db.execute("ALTER SEQUENCE r SET SCHEMA z")
    db.execute("ALTER TABLE t SET SCHEMA z")
    db.execute("ALTER SCHEMA z RENAME TO y")
    db.execute("INSERT INTO y.t DEFAULT VALUES")
    assert db.execute("SELECT * FROM y.t").fetchall() == [(1, 1)]
    assert db.execute("SELECT last_value, is_called FROM y.r").fetchall() == [(1, True)]
    with pytest.raises(errors.DependentObjectsStillExist):
        db.execute("DROP SEQUENCE y.r")


def test_create_schema_makes_its_elements_in_the_right_order(db: Any) -> None:
    db.execute("CREATE SCHEMA s CREATE VIEW v AS SELECT a FROM t CREATE TABLE t (a integer)")
    db.execute("INSERT INTO s.t VALUES (3)")
    assert db.execute("SELECT * FROM s.v").fetchall() == [(3,)]
    with pytest.raises(errors.InvalidSchemaDefinition):
        db.execute("CREATE SCHEMA u CREATE TABLE public.t (a integer)")


def test_reindex_builds_indexes_anew(db: Any) -> None:
    db.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    db.execute("INSERT INTO t SELECT * FROM generate_series(1, 1000)")
    for what in ("TABLE t", "INDEX t_pkey", "TABLE CONCURRENTLY t", "SCHEMA public"):
        assert db.execute(f"REINDEX {what}").statusmessage == "REINDEX"
    assert db.execute("SELECT a FROM t WHERE a = 500").fetchval() == 500
    with pytest.raises(errors.UniqueViolation):
        db.execute("INSERT INTO t VALUES (7)")
    db.execute("BEGIN")
    with pytest.raises(errors.ActiveSqlTransaction):
        db.execute("REINDEX TABLE CONCURRENTLY t")


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("DROP TRIGGER x ON t", "42704"),
        ("DROP RULE x ON nosuch", "42P01"),
        ("DROP ROLE joe", "42704"),
        ("DROP EXTENSION x", "42704"),
        ("GRANT SELECT ON nosuch TO PUBLIC", "42P01"),
        ("GRANT SELECT ON t TO joe", "42704"),
        ("REVOKE USAGE ON t FROM PUBLIC", "0LP01"),
        ("ALTER TABLE t OWNER TO joe", "42704"),
        ("CREATE TABLE x (a integer) WITH (nosuch = 1)", "22023"),
        ("CREATE TABLE x (a integer) WITH (fillfactor = 5)", "22023"),
        ("CREATE VIEW x WITH (security_barrier = 100) AS SELECT 1", "22023"),
        ("ALTER TABLE t ALTER nosuch SET STATISTICS 100", "42703"),
        ("REINDEX INDEX t", "42809"),
    ],
)
def test_what_postgresql_refuses_is_refused(db: Any, sql: str, sqlstate: str) -> None:
    db.execute("CREATE TABLE t (a integer)")
    with pytest.raises(errors.Error) as caught:
        db.execute(sql)
    assert caught.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER IF EXISTS x ON t",
        "DROP ROLE IF EXISTS joe",
        "GRANT ALL ON t TO PUBLIC",
        "ALTER TABLE t OWNER TO CURRENT_USER",
        "ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off)",
        "ALTER TABLE t ALTER a SET STATISTICS 100",
        "ALTER TABLE t SET UNLOGGED",
        "CREATE INDEX ON t (a) WITH (fillfactor = 50)",
    ],
)
def test_what_says_only_what_is_so_is_accepted(db: Any, sql: str) -> None:
    db.execute("CREATE TABLE t (a integer)")
    db.execute(sql)


def test_an_index_is_built_on_a_table_that_nobody_has_opened(tmp_path: Path) -> None:
    path = str(tmp_path / "t.db")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a integer, b integer)")
        connection.execute("INSERT INTO t SELECT i, -i FROM generate_series(1, 100) AS s(i)")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("ALTER TABLE t ADD PRIMARY KEY (a), ADD UNIQUE (b)")
        assert connection.execute("SELECT b FROM t WHERE a = 7").fetchval() == -7


def test_a_hash_index_is_an_index_with_that_name_and_its_restrictions(db: Any) -> None:
    db.execute("CREATE TABLE h (a integer, b integer); CREATE INDEX h_a ON h USING hash (a)")
    db.execute("INSERT INTO h SELECT i % 10, i FROM generate_series(1, 1000) g(i)")
    assert db.execute("SELECT count(*) FROM h WHERE a = 3").fetchval() == 100
    shown = db.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'h_a'").fetchval()
    assert shown == "CREATE INDEX h_a ON public.h USING hash (a)"
    for bad, what in (
        ("CREATE UNIQUE INDEX ON h USING hash (a)", "unique indexes"),
        ("CREATE INDEX ON h USING hash (a, b)", "multicolumn indexes"),
        ("CREATE INDEX ON h USING hash (a DESC)", "ASC/DESC options"),
    ):
        with pytest.raises(errors.FeatureNotSupported, match=f"does not support {what}"):
            db.execute(bad)


def test_a_constraint_is_validated_while_others_write() -> None:
    with (
        lungfish.connect(":memory:validated", autocommit=True) as db,
        lungfish.connect(":memory:validated", autocommit=True) as other,
    ):
        db.execute("CREATE TABLE p (i integer PRIMARY KEY); CREATE TABLE c (p integer)")
        db.execute("ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p) REFERENCES p NOT VALID")
        other.execute("BEGIN; INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)")
        db.execute("SET lock_timeout = '1ms'")
        db.execute("ALTER TABLE c VALIDATE CONSTRAINT c_fk")
        with pytest.raises(errors.LockNotAvailable):
            db.execute("ALTER TABLE c ADD FOREIGN KEY (p) REFERENCES p NOT VALID")
        other.execute("ROLLBACK")
