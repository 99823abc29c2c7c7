"""What one session sees of another one and may do to it: pg_blocking_pids, pg_cancel_backend, pg_stat_activity."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import lungfish
from lungfish import errors


@pytest.fixture
def trio() -> Iterator[tuple[Any, Any, Any]]:
    """Three sessions of one database."""
    path = ":memory:monitors"
    with (
        lungfish.connect(path, autocommit=True) as one,
        lungfish.connect(path, autocommit=True) as two,
        lungfish.connect(path, autocommit=True) as three,
    ):
        one.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
        one.execute("INSERT INTO t VALUES (1, 10)")
        yield one, two, three


def test_a_wait_is_seen_with_who_causes_it_and_is_stopped(trio: tuple[Any, Any, Any]) -> None:
    one, two, three = trio
    first, second = (each.execute("SELECT pg_backend_pid()").fetchval() for each in (one, two))
    one.execute("BEGIN; UPDATE t SET v = 11 WHERE id = 1")
    raised: list[errors.Error] = []

    def wait() -> None:
        try:
            two.execute("UPDATE t SET v = 12 WHERE id = 1")
        except errors.Error as error:
            raised.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    while not three._session.database.transactions.locks.waiting_count:
        pass
    assert three.execute("SELECT pg_blocking_pids(?)", (second,)).fetchval() == [first]
    assert three.execute("SELECT pg_blocking_pids(?)", (first,)).fetchval() == []
    activity = "SELECT wait_event_type, wait_event, state FROM pg_stat_activity WHERE pid = ?"
    assert three.execute(activity, (second,)).fetchall() == [("Lock", "transactionid", "active")]
    assert three.execute("SELECT pg_cancel_backend(?)", (second,)).fetchval() is True
    waiter.join()
    assert [error.sqlstate for error in raised] == ["57014"]
    one.execute("ROLLBACK")
    assert two.execute("SELECT v FROM t").fetchval() == 10


def test_a_session_that_is_not_there_is_not_stopped(trio: tuple[Any, Any, Any]) -> None:
    one, _, _ = trio
    said: list[tuple[str, str]] = []
    one.on_notice(lambda severity, message: said.append((severity, message)))
    assert one.execute("SELECT pg_cancel_backend(9999)").fetchval() is False
    assert said == [("WARNING", "PID 9999 is not a PostgreSQL backend process")]


def test_sessions_are_not_ended_from_outside(trio: tuple[Any, Any, Any]) -> None:
    one, _, _ = trio
    with pytest.raises(errors.FeatureNotSupported, match="pg_terminate_backend is not supported"):
        one.execute("SELECT pg_terminate_backend(1)")
