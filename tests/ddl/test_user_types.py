"""Types that people make: they roll back, are stored, and are there again after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish


def _make(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TYPE color AS ENUM ('red', 'green')")
    connection.execute("CREATE DOMAIN small AS integer CHECK (VALUE < 10)")
    connection.execute("CREATE TYPE pair AS (a small, c color)")
    connection.execute("CREATE TABLE t (id small PRIMARY KEY, c color, cs color[], p pair)")
    connection.execute("CREATE INDEX ON t (c)")
    connection.execute("INSERT INTO t VALUES (1, 'green', '{red}', ROW(2, 'red'))")
    connection.execute("ALTER TYPE color ADD VALUE 'amber' BEFORE 'green'")
    connection.execute("INSERT INTO t VALUES (2, 'amber', '{}', NULL)")


def test_types_and_their_values_survive_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "types.db"
    connection = lungfish.connect(path, autocommit=True)
    _make(connection)
    connection.execute("CHECKPOINT")
    connection.execute("ALTER TYPE color RENAME VALUE 'red' TO 'crimson'")
    connection.execute("INSERT INTO t VALUES (3, 'crimson', NULL, NULL)")
    connection._session.database.crash()
    connection.close()
    with lungfish.connect(path, autocommit=True) as again:
        rows = again.execute("SELECT id, c, cs FROM t ORDER BY c, id").fetchall()
        assert rows == [(3, "crimson", None), (2, "amber", []), (1, "green", ["crimson"])]
        assert again.execute("SELECT id FROM t WHERE c = 'amber'").fetchall() == [(2,)]
        with pytest.raises(lungfish.IntegrityError):
            again.execute("INSERT INTO t VALUES (11, NULL, NULL, NULL)")


def test_a_rolled_back_type_leaves_nothing() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("BEGIN")
        _make(connection)
        connection.execute("ROLLBACK")
        with pytest.raises(lungfish.ProgrammingError, match="does not exist"):
            connection.execute("SELECT 'red'::color")


def test_a_rolled_back_label_is_none() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        _make(connection)
        connection.execute("BEGIN; ALTER TYPE color ADD VALUE 'blue' BEFORE 'red'; ROLLBACK")
        assert connection.execute("SELECT enum_range(NULL::color)").fetchval() == [
            "red",
            "amber",
            "green",
        ]
        assert connection.execute("SELECT c FROM t ORDER BY c").fetchall() == [
            ("amber",),
            ("green",),
        ]


def test_a_parameter_is_checked_by_its_domain() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        _make(connection)
        connection.execute("INSERT INTO t (id, c) VALUES (?, ?)", (5, "red"))
        with pytest.raises(lungfish.IntegrityError, match="small_check"):
            connection.execute("UPDATE t SET id = ? WHERE id = 5", (50,))
        with pytest.raises(lungfish.DataError, match="invalid input value for enum color"):
            connection.execute("UPDATE t SET c = ? WHERE id = 5", ("mauve",))


def test_a_composite_with_a_domain_is_not_read_from_text_unchecked() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        _make(connection)
        with pytest.raises(lungfish.IntegrityError, match="domain small"):
            connection.execute("SELECT '(99,red)'::pair")
        with pytest.raises(lungfish.IntegrityError):
            connection.execute("SELECT ROW(99, 'red')::pair")
