"""Aggregates over long frames that only grow, against the same aggregate of the same rows in a sub-SELECT."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish

AGGREGATES = (
    "stddev_pop(v)", "var_samp(v)", "stddev_samp(v::numeric / 7)", "variance(v::float8)", "corr(v, id)",
    "regr_count(v, id)", "bit_and(v)", "bit_or(v::bigint)", "any_value(v)", "string_agg(v::text, ',')", "array_agg(v)",
    "json_agg(v)", "jsonb_object_agg(id, v)", "range_agg(int4range(id, id + 2))", "bit_xor(v) FILTER (WHERE v % 3 = 0)",
    "array_agg(id) FILTER (WHERE id % 97 = 1)", "sum(make_interval(days => v))",
)  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Any:
    with lungfish.connect(":memory:", autocommit=True) as opened:
        opened.execute(
            "CREATE TABLE t AS SELECT i AS id, i % 2 AS p, i / 5 AS peer, nullif(i * 7919 % 100, 3) AS v"
            " FROM generate_series(1, 400) i"
        )
        yield opened


def both(connection: Any, aggregate: str, window: str, condition: str) -> tuple[Any, Any]:
    call, _, condition_of_call = aggregate.partition(" FILTER ")
    filtered = f" FILTER {condition_of_call}" if condition_of_call else ""
    over = f"SELECT {call}{filtered} OVER ({window}) FROM t ORDER BY id"
    apart = f"SELECT (SELECT {call}{filtered} FROM t WHERE {condition}) FROM t AS a ORDER BY id"
    return connection.execute(over).fetchall(), connection.execute(apart).fetchall()


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_each_row_sees_those_before_it(connection: Any, aggregate: str) -> None:
    window = "ORDER BY id ROWS UNBOUNDED PRECEDING"
    found, expected = both(connection, aggregate, window, "t.id <= a.id")
    assert str(found) == str(expected) or found == pytest.approx(expected)


@pytest.mark.parametrize("aggregate", ["stddev_pop(v)", "array_agg(v)", "bit_and(v)"])
def test_partitions_begin_anew_and_peers_share_a_frame(connection: Any, aggregate: str) -> None:
    window = "PARTITION BY p ORDER BY peer"
    condition = "t.p = a.p AND t.peer <= a.peer"
    found, expected = both(connection, aggregate, window, condition)
    assert found == expected


def test_a_frame_may_lag_behind_its_row(connection: Any) -> None:
    window = "PARTITION BY p ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 9 PRECEDING"
    condition = "t.p = a.p AND t.id <= a.id - 18"
    found, expected = both(connection, "array_agg(v)", window, condition)
    assert found == expected
