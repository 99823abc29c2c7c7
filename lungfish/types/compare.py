"""Order and equality of internal values, as PostgreSQL's comparison operators have them.

`comparison_key` answers, for a type, a function from a value to a key: keys are hashable, and compare and are equal as the
values do in SQL. It is None where the value is its own key, so hot paths can leave it out. The peculiarities:
NaN equals NaN and is greater than every number; blanks at the end of CHAR(n) do not count; 30 days are a month when
intervals are compared; jsonb orders by kind first; NULLs in arrays and records are greater than everything.
Text is ordered by code point (collation "C").
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lungfish.types.array_value import ArrayValue
from lungfish.types.calendar import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from lungfish.types.json_text import JsonTree, key_order, load_json
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import Interval, SqlType, TypeKind

Key = Any
KeyFunction = Callable[[Any], Key]
DAYS_PER_MONTH = 30


def interval_span(value: Interval) -> int:
    """An interval's length in microseconds with months of 30 days and days of 24 hours."""
    days = value.months * DAYS_PER_MONTH + value.days
    return days * MICROSECONDS_PER_DAY + value.microseconds


def _float_key(value: float) -> Key:
    return (1, 0.0) if value != value else (0, value)


def _numeric_key(value: Decimal) -> Key:
    return (1, 0) if value.is_nan() else (0, value)


def _char_key(value: str) -> Key:
    return value.rstrip(" ")


def _timetz_key(value: tuple[int, int]) -> Key:
    microseconds, west = value
    return microseconds + west * MICROSECONDS_PER_SECOND, west


def _lsn_key(value: str) -> Key:
    high, _, low = value.partition("/")
    return int(high, 16), int(low, 16)


def _json_tree_key(tree: JsonTree) -> Key:
    """Jsonb's order: null < string < number < boolean < array < object; containers by size first."""
    if tree is None:
        return (1,)
    if isinstance(tree, str):
        return (2, tree.encode())
    if isinstance(tree, Decimal):
        return (3, tree)
    if isinstance(tree, bool):
        return (4, tree)
    if isinstance(tree, list):
        # An empty array at the top is less than null: a quirk of old that PostgreSQL keeps.
        return (5, len(tree), tuple(_json_tree_key(item) for item in tree))
    # The shortest key comes first, yet one key is compared with another as text.
    keys = sorted(tree, key=key_order)
    return (6, len(tree), tuple((key.encode(), _json_tree_key(tree[key])) for key in keys))


def _jsonb_key(value: str) -> Key:
    tree = load_json(value)
    return (0,) if tree == [] and isinstance(tree, list) else _json_tree_key(tree)


def _nulls_last(key: KeyFunction | None) -> KeyFunction:
    """A key for items of arrays and records, where NULL is greater than every value."""
    if key is None:
        return lambda item: (1,) if item is None else (0, item)
    return lambda item: (1,) if item is None else (0, key(item))


def _array_key_function(sql_type: SqlType) -> KeyFunction:
    assert sql_type.element is not None
    item_key = _nulls_last(comparison_key(sql_type.element))

    def array_key(value: ArrayValue) -> Key:
        items = tuple(item_key(item) for item in value.elements)
        return items, len(value.dimensions), value.dimensions, value.lower_bounds

    return array_key


def _record_key_function(sql_type: SqlType) -> KeyFunction:
    keys = [_nulls_last(comparison_key(field)) for field in sql_type.fields]
    return lambda value: tuple(key(item) for key, item in zip(keys, value, strict=True))


def _range_key_function(sql_type: SqlType) -> KeyFunction:
    assert sql_type.element is not None
    bound_key = comparison_key(sql_type.element) or (lambda bound: bound)

    def range_key(value: RangeValue) -> Key:
        if value.is_empty:
            return (0,)
        if value.lower is None:
            lower: Key = (0,)
        else:
            lower = (1, bound_key(value.lower), 0 if value.is_lower_inclusive else 1)
        if value.upper is None:
            upper: Key = (2,)
        else:
            upper = (1, bound_key(value.upper), 1 if value.is_upper_inclusive else 0)
        return 1, lower, upper

    return range_key


def _multirange_key_function(sql_type: SqlType) -> KeyFunction:
    assert sql_type.element is not None
    range_key = _range_key_function(sql_type.element)
    return lambda value: tuple(range_key(each) for each in value)


def _enum_key_function(sql_type: SqlType) -> KeyFunction:
    places = {label: place for place, label in enumerate(sql_type.labels)}
    return places.__getitem__


_KEYS: dict[TypeKind, KeyFunction] = {
    TypeKind.REAL: _float_key,
    TypeKind.DOUBLE: _float_key,
    TypeKind.NUMERIC: _numeric_key,
    TypeKind.CHAR: _char_key,
    TypeKind.TIMETZ: _timetz_key,
    TypeKind.INTERVAL: interval_span,
    TypeKind.JSONB: _jsonb_key,
    TypeKind.PG_LSN: _lsn_key,
}
_KEY_MAKERS: dict[TypeKind, Callable[[SqlType], KeyFunction]] = {
    TypeKind.ARRAY: _array_key_function,
    TypeKind.RECORD: _record_key_function,
    TypeKind.RANGE: _range_key_function,
    TypeKind.MULTIRANGE: _multirange_key_function,
    TypeKind.ENUM: _enum_key_function,
}


@functools.lru_cache(maxsize=1024)
def comparison_key(sql_type: SqlType) -> KeyFunction | None:
    """The function from a value (not NULL) to its key, or None where values are their own keys."""
    maker = _KEY_MAKERS.get(sql_type.kind)
    if maker is not None:
        return maker(sql_type)
    return _KEYS.get(sql_type.kind)


def compare_values(left: Any, right: Any, sql_type: SqlType) -> int:
    """-1, 0 or 1; neither value is NULL."""
    key = comparison_key(sql_type)
    if key is not None:
        left, right = key(left), key(right)
    return int(left > right) - int(left < right)


def values_equal(left: Any, right: Any, sql_type: SqlType) -> bool:
    """SQL's equality of two values that are not NULL."""
    key = comparison_key(sql_type)
    if key is not None:
        left, right = key(left), key(right)
    return bool(left == right)


def grouping_key(sql_type: SqlType) -> KeyFunction:
    """A hashable key for GROUP BY, DISTINCT and hash joins; None stays None, so nulls are one group."""
    key = comparison_key(sql_type)
    if key is None:
        return lambda value: value
    return lambda value: None if value is None else key(value)


def is_nan(value: Any) -> bool:
    """Whether a float or NUMERIC is NaN."""
    return value.is_nan() if isinstance(value, Decimal) else math.isnan(value)
