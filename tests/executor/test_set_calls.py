"""Set-returning functions in a select list, made as they are asked for; aggregates of outer queries in aggregates."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish


def test_a_set_without_end_is_no_trouble_below_a_limit(connection: Any) -> None:
    found = connection.execute(
        "SELECT generate_series('2022-01-31'::timestamp, 'infinity', '1 month'), x"
        " FROM (VALUES (7), (8)) v(x) LIMIT 2"
    )
    assert found.fetch_text() == [("2022-01-31 00:00:00", "7"), ("2022-02-28 00:00:00", "7")]


FAILING = "generate_series(timestamp '2024-01-01', 'infinity', '100000 years')"
BY_STEPS = "SELECT generate_series(1, 3, x)::text, NULL FROM (VALUES (1), (0)) v(x)"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"SELECT {FAILING}, NULL", 2),
        (f"SELECT generate_series(1, 5), {FAILING}", 2),
        (f"SELECT {FAILING}, generate_series(1, 1)", 2),
        (BY_STEPS, 3),
    ],
)
def test_the_rows_before_one_that_fails_are_made(connection: Any, query: str, count: int) -> None:
    found = connection.execute(f"{query} LIMIT {count}").fetch_text()
    assert len(found) == count
    with pytest.raises(lungfish.Error):
        connection.execute(f"{query} LIMIT {count + 1}").fetch_text()


@pytest.mark.parametrize("count", [0, 1, 65535, 65536, 65537, 131072])
def test_sets_of_any_length_stand_side_by_side(connection: Any, count: int) -> None:
    found = connection.execute(
        "SELECT count(*), count(a), count(b), sum(a - b) FROM"
        f" (SELECT generate_series(1, {count}) AS a, generate_series(1, x) AS b"
        " FROM (VALUES (0), (3)) v(x)) t"
    ).fetch_text()
    total = 2 * count if count > 2 else count + 3
    both = "0" if count else None
    assert found == [(str(total), str(2 * count), "3", both)]


AGGREGATES_IN_AGGREGATES = [
    "SELECT (SELECT max(min(a)) FROM i) FROM t",
    "SELECT (SELECT max(a) FILTER (WHERE sum(a) > 0) FROM i) FROM t",
    "SELECT (SELECT max((SELECT min(a) FROM i)) FROM i) FROM t",
]


@pytest.fixture
def tables(connection: Any) -> Any:
    connection.execute("CREATE TABLE t AS SELECT a FROM (VALUES (1), (2)) v(a)")
    connection.execute("CREATE TABLE i AS SELECT 7 AS b")
    return connection


@pytest.mark.parametrize("query", AGGREGATES_IN_AGGREGATES)
def test_aggregates_of_one_outer_query_do_not_nest(tables: Any, query: str) -> None:
    with pytest.raises(Exception, match="aggregate function calls cannot be nested") as raised:
        tables.execute(query)
    assert raised.value.sqlstate == "42803"  # type: ignore[attr-defined]


def test_an_aggregate_takes_in_one_of_an_outer_query(tables: Any) -> None:
    found = tables.execute("SELECT (SELECT max(b + min(a)) FROM i), max(a) FROM t")
    assert found.fetch_text() == [("8", "2")]
