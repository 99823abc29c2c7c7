"""Rows whose bytes are not what they should be, on pages that were found whole when they were read: an error may come of them, memory is left alone."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.database.options import DatabaseOptions
from lungfish.native import compiled_module
from lungfish.storage.heap import Heap

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.executor.native_lanes") is None, reason="it is not built"
)
VIEW = struct.Struct("<I4xII")
COLUMNS = [f"c{number}" for number in range(60)]
STATEMENTS = (
    "UPDATE t SET c1 = 'as long as it needs to be for the tail' WHERE id = ?",
    "UPDATE t SET c1 = NULL, n = n + 1 WHERE id = ? RETURNING c0",
    "UPDATE t SET n = n + 1 WHERE id = ?",
    "SELECT n, c0, c1 FROM t WHERE id = ?",
    "DELETE FROM t WHERE id = ? RETURNING c1",
)


def run_all(connection: Connection, key: int) -> None:
    """Each statement about a row, in a transaction that is given up."""
    for sql in STATEMENTS:
        connection.execute("BEGIN")
        with contextlib.suppress(lungfish.Error):
            connection.execute(sql, (key,))
        connection.execute("ROLLBACK")


def filled(path: Path) -> Connection:
    """A connection to a table whose statements are known by now."""
    made = lungfish.connect(
        path,
        autocommit=True,
        options=DatabaseOptions(page_size_bytes=8192, checkpoint_wal_bytes=0),
    )
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    made.execute(f"CREATE TABLE t (id int PRIMARY KEY, n int, {columns})")
    for key in range(6):
        made.execute("INSERT INTO t (id, n, c0) VALUES (?, 0, ?)", (key, "x" * 100 * key))
    for _ in range(3):
        run_all(made, 0)
    return made


def heap_of(connection: Connection) -> Heap:
    stores = connection.session.database.stores.all()
    return next(each.rows.heap for each in stores if len(each.rows.layout.views) == len(COLUMNS))


def test_a_view_of_more_than_the_row_has_in_its_tail_is_not_copied(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as connection:
        heap = heap_of(connection)
        data = heap.pages.frames[0].data
        for number, (_, offset) in enumerate(heap.layout.views):
            if number != 1:
                VIEW.pack_into(data, heap.format.row_offset(0) + offset, 900, 0, 0)
        run_all(connection, 0)
        run_all(connection, 5)
        # Nothing of it goes to the file.
        connection.session.database.crash()
