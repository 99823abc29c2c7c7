"""`lungfish top`: a database seen from outside, open, closed, and after a crash."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import lungfish
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "app.db")


def look(path: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["top", path, "--json"]) == ExitCode.OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_an_open_database_is_seen_with_its_holder_its_log_and_its_readers(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute("create table t (a int)")
    with (
        lungfish.connect(path, read_only=True) as reader,
        lungfish.connect(path, autocommit=True) as writer,
    ):
        reader.execute("select 1")
        writer.execute("insert into t values (1)")
        seen = look(path, capsys)
        assert seen["state"] == "open"
        assert seen["holder"]["pid"] == os.getpid()
        assert seen["log_segments"] == 1
        assert seen["log_bytes"] > 0
        assert [each["pid"] for each in seen["readers"]] == [os.getpid()]
        before = seen["checkpoint_id"]
        writer.execute("checkpoint")
        assert look(path, capsys)["checkpoint_id"] == before + 1
        assert main(["top", path, "--once"]) == ExitCode.OK
        printed = capsys.readouterr().out
        assert "state            open\n" in printed
        assert f"process {os.getpid()} (" in printed


def test_a_closed_and_a_crashed_database_are_told_apart(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with lungfish.open(path) as database:
        connection = database.connect(autocommit=True)
        connection.execute("create table t (a int)")
        database.crash()
    assert look(path, capsys)["state"] == "not closed: the next opening recovers it"
    lungfish.connect(path).close()
    seen = look(path, capsys)
    assert seen["state"] == "closed"
    assert not seen["holder"]
    assert [each.name for each in Path(path).parent.iterdir()] == ["app.db"]


def test_a_database_that_is_not_there_cannot_be_looked_at(path: str) -> None:
    assert main(["top", path]) == ExitCode.CANNOT_OPEN
