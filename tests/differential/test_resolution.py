"""What a call means is chosen as PostgreSQL 18 chooses it, and values become those of other types as there: see `resolution.py`
and `conversions.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
import pytest

import lungfish
from tests.differential import conversions
from tests.differential.resolution import SETUP, answers, calls, known_names

_CALL_COUNT = 3_000
_CONVERSION_COUNT = 3_000


@pytest.fixture
def theirs(postgres_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        yield connection


def _answer(connection: lungfish.Connection, query: str) -> str:
    try:
        rows = connection.execute(query).fetchall()
    except lungfish.Error as error:
        return f"error {error.sqlstate}"
    return str(rows[0][0]) if rows and rows[0][0] is not None else "null"


@pytest.mark.slow
def test_calls_resolve_as_in_postgresql_or_are_refused(theirs: psycopg.Connection) -> None:
    _compare(theirs, SETUP, calls(seed=18, count=_CALL_COUNT))


@pytest.mark.slow
def test_values_are_converted_as_in_postgresql_or_refused(theirs: psycopg.Connection) -> None:
    _compare(theirs, conversions.SETUP, conversions.conversions(seed=18, count=_CONVERSION_COUNT))


def _compare(theirs: psycopg.Connection, setup: Sequence[str], queries: Sequence[str]) -> None:
    expected = answers(theirs, setup, queries)
    with lungfish.connect(":memory:", autocommit=True) as ours:
        for statement in setup:
            ours.execute(statement)
        got = [_answer(ours, query) for query in queries]
    different = [
        f"{query}: {one} | {other}"
        for query, one, other in zip(queries, expected, got, strict=True)
        if other not in (one, "error 0A000")
    ]
    assert different == []
    # Few are refused, so that the comparison says something.
    assert got.count("error 0A000") < len(queries) // 20


@pytest.mark.slow
def test_functions_that_only_postgresql_has_are_refused_as_such(
    theirs: psycopg.Connection,
) -> None:
    with lungfish.connect(":memory:", autocommit=True) as ours:
        for name in ("pg_read_file", "to_tsvector", "inet_client_addr", "area", "lo_import"):
            assert name in known_names(theirs)
            assert _answer(ours, f"SELECT {name}('1')") == "error 0A000"
        assert _answer(ours, "SELECT no_function_at_all('1')") == "error 42883"
