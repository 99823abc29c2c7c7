"""Forks: what they begin with, what they share and what they do not, crashes and restarts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.testing import crash_at, crash_everywhere, crashable_fork, failpoints, restart


@pytest.fixture
def parent() -> Iterator[lungfish.Database]:
    with lungfish.open(":memory:") as database:
        with database.connect(autocommit=True) as connection:
            connection.execute(
                "create table t (a int primary key, b text); create index on t (b);"
                "insert into t select g, repeat('x', g % 50) from generate_series(1, 2000) g;"
                "create sequence s; select nextval('s')"
            )
        yield database


def count(database: lungfish.Database) -> int:
    with database.connect() as connection:
        found: int = connection.execute("select count(*) from t").fetchval()
        return found


def test_a_fork_begins_with_what_is_committed_and_goes_its_own_way(
    parent: lungfish.Database,
) -> None:
    with parent.connect() as busy:
        busy.execute("insert into t values (-1, 'not committed')")
        busy.execute("delete from t where a > 1000")
        fork = parent.fork()
        assert count(fork) == 2000
        with fork.connect(autocommit=True) as connection:
            connection.execute("insert into t values (-1, 'mine'), (-2, 'mine')")
            assert connection.execute("select nextval('s')").fetchval() > 1
            connection.execute("create table mine ()")
        assert not fork.check().problems
        busy.rollback()
    assert count(parent) == 2000
    second = parent.fork()
    assert count(second) == 2000
    with parent.connect(autocommit=True) as connection:
        connection.execute("delete from t where a <= 500")
    third = parent.fork()
    assert (count(fork), count(second), count(third)) == (2002, 2000, 1500)
    assert len({fork.name, second.name, third.name, parent.name}) == 4
    for each in (fork, second, third):
        each.close()


def test_a_fork_outlives_its_parent_and_is_found_by_its_name() -> None:
    with lungfish.open(":memory:") as database:
        with database.connect() as connection:
            connection.execute("create table t (a int)")
        fork = database.fork()
    with lungfish.connect(fork.name) as connection:
        connection.execute("insert into t values (1)")
    assert count(fork) == 1
    restart(fork)
    assert count(fork) == 1
    restart(fork, crash=True)
    assert count(fork) == 1
    fork.close()
    with lungfish.connect(fork.name) as connection, pytest.raises(errors.UndefinedTable):
        connection.execute("select * from t")


def test_a_file_is_forked_while_it_is_written_to(tmp_path: Path) -> None:
    with lungfish.open(tmp_path / "a.db") as database:
        with database.connect(autocommit=True) as connection:
            connection.execute(
                "create table t (a int primary key, b int); insert into t select g, 0 from generate_series(1, 100) g"
            )
        ended = threading.Event()

        def write() -> None:
            with database.connect() as connection:
                number = 0
                while not ended.is_set():
                    number += 1
                    connection.execute("update t set b = ?", (number,))
                    connection.commit()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                fork = database.fork()
                with fork.connect() as connection:
                    assert connection.execute(
                        "select count(*), count(distinct b) from t"
                    ).fetchone() == (100, 1)
                fork.close()
        finally:
            ended.set()
            writer.join()


def test_a_database_that_is_only_read_is_not_forked(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lungfish.connect(path).close()
    with lungfish.open(path, read_only=True) as database, pytest.raises(errors.FeatureNotSupported):
        database.fork()


def test_a_file_can_be_restarted(tmp_path: Path) -> None:
    with lungfish.open(tmp_path / "a.db") as database:
        with database.connect() as connection:
            connection.execute("create table t (a int)")
        restart(database, crash=True)
        assert count(database) == 0
        restart(database)
        assert count(database) == 0


def test_what_cannot_crash_or_be_restarted_says_so(parent: lungfish.Database) -> None:
    with (
        pytest.raises(errors.InterfaceError, match="cannot crash"),
        crash_at(parent, "wal.flush.before_sync"),
    ):
        pass
    with pytest.raises(errors.InterfaceError, match="cannot be restarted"):
        restart(parent)
    fork = crashable_fork(parent)
    with pytest.raises(errors.UndefinedObject), crash_at(fork, "no.such.point"):
        pass
    with crash_at(fork, "checkpoint.begin", must_happen=False) as crash:
        count(fork)
    assert not crash.has_happened
    fork.close()


def test_an_error_of_the_check_says_where_the_crash_was(parent: lungfish.Database) -> None:
    def program(database: lungfish.Database) -> None:
        with database.connect(autocommit=True) as connection:
            connection.execute("insert into t values (-1, 'x')")

    def check(database: lungfish.Database) -> None:
        assert count(database) == 2001

    with pytest.raises(AssertionError) as caught:
        crash_everywhere(parent, program, check, points="wal.*")
    assert caught.value.__notes__ == ["after a crash at wal.append.commit, hit 1"]
    assert crash_everywhere(parent, program, lambda database: count(database), points="wal.*") >= 3


def test_failpoints_are_listed() -> None:
    assert [each.name for each in failpoints("close.*")] == ["close.log", "close.file"]


@pytest.mark.slow
def test_a_hundred_forks_take_less_than_two_seconds_of_processor_time(
    parent: lungfish.Database,
) -> None:
    parent.fork().close()
    began_s = time.process_time()
    for _ in range(100):
        parent.fork().close()
    assert time.process_time() - began_s < 2


def test_the_plugin_loads_nothing_heavy() -> None:
    script = (
        "import sys, lungfish.pytest_plugin\n"
        "print([name for name in ('numpy', 'pyarrow', 'lark', 'lungfish.storage') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
