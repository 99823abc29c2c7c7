"""What the prompt proposes, marks and suggests, without a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from lungfish import errors
from lungfish.executor.statement_progress import StatementProgress
from lungfish.repl.completion import ShellCompleter
from lungfish.repl.completion.context import context_of
from lungfish.repl.completion.names import fetch_names
from lungfish.repl.config import apply_config, read_config
from lungfish.repl.engine import transaction_age
from lungfish.repl.highlight import styled_lines
from lungfish.repl.progress import progress_line
from lungfish.repl.suggestions import suggest
from tests.repl.shells import TestShell, open_shell

SCHEMA = """
create table artist (artist_id int primary key, name text);
create table album (album_id int primary key, title text, artist_id int references artist);
create table "Odd Name" ("Mixed Case" int);
create view titles as select title from album;
create schema other;
create table other.hidden (secret int);
create function plus(a int, b int) returns int language sql as 'select a + b';
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestShell]:
    with open_shell(tmp_path_factory.mktemp("completion"), "-q") as made:
        made.told(SCHEMA)
        yield made


@pytest.fixture(scope="module")
def completer(shell: TestShell) -> ShellCompleter:
    made = ShellCompleter()
    made.fetch(shell.interpreter.target)
    return made


def proposals(completer: ShellCompleter, before: str, after: str = "") -> list[str]:
    document = Document(before + after, len(before))
    return [each.text for each in completer.get_completions(document, CompleteEvent())]


@pytest.mark.parametrize(
    ("before", "proposed"),
    [
        ("\\tim", ["\\timing"]),
        (".tab", [".tables"]),
        ("\\d al", ["album", "album_pkey"]),
        ("\\d other.", ["hidden"]),
        ("\\dv ", ["titles", "information_schema", "lungfish", "other", "pg_catalog", "public"]),
        ("\\x a", ["auto"]),
        ("\\pset bor", ["border"]),
        ("\\h creat", ["CREATE INDEX", "CREATE SCHEMA", "CREATE SEQUENCE", "CREATE TABLE", "CREATE TABLE AS", "CREATE VIEW"]),
        ("\\sf plu", ["plus"]),
        ("select 1 \\gde", ["\\gdesc"]),
        ("select * from alb", ["album"]),
        ("select * from album, art", ["artist"]),
        ("select * from other.", ["hidden"]),
        ('select * from "Odd', ['"Odd Name"']),
        ("insert into alb", ["album"]),
        ("select a.ti", []),
        ("select * from album a where a.ti", ["title"]),
        ("select * from album as a join artist b on b.na", ["name"]),
        ('select * from "Odd Name" o where o.', ['"Mixed Case"']),
        ("select * from album al join artist ar ", ["ON al.artist_id = ar.artist_id"]),
        ("select * from artist ar join album al on ", ["al.artist_id = ar.artist_id"]),
        ("select * from album where titl", ["title"]),
        ("select plu", ["plus("]),
        ("set search_p", ["search_path"]),
        ("show search_p", ["search_path"]),
        ("SELECT 1 FRO", ["FROM"]),
        ("select 1; selec", ["select"]),
        ("select 'al", []),
        ("select 1 -- al", []),
        ("select * from album ", []),
    ],
)  # fmt: skip
def test_proposals(completer: ShellCompleter, before: str, proposed: list[str]) -> None:
    assert proposals(completer, before) == proposed


def test_columns_come_before_functions_and_keywords_also_from_a_later_from(
    completer: ShellCompleter,
) -> None:
    found = proposals(completer, "select t", " from album")
    assert found[0] == "title"
    assert "to_char(" in found
    assert "table" in found


def test_functions_show_their_signatures(completer: ShellCompleter) -> None:
    document = Document("select plus")
    (found,) = completer.get_completions(document, CompleteEvent())
    assert found.display_text == "plus(a integer, b integer)"
    assert found.display_meta_text == "integer"


def test_files_are_proposed(
    completer: ShellCompleter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fill.sql").write_text("")
    monkeypatch.chdir(tmp_path)
    assert proposals(completer, "\\i fi") == ["ll.sql"]


def test_the_context_knows_tables_and_their_aliases() -> None:
    context = context_of(
        "select 1; update only s.t as x set ", " from b c where true; select d from e"
    )
    assert [(each.schema, each.name, each.alias) for each in context.tables] == [
        ("s", "t", "x"),
        (None, "b", "c"),
    ]
    assert context.clause == "set"


# Highlighting.


def test_what_is_open_or_unbalanced_is_marked() -> None:
    styles = {
        text: style
        for line in styled_lines("select (1, 'a' || \"b\" ]) -- c\n$$x")
        for style, text in line
    }
    assert styles["select"] == "class:sql.keyword"
    assert styles["'a'"] == "class:sql.string"
    assert styles["]"] == "class:sql.unbalanced"
    assert styles["("] == ""
    assert styles["-- c"] == "class:sql.comment"
    assert styles["$$x"] == "class:sql.open"
    (((_, bracket), *_),) = styled_lines("(")
    assert bracket == "("
    assert styled_lines("\\dt x")[0][:2] == [
        ("class:sql.command", "\\"),
        ("class:sql.command", "dt"),
    ]
    assert "".join(text for _, text in styled_lines("a\n\nb")[1]) == ""


# Suggestions.


@pytest.mark.parametrize(
    ("sql", "suggested"),
    [
        ("select titel from album", ["title"]),
        ("select * from albun", ["album"]),
        ("select lenght('x')", ["length"]),
        ("select nothing_like_it from album", []),
        ("select 1/0", []),
    ],
)
def test_up_to_three_names_are_suggested(
    shell: TestShell, completer: ShellCompleter, sql: str, suggested: list[str]
) -> None:
    with pytest.raises(errors.Error) as caught:
        shell.interpreter.target.connection.execute(sql)
    assert suggest(caught.value, completer.names)[:1] == suggested
    assert len(suggest(caught.value, completer.names)) <= 3


def test_names_can_be_fetched_while_tables_are_made(shell: TestShell) -> None:
    connection = shell.interpreter.target.connection

    class Late:
        """A connection that finds one more foreign key when it asks for those than when it asked for the columns."""

        def __getattr__(self, name: str) -> Any:
            return getattr(connection, name)

        def execute(self, sql: str) -> Any:
            if "pg_constraint" in sql:
                connection.execute("create table song (album_id int references album)")
            return connection.execute(sql)

    try:
        paths = fetch_names(cast("Any", Late())).join_paths
    finally:
        connection.execute("drop table song")
    assert {(path.table, path.referenced_table) for path in paths} == {("album", "artist")}


# Progress.


@pytest.mark.parametrize(
    ("progress", "elapsed_s", "line"),
    [
        (None, 1.25, "running  1.2 s"),
        (StatementProgress("copying", "rows", 1200), 2, "copying  1,200 rows  2.0 s"),
        (
            StatementProgress("scanning t", "rows", 500, 1000),
            3,
            "scanning t  [##########----------]  50%  500 of about 1,000 rows  3.0 s left",
        ),
        (
            StatementProgress("scanning t", "rows", 2000, 1000),
            90,
            "scanning t  [####################] 100%  2,000 of about 1,000 rows  1 min 30 s",
        ),
    ],
)
def test_progress_is_told_in_a_line(
    progress: StatementProgress | None, elapsed_s: float, line: str
) -> None:
    assert progress_line(progress, elapsed_s) == line


def test_a_scan_tells_how_far_it_is(shell: TestShell) -> None:
    connection = shell.interpreter.target.connection
    connection.execute("create table many as select g from generate_series(1, 50000) g")
    connection.execute("select count(*) from many where g % 2 = 0")
    progress = connection.progress()
    assert progress is not None
    assert (progress.phase, progress.done) == ("scanning many", 50_000)
    assert 25_000 < progress.total < 200_000


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, ""), (9.9, ""), (10, " 10 s "), (75, " 1 min 15 s ")]
)
def test_an_old_transaction_tells_its_age(seconds: float, shown: str) -> None:
    assert transaction_age(seconds) == shown


# Configuration.


def test_a_configuration_sets_display_and_variables(tmp_path: Path, shell: TestShell) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[display]\nnull = "~"\nborder = 2\ntiming = true\n[variables]\nmine = "x"\n')
    config = read_config({"LUNGFISH_CONFIG": str(file)})
    before = shell.interpreter.display.null, shell.interpreter.display.border
    apply_config(shell.interpreter, config)
    display = shell.interpreter.display
    assert (display.null, display.border, display.has_timing) == ("~", 2, True)
    assert shell.interpreter.variables["mine"] == "x"
    display.null, display.border = before
    display.has_timing = False


@pytest.mark.parametrize("text", ["[display", "[nope]\na = 1", "[display]\nnope = 1"])
def test_a_bad_configuration_is_refused(tmp_path: Path, shell: TestShell, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(errors.SyntaxError):
        apply_config(shell.interpreter, read_config({"LUNGFISH_CONFIG": str(file)}))


def test_an_empty_name_reads_no_configuration() -> None:
    assert read_config({"LUNGFISH_CONFIG": ""}) == {}
