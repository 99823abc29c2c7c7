from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.executor.integer_codes import IntegerCodes, PairCodes
from lungfish.executor.key_codes import UNKNOWN, RowCodes
from lungfish.types.compare import grouping_key
from lungfish.types.sql_type import (
    BOOLEAN,
    CHAR,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    TEXT,
    Interval,
    SqlType,
)
from lungfish.types.vectors import build_vector

WIDE = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(-50, 50)
MANY = st.integers(-100_000, 100_000)


@given(st.lists(st.lists(st.one_of(NEAR, MANY, WIDE), max_size=20), max_size=8))
def test_equal_integers_share_a_code_and_codes_are_dense(batches: list[list[int]]) -> None:
    codes = IntegerCodes()
    model: dict[int, int] = {}
    for batch in batches:
        found = codes.encode(np.array(batch, np.int64)).tolist()
        for value, code in zip(batch, found, strict=True):
            assert model.setdefault(value, code) == code
        assert sorted(model.values()) == list(range(codes.count))


@given(st.lists(st.one_of(NEAR, WIDE)), st.lists(st.one_of(NEAR, WIDE)))
def test_looking_up_an_integer_adds_nothing(known: list[int], asked: list[int]) -> None:
    codes = IntegerCodes()
    model = dict(zip(known, codes.encode(np.array(known, np.int64)).tolist(), strict=True))
    count = codes.count
    found = codes.lookup(np.array(asked, np.int64)).tolist()
    assert found == [model.get(value, UNKNOWN) for value in asked]
    assert codes.count == count


def test_a_table_that_grows_downwards_stays_a_table() -> None:
    codes = IntegerCodes()
    for start in range(1_000_000, 0, -10_000):
        codes.encode(np.arange(start, start + 10_000))
    assert codes.count == 1_000_000
    assert codes.lookup(np.array([10_000, 1_009_999, 9_999])).tolist()[2] == UNKNOWN


@given(
    st.lists(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 700)), max_size=30), max_size=6)
)
def test_pairs_keep_their_codes_when_the_second_part_outgrows_its_place(
    batches: list[list[tuple[int, int]]],
) -> None:
    codes = PairCodes()
    model: dict[tuple[int, int], int] = {}
    for batch in batches:
        first = np.array([pair[0] for pair in batch], np.int64)
        second = np.array([pair[1] for pair in batch], np.int64)
        found = codes.encode(first, second).tolist()
        for pair, code in zip(batch, found, strict=True):
            if -1 in pair:
                assert code == UNKNOWN
            else:
                assert model.setdefault(pair, code) == code
        assert codes.lookup(first, second).tolist() == found
    assert codes.count == len(model)


VALUES: dict[SqlType, st.SearchStrategy[Any]] = {
    INTEGER: st.integers(-3, 3),
    TEXT: st.sampled_from(["", "a", "A", "ä", "a "]),
    CHAR: st.sampled_from(["a", "a  ", "b", ""]),
    DOUBLE: st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")]),
    NUMERIC: st.sampled_from([Decimal(x) for x in ("1", "1.0", "1.00", "-0", "0", "NaN", "2.5")]),
    INTERVAL: st.sampled_from([Interval(1, 0, 0), Interval(0, 30, 0), Interval(0, 0, 1)]),
    BOOLEAN: st.booleans(),
}


@st.composite
def key_columns(draw: st.DrawFn) -> tuple[list[SqlType], list[bool], list[list[tuple[Any, ...]]]]:
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
    null_equals = [draw(st.booleans()) for _ in types]
    row = st.tuples(*(st.none() | VALUES[each] for each in types))
    return types, null_equals, draw(st.lists(st.lists(row, max_size=8), max_size=4))


@given(key_columns())
def test_rows_have_equal_codes_exactly_if_sql_calls_them_equal(
    given_rows: tuple[list[SqlType], list[bool], list[list[tuple[Any, ...]]]],
) -> None:
    types, null_equals, batches = given_rows
    keys = [grouping_key(each) for each in types]
    codes = RowCodes(types, null_equals)
    model: dict[tuple[Any, ...], int] = {}
    for rows in batches:
        columns = [
            build_vector([row[index] for row in rows], each) for index, each in enumerate(types)
        ]
        found = codes.encode(columns, len(rows)).tolist()
        assert codes.lookup(columns, len(rows)).tolist() == found
        for row, code in zip(rows, found, strict=True):
            if any(
                value is None and not same for value, same in zip(row, null_equals, strict=True)
            ):
                assert code == UNKNOWN
            else:
                model_key = tuple(key(value) for key, value in zip(keys, row, strict=True))
                assert model.setdefault(model_key, code) == code
    assert codes.count == len(model)
    assert sorted(model.values()) == list(range(len(model)))


@pytest.mark.parametrize("count", [0, 5])
def test_rows_without_key_columns_are_one_group(count: int) -> None:
    assert RowCodes([]).encode([], count).tolist() == [0] * count
    assert RowCodes([]).count == 1
