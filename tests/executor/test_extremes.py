"""min and max are the same whether or not an index has them at its end."""

from __future__ import annotations

import random
from typing import Any

import lungfish

COLUMNS = ("id", "a", "b", "t", "f", "n", "a + 1")
CONDITIONS = (
    "", "WHERE a = 2", "WHERE a IS NULL", "WHERE a > 1", "WHERE b > 3 AND b < 9", "WHERE t = 'a'", "WHERE id > 90000", "WHERE a = 2 AND b IS NOT NULL",
)  # fmt: skip
INDEXES = ("a", "b", "a, b", "a DESC, b DESC", "a, b NULLS FIRST", "b DESC NULLS LAST", "t, b", "f", "n", "a, t", "a, f")  # fmt: skip
QUERIES = [
    f"SELECT {name}({column}) FROM t {condition}"
    for name in ("min", "max")
    for column in COLUMNS
    for condition in CONDITIONS
]


def row(number: int, numbers: random.Random) -> tuple[Any, ...]:
    choose = numbers.choice
    return (
        number,
        choose((None, 1, 2, 3)),
        choose((None, *range(20))),
        choose((None, "a", "B", "é", "zz")),
        choose((None, float("nan"), 1.5, -2.0)),
        choose((None, 1, 2)),
    )


def test_an_index_changes_no_extreme() -> None:
    numbers = random.Random(1)
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE t (id int PRIMARY KEY, a int, b int, t text, f double precision, n numeric)"
        )
        rows = [row(number, numbers) for number in range(500)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
        before = {sql: repr(connection.execute(sql).fetchall()) for sql in QUERIES}
        for columns in INDEXES:
            connection.execute(f"CREATE INDEX ON t ({columns})")
        for sql in QUERIES:
            # Twice: planned, and as it is then run again.
            for _ in range(2):
                assert repr(connection.execute(sql).fetchall()) == before[sql], sql


def test_the_first_rows_of_an_index_are_read_and_no_more() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)")
        connection.execute("INSERT INTO t SELECT i, -i FROM generate_series(1, 2000) i")
        connection.execute("CREATE INDEX ON t (v)")
        for _ in range(2):
            assert connection.execute("SELECT max(id) FROM t").fetchval() == 2000
            assert connection.execute("SELECT min(v) FROM t WHERE v > -5").fetchval() == -4
            found = connection.execute("SELECT id FROM t ORDER BY v DESC LIMIT 3 OFFSET 2")
            assert found.fetchall() == [(3,), (4,), (5,)]
            assert connection.execute("SELECT id FROM t ORDER BY id LIMIT 0").fetchall() == []
        plan = connection.execute("EXPLAIN (ANALYZE, COSTS OFF) SELECT max(id) FROM t").fetchall()
        (scan,) = [line for (line,) in plan if "Index Scan" in line]
        assert "rows=2000" not in scan
