"""A statement's lane is asked exactly when nothing out of the ordinary is the case, in either form of the front; see executor/lanes.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lungfish
from lungfish.session import ready as ready_module
from lungfish.storage.transactions import Transaction

SELECT = "SELECT id, name FROM t WHERE id = ?"
UPDATE = "UPDATE t SET name = ? WHERE id = ?"


class NotedLane:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.transactions: list[Transaction | None] = []
        self.answer: list[tuple[Any, ...]] | int | None = None

    def run(
        self, values: tuple[Any, ...], transaction: Transaction | None
    ) -> list[tuple[Any, ...]] | int | None:
        self.asked.append(values)
        self.transactions.append(transaction)
        return self.answer


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> NotedLane:
    """The lane of every statement."""
    made = NotedLane()
    monkeypatch.setattr(ready_module, "make_lane", lambda *_: made)
    return made


@pytest.fixture
def database() -> Iterator[lungfish.Database]:
    with lungfish.open(":memory:") as made:
        yield made


@pytest.fixture
def connection(database: lungfish.Database, lane: NotedLane) -> Iterator[lungfish.Connection]:
    """One to which both statements are ready, with a row in the table."""
    with database.connect(autocommit=True) as made:
        made.execute("CREATE TABLE t (id int PRIMARY KEY, name text, at date)")
        made.execute("INSERT INTO t VALUES (1, 'one')")
        made.execute(SELECT, (1,))
        made.execute(UPDATE, ("one", 1))
        lane.asked.clear()
        lane.transactions.clear()
        yield made


def test_what_a_lane_gives_is_the_result(connection: lungfish.Connection, lane: NotedLane) -> None:
    lane.answer = [(5, "five"), (6, "six")]
    cursor = connection.execute(SELECT, (5,))
    assert cursor.rowcount == 2
    assert cursor.fetchall() == [(5, "five"), (6, "six")]
    assert cursor.statusmessage == "SELECT 2"
    assert [column.name for column in cursor.description or ()] == ["id", "name"]
    assert cursor.fetch_text() == [("5", "five"), ("6", "six")]
    lane.answer = 3
    cursor = connection.execute(UPDATE, ("x", 5))
    assert (cursor.rowcount, cursor.statusmessage, cursor.description) == (3, "UPDATE 3", None)
    with pytest.raises(lungfish.ProgrammingError, match="gave no rows"):
        cursor.fetchall()
    assert lane.asked == [(5,), ("x", 5)]
    assert lane.transactions[1] is not None


def test_what_a_lane_leaves_is_done_all_the_same(
    connection: lungfish.Connection, lane: NotedLane
) -> None:
    assert connection.execute(UPDATE, ("two", 1)).rowcount == 1
    assert connection.execute(SELECT, (1,)).fetchall() == [(1, "two")]
    assert list(dict.fromkeys(lane.asked)) == [("two", 1), (1,)]


def test_values_of_columns_that_python_has_otherwise_are_converted(
    connection: lungfish.Connection, lane: NotedLane
) -> None:
    sql = "SELECT at FROM t WHERE id = ?"
    connection.execute(sql, (1,))
    lane.answer = [(0,), (None,)]
    assert [str(row[0]) for row in connection.execute(sql, (1,))] == ["1970-01-01", "None"]


def test_ad_hoc_texts_of_one_shape_share_the_lane(
    connection: lungfish.Connection, lane: NotedLane
) -> None:
    for key in (1, 2):
        connection.execute(f"SELECT name FROM t WHERE id = {key}")
    lane.asked.clear()
    lane.answer = [("n",)]
    for key in (3, 4):
        sql = f"SELECT name FROM t WHERE id = {key}"
        assert connection.execute(sql).fetchall() == [("n",)]
        assert connection.session.last_query == sql
    assert lane.asked == [(3,), (4,)]


@pytest.mark.parametrize(
    "given",
    [("1",), (2**40,), (2**70,), (1.5,), (True,), [1, 2], {"id": 1}, (1, 2)],
    ids=repr,
)
def test_parameters_of_other_types_are_not_the_lanes(
    connection: lungfish.Connection, lane: NotedLane, given: Any
) -> None:
    lane.answer = [(7, "lane")]
    try:
        rows = connection.execute(SELECT, given).fetchall()
    except lungfish.Error:
        rows = []
    assert (7, "lane") not in rows
    assert connection.execute(SELECT, [1]).fetchall() == [(7, "lane")]


@pytest.mark.parametrize(
    "before",
    [
        ["BEGIN", "CREATE TABLE other (a int)"],
        ["CREATE TEMP TABLE other (a int)"],
        ["SET search_path = pg_catalog, public"],
        ["SET default_transaction_isolation = serializable"],
        ["BEGIN ISOLATION LEVEL SERIALIZABLE"],
    ],
    ids=lambda before: before[-1],
)
def test_where_something_is_otherwise_the_lane_of_before_is_not_asked(
    connection: lungfish.Connection, lane: NotedLane, before: list[str]
) -> None:
    for sql in before:
        connection.execute(sql)
    lane.answer = [(7, "lane")]
    assert connection.execute(SELECT, (1,)).fetchall() == [(1, "one")]
    assert lane.asked == []


def test_errors_come_before_the_lane(connection: lungfish.Connection, lane: NotedLane) -> None:
    connection.execute("BEGIN READ ONLY")
    with pytest.raises(lungfish.Error) as refused:
        connection.execute(UPDATE, ("x", 1))
    assert refused.value.sqlstate == "25006"
    with pytest.raises(lungfish.Error) as failed:
        connection.execute(SELECT, (1,))
    assert failed.value.sqlstate == "25P02"
    connection.execute("ROLLBACK")
    connection.close()
    with pytest.raises(lungfish.InterfaceError):
        connection.execute(SELECT, (1,))
    assert lane.asked == []


def test_an_open_transaction_holds_the_locks_of_a_lanes_statement(
    connection: lungfish.Connection, lane: NotedLane, database: lungfish.Database
) -> None:
    held = "SELECT mode FROM pg_locks WHERE relation = 't'::regclass AND pid = ? ORDER BY mode"
    number = connection.session.number
    lane.answer = 1
    connection.execute("BEGIN")
    connection.execute(UPDATE, ("x", 1))
    lane.answer = [(1, "x")]
    connection.execute(SELECT, (1,))
    with database.connect(autocommit=True) as other:
        lane.answer = None
        assert other.execute(held, (number,)).fetchall() == [
            ("AccessShareLock",),
            ("RowExclusiveLock",),
        ]
        connection.execute("COMMIT")
        assert other.execute(held, (number,)).fetchall() == []


def test_a_strong_lock_of_another_session_is_waited_for(
    connection: lungfish.Connection, lane: NotedLane, database: lungfish.Database
) -> None:
    lane.answer = [(7, "lane")]
    connection.execute("SET lock_timeout = '1ms'")
    with database.connect() as other:
        other.execute("LOCK TABLE t")
        with pytest.raises(lungfish.Error) as caught:
            connection.execute(SELECT, (1,))
        assert caught.value.sqlstate == "55P03"
    assert lane.asked == []
    assert connection.execute(SELECT, (1,)).fetchall() == [(7, "lane")]


def test_repeatable_read_has_its_snapshot_before_the_lane_is_asked(
    connection: lungfish.Connection, lane: NotedLane
) -> None:
    lane.answer = [(7, "lane")]
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    for _ in range(2):
        assert connection.execute(SELECT, (1,)).fetchall() == [(7, "lane")]
    (transaction, again) = lane.transactions
    assert transaction is again is connection.session.transaction
    assert transaction is not None
    assert transaction.snapshot is not None


@pytest.mark.parametrize("before", [[], ["BEGIN"]])
def test_a_cancel_between_statements_stops_nothing(
    connection: lungfish.Connection, lane: NotedLane, before: list[str]
) -> None:
    lane.answer = [(7, "lane")]
    for sql in before:
        connection.execute(sql)
    connection.cancel()
    assert connection.execute(SELECT, (1,)).fetchall() == [(7, "lane")]
    assert not connection.session.cancellation.is_requested
    assert connection.session.lock_owner.cancel_message is None


def test_the_activity_shows_what_ran_by_lane(
    connection: lungfish.Connection, lane: NotedLane, database: lungfish.Database
) -> None:
    shown = "SELECT query, query_start, state FROM pg_stat_activity WHERE pid = ?"
    with database.connect(autocommit=True) as other:
        (first,) = other.execute(shown, (connection.session.number,))
        lane.answer = [(7, "lane")]
        connection.execute(SELECT, (2,))
        lane.answer = None
        (second,) = other.execute(shown, (connection.session.number,))
    assert first[0] == UPDATE
    assert second[0] == SELECT
    assert second[1] > first[1]
    assert second[2] == "idle"


@pytest.mark.parametrize("change", ["other catalog", "dropped"])
def test_a_lane_goes_with_the_catalog_that_it_was_made_for(
    connection: lungfish.Connection,
    lane: NotedLane,
    database: lungfish.Database,
    change: str,
) -> None:
    lane.answer = [(7, "lane")]
    with database.connect(autocommit=True) as other:
        if change == "dropped":
            other.execute("DROP TABLE t")
            with pytest.raises(lungfish.Error) as caught:
                connection.execute(SELECT, (1,))
            assert caught.value.sqlstate == "42P01"
        else:
            other.execute("CREATE TABLE u (a int)")
            assert connection.execute(SELECT, (1,)).fetchall() == [(1, "one")]
    assert lane.asked == []


def test_errors_of_ready_statements_are_worded_and_fail_their_transaction(
    connection: lungfish.Connection,
) -> None:
    sql = "INSERT INTO t (id, name) VALUES ($1, $2)"
    connection.execute(sql, (2, "two"))
    connection.execute("BEGIN")
    connection.execute(sql, (3, "three"))
    with pytest.raises(lungfish.IntegrityError) as caught:
        connection.execute(sql, (2, "again"))
    assert caught.value.sql == sql
    assert connection.transaction_status == "failed"
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 2


def test_the_statement_time_follows_the_clock(
    connection: lungfish.Connection, lane: NotedLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped:
        def utc_us(self) -> int:
            return 86_400_000_000

    clock: Callable[[], Any] = Stopped
    monkeypatch.setattr(connection.session.database, "clock", clock())
    lane.answer = [(7, "lane")]
    connection.execute(SELECT, (1,))
    assert connection.session.functions.statement_time_us == 86_400_000_000


def test_the_first_write_of_a_transaction_has_its_id_if_there_is_a_row_to_write(
    connection: lungfish.Connection, lane: NotedLane
) -> None:
    connection.execute(UPDATE, ("new", 1))
    connection.execute("BEGIN")
    connection.execute(UPDATE, ("newer", 1))
    assert connection.session.transaction is lane.transactions[-1]
    assert connection.session.transaction.id
    assert connection.execute(SELECT, (1,)).fetchall() == [(1, "newer")]
    connection.execute("COMMIT")
    lane.answer = 0
    connection.execute("BEGIN")
    assert connection.execute(UPDATE, ("nobody", 2)).rowcount == 0
    assert connection.session.transaction is not None
    assert not connection.session.transaction.id


def test_a_change_of_no_row_takes_no_id(database: lungfish.Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
        connection.commit()
        for sql in ("UPDATE t SET name = ? WHERE id = ?", "DELETE FROM t WHERE name = ? OR id = ?"):
            for _ in range(3):
                assert connection.execute(sql, ("x", 1)).rowcount == 0
        assert connection.session.transaction is not None
        assert not connection.session.transaction.id
