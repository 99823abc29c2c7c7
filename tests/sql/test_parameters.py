"""Placeholders: every spelling becomes $n, and nothing else is touched."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.sql import parse, rewrite_parameters


@pytest.mark.parametrize(
    ("sql", "text", "names", "count"),
    [
        ("a = ? and b=?", "a = $1 and b=$2", None, 2),
        ("?||?", "$1||$2", None, 2),
        ("-?+?", "-$1+$2", None, 2),
        ("$2 + $1", "$2 + $1", None, 2),
        (":b + :a + :b", "$1 + $2 + $1", ("b", "a"), 2),
        ("$b + $a", "$1 + $2", ("b", "a"), 2),
        ("x = :été", "x = $1", ("été",), 1),
        # What only looks like a placeholder.
        ("'?' || \"?\" || ?", "'?' || \"?\" || $1", None, 1),
        (r"E'\'?' || ?", r"E'\'?' || $1", None, 1),
        ("$x$ ? :a $x$ || ?", "$x$ ? :a $x$ || $1", None, 1),
        ("$$?$$, ?", "$$?$$, $1", None, 1),
        ("a$b, ?", "a$b, $1", None, 1),
        ("? -- ?\n, /* ? /* ? */ ? */ ?", "$1 -- ?\n, /* ? /* ? */ ? */ $2", None, 2),
        ("a::int, :b::text", "a::int, $1::text", ("b",), 1),
        ("a[1:2], a[x:y], a[f(1):z], :b", "a[1:2], a[x:y], a[f(1):z], $1", ("b",), 1),
        ("a[:i], a[:i : :j]", "a[$1], a[$1 : $2]", ("i", "j"), 2),
        ("f(a := 1, b := :c)", "f(a := 1, b := $1)", ("c",), 1),
        ("a ?| array[?] and b ?& c and d @? e", "a ?| array[$1] and b ?& c and d @? e", None, 1),
        ("'12:30' || :a", "'12:30' || $1", ("a",), 1),
        ("1", "1", None, 0),
    ],
)
def test_placeholders_are_numbered(
    sql: str, text: str, names: tuple[str, ...] | None, count: int
) -> None:
    rewritten = rewrite_parameters(sql)
    assert (rewritten.text, rewritten.names, rewritten.count) == (text, names, count)


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("a = %s, b = %s", "a = $1, b = $2", None),
        ("%(x)s + %(y)s + %(x)s", "$1 + $2 + $1", ("x", "y")),
        ("a %% 2 like '10%%' || %s", "a % 2 like '10%' || $1", None),
        ("a like 'x%' and :b ? c = %s", "a like 'x%' and :b ? c = $1", None),
        ("a=%s", "a=$1", None),
    ],
)
def test_pyformat_is_psycopgs(sql: str, text: str, names: tuple[str, ...] | None) -> None:
    rewritten = rewrite_parameters(sql, is_pyformat=True)
    assert (rewritten.text, rewritten.names) == (text, names)


@pytest.mark.parametrize("sql", ["a = ? and b = :c", "$1 + ?", ":a + $a", "$a || $1"])
def test_two_styles_in_one_statement_are_an_error(sql: str) -> None:
    with pytest.raises(errors.SyntaxError, match="written in two ways") as caught:
        rewrite_parameters(sql)
    assert caught.value.hint
    assert caught.value.position


def test_a_lone_percent_sign_is_an_error_in_pyformat() -> None:
    with pytest.raises(errors.SyntaxError, match="percent sign") as caught:
        rewrite_parameters("a % b = %s", is_pyformat=True)
    assert caught.value.position == 2


def test_positions_lead_back_to_the_text_that_was_given() -> None:
    sql = "select :first_name, :age from t where name = :first_name and x = é"
    rewritten = rewrite_parameters(sql)
    (piece,) = parse(rewritten.text, position_of=rewritten.position_of)
    assert sql.index(" from") == rewritten.position_of(rewritten.text.index(" from"))
    position = piece.statement.body.where.operands[1].right.position  # type: ignore[union-attr]
    assert sql[position] == "é"


def test_errors_lead_back_too() -> None:
    sql = "select ?, ?, ? form t where x"
    rewritten = rewrite_parameters(sql)
    with pytest.raises(errors.SyntaxError) as caught:
        parse(rewritten.text, position_of=rewritten.position_of)
    assert sql[caught.value.position :] == "t where x"
    with pytest.raises(errors.FeatureNotSupported) as refused:
        parse("select $1, $2; listen x", position_of=lambda position: position + 100)
    assert refused.value.position == 115
