"""The shell's own commands, beside those that describe what there is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lungfish import errors
from lungfish.repl.commands import COMMANDS, ENTRIES
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.formats import Expanded
from lungfish.repl.interpreter import QuitShell
from tests.repl.shells import TestShell, open_shell

SCHEMA = """
create table artist (id int generated always as identity primary key, name varchar(30) not null unique);
create table album (id integer primary key, artist_id int references artist, price numeric(5,2) default 9.99);
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[TestShell]:
    with open_shell(tmp_path, "-q", "--format", "plain", "-t") as made:
        made.told(SCHEMA)
        yield made


# What is done with a statement.


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("select 1 \\g", "1\n"),
        ("select 1; \\g", "1\n1\n"),
        ("select 1, 2 \\gx", "?column?|1\n?column?|2\n"),
        ("select 1 as a \\g (format=csv tuples_only=off)", "a\n1\n"),
        ("select 1 \\g |cat -n", ""),
        ("select 1 as x, null as y \\gset p_\n\\echo :p_x :p_y", "1 :p_y\n"),
        ("select 'select 1', 'select 2' union all select 'select 3', null \\gexec", "1\n2\n3\n"),
        ("select 1 as a, 'x'::varchar(3) as b \\gdesc", "a|integer\nb|character varying(3)\n"),
        ("delete from album \\gdesc", ""),
        ("select (1 \\echo hi\n + 1);", "hi\n2\n"),
        ("select 1 \\p\n\\r\nselect 2;", "select 1\n2\n"),
        ("\\t off \\\\ select 1 as a;", "a\n1\n(1 row)\n"),
        ("select :'q', :\"c\" from (select 1 as \"C c\") s", "ERROR:  syntax error"),
        ("\\set c 'C c'\n\\set q 'it''s'\nselect :'q', :\"c\" from (select 1 as \"C c\") s;", "it's|1\n"),
        ("\\set n 3\nselect :n, ':n', '{1,2,3}'::int[], (array[1,2,3])[1:n];", "3|:n|{1,2,3}|\n"),
        ("\\set n 3\n\\echo :n :'n' :{?n} :{?m} :m a:n", "3 '3' TRUE FALSE :m a3\n"),
        ("\\set a 1 2 3\n\\echo :a\n\\unset a\n\\echo :a", "123\n:a\n"),
        ("select 1/0;\nselect :'ERROR', :'SQLSTATE', :ROW_COUNT;", "ERROR:  division by zero"),
        ("select 1 \\watch c=2 i=0", "1\n1\n"),
        ("select 1 \\watch m=2 i=0", "1\n"),
    ],
)  # fmt: skip
def test_statements_and_what_is_done_with_them(shell: TestShell, text: str, printed: str) -> None:
    told = shell.told(text)
    assert told.startswith(printed) if printed.startswith("ERROR") else told == printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1 where false \\gset", "no rows returned for \\gset"),
        ("values (1), (2) \\gset", "more than one row returned for \\gset"),
        ("select 1 \\watch c=-1", "incorrect value"),
        ("select 1 \\watch x", 'incorrect value "x"'),
        ("select 1 \\crosstabview", "at least three columns"),
        ("\\set 'a b' 1", 'invalid variable name: "a b"'),
        ("\\echo `date`", "commands in backquotes are not run"),
        ("\\echo 'open", "unterminated quoted string"),
        ("\\i", "missing required argument"),
        ("\\i /no/such/file.sql", "No such file"),
        ("\\x maybe", 'unrecognized value "maybe"'),
        ("\\format nope", 'there is no format "nope"'),
        ("\\pset nope", "unknown option: nope"),
        ("\\juggle", "invalid command \\juggle"),
        ("\\copy artist", "\\copy: parse error"),
        ("\\else", "\\else: no matching \\if"),
        ("\\endif", "\\endif: no matching \\if"),
        ("\\cd /no/such/folder", "could not change directory"),
        ("\\as-of nope", "nope"),
        ("\\pages nope", "Did not find any relation"),
        ("\\set ON_ERROR_ROLLBACK maybe", "Available values are"),
    ],
)
def test_what_goes_wrong_is_told(shell: TestShell, text: str, message: str) -> None:
    assert message in shell.told(text)


def test_a_crosstab_turns_rows_into_columns(shell: TestShell) -> None:
    shell.interpreter.display.is_tuples_only = False
    rows = "(values ('a', 2, 'x'), ('a', 1, 'y'), ('b', 2, 'z')) v(r, c, d)"
    assert shell.told(f"select * from {rows} \\crosstabview") == ("r|2|1\na|x|y\nb|z|\n(2 rows)\n")
    assert shell.told(f"select *, c as s from {rows} \\crosstabview r c d s").startswith("r|1|2\n")
    assert "multiple data values" in shell.told("values (1,1,1),(1,1,2) \\crosstabview")


def test_what_changes_is_marked_under_watch(shell: TestShell) -> None:
    shell.interpreter.execute("create sequence s")
    told = shell.told("select 'n' as name, nextval('s') as value \\watch c=2 i=0")
    assert told == "n|1\nn|2 *\n"


# Conditions.


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("\\if true\n\\echo a\n\\else\n\\echo b\n\\endif", "a\n"),
        ("\\if off\n\\echo a\n\\elif 1\n\\echo b\n\\else\n\\echo c\n\\endif", "b\n"),
        ("\\if no\nselect 1;\n\\if yes\nselect 2;\n\\endif\n\\else\nselect 3;\n\\endif", "3\n"),
        ("\\if yes\n\\else\n\\juggle\n\\if nonsense\n\\endif\n\\endif\n\\echo z", "z\n"),
        ("\\set v 1\n\\if :{?v}\n\\echo set\n\\endif", "set\n"),
    ],
)
def test_conditions_say_what_runs(shell: TestShell, text: str, printed: str) -> None:
    assert shell.told(text) == printed


def test_a_script_may_not_leave_a_condition_open(shell: TestShell, tmp_path: Path) -> None:
    script = tmp_path / "open.sql"
    script.write_text("\\if false\n")
    told = shell.told(f"\\i '{script}'\n\\echo on")
    assert told.endswith("without \\endif\non\n")


# Files.


def test_scripts_include_each_other(shell: TestShell, tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    (folder / "outer.sql").write_text("\\ir 'inner file.sql'\nselect 'outer';")
    (folder / "inner file.sql").write_text("select 'inner';")
    assert shell.told(f"\\i {folder}/outer.sql") == "inner\nouter\n"
    (folder / "inner file.sql").write_text("select nope;")
    shell.interpreter.stops_at_error = True
    told = shell.told(f"\\i {folder}/outer.sql\nselect 'after';")
    assert told.count("ERROR") == 1
    assert "after" not in told
    assert shell.interpreter.exit_code is ExitCode.SQL_ERROR


def test_results_go_to_files_and_programs(shell: TestShell, tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    assert shell.told(f"\\o {file}\nselect 1;\n\\qecho q\n\\echo e\n\\o\nselect 2;") == "e\n2\n"
    assert file.read_text() == "1\nq\n"
    shell.told(f"select 3 \\g {file}")
    assert file.read_text() == "3\n"
    shell.told(f"select 4 \\g |cat > '{file}'")
    assert file.read_text() == "4\n"


def test_copy_reads_and_writes_files_and_programs(
    shell: TestShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "artists.csv"
    file.write_text("name\nQueen\nAC/DC\n")
    monkeypatch.chdir(tmp_path)
    shell.told("\\copy artist(name) from artists.csv with (format csv, header)")
    assert shell.told("select name from artist order by id;") == "Queen\nAC/DC\n"
    shell.told("\\copy (select name from artist order by 1) to 'out.csv' csv")
    assert (tmp_path / "out.csv").read_text() == "AC/DC\nQueen\n"
    assert shell.told("\\copy (select 1, 'x') to stdout") == "1\tx\n"
    program = f'{sys.executable} -c "print(chr(82))"'
    shell.told(f"\\copy artist(name) from program '{program}'")
    assert shell.told("select count(*) from artist where name = 'R';") == "1\n"


def test_the_editor_gives_the_statement(
    shell: TestShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(' + 41;')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    assert shell.told("select 1 \\e") == "42\n"


def test_a_command_of_the_system_leaves_its_code(shell: TestShell) -> None:
    assert shell.told("\\! exit 3\n\\echo :SHELL_EXIT_CODE :SHELL_ERROR") == "3 true\n"


# The display.


def test_switches_change_the_display(shell: TestShell) -> None:
    display = shell.interpreter.display
    shell.told("\\x\n\\timing on\n\\null '(null)'\n\\rows 5\n\\pset format csv \\pset border 2")
    assert (display.expanded, display.has_timing, display.null) == (Expanded.ON, True, "(null)")
    assert (display.rows_max, display.format, display.border) == (5, "csv", 2)
    shell.told("\\x auto\n.mode table\n\\t off \\f ';' \\C 'A title' \\pset linestyle unicode")
    assert (display.expanded, display.format) == (Expanded.AUTO, "table")
    assert (display.is_tuples_only, display.field_separator) == (False, ";")
    assert (display.title, display.line_style) == ("A title", "unicode")
    shell.told("\\a")
    assert display.format == "plain"
    assert "field" in shell.told("\\pset")


def test_the_last_result_comes_again_in_another_format(shell: TestShell) -> None:
    shell.told("select 1 as a, 'x' as b;")
    assert shell.told("\\last jsonl") == '{"a": 1, "b": "x"}\n'
    assert shell.told("\\last") == "1|x\n"


def test_timing_is_told(shell: TestShell) -> None:
    shell.interpreter.display.is_quiet = False
    assert "Time: " in shell.told("\\timing on\nselect 1;")


# The session.


def test_restart_and_crash_tell_what_is_lost_and_kept(shell: TestShell) -> None:
    shell.interpreter.display.is_quiet = False
    shell.told("insert into artist (name) values ('kept');")
    shell.told("begin;\ninsert into artist (name) values ('lost');")
    told = shell.told("\\crash")
    assert "Kept: everything committed; " in told
    assert "Lost: the transaction that was open, with 1 changed row." in told
    assert shell.told("select name from artist;") == "kept\n"
    shell.told("begin;")
    assert "Lost: the transaction that was open.\n" in shell.told("\\restart")
    assert "Lost: nothing" in shell.told("\\restart")


def test_another_database_can_be_opened(shell: TestShell, tmp_path: Path) -> None:
    shell.interpreter.display.is_quiet = False
    told = shell.told(f"\\c '{tmp_path}/other.db'\n\\echo :DBNAME")
    assert 'You are connected to database "other.db"' in told
    assert told.endswith("other.db\n")


def test_an_earlier_checkpoint_can_be_looked_at(shell: TestShell) -> None:
    shell.told("insert into artist (name) values ('a');\ncheckpoint (name 'before');")
    shell.told("delete from artist;")
    assert shell.told("\\as-of before\nselect name from artist;") == "a\n"
    assert "read-only" in shell.told("delete from artist;")
    assert shell.told("\\as-of now\nselect count(*) from artist;") == "0\n"


def test_quit_leaves(shell: TestShell) -> None:
    with pytest.raises(QuitShell):
        shell.told("select 1; \\q")


def test_errverbose_tells_the_sqlstate(shell: TestShell) -> None:
    shell.told("select nope;")
    assert shell.told("\\errverbose").startswith("ERROR:  42703: ")


def test_help_names_every_command(shell: TestShell) -> None:
    listing = shell.told("\\?")
    assert all(entry.usage in listing for entry in ENTRIES)
    assert shell.told("\\? timing").startswith("  \\timing")
    assert "ON_ERROR_STOP" in shell.told("\\? variables")
    assert "CREATE TABLE" in shell.told("\\h create t")
    assert "No help available" in shell.told("\\h juggle")
    assert len(COMMANDS) == len({name for entry in ENTRIES for name in entry.names})


@pytest.mark.parametrize(
    "command", ["\\locks", "\\ckpt", "\\wal", "\\stats", "\\top", "\\pages artist"]
)
def test_reports_about_storage_come_without_an_error(shell: TestShell, command: str) -> None:
    shell.interpreter.display.is_tuples_only = False
    told = shell.told(f"begin;\nlock table artist;\n{command}")
    assert "ERROR" not in told
    assert "(1 row)" in told or "rows)" in told


def test_the_log_is_shown_also_before_anything_is_written_to_it(shell: TestShell) -> None:
    assert "ERROR" not in shell.told("\\restart\n\\wal")


def test_copy_tells_how_far_it_is(shell: TestShell, tmp_path: Path) -> None:
    file = tmp_path / "artists.txt"
    file.write_text("".join([f"{number}\n" for number in range(5000)]))
    shell.told(f"\\copy artist(name) from '{file}'")
    progress = shell.interpreter.target.connection.progress()
    assert progress is not None
    assert (progress.phase, progress.done) == ("copying", 5000)


def test_explain_shows_the_plan_of_the_last_statement(shell: TestShell) -> None:
    shell.told("select * from artist;")
    assert "Seq Scan" in shell.told("\\explain")
    assert "actual" not in shell.told("\\explain plan select * from artist")
    assert "actual" in shell.told("\\explain select * from artist")


# Errors in transactions.


def test_a_typo_in_a_transaction_loses_nothing_when_interactive(shell: TestShell) -> None:
    shell.interpreter.is_interactive = True
    for line in ("begin;", "insert into album values (1);", "selec;", "savepoint s;",
                 "insert into album values (1);", "insert into album values (2);",
                 "rollback to s;", "commit;"):  # fmt: skip
        shell.told(line)
    assert shell.told("select id from album;") == "1\n"


def test_on_error_rollback_can_be_switched(shell: TestShell) -> None:
    text = "begin; insert into album values (1); select nope; commit;\nselect count(*) from album;"
    assert shell.told(text).endswith("\n0\n")
    assert shell.told(f"\\set ON_ERROR_ROLLBACK on\n{text}").endswith("\n1\n")


def test_a_change_of_all_rows_is_asked_about(shell: TestShell) -> None:
    questions: list[str] = []

    def refuse(question: str) -> bool:
        questions.append(question)
        return False

    shell.told("insert into album values (1), (2), (3);")
    shell.interpreter.confirm = refuse
    for sql in ("delete from album", "update only public.album set price = (select 1 where true)"):
        shell.told(f"{sql};")
    assert questions == [
        "DELETE without WHERE changes all 3 rows of album. Go on? [y/N] ",
        "UPDATE without WHERE changes all 3 rows of public.album. Go on? [y/N] ",
    ]
    shell.told(
        "delete from album where id = 1;\n\\set WARN_ALL_ROWS off\nupdate album set price = 1;"
    )
    assert len(questions) == 2
    assert shell.told("select count(*), min(price) from album;") == "2|1.00\n"


def test_errors_leave_their_text_in_variables(shell: TestShell) -> None:
    shell.told("select nope;")
    assert shell.told("\\echo :LAST_ERROR_SQLSTATE") == "42703\n"
    assert isinstance(shell.interpreter.last_error, errors.UndefinedColumn)
