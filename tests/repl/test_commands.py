"""The shell's own commands."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from lungfish import errors
from lungfish.repl.arguments import shell_parser
from lungfish.repl.commands import COMMANDS, words_of
from lungfish.repl.formats import Expanded
from lungfish.repl.interpreter import Interpreter, QuitShell
from lungfish.repl.wiring import build_interpreter, open_target

SCHEMA = """
create table artist (id int generated always as identity primary key, name varchar(30) not null unique);
create table album (
    id integer primary key, artist_id int references artist, price numeric(5,2) default 9.99 check (price > 0)
);
create index album_price on album (price desc);
create view cheap as select * from album where price < 5;
create sequence tickets start 7;
create schema "Odd";
create table "Odd"."T x" (a int);
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Interpreter]:
    options = shell_parser().parse_args([str(tmp_path / "app.db"), "-q"])
    target = open_target(options)
    interpreter = build_interpreter(options, target, io.StringIO())
    interpreter.err = io.StringIO()
    assert interpreter.run_text(SCHEMA)
    yield interpreter
    target.close()


def told(shell: Interpreter, text: str) -> str:
    """What the shell prints for a text."""
    assert isinstance(shell.out, io.StringIO)
    shell.out.seek(0)
    shell.out.truncate()
    shell.run_text(text)
    return shell.out.getvalue()


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("\\dt", ["album", "artist", "T x"]),
        (".tables", ["album", "artist", "T x"]),
        ("\\dt a*", ["album", "artist"]),
        ("\\dt al?um", ["album"]),
        ('\\dt "Odd".*', ["T x"]),
        ("\\di", ["album_pkey", "album_price", "artist_name_key", "artist_pkey"]),
        ("\\dv", ["cheap"]),
        ("\\ds tick*", ["tickets"]),
        ("\\dn", ["Odd", "public"]),
    ],
)
def test_lists(shell: Interpreter, command: str, names: list[str]) -> None:
    shell.display.format = "plain"
    shell.display.is_tuples_only = True
    lines = told(shell, command).splitlines()
    column = 0 if command == "\\dn" else 1
    assert sorted(line.split("|")[column] for line in lines) == sorted(names)


def test_describe_shows_columns_indexes_and_constraints(shell: Interpreter) -> None:
    assert told(shell, "\\d album") == (
        '             Table "public.album"\n'
        "  Column   |     Type     | Nullable | Default \n"
        "-----------+--------------+----------+---------\n"
        " id        | integer      | not null | \n"
        " artist_id | integer      |          | \n"
        " price     | numeric(5,2) |          | 9.99\n"
        "Indexes:\n"
        '    "album_pkey" PRIMARY KEY, btree (id)\n'
        '    "album_price" btree (price DESC)\n'
        "Check constraints:\n"
        '    "album_price_check" CHECK ((price > 0))\n'
        "Foreign-key constraints:\n"
        '    "album_artist_id_fkey" FOREIGN KEY (artist_id) REFERENCES artist(id)\n'
        "\n"
    )
    artist = told(shell, "\\d artist")
    assert "generated always as identity" in artist
    assert '"artist_name_key" UNIQUE CONSTRAINT, btree (name)' in artist
    assert 'Referenced by:\n    TABLE "album" CONSTRAINT "album_artist_id_fkey"' in artist


def test_describe_knows_views_indexes_sequences_and_odd_names(shell: Interpreter) -> None:
    assert told(shell, "\\d cheap").lstrip().startswith('View "public.cheap"')
    assert "CREATE INDEX album_price" in told(shell, "\\d album_price")
    assert told(shell, "\\d tickets").lstrip().startswith('Sequence "public.tickets"')
    assert told(shell, '\\d "Odd"."T x"').lstrip().startswith('Table "Odd.T x"')


def test_an_unknown_name_is_an_error(shell: Interpreter) -> None:
    assert not shell.run_text("\\d nope")
    assert isinstance(shell.last_error, errors.UndefinedTable)


def test_switches_change_the_display(shell: Interpreter) -> None:
    told(shell, "\\x\n\\timing on\n\\null '(null)'\n\\rows 5\n\\pset format csv")
    display = shell.display
    assert (
        display.expanded,
        display.has_timing,
        display.null,
        display.rows_max,
        display.format,
    ) == (
        Expanded.ON,
        True,
        "(null)",
        5,
        "csv",
    )
    told(shell, "\\x off\n.mode table\n\\t")
    assert (display.expanded, display.format, display.is_tuples_only) == (
        Expanded.OFF,
        "table",
        True,
    )
    assert not shell.run_text("\\x maybe")
    assert not shell.run_text("\\format nope")


def test_timing_is_told(shell: Interpreter) -> None:
    shell.display.is_quiet = False
    assert "Time: " in told(shell, "\\timing on\nselect 1;")


def test_include_runs_a_file_and_fails_with_it(shell: Interpreter, tmp_path: Path) -> None:
    inner = tmp_path / "inner file.sql"
    inner.write_text("select 42 as a;")
    shell.display.format = "csv"
    assert told(shell, f"\\i '{inner}'") == "a\n42\n"
    inner.write_text("select nope;")
    assert not shell.run_text(f"\\i '{inner}'\nselect 1;")
    assert not shell.run_text("\\i /no/such/file.sql")


def test_echo_conninfo_help(shell: Interpreter) -> None:
    assert told(shell, "\\echo a  'b  c'") == "a b  c\n"
    assert 'database "app.db"' in told(shell, "\\conninfo")
    listing = told(shell, "\\?")
    assert all(name in listing for name in ("\\dt", "\\timing", "\\q", "\\i FILE"))
    assert "CREATE TABLE" in told(shell, "\\h create t")
    assert "No help available" in told(shell, "\\h juggle")


def test_restart_and_crash_keep_what_was_committed(shell: Interpreter) -> None:
    shell.display.format = "csv"
    assert (
        told(
            shell,
            "insert into artist (name) values ('x');\n\\crash\n\\restart\nselect name from artist;",
        )
        == "name\nx\n"
    )


def test_connect_opens_another_database(shell: Interpreter, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    assert 'database "other.db"' in told(shell, f"\\c '{other}'")
    assert told(shell, "\\dt") == ""


def test_quit_leaves(shell: Interpreter) -> None:
    with pytest.raises(QuitShell):
        shell.run_text("select 1; \\q")


def test_errverbose_tells_the_sqlstate(shell: Interpreter) -> None:
    shell.run_text("select nope;")
    assert told(shell, "\\errverbose").startswith("ERROR:  42703: ")


def test_a_typo_in_a_transaction_loses_nothing_when_interactive(shell: Interpreter) -> None:
    shell.is_interactive = True
    shell.display.format = "csv"
    for line in ("begin;", "insert into album values (1);", "selec;", "savepoint s;",
                 "insert into album values (1);", "insert into album values (2);",
                 "rollback to s;", "commit;"):  # fmt: skip
        shell.run_text(line)
    assert told(shell, "select id from album;") == "id\n1\n"


def test_a_typo_in_a_script_fails_the_transaction(shell: Interpreter) -> None:
    shell.stops_at_error = False
    shell.run_text("begin; insert into album values (1); select nope; commit;")
    shell.display.format = "csv"
    assert told(shell, "select id from album;") == "id\n"


def test_words_may_be_quoted() -> None:
    assert words_of("a 'b c' 'it''s'") == ["a", "b c", "it's"]


def test_every_command_begins_with_a_backslash_or_a_dot() -> None:
    assert all(name[0] in "\\." for name in COMMANDS)
