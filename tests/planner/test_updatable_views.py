"""Changing views: what is done to the table beneath, and what is refused with PostgreSQL's reasons."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute(
        "CREATE TABLE t (id serial PRIMARY KEY, a integer CHECK (a < 100), b text DEFAULT 'none', hidden integer DEFAULT 7)"
    )
    connection.execute("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (30, 'z')")
    connection.execute(
        "CREATE VIEW v (nr, label, key) AS SELECT x.a, b, x.id FROM t x WHERE a < 10"
    )
    connection.execute("CREATE VIEW w AS SELECT label, nr AS n FROM v WHERE nr > 1")
    return connection


def rows(db: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(sql).fetchall()]


def test_an_insert_goes_to_the_table_with_its_defaults_and_checks(db: Any) -> None:
    assert rows(db, "INSERT INTO v (label, nr) VALUES ('new', 5) RETURNING *, nr * 2") == [
        (5, "new", 4, 10)
    ]
    db.execute("INSERT INTO w VALUES ('deep', 6)")
    db.execute("INSERT INTO v SELECT 7, 'sel', 100")
    assert rows(db, "SELECT id, a, b, hidden FROM t WHERE id > 3 ORDER BY a") == [
        (4, 5, "new", 7),
        (5, 6, "deep", 7),
        (100, 7, "sel", 7),
    ]
    with pytest.raises(errors.CheckViolation):
        db.execute("INSERT INTO v (nr) VALUES (100)")


def test_an_update_changes_only_what_the_view_shows(db: Any) -> None:
    assert rows(
        db, "UPDATE w SET n = n + 1, label = label || '!' RETURNING old.n, new.n, label"
    ) == [(2, 3, "y!")]
    db.execute("UPDATE v AS q SET nr = 8 FROM (VALUES (1)) AS s (k) WHERE q.nr = s.k")
    assert rows(db, "SELECT a, b FROM t ORDER BY id") == [(8, "x"), (3, "y!"), (30, "z")]


def test_a_delete_takes_only_what_the_view_shows(db: Any) -> None:
    assert rows(db, "DELETE FROM w RETURNING label, n") == [("y", 2)]
    assert db.execute("DELETE FROM v").rowcount == 1
    assert rows(db, "SELECT a FROM t") == [(30,)]


def test_names_that_the_view_does_not_show_are_unknown(db: Any) -> None:
    for sql in (
        "UPDATE v SET hidden = 1",
        "UPDATE v SET label = hidden::text",
        "INSERT INTO v (a) VALUES (1)",
        "DELETE FROM v WHERE a = 1",
    ):
        with pytest.raises(errors.UndefinedColumn):
            db.execute(sql)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT DISTINCT a FROM t", "Views containing DISTINCT"),
        ("SELECT a FROM t GROUP BY a", "Views containing GROUP BY"),
        ("SELECT a FROM t LIMIT 1", "Views containing LIMIT or OFFSET"),
        ("SELECT a FROM t UNION SELECT 1", "Views containing UNION, INTERSECT, or EXCEPT"),
        ("SELECT count(*) FROM t", "Views that return aggregate functions"),
        ("SELECT row_number() OVER () FROM t", "Views that return window functions"),
        ("SELECT t.a FROM t, t u", "Views that do not select from a single table or view"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_reason(
    db: Any, query: str, reason: str
) -> None:
    db.execute(f"CREATE VIEW bad AS {query}")
    for sql, verb in (
        ("DELETE FROM bad", "delete from"),
        ("INSERT INTO bad VALUES (1)", "insert into"),
    ):
        with pytest.raises(errors.ObjectNotInPrerequisiteState, match=verb) as caught:
            db.execute(sql)
        assert caught.value.detail == f"{reason} are not automatically updatable."


def test_computed_columns_are_read_and_not_written(db: Any) -> None:
    db.execute("CREATE VIEW c AS SELECT a + 1 AS n, a FROM t")
    assert rows(db, "UPDATE c SET a = 5 WHERE n = 2 RETURNING n, old.n") == [(6, 2)]
    with pytest.raises(errors.FeatureNotSupported) as caught:
        db.execute("UPDATE c SET n = 1")
    assert str(caught.value).startswith('cannot update column "n" of view "c"')
    db.execute("CREATE VIEW d AS SELECT a + 1 AS n FROM t")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        db.execute("UPDATE d SET n = 1")
    assert db.execute("DELETE FROM d WHERE n = 6").rowcount == 1


def test_a_checked_view_takes_only_rows_that_it_shows(db: Any) -> None:
    db.execute(
        "CREATE OR REPLACE VIEW w AS SELECT label, nr AS n FROM v WHERE nr > 1 WITH CHECK OPTION"
    )
    with pytest.raises(errors.WithCheckOptionViolation) as caught:
        db.execute("INSERT INTO w VALUES ('x', 10)")
    assert str(caught.value).startswith('new row violates check option for view "v"')
    assert caught.value.detail == "Failing row contains (4, 10, x, 7)."
    with pytest.raises(errors.WithCheckOptionViolation):
        db.execute("UPDATE w SET n = 0")
    with pytest.raises(errors.WithCheckOptionViolation):
        db.cursor().executemany("INSERT INTO w (n) VALUES (?)", [(5,), (50,), (6,)])
    db.execute("ALTER VIEW w SET (check_option = local)")
    db.execute("INSERT INTO w VALUES ('x', 10)")
    assert rows(db, "SELECT a FROM t ORDER BY id") == [(1,), (2,), (30,), (10,)]
