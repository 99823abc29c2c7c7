"""The data behind COPY ... FROM STDIN."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish
from lungfish import errors
from lungfish.repl.copy_data import Row, copy_from_data, read_format, read_rows
from lungfish.sql import parse_one
from lungfish.sql.ast.dml import Copy


def copy_of(options: str = "") -> Copy:
    statement = parse_one(f"copy t from stdin {options}").statement
    assert isinstance(statement, Copy)
    return statement


def rows_of(data: str, options: str = "") -> list[Row]:
    return list(read_rows(data, read_format(copy_of(options))))


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("1\ta", [["1", "a"]]),
        ("1\t\\N\n2\t", [["1", None], ["2", ""]]),
        ("a\\tb\\\\\\n\\x41\\101", [["a\tb\\\nAA"]]),
        ("a\\\tb\tc", [["a\tb", "c"]]),
        ("\\N\t\\\\N", [[None, "\\N"]]),
        ("x\r\ny", [["x"], ["y"]]),
    ],
)
def test_text_format(data: str, rows: list[Row]) -> None:
    assert rows_of(data) == rows


@pytest.mark.parametrize(
    ("data", "options", "rows"),
    [
        ('1,"a,""b"""', "", [["1", 'a,"b"']]),
        ('1,,""', "", [["1", None, ""]]),
        ('"a\nb",c\r\nd,e', "", [["a\nb", "c"], ["d", "e"]]),
        ("h\nx", ", header", [["x"]]),
        ("1;NA", ", delimiter ';', null 'NA'", [["1", None]]),
        ("1;'it\\'s'", ", delimiter ';', quote '''', escape '\\'", [["1", "it's"]]),
        ("a,", "", [["a", None]]),
    ],
)
def test_csv_format(data: str, options: str, rows: list[Row]) -> None:
    assert rows_of(data, f"(format csv{options})") == rows


@pytest.mark.parametrize("data", ['1,"a', '1,"a"b'])
def test_broken_quotes_are_an_error(data: str) -> None:
    with pytest.raises(errors.BadCopyFileFormat):
        rows_of(data, "(format csv)")


@pytest.mark.parametrize("options", ["(format binary)", "(force_null (a))", "where a > 1"])
def test_what_cannot_be_kept_is_refused(options: str) -> None:
    with pytest.raises(errors.FeatureNotSupported):
        read_format(copy_of(options))


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(autocommit=True) as connection:
        connection.execute("create table t (a integer primary key, b text, c numeric(5,1))")
        yield connection


def test_rows_take_the_types_of_their_columns(connection: lungfish.Connection) -> None:
    assert copy_from_data(connection, copy_of(), "1\tx\t2.25\n2\t\\N\t\\N\n") == 2
    assert connection.execute("select * from t order by a").fetch_text() == [
        ("1", "x", "2.3"),
        ("2", None, None),
    ]


def test_a_bad_row_leaves_nothing_behind(connection: lungfish.Connection) -> None:
    with pytest.raises(errors.InvalidTextRepresentation):
        copy_from_data(connection, copy_of(), "1\tx\t1\ntwo\ty\t2\n")
    with pytest.raises(errors.BadCopyFileFormat, match='missing data for column "c"'):
        copy_from_data(connection, copy_of(), "1\tx\t1\n2\ty\n")
    with pytest.raises(errors.BadCopyFileFormat, match="extra data"):
        copy_from_data(connection, copy_of(), "1\tx\t1\t9\n")
    assert connection.execute("select count(*) from t").fetchval() == 0


def test_no_data_is_no_rows(connection: lungfish.Connection) -> None:
    assert copy_from_data(connection, copy_of(), "") == 0
