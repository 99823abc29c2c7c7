"""Random queries give PostgreSQL 18's answers; those that once did not are in `statements/found.sql`."""

from __future__ import annotations

import random
from contextlib import closing

import pytest

from tests.differential.campaign import Run, run_campaign
from tests.differential.changes import run_changes
from tests.differential.compare import difference
from tests.differential.edges import run_edges
from tests.differential.forms import parametrized
from tests.differential.fragments import Fragment, listed, optional, shrink, text
from tests.differential.histories import run_histories
from tests.differential.patterns import run_patterns
from tests.differential.schemas import make_schema
from tests.differential.short import run_short
from tests.differential.sides import Answer, LungfishSide, PostgresSide
from tests.differential.wide import run_forms, run_wide

# How many statements are asked, and how many with --release.
RUNS = [
    pytest.param(run_campaign, 600, 100_000, id="queries"),
    pytest.param(run_wide, 80, 20_000, id="wide queries"),
    pytest.param(run_short, 100, 5_000, id="short statements"),
    pytest.param(run_edges, 200, 20_000, id="edges of types"),
    pytest.param(run_changes, 300, 20_000, id="changes"),
    pytest.param(run_histories, 40, 5_000, id="histories"),
    pytest.param(run_patterns, 400, 20_000, id="patterns"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("run", "count", "release_count"), RUNS)
def test_random_statements_are_answered_as_postgresql_answers_them(
    postgres: PostgresSide, run: Run, count: int, release_count: int, request: pytest.FixtureRequest
) -> None:
    asked = release_count if request.config.getoption("--release") else count
    with closing(LungfishSide()) as ours:
        found = [item for item in run(postgres, ours, count=asked, seed=20) if item]
    assert [item.report() for item in found] == []


@pytest.mark.slow
def test_one_query_is_answered_alike_in_all_its_forms(request: pytest.FixtureRequest) -> None:
    count = 3_000 if request.config.getoption("--release") else 10
    with closing(LungfishSide()) as ours:
        found = [item for item in run_forms(ours, ours, count=count, seed=20) if item]
    assert [item.report() for item in found] == []


def test_typed_literals_become_parameters_of_which_equal_ones_are_one() -> None:
    sql = "SELECT 'it''s'::text, (-2)::bigint WHERE x.c1 = 1::integer AND 'it''s'::text <> y"
    text, types, values = parametrized(sql)
    assert text == "SELECT $1::text, $2::bigint WHERE x.c1 = $3::integer AND $1::text <> y"
    assert types == ["text", "bigint", "integer"]
    assert values == ["'it''s'::text", "(-2)::bigint", "1::integer"]


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
