"""COPY through connection.copy(), through files, and as a statement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lungfish
from lungfish import errors
from lungfish.errors import BadCopyFileFormat, CharacterNotInRepertoire


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as made:
        made.execute("CREATE TABLE t (a integer, b text DEFAULT 'none', c numeric(6,2))")
        yield made


def copy_in(connection: lungfish.Connection, sql: str, data: str) -> int:
    with connection.copy(sql) as copy:
        copy.write(data)
    return copy.rowcount


def copy_out(connection: lungfish.Connection, sql: str) -> str:
    with connection.copy(sql) as copy:
        return b"".join(copy).decode()


def rows(connection: lungfish.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT a, b, c::text FROM t").fetchall()


def test_text_is_read_with_its_escapes_and_nulls(connection: lungfish.Connection) -> None:
    data = "1\ta\\tb\\\\\t2.345\n2\t\\N\t\\N\n3\t\\x41\\102\t1\n\\.\nnot read"
    assert copy_in(connection, "COPY t FROM STDIN", data) == 3
    assert rows(connection) == [(1, "a\tb\\", "2.35"), (2, None, None), (3, "AB", "1.00")]


def test_csv_is_read_with_quotes_anywhere_in_a_field(connection: lungfish.Connection) -> None:
    data = 'a,b,c\r\n1,"x,""y""\nz",1\r\n2,p"q,r"s,\r\n3,"",\r\n4,,'
    assert copy_in(connection, "COPY t FROM STDIN (FORMAT csv, HEADER match)", data) == 4
    assert [row[1] for row in rows(connection)] == ['x,"y"\nz', "pq,rs", "", None]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("FORCE_NOT_NULL (b)", ""),
        ("FORCE_NULL (b)", None),
        ("NULL 'x', FORCE_NULL *", ""),
        ("DEFAULT ''", "none"),
    ],
)
def test_csv_options_decide_about_empty_fields(
    connection: lungfish.Connection, options: str, expected: str | None
) -> None:
    null = "" if "NULL 'x'" in options or "DEFAULT" not in options else ", NULL 'x'"
    copy_in(connection, f"COPY t (a, b) FROM STDIN (FORMAT csv, {options}{null})", "1,\n")
    assert rows(connection) == [(1, expected, None)]


def test_columns_that_are_not_listed_take_their_defaults(connection: lungfish.Connection) -> None:
    copy_in(connection, "COPY t (c, a) FROM STDIN (DELIMITER '|')", "1.5|7\n")
    assert rows(connection) == [(7, "none", "1.50")]


def test_where_leaves_rows_out(connection: lungfish.Connection) -> None:
    assert copy_in(connection, "COPY t (a) FROM STDIN WHERE t.a % 2 = 0", "1\n2\n3\n4\n") == 2


def test_a_bad_line_leaves_nothing_behind_and_is_named(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.InvalidTextRepresentation) as caught:
        copy_in(connection, "COPY t FROM STDIN", "1\ta\t1\nx\tb\t1\n")
    assert caught.value.detail == 'COPY t, line 2, column a: "x"'
    assert rows(connection) == []


def test_bad_lines_can_be_passed_over_up_to_a_limit(connection: lungfish.Connection) -> None:
    notices: list[str] = []
    connection.on_notice(lambda severity, message: notices.append(message))
    data = "1\ta\t1\nx\tb\t1\n2\tc\t99999\n3\td\t3\n"
    assert copy_in(connection, "COPY t FROM STDIN (ON_ERROR ignore)", data) == 2
    assert notices == ["2 rows were skipped due to data type incompatibility"]
    with pytest.raises(errors.InvalidTextRepresentation, match="more than REJECT_LIMIT"):
        copy_in(connection, "COPY t FROM STDIN (ON_ERROR ignore, REJECT_LIMIT 1)", data)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\ta", 'missing data for column "c"'),
        ("1\ta\t1\t2", "extra data after last expected column"),
    ],
)
def test_a_line_must_have_as_many_fields_as_columns(
    connection: lungfish.Connection, line: str, message: str
) -> None:
    with pytest.raises(errors.BadCopyFileFormat, match=message):
        copy_in(connection, "COPY t FROM STDIN", line)


def test_constraints_hold_and_sequences_count(connection: lungfish.Connection) -> None:
    connection.execute(
        "CREATE TABLE s (id serial PRIMARY KEY, v integer CHECK (v > 0), d integer GENERATED ALWAYS AS (v * 2) STORED)"
    )
    copy_in(connection, "COPY s (v) FROM STDIN", "5\n6\n")
    assert connection.execute("SELECT * FROM s").fetchall() == [(1, 5, 10), (2, 6, 12)]
    with pytest.raises(errors.CheckViolation):
        copy_in(connection, "COPY s (v) FROM STDIN", "0\n")
    with pytest.raises(errors.UniqueViolation):
        copy_in(connection, "COPY s (id, v) FROM STDIN", "1\t1\n")


def test_rows_go_out_as_they_came_in(connection: lungfish.Connection) -> None:
    connection.execute("INSERT INTO t VALUES (1, E'a\\tb\\n\"q\",', NULL), (2, '', 1)")
    assert copy_out(connection, "COPY t TO STDOUT") == '1\ta\\tb\\n"q",\t\\N\n2\t\t1.00\n'
    csv = copy_out(connection, "COPY t (b, a) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (a))")
    assert csv == 'b,a\n"a\tb\n""q"",","1"\n"","2"\n'
    with connection.copy("COPY (SELECT b, c FROM t ORDER BY a) TO STDOUT") as copy:
        assert list(copy.rows()) == [('a\tb\n"q",', None), ("", "1.00")]


def test_files_are_written_and_read(connection: lungfish.Connection, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    connection.execute("INSERT INTO t VALUES (1, 'é', 2)")
    assert connection.execute(f"COPY t TO '{path}' (FORMAT csv)").statusmessage == "COPY 1"
    assert path.read_text("utf-8") == "1,é,2.00\n"
    assert connection.execute(f"COPY t FROM '{path}' (FORMAT csv)").rowcount == 1
    with pytest.raises(errors.UndefinedFile):
        connection.execute(f"COPY t FROM '{tmp_path}/none'")


def test_python_values_can_be_written_as_rows(connection: lungfish.Connection) -> None:
    with connection.copy("COPY t FROM STDIN") as copy:
        copy.write_row((1, "a\tb", None))
        copy.write(b"2\tx\t")
        copy.write("3\n")
    assert rows(connection) == [(1, "a\tb", None), (2, "x", "3.00")]


def test_an_exception_in_the_block_copies_nothing(connection: lungfish.Connection) -> None:
    with pytest.raises(ZeroDivisionError), connection.copy("COPY t FROM STDIN") as copy:
        copy.write("1\ta\t1\n")
        raise ZeroDivisionError
    assert rows(connection) == []


def test_execute_cannot_feed_a_copy(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.ProgrammingError, match=r"connection\.copy"):
        connection.execute("COPY t FROM STDIN")
    cursor = connection.execute("COPY (SELECT 1, 'a') TO STDOUT")
    assert (cursor.fetchall(), cursor.statusmessage) == ([("1\ta",)], "COPY 1")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("FORMAT xml", errors.InvalidParameterValue),
        ("FORMAT csv, FORMAT csv", errors.SyntaxError),
        ("wrong 1", errors.SyntaxError),
        ("DELIMITER 'ab'", errors.FeatureNotSupported),
        ("DELIMITER 'a'", errors.InvalidParameterValue),
        ("QUOTE '\"'", errors.FeatureNotSupported),
        ("FORMAT csv, QUOTE ','", errors.InvalidParameterValue),
        ("FORMAT csv, FORCE_QUOTE (a)", errors.FeatureNotSupported),
        ("NULL E'\\n'", errors.InvalidParameterValue),
        ("FORMAT csv, FORCE_NULL (z)", errors.UndefinedColumn),
        ("REJECT_LIMIT 1", errors.InvalidParameterValue),
        ("HEADER maybe", errors.SyntaxError),
    ],
)
def test_options_are_checked(
    connection: lungfish.Connection, options: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        copy_in(connection, f"COPY t FROM STDIN ({options})", "")


@pytest.mark.parametrize(
    ("options", "data", "expected"),
    [
        ("", "a\r\nb\r\n\\.\r\nc", ["a", "b"]),
        ("", "a\rb\r", ["a", "b"]),
        ("", "a\\\nb\n", ["a\nb"]),
        ("", "a\\\rb\n", ["a\rb"]),
        ("", "\\xc3\\251\n", ["é"]),
        ("", "a\\", ["a"]),
        ("csv", '"a\nb"\r\nc\r\n', ["a\nb", "c"]),
        ("csv", "a\rb\r", ["a", "b"]),
        ("(on_error ignore)", "a\tb\n\t\n", BadCopyFileFormat),
        ("", "a\nb\r\n", BadCopyFileFormat),
        ("", "a\r\nb\n", BadCopyFileFormat),
        ("", "a\rb\n", BadCopyFileFormat),
        ("csv", "a\nb\rc\n", BadCopyFileFormat),
        ("csv", "a\r\nb\n", BadCopyFileFormat),
        ("(DEFAULT 'd')", "d\n", BadCopyFileFormat),
        ("", "\\xe9\n", CharacterNotInRepertoire),
        ("", "a\\0\n", CharacterNotInRepertoire),
        ("", "a\0\n", CharacterNotInRepertoire),
    ],
)
def test_lines_end_as_the_first_one_does_and_escapes_spell_utf8(
    connection: lungfish.Connection,
    options: str,
    data: str,
    expected: list[str] | type[errors.Error],
) -> None:
    connection.execute("CREATE TABLE words (word text)")
    if isinstance(expected, list):
        copy_in(connection, f"COPY words FROM STDIN {options}", data)
        assert connection.execute("TABLE words").fetchall() == [(word,) for word in expected]
    else:
        with pytest.raises(expected):
            copy_in(connection, f"COPY words FROM STDIN {options}", data)


def test_what_is_wrong_with_a_field_counts_before_fields_that_are_missing(
    connection: lungfish.Connection,
) -> None:
    with pytest.raises(errors.InvalidTextRepresentation):
        copy_in(connection, "COPY t FROM STDIN", "x\n")
    assert copy_in(connection, "COPY t FROM STDIN (ON_ERROR ignore)", "x\n") == 0


def test_a_character_that_the_encoding_lacks_is_refused(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.UntranslatableCharacter):
        copy_out(connection, "COPY (SELECT '€') TO STDOUT (ENCODING 'latin1')")


@pytest.mark.parametrize("data", ["\\.", "1\n\\.", "1\r\n\\.", "1\r\\."])
def test_an_end_marker_has_the_end_of_its_line(connection: lungfish.Connection, data: str) -> None:
    with pytest.raises(BadCopyFileFormat, match="not alone on its line"):
        copy_in(connection, "COPY t (a) FROM STDIN", data)


def test_freeze_is_for_a_table_made_in_the_same_transaction(
    connection: lungfish.Connection,
) -> None:
    sql = "COPY t (a) FROM STDIN (FREEZE)"
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="not created or truncated"):
        copy_in(connection, sql, "1\n")
    connection.execute("BEGIN; TRUNCATE t")
    assert copy_in(connection, sql, "1\n") == 1
    connection.execute("COMMIT; CREATE TABLE p (a integer) PARTITION BY RANGE (a)")
    with pytest.raises(errors.FeatureNotSupported, match="on a partitioned table"):
        copy_in(connection, "COPY p FROM STDIN (FREEZE)", "1\n")
