"""Scripts cut into statements, commands and directives, without a parser."""

from __future__ import annotations

import pytest

from lungfish.sql import open_construct, split_script


def texts(script: str) -> list[str]:
    return [piece.text for piece in split_script(script)]


def test_statements_end_at_semicolons_outside_everything() -> None:
    script = """
    -- a; comment
    select ';', "a;b", $$;$$, $q$;$q$, E'\\';' /* ; /* ; */ ; */ ;
    insert into t values (1); ;
    select (1;2);
    """
    assert texts(script) == [
        """select ';', "a;b", $$;$$, $q$;$q$, E'\\';' /* ; /* ; */ ; */""",
        "insert into t values (1)",
        "select (1;2)",
    ]


def test_lines_are_those_of_the_first_token() -> None:
    pieces = list(split_script("select 1;\n\n-- x\nselect\n2;select 3"))
    assert [(piece.line, piece.text) for piece in pieces] == [
        (1, "select 1"),
        (4, "select\n2"),
        (5, "select 3"),
    ]
    assert [piece.opened for piece in pieces] == [None, None, "-"]


def test_copy_takes_its_data_with_it() -> None:
    script = "COPY t FROM stdin;\n1\ta;b\n2\t'\n\\.\nselect 1;\ncopy u from STDIN;\n3"
    first, second, third = split_script(script)
    assert (first.text, first.data) == ("COPY t FROM stdin", "1\ta;b\n2\t'\n")
    assert (second.text, second.data, second.line) == ("select 1", None, 5)
    assert third.data == "3"


def test_copy_from_a_file_has_no_data() -> None:
    first, second = split_script("copy t from 'stdin.csv';\nselect 1;")
    assert first.data is None
    assert second.text == "select 1"


def test_directives_and_commands_stand_between_statements() -> None:
    script = "select 1; --@ restart crash\n\\echo a;b\nselect -- \\x\n2; --@ restart clean"
    assert [(piece.kind, piece.text) for piece in split_script(script)] == [
        ("statement", "select 1"),
        ("directive", "--@ restart crash"),
        ("command", "\\echo a;b"),
        ("statement", "select -- \\x\n2"),
        ("directive", "--@ restart clean"),
    ]


def test_bodies_of_routines_keep_their_semicolons() -> None:
    script = (
        "create or replace function f() returns int begin atomic select 1;"
        " select case when a then 1 end; end; create function g() returns int return 1; commit;"
    )
    assert [text.split("(")[0] for text in texts(script)] == [
        "create or replace function f",
        "create function g",
        "commit",
    ]
    assert texts("begin; select 1; end;") == ["begin", "select 1", "end"]


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("", None),
        ("  -- x", None),
        ("select 1;", None),
        ("select 1; -- done", None),
        ("select 1", "-"),
        ("select 1; select", "-"),
        ("select 'a;", "'"),
        ("select E'a\\';", "'"),
        ('select "a;', '"'),
        ("select (1;", "("),
        ("select a[1;", "["),
        ("select (a[1]);", None),
        ("select $x$;$$", "$x$"),
        ("select $$;", "$$"),
        ("select /* ; /* */", "/*"),
        ("\\d t", None),
    ],
)
def test_the_prompt_learns_what_is_open(text: str, opened: str | None) -> None:
    assert open_construct(text) == opened
