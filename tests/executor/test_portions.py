"""Batches are bounded in bytes: wide rows come in small batches, whatever makes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import lungfish
from lungfish.connection import Connection
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.portions import RowPortions, cuts, row_widths
from lungfish.executor.rows import rows_batches
from lungfish.types.batch import BATCH_BYTES, BATCH_ROW_COUNT
from lungfish.types.sql_type import INTEGER, TEXT
from lungfish.types.vectors import build_vector

# Batches are made before their width is known, so that some come out larger than they should.
LARGEST = 3 * BATCH_BYTES
WIDE = 200_000
QUERIES = [
    "SELECT i, repeat('x', 200000) || i FROM generate_series(1, 1000) g(i)",
    "SELECT body FROM wide",
    "SELECT body FROM wide WHERE i > 0 ORDER BY i DESC",
    "SELECT body FROM wide ORDER BY body",
    "SELECT DISTINCT body FROM wide",
    "SELECT body, count(*) FROM wide GROUP BY body",
    "SELECT max(repeat(i::text, 100000)) FROM generate_series(1, 1000) g(i) GROUP BY i",
    "SELECT a.body FROM wide a JOIN wide b ON a.i % 10 = b.i % 10",
    "SELECT a.body, b.i FROM wide a LEFT JOIN wide b ON a.i < b.i AND b.i < 20",
    "SELECT a.body FROM wide a, LATERAL (SELECT 1 FROM generate_series(1, 1 + a.i % 3)) l",
    "SELECT l.x FROM wide a, LATERAL (SELECT a.body || 'x' AS x) l",
    "SELECT body, generate_series(1, 5) FROM wide",
    "SELECT body, row_number() OVER (ORDER BY i) FROM wide",
    "SELECT body FROM wide EXCEPT SELECT body FROM wide WHERE i = 1",
    "WITH w AS MATERIALIZED (SELECT body FROM wide) SELECT a.body FROM w a, w b LIMIT 1000",
]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE TABLE wide (i integer PRIMARY KEY, body text)")
        connection.execute(
            f"INSERT INTO wide SELECT i, rpad(i::text, {WIDE}, 'x') FROM generate_series(1, 300) g(i)"
        )
        yield connection


@pytest.mark.parametrize("query", QUERIES)
def test_no_batch_of_wide_rows_is_much_larger_than_a_batch_should_be(
    connection: Connection, query: str
) -> None:
    batches = connection.execute(query)._result().batches
    sizes = [batch_size_bytes(batch) for batch in batches]
    assert sum(sizes) > LARGEST
    assert max(sizes) <= LARGEST


def test_portions_follow_the_width_of_what_was_made() -> None:
    portions = RowPortions()
    first = portions.row_count
    portions.note(first, first)
    assert portions.row_count > first
    portions.note(1000, 1000 * BATCH_BYTES // 10)
    assert portions.row_count == 10
    portions.note(10, 1000 * BATCH_BYTES)
    assert portions.row_count == 1


def test_rows_of_numbers_come_in_whole_batches() -> None:
    batches = list(rows_batches(((i,) for i in range(BATCH_ROW_COUNT + 1)), [INTEGER]))
    assert [batch.row_count for batch in batches] == [BATCH_ROW_COUNT, 1]


def test_the_widths_of_rows_are_those_of_their_long_values() -> None:
    texts = build_vector(["abc", None, "", "\u00e4\u00f6"], TEXT)
    numbers = build_vector([1, 2, 3, 4], INTEGER)
    assert row_widths([numbers]) is None
    widths = row_widths([texts, numbers, texts])
    assert widths is not None
    assert widths.tolist() == [6, 0, 0, 8]
    tail = row_widths([texts.slice(3)])
    assert tail is not None
    assert tail.tolist() == [4]


def test_cuts_keep_within_the_size_or_are_one_row() -> None:
    slices = list(cuts(np.array([3, 3, 5, 20, 1, 0, 9]), 10))
    assert [(each.start, each.stop) for each in slices] == [(0, 2), (2, 3), (3, 4), (4, 7)]
    assert list(cuts(np.zeros(0, np.int64), 10)) == []
