"""The window functions proper: ranks, neighbours and values of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import InvalidArgumentForNthValueFunction, InvalidArgumentForNtileFunction
from lungfish.functions.registry import Polymorphic, WindowFunction, WindowPartition
from lungfish.functions.vector_tools import numbers_of
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.numerics import validity
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER
from lungfish.types.vectors import unify_numeric

Indices = npt.NDArray[np.int64]


def _row_number(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return pa.array(np.arange(1, partition.row_count + 1, dtype=np.int64))


def _first_of_peers(partition: WindowPartition) -> Indices:
    """For each row, the number of the first row of its peer group."""
    peers = partition.peers
    starts = np.flatnonzero(np.concatenate(([True], peers[1:] != peers[:-1])))
    lengths = np.diff(np.concatenate((starts, [len(peers)])))
    return np.repeat(starts, lengths).astype(np.int64)


def _end_of_peers(partition: WindowPartition) -> Indices:
    """For each row, the number of rows up to the last of its peer group."""
    peers = partition.peers
    starts = np.flatnonzero(np.concatenate(([True], peers[1:] != peers[:-1])))
    ends = np.concatenate((starts[1:], [len(peers)]))
    return np.repeat(ends, ends - starts).astype(np.int64)


def _rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    if not partition.row_count:
        return pa.array([], pa.int64())
    return pa.array(_first_of_peers(partition) + 1)


def _dense_rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    if not partition.row_count:
        return pa.array([], pa.int64())
    return pa.array(partition.peers - partition.peers[0] + 1)


def _percent_rank(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    count = partition.row_count
    if count <= 1:
        return pa.array(np.zeros(count))
    return pa.array(_first_of_peers(partition) / (count - 1))


def _cume_dist(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    count = partition.row_count
    return pa.array(_end_of_peers(partition) / count if count else np.zeros(0))


def _ntile(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    count = partition.row_count
    if not count or arguments[0][0].as_py() is None:
        return pa.nulls(count, pa.int32())
    tiles = arguments[0][0].as_py()
    if tiles <= 0:
        raise InvalidArgumentForNtileFunction("argument of ntile must be greater than zero")
    size, larger = divmod(count, tiles)
    row = np.arange(count)
    # The first `larger` tiles have one row more than the others.
    boundary = larger * (size + 1)
    if size == 0:
        return pa.array((row + 1).astype(np.int32))
    tile = np.where(row < boundary, row // (size + 1), larger + (row - boundary) // size)
    return pa.array((tile + 1).astype(np.int32))


def _take(values: Vector, indices: Indices, is_inside: npt.NDArray[np.bool_]) -> Vector:
    """The values at the indices, null where they are not inside."""
    return values.take(pa.array(np.where(is_inside, indices, 0), mask=~is_inside))


def _neighbour(partition: WindowPartition, arguments: Sequence[Vector], direction: int) -> Vector:
    count = partition.row_count
    values = arguments[0]
    rows = np.arange(count, dtype=np.int64)
    if len(arguments) == 1:
        offsets: Any = 1
        is_known: Any = True
    else:
        offsets = numbers_of(arguments[1]).astype(np.int64)
        is_known = validity(arguments[1])
    indices = rows + direction * offsets
    is_inside = (indices >= 0) & (indices < count) & is_known
    found = _take(values, indices, is_inside)
    if len(arguments) < 3:
        return found
    default = arguments[2]
    if found.type != default.type:
        found, default = unify_numeric([found, default])
    takes_default = ~is_inside & is_known
    return pc.if_else(pa.array(takes_default), default, found)


def _lag(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _neighbour(partition, arguments, -1)


def _lead(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _neighbour(partition, arguments, 1)


def _holes(partition: WindowPartition) -> list[tuple[Indices, Indices]]:
    """For each row, the stretches [start, end) that EXCLUDE takes out of its frame, in order."""
    rows = np.arange(partition.row_count, dtype=np.int64)
    if partition.exclude == "current row":
        return [(rows, rows + 1)]
    if partition.exclude == "group":
        return [(_first_of_peers(partition), _end_of_peers(partition))]
    if partition.exclude == "ties":
        return [(_first_of_peers(partition), rows), (rows + 1, _end_of_peers(partition))]
    return []


def _value_at(
    partition: WindowPartition, values: Vector, places: Any, is_known: Any = True
) -> Vector:
    """The value at a place (from 1) of each row's frame; place 0 means the last."""
    starts, ends = partition.frame_starts, np.maximum(partition.frame_starts, partition.frame_ends)
    if not partition.row_count:
        return values
    clipped = [
        (np.clip(first, starts, ends), np.clip(last, starts, ends))
        for first, last in _holes(partition)
    ]
    sizes = ends - starts - sum(last - first for first, last in clipped)
    places = np.where(places == 0, sizes, places)
    indices = starts + places - 1
    for first, last in clipped:
        indices = np.where(indices >= first, indices + (last - first), indices)
    return _take(values, indices, is_known & (places >= 1) & (places <= sizes))


def _first_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _value_at(partition, arguments[0], 1)


def _last_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    return _value_at(partition, arguments[0], 0)


def _nth_value(partition: WindowPartition, arguments: Sequence[Vector]) -> Vector:
    places = numbers_of(arguments[1]).astype(np.int64)
    is_known = validity(arguments[1])
    if bool(np.any((places <= 0) & is_known)):
        raise InvalidArgumentForNthValueFunction("argument of nth_value must be greater than zero")
    return _value_at(partition, arguments[0], np.maximum(places, 1), is_known)


_ELEMENT, _COMPATIBLE = Polymorphic.ANYELEMENT, Polymorphic.ANYCOMPATIBLE

WINDOW_FUNCTIONS: tuple[WindowFunction, ...] = (
    WindowFunction("row_number", (), BIGINT, _row_number),
    WindowFunction("rank", (), BIGINT, _rank, needs_order=True),
    WindowFunction("dense_rank", (), BIGINT, _dense_rank, needs_order=True),
    WindowFunction("percent_rank", (), DOUBLE, _percent_rank, needs_order=True),
    WindowFunction("cume_dist", (), DOUBLE, _cume_dist, needs_order=True),
    WindowFunction("ntile", (INTEGER,), INTEGER, _ntile),
    WindowFunction("lag", (_ELEMENT,), _ELEMENT, _lag),
    WindowFunction("lag", (_ELEMENT, INTEGER), _ELEMENT, _lag),
    WindowFunction("lag", (_COMPATIBLE, INTEGER, _COMPATIBLE), _COMPATIBLE, _lag),
    WindowFunction("lead", (_ELEMENT,), _ELEMENT, _lead),
    WindowFunction("lead", (_ELEMENT, INTEGER), _ELEMENT, _lead),
    WindowFunction("lead", (_COMPATIBLE, INTEGER, _COMPATIBLE), _COMPATIBLE, _lead),
    WindowFunction("first_value", (_ELEMENT,), _ELEMENT, _first_value),
    WindowFunction("last_value", (_ELEMENT,), _ELEMENT, _last_value),
    WindowFunction("nth_value", (_ELEMENT, INTEGER), _ELEMENT, _nth_value),
)
