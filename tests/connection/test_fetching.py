"""However the rows of a short statement are fetched, each is handed out once and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lungfish
from lungfish.connection.row_factories import dict_row
from lungfish.session import ready as ready_module

SQL = "SELECT id, name FROM t WHERE id <= ? ORDER BY id"


class Rows:
    """A lane that gives as many rows as its parameter says."""

    def run(self, values: tuple[Any, ...], transaction: object) -> list[tuple[Any, ...]]:
        return [(key, str(key)) for key in range(1, values[0] + 1)]


@pytest.fixture(scope="module", params=["by lane", "by pipeline"])
def connection(request: pytest.FixtureRequest) -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
        made.execute("INSERT INTO t SELECT n, n::text FROM generate_series(1, 5) AS s(n)")
        with pytest.MonkeyPatch.context() as patch:
            lane = Rows() if request.param == "by lane" else None
            patch.setattr(ready_module, "make_lane", lambda *_: lane)
            made.execute(SQL, (1,))
        yield made


# What to do, and how many rows of those that are left it gives.
ACTS: dict[str, tuple[Callable[[lungfish.Cursor], Any], Callable[[list[Any]], Any]]] = {
    "fetchone": (lambda c: c.fetchone(), lambda left: left.pop(0) if left else None),
    "fetchval": (lambda c: c.fetchval(), lambda left: left.pop(0)[0] if left else None),
    "next": (lambda c: next(c, None), lambda left: left.pop(0) if left else None),
    "fetchmany": (lambda c: c.fetchmany(2), lambda left: [left.pop(0) for _ in left[:2]]),
    "for": (
        lambda c: next((row for row in c), None),
        lambda left: left.pop(0) if left else None,
    ),
    "fetchall": (lambda c: c.fetchall(), lambda left: [left.pop(0) for _ in left[:]]),
}


@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=6), count=st.integers(0, 5))
@settings(deadline=None)
def test_every_row_is_handed_out_once(
    connection: lungfish.Connection, acts: list[str], count: int
) -> None:
    rows = [(key, str(key)) for key in range(1, count + 1)]
    left = rows.copy()
    cursor = connection.execute(SQL, (count,))
    for act in acts:
        fetch, expect = ACTS[act]
        assert fetch(cursor) == expect(left)
        assert cursor.rowcount == count
    assert cursor.fetch_text() == [(str(key), name) for key, name in rows]
    assert cursor.fetchall() == left
    assert cursor.arrow().num_rows == count


def test_what_is_done_to_a_fetched_list_does_not_touch_the_result(
    connection: lungfish.Connection,
) -> None:
    cursor = connection.execute(SQL, (2,))
    cursor.fetchall().clear()
    assert cursor.fetch_text() == [("1", "1"), ("2", "2")]


def test_the_row_factory_counts_at_the_first_fetch(connection: lungfish.Connection) -> None:
    cursor = connection.execute(SQL, (3,))
    cursor.row_factory = dict_row
    assert cursor.fetchone() == {"id": 1, "name": "1"}
    cursor = connection.execute(SQL, (3,))
    assert cursor.fetchone() == (1, "1")
    cursor.row_factory = dict_row
    assert cursor.fetchall() == [(2, "2"), (3, "3")]
    assert connection.cursor(dict_row).execute(SQL, (1,)).fetchall() == [{"id": 1, "name": "1"}]


def test_a_cursor_forgets_what_it_ran_before(connection: lungfish.Connection) -> None:
    cursor = connection.cursor()
    with pytest.raises(lungfish.ProgrammingError, match="no statement"):
        cursor.fetchone()
    assert cursor.rowcount == -1
    for count in (3, 1, 2):
        assert cursor.execute(SQL, (count,)) is cursor
        assert cursor.fetchone() == (1, "1")
        assert cursor.rowcount == count
    with pytest.raises(lungfish.Error):
        cursor.execute("SELECT 1 / 0")
    with pytest.raises(lungfish.ProgrammingError, match="no statement"):
        cursor.fetchall()
    cursor.execute(SQL, (2,))
    assert cursor.execute("SELECT 7").fetchall() == [(7,)]
    assert cursor.nextset() is None


def test_a_closed_cursor_gives_no_rows(connection: lungfish.Connection) -> None:
    cursor = connection.execute(SQL, (2,))
    cursor.close()
    for fetch in (cursor.fetchone, cursor.fetchall, cursor.fetchval):
        with pytest.raises(lungfish.InterfaceError, match="closed"):
            fetch()
    with pytest.raises(lungfish.InterfaceError, match="closed"):
        cursor.execute(SQL, (2,))


def test_a_closed_connection_gives_no_rows(connection: lungfish.Connection) -> None:
    with lungfish.connect(":memory:", autocommit=True) as other:
        other.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
        for _ in range(2):
            cursor = other.execute(SQL, (2,))
    with pytest.raises(lungfish.InterfaceError, match="closed"):
        cursor.fetchall()


def test_arraysize_is_how_many_rows_fetchmany_fetches(connection: lungfish.Connection) -> None:
    cursor = connection.execute(SQL, (5,))
    assert cursor.arraysize == 1
    assert cursor.fetchmany() == [(1, "1")]
    cursor.arraysize = 3
    assert len(cursor.fetchmany()) == 3


def test_a_statement_that_fails_leaves_no_rows_of_the_one_before() -> None:
    sql = "SELECT 1 / (id - ?) FROM t WHERE id = 2"
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        connection.execute("INSERT INTO t VALUES (2)")
        cursor = connection.cursor()
        for _ in range(2):
            assert cursor.execute(sql, (1,)).rowcount == 1
        with pytest.raises(lungfish.DataError):
            cursor.execute(sql, (2,))
        with pytest.raises(lungfish.ProgrammingError, match="no statement"):
            cursor.fetchall()
        assert (cursor.rowcount, cursor.description) == (-1, None)
