"""`lungfish dump` and `lungfish load` as commands: files, pipes, reports, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main


def run(*arguments: object) -> int:
    try:
        return main([str(each) for each in arguments])
    except SystemExit as left:
        return int(left.code or 0)


def test_a_dump_is_loaded_by_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, script = tmp_path / "one.db", tmp_path / "two.db", tmp_path / "one.sql"
    run(
        one, "-q", "-c", "create table t (a int primary key, b text); insert into t values (1, 'x')"
    )
    assert run("dump", one, "-o", script) == ExitCode.OK
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.db", "one.sql"]
    assert run("load", two, script) == ExitCode.OK
    assert "1 rows into 1 tables" in capsys.readouterr().out
    assert run("dump", two) == ExitCode.OK
    assert capsys.readouterr().out == script.read_text()


def test_bad_rows_are_told_and_fail_the_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, rows = tmp_path / "a.db", tmp_path / "t.csv"
    rows.write_text("a\n1\nx\ny\n")
    run(database, "-q", "-c", "create table t (a int)")
    assert run("load", database, rows, "--bad-rows", "1") == ExitCode.SQL_ERROR
    printed = capsys.readouterr()
    assert "BAD ROW:  public.t, row 3, a = 'x': invalid input syntax" in printed.err
    assert "... and 1 more" in printed.err
    assert "nothing loaded, 2 things were wrong" in printed.out
    assert run("load", database, rows, "--on-error", "continue") == ExitCode.SQL_ERROR
    assert "1 rows into 1 tables, 2 things were wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["dump", "absent.db"], ExitCode.CANNOT_OPEN),
        (["dump", "made.db", "--table", "nothing"], ExitCode.SQL_ERROR),
        (["dump", "made.db", "--schema-only", "--data-only"], ExitCode.USAGE),
        (["dump", "made.db", "-o", "no/such/folder.sql"], ExitCode.USAGE),
        (["load", "made.db"], ExitCode.USAGE),
        (["load", "made.db", "absent.csv"], ExitCode.SQL_ERROR),
        (["load", "made.db", "what.bin"], ExitCode.SQL_ERROR),
    ],
)
def test_exit_codes(
    arguments: list[str], code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("made.db", "-q", "-c", "select 1")
    assert run(*arguments) == code
