"""Packed rows: every type's values come back, one by one and by column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish import errors
from lungfish.storage.row_codec_columns import ColumnReader
from lungfish.storage.row_codec_pack import pack_columns, rows_from_columns
from lungfish.storage.rows import (
    HAS_OVERFLOW,
    HAS_TAIL,
    OverflowPointer,
    RowLayout,
    writer_of,
)
from lungfish.types.array_value import array_value
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    JSONB,
    NUMERIC,
    OID,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    VOID,
    Interval,
    SqlType,
    TypeKind,
    array_of,
)
from lungfish.types.vectors import build_vector, to_values


def numeric(precision: int, scale: int) -> SqlType:
    return SqlType(TypeKind.NUMERIC, (precision, scale))


def scaled(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    top = 10**digits - 1
    return st.integers(-top, top).map(
        lambda n: Decimal(n).scaleb(-scale) if digits <= 28 else shift(n, scale)
    )


def shift(unscaled: int, scale: int) -> Decimal:
    sign, digits, _ = Decimal(unscaled).as_tuple()
    return Decimal((sign, digits, -scale))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
INT8 = st.integers(-(2**63), 2**63 - 1)
INT4 = st.integers(-(2**31), 2**31 - 1)
NAN_OR = st.just(Decimal("NaN"))

VALUES: dict[SqlType, st.SearchStrategy[Any]] = {
    BOOLEAN: st.booleans(),
    SMALLINT: st.integers(-(2**15), 2**15 - 1),
    INTEGER: INT4,
    BIGINT: INT8,
    OID: st.integers(0, 2**32 - 1),
    REAL: st.floats(width=32, allow_nan=False),
    DOUBLE: st.floats(allow_nan=False),
    numeric(10, 2): scaled(10, 2),
    numeric(18, 18): scaled(18, 18),
    numeric(38, 5): scaled(38, 5),
    NUMERIC: st.decimals(allow_nan=False, allow_infinity=False, places=7),
    TEXT: TEXTS,
    SqlType(TypeKind.VARCHAR, (40,)): TEXTS,
    SqlType(TypeKind.ENUM, name="mood", labels=("sad", "happy")): st.sampled_from(["sad", "happy"]),
    JSONB: st.just('{"a": 1}'),
    BYTEA: st.binary(max_size=40),
    DATE: INT4,
    TIME: st.integers(0, 86_400_000_000),
    TIMETZ: st.just((3_600_000_000, -7200)),
    TIMESTAMP: INT8,
    TIMESTAMPTZ: INT8,
    INTERVAL: st.builds(Interval, INT4, INT4, INT8),
    UUID: st.binary(min_size=16, max_size=16),
    array_of(INTEGER): st.lists(INT4 | st.none(), max_size=4).map(array_value),
    SqlType(TypeKind.RANGE, element=INTEGER, name="int4range"): st.just(
        RangeValue(1, 5, is_lower_inclusive=True)
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[SqlType], list[tuple[Any, ...]]]:
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=12))
    row = st.tuples(*[st.none() | VALUES[sql_type] for sql_type in types])
    return types, draw(st.lists(row, min_size=1, max_size=8))


def tail_free_reader(layout: RowLayout, packed: list[bytes]) -> ColumnReader:
    """A reader of packed rows, their tails brought into one buffer as a scan does it."""
    fixed, tails = bytearray(), bytearray()
    for row in packed:
        changed = bytearray(row[: layout.stride])
        for view, size, number, position in layout.long_views(row):
            assert not number
            changed[view + 12 : view + 16] = len(tails).to_bytes(4, "little")
            tails += row[position : position + size]
        fixed += changed
    return ColumnReader(layout, np.frombuffer(fixed, layout.dtype), tails)


@given(tables())
def test_a_packed_row_gives_its_values_back(
    table: tuple[list[SqlType], list[tuple[Any, ...]]],
) -> None:
    types, rows = table
    layout = RowLayout(types)
    for values in rows:
        packed = layout.pack(values, 77)
        assert writer_of(packed) == 77
        assert layout.unpack(packed) == values
        assert repr(layout.unpack(packed)) == repr(values)
        positions = range(0, len(types), 2)
        assert layout.unpack_fields(packed, positions) == values[::2]


@given(tables())
def test_columns_of_packed_rows_are_the_vectors_of_their_values(
    table: tuple[list[SqlType], list[tuple[Any, ...]]],
) -> None:
    types, rows = table
    layout = RowLayout(types)
    reader = tail_free_reader(layout, [layout.pack(values) for values in rows])
    for position, sql_type in enumerate(types):
        vector = reader.vector(position)
        # 24:00:00 is a time of day, though not to Arrow.
        vector.validate(full=sql_type is not TIME)
        expected = [values[position] for values in rows]
        assert repr(to_values(vector, sql_type)) == repr(expected)
        if sql_type != NUMERIC:
            assert vector.equals(build_vector(expected, sql_type))


@given(tables())
def test_packing_by_column_equals_packing_by_row(
    table: tuple[list[SqlType], list[tuple[Any, ...]]],
) -> None:
    types, rows = table
    layout = RowLayout(types)
    columns = [
        build_vector(list(values), sql_type)
        for values, sql_type in zip(zip(*rows, strict=True), types, strict=True)
    ]
    assert pack_columns(layout, columns, len(rows), 5) == [
        layout.pack(values, 5) for values in rows
    ]
    some = rows_from_columns(layout, columns, len(rows), [0])
    assert [row[0] for row in some] == [row[0] for row in rows]


def test_nan_in_a_scaled_numeric_column_makes_the_text_form() -> None:
    for precision in (10, 30):
        layout = RowLayout([numeric(precision, 9)])
        rows = [(Decimal("1.500000000"),), (Decimal("NaN"),), (None,), (Decimal("0E-9"),)]
        packed = [layout.pack(values) for values in rows]
        assert layout.unpack(packed[1])[0].is_nan()
        vector = tail_free_reader(layout, packed).vector(0)
        assert vector.to_pylist() == ["1.500000000", "NaN", None, "0.000000000"]


def test_numerics_of_any_size_keep_their_scale() -> None:
    layout = RowLayout([NUMERIC, NUMERIC, NUMERIC, numeric(5, 0)])
    values = (Decimal("1.500"), Decimal("Infinity"), Decimal(10) ** 200, Decimal(7))
    assert repr(layout.unpack(layout.pack(values))) == repr(
        (*values[:2], Decimal(10**200), values[3])
    )


def test_a_null_field_is_all_zeros() -> None:
    layout = RowLayout([TEXT, numeric(30, 3), DOUBLE])
    packed = layout.pack((None, None, None))
    assert packed[10:] == bytes(len(packed) - 10)


def test_fields_stand_at_multiples_of_their_alignment() -> None:
    layout = RowLayout([BOOLEAN, BIGINT, SMALLINT, TEXT, UUID])
    assert layout.offsets == (10, 16, 24, 28, 48)
    assert layout.stride % 8 == 0


def test_twelve_bytes_are_inline_and_thirteen_are_not() -> None:
    layout = RowLayout([TEXT])
    assert len(layout.pack(("x" * 12,))) == layout.stride
    assert len(layout.pack(("x" * 13,))) == layout.stride + 13


def test_long_values_move_to_overflow_and_back() -> None:
    layout = RowLayout([TEXT, INTEGER, TEXT, BYTEA])
    values = ("a" * 20, 5, "b" * 30, b"c" * 40)
    packed = layout.pack(values)
    view = layout.offsets[2]
    pointer = OverflowPointer(30, 9, 3)
    stored = layout.with_long_values(packed, {view: pointer})
    assert stored[8] & HAS_TAIL
    assert stored[8] & HAS_OVERFLOW
    assert layout.overflow_pointers(stored) == [pointer]
    assert layout.unpack(stored, 0, {pointer: b"b" * 30}.__getitem__) == values
    assert layout.with_long_values(stored, {view: b"b" * 30}) == packed


def test_a_row_without_columns_can_be_packed() -> None:
    layout = RowLayout([])
    assert layout.unpack(layout.pack((), 3)) == ()


def test_a_type_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(errors.FeatureNotSupported):
        RowLayout([VOID])


def test_a_row_of_too_many_columns_is_refused() -> None:
    with pytest.raises(errors.ProgramLimitExceeded):
        RowLayout([UUID] * 5000)
