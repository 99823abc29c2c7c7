"""EXPLAIN's options: what is shown, in which form, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lungfish


@pytest.fixture
def connection() -> Iterator[lungfish.Connection]:
    with lungfish.connect(":memory:", autocommit=True) as made:
        made.execute("CREATE TABLE t (a int PRIMARY KEY, b text)")
        made.execute("CREATE TABLE u (a int, c text)")
        yield made


def _lines(connection: lungfish.Connection, sql: str) -> list[str]:
    return [line for (line,) in connection.execute(sql).fetchall()]


def test_verbose_names_schemas_and_lists_the_columns_of_each_node(
    connection: lungfish.Connection,
) -> None:
    found = _lines(
        connection, "EXPLAIN (VERBOSE, COSTS OFF) SELECT t.b, u.c FROM t JOIN u ON t.a = u.a"
    )
    assert "  Output: t.b, u.c" in found
    assert any("Seq Scan on public.u" in line for line in found)


def test_json_is_one_value_with_the_plan_inside(connection: lungfish.Connection) -> None:
    cursor = connection.execute("EXPLAIN (FORMAT JSON, VERBOSE) SELECT a FROM t")
    ((plan,),) = cursor.fetchall()
    assert plan[0]["Plan"]["Node Type"] == "Seq Scan"
    assert plan[0]["Plan"]["Schema"] == "public"
    assert plan[0]["Plan"]["Output"] == ["a"]


def test_yaml_and_xml_nest_the_nodes(connection: lungfish.Connection) -> None:
    sql = "SELECT * FROM t ORDER BY b"
    (yaml,) = _lines(connection, f"EXPLAIN (FORMAT YAML, COSTS OFF) {sql}")
    assert yaml.split("\n") == [
        "- Plan: ",
        '    Node Type: "Sort"',
        "    Parallel Aware: false",
        "    Async Capable: false",
        "    Disabled: false",
        "    Sort Key: ",
        '      - "b"',
        "    Plans: ",
        '      - Node Type: "Seq Scan"',
        '        Parent Relationship: "Outer"',
        "        Parallel Aware: false",
        "        Async Capable: false",
        '        Relation Name: "t"',
        '        Alias: "t"',
        "        Disabled: false",
    ]
    (xml,) = _lines(connection, f"EXPLAIN (FORMAT XML, COSTS OFF) {sql}")
    assert "      <Sort-Key>\n        <Item>b</Item>\n      </Sort-Key>" in xml
    assert "        <Plan>\n          <Node-Type>Seq Scan</Node-Type>" in xml


@pytest.mark.parametrize(
    ("options", "sqlstate"),
    [
        ("WAL", "22023"),
        ("TIMING", "22023"),
        ("SERIALIZE", "22023"),
        ("ANALYZE, GENERIC_PLAN", "22023"),
        ("FORMAT odd", "22023"),
        ("SERIALIZE odd", "22023"),
        ("BOGUS", "42601"),
        ("MEMORY", "0A000"),
        ("SETTINGS", "0A000"),
        ("ANALYZE, BUFFERS", "0A000"),
    ],
)
def test_options_that_mean_nothing_here_are_refused(
    connection: lungfish.Connection, options: str, sqlstate: str
) -> None:
    with pytest.raises(lungfish.Error) as caught:
        connection.execute(f"EXPLAIN ({options}) SELECT 1")
    assert caught.value.sqlstate == sqlstate


def test_statements_around_a_query_show_its_plan(connection: lungfish.Connection) -> None:
    connection.execute("PREPARE p AS SELECT * FROM t")
    for statement in (
        "CREATE TABLE x AS SELECT * FROM t",
        "DECLARE c CURSOR FOR SELECT * FROM t",
        "EXECUTE p",
    ):
        assert _lines(connection, f"EXPLAIN (COSTS OFF) {statement}") == ["Seq Scan on t"]
    assert connection.execute("SELECT to_regclass('x')").fetchall() == [(None,)]
