"""Parameters tell which partitions are looked at; whatever they are, the rows are those of a table without partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.storage.table import TableStore

KINDS = {
    "range": [
        "PARTITION OF p FOR VALUES FROM (MINVALUE) TO (10)",
        "PARTITION OF p FOR VALUES FROM (10) TO (20)",
        "PARTITION OF p DEFAULT",
    ],
    "list": [
        "PARTITION OF p FOR VALUES IN (1, 5, 11)",
        "PARTITION OF p FOR VALUES IN (12, NULL)",
        "PARTITION OF p DEFAULT",
    ],
    "hash": [
        f"PARTITION OF p FOR VALUES WITH (MODULUS 3, REMAINDER {remainder})"
        for remainder in range(3)
    ],
}
CONDITIONS = [
    "i = ?",
    "? = i",
    "i < ?",
    "? <= i",
    "i > ?",
    "i >= ?",
    "i = ? AND v > 0",
    "i = ?::int",
]


@pytest.fixture(params=KINDS)
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE p (i integer, v integer) PARTITION BY {request.param} (i)"
        )
        for number, clause in enumerate(KINDS[request.param]):
            connection.execute(f"CREATE TABLE p{number} {clause}")
        connection.execute("CREATE INDEX ON p (i)")
        connection.execute("INSERT INTO p SELECT i, i * 2 FROM generate_series(1, 30) g(i)")
        connection.execute("CREATE TABLE plain AS SELECT * FROM p")
        yield connection


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_rows_are_those_of_a_plain_table(connection: Connection, condition: str) -> None:
    for value in (None, 0, 1, 5, 9, 10, 11, 12, 19, 20, 30, 31):
        found, wanted = (
            connection.execute(f"SELECT i, v FROM {table} WHERE {condition} ORDER BY i", (value,))
            for table in ("p", "plain")
        )
        assert found.fetchall() == wanted.fetchall()


def test_only_the_partition_of_the_key_is_looked_at(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def noted(method: Any) -> Any:
        def call(store: TableStore, *arguments: Any, **options: Any) -> Any:
            looked_at.append(store.rows.name)
            return method(store, *arguments, **options)

        return call

    query = "SELECT v FROM p WHERE i = ?"
    connection.execute(query, (1,))
    for name in ("scan", "index_scan"):
        monkeypatch.setattr(TableStore, name, noted(getattr(TableStore, name)))
    for value in (1, 12, 25):
        looked_at.clear()
        assert connection.execute(query, (value,)).fetchall() == [(value * 2,)]
        assert len(looked_at) == 1


@pytest.mark.parametrize("value", [1, 12, 25])
def test_changes_find_their_rows(connection: Connection, value: int) -> None:
    assert connection.execute("UPDATE p SET v = 0 WHERE i = ?", (value,)).rowcount == 1
    assert connection.execute("DELETE FROM p WHERE i = ? AND v = 0", (value,)).rowcount == 1
    assert connection.execute("SELECT count(*) FROM p").fetchval() == 29
