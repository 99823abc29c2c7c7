"""executemany inserts by columns where it can, and nobody can tell by what is in the table."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lungfish
from lungfish import errors

TABLE = "CREATE TABLE {} (id bigint, n integer, t varchar(8), d date, b boolean, x double precision, m numeric)"
NUMBERS = st.one_of(st.none(), st.integers(-5, 5), st.integers(-(2**33), 2**33))
SETS = st.tuples(
    NUMBERS,
    st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    st.one_of(st.none(), st.text("abc\u00e9 ", max_size=8)),
    st.one_of(st.none(), st.dates(), st.just("2020-02-29")),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-3, 3)),
    st.one_of(st.none(), st.decimals(allow_nan=False, allow_infinity=False, places=2)),
)


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        yield made


def rows(connection: lungfish.Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM {table}").fetchall()


@settings(max_examples=30, deadline=None)
@given(sets=st.lists(SETS, min_size=2, max_size=12), has_index=st.booleans())
def test_columns_of_parameters_store_what_single_sets_would(
    sets: list[tuple[Any, ...]], has_index: bool
) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        for name in ("together", "single"):
            connection.execute(TABLE.format(name))
            if has_index:
                connection.execute(f"CREATE INDEX ON {name} (n, t)")
                connection.execute(f"CREATE INDEX ON {name} (id)")
        connection.executemany("INSERT INTO together VALUES (?, ?, ?, ?, ?, ?, ?)", sets)
        for each in sets:
            connection.execute("INSERT INTO single VALUES (?, ?, ?, ?, ?, ?, ?)", each)
        found = rows(connection, "together")
        assert found == rows(connection, "single")
        for key in {row[0] for row in found}:
            same = "SELECT count(*) FROM together WHERE id = ?"
            assert connection.execute(same, (key,)).fetchval() == sum(
                row[0] == key and key is not None for row in found
            )


def test_expressions_over_parameters_are_computed_for_each_row(
    connection: lungfish.Connection,
) -> None:
    connection.execute("CREATE SEQUENCE s")
    connection.execute("CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval('s'), a int, b text)")
    sql = "INSERT INTO t (a, b) VALUES (coalesce(?, 7) * 2, upper(?) || '!')"
    cursor = connection.executemany(sql, [(1, "x"), (None, "y"), (3, None)])
    assert cursor.rowcount == 3
    assert rows(connection, "t") == [(1, 2, "X!"), (2, 14, "Y!"), (3, 6, None)]


def test_many_rows_are_found_by_their_keys(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE)")
    numbers = [*range(5000), *range(9000, 5000, -1)]
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"name {n}") for n in numbers])
    for n in (0, 1, 4999, 5001, 8999, 9000):
        assert connection.execute("SELECT name FROM t WHERE id = ?", (n,)).fetchval() == f"name {n}"
        assert connection.execute("SELECT id FROM t WHERE name = ?", (f"name {n}",)).fetchval() == n
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 9000


@pytest.mark.parametrize("keys", [[1, 2, 3, 2], [3, 2, 1, 3], [1, 1], [4, 5, 10]])
def test_a_double_key_leaves_no_row(connection: lungfish.Connection, keys: list[int]) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (10)")
    with pytest.raises(errors.UniqueViolation):
        connection.executemany("INSERT INTO t VALUES (?)", [(key,) for key in keys])
    assert rows(connection, "t") == [(10,)]


@pytest.mark.parametrize(
    ("sets", "error"),
    [
        ([(1, "a"), (None, "b")], errors.NotNullViolation),
        ([(1, "a"), (2**40, "b")], errors.NumericValueOutOfRange),
        ([(1, "a"), (2, "too long for it")], errors.StringDataRightTruncation),
        ([(1, "a"), (2, "n\0l")], errors.InterfaceError),
        ([(1, "a"), (2,)], errors.InterfaceError),
        ([(1, "a"), (2, object())], errors.InterfaceError),
    ],
)
def test_a_set_that_cannot_be_stored_is_told_and_nothing_is_stored(
    connection: lungfish.Connection, sets: list[tuple[Any, ...]], error: type[errors.Error]
) -> None:
    connection.execute("CREATE TABLE t (id int NOT NULL, name varchar(8))")
    with pytest.raises(error):
        connection.executemany("INSERT INTO t VALUES (?, ?)", sets)
    assert rows(connection, "t") == []


def test_values_of_several_python_types_are_taken(connection: lungfish.Connection) -> None:
    connection.execute("CREATE TABLE t (d date, n numeric)")
    sets = [
        (datetime.date(2020, 1, 2), 1),
        ("2020-01-03", decimal.Decimal("2.50")),
        (None, 2**70),
    ]
    connection.executemany("INSERT INTO t VALUES (?, ?)", sets)
    assert rows(connection, "t") == [
        (datetime.date(2020, 1, 2), decimal.Decimal(1)),
        (datetime.date(2020, 1, 3), decimal.Decimal("2.50")),
        (None, decimal.Decimal(2**70)),
    ]
