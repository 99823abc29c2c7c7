"""BEGIN, COMMIT and the log's flush in compiled code: what they leave behind, and what they do when something comes in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.errors import DiskFull, IoError, StatementCompletionUnknown
from lungfish.native import compiled_module
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_group import Waiter
from lungfish.storage.disk import LocalFile
from lungfish.storage.transactions import Transaction

pytestmark = pytest.mark.skipif(
    compiled_module("lungfish.session.native_control") is None
    or compiled_module("lungfish.recovery.native_flush") is None,
    reason="it is not built",
)
WAIT_S = 60


@pytest.fixture
def database(tmp_path: Path) -> Iterator[lungfish.Database]:
    made = lungfish.open(tmp_path / "a.db")
    yield made
    # Some tests have let it crash already.
    made.crash()


@pytest.fixture
def connection(database: lungfish.Database) -> Connection:
    made = database.connect(autocommit=True)
    made.execute("CREATE TABLE t (i integer PRIMARY KEY, v integer)")
    for _ in range(2):
        # So that their texts are known.
        commit(made, 0)
    return made


def commit(connection: Connection, value: int) -> None:
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO t VALUES (?, ?) ON CONFLICT (i) DO UPDATE SET v = ?", (1, value, value)
    )
    connection.execute("COMMIT")


def log_of(connection: Connection) -> WriteAheadLog:
    log = connection.session.database.core.log
    assert isinstance(log, WriteAheadLog)
    return log


def value(connection: Connection) -> Any:
    return connection.execute("SELECT v FROM t WHERE i = 1").fetchval()


@pytest.fixture
def no_python_flush(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    """The ordinary way of a flush is closed."""

    def fail() -> None:
        raise AssertionError("this flush should go the compiled way")

    monkeypatch.setattr(log_of(connection)._group, "_lead", fail)


# BEGIN


@pytest.mark.parametrize("setting", ["", "default_transaction_isolation = 'repeatable read'", "synchronous_commit = off", "default_transaction_read_only = on"])  # fmt: skip
def test_begin_makes_the_transaction_that_python_makes(
    connection: Connection, setting: str
) -> None:
    if setting:
        connection.execute(f"SET {setting}")
    found = []
    for begin in (connection.session.begin, lambda: connection.execute("BEGIN")):
        connection.session.has_queried = True
        begin()
        transaction = connection.session.transaction
        assert transaction is not None
        assert not connection.session.has_queried
        assert transaction in connection.session.database.transactions.members.active()
        assert 0 < transaction.begun_at <= connection.session.transaction_time_us
        found.append(transaction)
        connection.execute("ROLLBACK")
    one, other = found
    for name in Transaction.__slots__:
        if name != "begun_at":
            assert getattr(one, name) == getattr(other, name), name
        if isinstance(getattr(one, name), list):
            assert getattr(one, name) is not getattr(other, name)
            assert not getattr(other, name)


def test_begin_within_a_transaction_warns(connection: Connection) -> None:
    notices = []
    connection.session.on_notice = lambda severity, message: notices.append((severity, message))
    connection.execute("BEGIN")
    connection.execute("BEGIN")
    connection.execute("COMMIT")
    connection.execute("COMMIT")
    assert notices == [
        ("WARNING", "there is already a transaction in progress"),
        ("WARNING", "there is no transaction in progress"),
    ]


def test_results_of_begin_and_commit_are_those_of_statements_without_rows(
    connection: Connection,
) -> None:
    for sql in ("BEGIN", "COMMIT"):
        cursor = connection.execute(sql)
        assert (cursor.statusmessage, cursor.rowcount, cursor.description) == (sql, -1, None)
        with pytest.raises(lungfish.Error):
            cursor.fetchall()


def test_a_closed_connection_begins_nothing(tmp_path: Path) -> None:
    with lungfish.connect(tmp_path / "b.db", autocommit=True) as made:
        made.execute("BEGIN")
        made.execute("COMMIT")
    with pytest.raises(lungfish.InterfaceError, match="closed"):
        made.execute("BEGIN")


# COMMIT


def test_commit_ends_what_lasts_as_long_as_the_transaction(connection: Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SET LOCAL extra_float_digits = 0")
    connection.execute("SAVEPOINT s")
    connection.execute("DECLARE c CURSOR FOR SELECT 1")
    connection.execute("DECLARE h CURSOR WITH HOLD FOR SELECT 2")
    connection.execute("COMMIT")
    assert connection.execute("SHOW extra_float_digits").fetchval() == "1"
    assert connection.session.savepoint_count == 0
    assert list(connection.session.cursors.open) == ["h"]
    assert connection.transaction_status == "idle"


def test_commit_of_what_has_failed_rolls_back(connection: Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 5")
    with pytest.raises(lungfish.Error):
        connection.execute("SELECT 1 / 0")
    assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
    assert value(connection) == 0


def test_commit_runs_deferred_checks_and_says_where_they_failed(connection: Connection) -> None:
    connection.execute("CREATE TABLE u (i int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    for _ in range(2):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO u VALUES (77)")
        with pytest.raises(lungfish.IntegrityError, match="foreign key"):
            connection.execute("COMMIT")
        assert connection.transaction_status == "idle"
    assert connection.execute("SELECT count(*) FROM u").fetchval() == 0


def test_temporary_tables_are_emptied_at_commit(connection: Connection) -> None:
    connection.execute("CREATE TEMP TABLE e (i int) ON COMMIT DELETE ROWS")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO e VALUES (1)")
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM e").fetchval() == 0


# The flush


@pytest.mark.usefixtures("no_python_flush")
def test_a_commit_flushes_the_log_and_is_counted(connection: Connection) -> None:
    log, io = log_of(connection), connection.session.database.core.io.of("wal")
    before = (log.record_count, log.bytes.value, log._syncs.count, io.syncs, io.writes)
    end = log.end_lsn()
    commit(connection, 3)
    size = log.end_lsn() - end
    after = (log.record_count, log.bytes.value, log._syncs.count, io.syncs, io.writes)
    # An update, its commit, the mark.
    assert [new - old for old, new in zip(before, after, strict=True)] == [3, size, 1, 1, 1]
    assert log.durable_lsn == log.end_lsn() == log._written == log._taken
    assert log._group._leader is None


@pytest.mark.usefixtures("no_python_flush")
def test_what_is_committed_is_there_after_a_crash(
    connection: Connection, database: lungfish.Database, tmp_path: Path
) -> None:
    for number in range(20):
        commit(connection, number)
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 999")
    database.crash()
    with lungfish.connect(tmp_path / "a.db", autocommit=True) as again:
        assert value(again) == 19
        assert {row[1] for row in again.execute("SCRUB").fetchall()} == {"ok"}


def test_a_sync_that_fails_poisons_the_log(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: LocalFile) -> None:
        raise DiskFull("no room for the sync")

    monkeypatch.setattr(LocalFile, "sync", fail)
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 8")
    with pytest.raises(StatementCompletionUnknown):
        connection.execute("COMMIT")
    monkeypatch.undo()
    assert connection.transaction_status == "idle"
    assert isinstance(log_of(connection).failure, IoError)
    with pytest.raises(IoError):
        connection.execute("INSERT INTO t VALUES (50, 1)")


def test_a_full_disk_refuses_the_commit_and_the_next_one_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: LocalFile, _offset: int, _data: bytes) -> None:
        raise DiskFull("no room")

    monkeypatch.setattr(LocalFile, "write_at", fail)
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 8")
    with pytest.raises(DiskFull):
        connection.execute("COMMIT")
    monkeypatch.undo()
    assert connection.transaction_status == "idle"
    assert value(connection) == 0
    commit(connection, 9)
    assert value(connection) == 9


def test_a_commit_that_is_interrupted_again_and_again_keeps_nothing_locked(
    connection: Connection, database: lungfish.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupts = iter(range(3))
    sync = LocalFile.sync

    def stop(file: LocalFile) -> None:
        if next(interrupts, None) is not None:
            raise KeyboardInterrupt
        sync(file)

    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 8")
    monkeypatch.setattr(LocalFile, "sync", stop)
    with pytest.raises(KeyboardInterrupt):
        connection.execute("COMMIT")
    monkeypatch.undo()
    assert not connection.session.database.transactions.running()
    commit(connection, 9)
    with database.connect(autocommit=True) as other:
        commit(other, 10)
    assert value(connection) == 10


@pytest.mark.parametrize("place", ["write_at", "sync"])
def test_a_commit_that_is_interrupted_on_its_way_is_done_all_the_same(
    connection: Connection,
    database: lungfish.Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    place: str,
) -> None:
    def stop(*_arguments: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 8")
    monkeypatch.setattr(LocalFile, place, stop)
    with pytest.raises(KeyboardInterrupt):
        connection.execute("COMMIT")
    assert connection.transaction_status == "idle"
    assert value(connection) == 8
    commit(connection, 9)
    database.crash()
    with lungfish.connect(tmp_path / "a.db", autocommit=True) as again:
        assert value(again) == 9


def test_those_who_commit_during_a_sync_share_the_next_one(
    connection: Connection, database: lungfish.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of(connection)
    connection.execute("INSERT INTO t SELECT i, 0 FROM generate_series(10, 19) i")
    inside, go_on = threading.Event(), threading.Event()
    sync = LocalFile.sync

    def slow(file: LocalFile) -> None:
        inside.set()
        assert go_on.wait(WAIT_S)
        sync(file)

    def change(number: int) -> None:
        with database.connect(autocommit=True) as other:
            other.execute("UPDATE t SET v = 1 WHERE i = ?", (number,))

    before = log._syncs.count
    monkeypatch.setattr(LocalFile, "sync", slow)
    threads = [threading.Thread(target=change, args=(number,)) for number in range(10, 20)]
    threads[0].start()
    assert inside.wait(WAIT_S)
    for thread in threads[1:]:
        thread.start()
    deadline = threading.Event()
    while len(log._group._waiters) < len(threads) - 1:
        deadline.wait(0.001)
    go_on.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert log._syncs.count - before == 2
    assert connection.execute("SELECT sum(v) FROM t WHERE i >= 10").fetchval() == 10


def test_who_comes_while_a_leader_is_about_to_be_gone_does_not_wait_for_that(
    connection: Connection, database: lungfish.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would lead beside whoever has taken the lead meanwhile."""
    group, sync = log_of(connection)._group, LocalFile.sync
    pass_on, was_done = group._pass_on, threading.Event()

    def change() -> None:
        with database.connect(autocommit=True) as other:
            commit(other, 2)
        was_done.set()

    thread = threading.Thread(target=change)

    def pass_on_and_linger(durable: Any) -> None:
        pass_on(durable)
        monkeypatch.undo()
        thread.start()
        assert was_done.wait(5)

    def sync_for_one_who_has_left(file: LocalFile) -> None:
        group._waiters.append(Waiter(log_of(connection).end_lsn()))
        sync(file)

    connection.execute("INSERT INTO t VALUES (2, 2)")
    connection.execute("BEGIN")
    connection.execute("UPDATE t SET v = 1 WHERE i = 2")
    monkeypatch.setattr(group, "_pass_on", pass_on_and_linger)
    monkeypatch.setattr(LocalFile, "sync", sync_for_one_who_has_left)
    connection.execute("COMMIT")
    thread.join(WAIT_S)
    assert value(connection) == 2
    assert group._leader is None
