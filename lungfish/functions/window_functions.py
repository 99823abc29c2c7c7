"""Window functions that are no aggregates: row_number, rank and their kin, lag and lead, first_value, last_value, nth_value.

Each sees one partition in its order. `partition.peers` numbers the peer groups; frames are row ranges, already resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import InvalidArgumentForNthValueFunction, InvalidArgumentForNtileFunction
from lungfish.functions.registry import Polymorphic, WindowFunction, WindowPartition
from lungfish.types.batch import Vector
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER

Rows = npt.NDArray[np.int64]


def _row_number(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return pa.array(np.arange(1, partition.row_count + 1), pa.int64())


def _peer_starts(partition: WindowPartition) -> Rows:
    """For each row the number of its first peer."""
    return np.searchsorted(partition.peers, partition.peers, side="left")


def _peer_ends(partition: WindowPartition) -> Rows:
    """For each row the number after its last peer."""
    return np.searchsorted(partition.peers, partition.peers, side="right")


def _rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return pa.array(_peer_starts(partition) + 1, pa.int64())


def _dense_rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return pa.array(partition.peers - partition.peers[0] + 1, pa.int64())


def _percent_rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    others = partition.row_count - 1
    if others == 0:
        return pa.array([0.0])
    return pa.array(_peer_starts(partition) / others)


def _cume_dist(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return pa.array(_peer_ends(partition) / partition.row_count)


def _ntile(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    buckets = arguments[0][0].as_py()
    if buckets is None:
        return pa.nulls(partition.row_count, pa.int32())
    if buckets <= 0:
        raise InvalidArgumentForNtileFunction("argument of ntile must be greater than zero")
    size, larger = divmod(partition.row_count, buckets)
    numbers = np.arange(partition.row_count)
    # The first `larger` buckets have one row more.
    border = larger * (size + 1)
    tail = larger + (numbers - border) // max(size, 1)
    return pa.array(np.where(numbers < border, numbers // (size + 1), tail) + 1, pa.int32())


def _shifted(partition: WindowPartition, arguments: Sequence[Vector], direction: int) -> Vector:
    """lag (-1) or lead (+1): the value `offset` rows away, else the default."""
    values = arguments[0]
    offsets = (
        arguments[1].cast(pa.int64())
        if len(arguments) > 1
        else pa.array(np.ones(partition.row_count, np.int64))
    )
    known = offsets.is_valid().to_numpy(zero_copy_only=False)
    distance = offsets.fill_null(0).to_numpy(zero_copy_only=False)
    places = np.arange(partition.row_count) + direction * distance
    is_inside = (places >= 0) & (places < partition.row_count) & known
    taken = values.take(pa.array(np.where(is_inside, places, 0), mask=~is_inside))
    if len(arguments) < 3:
        return taken
    use_default = ~is_inside & known
    # Rows of `values`, then rows of the default, picked by index: works for every Arrow type.
    both = pa.concat_arrays([values, arguments[2].cast(values.type)])
    indices = np.where(is_inside, places, np.arange(partition.row_count) + partition.row_count)
    return both.take(pa.array(indices, mask=~(is_inside | use_default)))


def _lag(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _shifted(partition, arguments, -1)


def _lead(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _shifted(partition, arguments, 1)


def _at_frame_place(partition: WindowPartition, values: Vector, places: Rows) -> Vector:
    """The value at a row number inside each row's frame, null where the frame has no such row."""
    missing = (places < partition.frame_starts) | (places >= partition.frame_ends)
    return values.take(pa.array(np.where(missing, 0, places), mask=missing))


def _first_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _at_frame_place(partition, arguments[0], partition.frame_starts)


def _last_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _at_frame_place(partition, arguments[0], partition.frame_ends - 1)


def _nth_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    numbers: list[Any] = arguments[1].to_pylist()
    if any(number is not None and number <= 0 for number in numbers):
        raise InvalidArgumentForNthValueFunction("argument of nth_value must be greater than zero")
    # A null n finds nothing: a place before every frame.
    offsets = np.array([-(2**40) if number is None else number - 1 for number in numbers], np.int64)
    return _at_frame_place(partition, arguments[0], partition.frame_starts + offsets)


_ANY = Polymorphic.ANYELEMENT
_COMPATIBLE = Polymorphic.ANYCOMPATIBLE

WINDOW_FUNCTIONS: tuple[WindowFunction, ...] = (
    WindowFunction("row_number", (), BIGINT, _row_number),
    WindowFunction("rank", (), BIGINT, _rank),
    WindowFunction("dense_rank", (), BIGINT, _dense_rank),
    WindowFunction("percent_rank", (), DOUBLE, _percent_rank),
    WindowFunction("cume_dist", (), DOUBLE, _cume_dist),
    WindowFunction("ntile", (INTEGER,), INTEGER, _ntile),
    WindowFunction("lag", (_ANY,), _ANY, _lag),
    WindowFunction("lag", (_ANY, INTEGER), _ANY, _lag),
    WindowFunction("lag", (_COMPATIBLE, INTEGER, _COMPATIBLE), _COMPATIBLE, _lag),
    WindowFunction("lead", (_ANY,), _ANY, _lead),
    WindowFunction("lead", (_ANY, INTEGER), _ANY, _lead),
    WindowFunction("lead", (_COMPATIBLE, INTEGER, _COMPATIBLE), _COMPATIBLE, _lead),
    WindowFunction("first_value", (_ANY,), _ANY, _first_value),
    WindowFunction("last_value", (_ANY,), _ANY, _last_value),
    WindowFunction("nth_value", (_ANY, INTEGER), _ANY, _nth_value),
)
