"""Conditions of joins over pairs of rows answer the same whether their parts are made once for each row or for each pair."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish

TABLE = """CREATE TABLE {} AS SELECT i AS id, nullif(i * {} % 9, 4) AS x, 'T' || i % 6 AS s, nullif(i * 5 % 11, 3) / 4.0 AS n,
    CASE WHEN i % 7 = 0 THEN 'empty' WHEN i % 8 = 1 THEN '(,4]' WHEN i % 8 = 2 THEN '[3,)' WHEN i % 8 = 3 THEN '(,)'
         ELSE '[' || i % 5 || ',' || i % 5 + i % 3 || ']' END::int4range AS r,
    CASE WHEN i % 9 = 0 THEN NULL WHEN i % 5 = 1 THEN '(1,2]' WHEN i % 5 = 2 THEN '[2,2]' WHEN i % 5 = 3 THEN '[1,2)'
         ELSE '(2,NaN]' END::numrange AS q,
    jsonb_build_object('k', i % 4, 'l', jsonb_build_array(i % 3)) AS j, array[i % 4, nullif(i % 3, 2)] AS v,
    i % 6 * interval '10 days' AS t, (i % 6)::double precision / nullif(i % 5, 0) AS d
    FROM generate_series(1, {}) i"""

CONDITIONS = (
    "lower(a.s) < lower(b.s)",
    "a.n < b.n",
    "b.n >= a.n",
    "a.n = b.n OR a.n + 1 <> b.n * 2",
    "a.x::numeric / 3 < b.n",
    "a.x + 1 BETWEEN b.x * 2 - 3 AND b.x * 2 + 1",
    "a.r && b.r",
    "a.r @> b.r",
    "a.r <@ b.r",
    "b.r @> a.x",
    "a.x <@ b.r",
    "NOT (a.r && b.r)",
    "a.r < b.r AND a.x > b.x",
    "a.q && b.q",
    "a.q @> b.q",
    "a.q @> b.n",
    "a.q = b.q",
    "a.j < b.j",
    "a.j -> 'l' <= b.j -> 'l'",
    "a.v < b.v",
    "a.v && b.v",
    "a.t <> b.t",
    "a.d < b.d * 2",
    "a.x < b.n",
    "a.d >= b.x",
    "a.n <> b.d",
    "a.id::bigint < b.x",
    "date '2024-01-01' + a.id < timestamptz '2024-01-01' + b.t",
    "CASE WHEN a.x > 3 THEN upper(a.s) ELSE lower(a.s) END < b.s",
    "coalesce(a.x, 7) > coalesce(b.x, a.id)",
    "(a.n, a.s) < (b.n, b.s)",
    "length(a.s || b.s) + abs(a.x) > abs(b.x)",
    "(a.x = 0 OR 10 / a.x < b.x)",
    "CASE WHEN b.x <> 0 THEN 10 / b.x > a.x ELSE a.x > 2 END",
    "a.n > b.n AND EXISTS (SELECT FROM a AS c WHERE c.x > a.x + b.x OFFSET 0)",
    "upper(a.s) = ANY (array[b.s, 'T3'])",
    "a.x IS NOT DISTINCT FROM b.x - 1 OR a.x IS NULL",
)


@pytest.fixture(scope="module")
def connection() -> Any:
    with lungfish.connect(":memory:", autocommit=True) as opened:
        for name, step, count in (("a", 2, 31), ("b", 5, 26)):
            opened.execute(TABLE.format(name, step, count))
        yield opened


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_join_gives_the_pairs_that_pass_a_filter(connection: Any, condition: str) -> None:
    pairs = "SELECT a.id, b.id FROM a, b WHERE {} ORDER BY 1, 2"
    found = connection.execute(pairs.format(condition)).fetchall()
    # Above OFFSET 0 the condition is no join's.
    names = ", ".join(
        f"a.{name} AS a_{name}, b.{name} AS b_{name}"
        for name in ["id", "x", "s", "n", "r", "q", "j", "v", "t", "d"]
    )
    renamed = (
        condition.replace("a.", "p.a_").replace("b.", "p.b_").replace("c.x > p.a_", "c.x > p.a_")
    )
    filtered = f"SELECT a_id, b_id FROM (SELECT {names} FROM a, b OFFSET 0) p WHERE {renamed} ORDER BY 1, 2"
    assert found == connection.execute(filtered).fetchall()
    assert len(found) < 31 * 26


@pytest.mark.parametrize("kind", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_outer_joins_keep_what_has_no_pair(connection: Any, kind: str, condition: str) -> None:
    query = (
        f"SELECT a.id, b.id FROM a {kind} JOIN b ON {condition} AND a.id + b.id > 9 ORDER BY 1, 2"
    )
    found = connection.execute(query).fetchall()
    pairs = connection.execute(
        f"SELECT a.id, b.id FROM a, b WHERE {condition} AND a.id + b.id > 9 ORDER BY 1, 2"
    ).fetchall()
    place, count = (0, 31) if kind == "LEFT" else (1, 26)
    assert [pair for pair in found if None not in pair] == pairs
    alone = set(range(1, count + 1)) - {pair[place] for pair in pairs}
    assert {pair[place] for pair in found if None in pair} == alone


def test_what_no_pair_asks_raises_nothing(connection: Any) -> None:
    query = "SELECT count(*) FROM a JOIN b ON a.s = b.s AND b.x > 90 AND 1 / (a.id - a.id) < 1 / (b.id - b.id)"
    assert connection.execute(query).fetchall() == [(0,)]


def test_what_a_pair_asks_raises_as_it_does(connection: Any) -> None:
    with pytest.raises(lungfish.Error) as raised:
        connection.execute("SELECT count(*) FROM a JOIN b ON 10 / (a.id - 5) < b.id * 2 + a.id")
    assert raised.value.sqlstate == "22012"


def test_a_hash_join_s_further_conditions_are_made_once_for_each_row(connection: Any) -> None:
    query = (
        "SELECT count(*), min(a.id), max(b.id) FROM a {} JOIN b ON a.id % 2 = b.id % 2"
        " AND lower(a.s) < lower(b.s) AND a.n < b.n"
    )
    for kind in ("", "LEFT", "RIGHT", "FULL"):
        ((count, least, most),) = connection.execute(query.format(kind)).fetchall()
        assert (count > 40, least, most) == (True, 1, 26)
