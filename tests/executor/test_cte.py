"""WITH queries make their rows as they are asked for, and only once."""

from __future__ import annotations

from typing import Any

import pytest

ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM t LIMIT 3", [(1,), (2,), (3,)]),
        ("SELECT EXISTS (SELECT 1 FROM t WHERE n = 30)", [(True,)]),
        (
            "SELECT a.n, b.n FROM (SELECT * FROM t LIMIT 2) a, (SELECT * FROM t LIMIT 2) b",
            [(1, 1), (1, 2), (2, 1), (2, 2)],
        ),
    ],
)
def test_a_limit_ends_an_endless_recursion(
    connection: Any, query: str, expected: list[Any]
) -> None:
    assert sorted(connection.execute(ENDLESS + query).fetchall()) == expected


def test_a_changing_query_is_run_to_its_end_whether_it_is_read_or_not(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a int)")
    added = "WITH w AS (INSERT INTO t SELECT generate_series(1, 5) RETURNING a) "
    assert connection.execute(added + "SELECT 1").fetchall() == [(1,)]
    assert connection.execute(added + "SELECT a FROM w LIMIT 2").fetchall() == [(1,), (2,)]
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 10


def test_two_readers_see_the_same_rows(connection: Any) -> None:
    rows = connection.execute(
        "WITH w AS MATERIALIZED (SELECT random() AS x FROM generate_series(1, 3))"
        " SELECT count(*) FROM w AS a JOIN w AS b ON a.x = b.x"
    ).fetchall()
    assert rows == [(3,)]


def test_a_spilled_query_is_read_from_its_beginning_by_each_reader(connection: Any) -> None:
    connection.execute("SET work_mem = '64kB'")
    rows = connection.execute(
        "WITH w AS MATERIALIZED (SELECT n, repeat('x', 100) AS s FROM generate_series(1, 20000) n)"
        " SELECT (SELECT count(*) FROM w), (SELECT sum(length(s)) FROM w), (SELECT max(n) FROM w)"
    ).fetchall()
    assert rows == [(20000, 2000000, 20000)]
