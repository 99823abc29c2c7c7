"""Lists, dicts, ranges and row values between Python and the database."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

import lungfish


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as connected:
        yield connected


def test_a_range_goes_out_and_in_again(connection: lungfish.Connection) -> None:
    connection.execute(
        "CREATE TABLE t (r int4range, d daterange, s tstzrange, m int4multirange, e numrange)"
    )
    connection.execute(
        "INSERT INTO t VALUES ('[1,5]', '[2020-01-01,)', '[2020-01-01 10:00+00,2020-01-02 10:00+00)',"
        " '{[1,3),[5,6)}', 'empty')"
    )
    row = connection.execute("SELECT * FROM t").fetchone()
    number, dates, times, several, empty = row
    assert number == lungfish.Range(1, 6)
    assert dates == lungfish.Range(datetime.date(2020, 1, 1), None)
    assert times.lower == datetime.datetime(2020, 1, 1, 10, tzinfo=datetime.UTC)
    assert several == [lungfish.Range(1, 3), lungfish.Range(5, 6)]
    assert not empty
    assert (3 in number, 6 in number, str(number)) == (True, False, "[1,6)")
    connection.execute("UPDATE t SET r = ?, d = ?, s = ?, e = ?", (number, dates, times, empty))
    assert connection.execute("SELECT * FROM t").fetchone() == row
    assert connection.execute("SELECT ?::int4range @> 5", (number,)).fetchval() is True


def test_an_empty_list_is_an_array_or_json_as_its_place_wants(
    connection: lungfish.Connection,
) -> None:
    connection.execute("CREATE TABLE t (a integer[], j jsonb, k json)")
    connection.execute("INSERT INTO t VALUES (?, ?, ?)", ([], [], ["x", None]))
    assert connection.execute("SELECT * FROM t").fetchone() == ([], [], ["x", None])
    assert connection.execute("SELECT k::text FROM t").fetchval() == '["x", null]'


def test_nested_lists_are_arrays_of_more_dimensions(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (a integer[], b text[])")
    connection.execute("INSERT INTO t VALUES (?, ?)", ([[1, 2], [3, None]], ["a,b", 'c"d', ""]))
    assert connection.execute("SELECT * FROM t").fetchone() == (
        [[1, 2], [3, None]],
        ["a,b", 'c"d', ""],
    )
    assert connection.execute("SELECT a[2][1] FROM t").fetchval() == 3
    assert connection.execute("SELECT 3 = ANY(?)", ([1, 2, 3],)).fetchval() is True


def test_bounds_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="bounds"):
        lungfish.Range(1, 2, "x")
