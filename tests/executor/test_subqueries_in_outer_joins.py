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
