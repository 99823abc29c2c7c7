"""DECLARE, FETCH, MOVE, CLOSE."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors


def fetch(connection: Any, what: str) -> list[int]:
    return [row[0] for row in connection.execute(f"FETCH {what}").fetchall()]


@pytest.fixture
def cursor(connection: Any) -> Any:
    connection.autocommit = True
    connection.execute("BEGIN")
    connection.execute("DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 10) AS s(i)")
    return connection


def test_a_cursor_goes_both_ways(cursor: Any) -> None:
    assert fetch(cursor, "c") == [1]
    assert fetch(cursor, "3 FROM c") == [2, 3, 4]
    assert fetch(cursor, "BACKWARD 2 FROM c") == [3, 2]
    assert fetch(cursor, "PRIOR FROM c") == [1]
    assert fetch(cursor, "PRIOR FROM c") == []
    assert fetch(cursor, "FORWARD ALL FROM c") == list(range(1, 11))
    assert fetch(cursor, "c") == []
    assert fetch(cursor, "BACKWARD ALL FROM c") == list(range(10, 0, -1))


def test_a_cursor_jumps(cursor: Any) -> None:
    assert fetch(cursor, "LAST FROM c") == [10]
    assert fetch(cursor, "ABSOLUTE 3 FROM c") == [3]
    assert fetch(cursor, "RELATIVE 2 FROM c") == [5]
    assert fetch(cursor, "RELATIVE 0 FROM c") == [5]
    assert fetch(cursor, "ABSOLUTE -2 FROM c") == [9]
    assert fetch(cursor, "ABSOLUTE 0 FROM c") == []
    assert fetch(cursor, "FIRST FROM c") == [1]
    assert cursor.execute("MOVE 4 FROM c").statusmessage == "MOVE 4"
    assert fetch(cursor, "NEXT FROM c") == [6]


def test_a_cursor_does_not_see_later_changes(connection: Any) -> None:
    connection.autocommit = True
    connection.execute("CREATE TABLE t (a integer)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.execute("DECLARE c CURSOR FOR SELECT a FROM t")
    connection.execute("INSERT INTO t VALUES (2)")
    assert fetch(connection, "ALL FROM c") == [1]


def test_cursors_end_with_their_transaction_or_savepoint(cursor: Any) -> None:
    cursor.execute("SAVEPOINT s")
    cursor.execute("DECLARE d CURSOR FOR SELECT 1")
    cursor.execute("ROLLBACK TO s")
    assert fetch(cursor, "c") == [1]
    with pytest.raises(errors.InvalidCursorName):
        fetch(cursor, "d")
    cursor.execute("ROLLBACK")
    cursor.execute("BEGIN")
    cursor.execute("DECLARE h CURSOR WITH HOLD FOR SELECT 7")
    cursor.execute("COMMIT")
    assert fetch(cursor, "h") == [7]
    cursor.execute("CLOSE h")
    with pytest.raises(errors.InvalidCursorName):
        cursor.execute("CLOSE h")


def test_what_postgresql_refuses_is_refused(connection: Any) -> None:
    connection.autocommit = True
    with pytest.raises(errors.NoActiveSqlTransaction):
        connection.execute("DECLARE c CURSOR FOR SELECT 1")
    connection.execute("BEGIN")
    connection.execute("DECLARE c NO SCROLL CURSOR FOR SELECT 1")
    connection.execute("SAVEPOINT s")
    with pytest.raises(errors.DuplicateCursor):
        connection.execute("DECLARE c CURSOR FOR SELECT 1")
    connection.execute("ROLLBACK TO s")
    assert fetch(connection, "c") == [1]
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        fetch(connection, "BACKWARD 1 FROM c")
    connection.execute("ROLLBACK TO s")
    connection.execute("DECLARE bad CURSOR FOR SELECT 1 / a FROM (VALUES (0)) AS v (a)")
    with pytest.raises(errors.DivisionByZero):
        fetch(connection, "bad")
