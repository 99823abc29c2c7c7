"""TABLESAMPLE's choice of rows: both forms agree, a seed decides everything, and the shares are right."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from lungfish.functions.registry import Function
from lungfish.functions.table_sample import sample_function

_RANDOM = random.Random(3)
ADDRESSES = [_RANDOM.randrange(2**40) for _ in range(20_000)]
BY_ROW, BY_PAGE = sample_function("bernoulli", 0), sample_function("system", 16)


def chosen(function: Function, percent: float, seed: float) -> list[bool]:
    assert function.vector is not None
    made = function.vector(
        pa.array(ADDRESSES), pa.scalar(percent, pa.float32()), pa.scalar(seed, pa.float64())
    )
    assert isinstance(made, pa.Array)
    return [bool(each) for each in made.to_pylist()]


@pytest.mark.parametrize("function", [BY_ROW, BY_PAGE])
def test_both_forms_choose_the_same_rows(function: Function) -> None:
    assert function.scalar is not None
    one_by_one = [function.scalar(address, 30.0, 0.5) for address in ADDRESSES]
    assert chosen(function, 30.0, 0.5) == one_by_one


def test_a_seed_decides_the_sample_and_another_seed_another() -> None:
    assert chosen(BY_ROW, 10, 1) == chosen(BY_ROW, 10, 1)
    assert chosen(BY_ROW, 10, 1) != chosen(BY_ROW, 10, 2)
    assert chosen(BY_ROW, 10, 0.0) == chosen(BY_ROW, 10, -0.0)


@pytest.mark.parametrize("percent", [0, 1, 25, 50, 99, 100])
def test_the_share_of_the_rows_is_the_one_asked_for(percent: int) -> None:
    share = sum(chosen(BY_ROW, percent, 11)) / len(ADDRESSES)
    # Five standard deviations.
    assert abs(share - percent / 100) <= 5 * (percent * (100 - percent) / 1e4 / 2e4) ** 0.5


def test_a_larger_sample_of_the_same_seed_holds_the_smaller_one() -> None:
    few, many = chosen(BY_ROW, 5, 4), chosen(BY_ROW, 20, 4)
    assert all(more for less, more in zip(few, many, strict=True) if less)


def test_a_page_is_chosen_whole() -> None:
    assert BY_PAGE.scalar is not None
    pages = [
        {BY_PAGE.scalar(page << 16 | slot, 50.0, 2.0) for slot in range(50)} for page in range(40)
    ]
    assert all(len(each) == 1 for each in pages)
    assert set().union(*pages) == {True, False}
