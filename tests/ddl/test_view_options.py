"""Options of views: WITH CHECK OPTION and its like are kept, shown, dumped, and there again after a restart."""

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
    "CREATE VIEW v WITH (security_barrier) AS SELECT * FROM t WHERE a > 0 WITH LOCAL CHECK OPTION",
    "ALTER VIEW v ALTER COLUMN b SET DEFAULT 'none'",
)


def _options(connection: Any) -> Any:
    sql = "SELECT reloptions::text FROM pg_class WHERE relname = 'v'"
    return connection.execute(sql).fetchone()[0]


def test_options_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with lungfish.connect(path, autocommit=True) as connection:
        for statement in CREATE:
            connection.execute(statement)
    with lungfish.connect(path, autocommit=True) as connection:
        assert _options(connection) == "{security_barrier=true,check_option=local}"
        with pytest.raises(errors.WithCheckOptionViolation):
            connection.execute("INSERT INTO v VALUES (0)")
        connection.execute("INSERT INTO v VALUES (1)")
        assert connection.execute("SELECT b FROM t").fetchone()[0] == "none"


def test_a_dump_takes_options_and_defaults_along(connection: Any) -> None:
    connection.autocommit = True
    for statement in CREATE:
        connection.execute(statement)
    out = io.StringIO()
    dump(connection, out)
    text = out.getvalue()
    assert "WITH (security_barrier='true', check_option='local') AS" in text
    assert "ALTER VIEW public.v ALTER COLUMN b SET DEFAULT 'none';" in text


def test_a_change_of_options_is_rolled_back(connection: Any) -> None:
    connection.autocommit = True
    for statement in CREATE:
        connection.execute(statement)
    connection.execute("BEGIN")
    connection.execute("ALTER VIEW v RESET (check_option)")
    connection.execute("INSERT INTO v VALUES (-1)")
    connection.execute("ROLLBACK")
    with pytest.raises(errors.WithCheckOptionViolation):
        connection.execute("INSERT INTO v VALUES (-1)")
