"""Comparisons with ANY and ALL rows of a subquery: many rows are compared as a batch, and answer as rows one by one do."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish

OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
# How the value of a row is made of a number below 50.
VALUES = (
    "{}",
    "{} / 3.0",
    "({} / 7.0)::float8",
    "'t' || {}",
    "date '2020-01-01' + {}",
    "ARRAY[{}, 1]",
    "({} % 3 = 0)",
    "make_interval(hours => {})",
    "'NaN'::numeric * {}",
)


@pytest.fixture(scope="module")
def connection() -> Any:
    with lungfish.connect(":memory:", autocommit=True) as opened:
        opened.execute(
            "CREATE TABLE few AS SELECT nullif(i * 7, 21) AS n FROM generate_series(0, 7) i"
        )
        opened.execute(
            "CREATE TABLE many AS SELECT i AS id, nullif(i % 50, 33) AS n FROM generate_series(0, 399) i"
        )
        yield opened


def answers(connection: Any, comparison: str, of_rows: str, values: str = "") -> tuple[Any, Any]:
    """What the comparison with a subquery's rows answers for each row of `few`, and what its comparisons one by one do."""
    found = connection.execute(f"SELECT few.n, {comparison} FROM few ORDER BY 1").fetchall()
    expected = connection.execute(
        f"SELECT few.n, (SELECT {of_rows} FROM many WHERE {values or 'true'}) FROM few ORDER BY 1"
    ).fetchall()
    return found, expected


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("condition", ["true", "n IS NOT NULL", "n > few.n", "id % 3 = few.n % 3"])
def test_many_rows_are_compared_as_one_by_one(connection: Any, value: str, condition: str) -> None:
    left, right = value.format("few.n"), value.format("many.n")
    for operator in OPERATORS:
        subquery = f"(SELECT {right} FROM many WHERE {condition})"
        one = f"{left} {operator} {right}"
        some = f"CASE WHEN bool_or({one}) THEN true WHEN bool_or(({one}) IS NULL) THEN null ELSE false END"
        every = f"CASE WHEN bool_or(NOT ({one})) THEN false WHEN bool_or(({one}) IS NULL) THEN null ELSE true END"
        found, expected = answers(connection, f"{left} {operator} ANY {subquery}", some, condition)
        assert found == expected, operator
        found, expected = answers(connection, f"{left} {operator} ALL {subquery}", every, condition)
        assert found == expected, operator


@pytest.mark.parametrize("word", ["IN", "NOT IN"])
def test_rows_of_two_columns_are_equal_if_both_are(connection: Any, word: str) -> None:
    subquery = "(SELECT many.n, nullif(many.id % 7, 6) FROM many WHERE id >= few.n)"
    one = "(few.n, 3) = (many.n, nullif(many.id % 7, 6))"
    decided, other = ("true", "false") if word == "IN" else ("false", "true")
    either = f"CASE WHEN bool_or({one}) THEN {decided} WHEN bool_or(({one}) IS NULL) THEN null ELSE {other} END"
    found, expected = answers(connection, f"(few.n, 3) {word} {subquery}", either, "id >= few.n")
    assert found == expected


def test_no_rows_answer_as_none_do(connection: Any) -> None:
    found = connection.execute(
        "SELECT n = ANY (SELECT id FROM many WHERE id < 0), n < ALL (SELECT id FROM many WHERE id < n - 100) FROM few"
    ).fetchall()
    assert set(found) == {(False, True)}
