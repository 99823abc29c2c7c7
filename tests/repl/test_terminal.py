"""The prompt, driven in a real terminal. What it shows is kept in `screens/`; UPDATE_SCREENS=1 writes them anew."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are Unix's", allow_module_level=True)
pytest.importorskip("pyte")

from tests.repl.terminal import Terminal, environment_for

SCREENS = Path(__file__).parent / "screens"
SCHEMA = """
create table artist (artist_id int primary key, name text);
create table album (album_id int primary key, title text, artist_id int references artist, price numeric(5,2));
insert into artist values (1, 'AC/DC'), (2, 'Accept');
insert into album values (1, 'For Those About To Rock', 1, 9.99), (2, 'Balls to the Wall', 2, 8.5), (3, 'Let There Be Rock', 1, null);
"""


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    script = tmp_path / "schema.sql"
    script.write_text(SCHEMA)
    with Terminal(["-q", str(tmp_path / "app.db")], environment_for(tmp_path)) as made:
        made.wait_for_prompt("app.db=>")
        run(made, f"\\i {script}")
        # The names are there once they are proposed.
        made.type("\\d alb")
        while "album" not in made.shown.splitlines()[-1]:
            made.type("<tab>")
            made.read_for(0.2)
        made.type("<ctrl-c>")
        made.type("\\! clear\r")
        made.wait_for(lambda shown: shown == "app.db=>\n")
        yield made
        made.type("<ctrl-c><ctrl-d>")


def check_screen(terminal: Terminal, name: str) -> None:
    """The screen is as it was, but for times."""
    shown = re.sub(r"\d+(?:\.\d+)? (ms|s)\b", r"N \1", terminal.shown)
    file = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        file.write_text(shown)
    assert shown == file.read_text(), name


def run(terminal: Terminal, line: str, prompt: str = "app.db=>") -> None:
    """Type a line, and read until it has run."""
    before = terminal.shown
    terminal.type(line)
    terminal.wait_for(lambda shown: shown != before)
    terminal.type("\r")
    terminal.wait_for_prompt(prompt)


def complete(terminal: Terminal, typed: str, completed: str) -> None:
    """Type a text and the completion key, and read until it is completed."""
    terminal.type(f"{typed}<tab>")
    terminal.wait_for(lambda shown: completed in shown.replace("\n         ", ""))


@pytest.mark.slow
def test_typing_completion_and_errors(terminal: Terminal) -> None:
    # A column after its alias, and the join that the foreign key says.
    complete(terminal, "select * from alb", "select * from album")
    complete(terminal, " al join arti", "join artist")
    complete(terminal, " ar ", "ON al.artist_id = ar.artist_id")
    complete(terminal, " order by al.ti", "al.title")
    run(terminal, ";")
    # What keeps a statement open stands in the prompt of the next line, and is marked.
    terminal.type("select (1 + 'a\r")
    terminal.wait_for("'->")
    assert terminal.style_at("'a") == ("green", False, True)
    terminal.type("' || (2\r")
    terminal.wait_for("(->")
    assert terminal.style_at("(1") == ("red", True, True)
    terminal.type("<ctrl-c>")
    terminal.wait_for_prompt("app.db=>")
    run(terminal, "select titel from album;")
    run(terminal, "select * from albun;")
    check_screen(terminal, "typing")


@pytest.mark.slow
def test_meta_commands_are_completed_and_history_is_searched(terminal: Terminal) -> None:
    complete(terminal, "\\d alb", "\\d album")
    run(terminal, " ")
    assert 'Table "public.album"' in terminal.shown
    run(terminal, "select 41 + 1 as answer;")
    run(terminal, "select 'something else';")
    terminal.type("<ctrl-r>41 +")
    terminal.wait_for(lambda shown: shown.count("select 41 + 1 as answer;") == 2)
    terminal.type("\r\r")
    terminal.wait_for(lambda shown: shown.count("(1 row)") == 3)
    terminal.wait_for_prompt("app.db=>")
    check_screen(terminal, "commands")


@pytest.mark.slow
def test_a_transaction_shows_in_the_prompt_and_outlives_a_typo_but_no_crash(
    terminal: Terminal,
) -> None:
    run(terminal, "begin;", "app.db=*>")
    terminal.type("delete from album;\r")
    terminal.wait_for("Go on? [y/N]")
    run(terminal, "n", "app.db=*>")
    run(terminal, "update album set price = 1 where album_id = 1;", "app.db=*>")
    run(terminal, "selec 1;", "app.db=*>")
    run(terminal, "\\crash")
    run(terminal, "select price from album where album_id = 1;")
    run(terminal, "begin;", "app.db=*>")
    run(terminal, "\\restart")
    check_screen(terminal, "crash")


@pytest.mark.slow
def test_a_long_query_tells_how_far_it_is_and_is_cancelled(terminal: Terminal) -> None:
    run(terminal, "\\set ON_ERROR_ROLLBACK off")
    run(terminal, "begin;", "app.db=*>")
    terminal.type(
        "select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b;\r"
    )
    terminal.wait_for("running  ")
    terminal.type("<ctrl-c>")
    terminal.wait_for_prompt("app.db=!>")
    check_screen(terminal, "cancel")


@pytest.mark.slow
def test_wide_results_are_turned_and_long_ones_paged(terminal: Terminal) -> None:
    run(terminal, "\\x auto")
    run(
        terminal,
        "select al.*, ar.*, al.title || ' by ' || ar.name as what, now() < '1990-01-01' as old"
        " from album al join artist ar using (artist_id) where album_id = 1;",
    )
    run(terminal, ".mode box")
    run(terminal, "select * from album order by album_id;")
    check_screen(terminal, "formats")
    run(terminal, ".mode table")
    terminal.type("select n, n * n as square from generate_series(1, 100000::bigint) n;\r")
    terminal.wait_for("\n:")
    check_screen(terminal, "pager")
    terminal.type("q")
    terminal.wait_for_prompt("app.db=>")
