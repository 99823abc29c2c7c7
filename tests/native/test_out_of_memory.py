"""No memory for one of the small things that a step makes: it is done wholly, or taken back wholly."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.native import compiled_module

memory: Any = pytest.importorskip("_testcapi", reason="this Python has no module for its own tests")

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.executor.native_lanes") is None, reason="it is not built"
)
# So many allocations fail, one at a time. A statement that runs in one step makes about half as many.
COUNT = 40
BODY = "a text that is longer than what a view holds"
# By their names, so that a failure says which one it was.
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "insert": ("INSERT INTO t VALUES (?, 1, 'a key that takes a cell of its leaf', ?)", (1000, BODY)),
    "longer": ("UPDATE t SET body = ? WHERE id = ?", (BODY * 9, 7)),
    "shorter": ("UPDATE t SET body = ? WHERE id = ?", ("short", 7)),
    "deleted": ("DELETE FROM t WHERE id = ?", (7,)),
    "range": ("UPDATE t SET body = ? WHERE id >= ? AND id < ?", (BODY, 7, 9)),
}  # fmt: skip


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT * FROM t ORDER BY id").fetchall()


def run_without(
    connection: Connection, number: int, sql: str, values: tuple[Any, ...] | None
) -> None:
    """Run a statement whose allocation of that number fails."""
    gc.disable()
    try:
        with contextlib.suppress(MemoryError, lungfish.Error):
            memory.set_nomemory(number, number + 1)
            connection.execute(sql, values)
    finally:
        memory.remove_mem_hooks()
        gc.enable()


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_step_without_memory_leaves_rows_and_indexes_whole(name: str, tmp_path: Path) -> None:
    sql, values = STATEMENTS[name]
    with lungfish.open(tmp_path / "a.db") as database:
        connection = database.connect(autocommit=True)
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int, tag text, body text)")
        connection.execute("CREATE INDEX t_tag ON t (tag, n)")
        for number in range(300):
            connection.execute(
                "INSERT INTO t VALUES (?, ?, ?, ?)", (number, number, f"b tag {number}", BODY)
            )
        before = rows(connection)
        for number in range(-3, COUNT):
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET n = n WHERE id = ?", (200,))
            if number < 0:
                # So that the statement is known.
                connection.execute(sql, values)
            else:
                run_without(connection, number, sql, values)
            connection.execute("ROLLBACK")
            assert rows(connection) == before, number
        assert not database.check("full").problems


def test_a_commit_without_memory_keeps_nothing_locked(tmp_path: Path) -> None:
    with lungfish.open(tmp_path / "a.db") as database:
        connection = database.connect(autocommit=True)
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        connection.execute("INSERT INTO t VALUES (1, 0)")
        for number in range(4 * COUNT):
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET n = ? WHERE id = ?", (number, 1))
            run_without(connection, number, "COMMIT", None)
            connection.rollback()
            assert not connection.session.database.transactions.running(), number
        connection.execute("UPDATE t SET n = -1 WHERE id = ?", (1,))
        assert rows(connection) == [(1, -1)]
