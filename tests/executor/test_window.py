from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungfish import errors
from lungfish.executor import frame_aggregates, window_aggregate
from lungfish.executor.range_folds import fold_ranges
from lungfish.functions import resolve_aggregate, resolve_operator, resolve_window
from lungfish.planner.expressions import BoundExpression, BoundFrame, WindowCall
from lungfish.planner.physical import Window
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    INTERVAL,
    NUMERIC,
    TEXT,
    SqlType,
    TypeKind,
)
from tests.executor.world import World, col, columns, const, key, op, values

Row = tuple[Any, ...]
# (partition, order, value)
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.none() | st.integers(0, 5), st.none() | st.integers(-9, 9)),
    max_size=12,
)
START_KINDS = ["unbounded preceding", "preceding", "current row", "following"]
END_KINDS = ["preceding", "current row", "following", "unbounded following"]
EXCLUDES = ["no others", "current row", "group", "ties"]
DEFAULT = BoundFrame("range", "unbounded preceding", None, "current row", None, "no others")
WHOLE = BoundFrame("rows", "unbounded preceding", None, "unbounded following", None, "no others")


def frame_of(unit: str, start: tuple[str, int], end: tuple[str, int], exclude: str) -> BoundFrame:
    def offset(bound: tuple[str, int]) -> BoundExpression | None:
        if bound[0] not in ("preceding", "following"):
            return None
        return const(bound[1], INTEGER if unit == "range" else BIGINT)

    return BoundFrame(
        unit,
        start[0],
        offset(start),
        end[0],
        offset(end),
        exclude,
        subtract=resolve_operator("-", (INTEGER, INTEGER)).callee,
        add=resolve_operator("+", (INTEGER, INTEGER)).callee,
    )


def aggregate_call(
    name: str, frame: BoundFrame, *arguments: BoundExpression, where: BoundExpression | None = None
) -> WindowCall:
    found = resolve_aggregate(name, [each.type for each in arguments], is_star=not arguments)
    return WindowCall(found.callee, arguments, found.result, frame, where)


def function_call(name: str, frame: BoundFrame, *arguments: BoundExpression) -> WindowCall:
    found = resolve_window(name, [each.type for each in arguments])
    return WindowCall(found.callee, arguments, found.result, frame)


def plan_of(rows: list[Row], calls: list[WindowCall], *, is_descending: bool = False) -> Window:
    numbered = [(*row, number) for number, row in enumerate(rows)]
    types: list[SqlType] = [INTEGER] * 4
    return Window(
        values(numbered, *types),
        (col(0, INTEGER),),
        (key(1, INTEGER, is_descending=is_descending),),
        tuple(calls),
        columns(*types, *(call.type for call in calls)),
    )


class Model:
    """One partition, sorted, with the frames by the definition."""

    def __init__(self, rows: list[Row], is_descending: bool) -> None:
        sign = -1 if is_descending else 1
        self.sign = sign
        self.rows = sorted(rows, key=lambda row: (row[1] is None, sign * (row[1] or 0)))
        self.keys = [None if row[1] is None else sign * row[1] for row in self.rows]
        groups = list(dict.fromkeys(self.keys))
        self.groups = [groups.index(each) for each in self.keys]

    def place(self, unit: str, number: int) -> Any:
        return number if unit == "rows" else self.groups[number]

    def is_inside(
        self, unit: str, row: int, other: int, bound: tuple[str, int], is_start: bool
    ) -> bool:
        """Whether `other` is on the frame's side of one bound of `row`."""
        kind, offset = bound
        if kind.startswith("unbounded"):
            return True
        if kind == "current row":
            here, there = self.place(unit, row), self.place(unit, other)
        elif unit == "range":
            key_here, key_there = self.keys[row], self.keys[other]
            if key_here is None or key_there is None:
                # Nulls are peers of nulls only, at the end.
                here, there = self.groups[row], self.groups[other]
            else:
                here = key_here + (-offset if kind == "preceding" else offset)
                there = key_there
        else:
            here = self.place(unit, row) + (-offset if kind == "preceding" else offset)
            there = self.place(unit, other)
        return bool(there >= here) if is_start else bool(there <= here)

    def frame(
        self, unit: str, row: int, start: tuple[str, int], end: tuple[str, int], exclude: str
    ) -> list[int]:
        inside = [
            other
            for other in range(len(self.rows))
            if self.is_inside(unit, row, other, start, True)
            and self.is_inside(unit, row, other, end, False)
        ]
        same = self.groups[row]
        match exclude:
            case "current row":
                return [other for other in inside if other != row]
            case "group":
                return [other for other in inside if self.groups[other] != same]
            case "ties":
                return [other for other in inside if other == row or self.groups[other] != same]
        return inside


@pytest.mark.parametrize("unit", ["rows", "range", "groups"])
@pytest.mark.parametrize("is_descending", [False, True])
@given(
    rows=ROWS,
    start=st.tuples(st.sampled_from(START_KINDS), st.integers(0, 3)),
    end=st.tuples(st.sampled_from(END_KINDS), st.integers(0, 3)),
    exclude=st.sampled_from(EXCLUDES),
)
def test_a_frame_holds_the_rows_that_the_definition_says(
    unit: str,
    is_descending: bool,
    rows: list[Row],
    start: tuple[str, int],
    end: tuple[str, int],
    exclude: str,
) -> None:
    frame = frame_of(unit, start, end, exclude)
    calls = [
        aggregate_call("count", frame),
        aggregate_call("sum", frame, col(2, INTEGER)),
        aggregate_call(
            "sum", frame, col(2, INTEGER), where=op(">", col(2, INTEGER), const(0, INTEGER))
        ),
    ]
    found = {
        row[3]: row[4:] for row in WORLD.rows(plan_of(rows, calls, is_descending=is_descending))
    }
    expected: dict[int, Row] = {}
    numbered = [(*row, number) for number, row in enumerate(rows)]
    for partition in {row[0] for row in rows}:
        model = Model([row for row in numbered if row[0] == partition], is_descending)
        for place, row in enumerate(model.rows):
            members = [
                model.rows[other][2] for other in model.frame(unit, place, start, end, exclude)
            ]
            present = [value for value in members if value is not None]
            positive = [value for value in present if value > 0]
            expected[row[3]] = (
                len(members),
                sum(present) if present else None,
                sum(positive) if positive else None,
            )
    assert found == expected


@given(rows=ROWS)
def test_ranks_count_peers(rows: list[Row]) -> None:
    calls = [
        function_call(name, DEFAULT)
        for name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist")
    ]
    for row in WORLD.rows(plan_of(rows, calls)):
        others = [(each[1] is None, each[1] or 0) for each in rows if each[0] == row[0]]
        mine = (row[1] is None, row[1] or 0)
        before = sum(each < mine for each in others)
        up_to = sum(each <= mine for each in others)
        assert before < row[4] <= up_to
        assert row[5] == before + 1
        assert row[6] == len({each for each in others if each < mine}) + 1
        assert row[7] == (before / (len(others) - 1) if len(others) > 1 else 0)
        assert row[8] == up_to / len(others)


def test_neighbours_do_not_leave_the_partition(world: World) -> None:
    rows = [(1, 1, 10), (1, 2, 20), (2, 1, 30), (2, 2, 40)]
    calls = [
        function_call("lag", DEFAULT, col(2, INTEGER)),
        function_call("lead", DEFAULT, col(2, INTEGER), const(1, INTEGER), const(-1, INTEGER)),
        function_call("first_value", DEFAULT, col(2, INTEGER)),
        function_call("last_value", WHOLE, col(2, INTEGER)),
        function_call("nth_value", WHOLE, col(2, INTEGER), const(2, INTEGER)),
    ]
    found = [row[4:] for row in world.rows(plan_of(rows, calls))]
    assert found == [
        (None, 20, 10, 20, 20),
        (10, -1, 10, 20, 20),
        (None, 40, 30, 40, 40),
        (30, -1, 30, 40, 40),
    ]


def test_a_running_sum_keeps_the_scale_of_numeric(world: World) -> None:
    source = values([(Decimal("1.5"),), (Decimal("2.25"),)] * 20, NUMERIC)
    call = aggregate_call("sum", DEFAULT, col(0, NUMERIC))
    frame = BoundFrame("rows", "unbounded preceding", None, "current row", None, "no others")
    call = aggregate_call("sum", frame, col(0, NUMERIC))
    plan = Window(source, (), (), (call,), columns(NUMERIC, NUMERIC))
    assert [str(row[1]) for row in world.rows(plan)][:3] == ["1.5", "3.75", "5.25"]


NUMERICS = st.none() | st.sampled_from(list(map(Decimal, ("0", "1", "1.0", "1.00", "-2.5", "1e30", "NaN", "Infinity", "-Infinity"))))  # fmt: skip
VALUES: dict[SqlType, Any] = {
    INTEGER: st.none() | st.integers(-5, 5),
    BIGINT: st.none() | st.integers(-(2**63), 2**63 - 1),
    SqlType(TypeKind.NUMERIC, (8, 2)): st.none() | st.sampled_from([Decimal("1.25"), Decimal("-3.10")]),
    NUMERIC: NUMERICS,
    DOUBLE: st.none() | st.sampled_from([0.0, -0.0, 1.5, -2.25, 1e10, float("inf"), float("nan")]),
    TEXT: st.none() | st.sampled_from(["", "a", "B", "\u00e4", "abc"]),
    BOOLEAN: st.none() | st.booleans(),
    INTERVAL: st.none() | st.sampled_from([(1, 0, 0), (0, 30, 0), (0, 0, 5)]),
}  # fmt: skip


def names_for(sql_type: SqlType) -> tuple[str, ...]:
    if sql_type is BOOLEAN:
        return "count", "bool_and", "bool_or", "every"
    has_sums = sql_type not in (TEXT, INTERVAL)
    return ("count", "min", "max", *(("sum", "avg") if has_sums else ()))


@pytest.mark.parametrize("sql_type", list(VALUES), ids=lambda each: str(each.kind))
@settings(max_examples=60)
@given(
    data=st.data(),
    unit=st.sampled_from(["rows", "range", "groups"]),
    start=st.tuples(st.sampled_from(START_KINDS), st.integers(0, 3)),
    end=st.tuples(st.sampled_from(END_KINDS), st.integers(0, 3)),
    exclude=st.sampled_from(EXCLUDES),
    is_filtered=st.booleans(),
)
def test_aggregates_of_any_frames_are_what_frame_by_frame_gives(
    sql_type: SqlType, data: st.DataObject, unit: str, start: Any, end: Any, exclude: str, is_filtered: bool
) -> None:  # fmt: skip
    drawn = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, 1), st.none() | st.integers(0, 4), VALUES[sql_type], st.booleans()
            ),
            max_size=14,
        )
    )
    rows = [(*row, number) for number, row in enumerate(drawn)]
    frame = frame_of(unit, start, end, exclude)
    where = col(3, BOOLEAN) if is_filtered else None
    calls = [
        aggregate_call(name, frame, col(2, sql_type), where=where) for name in names_for(sql_type)
    ]
    types = [INTEGER, INTEGER, sql_type, BOOLEAN, INTEGER]
    plan = Window(
        values(rows, *types),
        (col(0, INTEGER),),
        (key(1, INTEGER),),
        tuple(calls),
        columns(*types, *(call.type for call in calls)),
    )

    def answers() -> list[Any]:
        return [[repr(value) for value in row[4:]] for row in WORLD.rows(plan)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_aggregates, "_FLOAT_LENGTH_MIN", 0)
        quick = answers()
        patch.setattr(window_aggregate, "aggregate_frames", lambda _: None)
        assert quick == answers()


@given(st.lists(st.integers(0, 99), min_size=1, max_size=200), st.data())
def test_ranges_are_folded_from_their_first_value_to_their_last(
    numbers: list[int], data: st.DataObject
) -> None:
    bounds = [sorted(data.draw(st.tuples(*[st.integers(0, len(numbers))] * 2))) for _ in range(20)]
    pairs = [(start, end) for start, end in bounds if start < end]
    starts, ends = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    for operation, fold in ((np.add, sum), (np.maximum, max), (np.minimum, min)):
        found = fold_ranges(operation, np.array(numbers), (starts, ends), lambda: None)
        assert found.tolist() == [fold(numbers[start:end]) for start, end in pairs]


def test_long_frames_at_arbitrary_places_take_few_steps(world: World) -> None:
    count = 20_000
    rows = [(1, number, number % 97) for number in range(count)]
    frame = frame_of("rows", ("preceding", 9_000), ("following", 5_000), "current row")
    calls = [aggregate_call(name, frame, col(2, INTEGER)) for name in ("sum", "min", "max", "avg")]
    # Frame by frame, 1,000 of these frames are some 14 million steps.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_aggregate.WindowAggregate, "_by_frame", None)
        found = world.rows(plan_of(rows, calls))[10_000]
    inside = [number % 97 for number in range(1_000, 15_001) if number != 10_000]
    assert found[4:7] == (sum(inside), min(inside), max(inside))
    assert float(found[7]) == pytest.approx(sum(inside) / len(inside))


def test_totals_that_might_not_fit_are_added_frame_by_frame(world: World) -> None:
    rows = [(1, number, 0) for number in range(4)]
    value = const(2**62, BIGINT)
    plan = plan_of(rows, [aggregate_call("sum", DEFAULT, value)])
    assert [row[4] for row in world.rows(plan)] == [Decimal(2**62 * n) for n in (1, 2, 3, 4)]


def test_frame_offsets_are_checked(world: World) -> None:
    for bad, error in (
        (-1, errors.InvalidPrecedingOrFollowingSize),
        (None, errors.NullValueNotAllowed),
    ):
        for unit in ("rows", "groups", "range"):
            frame = frame_of(unit, ("preceding", bad), ("current row", 0), "no others")  # type: ignore[arg-type]
            with pytest.raises(error):
                world.rows(plan_of([(1, 1, 1)], [aggregate_call("count", frame)]))


def test_no_rows_give_no_rows(world: World) -> None:
    assert world.rows(plan_of([], [aggregate_call("count", DEFAULT)])) == []


WORLD = World()
