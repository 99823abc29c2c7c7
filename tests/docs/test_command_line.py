"""docs/command-line.md: its examples run from top to bottom, and it speaks of every flag, subcommand and exit code."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from lungfish.repl.arguments import shell_parser
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main
from lungfish.repl.subcommands import SUBCOMMANDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text()
LINES = [
    line
    for block in re.findall(r"```shell\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.slow
def test_the_examples_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = {}
    for line in LINES:
        monkeypatch.setattr(sys, "stdin", io.StringIO("select 1;"))
        assert main(shlex.split(line)[1:]) == ExitCode.OK, line
        printed[line] = capsys.readouterr().out
    assert Path("titles.csv").read_text() == "title\nBlue\nHejira\n"
    by_name = next(text for line, text in printed.items() if "-v name=Blue" in line)
    assert "1 | Blue" in by_name
    counts = [text for line, text in printed.items() if "--as-of" in line or "--read-only" in line]
    assert [re.findall(r"\n +(\d)\n", text) for text in counts] == [["3"], ["2"]]


def test_every_flag_subcommand_and_exit_code_is_there() -> None:
    for action in shell_parser()._actions:
        # Of a flag with several names the page may use any.
        names = [name for name in action.option_strings if name not in ("-h", "--help")]
        assert not names or any(f"{name} " in PAGE or f"`{name}`" in PAGE for name in names), names
    for subcommand in SUBCOMMANDS:
        assert f"lungfish {subcommand.name}" in PAGE
    for code in ExitCode:
        assert f"| {code.value} | {code.meaning} |" in PAGE
