"""Small answers on which PostgreSQL 18 is particular."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("concat(VARIADIC NULL::int[])", None),
        ("concat_ws(',', VARIADIC NULL::int[])", None),
        ("num_nulls(VARIADIC NULL::int[])", None),
        ("format('x', VARIADIC NULL::int[])", "x"),
    ],
)
def test_a_variadic_null_is_null_except_to_format(
    connection: Any, call: str, answer: str | None
) -> None:
    assert connection.execute(f"SELECT {call}").fetch_text() == [(answer,)]


def test_distinct_needs_a_column(connection: Any) -> None:
    with pytest.raises(Exception, match="must have at least one column") as raised:
        connection.execute("SELECT DISTINCT t.* FROM (SELECT) t")
    assert raised.value.sqlstate == "42601"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("statement", "tag"),
    [
        ("SET timezone = 'UTC'", "SET"),
        ("SET timezone TO DEFAULT", "SET"),
        ("RESET timezone", "RESET"),
        ("RESET ALL", "RESET"),
    ],
)
def test_reset_answers_reset(connection: Any, statement: str, tag: str) -> None:
    assert connection.execute(statement).statusmessage == tag


def test_a_function_of_a_row_is_a_table_of_its_fields(connection: Any) -> None:
    connection.execute("CREATE TYPE pair AS (a bigint, b bigint)")
    connection.execute(
        "CREATE FUNCTION make_pair(bigint, bigint) RETURNS pair"
        " LANGUAGE sql AS 'SELECT row($1, $2)::pair'"
    )
    found = connection.execute("SELECT *, a + b FROM make_pair(1, 2) WITH ORDINALITY")
    assert found.fetch_text() == [("1", "2", "1", "3")]
