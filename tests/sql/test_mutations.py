"""A statement with slips in it ends in a tree or in a typed error with an SQLSTATE."""

from __future__ import annotations

import pytest

import lungfish
from lungfish.sql import parse
from tests.sql.mutations import STATEMENTS, untyped_errors


@pytest.mark.slow
def test_mutated_statements_raise_typed_errors_only(request: pytest.FixtureRequest) -> None:
    count = 200_000 if request.config.getoption("--release") else 5_000
    assert list(untyped_errors(count, seed=1)) == []


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_statements_that_are_mutated_are_known_or_refused_by_name(sql: str) -> None:
    refusals = []
    try:
        parse(sql)
    except lungfish.Error as error:
        refusals.append(error.sqlstate)
    assert set(refusals) <= {"0A000", "42601"}


@pytest.mark.parametrize("number", [".1", "1e5", "50."])
def test_a_sequence_wants_whole_numbers(number: str) -> None:
    with pytest.raises(lungfish.Error) as raised:
        parse(f"CREATE SEQUENCE s START {number}")
    assert raised.value.sqlstate == "22P02"
