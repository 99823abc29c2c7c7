from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungfish.executor import join_output, row_matches
from lungfish.planner.expressions import BoundExpression, OuterRef
from lungfish.planner.physical import Filter, HashJoin, NestedLoopJoin, Project
from lungfish.types.sql_type import INTEGER, TEXT
from tests.executor.world import World, col, columns, const, op, values

Row = tuple[Any, ...]
Test = Callable[[Row, Row], "bool | None"]

ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 5)), max_size=7)
KINDS = ["inner", "left", "right", "full", "semi", "anti"]
LEFT_ONLY = ("semi", "anti", "null-aware anti")


def naive_join(kind: str, left: list[Row], right: list[Row], test: Test) -> list[Row]:
    """The definition of each kind of join."""
    pairs = [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if test(a, b) is True]
    matched_left, matched_right = {i for i, _ in pairs}, {j for _, j in pairs}
    if kind == "semi":
        return [row for i, row in enumerate(left) if i in matched_left]
    if kind == "anti":
        return [row for i, row in enumerate(left) if i not in matched_left]
    if kind == "null-aware anti":
        return [a for a in left if all(test(a, b) is False for b in right)]
    found = [left[i] + right[j] for i, j in pairs]
    if kind in ("left", "full"):
        found += [(*row, None, None) for i, row in enumerate(left) if i not in matched_left]
    if kind in ("right", "full"):
        found += [(None, None, *row) for j, row in enumerate(right) if j not in matched_right]
    return found


def output(kind: str) -> Any:
    return columns(INTEGER, INTEGER) if kind in LEFT_ONLY else columns(*[INTEGER] * 4)


def equal(a: Any, b: Any) -> bool | None:
    return None if a is None or b is None else a == b


def less(a: Any, b: Any) -> bool | None:
    return None if a is None or b is None else a < b


def both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


CONDITION = op("<", col(1, INTEGER), col(3, INTEGER))


@pytest.mark.parametrize("kind", [*KINDS, "null-aware anti"])
@pytest.mark.parametrize("has_condition", [False, True])
@given(left=ROWS, right=ROWS)
def test_a_hash_join_gives_what_the_definition_says(
    kind: str, has_condition: bool, left: list[Row], right: list[Row]
) -> None:
    condition: BoundExpression | None = CONDITION if has_condition else None
    plan = HashJoin(
        kind,
        values(left, INTEGER, INTEGER),
        values(right, INTEGER, INTEGER),
        (col(0, INTEGER),),
        (col(0, INTEGER),),
        (False,),
        condition,
        output(kind),
    )

    def test(a: Row, b: Row) -> bool | None:
        keys = equal(a[0], b[0])
        if not has_condition:
            return keys
        if kind == "null-aware anti":
            # The condition says which rows are compared at all.
            return both(keys, less(a[1], b[1]) is True)
        return both(keys, less(a[1], b[1]))

    assert sorted(WORLD.rows(plan), key=repr) == sorted(
        naive_join(kind, left, right, test), key=repr
    )


@pytest.mark.parametrize("kind", KINDS)
@given(left=ROWS, right=ROWS)
def test_keys_may_match_nulls(kind: str, left: list[Row], right: list[Row]) -> None:
    plan = HashJoin(
        kind,
        values(left, INTEGER, INTEGER),
        values(right, INTEGER, INTEGER),
        (col(0, INTEGER), col(1, INTEGER)),
        (col(0, INTEGER), col(1, INTEGER)),
        (True, False),
        None,
        output(kind),
    )

    def test(a: Row, b: Row) -> bool | None:
        return both(a[0] == b[0], equal(a[1], b[1]))

    assert sorted(WORLD.rows(plan), key=repr) == sorted(
        naive_join(kind, left, right, test), key=repr
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_condition", [False, True])
@given(left=ROWS, right=ROWS)
def test_a_nested_loop_gives_what_the_definition_says(
    kind: str, has_condition: bool, left: list[Row], right: list[Row]
) -> None:
    plan = NestedLoopJoin(
        kind,
        values(left, INTEGER, INTEGER),
        values(right, INTEGER, INTEGER),
        CONDITION if has_condition else None,
        False,
        output(kind),
    )

    def test(a: Row, b: Row) -> bool | None:
        return less(a[1], b[1]) if has_condition else True

    assert sorted(WORLD.rows(plan), key=repr) == sorted(
        naive_join(kind, left, right, test), key=repr
    )


@pytest.mark.parametrize("kind", ["inner", "left", "semi", "anti"])
@given(left=ROWS, right=ROWS)
def test_a_lateral_join_runs_its_right_side_for_each_left_row(
    kind: str, left: list[Row], right: list[Row]
) -> None:
    # SELECT ... FROM left, LATERAL (SELECT r0, left.c1 + r1 FROM right WHERE r0 = left.c0)
    filtered = Filter(
        values(right, INTEGER, INTEGER),
        op("=", col(0, INTEGER), OuterRef(1, 0, INTEGER)),
        columns(INTEGER, INTEGER),
    )
    inside = Project(
        filtered,
        (col(0, INTEGER), op("+", col(1, INTEGER), OuterRef(1, 1, INTEGER))),
        columns(INTEGER, INTEGER),
    )
    plan = NestedLoopJoin(kind, values(left, INTEGER, INTEGER), inside, None, True, output(kind))
    expected: list[Row] = []
    for a in left:
        found = [
            (b[0], None if a[1] is None or b[1] is None else a[1] + b[1])
            for b in right
            if equal(a[0], b[0])
        ]
        if kind == "semi":
            expected += [a] if found else []
        elif kind == "anti":
            expected += [] if found else [a]
        else:
            expected += [a + b for b in found]
            if kind == "left" and not found:
                expected.append((*a, None, None))
    assert sorted(WORLD.rows(plan), key=repr) == sorted(expected, key=repr)


def test_a_skewed_key_comes_out_in_many_batches(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_matches, "PAIR_COUNT_MAX", 10)
    same = [(1, number) for number in range(20)]
    plan = HashJoin(
        "inner",
        values(same, INTEGER, INTEGER),
        values(same, INTEGER, INTEGER),
        (col(0, INTEGER),),
        (col(0, INTEGER),),
        (False,),
        None,
        output("inner"),
    )
    result = world.execute(plan)
    assert len(result.batches) == 20
    assert result.row_count == 400


@pytest.mark.parametrize("kind", [*KINDS, "null-aware anti"])
@pytest.mark.parametrize("has_condition", [False, True])
@settings(max_examples=30, deadline=None)
@given(left=ROWS, right=ROWS)
def test_a_join_that_does_not_fit_into_memory_gives_the_same(
    kind: str, has_condition: bool, left: list[Row], right: list[Row]
) -> None:
    plan = HashJoin(
        kind,
        values(left, INTEGER, INTEGER),
        values(right, INTEGER, INTEGER),
        (col(0, INTEGER),),
        (col(0, INTEGER),),
        (False,),
        CONDITION if has_condition else None,
        output(kind),
    )
    expected = sorted(WORLD.rows(plan), key=repr)
    small = World()
    small.memory_bytes = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lungfish.executor.rows.BATCH_ROW_COUNT", 2)
        assert sorted(small.rows(plan), key=repr) == expected
    assert small.disk.list("spill") == []


def test_text_keys_are_joined(world: World) -> None:
    plan = HashJoin(
        "inner",
        values([("a", 1), ("b", 2), ("ü", 3)], TEXT, INTEGER),
        values([("ü", 30), ("a", 10), ("x", 0)], TEXT, INTEGER),
        (col(0, TEXT),),
        (col(0, TEXT),),
        (False,),
        None,
        columns(TEXT, INTEGER, TEXT, INTEGER),
    )
    assert sorted(world.rows(plan)) == [("a", 1, "a", 10), ("ü", 3, "ü", 30)]


def test_joining_with_nothing_does_not_read_the_left_side(world: World) -> None:
    failing = Project(
        values([(0,)], INTEGER),
        (op("/", const(1, INTEGER), col(0, INTEGER)),),
        columns(INTEGER),
    )
    plan = HashJoin(
        "inner",
        failing,
        values([], INTEGER),
        (col(0, INTEGER),),
        (col(0, INTEGER),),
        (False,),
        None,
        columns(INTEGER, INTEGER),
    )
    assert world.rows(plan) == []


assert set(LEFT_ONLY) == join_output.LEFT_ONLY_KINDS
WORLD = World()
