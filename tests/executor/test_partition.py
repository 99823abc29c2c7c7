from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lungfish.executor.partition import part_numbers
from lungfish.types.compare import grouping_key
from lungfish.types.sql_type import BYTEA, CHAR, DOUBLE, INTEGER, NUMERIC, TEXT, SqlType
from lungfish.types.vectors import build_vector

VALUES: dict[SqlType, st.SearchStrategy[Any]] = {
    INTEGER: st.integers(-5, 5),
    TEXT: st.sampled_from(["", "a", "b"]),
    CHAR: st.sampled_from(["a", "a  ", "b"]),
    DOUBLE: st.sampled_from([0.0, -0.0, float("nan"), 2.0]),
    NUMERIC: st.sampled_from([Decimal(1), Decimal("1.0"), Decimal("NaN"), Decimal("3.5")]),
    BYTEA: st.binary(max_size=2),
}


@given(
    st.sampled_from(list(VALUES)).flatmap(
        lambda t: st.tuples(st.just(t), st.lists(st.none() | VALUES[t]))
    )
)
def test_equal_keys_come_into_the_same_part(given_values: tuple[SqlType, list[Any]]) -> None:
    sql_type, values = given_values
    numbers = part_numbers([build_vector(values, sql_type)], [sql_type], 7).tolist()
    key = grouping_key(sql_type)
    seen: dict[Any, int] = {}
    for value, number in zip(values, numbers, strict=True):
        assert 0 <= number < 7
        assert seen.setdefault(key(value), number) == number


def test_parts_are_of_about_the_same_size() -> None:
    numbers = part_numbers([build_vector(list(range(10_000)), INTEGER)], [INTEGER], 8)
    sizes = [int((numbers == part).sum()) for part in range(8)]
    assert min(sizes) > 1_000


def test_parts_of_texts_do_not_depend_on_the_process() -> None:
    texts = build_vector(["a", "b", "c", "d", "e", "f"], TEXT)
    assert part_numbers([texts], [TEXT], 4).tolist() == [3, 3, 2, 3, 1, 1]
