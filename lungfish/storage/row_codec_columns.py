"""Rows by column: many packed rows to Arrow vectors, without a Python step for each row.

`ColumnReader` takes the fixed parts of many rows as one NumPy structured array and the bytes that their views point into. A field
becomes a vector by one strided copy; a view column is handed to Arrow as it lies (its string_view layout is ours) and cast. What
does not fit this (NaN among scaled numerics, containers) goes value by value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.errors import CorruptPage
from lungfish.storage.row_codec import (
    INLINE_SIZE_MAX,
    LARGE_NAN,
    SMALL_NAN,
    SMALL_NUMERIC_DIGITS_MAX,
    numeric_digits,
)
from lungfish.storage.rows import VIEW_DTYPE, RowArray, RowLayout
from lungfish.types.batch import Vector
from lungfish.types.numerics import NAN, numeric_values, text_vector
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import arrow_type


class ColumnReader:
    """Some rows, and the bytes that their long views point into (buffer 0)."""

    def __init__(self, layout: RowLayout, rows: RowArray, long_values: bytes | bytearray) -> None:
        self._layout = layout
        self._rows = rows
        self._long_values = long_values
        self._nulls = np.ascontiguousarray(rows["nulls"]) if layout.types else None
        # For each byte of null bits, which are set in some row.
        self._any_null = None if self._nulls is None else np.bitwise_or.reduce(self._nulls, axis=0)

    def vector(self, position: int) -> Vector:
        """The vector of one field."""
        layout, rows = self._layout, self._rows
        sql_type = layout.types[position]
        field = rows[f"f{position}"]
        valid = self._validity(position)
        if layout.codecs[position].is_view:
            return _view_vector(sql_type, field, valid, self._long_values)
        if sql_type.kind is TypeKind.NUMERIC:
            return _numeric_vector(sql_type, field, valid)
        if sql_type.kind is TypeKind.BOOLEAN:
            data = pa.py_buffer(np.packbits(field, bitorder="little"))
        else:
            data = pa.py_buffer(np.ascontiguousarray(field))
        return pa.Array.from_buffers(arrow_type(sql_type), len(rows), [_bitmap(valid), data])

    def _validity(self, position: int) -> npt.NDArray[np.bool_] | None:
        """Where the field is not NULL; None if it nowhere is."""
        assert self._nulls is not None
        assert self._any_null is not None
        byte, bit = position >> 3, np.uint8(1 << (position & 7))
        if not self._any_null[byte] & bit:
            return None
        valid: npt.NDArray[np.bool_] = (self._nulls[:, byte] & bit) == 0
        return valid


def _bitmap(valid: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _numeric_vector(
    sql_type: SqlType, field: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None
) -> Vector:
    digits = numeric_digits(sql_type)
    assert digits is not None, "other numerics are views"
    words = np.empty((len(field), 2), np.int64)
    if digits[0] <= SMALL_NUMERIC_DIGITS_MAX:
        words[:, 0] = field
        words[:, 1] = words[:, 0] >> 63
        is_nan = words[:, 0] == SMALL_NAN
    else:
        words[:] = np.ascontiguousarray(field).view(np.int64).reshape(-1, 2)
        low, high = np.frombuffer(LARGE_NAN, np.int64)
        is_nan = (words[:, 0] == low) & (words[:, 1] == high)
    vector = pa.Array.from_buffers(
        pa.decimal128(*digits), len(field), [_bitmap(valid), pa.py_buffer(words)]
    )
    if not is_nan.any():
        return vector
    # NaN has no place in decimal128: the text form (types/sql_type.py).
    values = numeric_values(vector)
    return text_vector(
        [
            NAN if nan and value is not None else value
            for value, nan in zip(values, is_nan, strict=True)
        ]
    )


def _view_vector(
    sql_type: SqlType,
    field: npt.NDArray[np.void],
    valid: npt.NDArray[np.bool_] | None,
    long_values: bytes | bytearray,
) -> Vector:
    views = np.ascontiguousarray(field)
    parts = views.view(VIEW_DTYPE)
    ends = parts["position"].astype(np.int64) + parts["size"]
    is_long = parts["size"] > INLINE_SIZE_MAX
    if (ends[is_long] > len(long_values)).any() or parts["number"][is_long].any():
        raise CorruptPage("a row's view points outside the long values")
    is_bytes = sql_type.kind is TypeKind.BYTEA
    view_type, long_type = (
        (pa.binary_view(), pa.large_binary()) if is_bytes else (pa.string_view(), pa.large_string())
    )
    buffers = [_bitmap(valid), pa.py_buffer(views), pa.py_buffer(long_values)]
    return pa.Array.from_buffers(view_type, len(field), buffers).cast(long_type)
