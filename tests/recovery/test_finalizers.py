"""Finalizers that commit while the thread they run in writes the log: refused with an error, where they would wait for their own thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.errors import ObjectInUse
from lungfish.storage.disk import LocalFile

WAIT_S = 20


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[tuple[Connection, Connection]]:
    with (
        lungfish.open(tmp_path / "a.db") as database,
        database.connect(autocommit=True) as one,
        database.connect(autocommit=True) as other,
    ):
        one.execute("CREATE TABLE t (a int PRIMARY KEY, b int)")
        yield one, other


def run(action: threading.Thread) -> None:
    action.daemon = True
    action.start()
    action.join(WAIT_S)
    assert not action.is_alive(), "it waits for itself"


@pytest.mark.parametrize("moment", ["write_at", "sync"])
@pytest.mark.parametrize("statement", ["INSERT INTO t VALUES (2, 0)", "SELECT nextval('s')"])
def test_a_commit_within_a_flush_of_its_own_thread_is_refused(
    connections: tuple[Connection, Connection],
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    statement: str,
) -> None:
    one, other = connections
    one.execute("CREATE SEQUENCE s")
    errors: list[BaseException | None] = []
    plain = getattr(LocalFile, moment)

    def with_finalizer(file: LocalFile, *arguments: object) -> object:
        # What the garbage collector would do at this moment if it had to end an object with a finalizer.
        if not errors and "wal" in str(file.path) and threading.current_thread().name == "writer":
            errors.append(None)
            try:
                other.execute(statement)
            except lungfish.Error as error:
                errors[0] = error
        return plain(file, *arguments)

    monkeypatch.setattr(LocalFile, moment, with_finalizer)
    run(threading.Thread(target=one.execute, args=("INSERT INTO t VALUES (1, 0)",), name="writer"))
    monkeypatch.undo()
    assert isinstance(errors[0], ObjectInUse)
    assert errors[0].sqlstate == "55006"
    # It was rolled back wholly, and nothing stays in its way.
    other.execute("INSERT INTO t VALUES (2, 1)")
    rows = one.execute("SELECT a, b FROM t ORDER BY a").fetchall()
    assert rows == [(1, 0), (2, 1)]
