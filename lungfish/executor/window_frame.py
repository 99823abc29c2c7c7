"""Window frames: for each row the range of rows that its functions see.

All rows are done at once: a bound is an array of row numbers, cut to the row's partition. For RANGE with an offset the bound is
where `value - offset` or `value + offset` would stand among the partition's values; these are made comparable as ranks, and with the
partition's number before the rank one binary search serves all partitions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import numpy as np

from lungfish import errors
from lungfish.executor.compiler import Compiler
from lungfish.executor.context import Run
from lungfish.executor.expressions.calls import VectorCall, vector_function
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import Codes
from lungfish.executor.sort_keys import order_vector
from lungfish.functions.registry import Function
from lungfish.planner.expressions import BoundExpression, BoundFrame, SortKey
from lungfish.types.batch import Batch, Vector
from lungfish.types.calendar import MICROSECONDS_PER_SECOND
from lungfish.types.compute import pc
from lungfish.types.parse_interval import INFINITE_INTERVAL, MINUS_INFINITE_INTERVAL
from lungfish.types.sql_type import (
    BIGINT,
    DOUBLE,
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_TIMESTAMP,
    NUMERIC,
    Interval,
    SqlType,
    TypeKind,
)
from lungfish.types.vectors import build_vector, concat_vectors, constant_scalar, to_values

_CLOCKS = (TypeKind.TIME, TypeKind.TIMETZ)
# No step goes further beyond a day, in microseconds; and more than there are zones, in seconds.
_LONGEST_STEP = 10**12
_ZONE_COUNT = 10**6
_Infinity = float | Decimal | int | Interval
_FLOAT_ENDS = (-math.inf, math.inf)
_TIMESTAMP_ENDS = (MINUS_INFINITE_TIMESTAMP, INFINITE_TIMESTAMP)
# The least and the greatest value of a type that has infinite ones.
_INFINITIES: Mapping[TypeKind, tuple[_Infinity, _Infinity]] = {
    TypeKind.REAL: _FLOAT_ENDS,
    TypeKind.DOUBLE: _FLOAT_ENDS,
    TypeKind.NUMERIC: (Decimal("-Infinity"), Decimal("Infinity")),
    TypeKind.TIMESTAMP: _TIMESTAMP_ENDS,
    TypeKind.TIMESTAMPTZ: _TIMESTAMP_ENDS,
    TypeKind.INTERVAL: (MINUS_INFINITE_INTERVAL, INFINITE_INTERVAL),
}
# Answers the frames of all rows.
FrameMaker = Callable[[Batch, "Partitions", Run], "Frames"]


@dataclass(frozen=True)
class Partitions:
    """The partitions and peer groups of sorted rows; not slotted, for its cached parts."""

    row_count: int
    # The first row of each partition, and of each peer group.
    starts: Codes
    peer_starts: Codes

    @cached_property
    def number(self) -> Codes:
        """Each row's partition."""
        return np.repeat(np.arange(len(self.starts)), self._lengths(self.starts))

    @cached_property
    def peer_number(self) -> Codes:
        """Each row's peer group, counted through all partitions."""
        return np.repeat(np.arange(len(self.peer_starts)), self._lengths(self.peer_starts))

    @cached_property
    def start(self) -> Codes:
        """The first row of each row's partition."""
        return self.starts[self.number]

    @cached_property
    def end(self) -> Codes:
        """The row after the last of each row's partition."""
        return self._ends(self.starts)[self.number]

    @cached_property
    def peer_start(self) -> Codes:
        """The first of each row's peers."""
        return self.peer_starts[self.peer_number]

    @cached_property
    def peer_end(self) -> Codes:
        """The row after the last of each row's peers."""
        return self._ends(self.peer_starts)[self.peer_number]

    def _ends(self, starts: Codes) -> Codes:
        return np.append(starts[1:], self.row_count)

    def _lengths(self, starts: Codes) -> Codes:
        return self._ends(starts) - starts


@dataclass(frozen=True, slots=True)
class Frames:
    """Each row's frame: the rows from `starts` up to, not including, `ends`, less those that `exclude` takes out."""

    starts: Codes
    ends: Codes
    # "no others", "current row", "group" or "ties".
    exclude: str


def compile_frame(frame: BoundFrame, order_by: Sequence[SortKey], compiler: Compiler) -> FrameMaker:
    """What makes the frames of a call."""
    start = _compile_bound(frame, order_by, compiler, is_start=True)
    end = _compile_bound(frame, order_by, compiler, is_start=False)

    def make_frames(rows: Batch, partitions: Partitions, run: Run) -> Frames:
        starts = np.clip(start(rows, partitions, run), partitions.start, partitions.end)
        ends = np.clip(end(rows, partitions, run), starts, partitions.end)
        return Frames(starts, ends, frame.exclude)

    return make_frames


def whole_partitions(rows: Batch, partitions: Partitions, run: Run) -> Frames:
    """The frames of a call that does not look at them."""
    return Frames(partitions.start, partitions.end, "no others")


_BoundMaker = Callable[[Batch, Partitions, Run], Codes]


def _compile_bound(
    frame: BoundFrame, order_by: Sequence[SortKey], compiler: Compiler, *, is_start: bool
) -> _BoundMaker:
    kind = frame.start_kind if is_start else frame.end_kind
    expression = frame.start_offset if is_start else frame.end_offset
    match kind:
        case "unbounded preceding":
            return lambda _rows, partitions, _run: partitions.start
        case "unbounded following":
            return lambda _rows, partitions, _run: partitions.end
        case "current row":
            return _current_row(frame.unit, is_start)
    assert expression is not None, "only preceding and following are left, which have an offset"
    offset = _compile_offset(expression, compiler, is_start=is_start)
    is_preceding = kind == "preceding"
    if frame.unit == "rows":
        return _rows_bound(offset, is_preceding, is_start)
    if frame.unit == "groups":
        return _groups_bound(offset, is_preceding, is_start)
    return _range_bound(frame, order_by[0], expression, compiler, (is_preceding, is_start))


def _current_row(unit: str, is_start: bool) -> _BoundMaker:
    if unit == "rows":
        shift = 0 if is_start else 1
        return lambda _rows, partitions, _run: np.arange(partitions.row_count) + shift
    if is_start:
        return lambda _rows, partitions, _run: partitions.peer_start
    return lambda _rows, partitions, _run: partitions.peer_end


def _compile_offset(
    expression: BoundExpression, compiler: Compiler, *, is_start: bool
) -> Callable[[Run], int]:
    """The number of rows or groups. Raises InvalidPrecedingOrFollowingSize (22013), NullValueNotAllowed (22004)."""
    evaluate = compiler.row(expression)
    what = "starting" if is_start else "ending"

    def value(run: Run) -> int:
        found = evaluate((), run)
        if found is None:
            raise errors.NullValueNotAllowed(f"frame {what} offset must not be null")
        if found < 0:
            raise errors.InvalidPrecedingOrFollowingSize(
                f"frame {what} offset must not be negative"
            )
        # Farther than any table reaches, and still far from overflow.
        return min(int(found), 1 << 60)

    return value


def _rows_bound(offset: Callable[[Run], int], is_preceding: bool, is_start: bool) -> _BoundMaker:
    shift = 0 if is_start else 1

    def bound(_rows: Batch, partitions: Partitions, run: Run) -> Codes:
        distance = -offset(run) if is_preceding else offset(run)
        return np.arange(partitions.row_count) + (distance + shift)

    return bound


def _groups_bound(offset: Callable[[Run], int], is_preceding: bool, is_start: bool) -> _BoundMaker:
    shift = 0 if is_start else 1

    def bound(_rows: Batch, partitions: Partitions, run: Run) -> Codes:
        distance = -offset(run) if is_preceding else offset(run)
        groups = partitions.peer_number + (distance + shift)
        edges = np.append(partitions.peer_starts, partitions.row_count)
        return edges[np.clip(groups, 0, len(edges) - 1)]

    return bound


def _range_bound(
    frame: BoundFrame,
    key: SortKey,
    offset: BoundExpression,
    compiler: Compiler,
    place: tuple[bool, bool],
) -> _BoundMaker:
    """RANGE with an offset. `place`: (is preceding, is start)."""
    is_preceding, is_start = place
    evaluate_key, evaluate_offset = compiler.vector(key.expression), compiler.row(offset)
    sql_type = key.expression.type
    # In descending order the rows before have the greater values.
    is_subtracted = is_preceding is not key.is_descending
    function = frame.subtract if is_subtracted else frame.add
    assert function is not None, "RANGE with an offset comes with both operators"
    shift = _shift_function(function, sql_type, offset.type)
    is_clock = sql_type.kind in _CLOCKS
    what = "starting" if is_start else "ending"

    def bound(rows: Batch, partitions: Partitions, run: Run) -> Codes:
        value = evaluate_offset((), run)
        if value is None:
            raise errors.NullValueNotAllowed(f"frame {what} offset must not be null")
        if _is_negative(value[2] if is_clock else value):
            raise errors.InvalidPrecedingOrFollowingSize(
                "invalid preceding or following size in window function"
            )
        keys = as_array(evaluate_key(rows, run), rows.row_count)
        scalar = constant_scalar(value, offset.type)
        searched_type = BIGINT if is_clock else sql_type
        if is_clock:
            step = min(value[2], _LONGEST_STEP)
            targets = _clock_numbers(keys, sql_type, -step if is_subtracted else step)
            keys = _clock_numbers(keys, sql_type, 0)
        elif _is_infinite(value):
            least, most = _INFINITIES[sql_type.kind]
            far = least if is_subtracted else most
            outermost = least if is_start is not key.is_descending else most
            near = most if is_subtracted else least
            targets = _infinitely_far(keys, sql_type, (near, outermost), far)
        else:
            try:
                targets = as_array(shift((keys, scalar), rows.row_count, run), rows.row_count)
            except errors.NumericValueOutOfRange:
                keys, targets, searched_type = _beyond(keys, sql_type, value, is_subtracted)
        both = order_vector(concat_vectors([keys, targets], searched_type), searched_type)
        found = _search(keys, both, key, partitions, side="left" if is_start else "right")
        nulls = np.asarray(pc.is_null(keys))
        own = partitions.peer_start if is_start else partitions.peer_end
        return np.where(nulls, own, found)

    return bound


def _shift_function(function: Function, key_type: SqlType, offset_type: SqlType) -> VectorCall:
    return vector_function(function, (key_type, offset_type), key_type)


def _is_negative(value: object) -> bool:
    if isinstance(value, tuple):
        # An interval: its parts may have different signs; PostgreSQL looks at the whole.
        months, days, microseconds = value
        return bool((months * 30 + days) * 86_400_000_000 + microseconds < 0)
    return bool(value != value or value < 0)  # type: ignore[operator]


def _clock_numbers(keys: Vector, sql_type: SqlType, step: int) -> Vector:
    """Times of day, each `step` microseconds later, as numbers in their order. There midnight is no end, as it is for + and -."""
    numbers: list[int | None] = []
    for clock in to_values(keys, sql_type):
        if isinstance(clock, tuple):
            # With a zone: by the time in Greenwich, then by the zone, in seconds west.
            time, west = clock
            moment = time + step + west * MICROSECONDS_PER_SECOND
            numbers.append(moment * _ZONE_COUNT + west)
        else:
            numbers.append(None if clock is None else clock + step)
    return build_vector(numbers, BIGINT)


def _beyond(
    keys: Vector, sql_type: SqlType, distance: Any, is_subtracted: bool
) -> tuple[Vector, Vector, SqlType]:
    """Keys and their targets, some of which do not fit the keys' type: such a target lies behind all keys, but is no error."""
    is_float = sql_type.kind in (TypeKind.REAL, TypeKind.DOUBLE)
    wide, step = (DOUBLE, distance) if is_float else (NUMERIC, Decimal(distance))
    step = -step if is_subtracted else step
    values: list[Any] = [
        None if key is None else float(key) if is_float else Decimal(key)
        for key in to_values(keys, sql_type)
    ]
    targets = [None if value is None else value + step for value in values]
    return build_vector(values, wide), build_vector(targets, wide), wide


def _is_infinite(value: object) -> bool:
    if isinstance(value, tuple):
        return value == INFINITE_INTERVAL
    if isinstance(value, Decimal):
        return value.is_infinite()
    return isinstance(value, float) and math.isinf(value)


def _infinitely_far(
    keys: Vector, sql_type: SqlType, other_end: tuple[_Infinity, _Infinity], far: _Infinity
) -> Vector:
    """The end of all values (`far`) in the place of each key; only NaN and null stay, which no distance reaches.

    The distance from the other end is no number: from there everything is within reach, as far as the frame's own end.
    """
    near, outermost = other_end
    values = [
        key if key is None or key != key else outermost if key == near else far
        for key in to_values(keys, sql_type)
    ]
    return build_vector(values, sql_type)


def _search(
    keys: Vector,
    both: Vector,
    key: SortKey,
    partitions: Partitions,
    *,
    side: Literal["left", "right"],
) -> Codes:
    """Where each target would stand among the keys of its row's partition: before its equals (left) or after them (right).

    `both`: the keys and behind them the targets, as they are sorted.
    """
    count = len(keys)
    ranks = pc.rank(both, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    width = 2 * count + 3
    if key.is_descending:
        ranks = width - ranks
    places, wanted = ranks[:count].copy(), ranks[count:]
    # Nulls stand at one end of the partition, outside of everything that is searched for.
    places[np.asarray(pc.is_null(keys))] = 0 if key.nulls_first else width + 1
    base = partitions.number * (width + 2)
    found: Codes = np.searchsorted(base + places, base + wanted, side=side)
    return found
