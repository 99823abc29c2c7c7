"""Rows whose bytes are not what was written, on pages whose checksums are right: statements say XX001 and where, never an exception of Python's."""

from __future__ import annotations

import contextlib
import random
import struct
from collections.abc import Iterator

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.database.options import DatabaseOptions
from lungfish.errors import CorruptDatabase, CorruptPage
from lungfish.storage.heap import Heap

VIEW = struct.Struct("<I4sII")
COLUMNS = {
    "short": ("text", "'short'"),
    "long": ("text", "'a text of more than twelve bytes: ü'"),
    "bytes": ("bytea", r"'\x0102030405060708090a0b0c0d0e'"),
    "any_number": ("numeric", "1.5"),
    "number": ("numeric(30, 5)", "1234567890123456789.5"),
    "is_so": ("boolean", "true"),
    "day": ("date", "'2020-01-02'"),
    "span": ("interval", "'1 day 2 hours'"),
    "list": ("int[]", "'{1,2,3,4,5,6,7}'"),
    "tree": ("jsonb", """'{"a": [1, 2, 3]}'"""),
    "bounds": ("int4range", "'[1,5)'"),
}
STATEMENTS = (
    "SELECT * FROM t WHERE id = 1",
    "SELECT * FROM t",
    "SELECT upper(short), length(long), tree->'a' FROM t ORDER BY any_number, long",
    "SELECT max(short), sum(any_number), sum(number), max(day), max(span), count(*) FROM t",
    "UPDATE t SET is_so = false WHERE id = 1",
    "UPDATE t SET long = 'another text of more than twelve bytes' WHERE id = 1 RETURNING *",
    "UPDATE t SET id = id + 10",
    "DELETE FROM t WHERE id = 1",
    "CREATE INDEX ON t (long)",
    "ALTER TABLE t ALTER COLUMN id TYPE bigint",
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    options = DatabaseOptions(page_size_bytes=8192, checkpoint_wal_bytes=0)
    made = lungfish.connect(":memory:", autocommit=True, options=options)
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    made.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    made.execute("CREATE INDEX ON t (short)")
    values = ", ".join(value for _, value in COLUMNS.values())
    made.execute(f"INSERT INTO t VALUES (0, {values}), (1, {values})")
    yield made
    with contextlib.suppress(lungfish.Error):
        made.close()
    made.session.database.crash()


def heap_of(connection: Connection) -> Heap:
    stores = connection.session.database.stores.all()
    return next(each.rows.heap for each in stores if len(each.rows.layout.types) > len(COLUMNS))


def run_all(connection: Connection) -> list[lungfish.Error]:
    """The errors of all statements, each in a transaction that is taken back."""
    errors = []
    for sql in STATEMENTS:
        connection.execute("BEGIN")
        try:
            cursor = connection.execute(sql)
            if cursor.description is not None:
                cursor.fetchall()
        except lungfish.Error as error:
            errors.append(error)
        connection.execute("ROLLBACK")
    return errors


def view_offset(heap: Heap, name: str) -> int:
    return heap.format.row_offset(1) + heap.layout.offsets[1 + list(COLUMNS).index(name)]


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("short", VIEW.pack(3, b"\xff\xfe\xfd", 0, 0)),
        ("short", VIEW.pack(13, b"abcd", 0, 8190)),
        ("long", VIEW.pack(2**31, b"abcd", 0, 100)),
        ("long", VIEW.pack(20, b"abcd", 77, 3)),
        ("any_number", VIEW.pack(3, b"1,5", 0, 0)),
        ("any_number", VIEW.pack(3, b"\xff\xff\xff", 0, 0)),
    ],
)
def test_a_damaged_view_is_told_with_its_place_and_what_to_do(
    connection: Connection, name: str, view: bytes
) -> None:
    heap = heap_of(connection)
    assert not run_all(connection)
    at = view_offset(heap, name)
    heap.pages.frames[0].data[at : at + 16] = view
    with pytest.raises(CorruptPage, match="a stored row is damaged") as caught:
        connection.execute("SELECT * FROM t WHERE id = 1")
    assert caught.value.sqlstate == "XX001"
    assert caught.value.detail == f"It is in slot 1 of page 0 of relation {heap.pages.relation_id}."
    assert caught.value.hint is not None
    assert "lungfish check" in caught.value.hint
    errors = run_all(connection)
    assert errors
    assert {type(each) for each in errors} <= {CorruptPage, CorruptDatabase}
    # The row beside it can be read, and this one be deleted where no index has the column.
    assert connection.execute("SELECT id FROM t WHERE id = 0").fetchval() == 0


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_of_a_row_raises_anything_but_a_typed_error(
    connection: Connection, seed: int
) -> None:
    chance = random.Random(seed)
    heap = heap_of(connection)
    run_all(connection)
    for _ in range(10):
        data = heap.pages.frames[0].data
        whole = bytes(data)
        row, tails = heap.format.row_offset(1), heap.format.tails_start(data)
        match chance.randrange(4):
            case 0:
                data[row + 9 + chance.randrange(heap.layout.stride - 9)] = chance.randrange(256)
            case 1:
                at = row + chance.choice(heap.layout.offsets)
                data[at : at + 4] = chance.randbytes(4)
            case 2:
                data[chance.randrange(tails, len(data))] = chance.randrange(128, 256)
            case _:
                data[row + 8] = chance.randrange(16)
        for error in run_all(connection):
            assert isinstance(error, CorruptDatabase), error
        heap.pages.frames[0].data[:] = whole
    assert not run_all(connection)
