"""Keys: their order is that of the values, as PostgreSQL has it, one value at a time and for whole columns."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.errors import UndefinedObject
from lungfish.storage.key_columns import encode_column, encode_entries, encode_keys
from lungfish.storage.key_values import column_encoder, value_encoder
from lungfish.storage.keys import Bound, KeyCodec
from lungfish.types import sql_type as t
from lungfish.types.array_value import ArrayValue, array_value
from lungfish.types.range_value import EMPTY_RANGE, RangeValue
from lungfish.types.sql_type import Interval, SqlType, TypeKind
from lungfish.types.vectors import build_vector

Reference = Callable[[Any], Any]
DAY = 86_400_000_000
MOOD = SqlType(TypeKind.ENUM, name="mood", labels=("sad", "ok", "happy"))
NUMERIC_RANGE = SqlType(TypeKind.RANGE, element=t.NUMERIC, name="numrange")
PAIR = SqlType(TypeKind.RECORD, fields=(t.TEXT, t.INTEGER))

plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(
    "ab\x01\uffff", max_size=4
)
decimals = (
    st.decimals(allow_nan=False, allow_infinity=False, places=None)
    | st.decimals(min_value=-100, max_value=100, places=2)
    | st.sampled_from(
        [
            Decimal(text)
            for text in (
                "NaN",
                "Infinity",
                "-Infinity",
                "0",
                "-0",
                "0E+7",
                "1E+9",
                "1000000000",
                "1.0",
                "1.00",
                "0.1",
                "0.10",
            )
        ]
    )
).filter(lambda value: not value.is_finite() or abs(value.adjusted()) < 130_000)
floats = st.floats() | st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan])
intervals = st.builds(
    Interval, st.integers(-30, 30), st.integers(-1000, 1000), st.integers(-40 * DAY, 40 * DAY)
) | st.sampled_from(
    [
        Interval(1, 0, 0),
        Interval(0, 30, 0),
        Interval(0, 29, DAY),
        Interval(2**31 - 1, 2**31 - 1, 2**63 - 1),
        Interval(-(2**31), -(2**31), -(2**63)),
    ]
)


def number_order(value: Any) -> Any:
    return (1, 0) if value != value else (0, value)


def text_order(value: str) -> bytes:
    return value.encode()


def nullable(order: Reference) -> Reference:
    return lambda value: (1,) if value is None else (0, order(value))


def array_order(value: ArrayValue) -> Any:
    return [nullable(int)(item) for item in value.elements], value.dimensions, value.lower_bounds


def range_order(value: RangeValue) -> Any:
    if value.is_empty:
        return (0,)
    lower = (0,) if value.lower is None else (1, value.lower, not value.is_lower_inclusive)
    upper = (2,) if value.upper is None else (1, value.upper, value.is_upper_inclusive)
    return 1, lower, upper


small = st.integers(-3, 3)


@st.composite
def proper_ranges(draw: st.DrawFn) -> RangeValue:
    lower = draw(st.none() | small.map(Decimal))
    upper = draw(st.none() | st.integers(1, 4).map(lambda width: (lower or Decimal(0)) + width))
    return RangeValue(
        lower,
        upper,
        lower is not None and draw(st.booleans()),
        upper is not None and draw(st.booleans()),
    )


CASES: dict[str, tuple[SqlType, st.SearchStrategy[Any], Reference]] = {
    "smallint": (t.SMALLINT, st.integers(-(2**15), 2**15 - 1), int),
    "integer": (t.INTEGER, st.integers(-(2**31), 2**31 - 1), int),
    "bigint": (t.BIGINT, st.integers(-(2**63), 2**63 - 1), int),
    "date": (t.DATE, st.integers(-(2**31), 2**31 - 1), int),
    "time": (t.TIME, st.integers(0, DAY), int),
    "timestamp": (t.TIMESTAMP, st.integers(-(2**63), 2**63 - 1), int),
    "boolean": (t.BOOLEAN, st.booleans(), int),
    "real": (t.REAL, st.floats(width=32), number_order),
    "double": (t.DOUBLE, floats, number_order),
    "numeric": (t.NUMERIC, decimals, number_order),
    "text": (t.TEXT, plain_text.filter(lambda text: "\x00" not in text), text_order),
    "char": (
        SqlType(TypeKind.CHAR, (6,)),
        plain_text.map(lambda text: text.ljust(6)),
        lambda value: value.rstrip(" ").encode(),
    ),
    "bytea": (
        t.BYTEA,
        st.binary(max_size=5) | st.lists(st.sampled_from([0, 1, 255])).map(bytes),
        bytes,
    ),
    "uuid": (t.UUID, st.binary(min_size=16, max_size=16), bytes),
    "interval": (t.INTERVAL, intervals, lambda value: (value[0] * 30 + value[1]) * DAY + value[2]),
    "timetz": (
        t.TIMETZ,
        st.tuples(st.integers(0, DAY), st.integers(-54_000, 54_000)),
        lambda value: (value[0] + value[1] * 1_000_000, value[1]),
    ),
    "pg_lsn": (
        t.PG_LSN,
        st.sampled_from(["0/0", "0/A", "0/10", "9/FFFFFFFF", "A/0", "10/0"]),
        lambda value: tuple(int(part, 16) for part in value.split("/")),
    ),
    "enum": (MOOD, st.sampled_from(MOOD.labels), MOOD.labels.index),
    "bits": (SqlType(TypeKind.VARBIT), st.text("01", max_size=12), str),
    "array": (
        t.array_of(t.INTEGER),
        st.lists(st.none() | small, max_size=3).map(array_value),
        array_order,
    ),
    "range": (NUMERIC_RANGE, st.just(EMPTY_RANGE) | proper_ranges(), range_order),
}
names = pytest.mark.parametrize("name", CASES)


def sign(one: Any, other: Any) -> int:
    return (one > other) - (one < other)


@names
@given(data=st.data())
def test_bytes_compare_as_values_do(name: str, data: st.DataObject) -> None:
    sql_type, values, reference = CASES[name]
    one, other = data.draw(values), data.draw(values)
    encode = value_encoder(sql_type)
    assert sign(encode(one), encode(other)) == sign(reference(one), reference(other))


@names
@given(data=st.data())
def test_no_value_is_a_prefix_of_another(name: str, data: st.DataObject) -> None:
    sql_type, values, _ = CASES[name]
    encode = value_encoder(sql_type)
    one, other = encode(data.draw(values)), encode(data.draw(values))
    assert one == other or not other.startswith(one)


@names
@given(
    data=st.data(), is_descending=st.booleans(), nulls_first=st.booleans(), is_last=st.booleans()
)
def test_a_column_is_encoded_at_once_as_value_by_value(
    name: str, data: st.DataObject, is_descending: bool, nulls_first: bool, is_last: bool
) -> None:
    sql_type, values, _ = CASES[name]
    rows = data.draw(st.lists(st.none() | values, max_size=8))
    options = {"is_descending": is_descending, "nulls_first": nulls_first, "is_last": is_last}
    one_by_one = column_encoder(sql_type, **options)
    vector = build_vector(rows, sql_type)
    assert encode_column(vector, sql_type, **options).to_pylist() == [
        one_by_one(row) for row in rows
    ]
    # A slice begins in the middle of its buffers.
    assert encode_column(vector[1:], sql_type, **options).to_pylist() == [
        one_by_one(row) for row in rows[1:]
    ]


@given(
    rows=st.lists(st.none() | st.decimals(min_value=-1000, max_value=1000, places=2), max_size=8)
)
def test_both_forms_of_a_numeric_column_have_the_same_keys(rows: list[Decimal | None]) -> None:
    declared, free = SqlType(TypeKind.NUMERIC, (10, 2)), t.NUMERIC
    assert (
        encode_column(build_vector(rows, declared), declared).to_pylist()
        == encode_column(build_vector(rows, free), free).to_pylist()
    )


COLUMN_TYPES = {
    "integer": st.integers(-3, 3),
    "text": st.text("ab\x01", max_size=2),
    "numeric": st.sampled_from([Decimal(0), Decimal("1.0"), Decimal("1.00"), Decimal(-2)]),
    "bytea": st.lists(st.sampled_from([0, 1, 255]), max_size=2).map(bytes),
}


@st.composite
def codecs(draw: st.DrawFn) -> tuple[KeyCodec, list[str]]:
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMN_TYPES)), min_size=1, max_size=3))
    flags = st.lists(st.booleans(), min_size=len(kinds), max_size=len(kinds))
    return KeyCodec([CASES[kind][0] for kind in kinds], draw(flags), draw(flags)), kinds


def column_order(codec: KeyCodec, kinds: list[str], column: int, value: Any) -> Any:
    """A sort key of one column, as ORDER BY ... DESC NULLS FIRST says."""
    if value is None:
        return (0,) if codec.nulls_first[column] else (2,)
    return 1, Reversed(CASES[kinds[column]][2](value)) if codec.descending[column] else CASES[
        kinds[column]
    ][2](value)


class Reversed:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Reversed) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]


def draw_rows(data: st.DataObject, kinds: list[str]) -> list[tuple[Any, ...]]:
    row = st.tuples(*(st.none() | COLUMN_TYPES[kind] for kind in kinds))
    return data.draw(st.lists(row, max_size=12))


@given(made=codecs(), data=st.data())
def test_entries_sort_as_rows_do(made: tuple[KeyCodec, list[str]], data: st.DataObject) -> None:
    codec, kinds = made
    rows = draw_rows(data, kinds)
    entries = [codec.entry(codec.encode(row), address) for address, row in enumerate(rows)]
    expected = sorted(
        range(len(rows)),
        key=lambda index: [
            *(
                column_order(codec, kinds, column, value)
                for column, value in enumerate(rows[index])
            ),
            index,
        ],
    )
    assert sorted(range(len(rows)), key=entries.__getitem__) == expected


@given(made=codecs(), data=st.data())
def test_entries_are_the_same_for_whole_columns(
    made: tuple[KeyCodec, list[str]], data: st.DataObject
) -> None:
    codec, kinds = made
    rows = draw_rows(data, kinds)
    columns = [
        build_vector([row[index] for row in rows], codec.types[index])
        for index in range(len(kinds))
    ]
    keys, addresses = encode_entries(codec, columns, np.arange(len(rows)))
    assert list(zip(list(keys), addresses.tolist(), strict=True)) == [
        codec.entry(codec.encode(row), address) for address, row in enumerate(rows)
    ]
    if not codec.is_integer:
        assert encode_keys(codec, columns).to_pylist() == [codec.encode(row) for row in rows]


@given(made=codecs(), data=st.data())
def test_a_range_has_the_rows_that_its_bounds_admit(
    made: tuple[KeyCodec, list[str]], data: st.DataObject
) -> None:
    codec, kinds = made
    rows = draw_rows(data, kinds)
    equal_count = data.draw(st.integers(0, len(kinds)))
    equals = tuple(data.draw(st.none() | COLUMN_TYPES[kind]) for kind in kinds[:equal_count])
    lower = upper = None
    if equal_count < len(kinds):
        bounds = st.none() | st.builds(Bound, COLUMN_TYPES[kinds[equal_count]], st.booleans())
        lower, upper = data.draw(bounds), data.draw(bounds)
    low, high = codec.range(equals, lower, upper)
    for address, row in enumerate(rows):
        entry = codec.entry(codec.encode(row), address)
        is_within = (low is None or entry >= low) and (high is None or entry < high)
        assert is_within is admits(kinds, row, equals, lower, upper)


def admits(
    kinds: list[str],
    row: tuple[Any, ...],
    equals: tuple[Any, ...],
    lower: Bound | None,
    upper: Bound | None,
) -> bool:
    orders = [nullable(CASES[kind][2]) for kind in kinds]
    if any(
        order(value) != order(wanted)
        for order, value, wanted in zip(orders, row, equals, strict=False)
    ):
        return False
    if lower is None and upper is None:
        return True
    order, value = CASES[kinds[len(equals)]][2], row[len(equals)]
    if value is None:
        return False
    place = order(value)
    if lower is not None and not (
        place >= order(lower.value) if lower.is_inclusive else place > order(lower.value)
    ):
        return False
    return upper is None or (
        place <= order(upper.value) if upper.is_inclusive else place < order(upper.value)
    )


def test_a_single_integer_column_has_integer_keys() -> None:
    assert KeyCodec([t.INTEGER]).encode((5,)) == 5
    assert KeyCodec([t.TIMESTAMP], [True]).encode((5,)) == ~5
    assert KeyCodec([t.INTEGER]).encode((None,)) is None
    assert not KeyCodec([t.INTEGER, t.INTEGER]).is_integer
    assert not KeyCodec([t.TEXT]).is_integer


def test_nulls_come_last_unless_the_column_descends() -> None:
    assert KeyCodec([t.TEXT, t.TEXT], [False, True]).nulls_first == (False, True)


def test_a_record_compares_field_by_field() -> None:
    encode = value_encoder(PAIR)
    rows = [(None, 0), ("ab", 1), ("a", None), ("a", 2), ("a", 1)]
    assert sorted(rows, key=encode) == [
        ("a", 1),
        ("a", 2),
        ("a", None),
        ("ab", 1),
        (None, 0),
    ]


def test_types_without_an_order_are_refused() -> None:
    with pytest.raises(
        UndefinedObject,
        match='data type json has no default operator class for access method "btree"',
    ):
        KeyCodec([t.JSON])
