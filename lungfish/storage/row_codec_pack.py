"""Columns to packed rows: the other direction of `row_codec_columns.py`, for bulk inserts.

Fields of fixed size are copied by column into the fixed parts of all rows at once; so are views, which Arrow makes (its string_view
layout is ours). Only a long value costs a step in Python. A column whose Arrow type is not the usual one of its SQL type (a NUMERIC with
NaN, or of another scale) goes value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.storage.row_codec import INLINE_SIZE_MAX, SMALL_NUMERIC_DIGITS_MAX
from lungfish.storage.rows import HAS_TAIL, LIVE, VIEW_DTYPE, RowArray, RowLayout, Values
from lungfish.types.batch import Vector
from lungfish.types.numerics import as_text_form
from lungfish.types.sql_type import TypeKind
from lungfish.types.vectors import arrow_type, integer_view, to_values

Valid = npt.NDArray[np.bool_] | None


def pack_columns(
    layout: RowLayout, columns: Sequence[Vector], row_count: int, writer: int
) -> list[bytes]:
    """The packed rows of vectors in the order of the layout's types."""
    return _ColumnPacker(layout, row_count, writer).pack(columns)


def rows_from_columns(
    layout: RowLayout, columns: Sequence[Vector], row_count: int, positions: Sequence[int]
) -> list[Values]:
    """The rows as tuples of internal values; None stands in fields that are not at `positions`."""
    wanted = set(positions)
    lists = [
        to_values(column, layout.types[position]) if position in wanted else repeat(None, row_count)
        for position, column in enumerate(columns)
    ]
    if not lists:
        return [()] * row_count
    return list(zip(*lists, strict=True))


class _ColumnPacker:
    """The fixed parts of some rows, filled column by column."""

    def __init__(self, layout: RowLayout, row_count: int, writer: int) -> None:
        self._layout = layout
        self._rows: RowArray = np.zeros(row_count, layout.dtype)
        self._rows["writer"] = writer
        self._rows["flags"] = LIVE
        # Where each row's next long value goes, and by row the long values so far.
        self._places = np.full(row_count, layout.stride, np.int64)
        self._tails: dict[int, list[bytes]] = {}

    def pack(self, columns: Sequence[Vector]) -> list[bytes]:
        layout, rows = self._layout, self._rows
        for position, column in enumerate(columns):
            if layout.codecs[position].is_view:
                self._put_views(position, column)
            else:
                self._put_field(position, column)
        rows["flags"][list(self._tails)] |= HAS_TAIL
        fixed, stride = rows.tobytes(), layout.stride
        packed = [fixed[start : start + stride] for start in range(0, len(fixed), stride)]
        for row, tail in self._tails.items():
            packed[row] += b"".join(tail)
        return packed

    def _valid(self, position: int, column: Vector) -> Valid:
        """Set the null bits of a column; answers where it is not NULL, None for everywhere."""
        if not column.null_count:
            return None
        valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
        bits = self._rows["nulls"][:, position >> 3]
        bits |= (~valid).astype(np.uint8) << np.uint8(position & 7)
        return valid

    # Fields of fixed size

    def _put_field(self, position: int, column: Vector) -> None:
        sql_type = self._layout.types[position]
        field = self._rows[f"f{position}"]
        valid = self._valid(position, column)
        if column.type != arrow_type(sql_type):
            self._put_values(position, column)
            return
        if sql_type.kind is TypeKind.NUMERIC:
            words = _fixed_bytes(column).view(np.int64).reshape(-1, 2)
            is_small = column.type.precision <= SMALL_NUMERIC_DIGITS_MAX
            new = words[:, 0] if is_small else words.view(field.dtype).reshape(-1)
        elif field.dtype.kind == "V":
            new = _fixed_bytes(column).view(field.dtype)
        else:
            integers = integer_view(column)
            if valid is not None:
                integers = integers.fill_null(False if pa.types.is_boolean(column.type) else 0)
            field[:] = integers.to_numpy(zero_copy_only=False)
            return
        if valid is None:
            field[:] = new
        else:
            field[valid] = new[valid]

    def _put_values(self, position: int, column: Vector) -> None:
        """One value after the other, through the field's codec."""
        codec = self._layout.codecs[position]
        encode = codec.encode
        field = self._rows[f"f{position}"]
        for row, value in enumerate(to_values(column, self._layout.types[position])):
            if value is not None:
                encoded = value if encode is None else encode(value)
                field[row] = np.void(encoded) if field.dtype.kind == "V" else encoded

    # Views

    def _put_views(self, position: int, column: Vector) -> None:
        is_bytes = pa.types.is_large_binary(column.type)
        if self._layout.types[position].kind is TypeKind.NUMERIC:
            column = as_text_form(column)
        valid = self._valid(position, column)
        views = column.cast(pa.binary_view() if is_bytes else pa.string_view())
        _, data, *buffers = views.buffers()
        parts: npt.NDArray[Any] = np.frombuffer(data, VIEW_DTYPE, len(column), views.offset * 16)
        parts = parts.copy()
        if valid is not None:
            parts[~valid] = 0
        long = np.flatnonzero(parts["size"] > INLINE_SIZE_MAX)
        if len(long):
            self._add_tails(parts, long, [memoryview(each) for each in buffers])
        self._rows[f"f{position}"] = parts.view("V16")

    def _add_tails(
        self,
        parts: npt.NDArray[Any],
        long: npt.NDArray[np.intp],
        buffers: Sequence[memoryview],
    ) -> None:
        """Move long values behind their rows, and let the views point there."""
        sizes, _, numbers, positions = (
            parts[name][long].tolist() for name in VIEW_DTYPE.names or ()
        )
        tails = self._tails
        for row, size, number, start in zip(long.tolist(), sizes, numbers, positions, strict=True):
            value = bytes(buffers[number][start : start + size])
            if row in tails:
                tails[row].append(value)
            else:
                tails[row] = [value]
        parts["number"][long] = 0
        parts["position"][long] = self._places[long]
        self._places[long] += parts["size"][long]


def _fixed_bytes(column: Vector) -> npt.NDArray[np.uint8]:
    """The bytes of a column of 16-byte values; undefined where null."""
    data = column.buffers()[1]
    return np.frombuffer(data, np.uint8, len(column) * 16, column.offset * 16)
