r"""Plain strings with escapes in them: read, placed, warned of and taken apart as PostgreSQL does with standard_conforming_strings off.

What they come to is held to PostgreSQL by tests/differential/statements/string_settings.sql.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish
from lungfish import errors
from lungfish.sql import open_construct, split_script
from lungfish.sql.backslashes import StringReading

LOOSE = StringReading(is_standard=False, warns=True, refuses_quotes=False)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (r"select 'a', 'b\n'", r"select 'a', E'b\n'"),
        (r"select'\n'", r"select E'\n'"),
        (r"select N'a\'b'", r"select NCHAR E'a\'b'"),
        ("select 'a'\n'b\\n'", "select E'a'\n'b\\n'"),
        ("select 'a' -- c\n 'b\\n', 'c\\n'", "select E'a' -- c\n 'b\\n', E'c\\n'"),
        (r"""select E'\n', "a\b", $$\n$$ -- '\n'""", r"""select E'\n', "a\b", $$\n$$ -- '\n'"""),
        (r"select B'\n', X'\n'", r"select B'\n', X'\n'"),
    ],
)
def test_plain_strings_with_escapes_get_their_e(given: str, read: str) -> None:
    found = LOOSE.read(given)
    assert found.text == read
    quotes = [at for at, character in enumerate(found.text) if character == "'"]
    assert [found.position_of(at) for at in quotes] == [
        at for at, character in enumerate(given) if character == "'"
    ]


def test_what_was_not_finished_is_refused_at_its_place() -> None:
    for text in (r"select 'abc\'", r"select 1, N'abc\'"):
        with pytest.raises(errors.SyntaxError, match="unterminated quoted string") as caught:
            LOOSE.read(text)
        assert caught.value.position is not None
        assert text[caught.value.position :] in str(caught.value)
    with pytest.raises(errors.FeatureNotSupported, match="unsafe use") as refused:
        LOOSE.read(r"select U&'\0041'")
    assert refused.value.position == 7


def test_unsafe_quotes_are_refused_where_backslash_quote_is_off() -> None:
    strict = StringReading(is_standard=True, warns=True, refuses_quotes=True)
    assert strict.read(r"select 'a\', E'\\', E'\\''\\'").text == r"select 'a\', E'\\', E'\\''\\'"
    with pytest.raises(errors.NonstandardUseOfEscapeCharacter) as caught:
        strict.read(r"select E'\\\''")
    assert caught.value.position == 11


def test_scripts_follow_the_setting_in_them() -> None:
    script = r"""select 'a\'; set standard_conforming_strings = off; select 'b\'; c'; SET LOCAL standard_conforming_strings TO 'on';
select 'd\';"""
    texts = [piece.text for piece in split_script(script)]
    assert texts[2::2] == [r"select 'b\'; c'", r"select 'd\'"]
    assert open_construct(r"select 'a\'", is_standard=False) == "'"
    assert open_construct(r"select 'a\';") is None


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        yield made


def test_a_text_is_read_anew_when_the_setting_changes(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    connection.execute("INSERT INTO t VALUES (1, 'x')")
    sql = r"SELECT 'a\\b' FROM t WHERE id = 1"
    with_parameter = r"SELECT 'a\\b' FROM t WHERE id = ?"
    for value, expected in (("on", r"a\\b"), ("off", r"a\b"), ("on", r"a\\b"), ("off", r"a\b")):
        connection.execute(f"SET standard_conforming_strings = {value}")
        for _ in range(3):
            assert connection.execute(sql).fetchval() == expected
            assert connection.execute(with_parameter, (1,)).fetchval() == expected
    connection.cursor().executemany(r"INSERT INTO t VALUES (?, 'p\\q')", [(2,), (3,)])
    with connection.copy(r"COPY t FROM STDIN (DELIMITER '\t')") as copy:
        copy.write("4\tz\n")
    assert connection.execute("SELECT a FROM t ORDER BY id").fetchall() == [
        ("x",),
        (r"p\q",),
        (r"p\q",),
        ("z",),
    ]
    results = connection.run_script(
        r"SELECT 'a\'; b'; SET standard_conforming_strings = on; SELECT '\'"
    )
    assert [result.tag for result in results] == ["SELECT 1", "SET", "SELECT 1"]


def test_errors_and_warnings_speak_of_the_text_that_was_given(
    connection: lungfish.Connection,
) -> None:
    told: list[tuple[str, str]] = []
    connection.on_notice(lambda severity, message: told.append((severity, message)))
    connection.execute("SET standard_conforming_strings = off")
    connection.execute(r"SELECT 'a\'b', '\\', '\n\'', E'\n'")
    assert told == [
        ("WARNING", r"nonstandard use of \' in a string literal"),
        ("WARNING", r"nonstandard use of \\ in a string literal"),
        ("WARNING", "nonstandard use of escape in a string literal"),
    ]
    sql = r"SELECT 'a\\b', N'\\', ?, nosuch"
    with pytest.raises(lungfish.ProgrammingError) as caught:
        connection.execute(sql, (1,))
    assert caught.value.position == sql.index("nosuch")
    with pytest.raises(lungfish.ProgrammingError) as caught:
        connection.execute(r"SELECT 1 'a\\b'")
    assert caught.value.message == r'''syntax error at or near "'a\\b'"'''
    assert str(caught.value).splitlines()[1] == r"LINE 1: SELECT 1 'a\\b'"
    told.clear()
    connection.execute("SET escape_string_warning = off")
    assert connection.execute(r"SELECT '\t'").fetchval() == "\t"
    assert told == []
