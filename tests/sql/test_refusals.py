"""What is refused: PostgreSQL's syntax errors with their place, features that Lungfish has not, texts too deep."""

from __future__ import annotations

import threading

import pytest

from lungfish import errors
from lungfish.sql import libpg, parse, parse_one


@pytest.mark.parametrize(
    ("sql", "message", "marked"),
    [
        ("select * form t x", 'syntax error at or near "form"', "form t x"),
        ("select 1 +", "syntax error at end of input", ""),
        ("select 'äöü€😀' form t x", 'syntax error at or near "t"', "t x"),
        ("select 'abc", 'unterminated quoted string at or near "\'abc"', "'abc"),
        ("select 1a", 'trailing junk after numeric literal at or near "1a"', "1a"),
        ("select a.b.c.d.e.*.f", "improper use of", "*.f"),
    ],
)
def test_a_syntax_error_is_postgresqls_with_its_place(sql: str, message: str, marked: str) -> None:
    with pytest.raises(errors.SyntaxError) as caught:
        parse(sql)
    assert message in caught.value.message
    if "improper" not in message:
        assert sql[caught.value.position :] == marked


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        (r"select E'\u06'", "22025"),
        (r"select U&'\061'", "42601"),
        (r"select E'\xff'", "22021"),
        ("select sum(a) over (rows unbounded following)", "42P20"),
        ("create table t (a float(0))", "22023"),
        ("select $0", "42P02"),
        ("select * from a.b.c", "0A000"),
        ("create table t (a int, check (a > 0) deferrable)", "0A000"),
    ],
)
def test_errors_of_the_parser_carry_postgresqls_sqlstate(sql: str, sqlstate: str) -> None:
    with pytest.raises(errors.Error) as caught:
        parse(sql)
    assert caught.value.sqlstate == sqlstate


@pytest.mark.parametrize("sql", ["select '\0'", "select \ud800"])
def test_text_that_postgresql_could_not_receive_is_refused(sql: str) -> None:
    with pytest.raises(errors.CharacterNotInRepertoire) as caught:
        parse(sql)
    assert caught.value.position in (7, 8)


@pytest.mark.parametrize(
    ("sql", "feature", "marked"),
    [
        ("create trigger x before insert on t execute function f()", "CREATE TRIGGER", "create"),
        ("create function f() returns int as 'x' language plpgsql", "LANGUAGE plpgsql", None),
        ("create extension x", "CREATE EXTENSION", "create"),
        ("create role x password 'y'", "PASSWORD of a role", "password"),
        ("listen x", "LISTEN", "listen"),
        ("do $$ begin end $$", "DO", "do"),
        ("alter table t enable row level security", "ROW SECURITY", "t enable"),
        ("select xmlelement(name a)", "XML function", "xmlelement"),
        ("prepare transaction 'x'", "two-phase commit", "prepare"),
        ("select a like any (select b)", "LIKE with ANY", "like"),
    ],
)
def test_a_missing_feature_is_named_with_its_place(
    sql: str, feature: str, marked: str | None
) -> None:
    with pytest.raises(errors.FeatureNotSupported) as caught:
        parse(sql)
    assert feature in caught.value.message
    assert caught.value.position is not None
    if marked is not None:
        assert sql[caught.value.position :].startswith(marked)


def test_the_place_counts_from_the_start_of_the_whole_text() -> None:
    sql = "select 1;\n-- ö\n  listen x; select 2"
    with pytest.raises(errors.FeatureNotSupported) as caught:
        parse(sql)
    assert sql[caught.value.position :].startswith("listen")


def test_statements_come_with_their_slices_of_the_text() -> None:
    sql = " select 'ä' ; ; /* x */ -- y\n select 2 \n;"
    pieces = parse(sql)
    assert [piece.text for piece in pieces] == ["select 'ä'", "select 2"]
    assert [sql[piece.start :][: len(piece.text)] for piece in pieces] == [
        piece.text for piece in pieces
    ]


@pytest.mark.parametrize("sql", ["", "select 1; select 2"])
def test_parse_one_wants_one(sql: str) -> None:
    with pytest.raises(errors.SyntaxError, match="expected one statement"):
        parse_one(sql)


DEEP = {
    "operators": "select " + "+".join(["1"] * 150_000),
    "unions": " union all ".join(["select 1"] * 20_000),
    "joins": "select 1 from a" + " join b on true" * 20_000,
    "tests": "select a" + " is null" * 60_000,
    "casts": "select a" + "::int" * 60_000,
    "subqueries": "select " + "(select " * 3_000 + "1" + ")" * 3_000,
    "negations": "select " + "not " * 6_000 + "true",
    "subscripts": "select a" + "[1]" * 20_000,
    "just within the reach of no check": "select " + "-+" * 3_900 + "a",
}


@pytest.mark.parametrize("name", DEEP)
def test_a_text_that_nests_too_deeply_is_an_error_even_on_a_small_stack(name: str) -> None:
    outcomes: list[BaseException | None] = []

    def attempt() -> None:
        try:
            parse(DEEP[name])
            outcomes.append(None)
        except BaseException as error:
            outcomes.append(error)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    (outcome,) = outcomes
    assert isinstance(outcome, errors.StatementTooComplex | errors.SyntaxError)


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "+".join(["1"] * 200),
        "select 1 from t where " + " or ".join([f"a = {i} and b = 'x'" for i in range(5_000)]),
        "insert into t values " + ", ".join([f"({i}, 'a(b', {i} + 1)" for i in range(3_000)]),
        "select a in (" + ", ".join(map(str, range(10_000))) + ")",
        "; ".join(["select 1 + 1 + 1"] * 2_000),
    ],
)
def test_long_but_flat_texts_pass(sql: str) -> None:
    assert parse(sql)


def test_the_library_is_postgresql_18() -> None:
    # What the lowering relies on in the raw tree: names as in PostgreSQL's source, zero values left out.
    (raw,) = libpg.parse_raw("select a, 0 from t")
    assert raw.node == {
        "SelectStmt": {
            "targetList": [
                {
                    "ResTarget": {
                        "val": {
                            "ColumnRef": {"fields": [{"String": {"sval": "a"}}], "location": 7}
                        },
                        "location": 7,
                    }
                },
                {"ResTarget": {"val": {"A_Const": {"ival": {}, "location": 10}}, "location": 10}},
            ],
            "fromClause": [
                {"RangeVar": {"relname": "t", "inh": True, "relpersistence": "p", "location": 17}}
            ],
            "limitOption": "LIMIT_OPTION_DEFAULT",
            "op": "SETOP_NONE",
        }
    }
    assert parse("create table t (a int, b int generated always as (a) virtual)")
