"""`Connection.transaction()`: levels, savepoints, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lungfish


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    with (
        lungfish.connect(":memory:retried", autocommit=True) as one,
        lungfish.connect(":memory:retried", autocommit=True) as two,
    ):
        one.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
        one.execute("INSERT INTO t VALUES (1, 10), (2, 20)")
        yield one, two


def test_the_level_and_the_mode_are_the_transactions_own(connection: Any) -> None:
    with connection.transaction(isolation="serializable", read_only=True):
        assert connection.isolation_level == "serializable"
        assert connection.read_only
        with pytest.raises(lungfish.ProgrammingError):
            connection.isolation_level = "read committed"
    assert connection.isolation_level == "read committed"
    assert not connection.read_only


def test_a_connections_level_holds_for_what_comes(connection: Any) -> None:
    connection.isolation_level = "repeatable read"
    connection.read_only = True
    assert connection.execute("SHOW transaction_isolation").fetchval() == "repeatable read"
    with pytest.raises(lungfish.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE t (n integer)")
    with pytest.raises(lungfish.errors.InvalidParameterValue):
        connection.isolation_level = "chaos"


def test_a_refused_transaction_is_tried_again_until_it_commits(pair: tuple[Any, Any]) -> None:
    one, two = pair
    tries = 0
    for attempt in one.transaction(isolation="serializable", retry=3):
        with attempt:
            tries += 1
            one.execute("SELECT * FROM t")
            if tries < 3:
                two.execute("UPDATE t SET v = v + 1 WHERE id = 1")
            one.execute("UPDATE t SET v = v + 100 WHERE id = 1")
    assert tries == 3
    assert one.execute("SELECT v FROM t WHERE id = 1").fetchval() == 112


def test_the_last_attempt_tells_what_went_wrong(pair: tuple[Any, Any]) -> None:
    one, two = pair
    tries = 0
    with pytest.raises(lungfish.errors.SerializationFailure):
        for attempt in one.transaction(isolation="repeatable read", retry=2):
            with attempt:
                tries += 1
                one.execute("SELECT * FROM t")
                two.execute("UPDATE t SET v = v + 1 WHERE id = 1")
                one.execute("DELETE FROM t WHERE id = 1")
    assert tries == 3
    assert not one.in_transaction


def test_a_commit_that_is_refused_is_tried_again_too(pair: tuple[Any, Any]) -> None:
    one, two = pair
    tries = 0
    for attempt in one.transaction(isolation="serializable", retry=1):
        with attempt:
            tries += 1
            one.execute("SELECT * FROM t WHERE id = 2")
            if tries == 1:
                two.execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM t WHERE id = 1")
            one.execute("UPDATE t SET v = 0 WHERE id = 1")
            if tries == 1:
                two.execute("UPDATE t SET v = 0 WHERE id = 2; COMMIT")
    assert tries == 2


def test_other_errors_are_not_tried_again(connection: Any) -> None:
    tries = 0
    with pytest.raises(lungfish.errors.DivisionByZero):
        for attempt in connection.transaction(retry=5):
            with attempt:
                tries += 1
                connection.execute("SELECT 1/0")
    assert tries == 1


def test_a_part_of_a_transaction_cannot_be_tried_again(connection: Any) -> None:
    with (
        connection.transaction(),
        pytest.raises(lungfish.InterfaceError, match="inside another"),
    ):
        list(connection.transaction(retry=1))


def test_blocks_nest_as_savepoints(connection: Any) -> None:
    connection.execute("CREATE TABLE t (n integer)")
    with connection.transaction():
        connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(ValueError, match="no"), connection.transaction():
            connection.execute("INSERT INTO t VALUES (2)")
            raise ValueError("no")
        with connection.transaction("named"), connection.transaction():
            connection.execute("INSERT INTO t VALUES (3)")
    assert connection.execute("SELECT array_agg(n) FROM t").fetchval() == [1, 3]
