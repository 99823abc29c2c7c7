"""Literals lifted out of a text: what is lifted, what must stay, and that the tree stays the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.sql import lift_literals, parse_one
from tests.sql.trees import same, with_literals


@pytest.mark.parametrize(
    ("sql", "shape", "values"),
    [
        ("select a from t where id = 7", "select a from t where id = $1", ["7"]),
        ("SELECT a FROM t WHERE id=7;", "SELECT a FROM t WHERE id=$1;", ["7"]),
        (
            "update t set a = 5, b='it''s' where c > -1.5",
            "update t set a = $1, b=$2 where c > $3",
            ["5", "it's", "-1.5"],
        ),
        (
            "insert into t (a) values (1, 'x'), (- 2, null)",
            "insert into t (a) values ($1, $2), ($3, null)",
            ["1", "x", "-2"],
        ),
        ("select a - 5, a -5, a*5", "select a - $1, a -$2, a*$3", ["5", "5", "5"]),
        (
            "select 1 from t order by 1, a + 2 limit 10 offset 5",
            "select $1 from t order by 1, a + 2 limit $2 offset $3",
            ["1", "10", "5"],
        ),
        (
            "select * from (select 1 as x order by 1) y where x in (1, 2)",
            "select * from (select $1 as x order by 1) y where x in ($2, $3)",
            ["1", "1", "2"],
        ),
        (
            "with c as (select 1) select 2 union select 3",
            "with c as (select $1) select $2 union select $3",
            ["1", "2", "3"],
        ),
        (
            "delete from t where a between 1 and 2 or b like 'x%'",
            "delete from t where a between $1 and $2 or b like $3",
            ["1", "2", "x%"],
        ),
        ("select 007 where a = 99999999999", "select $1 where a = $2", ["7", "99999999999"]),
    ],
)
def test_literals_are_lifted(sql: str, shape: str, values: list[str]) -> None:
    lifted = lift_literals(sql)
    assert lifted is not None
    assert (lifted.shape, [literal.text for literal in lifted.literals]) == (shape, values)


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t group by a having a > 5",
        "select distinct 5",
        "select x::numeric(10, 2), cast(y as varchar(3))",
        "select date '2020-01-01', interval '1' day, timestamp '2020-01-01'",
        "select extract('year' from a), f(1, 'x'), a[1]",
        "select - -5, -(5), @ -5, -5::int, -5[1]",
        "select 'a'\n'b', E'x', N'x', B'1', U&'x', 0x1F, 1_000, 1e5a",
        "select a at time zone 'UTC', b similar to 'x'",
        "select $1 where a = 5",
        "select a = 5 -- comment",
        "select ä = 5",
        "select case 5 when a then b end",
        "select a from t fetch first 5 rows only",
        "create table t (a int default 5)",
        "select 1; select 2",
        "select and'x'",
    ],
)
def test_these_stay(sql: str) -> None:
    assert lift_literals(sql) is None


def test_equal_shapes_for_texts_that_differ_in_literals_only() -> None:
    shapes = {
        lift_literals(f"select a from t where id = {i} and b = '{i}'").shape for i in range(3)
    }  # type: ignore[union-attr]
    assert len(shapes) == 1


def test_positions_lead_back_to_the_text() -> None:
    sql = "select 'a long one', b from t where c = 5 and d"
    lifted = lift_literals(sql)
    assert lifted is not None
    assert [sql[literal.position] for literal in lifted.literals] == ["'", "5"]
    for name in (" from", " and d"):
        assert lifted.position_of(lifted.shape.index(name)) == sql.index(name)


WORDS = st.sampled_from(
    [
        "select",
        "a",
        "b",
        "t",
        "from",
        "where",
        "and",
        "or",
        "not",
        "=",
        "<>",
        "+",
        "-",
        "*",
        "/",
        "||",
        "(",
        ")",
        ",",
        "1",
        "2.5",
        "'x'",
        "-3",
        "''",
        "as",
        "in",
        "between",
        "like",
        "values",
        "limit",
        "offset",
        "order",
        "by",
        "union",
        "case",
        "when",
        "then",
        "else",
        "end",
        "is",
        "null",
        "::",
        "int",
        "numeric",
        "date",
        "interval",
        "[",
        "]",
        ".",
        '"q"',
        "@",
        ";",
        "%",
        "any",
        "set",
        "returning",
        "over",
        "row",
        "exists",
        "on",
        "join",
    ]
)


@given(st.lists(WORDS, max_size=14), st.booleans())
def test_the_shape_with_its_literals_is_the_same_tree(words: list[str], is_tight: bool) -> None:
    sql = "select " + ("" if is_tight else " ").join(words)
    lifted = lift_literals(sql)
    if lifted is None:
        return
    try:
        tree = parse_one(sql).statement
    except errors.Error:
        return
    assert same(with_literals(parse_one(lifted.shape).statement, lifted.literals), tree)
