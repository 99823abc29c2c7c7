"""Subqueries in the conditions of outer joins: taken apart, they give the rows that they give when asked pair by pair, as within a CASE."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish

CONDITIONS = (
    "EXISTS (SELECT FROM c WHERE c.y = b.y)",
    "NOT EXISTS (SELECT FROM c WHERE c.y = b.y)",
    "EXISTS (SELECT FROM c WHERE c.y = a.y)",
    "NOT EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x > 1)",
    "EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x = b.y)",
    "a.y IN (SELECT c.y FROM c WHERE c.x = a.x)",
    "b.y IN (SELECT c.y FROM c WHERE c.x <> b.x)",
    "b.y NOT IN (SELECT c.y FROM c WHERE c.x = b.x)",
    "b.y NOT IN (SELECT c.y FROM c WHERE c.y IS NOT NULL)",
    "a.y > (SELECT count(*) FROM c WHERE c.y = b.y)",
    "b.y >= (SELECT min(c.y) FROM c WHERE c.x = a.x)",
    "(SELECT max(c.y) FROM c WHERE c.x = a.x) > (SELECT min(c.y) FROM c WHERE c.x = b.x)",
    "(EXISTS (SELECT FROM c WHERE c.y = b.y) OR a.y IN (SELECT c.x FROM c))",
    "a.y < 3 AND EXISTS (SELECT FROM c WHERE c.y = b.y) AND b.y < (SELECT max(c.y) FROM c WHERE c.x = b.x)",
    "EXISTS (SELECT FROM c LEFT JOIN b AS d ON EXISTS (SELECT FROM c AS e WHERE e.x = d.y) WHERE c.y = a.y)",
)


@pytest.fixture(scope="module")
def connection() -> Any:
    with lungfish.connect(":memory:", autocommit=True) as opened:
        for name, count, step in (("a", 30, 7), ("b", 24, 5), ("c", 18, 11)):
            opened.execute(
                f"CREATE TABLE {name} AS SELECT nullif(i * {step} % 6, 5) AS x, nullif(i % 5, 4) AS y"
                f" FROM generate_series(1, {count}) i"
            )
        yield opened


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT", "FULL"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_pairs_are_as_the_condition_says(connection: Any, kind: str, condition: str) -> None:
    query = (
        "SELECT a.x, a.y, b.x, b.y, (SELECT count(*) FROM c WHERE c.x = a.x)"
        f" FROM a {kind} JOIN b ON a.x = b.x AND {{}} ORDER BY 1, 2, 3, 4"
    )
    found = connection.execute(query.format(condition)).fetchall()
    in_case = f"CASE WHEN {condition} THEN true ELSE false END"
    assert found == connection.execute(query.format(in_case)).fetchall()


# With OFFSET 0 in the place of {} a subquery is not taken apart, but asked for each pair.
HASHED_CONDITIONS = (
    "EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x = b.y{})",
    "NOT EXISTS (SELECT c.y FROM c WHERE c.y = a.y AND c.x = b.x{})",
    "(a.x = b.y OR EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x = b.y AND c.x > 1{}))",
    "a.y IN (SELECT c.y FROM c WHERE c.x = b.x{})",
    "NOT (a.y IN (SELECT c.y FROM c WHERE c.x = b.x{}))",
    "(a.y, b.x) IN (SELECT c.y, c.x FROM c WHERE c.x = b.y{})",
    "EXISTS (SELECT FROM c WHERE c.y::numeric = a.y + b.y AND c.x = b.x::bigint{})",
    "EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x > b.y{})",
    "CASE WHEN a.x > 2 THEN EXISTS (SELECT FROM c WHERE c.y = b.y{}) ELSE b.y > 1 END",
    "coalesce(a.x > b.x, EXISTS (SELECT FROM c WHERE c.y = b.y AND c.x = a.y{}), false)",
    "EXISTS (SELECT FROM c JOIN b AS d ON c.x = d.x WHERE c.y = a.y AND d.y = b.y{})",
    "EXISTS (SELECT c.y FROM c WHERE c.x = a.y GROUP BY c.y HAVING c.y = b.y{})",
)


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("condition", HASHED_CONDITIONS)
def test_a_set_of_keys_answers_what_the_subquery_does(
    connection: Any, kind: str, condition: str
) -> None:
    query = f"SELECT a.x, a.y, b.x, b.y FROM a {kind} JOIN b ON {condition} ORDER BY 1, 2, 3, 4"
    found = connection.execute(query.format("")).fetchall()
    assert found == connection.execute(query.format(" OFFSET 0")).fetchall()


@pytest.mark.parametrize(
    "value",
    [
        "CASE WHEN a.x > 2 THEN 'big' WHEN EXISTS (SELECT FROM c WHERE c.y = a.y{}) THEN 'has' ELSE 'none' END",
        "CASE WHEN EXISTS (SELECT FROM c WHERE c.y = a.y{}) THEN a.x ELSE -1 END",
        "coalesce((SELECT sum(c.x) FROM c WHERE c.y = a.y{}), 0)",
        "coalesce(a.x, (SELECT max(c.x) FROM c WHERE c.y = a.y{}))",
    ],
)
def test_values_that_some_rows_need_are_the_subquery_s(connection: Any, value: str) -> None:
    query = f"SELECT a.x, a.y, {value} FROM a ORDER BY 1, 2"
    found = connection.execute(query.format("")).fetchall()
    assert found == connection.execute(query.format(" OFFSET 0")).fetchall()


def test_a_subquery_about_both_sides_is_not_run_for_each_pair(connection: Any) -> None:
    plan = connection.execute(
        "EXPLAIN SELECT * FROM a LEFT JOIN b ON EXISTS (SELECT FROM c WHERE c.y = a.y AND c.x = b.y)"
    ).fetchall()
    assert "ANY" in "".join(line for (line,) in plan)
