"""The window functions proper: ranks, neighbours and values of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import InvalidArgumentForNthValueFunction, InvalidArgumentForNtileFunction
from lungfish.functions.registry import Polymorphic, WindowFunction, WindowRows
from lungfish.functions.vector_tools import numbers_of
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.numerics import validity
from lungfish.types.sql_type import BIGINT, DOUBLE, INTEGER
from lungfish.types.vectors import unify_numeric

Indices = npt.NDArray[np.int64]


def _row_number(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return pa.array(np.arange(rows.row_count) - rows.starts + 1)


def _rank(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return pa.array(rows.peer_starts - rows.starts + 1)


def _dense_rank(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return pa.array(rows.peer_numbers - rows.peer_numbers[rows.starts] + 1)


def _percent_rank(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    # Of a single row it is 0.
    others = np.maximum(rows.ends - rows.starts - 1, 1)
    return pa.array((rows.peer_starts - rows.starts) / others)


def _cume_dist(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return pa.array((rows.peer_ends - rows.starts) / (rows.ends - rows.starts))


def _ntile(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    """The number of tiles is what the argument is in the first row of the partition."""
    is_known = validity(arguments[0])[rows.starts]
    tiles = numbers_of(arguments[0]).astype(np.int64)[rows.starts]
    if bool((tiles[is_known] <= 0).any()):
        raise InvalidArgumentForNtileFunction("argument of ntile must be greater than zero")
    tiles = np.maximum(tiles, 1)
    place = np.arange(rows.row_count) - rows.starts
    size, larger = np.divmod(rows.ends - rows.starts, tiles)
    # The first `larger` tiles have one row more than the others.
    boundary = larger * (size + 1)
    tile = np.where(
        place < boundary,
        place // (size + 1),
        larger + (place - boundary) // np.maximum(size, 1),
    )
    return pa.array((tile + 1).astype(np.int32), mask=~is_known)


def _take(values: Vector, indices: Indices, is_inside: npt.NDArray[np.bool_]) -> Vector:
    """The values at the indices, null where they are not inside."""
    return values.take(pa.array(np.where(is_inside, indices, 0), mask=~is_inside))


def _neighbour(rows: WindowRows, arguments: Sequence[Vector], direction: int) -> Vector:
    values = arguments[0]
    if len(arguments) == 1:
        offsets: Any = 1
        is_known: Any = True
    else:
        offsets = numbers_of(arguments[1]).astype(np.int64)
        is_known = validity(arguments[1])
    indices = np.arange(rows.row_count, dtype=np.int64) + direction * offsets
    is_inside = (indices >= rows.starts) & (indices < rows.ends) & is_known
    found = _take(values, indices, is_inside)
    if len(arguments) < 3:
        return found
    default = arguments[2]
    if found.type != default.type:
        found, default = unify_numeric([found, default])
    takes_default = ~is_inside & is_known
    return pc.if_else(pa.array(takes_default), default, found)


def _lag(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return _neighbour(rows, arguments, -1)


def _lead(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return _neighbour(rows, arguments, 1)


def _holes(rows: WindowRows) -> list[tuple[Indices, Indices]]:
    """For each row, the stretches [start, end) that EXCLUDE takes out of its frame, in order."""
    numbers = np.arange(rows.row_count, dtype=np.int64)
    if rows.exclude == "current row":
        return [(numbers, numbers + 1)]
    if rows.exclude == "group":
        return [(rows.peer_starts, rows.peer_ends)]
    if rows.exclude == "ties":
        return [(rows.peer_starts, numbers), (numbers + 1, rows.peer_ends)]
    return []


def _value_at(rows: WindowRows, values: Vector, places: Any, is_known: Any = True) -> Vector:
    """The value at a place (from 1) of each row's frame; place 0 means the last."""
    starts, ends = rows.frame_starts, np.maximum(rows.frame_starts, rows.frame_ends)
    clipped = [
        (np.clip(first, starts, ends), np.clip(last, starts, ends)) for first, last in _holes(rows)
    ]
    sizes = ends - starts - sum(last - first for first, last in clipped)
    places = np.where(places == 0, sizes, places)
    indices = starts + places - 1
    for first, last in clipped:
        indices = np.where(indices >= first, indices + (last - first), indices)
    return _take(values, indices, is_known & (places >= 1) & (places <= sizes))


def _first_value(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return _value_at(rows, arguments[0], 1)


def _last_value(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    return _value_at(rows, arguments[0], 0)


def _nth_value(rows: WindowRows, arguments: Sequence[Vector]) -> Vector:
    places = numbers_of(arguments[1]).astype(np.int64)
    is_known = validity(arguments[1])
    if bool(np.any((places <= 0) & is_known)):
        raise InvalidArgumentForNthValueFunction("argument of nth_value must be greater than zero")
    return _value_at(rows, arguments[0], np.maximum(places, 1), is_known)


_ELEMENT, _COMPATIBLE = Polymorphic.ANYELEMENT, Polymorphic.ANYCOMPATIBLE

WINDOW_FUNCTIONS: tuple[WindowFunction, ...] = (
    WindowFunction("row_number", (), BIGINT, _row_number, reads_frame=False),
    WindowFunction("rank", (), BIGINT, _rank, needs_order=True, reads_frame=False),
    WindowFunction("dense_rank", (), BIGINT, _dense_rank, needs_order=True, reads_frame=False),
    WindowFunction("percent_rank", (), DOUBLE, _percent_rank, needs_order=True, reads_frame=False),
    WindowFunction("cume_dist", (), DOUBLE, _cume_dist, needs_order=True, reads_frame=False),
    WindowFunction("ntile", (INTEGER,), INTEGER, _ntile, reads_frame=False),
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
