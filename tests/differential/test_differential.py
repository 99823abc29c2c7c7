"""Random queries give PostgreSQL 18's answers; those that once did not are in `statements/found.sql`."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.differential.campaign import run_campaign
from tests.differential.changes import run_changes
from tests.differential.compare import difference
from tests.differential.forms import parametrized
from tests.differential.fragments import Fragment, listed, optional, shrink, text
from tests.differential.histories import run_histories
from tests.differential.patterns import run_patterns
from tests.differential.schemas import make_schema
from tests.differential.server import ServerUnavailable, start_server
from tests.differential.short import run_short
from tests.differential.sides import Answer, LungfishSide, PostgresSide
from tests.differential.wide import run_forms, run_wide


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresSide]:
    try:
        with start_server() as uri:
            side = PostgresSide(uri)
            yield side
            side.close()
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_random_queries_are_answered_as_postgresql_answers_them(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 100_000 if request.config.getoption("--release") else 600
    ours = LungfishSide()
    found = [item for item in run_campaign(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_random_queries_of_wide_forms_are_answered_as_postgresql_answers_them(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 20_000 if request.config.getoption("--release") else 80
    ours = LungfishSide()
    found = [item for item in run_wide(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_one_query_is_answered_alike_in_all_its_forms(request: pytest.FixtureRequest) -> None:
    count = 3_000 if request.config.getoption("--release") else 10
    ours = LungfishSide()
    found = [item for item in run_forms(ours, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_short_statements_asked_again_are_answered_as_postgresql_answers_them(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 5_000 if request.config.getoption("--release") else 100
    ours = LungfishSide()
    found = [item for item in run_short(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


def test_typed_literals_become_parameters_of_which_equal_ones_are_one() -> None:
    sql = "SELECT 'it''s'::text, (-2)::bigint WHERE x.c1 = 1::integer AND 'it''s'::text <> y"
    text, types, values = parametrized(sql)
    assert text == "SELECT $1::text, $2::bigint WHERE x.c1 = $3::integer AND $1::text <> y"
    assert types == ["text", "bigint", "integer"]
    assert values == ["'it''s'::text", "(-2)::bigint", "1::integer"]


@pytest.mark.slow
def test_random_changes_do_what_postgresql_does(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 20_000 if request.config.getoption("--release") else 300
    ours = LungfishSide()
    found = [item for item in run_changes(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_random_histories_end_as_in_postgresql(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 5_000 if request.config.getoption("--release") else 40
    ours = LungfishSide()
    found = [item for item in run_histories(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_random_patterns_match_what_they_match_in_postgresql(
    postgres: PostgresSide, request: pytest.FixtureRequest
) -> None:
    count = 20_000 if request.config.getoption("--release") else 400
    ours = LungfishSide()
    found = [item for item in run_patterns(postgres, ours, count=count, seed=20) if item]
    ours.close()
    assert [item.report() for item in found] == []


def test_a_seed_always_makes_the_same_schema() -> None:
    assert make_schema(random.Random("1"), 0) == make_schema(random.Random("1"), 0)
    assert make_schema(random.Random("1"), 0) != make_schema(random.Random("2"), 0)


def test_shrinking_keeps_what_fails_and_drops_the_rest() -> None:
    def literal(written: str) -> Fragment:
        return Fragment((written,), "expression integer", ("0",))

    whole = text(
        "SELECT ",
        listed([literal("12"), Fragment(("f(", literal("77"), ")"), "expression integer")]),
        optional(" WHERE ", literal("99")),
    )
    assert str(shrink(whole, lambda tree: "77" in str(tree))) == "SELECT 0, 77"


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (Answer("SELECT 1", ("a",), ("integer",), (("1",),)), None),
        (Answer("SELECT 1", ("a",), ("integer",), (("2",),)), "rows"),
        (Answer("SELECT 1", ("b",), ("integer",), (("1",),)), "column names"),
        (Answer("SELECT 1", ("a",), ("bigint",), (("1",),)), "column types"),
        (Answer("SELECT 2", ("a",), ("integer",), (("1",), ("1",))), "tag"),
        (Answer(sqlstate="22012"), "error"),
    ],
)
def test_a_difference_is_named(got: Answer, expected: str | None) -> None:
    right = Answer("SELECT 1", ("a",), ("integer",), (("1",),))
    assert difference(right, got, is_ordered=True, is_loose=False) == expected


def test_order_matters_only_where_it_is_known() -> None:
    one = Answer("SELECT 2", ("a",), ("text",), (("x",), (None,)))
    other = Answer("SELECT 2", ("a",), ("text",), ((None,), ("x",)))
    assert difference(one, other, is_ordered=False, is_loose=False) is None
    assert difference(one, other, is_ordered=True, is_loose=False) == "rows"
