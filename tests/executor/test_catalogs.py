"""pg_catalog and information_schema as tools read them, and the functions that write definitions back."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.catalog.objects import INFORMATION_SCHEMA_OID
from lungfish.executor.system_views import SYSTEM_VIEWS


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")
    connection.execute(
        "CREATE TABLE parent (id serial PRIMARY KEY, price numeric(8,2) CHECK (price > 0), "
        "name varchar(20) DEFAULT 'x', m mood, UNIQUE (name, m))"
    )
    connection.execute(
        "CREATE TABLE child (a integer REFERENCES parent ON DELETE CASCADE DEFERRABLE, b integer[])"
    )
    connection.execute("CREATE INDEX child_b ON child (a DESC, (a + 1)) INCLUDE (b) WHERE a > 0")
    connection.execute("CREATE VIEW v AS SELECT id FROM parent")
    connection.execute("COMMENT ON TABLE parent IS 'about'")
    connection.execute("COMMENT ON COLUMN parent.name IS 'what it is called'")
    return connection


def rows(db: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(sql).fetchall()]


def test_columns_are_described_with_their_types_and_defaults(db: Any) -> None:
    found = rows(
        db,
        """SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
                  col_description(a.attrelid, a.attnum)
           FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = 'parent'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum""",
    )
    assert [row[:3] for row in found] == [
        ("id", "integer", True),
        ("price", "numeric(8,2)", False),
        ("name", "character varying(20)", False),
        ("m", "mood", False),
    ]
    assert found[0][3].startswith("nextval(")
    assert found[2][3:] == ("'x'::character varying", "what it is called")


def test_constraints_are_written_back(db: Any) -> None:
    found = rows(
        db,
        "SELECT conname, contype, pg_get_constraintdef(oid, true) FROM pg_constraint "
        "WHERE conrelid IN ('parent'::regclass, 'child'::regclass) ORDER BY 1",
    )
    assert found == [
        ("child_a_fkey", "f", "FOREIGN KEY (a) REFERENCES parent(id) ON DELETE CASCADE DEFERRABLE"),
        ("parent_id_not_null", "n", "NOT NULL id"),
        ("parent_name_m_key", "u", "UNIQUE (name, m)"),
        ("parent_pkey", "p", "PRIMARY KEY (id)"),
        ("parent_price_check", "c", "CHECK (price > 0::numeric)"),
    ]


def test_indexes_are_written_back(db: Any) -> None:
    (found,) = rows(
        db,
        "SELECT pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 1, true), indnkeyatts, indnatts, indisunique "
        "FROM pg_index WHERE indexrelid = 'child_b'::regclass",
    )
    assert found == (
        "CREATE INDEX child_b ON public.child USING btree (a DESC, ((a + 1))) INCLUDE (b) WHERE (a > 0)",
        "a",
        2,
        3,
        False,
    )


def test_names_and_oids_go_both_ways(db: Any) -> None:
    assert rows(db, "SELECT 'parent'::regclass, 'parent'::regclass::oid::regclass::text") == [
        ("parent", "parent")
    ]
    assert rows(db, "SELECT to_regclass('nosuch'), 'int4'::regtype, 'public'::regnamespace") == [
        (None, "integer", "public")
    ]
    db.execute("CREATE SCHEMA other CREATE TABLE hidden (a integer)")
    hidden = "SELECT c.oid::regclass, pg_table_is_visible(c.oid) FROM pg_class c WHERE relname = 'hidden'"
    assert rows(db, hidden) == [("other.hidden", False)]
    with pytest.raises(errors.UndefinedTable):
        db.execute("SELECT 'nosuch'::regclass")


def test_kinds_comments_owners_and_sequences(db: Any) -> None:
    kinds = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    assert ("v", "v") in rows(db, kinds)
    assert ("parent_id_seq", "S") in rows(db, kinds)
    assert rows(db, "SELECT obj_description('parent'::regclass, 'pg_class')") == [("about",)]
    assert rows(db, "SELECT pg_get_serial_sequence('parent', 'id')") == [("public.parent_id_seq",)]
    assert rows(db, "SELECT enumlabel FROM pg_enum ORDER BY enumsortorder") == [
        ("sad",),
        ("happy",),
    ]
    assert rows(db, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'v'") == [
        ("lungfish",)
    ]


def test_information_schema_has_constraints_and_sequences(db: Any) -> None:
    assert rows(
        db,
        "SELECT constraint_name, unique_constraint_name, delete_rule FROM information_schema.referential_constraints",
    ) == [("child_a_fkey", "parent_pkey", "CASCADE")]
    assert rows(
        db, "SELECT constraint_name, check_clause FROM information_schema.check_constraints"
    ) == [
        ("parent_price_check", "(price > (0)::numeric)"),
        ("parent_id_not_null", "id IS NOT NULL"),
    ]
    assert rows(db, "SELECT sequence_name, data_type FROM information_schema.sequences") == [
        ("parent_id_seq", "integer")
    ]
    assert rows(
        db,
        "SELECT table_name, column_name FROM information_schema.constraint_column_usage WHERE constraint_name = 'child_a_fkey'",
    ) == [("parent", "id")]


def test_information_schema_has_a_view_under_each_number_once(db: Any) -> None:
    views = [view for view in SYSTEM_VIEWS if view.namespace_oid == INFORMATION_SCHEMA_OID]
    assert sorted(view.oid for view in views) == list(range(12201, 12265))
    for view in views:
        found = db.execute(f"SELECT * FROM information_schema.{view.name}")
        assert len(found.description) == len(view.columns)
        assert all(len(row) == len(view.columns) for row in found.fetchall())


def test_a_column_that_a_view_reads_in_a_subquery_is_held_by_it(db: Any) -> None:
    db.execute("CREATE VIEW deep AS SELECT q.z FROM (SELECT a AS z FROM child) q")
    with pytest.raises(errors.DependentObjectsStillExist):
        db.execute("ALTER TABLE child DROP COLUMN a")


def test_a_body_of_sql_holds_the_function_that_it_calls(db: Any) -> None:
    db.execute("CREATE FUNCTION inner_one() RETURNS integer LANGUAGE sql RETURN 1")
    db.execute("CREATE FUNCTION outer_one() RETURNS integer LANGUAGE sql RETURN inner_one() + 1")
    with pytest.raises(errors.DependentObjectsStillExist):
        db.execute("DROP FUNCTION inner_one()")
    db.execute("DROP FUNCTION outer_one()")
    db.execute("DROP FUNCTION inner_one()")
