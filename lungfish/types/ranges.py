"""Ranges: the normal form of a range value, and which range type has which bounds."""

from __future__ import annotations

from typing import Any

from lungfish.errors import DataError, DatetimeFieldOverflow, NumericValueOutOfRange
from lungfish.types.calendar import is_infinite_date, is_valid_date
from lungfish.types.compare import compare_values
from lungfish.types.parse_numbers import integer_range
from lungfish.types.range_value import EMPTY_RANGE, RangeValue
from lungfish.types.sql_type import (
    BIGINT,
    DATE,
    INTEGER,
    NUMERIC,
    TIMESTAMP,
    TIMESTAMPTZ,
    SqlType,
    TypeKind,
)

RANGE_TYPES: dict[str, SqlType] = {
    name: SqlType(TypeKind.RANGE, element=element, name=name)
    for name, element in (
        ("int4range", INTEGER),
        ("int8range", BIGINT),
        ("numrange", NUMERIC),
        ("daterange", DATE),
        ("tsrange", TIMESTAMP),
        ("tstzrange", TIMESTAMPTZ),
    )
}
MULTIRANGE_TYPES: dict[str, SqlType] = {
    name.replace("range", "multirange"): SqlType(
        TypeKind.MULTIRANGE, element=range_type, name=name.replace("range", "multirange")
    )
    for name, range_type in RANGE_TYPES.items()
}
# The kinds of bounds of which a built-in range type has a normal form; a user's range type has none, whatever its bounds.
_DISCRETE = (TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.DATE)


class InvalidRangeBounds(DataError):
    """A range's lower bound is above its upper one."""

    sqlstate = "22000"


def multirange_of(range_type: SqlType) -> SqlType:
    """The type of multiranges made of such ranges. That of a user's range type has the oid next to it."""
    if range_type.oid:
        (name,) = range_type.labels
        return SqlType(TypeKind.MULTIRANGE, element=range_type, name=name, oid=range_type.oid + 1)
    return next(each for each in MULTIRANGE_TYPES.values() if each.element == range_type)


def make_range(lower: Any, upper: Any, bounds: str, range_type: SqlType) -> RangeValue:
    """A range of these bounds in normal form; `bounds` is one of `[)`, `[]`, `(]`, `()`."""
    value = RangeValue(
        lower,
        upper,
        bounds[0] == "[" and lower is not None,
        bounds[1] == "]" and upper is not None,
    )
    return canonical_range(value, range_type)


def canonical_range(value: RangeValue, range_type: SqlType) -> RangeValue:
    """The normal form: discrete ranges are `[)`, ranges without a value are empty. Raises 22000."""
    if value.is_empty:
        return EMPTY_RANGE
    element = range_type.element
    assert element is not None, "ranges have bounds of a type"
    if _is_empty(value, element):
        return EMPTY_RANGE
    if element.kind in _DISCRETE and not range_type.oid:
        lower, upper = value.lower, value.upper
        if lower is not None and not value.is_lower_inclusive and not _is_infinite(lower, element):
            lower = _successor(lower, element)
        if upper is not None and value.is_upper_inclusive and not _is_infinite(upper, element):
            upper = _successor(upper, element)
        is_lower = lower is not None and (
            value.is_lower_inclusive or not _is_infinite(lower, element)
        )
        is_upper = upper is not None and value.is_upper_inclusive and _is_infinite(upper, element)
        value = RangeValue(lower, upper, is_lower, is_upper)
        # What was `(1,2)` is `[2,2)` now.
        return EMPTY_RANGE if _is_empty(value, element) else value
    return value


def _is_empty(value: RangeValue, element: SqlType) -> bool:
    """Whether no value is between the bounds. Raises 22000 where they are the wrong way round."""
    if value.lower is None or value.upper is None:
        return False
    order = compare_values(value.lower, value.upper, element)
    if order > 0:
        raise InvalidRangeBounds(
            "range lower bound must be less than or equal to range upper bound"
        )
    return order == 0 and not (value.is_lower_inclusive and value.is_upper_inclusive)


def _is_infinite(bound: int, element: SqlType) -> bool:
    return element.kind is TypeKind.DATE and is_infinite_date(bound)


def _successor(bound: int, element: SqlType) -> int:
    following = bound + 1
    if element.kind is TypeKind.DATE:
        if not is_valid_date(following):
            raise DatetimeFieldOverflow("date out of range")
    elif following > integer_range(element.kind)[1]:
        raise NumericValueOutOfRange(f"{element.kind.value} out of range")
    return following
