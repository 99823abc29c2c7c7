"""PEP 249, and psycopg's additions."""

from __future__ import annotations

import datetime
import decimal
import gc
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lungfish


def test_the_module_says_what_pep_249_asks() -> None:
    assert (lungfish.apilevel, lungfish.threadsafety, lungfish.paramstyle) == ("2.0", 2, "qmark")
    assert issubclass(lungfish.IntegrityError, lungfish.DatabaseError)
    assert issubclass(lungfish.DatabaseError, lungfish.Error)


def test_a_cursor_fetches_in_every_way(connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT i FROM generate_series(1, 6) AS s(i)")
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany() == [(2,)]
    assert cursor.fetchmany(2) == [(3,), (4,)]
    assert cursor.fetchval() == 5
    assert list(cursor) == [(6,)]
    assert cursor.fetchone() is None


def test_description_and_rowcount(connection: Any) -> None:
    cursor = connection.execute(
        "SELECT 1 AS one, 'x'::varchar(3) AS word, 1.5::numeric(4,2) AS price"
    )
    assert [column.name for column in cursor.description] == ["one", "word", "price"]
    assert cursor.description[1].display_size == 3
    assert (cursor.description[2].precision, cursor.description[2].scale) == (4, 2)
    assert cursor.description[0].type_code == lungfish.NUMBER
    assert cursor.rowcount == 1
    created = connection.execute("CREATE TABLE t (a integer)")
    assert created.description is None
    assert created.statusmessage == "CREATE TABLE"
    assert connection.execute("INSERT INTO t VALUES (1), (2)").statusmessage == "INSERT 0 2"


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT ? + ?", (1, 2)),
        ("SELECT $1 + $2", (1, 2)),
        ("SELECT :a + :b", {"a": 1, "b": 2}),
        ("SELECT $a + $b", {"a": 1, "b": 2}),
        ("SELECT $2 + $1", (2, 1)),
    ],
)
def test_every_placeholder_style_works_without_a_setting(
    connection: Any, sql: str, parameters: Any
) -> None:
    assert connection.execute(sql, parameters).fetchval() == 3


def test_text_is_untouched_without_parameters(connection: Any) -> None:
    assert connection.execute("SELECT '100%', ':a', '?'").fetchone() == ("100%", ":a", "?")


def test_wrong_parameters_are_an_interface_error(connection: Any) -> None:
    with pytest.raises(lungfish.InterfaceError, match="takes 2 parameters, but 1"):
        connection.execute("SELECT ?, ?", (1,))
    with pytest.raises(lungfish.InterfaceError, match="no value is given for parameter b"):
        connection.execute("SELECT :a, :b", {"a": 1})


VALUES = [
    ("boolean", True),
    ("smallint", -7),
    ("integer", 2**31 - 1),
    ("bigint", -(2**63)),
    ("real", 1.5),
    ("double precision", 0.1),
    ("numeric", decimal.Decimal("12345678901234567890.0123456789")),
    ("numeric(10,2)", decimal.Decimal("-3.50")),
    ("text", "naïve ☃"),
    ("varchar(5)", "hello"),
    ("char(4)", "ab  "),
    ("bytea", b"\x00\xff"),
    ("date", datetime.date(2024, 2, 29)),
    ("time", datetime.time(23, 59, 59, 999999)),
    ("timestamp", datetime.datetime(2024, 2, 29, 12, 30, 0, 1)),
    ("timestamptz", datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)),
    ("interval", datetime.timedelta(days=3, seconds=5)),
    ("uuid", uuid.UUID("12345678-1234-5678-1234-567812345678")),
]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=[kind for kind, _ in VALUES])
def test_every_type_comes_back_as_it_went_in(connection: Any, kind: str, value: Any) -> None:
    connection.execute(f"CREATE TABLE t (id integer, v {kind})")
    connection.execute("INSERT INTO t VALUES (1, ?), (2, NULL)", (value,))
    rows = connection.execute("SELECT v FROM t ORDER BY id").fetchall()
    assert rows == [(value,), (None,)]
    assert isinstance(rows[0][0], type(value))


def test_row_factories(connection: Any) -> None:
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int

    sql = "SELECT 1 AS x, 2 AS y"

    def first(factory: Any) -> Any:
        return connection.cursor(row_factory=factory).execute(sql).fetchone()

    assert first(lungfish.dict_row) == {"x": 1, "y": 2}
    assert first(lungfish.namedtuple_row).y == 2
    assert first(lungfish.class_row(Point)) == Point(1, 2)
    assert first(lungfish.scalar_row) == 1
    assert first(lungfish.args_row(max)) == 2


def test_without_autocommit_nothing_stays_until_commit() -> None:
    with lungfish.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (a integer)")
        connection.commit()
        connection.execute("INSERT INTO t VALUES (1)")
        assert connection.in_transaction
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM t").fetchval() == 0


def test_leaving_with_commits_or_rolls_back_and_closes() -> None:
    with lungfish.connect(":memory:shared") as keeper:
        with lungfish.connect(":memory:shared") as first:
            first.execute("CREATE TABLE t (a integer)")
        assert first.closed
        with pytest.raises(ZeroDivisionError), lungfish.connect(":memory:shared") as second:
            second.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError
        assert keeper.execute("SELECT count(*) FROM t").fetchval() == 0


def test_transaction_blocks_nest_as_savepoints(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer)")
    with connection.transaction():
        connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("INSERT INTO t VALUES (2)")
            raise ZeroDivisionError
        with connection.transaction():
            connection.execute("INSERT INTO t VALUES (3)")
    assert connection.execute("SELECT a FROM t ORDER BY a").fetchall() == [(1,), (3,)]


def test_a_result_outlives_later_writes(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer)")
    connection.execute("INSERT INTO t SELECT i FROM generate_series(1, 100) AS s(i)")
    cursor = connection.execute("SELECT a FROM t")
    connection.execute("DELETE FROM t")
    assert len(cursor.fetchall()) == 100


def test_errors_carry_sqlstate_place_and_caret(connection: Any) -> None:
    with pytest.raises(lungfish.ProgrammingError) as caught:
        connection.execute("SELECT 1,\n  nosuch")
    error = caught.value
    assert error.sqlstate == "42703"
    assert error.line_and_column == (2, 3)
    assert error.diag.statement_position == 13
    assert str(error).splitlines()[1:3] == ["LINE 2:   nosuch", "          ^"]


def test_the_place_of_an_error_is_in_the_callers_text(connection: Any) -> None:
    with pytest.raises(lungfish.ProgrammingError) as caught:
        connection.execute("SELECT :first_value, nosuch", {"first_value": 1})
    assert caught.value.position == 21


def test_after_several_statements_the_cursor_shows_the_last_one(connection: Any) -> None:
    cursor = connection.execute("SELECT 1; SELECT 2, 3")
    assert cursor.fetchall() == [(2, 3)]
    assert cursor.nextset() is None
    connection.execute("CREATE TABLE t (a integer)")
    cursor = connection.cursor().execute("INSERT INTO t VALUES (7), (8); SELECT a FROM t")
    assert [column.name for column in cursor.description] == ["a"]
    assert (cursor.statusmessage, cursor.rowcount, cursor.fetchall()) == (
        "SELECT 2",
        2,
        [(7,), (8,)],
    )
    cursor.execute("SELECT 1; DELETE FROM t")
    assert (cursor.description, cursor.rowcount) == (None, 2)


def test_the_results_of_several_statements_can_be_gone_through(connection: Any) -> None:
    cursor = connection.execute("SELECT 1; SELECT 2; CREATE TABLE t (a integer); SELECT 4")
    shown = [
        each.fetchall() if each.description else each.statusmessage for each in cursor.results()
    ]
    assert shown == [[(1,)], [(2,)], "CREATE TABLE", [(4,)]]
    assert cursor.set_result(0).fetchall() == [(1,)]
    assert cursor.nextset() is True
    assert cursor.fetchone() == (2,)
    assert cursor.set_result(-1).fetchall() == [(4,)]
    assert cursor.set_result(1).fetchall() == [(2,)]
    for index in (4, -5):
        with pytest.raises(IndexError, match="the cursor has 4"):
            cursor.set_result(index)
    assert list(connection.execute("").results()) == []


def test_set_result_begins_anew_with_the_rows_of_a_short_statement(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (1), (2), (3)")
    for _ in range(3):
        cursor = connection.execute("SELECT a FROM t WHERE a >= ? ORDER BY a", (2,))
        assert cursor.fetchone() == (2,)
        assert cursor.set_result(0).fetchall() == [(2,), (3,)]


def test_rows_without_columns_have_a_description_that_is_true(connection: Any) -> None:
    for sql, count in (
        ("SELECT", 1),
        ("SELECT FROM generate_series(1, 3)", 3),
        ("SELECT FROM generate_series(1, 3) UNION SELECT", 1),
        ("SELECT FROM generate_series(1, 2) UNION ALL SELECT", 3),
        ("SELECT WHERE false", 0),
    ):
        cursor = connection.execute(sql)
        assert cursor.description
        assert cursor.description == []
        assert cursor.fetchall() == [()] * count
        assert cursor.rowcount == count
        assert connection.cursor().execute(sql).fetch_text() == [()] * count
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (1)")
    for row_factory in (lungfish.tuple_row, lungfish.scalar_row):
        for _ in range(3):
            cursor = connection.cursor(row_factory).execute("SELECT FROM t WHERE a = ?", (1,))
            with pytest.raises(lungfish.ProgrammingError, match="without columns"):
                cursor.fetchval()


def test_run_script_answers_a_result_for_each_statement(connection: Any) -> None:
    results = connection.run_script(
        "CREATE TABLE t (a integer);\nINSERT INTO t VALUES (:n);\nSELECT nosuch;",
        vars={"n": "7"},
        on_error="continue",
    )
    assert [result.tag for result in results] == ["CREATE TABLE", "INSERT 0 1", None]
    assert [result.line for result in results] == [1, 2, 3]
    assert results[2].error.sqlstate == "42703"
    assert connection.execute("SELECT a FROM t").fetchval() == 7


def test_executemany_adds_up_the_counts(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer, b text)")
    cursor = connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, str(n)) for n in range(10)])
    assert cursor.rowcount == 10
    assert connection.execute("SELECT sum(a) FROM t").fetchval() == 45


def test_executemany_is_all_or_nothing(connection: Any) -> None:
    connection.execute("CREATE TABLE t (a integer PRIMARY KEY)")
    with pytest.raises(lungfish.IntegrityError):
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (1,)])
    assert connection.execute("SELECT count(*) FROM t").fetchval() == 0


def test_a_closed_cursor_and_a_closed_connection_refuse(connection: Any) -> None:
    cursor = connection.execute("SELECT 1")
    cursor.close()
    with pytest.raises(lungfish.InterfaceError, match="cursor is closed"):
        cursor.fetchone()
    other = lungfish.connect(":memory:")
    other.close()
    with pytest.raises(lungfish.InterfaceError, match="connection is closed"):
        other.execute("SELECT 1")


def test_a_leaked_connection_warns() -> None:
    leaked = lungfish.connect(":memory:")
    with pytest.warns(ResourceWarning, match="never closed"):
        del leaked
        gc.collect()


def test_threads_share_a_named_memory_database() -> None:
    with (
        lungfish.connect(":memory:both", autocommit=True) as one,
        lungfish.connect(":memory:both", autocommit=True) as two,
    ):
        one.execute("CREATE TABLE t (a integer)")
        two.execute("INSERT INTO t VALUES (1)")
        assert one.execute("SELECT a FROM t").fetchval() == 1


def test_arrow_gives_a_table(connection: Any) -> None:
    table = connection.execute("SELECT i, i::text AS t FROM generate_series(1, 3) AS s(i)").arrow()
    assert table.to_pydict() == {"i": [1, 2, 3], "t": ["1", "2", "3"]}


def test_a_program_ends_that_never_closed_its_connection(tmp_path: Path) -> None:
    path = tmp_path / "left_open.db"
    program = (
        f"import lungfish; c = lungfish.connect({str(path)!r});"
        " c.execute('CREATE TABLE t AS SELECT 1 AS a'); c.commit()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    with lungfish.connect(path) as connection:
        assert connection.execute("SELECT a FROM t").fetchall() == [(1,)]
