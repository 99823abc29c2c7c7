"""Rows packed and unpacked in C are byte for byte, and value for value, those of the generated Python functions."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from lungfish.storage.row_functions import make_row_functions
from lungfish.storage.rows import HAS_TAIL, LIVE, RowLayout, _long_value, _place_fields
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    DATE,
    DOUBLE,
    INTEGER,
    NUMERIC,
    REAL,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    UUID,
    SqlType,
    TypeKind,
)

SMALL_NUMERIC = SqlType(TypeKind.NUMERIC, (10, 2))
LARGE_NUMERIC = SqlType(TypeKind.NUMERIC, (30, 5))
TYPES = (
    SMALLINT, INTEGER, BIGINT, BOOLEAN, REAL, DOUBLE, TEXT, BYTEA, DATE, TIMESTAMP, UUID, NUMERIC, SMALL_NUMERIC, LARGE_NUMERIC,
)  # fmt: skip


def plain_functions(layout: RowLayout) -> Any:
    """What the layout would have without a compiler."""
    _, stride, formats = _place_fields(layout.codecs, layout.null_byte_count)
    return make_row_functions(
        layout.codecs,
        fields_format=formats,
        stride=stride,
        flags=(LIVE, LIVE | HAS_TAIL),
        long_value=_long_value,
        damaged=layout._damaged,
    )


def value_of(kind: SqlType, numbers: random.Random) -> Any:
    """Any value of a type, at its edges too."""
    if numbers.random() < 0.2:
        return None
    match kind:
        case _ if kind is SMALLINT:
            return numbers.choice((0, -(2**15), 2**15 - 1, numbers.randrange(-99, 99)))
        case _ if kind is INTEGER or kind is DATE:
            return numbers.choice((0, -(2**31), 2**31 - 1, numbers.randrange(-99, 99)))
        case _ if kind is BIGINT or kind is TIMESTAMP:
            return numbers.choice((0, -(2**63), 2**63 - 1, numbers.randrange(-99, 99)))
        case _ if kind is BOOLEAN:
            return numbers.random() < 0.5
        case _ if kind is REAL:
            return numbers.choice((0.0, -1.5, float("inf"), 0.1))
        case _ if kind is DOUBLE:
            return numbers.choice((0.0, -0.0, 1e308, float("-inf"), numbers.random()))
        case _ if kind is UUID:
            return numbers.randbytes(16)
        case _ if kind is BYTEA:
            return numbers.randbytes(numbers.choice((0, 4, 11, 12, 13, 300)))
        case _ if kind is TEXT:
            return "".join(numbers.choice("aü\U0001f41f\0") for _ in range(numbers.choice((0, 3, 6, 12, 13, 90))))  # fmt: skip
    scale = 2 if kind is SMALL_NUMERIC else 5
    return Decimal(numbers.randrange(-(10**7), 10**7)).scaleb(-scale)


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_the_same_in_both_forms(seed: int) -> None:
    numbers = random.Random(seed)
    layout = RowLayout([numbers.choice(TYPES) for _ in range(numbers.randrange(1, 12))])
    plain = plain_functions(layout)
    for _ in range(60):
        row = tuple(value_of(kind, numbers) for kind in layout.types)
        writer = numbers.randrange(2**40)
        packed = layout.pack(row, writer)
        assert packed == plain.pack(row, writer)
        assert repr(layout.unpack(packed)) == repr(plain.unpack(packed))
        # As it lies on a page: behind other bytes, its tail where the views say.
        page = bytearray(b"\xaa" * 16) + packed
        if len(packed) == layout.stride:
            assert repr(layout.unpack(page, 16)) == repr(plain.unpack(page, 16))


@pytest.mark.parametrize(
    ("kind", "value"),
    [(SMALLINT, 2**15), (INTEGER, -(2**31) - 1), (BIGINT, 2**63), (REAL, 1e300), (INTEGER, "7")],
)
def test_what_does_not_fit_raises_what_it_raises_in_python(kind: SqlType, value: Any) -> None:
    layout = RowLayout([kind])
    with pytest.raises(Exception) as plain:
        plain_functions(layout).pack((value,), 1)
    with pytest.raises(plain.type):
        layout.pack((value,), 1)
