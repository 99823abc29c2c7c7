"""Keys of whole columns at once: what `key_values.py` does for one value, for vectors.

For bulk builds of indexes, and for the executor where it groups, sorts or joins by types that Arrow cannot compare as PostgreSQL
does. Fixed-width types go through NumPy, text through Arrow's kernels; for all others each distinct value is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.storage.key_values import (
    INTEGER_WIDTHS,
    INTERVAL_DAYS_BIAS,
    MICROSECONDS_A_DAY,
    NOT_NULL,
    NULL_FIRST,
    NULL_LAST,
    TERMINATOR,
    TEXT_KINDS,
    value_encoder,
)
from lungfish.storage.keys import ADDRESS_BITS, KEY_MAX, KEY_MIN, KeyCodec
from lungfish.types.batch import Vector
from lungfish.types.compute import pc
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import integer_view, interval_fields, to_values

Integers: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_SIGN_BIT = np.uint64(1 << 63)


def encode_entries(
    codec: KeyCodec, columns: Sequence[Vector], addresses: Integers
) -> tuple[Integers | list[bytes], Integers]:
    """The entries of some rows as a tree stores them: keys, and addresses with the flags of NULLs (`keys.py`)."""
    if not codec.is_integer:
        return encode_keys(codec, columns).to_pylist(), addresses
    integers = _integers(columns[0])
    keys = ~integers if codec.descending[0] else integers
    nulls = columns[0].is_null().to_numpy(zero_copy_only=False)
    if nulls.any():
        flag = 1 << ADDRESS_BITS
        is_first = codec.nulls_first[0]
        keys = np.where(nulls, KEY_MIN if is_first else KEY_MAX, keys)
        addresses = np.where(nulls, addresses + (-flag if is_first else flag), addresses)
    return keys, addresses


def encode_keys(codec: KeyCodec, columns: Sequence[Vector]) -> pa.LargeBinaryArray:
    """The byte-comparable keys of some rows, also of those whose index would have the integer form."""
    last = len(columns) - 1
    encoded = [
        encode_column(
            column,
            codec.types[index],
            is_descending=codec.descending[index],
            nulls_first=codec.nulls_first[index],
            is_last=index == last,
        )
        for index, column in enumerate(columns)
    ]
    if len(encoded) == 1:
        return encoded[0]
    return pc.binary_join_element_wise(*encoded, pa.scalar(b"", pa.large_binary()))


def encode_column(
    column: Vector,
    sql_type: SqlType,
    *,
    is_descending: bool = False,
    nulls_first: bool = False,
    is_last: bool = False,
) -> pa.LargeBinaryArray:
    """One column's share of byte-comparable keys: equal values have equal bytes, NULLs too, and byte order is the column's order.

    With `is_last` text has no terminator: nothing may be joined after it.
    """
    is_open = is_last and not is_descending
    values = _encode_values(column, sql_type, is_open=is_open)
    if is_descending:
        values = _inverted(values)
    marker = pa.scalar(NOT_NULL, pa.large_binary())
    joined = pc.binary_join_element_wise(marker, values, pa.scalar(b"", pa.large_binary()))
    return pc.fill_null(
        joined, pa.scalar(NULL_FIRST if nulls_first else NULL_LAST, pa.large_binary())
    )


def _encode_values(column: Vector, sql_type: SqlType, *, is_open: bool) -> pa.LargeBinaryArray:
    """The values without the marker; null where null."""
    kind = sql_type.kind
    width = INTEGER_WIDTHS.get(kind)
    if width is not None:
        return _fixed(column, _big_endian(_integers(column), width))
    fixed = _FIXED.get(kind)
    if fixed is not None:
        return _fixed(column, fixed(column))
    if kind is TypeKind.UUID:
        return column.cast(pa.large_binary())
    if kind in TEXT_KINDS or kind is TypeKind.BYTEA:
        return _encode_text(column, sql_type, is_open=is_open)
    return _encode_distinct(column, sql_type)


def _encode_text(column: Vector, sql_type: SqlType, *, is_open: bool) -> pa.LargeBinaryArray:
    if sql_type.kind is TypeKind.CHAR:
        column = pc.utf8_rtrim(column, " ")
    raw = column.cast(pa.large_binary())
    if is_open:
        return raw
    if pc.any(pc.match_substring(raw, b"\x00")).as_py():
        return _encode_distinct(column, sql_type)
    terminator = pa.scalar(TERMINATOR, pa.large_binary())
    return pc.binary_join_element_wise(raw, terminator, pa.scalar(b"", pa.large_binary()))


def _encode_distinct(column: Vector, sql_type: SqlType) -> pa.LargeBinaryArray:
    """Each distinct value encoded once, by the scalar encoder."""
    dictionary = column.dictionary_encode()
    encode = value_encoder(sql_type)
    encoded = [
        None if value is None else encode(value)
        for value in to_values(dictionary.dictionary, sql_type)
    ]
    return pa.array(encoded, pa.large_binary()).take(dictionary.indices)


def _integers(column: Vector) -> Integers:
    """A column of integers, booleans, dates or times as 64-bit integers; anything where null."""
    integers: Integers = (
        integer_view(column).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    )
    return integers


def _big_endian(integers: Integers, width: int) -> Bytes:
    """Biased and big-endian: one row of bytes for each integer."""
    rows = integers.astype(f">i{width}").view(np.uint8).reshape(-1, width)
    rows[:, 0] ^= 0x80
    return rows


def _doubles(column: Vector) -> Bytes:
    # Adding 0.0 makes 0.0 of -0.0.
    doubles = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0
    bits = doubles.view(np.uint64)
    bits = np.where(bits & _SIGN_BIT, ~bits, bits | _SIGN_BIT)
    bits[np.isnan(doubles)] = np.uint64(2**64 - 1)
    rows: Bytes = bits.astype(">u8").view(np.uint8).reshape(-1, 8)
    return rows


def _booleans(column: Vector) -> Bytes:
    return _integers(column).astype(np.uint8).reshape(-1, 1)


def _intervals(column: Vector) -> Bytes:
    fields = interval_fields(column)
    more_days, rest = np.divmod(fields["microseconds"], MICROSECONDS_A_DAY)
    days = fields["months"].astype(np.int64) * 30 + fields["days"] + more_days + INTERVAL_DAYS_BIAS
    parts = [part.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 3:] for part in (days, rest)]
    return np.ascontiguousarray(np.hstack(parts))


_FIXED: dict[TypeKind, Callable[[Vector], Bytes]] = {
    TypeKind.BOOLEAN: _booleans,
    TypeKind.REAL: _doubles,
    TypeKind.DOUBLE: _doubles,
    TypeKind.INTERVAL: _intervals,
}


def _fixed(column: Vector, rows: Bytes) -> pa.LargeBinaryArray:
    """Rows of bytes as an array, null where the column is."""
    count, width = rows.shape
    data = pa.py_buffer(np.ascontiguousarray(rows))
    array = pa.Array.from_buffers(pa.binary(width), count, [None, data]).cast(pa.large_binary())
    if not column.null_count:
        return array
    return pc.if_else(column.is_valid(), array, pa.scalar(None, pa.large_binary()))


def _inverted(values: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """Every byte inverted, for descending columns."""
    validity, offsets, data = values.buffers()
    if data is None:
        return values
    flipped = ~np.frombuffer(data, np.uint8)
    buffers = [validity, offsets, pa.py_buffer(flipped)]
    return pa.Array.from_buffers(values.type, len(values), buffers, offset=values.offset)
