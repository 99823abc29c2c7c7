"""Small answers on which PostgreSQL 18 is particular."""

from __future__ import annotations

from typing import Any

import pytest

import lungfish
from lungfish import errors
from lungfish.storage import ManualClock


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("concat(VARIADIC NULL::int[])", None),
        ("concat_ws(',', VARIADIC NULL::int[])", None),
        ("num_nulls(VARIADIC NULL::int[])", None),
        ("format('x', VARIADIC NULL::int[])", "x"),
    ],
)
def test_a_variadic_null_is_null_except_to_format(
    connection: Any, call: str, answer: str | None
) -> None:
    assert connection.execute(f"SELECT {call}").fetch_text() == [(answer,)]


def test_distinct_needs_a_column(connection: Any) -> None:
    with pytest.raises(Exception, match="must have at least one column") as raised:
        connection.execute("SELECT DISTINCT t.* FROM (SELECT) t")
    assert raised.value.sqlstate == "42601"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("statement", "tag"),
    [
        ("SET timezone = 'UTC'", "SET"),
        ("SET timezone TO DEFAULT", "SET"),
        ("RESET timezone", "RESET"),
        ("RESET ALL", "RESET"),
    ],
)
def test_reset_answers_reset(connection: Any, statement: str, tag: str) -> None:
    assert connection.execute(statement).statusmessage == tag


def test_a_function_of_a_row_is_a_table_of_its_fields(connection: Any) -> None:
    connection.execute("CREATE TYPE pair AS (a bigint, b bigint)")
    connection.execute(
        "CREATE FUNCTION make_pair(bigint, bigint) RETURNS pair"
        " LANGUAGE sql AS 'SELECT row($1, $2)::pair'"
    )
    found = connection.execute("SELECT *, a + b FROM make_pair(1, 2) WITH ORDINALITY")
    assert found.fetch_text() == [("1", "2", "1", "3")]


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("format_type(23, NULL)", "integer"),
        ("timezone('AAA5BBB', timestamp '2024-07-01')", "2024-07-01 04:00:00+00"),
        ("timezone('AAA5BBB', timestamp '2024-12-01')", "2024-12-01 05:00:00+00"),
        ("timezone('AAA5BBB', timestamp '0044-03-15 BC')", "0044-03-15 04:00:00+00 BC"),
        ("stddev(x) FROM (VALUES (1), (300)) AS v (x)", "211.424927574778"),
        ("timezone('123', timestamp '2024-02-29')", "2024-03-05 03:00:00+00"),
        ("timezone('00:00'::time - '24:00'::time, '12:34:56.5-08'::timetz)", "20:34:56.5-24"),
        ("regexp_replace('foo(bar)', '\\(o*\\)(', '<\\1>', 'b')", "f<oo>bar)"),
        ("regexp_match('aab', '^*a\\{2\\}', 'b')", None),
        ("regexp_match('*x+', '*x+$', 'b')", "{*x+}"),
        ("regexp_match('a\\b', 'a[\\]b', 'b')", '{"a\\\\b"}'),
        ("set_bit(convert_to('a', 'nonsense'), NULL, NULL)", None),
    ],
)
def test_what_random_queries_found(connection: Any, expression: str, answer: str | None) -> None:
    connection.execute("SET timezone = 'UTC'")
    assert connection.execute(f"SELECT {expression}").fetch_text() == [(answer,)]


@pytest.mark.parametrize(
    ("expression", "sqlstate"),
    [
        ("timezone('infinity'::interval, '12:00+01'::timetz) < NULL", "22023"),
        ("extract(year FROM time '12:00') > NULL::numeric", "0A000"),
        ("overlay('ab' PLACING 'xyz' FROM 2147483647)", "22003"),
    ],
)
def test_constants_raise_beside_a_null(connection: Any, expression: str, sqlstate: str) -> None:
    with pytest.raises(lungfish.Error) as raised:
        connection.execute(f"SELECT {expression}")
    assert raised.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    ("query", "raises"),
    [
        ("SELECT 1 / 0 FROM empty", True),
        ("SELECT CASE WHEN a > 0 THEN 1 / 0 END FROM empty", True),
        ("SELECT CASE WHEN false THEN 1 / 0 END", False),
        ("SELECT coalesce(1, 1 / 0)", False),
        ("SELECT a FROM empty WHERE false AND 1 / 0 = 1", False),
        ("SELECT a FROM empty WHERE 1 / 0 = 1 AND false", True),
        ("SELECT a FROM empty WHERE a IN (SELECT 1 / 0)", True),
        ("SELECT 1 WHERE EXISTS (SELECT 1 / 0 FROM empty)", False),
        ("SELECT a FROM (SELECT a, 1 / 0 AS b FROM empty) AS s", False),
        ("SELECT b FROM (SELECT a, 1 / 0 AS b FROM empty) AS s", True),
        ("WITH q AS (SELECT 1 / 0) SELECT 1", False),
        ("UPDATE empty SET a = 1 / 0 WHERE false", True),
        ("CREATE TEMPORARY VIEW v AS SELECT 1 / 0 AS x", False),
    ],
)
def test_constants_raise_before_any_row_is_read(connection: Any, query: str, raises: bool) -> None:
    connection.execute("CREATE TABLE empty (a integer)")
    if not raises:
        connection.execute(query)
        return
    with pytest.raises(lungfish.errors.DivisionByZero) as raised:
        connection.execute(query)
    assert query[raised.value.position :].startswith("/ 0")


def test_a_common_type_has_the_modifiers_that_all_have(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT coalesce(a, b) AS wide, greatest(a, c) AS same, ARRAY[a, b] AS list"
        " FROM (SELECT 1::numeric(8,2) AS a, 0.125::numeric AS b, 7::numeric(8,2) AS c) AS s"
    )
    types = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetch_text()
    assert types == [("numeric",), ("numeric(8,2)",), ("numeric[]",)]
    assert connection.execute("SELECT sum(greatest(wide, 0.125)) FROM t").fetchval() == 1


def test_merge_returns_what_it_did(connection: Any) -> None:
    connection.execute("CREATE TABLE t (id integer PRIMARY KEY, a integer)")
    connection.execute("INSERT INTO t VALUES (1, 10)")
    done = connection.execute(
        "MERGE INTO t USING (VALUES (1, 5), (3, 6)) AS s (k, v) ON t.id = s.k WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v) RETURNING t.id, a, old.a, new.a, v"
    ).fetchall()
    assert sorted(done) == [(1, 10, 10, None, 5), (3, 6, None, 6, 6)]


@pytest.fixture
def functions(connection: Any) -> Any:
    connection.execute("CREATE SEQUENCE s")
    for name, strict, body in (
        ("doubled", "", "a + a"),
        ("raised", "STRICT", "a + 1"),
        ("counted", "", "(SELECT max(g + $1) FROM generate_series(1, 3) g)"),
    ):
        connection.execute(
            f"CREATE FUNCTION {name}(a bigint) RETURNS bigint LANGUAGE sql {strict} AS 'SELECT {body}'"
        )
    return connection


def test_a_volatile_argument_of_an_sql_function_is_evaluated_once(functions: Any) -> None:
    for number, (name, answer) in enumerate([("doubled", 2), ("raised", 3), ("counted", 6)], 1):
        assert functions.execute(f"SELECT {name}(nextval('s'))").fetchval() == answer
        assert functions.execute("SELECT last_value FROM s").fetchval() == number


@pytest.mark.parametrize(
    "expression",
    ["CASE nextval('s') WHEN 5 THEN 5 WHEN 2 THEN 2 END", "NULLIF(nextval('s'), 100)"],
)
def test_a_volatile_operand_that_would_be_compared_again_is_refused(
    connection: Any, expression: str
) -> None:
    connection.execute("CREATE SEQUENCE s")
    with pytest.raises(errors.FeatureNotSupported, match="volatile function in the operand"):
        connection.execute(f"SELECT {expression}")
    single = "SELECT CASE nextval('s') WHEN 1 THEN 'first' END"
    assert connection.execute(single).fetch_text() == [("first",)]


def test_pg_sleep_waits_by_the_clock_and_can_be_stopped(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = connection._session
    clock = ManualClock()
    monkeypatch.setattr(session.database, "clock", clock)
    assert connection.execute("SELECT pg_sleep(1.5)").fetch_text() == [("",)]
    assert clock.monotonic_s() == pytest.approx(1.5)

    def stop(seconds: float) -> None:
        del seconds
        connection.cancel()

    monkeypatch.setattr(clock, "sleep", stop)
    with pytest.raises(errors.QueryCanceled):
        connection.execute("SELECT pg_sleep('infinity')")
