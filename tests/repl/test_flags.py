"""The command line's flags and exit codes, in tables."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

import lungfish
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main
from lungfish.repl.subcommands import SUBCOMMANDS


def run(*arguments: object) -> int:
    try:
        return main([str(each) for each in arguments])
    except SystemExit as left:
        return int(left.code or 0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-c", "select 1"], ExitCode.OK),
        (["-c", "select"], ExitCode.OK),
        (["-c", "selekt"], ExitCode.SQL_ERROR),
        (["-c", "select 1/0", "-c", "select 1"], ExitCode.SQL_ERROR),
        (["--on-error", "continue", "-c", "select 1/0; select 1"], ExitCode.SQL_ERROR),
        (["-f", "absent.sql"], ExitCode.SQL_ERROR),
        (["-c", "\\nothing"], ExitCode.SQL_ERROR),
        (["no/such/folder/a.db", "-c", "select 1"], ExitCode.CANNOT_OPEN),
        (["absent.db", "--read-only", "-c", "select 1"], ExitCode.CANNOT_OPEN),
        (["not.db", "-c", "select 1"], ExitCode.CANNOT_OPEN),
        (["a.db", "--as-of", "nothing", "-c", "select 1"], ExitCode.CANNOT_OPEN),
        (["--timeout", "0.05", "-c", "select count(*) from generate_series(1, 100000000)"], ExitCode.CANCELLED),
        (["--no-such-flag"], ExitCode.USAGE),
        (["--format", "nothing", "-c", "select 1"], ExitCode.USAGE),
        (["--on-error", "wander", "-c", "select 1"], ExitCode.USAGE),
        (["--timeout", "-1", "-c", "select 1"], ExitCode.USAGE),
        (["--max-rows", "-1", "-c", "select 1"], ExitCode.USAGE),
        (["-v", "nothing", "-c", "select 1"], ExitCode.USAGE),
        (["-v", "a-b=1", "-c", "select 1"], ExitCode.USAGE),
        (["-o", "no/such/folder.txt", "-c", "select 1"], ExitCode.USAGE),
        (["--version"], ExitCode.OK),
        (["--spec"], ExitCode.OK),
        (["--help"], ExitCode.OK),
    ],
)  # fmt: skip
def test_exit_codes(arguments: list[str], code: ExitCode, folder: Path) -> None:
    (folder / "not.db").write_text("this is no database" * 1000)
    assert run(*arguments) == code


def test_standard_input_stops_at_its_first_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 1/0;\nselect 42;\n"))
    assert run() == ExitCode.SQL_ERROR
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("stdin:1: ERROR:  division by zero")


def test_corruption_has_a_code_of_its_own(folder: Path) -> None:
    run(
        "a.db",
        "-q",
        "-c",
        "create table t as select g, repeat('x', 100) from generate_series(1, 5000) g",
    )
    path = folder / "a.db"
    data = bytearray(path.read_bytes())
    for at in range(8192, len(data), 4096):
        data[at + 100] ^= 0xFF
    path.write_bytes(data)
    assert run("a.db", "-c", "select * from t") == ExitCode.CORRUPTION


def test_a_torn_log_has_a_code_where_that_is_asked_for(folder: Path) -> None:
    for flags, code in (([], ExitCode.OK), (["--strict-recovery"], ExitCode.RECOVERED_WITH_LOSS)):
        with lungfish.open("torn.db") as database:
            connection = database.connect(autocommit=True)
            connection.execute("create table if not exists t (a int); insert into t values (1)")
            database.crash()
        newest = max((folder / "torn.db-wal").iterdir())
        data = newest.read_bytes()
        end = len(data.rstrip(b"\0"))
        newest.write_bytes(data[:end] + b"\x01torn record" + data[end + 12 :])
        assert run("torn.db", *flags, "-c", "select count(*) from t") == code
        assert run("torn.db", *flags, "-c", "select count(*) from t") == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-v", "n=7", "-v", "s=it's", "-tA", "-c", "select :n + 1, :'s'"], "8|it's\n"),
        (["-A", "-c", "select 1 as a"], "a\n1\n(1 row)\n"),
        (["-t", "-c", "select 1 as a"], " 1\n\n"),
        (["-q", "-t", "-A", "-c", "create table t (a int)", "-c", "select 2"], "2\n"),
        (["--max-rows", "1", "--csv", "-c", "values (1), (2)"], "column1\n1\n"),
        (["--echo", "-tA", "-c", "select 1"], "select 1;\n1\n"),
        (["--null", "~", "--tsv", "--no-header", "-c", "select null, 1"], "~\t1\n"),
    ],
)
def test_flags_of_output(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == ExitCode.OK
    assert capsys.readouterr().out == text


def test_rollback_undoes_only_the_statement_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    script = "create table t (a int); begin; insert into t values (1); insert into t values (1/0);"
    script += "insert into t values (2); commit; select count(*) from t"
    assert run("-q", "-tA", "--on-error", "rollback", "-c", script) == ExitCode.SQL_ERROR
    assert capsys.readouterr().out == "2\n"


def test_results_go_to_a_log_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-L", "all.log", "-tA", "-c", "select 1") == ExitCode.OK
    assert run("-L", "all.log", "-o", "out.txt", "-tA", "-c", "select 2") == ExitCode.OK
    assert capsys.readouterr().out == "1\n"
    assert (folder / "all.log").read_text() == "1\n2\n"
    assert (folder / "out.txt").read_text() == "2\n"


def test_figures_of_the_run_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    run("--stats", "--csv", "-c", "select generate_series(1, 10); select 1")
    figures = json.loads(capsys.readouterr().err)
    assert (figures["statements"], figures["rows"], figures["exit_code"]) == (2, 11, 0)
    assert figures["running_seconds"] > 0


def test_the_specification_names_every_flag_and_subcommand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("--spec")
    spec = json.loads(capsys.readouterr().out)
    names = {name for flag in spec["flags"] for name in flag["names"]}
    assert {"-c", "-f", "-v", "-t", "-A", "-x", "-q", "-1", "-o", "-L", "--as-of", "--csv"} <= names
    assert set(spec["subcommands"]) == {each.name for each in SUBCOMMANDS}
    assert "csv" in spec["formats"]
    assert spec["exit_codes"]["4"] == "cancelled or out of time"


@pytest.mark.parametrize(("choice", "left"), [("never", "1"), ("always", None), ("auto", "x")])
def test_color_has_the_last_word_over_no_color(
    choice: str, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "x")
    run("--color", choice, "-c", "select 1")
    assert os.environ.get("NO_COLOR") == left


@pytest.mark.parametrize("name", [each.name for each in SUBCOMMANDS])
def test_each_subcommand_has_short_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == ExitCode.OK
    text = capsys.readouterr().out
    assert text.startswith(f"usage: lungfish {name}")
    assert len(text.splitlines()) < 60
