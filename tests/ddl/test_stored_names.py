"""Expressions that are stored keep meaning what they meant: under other search paths, after renames, after the file is opened again."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish
from lungfish import errors

_MADE = """
CREATE SCHEMA s;
SET search_path = s;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + 1;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE SEQUENCE seq;
CREATE DOMAIN small AS int CHECK (f(value) < 10);
CREATE TABLE t (
    a int CHECK (f(a) > 1), b int DEFAULT f(4), c int GENERATED ALWAYS AS (f(a)) STORED,
    d mood DEFAULT 'ok'::mood, e bigint DEFAULT nextval('seq'), g small
);
CREATE UNIQUE INDEX ti ON t (f(a)) WHERE f(a) > 0;
CREATE TABLE p (a int) PARTITION BY RANGE (f(a));
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
"""


def test_a_file_that_is_opened_again_has_expressions_that_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "stored.db"
    with lungfish.connect(path, autocommit=True) as connection:
        for statement in filter(str.strip, _MADE.split(";\n")):
            connection.execute(statement)
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql IMMUTABLE RETURN 0")
        connection.execute("INSERT INTO s.t (a, g) VALUES (3, 2)")
        connection.execute("INSERT INTO s.p VALUES (8)")
        rows = connection.execute("SELECT a, b, c, d, e, g FROM s.t").fetchall()
        assert [tuple(row) for row in rows] == [(3, 5, 4, "ok", 1, 2)]
        with pytest.raises(errors.UniqueViolation):
            connection.execute("INSERT INTO s.t (a) VALUES (3)")
        connection.execute("ALTER FUNCTION s.f(int) RENAME TO g")
        connection.execute("ALTER SCHEMA s RENAME TO z")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("INSERT INTO z.t (a, g) VALUES (4, 2)")
        with pytest.raises(errors.CheckViolation):
            connection.execute("INSERT INTO z.t (a, g) VALUES (5, 9)")
        with pytest.raises(errors.CheckViolation):
            connection.execute("INSERT INTO z.p VALUES (9)")


def test_a_type_that_only_an_expression_names_is_not_dropped() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
        connection.execute("CREATE TABLE t (a text CHECK (a::mood > 'sad'))")
        with pytest.raises(errors.DependentObjectsStillExist):
            connection.execute("DROP TYPE mood")
        connection.execute("DROP TYPE mood CASCADE")
        connection.execute("INSERT INTO t VALUES ('neither')")
