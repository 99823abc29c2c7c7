"""Every operator looks whether it was asked to stop: at so many rows at most, and it stops there.

How long a statement runs on is no matter of a clock here: the flag counts how often it is looked at, and is raised at a given look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lungfish
from lungfish.executor import slices
from lungfish.executor.cancellation import Cancellation

ROW_COUNT = 20_000


class CountedCancellation(Cancellation):
    """A flag that is raised when it is looked at for the n-th time, and after that stays so."""

    def __init__(self) -> None:
        self.look_count = 0
        self.limit: int | None = None
        super().__init__()

    @property
    def is_requested(self) -> bool:
        self.look_count += 1
        return self.limit is not None and self.look_count >= self.limit

    @is_requested.setter
    def is_requested(self, value: bool) -> None:
        """What a new statement resets is the tests' own affair."""


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Any, CountedCancellation]]:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        cancellation = CountedCancellation()
        connection._session.cancellation = cancellation
        connection.execute(
            f"CREATE TABLE t AS SELECT i, i % 100 AS k, i::text AS s FROM generate_series(1, {ROW_COUNT}) g(i)"
        )
        connection.execute("CREATE TABLE u (i integer PRIMARY KEY, k integer, s text)")
        connection.execute("INSERT INTO u SELECT * FROM t")
        yield connection, cancellation


# Each with the number of rows that it goes through, as a multiple of ROW_COUNT.
STATEMENTS = [
    ("SELECT * FROM t", 1),
    ("SELECT count(*) FROM generate_series(1, 200000)", 10),
    ("SELECT * FROM t ORDER BY s", 1),
    ("SELECT * FROM t ORDER BY s LIMIT 5", 1),
    ("SELECT count(*) FROM t a JOIN t b ON a.i = b.i", 2),
    ("SELECT count(*) FROM t a LEFT JOIN u b ON a.i = b.i AND a.s > b.s", 2),
    ("SELECT count(*) FROM t a, generate_series(1, 50) b", 50),
    ("SELECT count(*) FROM t a JOIN generate_series(1, 20) b ON a.i + b > 7", 20),
    ("SELECT k, count(DISTINCT s) FROM t GROUP BY k", 1),
    ("SELECT k, string_agg(s, ',' ORDER BY s) FROM t GROUP BY k", 2),
    ("SELECT DISTINCT s FROM t", 1),
    ("SELECT s FROM t UNION SELECT s FROM u", 2),
    ("SELECT s FROM t EXCEPT SELECT s FROM u", 2),
    ("SELECT sum(i) OVER (ORDER BY s) FROM t", 1),
    ("SELECT sum(i) OVER (PARTITION BY k ORDER BY i ROWS 5 PRECEDING) FROM t", 1),
    ("SELECT avg(i) OVER (ORDER BY i ROWS BETWEEN 9 PRECEDING AND 3000 FOLLOWING) FROM t", 7),
    ("SELECT min(s) OVER (ORDER BY i ROWS BETWEEN 900 PRECEDING AND 7 FOLLOWING) FROM t", 3),
    (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 400) SELECT count(*) FROM r",
        0,
    ),
    ("SELECT (SELECT max(b.i) FROM u b WHERE b.i = a.i + a.k) FROM t a", 1),
    ("SELECT * FROM u WHERE i > 0 ORDER BY i", 1),
    ("UPDATE t SET k = k + 0", 1),
    ("UPDATE u SET s = s WHERE i > 0", 1),
    ("INSERT INTO t SELECT i, k, s FROM u", 1),
    ("INSERT INTO u SELECT i + 100000, k, s FROM t", 1),
    ("INSERT INTO u SELECT i, k, s FROM t ON CONFLICT DO NOTHING", 1),
    ("DELETE FROM t", 1),
    ("MERGE INTO u USING t ON u.i = t.i WHEN MATCHED THEN UPDATE SET k = 1", 2),
    ("CREATE TABLE v AS SELECT * FROM t", 1),
    ("CREATE INDEX ON t (s, k)", 1),
    ("ALTER TABLE t ALTER k TYPE text", 1),
    ("ALTER TABLE t ADD FOREIGN KEY (i) REFERENCES u", 1),
    ("SELECT regexp_replace(s, '[1-4]+', 'x', 'g') FROM t", 1),
]


@pytest.mark.parametrize(("sql", "times"), STATEMENTS)
def test_a_statement_looks_often_and_stops_where_it_is_told(
    shared: tuple[Any, CountedCancellation],
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    times: float,
) -> None:
    connection, cancellation = shared
    # By the second run it is known that the expressions are quick, so that the batches are not looked at by slices any more.
    monkeypatch.setattr(slices, "SLICE_S", 1e9)
    for _ in range(2):
        connection.execute("BEGIN")
        cancellation.look_count, cancellation.limit = 0, None
        connection.execute(sql)
        connection.execute("ROLLBACK")
    looks = cancellation.look_count
    # A batch is 65,536 rows at most; whatever goes row by row looks every thousand or so.
    assert looks > times * ROW_COUNT / 70_000
    # The first look is that of a statement that begins: it forgets what was asked of an earlier one.
    for at in sorted({2, (looks + 1) // 2, looks - 3 if looks > 4 else 2}):
        connection.execute("BEGIN")
        cancellation.look_count, cancellation.limit = 0, at
        with pytest.raises(lungfish.errors.QueryCanceled):
            connection.execute(sql)
        assert cancellation.look_count <= at + 2
        cancellation.limit = None
        connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM t").fetchval() == ROW_COUNT


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT regexp_match(repeat(s, 50000), '(2|22)+[0-4]*(y|9)') FROM t WHERE i IN (2, 22)",
        r"SELECT repeat(s, 40) || 'b' || repeat(s, 41) ~ '(2*)(2*)b\2\1$' FROM t WHERE i = 2",
        "SELECT repeat(s, 2000000) || 'x' ILIKE '%2_2_3%2_5' FROM t WHERE i = 22",
    ],
)
def test_a_function_stops_in_the_middle_of_one_value(
    shared: tuple[Any, CountedCancellation], sql: str
) -> None:
    connection, cancellation = shared
    # Automata remember their states, and look less often when they know them.
    for _ in range(2):
        cancellation.look_count, cancellation.limit = 0, None
        connection.execute(sql)
    looks = cancellation.look_count
    assert looks > 5
    for at in (looks // 2, looks - 1):
        cancellation.look_count, cancellation.limit = 0, at
        with pytest.raises(lungfish.errors.QueryCanceled):
            connection.execute(sql)
        assert cancellation.look_count <= at + 2
    cancellation.limit = None


def test_a_copy_stops_where_it_is_told(shared: tuple[Any, CountedCancellation]) -> None:
    connection, cancellation = shared
    lines = [f"{number}\t1\tx\n" * 500 for number in range(40)]
    for at in (2, 3):
        cancellation.look_count, cancellation.limit = 0, at
        with (
            pytest.raises(lungfish.errors.QueryCanceled),
            connection.copy("COPY t FROM STDIN") as copy,
        ):
            for each in lines:
                copy.write(each)
        cancellation.limit = None
    assert connection.execute("SELECT count(*) FROM t").fetchval() == ROW_COUNT
