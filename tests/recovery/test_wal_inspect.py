"""Looking into the log from SQL: `lungfish.wal_records`, restore points, positions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as made:
        made.execute("CREATE TABLE t (id integer PRIMARY KEY, a text)")
        yield made


def test_each_change_is_a_record(connection: lungfish.Connection) -> None:
    start = connection.execute("SELECT pg_current_wal_lsn()").fetchval()
    connection.execute("INSERT INTO t VALUES (1, 'one')")
    connection.execute("UPDATE t SET a = 'two' WHERE id = 1")
    connection.execute("DELETE FROM t WHERE id = 1")
    rows = connection.execute(
        "SELECT kind, description FROM lungfish.wal_records(?) WHERE kind IN ('row', 'commit')",
        (start,),
    ).fetchall()
    assert [kind for kind, _ in rows] == ["row", "commit"] * 3
    assert [text.split()[0] for kind, text in rows if kind == "row"] == [
        "insert",
        "update",
        "delete",
    ]
    ids = connection.execute(
        "SELECT count(DISTINCT transaction_id) FROM lungfish.wal_records(?)", (start,)
    )
    assert ids.fetchval() == 3


def test_records_lie_one_behind_the_other_and_can_be_cut_out(
    connection: lungfish.Connection,
) -> None:
    for key in range(20):
        connection.execute("INSERT INTO t VALUES (?, 'x')", (key,))
    everything = connection.execute("SELECT lsn, end_lsn FROM lungfish.wal_records()").fetchall()
    assert all(end == following for (_, end), (following, _) in itertools.pairwise(everything))
    first, last = everything[10][0], everything[20][0]
    part = connection.execute(
        "SELECT lsn FROM lungfish.wal_records(?, ?)", (first, last)
    ).fetchall()
    assert [lsn for (lsn,) in part] == [lsn for lsn, _ in everything[10:20]]


def test_a_restore_point_is_in_the_log_under_its_name(connection: lungfish.Connection) -> None:
    lsn = connection.execute("SELECT pg_create_restore_point('before')").fetchval()
    found = connection.execute(
        "SELECT end_lsn, description FROM lungfish.wal_records() WHERE kind = 'note'"
    ).fetchall()
    assert (lsn, "restore point: before") in found
    with pytest.raises(errors.InvalidParameterValue, match="too long"):
        connection.execute("SELECT pg_create_restore_point(repeat('x', 64))")


def test_looking_lets_go_of_the_log_afterwards(connection: lungfish.Connection) -> None:
    connection.execute("SELECT * FROM lungfish.wal_records() LIMIT 1")
    kinds = connection.execute("SELECT holder_kind FROM lungfish.wal_retention").fetchall()
    assert ("user_pin",) not in kinds
