"""Processes that read a database while another one writes: what they see, and what they keep the writer from doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish import errors
from lungfish.database import DatabaseOptions
from lungfish.storage import ManualClock, MemoryDisk

# Reads when told to, a line a request, and answers with a line.
_READER = """
import sys, lungfish
with lungfish.connect(sys.argv[1], read_only=True, autocommit=True) as connection:
    for line in sys.stdin:
        try:
            if line == "refresh\\n":
                print(connection.refresh(), flush=True)
            else:
                print(connection.execute(line).fetchone(), flush=True)
        except lungfish.Error as error:
            print(error.sqlstate, error, flush=True)
"""
_SUM = "select count(*), sum(a), min(b), max(b) from t"


class Reader:
    """Another process, which reads."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _READER, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{request}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "app.db")


@pytest.fixture
def reader(path: str) -> Iterator[Reader]:
    with lungfish.connect(path) as connection:
        connection.execute("create table t (a int primary key, b text)")
        connection.execute(
            "insert into t select g, repeat('x', 300) from generate_series(1, 300) g"
        )
    made = Reader(path)
    yield made
    made.end()


def names_beside(path: str) -> list[str]:
    return [each.name for each in Path(path).parent.iterdir()]


def rewrite(connection: lungfish.Connection, letter: str) -> None:
    """Change every page, and publish."""
    connection.execute("update t set b = repeat(?, 300)", (letter,))
    connection.execute("checkpoint")


@pytest.mark.slow
def test_a_reader_keeps_its_image_through_checkpoints_and_openings_and_moves_on_when_asked(
    path: str, reader: Reader
) -> None:
    before = f"(300, 45150, '{'x' * 300}', '{'x' * 300}')"
    assert reader.ask(_SUM) == before
    for letters in ("abcd", "efgh"):
        with lungfish.connect(path, autocommit=True) as writer:
            for letter in letters:
                rewrite(writer, letter)
            # What is committed is not in the image yet.
            writer.execute("insert into t values (?, 'new')", (-ord(letters[0]),))
            assert reader.ask(_SUM) == before
    assert reader.ask("delete from t").startswith("25006 cannot execute DELETE")
    assert reader.ask("create table u ()").startswith("25006 cannot execute CREATE TABLE")
    with lungfish.connect(path, autocommit=True) as writer:
        assert reader.ask("select count(*) from t where b = repeat('x', 300)") == "(300,)"
        assert reader.ask("refresh") == "True"
        assert reader.ask("select count(*) from t where b = repeat('h', 300)") == "(301,)"
        assert reader.ask("refresh") == "False"


@pytest.mark.slow
def test_the_space_of_a_reader_that_was_killed_is_used_again(path: str, reader: Reader) -> None:
    assert reader.ask("select 1") == "(1,)"
    with lungfish.connect(path, autocommit=True) as writer:
        for letter in "abc":
            rewrite(writer, letter)
        readers = "select pinned_by from lungfish.checkpoint_images where pinned_by like 'process%'"
        held = writer.execute(readers).fetchall()
        assert len(held) == 1
        assert held[0][0].startswith("process ")
        reader.kill()
        rewrite(writer, "d")
        assert writer.execute(readers).fetchall() == []
    assert names_beside(path) == ["app.db"]


@pytest.mark.slow
def test_a_writer_that_was_killed_leaves_the_readers_image_alone(path: str, reader: Reader) -> None:
    assert reader.ask("select 1") == "(1,)"
    script = (
        "import sys, os, signal, lungfish\n"
        "c = lungfish.connect(sys.argv[1], autocommit=True)\n"
        "for letter in 'abc':\n"
        "    c.execute('update t set b = repeat(?, 300)', (letter,)); c.execute('checkpoint')\n"
        "c.execute('update t set b = repeat(?, 300)', ('d',))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False)
    before = "select count(*) from t where b = repeat('x', 300)"
    assert reader.ask(before) == "(300,)"
    # The next writer recovers, and writes over whatever nobody needs.
    with lungfish.connect(path, autocommit=True) as writer:
        for letter in "efgh":
            rewrite(writer, letter)
        assert reader.ask(before) == "(300,)"
        assert writer.execute("select count(*) from t where b = repeat('h', 300)").fetchval() == 300


def test_a_second_writer_is_told_who_holds_the_file(path: str) -> None:
    with lungfish.connect(path, autocommit=True):
        script = "import sys, lungfish\nlungfish.connect(sys.argv[1])"
        done = subprocess.run(
            [sys.executable, "-c", script, path], capture_output=True, text=True, check=False
        )
        assert f"is in use by process {os.getpid()} (" in done.stderr
        assert " since 20" in done.stderr


def test_a_reader_stands_in_nobodys_way(path: str) -> None:
    with lungfish.connect(path) as connection:
        connection.execute("create table t (a int)")
    with (
        lungfish.connect(path, read_only=True) as first,
        lungfish.connect(path, read_only=True) as second,
    ):
        assert first.execute("select count(*) from t").fetchval() == 0
        assert second.execute("select count(*) from t").fetchval() == 0
        with lungfish.connect(path, autocommit=True) as writer:
            writer.execute("insert into t values (1)")
            # In the process that writes a new connection sees what is committed.
            with lungfish.connect(path, read_only=True, autocommit=True) as third:
                assert third.execute("select count(*) from t").fetchval() == 1
                with pytest.raises(errors.ReadOnlySqlTransaction):
                    third.execute("insert into t values (2)")
        assert first.execute("select count(*) from t").fetchval() == 0
        first.rollback()
        first.execute("set TimeZone = 'Asia/Tokyo'")
        first.commit()
        assert first.refresh()
        assert first.execute("select count(*) from t").fetchval() == 1
        assert first.execute("show TimeZone").fetchval() == "Asia/Tokyo"
        with pytest.raises(errors.ActiveSqlTransaction):
            first.refresh()
    assert names_beside(path) == ["app.db"]


def test_a_database_that_was_not_closed_is_recovered_before_it_is_read(path: str) -> None:
    with lungfish.open(path) as database:
        connection = database.connect(autocommit=True)
        connection.execute("create table t (a int); insert into t values (1)")
        database.crash()
    with lungfish.connect(path, read_only=True) as connection:
        assert connection.execute("select a from t").fetchval() == 1


def test_a_database_that_is_not_there_is_not_made(path: str) -> None:
    with pytest.raises(errors.UndefinedFile):
        lungfish.connect(path, read_only=True)
    assert not Path(path).exists()


def memory_options(disk: MemoryDisk, clock: ManualClock) -> DatabaseOptions:
    return DatabaseOptions(disk=disk, clock=clock, checkpoint_wal_bytes=0)


def test_an_image_older_than_max_snapshot_age_is_taken_back_and_its_reader_told() -> None:
    disk, clock = MemoryDisk(), ManualClock()
    options: Any = memory_options(disk, clock)
    with lungfish.connect("a.db", options=options, autocommit=True) as writer:
        writer.execute("create table t (a int, b text)")
        writer.execute("insert into t select g, repeat('x', 3000) from generate_series(1, 500) g")
    reader = lungfish.connect("a.db", options=options, read_only=True, autocommit=True)
    # Little memory, so that pages are read again.
    with lungfish.connect("a.db", options=options, autocommit=True) as writer:
        writer.execute("set max_snapshot_age = '60s'")
        rewrite(writer, "a")
        clock.advance(120)
        for letter in "bcdef":
            rewrite(writer, letter)
        with pytest.raises(errors.SnapshotTooOld, match="the image that is read is gone"):
            reader.execute("select count(b) from t")
        writer.execute("checkpoint")
    assert reader.refresh()
    assert reader.execute("select count(*) from t where b like 'f%'").fetchval() == 500
    reader.close()
