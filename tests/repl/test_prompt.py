"""The prompt, typed into through a pipe."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from lungfish.repl.arguments import shell_parser
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.prompt import run_prompt


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PipeInput]:
    monkeypatch.setenv("LUNGFISH_HISTORY", str(tmp_path / "history"))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


def options_of(*arguments: str) -> argparse.Namespace:
    return shell_parser().parse_args(["-q", "--csv", *arguments])


def test_enter_runs_what_is_complete_and_else_begins_a_line(
    keyboard: PipeInput, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard.send_text("select 'a;\r' || 'b'\r as x;\r\\q\r")
    assert run_prompt(options_of(str(tmp_path / "app.db"))) == ExitCode.OK
    assert capsys.readouterr().out == 'x\n"a;\nb"\n'
    assert "+select 'a;" in (tmp_path / "history").read_text()


def test_an_error_does_not_end_it(keyboard: PipeInput, capsys: pytest.CaptureFixture[str]) -> None:
    keyboard.send_text("select nope;\rselect 1 as a;\r\x04")
    assert run_prompt(options_of()) == ExitCode.OK
    printed = capsys.readouterr()
    assert printed.out == "a\n1\n"
    assert 'column "nope" does not exist' in printed.err


def test_a_database_that_does_not_open_ends_it(
    keyboard: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    # Nothing is typed: the prompt is left because there is nothing to prompt for.
    assert run_prompt(options_of("/no/such/folder/app.db")) == ExitCode.CANNOT_OPEN
    assert "ERROR:" in capsys.readouterr().err


def test_what_was_typed_before_the_database_failed_to_open_is_dropped(
    keyboard: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard.send_text("select 1;\r")
    assert run_prompt(options_of("/no/such/folder/app.db")) == ExitCode.CANNOT_OPEN
    assert "ERROR:" in capsys.readouterr().err
