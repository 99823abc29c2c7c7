"""`lungfish test`: exit codes, what is printed, and the options."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main
from lungfish.repl.test import _Progress
from lungfish.script import oracle

GOOD = "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nSELECT a FROM t;\n--| 1\n"
BAD = GOOD.replace("--| 1", "--| 2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "good.sql").write_text(GOOD)
    (tmp_path / "more" / "bad.sql").write_text(BAD)
    return tmp_path


def test_scripts_that_give_what_they_expect_end_with_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", str(folder / "good.sql"), "-v"]) == ExitCode.OK
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{folder}/good.sql: ok (3 statements, ")
    assert last.startswith("1 script: 1 ok, 3 statements, 0 restarts, ")


def test_a_script_that_fails_ends_with_3_and_a_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", str(folder)]) == ExitCode.ASSERTION_FAILED
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{folder}/more/bad.sql:3: SELECT a FROM t",
        "  the rows are not those expected (-), but these (+): 1 expected, 1 got",
        "    - 2",
        "    + 1",
    ]
    assert last.startswith("2 scripts: 1 ok, 1 FAILED, 6 statements, ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], 'there is no file or folder "nowhere"'),
        ([".", "--set", "9=1"], '"9=1" is not NAME=VALUE'),
        ([".", "--force-restart", "--force-crash"], "not allowed with argument"),
        ([".", "--filter", "no such script"], "no script there has that in its path"),
    ],
)
def test_wrong_usage_ends_with_5(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    try:
        code = main(["test", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_a_filter_leaves_files_out(folder: Path) -> None:
    assert main(["test", str(folder), "--filter", "good"]) == ExitCode.OK


def test_variables_are_given(folder: Path) -> None:
    script = folder / "v.sql"
    script.write_text("SELECT :a;\n--| 7\n")
    assert main(["test", str(script), "-s", "a=7"]) == ExitCode.OK
    assert main(["test", str(script), "--set", "a=8"]) == ExitCode.ASSERTION_FAILED


def test_update_puts_the_script_right_and_shows_what_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = folder / "more" / "bad.sql"
    assert main(["test", str(bad), "--update"]) == ExitCode.ASSERTION_FAILED
    assert bad.read_text() == GOOD
    out = capsys.readouterr().out
    assert "\n---| 2\n+--| 1\n" in out
    assert main(["test", str(bad)]) == ExitCode.OK


def test_record_writes_down_what_nothing_is_said_of(folder: Path) -> None:
    script = folder / "new.sql"
    script.write_text("SELECT 1, NULL;\nSELECT 1 WHERE false;\nSELECT 1 / 0;\nSELECT 2;\n--| 2\n")
    main(["test", str(script), "--record"])
    assert script.read_text() == (
        "SELECT 1, NULL;\n--| 1 | NULL\n--@ expect rows\nSELECT 1 WHERE false;\n"
        "--@ expect error 22012\nSELECT 1 / 0;\nSELECT 2;\n--| 2\n"
    )
    assert main(["test", str(script)]) == ExitCode.OK


@pytest.mark.parametrize(
    ("option", "restart_count"), [("--force-restart", 3), ("--force-crash", 3), ("--isolate", 0)]
)
def test_the_other_ways_give_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str, restart_count: int
) -> None:
    assert main(["test", str(folder / "good.sql"), option]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith(f"1 script: 1 ok, 3 statements, {restart_count} restarts, ")


def test_an_oracle_that_is_not_there_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise oracle.ServerUnavailable("PostgreSQL 18 cannot be started: no module")

    monkeypatch.setattr(oracle, "start_server", refuse)
    code = main(["test", str(folder / "good.sql"), "--oracle", "postgres"])
    assert code == ExitCode.CANNOT_OPEN
    assert "lungfish test: PostgreSQL 18 cannot be started: no module" in capsys.readouterr().err


def test_the_bar_says_how_far_it_is_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    progress = _Progress(out, 4, is_shown=True)
    progress.show(2, Path("a.sql"))
    progress.hide()
    assert out.getvalue() == f"\r\x1b[K[{'#' * 15}{'.' * 15}] 2 of 4  a.sql\r\x1b[K"
    assert not _Progress(io.StringIO(), 4, is_shown=True)._is_shown
