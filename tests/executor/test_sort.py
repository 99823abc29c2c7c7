from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lungfish
from lungfish import errors
from lungfish.executor import external_sort
from lungfish.planner.expressions import BoundExpression, SortKey
from lungfish.planner.physical import Limit, PhysicalPlan, Sort, TopN
from lungfish.types.compare import compare_values
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    TEXT,
    UUID,
    Interval,
    SqlType,
    TypeKind,
)
from tests.executor.world import World, col, columns, const, key, values

Row = tuple[Any, ...]

ENUM = SqlType(TypeKind.ENUM, name="mood", labels=("sad", "ok", "happy"))
VALUES: dict[SqlType, st.SearchStrategy[Any]] = {
    INTEGER: st.integers(-3, 3),
    DATE: st.integers(-(2**31), 2**31 - 1),
    TEXT: st.sampled_from(["", "a", "B", "b", "ä", "zz", "\U0001f600"]),
    CHAR: st.sampled_from(["a", "a ", "b", ""]),
    DOUBLE: st.sampled_from([0.0, -0.0, -1.5, float("nan"), float("inf"), float("-inf"), 5e-324]),
    NUMERIC: st.one_of(
        st.sampled_from([Decimal(x) for x in ("1", "1.00", "-7", "0", "10", "-0.5", "2.5")]),
        st.sampled_from([Decimal("-1e30"), Decimal("1e-40"), Decimal("-1e-37"), Decimal("1e90")]),
        st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")]),
    ),
    INTERVAL: st.builds(Interval, st.integers(-2, 2), st.integers(-40, 40), st.integers(-5, 5)),
    BOOLEAN: st.booleans(),
    UUID: st.binary(min_size=16, max_size=16),
    ENUM: st.sampled_from(ENUM.labels),
}


@st.composite
def sortable(draw: st.DrawFn) -> tuple[list[SqlType], list[SortKey], list[Row]]:
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
    keys = [
        key(index, each, is_descending=draw(st.booleans()), nulls_first=draw(st.booleans()))
        for index, each in enumerate(types)
    ]
    rows = draw(st.lists(st.tuples(*(st.none() | VALUES[each] for each in types)), max_size=12))
    numbered = [(*row, number) for number, row in enumerate(rows)]
    return [*types, INTEGER], keys, numbered


def naive_sort(rows: list[Row], keys: list[SortKey]) -> list[Row]:
    """Sort by comparing pairs of rows, key by key."""

    def compare(one: Row, other: Row) -> int:
        for index, each in enumerate(keys):
            a, b = one[index], other[index]
            if a is None or b is None:
                order = (a is None) - (b is None)
                order = -order if each.nulls_first else order
            else:
                order = compare_values(a, b, each.expression.type)
                order = -order if each.is_descending else order
            if order:
                return order
        return 0

    return sorted(rows, key=functools.cmp_to_key(compare))


@given(sortable())
def test_rows_are_sorted_as_postgresql_sorts_them_and_equal_ones_stay(
    given_rows: tuple[list[SqlType], list[SortKey], list[Row]],
) -> None:
    types, keys, rows = given_rows
    source = values(rows, *types)
    found = WORLD.rows(Sort(source, tuple(keys), source.columns))
    assert [row[-1] for row in found] == [row[-1] for row in naive_sort(rows, keys)]


def limit_of(count: int | None) -> BoundExpression:
    return const(count, BIGINT)


@given(sortable(), st.none() | st.integers(0, 14), st.none() | st.integers(0, 14))
def test_top_n_is_sort_and_limit(
    given_rows: tuple[list[SqlType], list[SortKey], list[Row]],
    limit: int | None,
    offset: int | None,
) -> None:
    types, keys, rows = given_rows
    source = values(rows, *types)
    found = WORLD.rows(TopN(source, tuple(keys), limit_of(limit), limit_of(offset), source.columns))
    ordered = naive_sort(rows, keys)[offset or 0 :]
    expected = ordered if limit is None else ordered[:limit]
    assert [row[-1] for row in found] == [row[-1] for row in expected]


@given(st.lists(st.none() | st.integers(0, 4), max_size=12), st.integers(0, 14), st.integers(0, 5))
def test_with_ties_adds_the_rows_equal_to_the_last(
    numbers: list[int | None], limit: int, offset: int
) -> None:
    rows = naive_sort([(number,) for number in numbers], [key(0, INTEGER)])
    source = values(rows, INTEGER)
    plan = Limit(
        source, limit_of(limit), limit_of(offset), True, (key(0, INTEGER),), source.columns
    )
    expected = rows[offset : offset + limit]
    if expected:
        expected += [row for row in rows[offset + limit :] if row == expected[-1]]
    assert WORLD.rows(plan) == expected


def test_a_limit_takes_batches_apart(world: World) -> None:
    from_batches = many_rows(40_000)
    plan = Limit(from_batches, limit_of(10_000), limit_of(30_000), False, (), from_batches.columns)
    assert [row[0] for row in world.rows(plan)] == list(range(30_000, 40_000))


def many_rows(count: int) -> PhysicalPlan:
    return values([(number,) for number in range(count)], INTEGER)


@pytest.mark.parametrize(
    ("limit", "offset", "error"),
    [
        (-1, None, errors.InvalidRowCountInLimitClause),
        (1, -1, errors.InvalidRowCountInResultOffsetClause),
    ],
)
def test_negative_limits_are_refused(
    world: World, limit: int, offset: int | None, error: type[errors.Error]
) -> None:
    source = values([(1,)], INTEGER)
    with pytest.raises(error):
        world.rows(Limit(source, limit_of(limit), limit_of(offset), False, (), source.columns))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.none() | st.integers(0, 50), min_size=50, max_size=400), st.integers(1, 40))
def test_a_sort_that_does_not_fit_into_memory_gives_the_same(
    numbers: list[int | None], batch_rows: int
) -> None:
    world = World()
    world.memory_bytes = 600
    rows = [(number, place) for place, number in enumerate(numbers)]
    source = values(rows, INTEGER, INTEGER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", batch_rows)
        patch.setattr(external_sort, "_RUN_BYTES_MIN", 1)
        found = world.rows(Sort(source, (key(0, INTEGER, is_descending=True),), source.columns))
        leftovers = world.disk.list("spill")
    assert found == naive_sort(rows, [key(0, INTEGER, is_descending=True)])
    assert leftovers == []


def test_a_large_sort_spills_to_files(world: World) -> None:
    world.memory_bytes = 1 << 17
    rows = [((number * 7919) % 300_007, "text " * 20) for number in range(15_000)]
    source = values(rows, INTEGER, TEXT)
    opened: list[str] = []
    original = world.disk.open
    world.disk.open = lambda path, *, create=False: (  # type: ignore[method-assign]
        opened.append(path) or original(path, create=create)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", 2_000)
        patch.setattr(external_sort, "_RUN_BYTES_MIN", 1 << 16)
        found = world.rows(Sort(source, (key(0, INTEGER),), columns(INTEGER, TEXT)))
    assert [row[0] for row in found] == sorted(row[0] for row in rows)
    assert len(opened) > 1


def test_an_empty_input_sorts_to_nothing(world: World) -> None:
    source = values([], INTEGER)
    assert world.rows(Sort(source, (key(0, INTEGER),), source.columns)) == []
    plan = TopN(source, (key(0, INTEGER),), limit_of(3), None, source.columns)
    assert world.rows(plan) == []


def test_an_expression_can_be_sorted_by(world: World) -> None:
    source = values([(3,), (-4,), (1,)], INTEGER)
    by = SortKey(col(0, INTEGER), True, True)
    assert world.rows(Sort(source, (by,), source.columns)) == [(3,), (1,), (-4,)]


WORLD = World()


def test_keys_that_python_compares_are_sorted_in_several_calls() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        numbers = "generate_series(0, 49999) i"
        shuffled = f"SELECT i * 7919 % 50000 / 2 AS n, i FROM {numbers}"
        sql = f"SELECT n, i FROM ({shuffled}) x ORDER BY n * interval '1 month', i"
        found = connection.execute(sql).fetchall()
        assert found == sorted((i * 7919 % 50000 // 2, i) for i in range(50000))
