"""A mistake of our own reaches the user as a typed error, and the statement has no effect."""

from __future__ import annotations

import pytest

import lungfish
from lungfish.session import session as session_module


@pytest.fixture
def connection() -> lungfish.Connection:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.execute("CREATE TABLE t (a integer)")
        yield made


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(session_module, "execute_ddl", broken)


def test_an_exception_of_python_becomes_an_internal_error(
    connection: lungfish.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(lungfish.InternalError, match="KeyError: 'planted'") as caught:
        connection.execute("CREATE TABLE u (a integer)")
    assert caught.value.sqlstate == "XX000"
    assert isinstance(caught.value.__cause__, KeyError)
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 0


def test_the_open_transaction_is_failed_by_it(
    connection: lungfish.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute("BEGIN; INSERT INTO t VALUES (1)")
    plant(monkeypatch)
    with pytest.raises(lungfish.InternalError):
        connection.execute("CREATE TABLE u (a integer)")
    with pytest.raises(lungfish.errors.InFailedSqlTransaction):
        connection.execute("SELECT 1")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 0


def test_an_exception_of_who_gives_the_data_stays_what_it_is(
    connection: lungfish.Connection,
) -> None:
    def sets() -> object:
        yield (1,)
        raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        connection.executemany("INSERT INTO t VALUES (?)", sets())
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 0
