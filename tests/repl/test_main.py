"""The command line: inputs in their order, formats, restarts, exit codes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lungfish
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "app.db")


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capsys


def run(*arguments: str) -> int:
    return main(list(arguments))


def test_commands_and_files_run_in_their_order(
    database: str, tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "fill.sql"
    script.write_text("insert into t values (2);\nselect sum(a) from t")
    code = run(database, "-q", "-t", "-c", "create table t (a int)", "-c", "insert into t values (1)",
               "-f", str(script), "-c", "select count(*) from t")  # fmt: skip
    assert code == ExitCode.OK
    assert output.readouterr().out.split() == ["3", "2"]


def test_without_a_database_it_is_in_memory(output: pytest.CaptureFixture[str]) -> None:
    assert run("-c", "select 1 as one") == ExitCode.OK
    assert output.readouterr().out == " one \n-----\n   1\n(1 row)\n\n"


def test_standard_input_is_run(
    database: str, monkeypatch: pytest.MonkeyPatch, output: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("create table t (a int);\ninsert into t values (1), (2);")
    )
    assert run(database) == ExitCode.OK
    assert output.readouterr().out == "CREATE TABLE\nINSERT 0 2\n"


def test_the_first_error_ends_the_run(
    database: str, tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "bad.sql"
    script.write_text("select 1 as a;\n\nselect b;\nselect 2 as c;")
    assert run(database, "-t", "-f", str(script), "-c", "select 3") == ExitCode.SQL_ERROR
    printed = output.readouterr()
    assert printed.out.split() == ["1"]
    assert printed.err.startswith(
        f'{script}:3: ERROR:  column "b" does not exist\nLINE 1: select b'
    )


def test_on_error_continue_goes_on_and_still_fails(
    database: str, output: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(database, "-t", "--on-error", "continue", "-c", "select b; select 2", "-c", "select 3")
        == ExitCode.SQL_ERROR
    )
    assert output.readouterr().out.split() == ["2", "3"]


def test_a_single_transaction_is_all_or_nothing(
    database: str, output: pytest.CaptureFixture[str]
) -> None:
    run(database, "-c", "create table t (a int)")
    assert (
        run(database, "-1", "-c", "insert into t values (1)", "-c", "select 1/0")
        == ExitCode.SQL_ERROR
    )
    assert run(database, "-1", "-c", "insert into t values (2)") == ExitCode.OK
    output.readouterr()
    run(database, "-t", "-c", "select a from t")
    assert output.readouterr().out.split() == ["2"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--csv"], "a,b\n1,\n"),
        (["--csv", "--null", "~", "--no-header"], "1,~\n"),
        (["--jsonl"], '{"a": 1, "b": null}\n'),
        (["--format", "plain"], "a|b\n1|\n(1 row)\n"),
        (["-x", "-q", "-t"], "a | 1\nb | \n\n"),
    ],
)
def test_formats(arguments: list[str], text: str, output: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments, "-c", "select 1 as a, null as b") == ExitCode.OK
    assert output.readouterr().out == text


def test_results_can_go_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert run("--csv", "-o", str(target), "-c", "select 1 as a") == ExitCode.OK
    assert target.read_text() == "a\n1\n"


def test_a_script_restarts_cleanly_and_by_a_crash(
    database: str, tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "restarts.sql"
    script.write_text(
        "create table t (a int primary key);\ninsert into t values (1);\n--@ restart crash\n"
        "begin;\ninsert into t values (2);\n--@ restart crash\n"
        "insert into t values (3);\n--@ restart clean\nselect a from t order by a;"
    )
    assert run(database, "-q", "-t", "-f", str(script)) == ExitCode.OK
    assert output.readouterr().out.split() == ["1", "3"]


def test_copy_takes_the_lines_behind_it(
    database: str, tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "copy.sql"
    script.write_text(
        "create table t (a int, b text);\ncopy t from stdin;\n1\tx;y\n2\t\\N\n\\.\nselect * from t;"
    )
    assert run(database, "--csv", "-f", str(script)) == ExitCode.OK
    assert output.readouterr().out == "a,b\n1,x;y\n2,\n"


def test_copy_errors_name_the_line(
    database: str, tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "copy.sql"
    script.write_text("create table t (a int, b text);\ncopy t from stdin;\n1\n\\.\n")
    assert run(database, "-q", "-f", str(script)) == ExitCode.SQL_ERROR
    assert (
        'copy.sql:2: ERROR:  missing data for column "b"\nDETAIL:  COPY t, line 1'
        in output.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--no-such-flag"], ExitCode.USAGE),
        (["--format", "nope", "-c", "select 1"], ExitCode.USAGE),
        (["/no/such/folder/app.db", "-c", "select 1"], ExitCode.CANNOT_OPEN),
        (["-c", "select"], ExitCode.OK),
        (["-c", "selec"], ExitCode.SQL_ERROR),
        (["-f", "/no/such/file.sql"], ExitCode.SQL_ERROR),
        (["-c", "\\nope"], ExitCode.SQL_ERROR),
        (["--version"], ExitCode.OK),
        (["info", "/no/such/app.db"], ExitCode.CANNOT_OPEN),
        (["check", "/no/such/app.db"], ExitCode.CANNOT_OPEN),
    ],
)
def test_exit_codes(
    arguments: list[str], code: ExitCode, output: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(arguments)
    except SystemExit as leaving:
        found = int(leaving.code or 0)
    assert found == code


def test_a_quit_leaves_without_an_error(output: pytest.CaptureFixture[str]) -> None:
    assert run("-t", "-c", "select 1", "-c", "\\q", "-c", "select 2") == ExitCode.OK
    assert output.readouterr().out.split() == ["1"]


def test_a_statement_that_takes_too_long_is_cancelled(output: pytest.CaptureFixture[str]) -> None:
    slow = "select count(*) from generate_series(1, 10000000) a, generate_series(1, 1000) b"
    assert run("--timeout", "0.05", "-c", slow) == ExitCode.CANCELLED


def test_run_gives_each_script_its_own_database(
    tmp_path: Path, output: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    good.write_text("create table t (a int);\n--@ restart clean\ninsert into t values (1);")
    bad.write_text("insert into t values (1);")
    assert run("run", "-q", str(good), str(bad)) == ExitCode.SQL_ERROR
    printed = output.readouterr().err
    assert f"ok      {good}" in printed
    assert f"FAILED  {bad}" in printed


def test_info_tells_what_a_file_holds(database: str, output: pytest.CaptureFixture[str]) -> None:
    run(database, "-q", "-c", "create table t (a int primary key)")
    output.readouterr()
    assert run("info", database) == ExitCode.OK
    lines = dict(line.split("  ", 1) for line in output.readouterr().out.splitlines())
    assert lines["tables"].strip() == "1"
    assert lines["indexes"].strip() == "1"


def test_check_says_ok(database: str, output: pytest.CaptureFixture[str]) -> None:
    run(database, "-q", "-c", "create table t (a int primary key); insert into t values (1)")
    output.readouterr()
    assert run("check", database) == ExitCode.OK
    told = output.readouterr().out
    assert told.startswith(f"{database}: ok (")
    assert told.endswith("1 tables with 1 rows and 1 indexes)\n")


def test_check_sees_a_flipped_bit(database: str, output: pytest.CaptureFixture[str]) -> None:
    run(
        database,
        "-q",
        "-c",
        "create table t (a text); insert into t values ('find me in the file')",
    )
    content = Path(database).read_bytes()
    Path(database).write_bytes(content.replace(b"find me", b"find mE"))
    output.readouterr()
    assert run("check", database) == ExitCode.CORRUPTION


@pytest.mark.slow
def test_a_database_in_use_names_its_holder(database: str) -> None:
    with lungfish.open(database):
        command = [sys.executable, "-m", "lungfish.repl.main", database, "-c", "select 1"]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert other.returncode == ExitCode.CANNOT_OPEN
    assert str(os.getpid()) in other.stderr


@pytest.mark.slow
def test_help_and_version_load_no_engine() -> None:
    script = (
        "import sys; from lungfish.repl.main import main\n"
        "main(['--version'])\n"
        "print([name for name in ('pyarrow', 'numpy', 'prompt_toolkit', 'lungfish.sql') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.endswith("[]\n")


@pytest.mark.slow
def test_the_prompt_is_drawn_before_the_engine_is_loaded() -> None:
    script = (
        "import sys, lungfish.repl.prompt\n"
        "print([name for name in ('pyarrow', 'numpy', 'lungfish.sql') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"


def test_metrics_are_printed_for_a_scraper(
    database: str, output: pytest.CaptureFixture[str]
) -> None:
    assert run("metrics", database) == ExitCode.CANNOT_OPEN
    assert "does not exist" in output.readouterr().err
    assert run(database, "-c", "create table t (a int)") == ExitCode.OK
    output.readouterr()
    assert run("metrics", database) == ExitCode.OK
    text = output.readouterr().out
    assert "# TYPE lungfish_wal_bytes counter" in text
    assert text.endswith("# EOF\n")
