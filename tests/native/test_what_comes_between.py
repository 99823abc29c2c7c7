"""What may come in the middle of a statement's short way, and beside it: finalizers, a stop, a cursor of no connection, modules of another age."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish.native import compiled_module

ROOT = Path(__file__).resolve().parents[2]
COUNT = 24
NUMBERS = ", ".join(map(str, range(COUNT)))


@pytest.fixture
def connection() -> Iterator[Any]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        made.execute("INSERT INTO t SELECT i, 10 * i FROM generate_series(1, 5000) i")
        yield made


def test_a_finalizer_between_a_text_and_its_values_takes_no_part_in_it(connection: Any) -> None:
    columns = ", ".join(f"c{number} int" for number in range(COUNT))
    for table in ("wide", "other"):
        connection.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, {columns})")
    connection.execute("BEGIN")
    for number in range(3):
        for table in ("wide", "other"):
            connection.execute(f"INSERT INTO {table} VALUES ({number}, {NUMBERS})")
    outer, inner = connection.cursor(), connection.cursor()

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            inner.execute(f"INSERT INTO other VALUES (777, {NUMBERS})")

    thresholds = gc.get_threshold()
    gc.collect()
    gc.disable()
    Cycle()
    # So that the collector runs at the next occasion: the tuple of the values is too long for a free list.
    made = [[] for _ in range(2000)]
    gc.set_threshold(1)
    gc.enable()
    try:
        outer.execute(f"INSERT INTO wide VALUES (100, {NUMBERS})")
    finally:
        gc.set_threshold(*thresholds)
    del made
    gc.collect()
    assert connection.execute("SELECT max(id), count(*) FROM wide").fetchall() == [(100, 4)]
    assert connection.execute("SELECT max(id), count(*) FROM other").fetchall() == [(777, 4)]


@pytest.mark.skipif(
    compiled_module("lungfish.session.native_runner") is None, reason="it is not built"
)
def test_what_fails_while_a_transaction_gets_its_id_fails_the_change_that_asked(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "UPDATE t SET v = ? WHERE id = ?"
    for _ in range(3):
        connection.execute(sql, (7, 1))
    transactions = connection.session.database.transactions

    def fail() -> None:
        monkeypatch.undo()
        with pytest.raises(lungfish.Error, match="division by zero"):
            connection.execute("SELECT 1 / 0")

    connection.execute("BEGIN")
    monkeypatch.setattr(transactions, "admit", fail)
    with pytest.raises(lungfish.Error, match="current transaction is aborted"):
        connection.execute(sql, (8, 1))
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT v FROM t WHERE id = 1").fetchval() == 7


def test_a_stop_within_a_change_fails_the_transaction(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "UPDATE t SET v = ? WHERE id = ?"
    for _ in range(3):
        connection.execute(sql, (1, 1))
    connection.execute("BEGIN")
    connection.execute(sql, (2, 2))

    def stop() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    log = connection._session.database.core.log
    monkeypatch.setattr(log, "_taken", -(1 << 40))
    monkeypatch.setattr(log, "_ask_for_relief", stop)
    with pytest.raises(KeyboardInterrupt):
        connection.execute(sql, (3, 3))
    assert connection.transaction_status == "failed"
    connection.rollback()
    found = connection.execute("SELECT v FROM t WHERE id < 4 ORDER BY id").fetchall()
    assert found == [(1,), (20,), (30,)]


@pytest.mark.parametrize("method", ["fetchone", "fetchall", "fetchval", "execute"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_cursor_without_a_connection_raises(
    connection: Any, method: str, *, is_new: bool
) -> None:
    sql = "SELECT v FROM t WHERE id = ?"
    for _ in range(3):
        cursor = connection.execute(sql, (1,))
    if is_new:
        cursor = type(cursor).__new__(type(cursor))
    else:
        cursor.connection = None
    with pytest.raises(AttributeError):
        getattr(cursor, method)(*([sql, (1,)] if method == "execute" else []))


def test_pages_that_a_statement_looks_at_are_counted(connection: Any) -> None:
    sql = "SELECT v FROM t WHERE id = ?"
    for _ in range(3):
        connection.execute(sql, (1,))
    pool = connection._session.database.core.pool
    before = pool.figures().hits
    for number in range(100):
        connection.execute(sql, (number + 1,))
    # The root of the index, a leaf, and a page of the table.
    assert pool.figures().hits - before >= 300


@pytest.mark.parametrize("name", ["native_tables", "native_trees"])
def test_modules_that_are_built_in_part_are_left_out(name: str) -> None:
    done = run(
        f"import sys; sys.modules['lungfish.storage.{name}'] = None\n"
        "import lungfish\n"
        "with lungfish.connect(':memory:', autocommit=True) as c:\n"
        "    c.execute('CREATE TABLE t (id int PRIMARY KEY)')\n"
        "    c.execute('INSERT INTO t VALUES (1)')\n"
        "    print(c.execute('SELECT id FROM t WHERE id = 1').fetchall())\n"
    )
    assert (done.stdout, done.stderr) == ("[(1,)]\n", "")


@pytest.mark.skipif(
    compiled_module("lungfish.storage.native_trees") is None, reason="it is not built"
)
def test_a_module_of_another_age_says_what_to_do() -> None:
    done = run(
        "import lungfish.storage.relation_pages as pages\n"
        "class Frame:\n"
        "    __slots__ = ('other',)\n"
        "pages.Frame = Frame\n"
        "from lungfish.native import compiled_module\n"
        "try:\n"
        "    compiled_module('lungfish.storage.native_trees')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert "lungfish.storage.native_trees was built from other sources" in done.stdout, done.stderr
    assert "python setup.py build_ext --inplace" in done.stdout


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
