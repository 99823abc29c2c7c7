"""Collations through expressions, rows compared as values, names looked for while planning: what needs no PostgreSQL to be told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as opened:
        opened.execute('CREATE TABLE t (a text COLLATE "C", b text COLLATE "POSIX", d text)')
        yield opened


def test_two_explicit_collations_are_an_error_at_once(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.CollationMismatch):
        connection.execute('SELECT a COLLATE "C" < b COLLATE "POSIX" FROM t')


def test_two_implicit_collations_are_an_error_once_rows_are_compared(
    connection: lungfish.Connection,
) -> None:
    assert connection.execute("SELECT a < b FROM t").fetchall() == []
    connection.execute("INSERT INTO t VALUES ('x', NULL, 'y')")
    assert connection.execute("SELECT a < b, a || b FROM t").fetchall() == [(None, None)]
    connection.execute("UPDATE t SET b = 'y'")
    with pytest.raises(errors.IndeterminateCollation):
        connection.execute("SELECT a < b FROM t").fetchall()
    assert connection.execute('SELECT a < b COLLATE "C", a < d FROM t').fetchall() == [(True, True)]


@pytest.mark.parametrize("clause", ["ORDER BY a || b", "GROUP BY a || b"])
def test_rows_are_not_told_apart_by_what_has_no_collation(
    connection: lungfish.Connection, clause: str
) -> None:
    with pytest.raises(errors.CollationMismatch):
        connection.execute(f"SELECT a || b FROM t {clause}")


@pytest.mark.parametrize(
    ("collation", "expected"),
    [("C", "ß é"), ("default", "ß É"), ("pg_c_utf8", "ß É"), ("pg_unicode_fast", "SS É")],
)
def test_a_collation_decides_which_letters_have_an_upper_case(
    connection: lungfish.Connection, collation: str, expected: str
) -> None:
    found = connection.execute(f"""SELECT upper('ß é' COLLATE "{collation}")""").fetchone()
    assert found == (expected,)


def test_patterns_beyond_ascii_are_refused_where_the_collation_knows_ascii_only(
    connection: lungfish.Connection,
) -> None:
    asked = """SELECT 'A' ~* 'a' COLLATE "C", 'é' ~ 'é' COLLATE "C" """
    assert connection.execute(asked).fetchone() == (True, True)
    with pytest.raises(errors.FeatureNotSupported):
        connection.execute("""SELECT 'É' ~* 'é' COLLATE "C" """)


def test_rows_of_different_types_differ_before_their_types_do(
    connection: lungfish.Connection,
) -> None:
    connection.execute("CREATE TYPE one AS (a int, b int); CREATE TYPE other AS (a int, b text)")
    assert connection.execute("SELECT ROW(1, 2)::one = ROW(2, 'x')::other").fetchone() == (False,)
    with pytest.raises(errors.DatatypeMismatch):
        connection.execute("SELECT ROW(1, 2)::one = ROW(1, 'x')::other")


def test_a_literal_that_names_no_relation_is_an_error_of_planning(
    connection: lungfish.Connection,
) -> None:
    assert connection.execute("SELECT 't'::regclass WHERE false").fetchall() == []
    with pytest.raises(errors.UndefinedTable):
        connection.execute("SELECT 'nothing'::regclass WHERE false")
    assert connection.execute("SELECT to_regclass('nothing')").fetchone() == (None,)


def test_ranges_are_written_as_ranges_among_other_texts(connection: lungfish.Connection) -> None:
    asked = "SELECT concat('a', int4range(1, 2)), format('%s', numrange(1, 2))"
    assert connection.execute(asked).fetchone() == ("a[1,2)", "[1,2)")
