"""Expressions: each construct of PostgreSQL becomes the node that stands for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lungfish.sql.ast.expressions import (
    And,
    Between,
    Binary,
    Cast,
    Expression,
    FieldAccess,
    FunctionCall,
    InList,
    IsBoolean,
    IsDistinct,
    Literal,
    Name,
    Not,
    Or,
    Parameter,
    PatternMatch,
    QuantifiedArray,
    QuantifiedSubquery,
    Row,
    Star,
    Subscript,
    TypeName,
    Unary,
)
from tests.sql.trees import expression, same

A, B = Name(("a",)), Name(("b",))


def integer(value: int) -> Literal:
    return Literal(Literal.Kind.INTEGER, str(value))


def string(text: str) -> Literal:
    return Literal(Literal.Kind.STRING, text)


def call(name: str, *arguments: Expression) -> FunctionCall:
    return FunctionCall((name,), arguments)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("null", Literal.Kind.NULL, ""),
        ("true", Literal.Kind.BOOLEAN, "true"),
        ("FALSE", Literal.Kind.BOOLEAN, "false"),
        ("0", Literal.Kind.INTEGER, "0"),
        ("1_000", Literal.Kind.INTEGER, "1000"),
        ("0x1F", Literal.Kind.INTEGER, "31"),
        ("0xFFFF_FFFF_FFFF", Literal.Kind.INTEGER, "281474976710655"),
        ("5000000000", Literal.Kind.INTEGER, "5000000000"),
        ("-7", Literal.Kind.INTEGER, "-7"),
        ("-2147483648", Literal.Kind.INTEGER, "-2147483648"),
        ("1.50", Literal.Kind.DECIMAL, "1.50"),
        ("-.5", Literal.Kind.DECIMAL, "-.5"),
        ("1e10", Literal.Kind.DECIMAL, "1e10"),
        ("''", Literal.Kind.STRING, ""),
        ("'it''s'", Literal.Kind.STRING, "it's"),
        (r"E'a\nb'", Literal.Kind.STRING, "a\nb"),
        ("$x$a'b$x$", Literal.Kind.STRING, "a'b"),
        (r"U&'d\0061t'", Literal.Kind.STRING, "dat"),
        ("B'101'", Literal.Kind.BIT_STRING, "101"),
        ("X'1F'", Literal.Kind.BIT_STRING, "x1F"),
    ],
)
def test_a_constant_keeps_its_kind_and_text(text: str, kind: Literal.Kind, value: str) -> None:
    assert same(expression(text), Literal(kind, value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("x.a", Name(("x", "a"))),
        ('"X"."a b"', Name(("X", "a b"))),
        ("t.*", Star(("t",))),
        ("$2", Parameter(1)),
        ("a + b", Binary("+", A, B)),
        ("a operator(pg_catalog.+) b", Binary("+", A, B)),
        ("- a", Unary("-", A)),
        ("a and b and not a", And((A, B, Not(A)))),
        ("a or b", Or((A, B))),
        ("a is not true", IsBoolean(A, True, True)),
        ("a is unknown", IsBoolean(A, None, False)),
        ("a is distinct from b", IsDistinct(A, B, False)),
        ("a not between 1 and 2", Between(A, integer(1), integer(2), False, True)),
        ("a between symmetric 1 and 2", Between(A, integer(1), integer(2), True, False)),
        ("a in (1, 2)", InList(A, (integer(1), integer(2)), False)),
        ("a not in (1)", InList(A, (integer(1),), True)),
        ("a like 'x'", PatternMatch("like", A, string("x"), None, False)),
        ("a not ilike 'x' escape '!'", PatternMatch("ilike", A, string("x"), string("!"), True)),
        ("a similar to 'x'", PatternMatch("similar to", A, string("x"), None, False)),
        ("a = any (b)", QuantifiedArray(A, "=", False, B)),
        ("a < all (b)", QuantifiedArray(A, "<", True, B)),
        ("(a, b)", Row((A, B))),
        ("row(a)", Row((A,))),
        ("a[1]", Subscript(A, integer(1), None, False)),
        ("a[1:2]", Subscript(A, integer(1), integer(2), True)),
        ("a[:]", Subscript(A, None, None, True)),
        ("(a).b.c", FieldAccess(FieldAccess(A, "b"), "c")),
        ("(a).*", FieldAccess(A, "*")),
    ],
)
def test_each_construct_has_its_node(text: str, expected: Expression) -> None:
    assert same(expression(text), expected)


def keyword_call(name: str, *arguments: Expression) -> FunctionCall:
    named = replace(call(name, *arguments), name=("pg_catalog", name))
    return replace(named, is_sql_syntax=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extract(year from a)", keyword_call("extract", string("year"), A)),
        ("position(a in b)", keyword_call("position", B, A)),
        ("substring(a from 2 for 3)", keyword_call("substring", A, integer(2), integer(3))),
        ("overlay(a placing b from 1)", keyword_call("overlay", A, B, integer(1))),
        ("trim(both 'x' from a)", keyword_call("btrim", A, string("x"))),
        ("trim(leading from a)", keyword_call("ltrim", A)),
        ("a at time zone 'UTC'", keyword_call("timezone", string("UTC"), A)),
        ("current_date", keyword_call("current_date")),
        ("localtimestamp(3)", keyword_call("localtimestamp", integer(3))),
        ("(a, b) overlaps (a, b)", keyword_call("overlaps", A, B, A, B)),
        ("pg_catalog.lower(a)", replace(call("lower", A), name=("pg_catalog", "lower"))),
    ],
)
def test_keyword_spellings_are_calls(text: str, expected: FunctionCall) -> None:
    assert same(expression(text), expected)


def test_in_and_not_in_of_a_query_are_quantified() -> None:
    positive, negative = expression("a in (select 1)"), expression("a not in (select 1)")
    assert isinstance(positive, QuantifiedSubquery)
    assert (positive.operator, positive.is_all) == ("=", False)
    assert isinstance(negative, QuantifiedSubquery)
    assert (negative.operator, negative.is_all) == ("<>", True)


def test_a_call_keeps_its_modifiers() -> None:
    node = expression("string_agg(distinct a, ',' order by b desc nulls last) filter (where a > b)")
    assert isinstance(node, FunctionCall)
    assert node.is_distinct
    assert node.order_by[0].is_descending
    assert node.order_by[0].nulls_first is False
    assert same(node.filter, Binary(">", A, B))
    named = expression("f(1, x => 2, variadic y => 3)")
    assert isinstance(named, FunctionCall)
    assert named.argument_names == (("x", 1), ("y", 2))
    assert named.is_variadic


def test_a_window_frame_keeps_its_bounds() -> None:
    node = expression("sum(a) over (w rows between 1 preceding and current row exclude ties)")
    assert isinstance(node, FunctionCall)
    assert node.window is not None
    frame = node.window.frame
    assert frame is not None
    assert node.window.base == "w"
    assert (frame.unit, frame.start.kind, frame.end.kind, frame.exclude) == (
        "rows",
        "preceding",
        "current row",
        "ties",
    )
    assert same(frame.start.offset, integer(1))


def test_over_a_name_differs_from_over_a_copy_of_it() -> None:
    plain, copy = expression("sum(a) over w"), expression("sum(a) over (w)")
    assert isinstance(plain, FunctionCall)
    assert isinstance(copy, FunctionCall)
    assert plain.window is not None
    assert copy.window is not None
    assert (plain.window.name, plain.window.base) == ("w", "w")
    assert (copy.window.name, copy.window.base) == (None, "w")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", TypeName("integer")),
        ("int8", TypeName("bigint")),
        ("float", TypeName("double precision")),
        ("float(10)", TypeName("real")),
        ("decimal(10,2)", TypeName("numeric", modifiers=(10, 2))),
        ("numeric(3,-2)", TypeName("numeric", modifiers=(3, -2))),
        ("char", TypeName("character", modifiers=(1,))),
        ("bpchar", TypeName("character")),
        ('"char"', TypeName('"char"')),
        ("varchar(3)", TypeName("character varying", modifiers=(3,))),
        ("bit", TypeName("bit", modifiers=(1,))),
        ("bit varying(5)", TypeName("bit varying", modifiers=(5,))),
        ("timestamp(3)", TypeName("timestamp without time zone", modifiers=(3,))),
        ("timestamptz", TypeName("timestamp with time zone")),
        ("time with time zone", TypeName("time with time zone")),
        ("interval", TypeName("interval")),
        ("interval(3)", TypeName("interval", modifiers=(3,))),
        ("interval year", TypeName("interval", interval_fields="year")),
        (
            "interval day to second(3)",
            TypeName("interval", modifiers=(3,), interval_fields="day to second"),
        ),
        ("text[][3]", TypeName("text", array_dimensions=2)),
        ("int array", TypeName("integer", array_dimensions=1)),
        ("public.mood", TypeName("mood", "public")),
        ("pg_catalog.int4", TypeName("integer")),
    ],
)
def test_a_type_has_the_name_that_people_write(text: str, expected: TypeName) -> None:
    assert same(expression(f"null::{text}"), Cast(Literal(Literal.Kind.NULL), expected))


def test_positions_mark_the_operator_or_the_name() -> None:
    node = expression("aa + bb.cc")
    assert isinstance(node, Binary)
    assert (node.left.position, node.position, node.right.position) == (7, 10, 12)


def test_positions_count_characters_not_bytes() -> None:
    node = expression("'äöü€😀' + b")
    assert isinstance(node, Binary)
    assert node.right.position == len("select 'äöü€😀' + ")
