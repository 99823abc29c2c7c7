"""Rules as objects: they outlive a restart, roll back, depend on what they use, follow its names, and go into a dump.

What they do is in tests/differential/scripts (rules.sql, rules_refused.sql), which PostgreSQL answers too.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors
from lungfish.transfer.dump import dump

CREATE = (
    "CREATE TABLE t (a integer, b text)",
    "CREATE TABLE log (what text, a integer)",
    "CREATE VIEW v AS SELECT DISTINCT a, b FROM t",
    "CREATE RULE noted AS ON INSERT TO t WHERE new.a > 0 DO ALSO INSERT INTO log (what, a) VALUES ('ins', new.a)",
    "CREATE RULE put AS ON INSERT TO v DO INSTEAD (DELETE FROM t WHERE a = new.a; INSERT INTO t VALUES (new.a, new.b))",
)


@pytest.fixture
def db(connection: Any) -> Any:
    connection.autocommit = True
    for statement in CREATE:
        connection.execute(statement)
    return connection


def rows(db: Any, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(sql).fetchall()]


def test_rules_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.connect(path, autocommit=True) as connection:
        for statement in CREATE:
            connection.execute(statement)
        connection.execute("ALTER TABLE t DISABLE RULE noted")
        connection.execute("COMMENT ON RULE put ON v IS 'in its place'")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("INSERT INTO v VALUES (1, 'one'), (2, 'two')")
        assert rows(connection, "SELECT * FROM t ORDER BY a") == [(1, "one"), (2, "two")]
        assert rows(connection, "SELECT * FROM log") == []
        comment = "SELECT description FROM pg_description WHERE classoid = 2618"
        assert rows(connection, comment) == [("in its place",)]
        connection.execute("ALTER TABLE t ENABLE RULE noted")
        connection.execute("INSERT INTO v VALUES (1, 'again')")
        assert rows(connection, "SELECT * FROM log") == [("ins", 1)]


def test_a_rule_is_made_and_dropped_with_its_transaction(db: Any) -> None:
    db.execute("BEGIN")
    db.execute("DROP RULE noted ON t")
    db.execute("CREATE RULE none AS ON DELETE TO t DO INSTEAD NOTHING")
    db.execute("INSERT INTO t VALUES (1, 'x')")
    assert db.execute("DELETE FROM t").rowcount == 0
    db.execute("ROLLBACK")
    assert rows(db, "SELECT * FROM log") == []
    db.execute("INSERT INTO t VALUES (1, 'x')")
    assert rows(db, "SELECT * FROM log") == [("ins", 1)]
    assert db.execute("DELETE FROM t").rowcount == 1


def test_a_plan_is_made_anew_when_a_rule_comes_or_goes(db: Any) -> None:
    insert = "INSERT INTO t VALUES (?, 'x')"
    for number in range(3):
        db.execute(insert, (number,))
    db.execute("DROP RULE noted ON t")
    for number in range(3):
        db.execute(insert, (number,))
    assert rows(db, "SELECT a FROM log ORDER BY a") == [(1,), (2,)]


def test_many_sets_of_parameters_go_through_rules_too(db: Any) -> None:
    db.cursor().executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (0, "y"), (3, "z")])
    assert rows(db, "SELECT a FROM log ORDER BY a") == [(1,), (3,)]
    db.cursor().executemany("INSERT INTO v VALUES (?, ?)", [(1, "new"), (4, "w")])
    assert rows(db, "SELECT a, b FROM t ORDER BY a") == [
        (0, "y"),
        (1, "new"),
        (3, "z"),
        (4, "w"),
    ]


def test_what_a_rule_uses_is_dropped_with_it_only(db: Any) -> None:
    with pytest.raises(errors.DependentObjectsStillExist) as caught:
        db.execute("DROP TABLE log")
    assert caught.value.detail == "rule noted on table t depends on table log"
    with pytest.raises(errors.DependentObjectsStillExist):
        db.execute("ALTER TABLE log DROP COLUMN what")
    with pytest.raises(errors.FeatureNotSupported):
        db.execute("ALTER TABLE t ALTER COLUMN a TYPE bigint")
    db.execute("ALTER TABLE log DROP COLUMN what CASCADE")
    db.execute("DROP TABLE log")
    assert rows(db, "SELECT rulename FROM pg_rules") == [("put",)]
    db.execute("DROP VIEW v")
    assert rows(db, "SELECT rulename FROM pg_rules") == []


def test_a_rule_follows_the_names_of_what_it_uses(db: Any) -> None:
    db.execute("ALTER TABLE log RENAME TO journal")
    db.execute("CREATE SCHEMA other")
    db.execute("ALTER TABLE journal SET SCHEMA other")
    db.execute("ALTER SCHEMA other RENAME TO another")
    db.execute("ALTER TABLE t RENAME TO u")
    db.execute("INSERT INTO v VALUES (1, 'one')")
    assert rows(db, "SELECT * FROM another.journal") == [("ins", 1)]
    assert rows(db, "SELECT * FROM u") == [(1, "one")]
    with pytest.raises(errors.FeatureNotSupported):
        db.execute("ALTER TABLE u RENAME COLUMN a TO c")


def test_a_dump_takes_rules_along(db: Any) -> None:
    db.execute("INSERT INTO v VALUES (1, 'one')")
    db.execute("ALTER TABLE t ENABLE ALWAYS RULE noted")
    out = io.StringIO()
    dump(db, out)
    text = out.getvalue()
    assert "ALTER TABLE public.t ENABLE ALWAYS RULE noted;" in text
    rules = text[text.index("CREATE RULE") :]
    with lungfish.connect(":memory:", autocommit=True) as other:
        for statement in CREATE[:3]:
            other.execute(statement)
        other.execute(rules)
        other.execute("INSERT INTO v VALUES (2, 'two')")
        assert rows(other, "SELECT * FROM log") == [("ins", 2)]
        wanted = rows(db, "SELECT * FROM pg_rules ORDER BY rulename")
        assert rows(other, "SELECT * FROM pg_rules ORDER BY rulename") == wanted


def test_a_rule_in_a_read_only_transaction_is_refused_as_its_commands_are(db: Any) -> None:
    db.execute("BEGIN READ ONLY")
    with pytest.raises(errors.ReadOnlySqlTransaction):
        db.execute("INSERT INTO v VALUES (1, 'one')")
    db.execute("ROLLBACK")


def test_explain_shows_every_statement_that_rules_make(db: Any) -> None:
    lines = [line for (line,) in rows(db, "EXPLAIN (COSTS OFF) INSERT INTO v VALUES (1, 'x')")]
    assert [line for line in lines if line.startswith(("Insert", "Delete"))] == [
        "Delete on t",
        "Insert on t",
        "Insert on log",
    ]
    db.execute("CREATE RULE none AS ON DELETE TO v DO INSTEAD NOTHING")
    assert rows(db, "EXPLAIN DELETE FROM v") == [("Query rewrites to nothing",)]


def test_copy_asks_for_one_statement(db: Any) -> None:
    with pytest.raises(errors.FeatureNotSupported) as caught:
        db.execute("COPY (INSERT INTO t VALUES (1, 'x') RETURNING a) TO STDOUT")
    assert str(caught.value).startswith("DO ALSO rules are not supported for COPY")


def test_a_temporary_relation_is_not_used_by_what_outlives_it(db: Any) -> None:
    db.execute("CREATE TEMP TABLE short (a integer)")
    with pytest.raises(errors.FeatureNotSupported):
        db.execute("CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO short VALUES (new.a)")
    db.execute("CREATE RULE r AS ON INSERT TO short DO ALSO INSERT INTO log VALUES ('tmp', new.a)")
    db.execute("INSERT INTO short VALUES (5)")
    assert rows(db, "SELECT * FROM log") == [("tmp", 5)]
