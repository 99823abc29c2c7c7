"""Large constants beside many rows: their copies come in several batches, so that a statement can be stopped between them."""

from __future__ import annotations

import pyarrow as pa

import lungfish
from lungfish.executor.expressions.vectors import spread

MEBIBYTE = 1024 * 1024


def test_large_constants_are_copied_in_several_batches() -> None:
    numbers = pa.array(range(50))
    batches = list(spread([pa.scalar("x" * MEBIBYTE), numbers, pa.scalar(None)], 50))
    assert len(batches) > 3
    assert sum(batch.row_count for batch in batches) == 50
    assert pa.concat_arrays([batch.columns[1] for batch in batches]) == numbers
    for batch in batches:
        assert {len(column) for column in batch.columns} == {batch.row_count}
        assert set(batch.columns[0].to_pylist()) == {"x" * MEBIBYTE}


def test_one_row_whose_constant_is_larger_than_a_batch_should_be_is_a_batch() -> None:
    batches = list(spread([pa.scalar("x" * 20 * MEBIBYTE)], 2))
    assert [batch.row_count for batch in batches] == [1, 1]


def test_small_constants_come_in_one_batch_as_no_rows_do() -> None:
    assert [batch.row_count for batch in spread([pa.scalar("x"), pa.scalar(7)], 65536)] == [65536]
    assert [batch.row_count for batch in spread([pa.scalar("x" * MEBIBYTE)], 0)] == [0]


def test_rows_beside_a_large_constant_are_all_there() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        rows = connection.execute(
            "SELECT i, repeat('ab', 250000) FROM generate_series(1, 200) i"
        ).fetchall()
    assert [(number, len(text)) for number, text in rows] == [(i, 500_000) for i in range(1, 201)]
