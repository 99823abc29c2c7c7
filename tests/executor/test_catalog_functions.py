"""Functions that tools ask catalogs with, and the types of relations' rows, beside what PostgreSQL 18 answers."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY, b text, c integer)")
    connection.execute("CREATE INDEX t_b ON t (b, (a + 1), c)")
    connection.execute("CREATE VIEW v AS SELECT a FROM t")
    connection.execute("CREATE SEQUENCE s START 7")
    return connection


def rows(db: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(sql).fetchall()]


def test_rights_that_nobody_granted_are_those_of_the_owner_and_of_everybody(db: Any) -> None:
    (found,) = rows(db, "SELECT acldefault('r', 10), acldefault('f', 10), acldefault('c', 10)")
    assert found == (["lungfish=arwdDxtm/lungfish"], ["=X/lungfish", "lungfish=X/lungfish"], [])
    assert rows(db, "SELECT * FROM aclexplode(acldefault('d', 10))") == [
        (10, 0, "TEMPORARY", False),
        (10, 0, "CONNECT", False),
        (10, 10, "CREATE", False),
        (10, 10, "TEMPORARY", False),
        (10, 10, "CONNECT", False),
    ]
    with pytest.raises(errors.InvalidParameterValue):
        db.execute("SELECT acldefault('z', 10)")
    with pytest.raises(errors.InvalidTextRepresentation):
        db.execute("SELECT aclexplode(ARRAY['what'])")


def test_keys_of_an_index_come_with_their_numbers(db: Any) -> None:
    found = rows(
        db,
        "SELECT (k).n, a.attname FROM (SELECT information_schema._pg_expandarray(indkey) AS k, indrelid FROM pg_index "
        "WHERE indexrelid = 't_b'::regclass) i LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = (k).x "
        "ORDER BY 1",
    )
    assert found == [(1, "b"), (2, None), (3, "c")]


def test_a_key_of_an_index_is_written_as_the_whole_index_is(db: Any) -> None:
    (found,) = rows(
        db,
        "SELECT pg_get_indexdef('t_b'::regclass, 2, true), pg_get_indexdef('t_b'::regclass, 2, false)",
    )
    assert found == ("(a + 1)", "((a + 1))")


def test_options_are_names_and_values(db: Any) -> None:
    assert rows(db, "SELECT * FROM pg_options_to_table(ARRAY['a=b', 'c', 'd=e=f'])") == [
        ("a", "b"),
        ("c", None),
        ("d", "e=f"),
    ]


def test_a_sequence_is_a_row_to_pg_dump(db: Any) -> None:
    asked = "SELECT * FROM pg_get_sequence_data('s')"
    assert rows(db, asked) == [(7, False)]
    db.execute("SELECT nextval('s')")
    assert rows(db, asked) == [(7, True)]
    assert rows(db, "SELECT * FROM pg_get_sequence_data('t')") == [(None, None)]


def test_keywords_are_listed_with_what_they_can_name(db: Any) -> None:
    found = rows(
        db,
        "SELECT word, catcode, barelabel FROM pg_get_keywords() WHERE word IN ('abort', 'between', 'join', 'over', 'to')",
    )
    assert found == [
        ("abort", "U", True),
        ("between", "C", True),
        ("join", "T", True),
        ("over", "U", False),
        ("to", "R", False),
    ]
    assert rows(db, "SELECT count(*) FROM pg_get_keywords()") == [(494,)]


def test_sizes_are_those_of_the_file(db: Any) -> None:
    (found,) = rows(
        db,
        "SELECT pg_database_size(current_database()) > 0, pg_database_size(1) > 0, pg_tablespace_size('pg_global'),"
        " pg_relation_size('t', 'vm')",
    )
    assert found == (True, True, 0, 0)
    with pytest.raises(errors.InvalidCatalogName):
        db.execute("SELECT pg_database_size('nosuch')")


def test_rows_of_relations_have_types(db: Any) -> None:
    found = rows(
        db,
        "SELECT c.relname, t.typname, t.typtype, t.typrelid = c.oid, format_type(t.typarray, NULL), t.typinput::text "
        "FROM pg_class c JOIN pg_type t ON t.oid = c.reltype WHERE c.relname IN ('t', 'v', 't_pkey', 'pg_class') "
        "ORDER BY 1",
    )
    assert found == [
        ("pg_class", "pg_class", "c", True, "pg_class[]", "record_in"),
        ("t", "t", "c", True, "t[]", "record_in"),
        ("v", "v", "c", True, "v[]", "record_in"),
    ]
    assert rows(db, "SELECT pg_typeof(c)::text FROM pg_class c LIMIT 1") == [("pg_class",)]


def test_types_name_the_functions_that_read_and_write_their_values(db: Any) -> None:
    db.execute("CREATE DOMAIN d AS varchar(3) DEFAULT 'x'")
    found = rows(
        db,
        "SELECT typname, typinput::text, typreceive::text, typmodin::text, typdefaultbin FROM pg_type "
        "WHERE typname IN ('d', 'timestamptz', '_int4', 'int4range') ORDER BY 1",
    )
    assert found == [
        ("_int4", "array_in", "array_recv", "-", None),
        ("d", "domain_in", "domain_recv", "-", "'x'::character varying"),
        ("int4range", "range_in", "range_recv", "-", None),
        ("timestamptz", "timestamptz_in", "timestamptz_recv", "timestamptztypmodin", None),
    ]


def test_a_relation_and_a_type_do_not_share_a_name(db: Any) -> None:
    db.execute("CREATE TYPE mood AS ENUM ('sad')")
    db.execute("CREATE TYPE pair AS (x integer)")
    for statement in ("CREATE TABLE mood (a integer)", "CREATE VIEW mood AS SELECT 1 AS a"):
        with pytest.raises(errors.DuplicateObject, match='type "mood" already exists'):
            db.execute(statement)
    with pytest.raises(errors.DuplicateTable):
        db.execute("CREATE TABLE pair (a integer)")
    with pytest.raises(errors.DuplicateObject):
        db.execute("ALTER TABLE t RENAME TO mood")


def test_settings_that_dumps_and_drivers_name_are_known(db: Any) -> None:
    for statement in (
        "SET synchronize_seqscans TO off",
        "SET log_min_duration_statement = -1",
        "SET default_toast_compression = 'lz4'",
        "SET session_replication_role = origin",
        "SET quote_all_identifiers = off",
    ):
        db.execute(statement)
    assert rows(db, "SHOW max_index_keys") == [("32",)]
    assert rows(db, "SELECT setting, context FROM pg_settings WHERE name = 'max_index_keys'") == [
        ("32", "internal")
    ]
    with pytest.raises(errors.CantChangeRuntimeParam):
        db.execute("SET integer_datetimes = off")
    # It would switch off what keeps foreign keys.
    with pytest.raises(errors.FeatureNotSupported):
        db.execute("SET session_replication_role = replica")
