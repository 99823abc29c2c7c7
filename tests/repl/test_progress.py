"""What takes long says how far it is: builds of indexes, rewrites of tables, and recovery while a database is opened."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import lungfish
from lungfish.executor.statement_progress import StatementProgress
from lungfish.recovery.restart_progress import RecoveryProgress
from lungfish.repl import batch, progress, prompt
from lungfish.repl.arguments import shell_parser
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.progress import Look, Opening, progress_line
from lungfish.repl.wiring import open_target

ROWS = 3000


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute(
            f"create table t as select g, 'row ' || g as n from generate_series(1, {ROWS}) g"
        )
        yield connection


@pytest.fixture
def crashed(tmp_path: Path) -> str:
    """A database that the next opening has to recover."""
    path = str(tmp_path / "app.db")
    with lungfish.open(path) as database:
        connection = database.connect(autocommit=True)
        connection.execute("create table t (id int primary key, v text)")
        connection.execute(f"insert into t select i, 'v' || i from generate_series(1, {ROWS}) i")
        database.crash()
    return path


@pytest.mark.parametrize(
    ("statement", "phase"),
    [
        ("create index t_g on t (g)", "writing t_g"),
        ("create index t_half on t (n) where g > 0", "writing t_half"),
        ("alter table t add primary key (g)", "writing t_pkey"),
        ("alter table t add constraint only_n unique (n)", "writing only_n"),
        ("alter table t alter g type bigint", "rewriting t"),
    ],
)
def test_a_build_and_a_rewrite_count_their_rows(
    connection: lungfish.Connection, statement: str, phase: str
) -> None:
    connection.execute(statement)
    told = connection.progress()
    assert told is not None
    assert (told.phase, told.units, told.done, told.total) == (phase, "rows", ROWS, ROWS)


def test_each_index_of_a_table_counts_anew(connection: lungfish.Connection) -> None:
    connection.execute("create index t_g on t (g); create index t_n on t (n)")
    connection.execute("reindex table t")
    told = connection.progress()
    assert told == StatementProgress("writing t_n", "rows", ROWS, ROWS, part=1)


@pytest.mark.parametrize(
    ("told", "times", "line"),
    [
        (StatementProgress("opening"), (2,), "opening  2.0 s"),
        # What was counted before has no part in what is left.
        (
            StatementProgress("writing i", "rows", 50, 100, part=2),
            (60, 4),
            "writing i  [##########----------]  50%  50 of about 100 rows  4.0 s left",
        ),
        (
            StatementProgress("recovery: redo", "rows", 50, 100, left_s=75),
            (60,),
            "recovery: redo  [##########----------]  50%  50 of about 100 rows  1 min 15 s left",
        ),
    ],
)
def test_the_time_left_is_of_what_is_counted_now(
    told: StatementProgress, times: tuple[float, ...], line: str
) -> None:
    assert progress_line(told, *times) == line


def options_of(*arguments: str) -> argparse.Namespace:
    return shell_parser().parse_args(["-q", "--csv", *arguments])


def require_redo(lines: list[str | None]) -> None:
    """The lines tell of redo, of the catalog's rows and then of the tables', and the last one takes the line away."""
    redo = [line for line in lines if line is not None and line.startswith("recovery: redo")]
    assert f"  0%  0 of about {ROWS:,} rows" in redo[-1]
    assert lines[-1] is None


def test_an_opening_tells_how_far_its_recovery_is(
    crashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_FIRST_AFTER_S", 0.0)
    lines: list[str | None] = []
    opening = Opening(lines.append)
    assert opening.look() == StatementProgress("opening")
    open_target(options_of(crashed), opening).close()
    require_redo(lines)


def test_an_opening_in_less_than_a_second_shows_nothing(
    crashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_FIRST_AFTER_S", 3600.0)
    lines: list[str | None] = []
    open_target(options_of(crashed), Opening(lines.append)).close()
    assert lines == []


@pytest.mark.parametrize(("choice", "is_watched"), [("on", True), ("off", False)])
def test_without_a_prompt_the_recovery_is_watched_if_that_is_wanted(
    crashed: str, choice: str, is_watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases: list[str] = []

    class Recorded(Opening):
        def tell(self, told: RecoveryProgress) -> None:
            super().tell(told)
            phases.append(self.look().phase)

    looks: list[Look] = []

    @contextmanager
    def watching(look: Look, _err: TextIO) -> Iterator[None]:
        looks.append(look)
        yield

    monkeypatch.setattr(batch, "Opening", Recorded)
    monkeypatch.setattr(batch, "watching", watching)
    options = options_of(crashed, "--progress", choice, "-c", "select 1")
    assert batch.run_inputs(options) == ExitCode.OK
    assert bool(looks) == ("recovery: redo" in phases) == is_watched


def test_the_prompt_shows_the_recovery_that_goes_on_behind_it(
    crashed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUNGFISH_HISTORY", "")
    monkeypatch.setattr(progress, "_FIRST_AFTER_S", 0.0)
    # Enter draws as often as it can while it waits.
    monkeypatch.setattr(prompt, "_REDRAW_EVERY_S", 0.001)
    lines: list[str | None] = []

    class Recorded(prompt.PromptSession[str]):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "bottom_toolbar":
                lines.append(value if isinstance(value, str) else None)

    monkeypatch.setattr(prompt, "PromptSession", Recorded)
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text("select count(*) as c from t;\r\\q\r")
        assert prompt.run_prompt(options_of(crashed)) == ExitCode.OK
    assert capsys.readouterr().out == f"c\n{ROWS}\n"
    require_redo(lines)
