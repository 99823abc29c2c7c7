"""Functions and operators of ranges and multiranges.

An operator between a range and a multirange takes the range for a set of one, so each is written once, over sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from lungfish.errors import NullValueNotAllowed, SyntaxError
from lungfish.functions.group_state import GroupIds
from lungfish.functions.registry import Aggregate, Function, Polymorphic
from lungfish.types.batch import Vector
from lungfish.types.range_sets import RangeLine
from lungfish.types.range_value import EMPTY_RANGE, RangeValue
from lungfish.types.ranges import (
    MULTIRANGE_TYPES,
    RANGE_TYPES,
    InvalidRangeBounds,
    make_range,
    multirange_of,
)
from lungfish.types.sql_type import BOOLEAN, TEXT, SqlType, TypeKind
from lungfish.types.vectors import build_vector, to_values

_RANGE, _MULTIRANGE, _ELEMENT = (
    Polymorphic.ANYRANGE,
    Polymorphic.ANYMULTIRANGE,
    Polymorphic.ANYELEMENT,
)
Ranges = Sequence[RangeValue]
_FLAGS = ("[)", "[]", "(]", "()")


def _line(types: Sequence[SqlType]) -> RangeLine:
    """The line of the ranges among the arguments."""
    for each in types:
        if each.kind is TypeKind.MULTIRANGE:
            each = each.element or each
        if each.kind is TypeKind.RANGE:
            return RangeLine(each)
    raise AssertionError("one argument is a range")


def _as_set(value: RangeValue | Ranges) -> Ranges:
    if isinstance(value, RangeValue):
        return () if value.is_empty else (value,)
    return value


# Making ranges


def _constructor(range_type: SqlType) -> Callable[..., RangeValue]:
    def construct(lower: Any, upper: Any, flags: str | None = "[)") -> RangeValue:
        if flags is None:
            raise InvalidRangeBounds("range constructor flags argument must not be null")
        if flags not in _FLAGS:
            raise SyntaxError(
                "invalid range bound flags",
                hint='Valid values are "[]", "[)", "(]", and "()".',
            )
        return make_range(lower, upper, flags, range_type)

    return construct


@lru_cache(maxsize=256)
def constructors_of(sql_type: SqlType) -> tuple[Function, ...]:
    """The functions that make values of a range or multirange type, under the type's name."""
    name = sql_type.name or ""
    element = sql_type.element
    assert element is not None
    if sql_type.kind is TypeKind.RANGE:
        construct = _constructor(sql_type)
        return (
            Function(name, (element, element), sql_type, construct, is_strict=False),
            Function(name, (element, element, TEXT), sql_type, construct, is_strict=False),
        )
    unite = _united(element)
    return (
        Function(name, (), sql_type, lambda: ()),
        Function(name, (element,), sql_type, unite),
        Function(name, (element,), sql_type, unite, is_variadic=True, is_strict=False),
    )


def _united(range_type: SqlType) -> Callable[..., Ranges | None]:
    line = _line((range_type,))

    def unite(*ranges: RangeValue | None) -> Ranges | None:
        known = [each for each in ranges if each is not None]
        if len(known) < len(ranges):
            raise NullValueNotAllowed("multirange values cannot contain null members")
        return line.united(known)

    return unite


def _multirange(value: RangeValue) -> Ranges:
    return _as_set(value)


def _multirange_type(types: Sequence[SqlType]) -> SqlType:
    return multirange_of(types[0])


# Facts about a range


def _lower(value: RangeValue | Ranges) -> Any:
    ranges = _as_set(value)
    return ranges[0].lower if ranges else None


def _upper(value: RangeValue | Ranges) -> Any:
    ranges = _as_set(value)
    return ranges[-1].upper if ranges else None


def _is_empty(value: RangeValue | Ranges) -> bool:
    return not _as_set(value)


def _has_lower(value: RangeValue | Ranges) -> bool:
    ranges = _as_set(value)
    return bool(ranges) and ranges[0].is_lower_inclusive


def _has_upper(value: RangeValue | Ranges) -> bool:
    ranges = _as_set(value)
    return bool(ranges) and ranges[-1].is_upper_inclusive


def _is_lower_open(value: RangeValue | Ranges) -> bool:
    ranges = _as_set(value)
    return bool(ranges) and ranges[0].lower is None


def _is_upper_open(value: RangeValue | Ranges) -> bool:
    ranges = _as_set(value)
    return bool(ranges) and ranges[-1].upper is None


_FACTS: tuple[tuple[str, Any, Callable[..., Any]], ...] = (
    ("lower", _ELEMENT, _lower),
    ("upper", _ELEMENT, _upper),
    ("isempty", BOOLEAN, _is_empty),
    ("lower_inc", BOOLEAN, _has_lower),
    ("upper_inc", BOOLEAN, _has_upper),
    ("lower_inf", BOOLEAN, _is_lower_open),
    ("upper_inf", BOOLEAN, _is_upper_open),
)


# Questions about two


def _holds(value: RangeValue | Ranges, item: Any, *, types: Sequence[SqlType]) -> bool:
    line = _line(types)
    point = line.point(item)
    return any(line.holds(each, point) for each in _as_set(value))


def _is_held(item: Any, value: RangeValue | Ranges, *, types: Sequence[SqlType]) -> bool:
    return _holds(value, item, types=types)


Question = Callable[[RangeLine, Ranges, Ranges], bool]


def _contains(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return all(any(line.contains(one, other) for one in left) for other in right)


def _is_contained(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return _contains(line, right, left)


def _overlaps(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return any(line.overlaps(one, other) for one in left for other in right)


def _is_before(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return bool(left) and bool(right) and line.is_before(left[-1], right[0])


def _is_after(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return _is_before(line, right, left)


def _ends_within(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return bool(left) and bool(right) and line.high(left[-1]) <= line.high(right[-1])


def _starts_within(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    return bool(left) and bool(right) and line.low(left[0]) >= line.low(right[0])


def _is_adjacent(line: RangeLine, left: Ranges, right: Ranges) -> bool:
    if not left or not right:
        return False
    return line.meets(left[-1], right[0]) or line.meets(right[-1], left[0])


_QUESTIONS: dict[str, Question] = {
    "@>": _contains,
    "<@": _is_contained,
    "&&": _overlaps,
    "<<": _is_before,
    ">>": _is_after,
    "&<": _ends_within,
    "&>": _starts_within,
    "-|-": _is_adjacent,
}


def _asked(question: Question) -> Callable[..., bool]:
    def ask(left: Any, right: Any, *, types: Sequence[SqlType]) -> bool:
        return question(_line(types), _as_set(left), _as_set(right))

    return ask


# Sets made of two


def _union(left: RangeValue, right: RangeValue, *, types: Sequence[SqlType]) -> RangeValue:
    line = _line(types)
    if not left.is_empty and not right.is_empty:
        if not line.overlaps(left, right) and not line.is_adjacent(left, right):
            raise InvalidRangeBounds("result of range union would not be contiguous")
    return line.span(left, right)


def _intersection(left: RangeValue, right: RangeValue, *, types: Sequence[SqlType]) -> RangeValue:
    return _line(types).common(left, right)


def _difference(left: RangeValue, right: RangeValue, *, types: Sequence[SqlType]) -> RangeValue:
    rest = _line(types).without(left, right)
    if len(rest) > 1:
        raise InvalidRangeBounds("result of range difference would not be contiguous")
    return rest[0] if rest else EMPTY_RANGE


def _merge(left: RangeValue, right: RangeValue, *, types: Sequence[SqlType]) -> RangeValue:
    return _line(types).span(left, right)


def _merge_all(ranges: Ranges, *, types: Sequence[SqlType]) -> RangeValue:
    return _line(types).span(ranges[0], ranges[-1]) if ranges else EMPTY_RANGE


def _union_all(left: Ranges, right: Ranges, *, types: Sequence[SqlType]) -> Ranges:
    return _line(types).united((*left, *right))


def _intersection_all(left: Ranges, right: Ranges, *, types: Sequence[SqlType]) -> Ranges:
    return _line(types).all_common(left, right)


def _difference_all(left: Ranges, right: Ranges, *, types: Sequence[SqlType]) -> Ranges:
    return _line(types).all_without(left, right)


def _parts(ranges: Ranges) -> Ranges:
    return ranges


def _range_type(types: Sequence[SqlType]) -> SqlType:
    assert types[0].element is not None
    return types[0].element


# Aggregates


class _Folded:
    """range_agg and range_intersect_agg: ranges or multiranges folded into one; NULLs are passed over."""

    def __init__(
        self, argument_types: Sequence[SqlType], result_type: SqlType, *, is_union: bool
    ) -> None:
        self._argument = argument_types[0]
        self._result = result_type
        self._is_union = is_union
        self._line = _line(argument_types)
        self._sets: dict[int, list[Ranges]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        values = to_values(arguments[0], self._argument)
        for group, value in zip(group_ids.tolist(), values, strict=True):
            if value is not None:
                self._sets.setdefault(group, []).append(_as_set(value))

    def finish(self, group_count: int) -> Vector:
        found = [
            self._fold(self._sets[group]) if group in self._sets else None
            for group in range(group_count)
        ]
        return build_vector(found, self._result)

    def _fold(self, sets: Sequence[Ranges]) -> Any:
        if self._is_union:
            return self._line.united(each for ranges in sets for each in ranges)
        kept: Ranges = sets[0]
        for other in sets[1:]:
            kept = self._line.all_common(kept, other)
        if self._result.kind is TypeKind.MULTIRANGE:
            return kept
        return kept[0] if kept else EMPTY_RANGE


def _folding(*, is_union: bool) -> Callable[..., _Folded]:
    return lambda types, result: _Folded(types, result, is_union=is_union)


def _union_type(types: Sequence[SqlType]) -> SqlType:
    return types[0] if types[0].kind is TypeKind.MULTIRANGE else multirange_of(types[0])


def _typed(name: str, arguments: Any, result: Any, scalar: Any) -> Function:
    return Function(name, arguments, result, scalar, needs_types=True)


_SETS = (_RANGE, _MULTIRANGE)

FUNCTIONS: tuple[Function, ...] = (
    *(made for each in RANGE_TYPES.values() for made in constructors_of(each)),
    *(made for each in MULTIRANGE_TYPES.values() for made in constructors_of(each)),
    *(Function(name, (kind,), result, scalar) for name, result, scalar in _FACTS for kind in _SETS),
    *(_typed("@>", (kind, _ELEMENT), BOOLEAN, _holds) for kind in _SETS),
    *(_typed("<@", (_ELEMENT, kind), BOOLEAN, _is_held) for kind in _SETS),
    *(
        _typed(symbol, (left, right), BOOLEAN, _asked(question))
        for symbol, question in _QUESTIONS.items()
        for left in _SETS
        for right in _SETS
    ),
    _typed("+", (_RANGE, _RANGE), _RANGE, _union),
    _typed("*", (_RANGE, _RANGE), _RANGE, _intersection),
    _typed("-", (_RANGE, _RANGE), _RANGE, _difference),
    _typed("range_merge", (_RANGE, _RANGE), _RANGE, _merge),
    _typed("range_merge", (_MULTIRANGE,), _range_type, _merge_all),
    _typed("+", (_MULTIRANGE, _MULTIRANGE), _MULTIRANGE, _union_all),
    _typed("*", (_MULTIRANGE, _MULTIRANGE), _MULTIRANGE, _intersection_all),
    _typed("-", (_MULTIRANGE, _MULTIRANGE), _MULTIRANGE, _difference_all),
    Function("multirange", (_RANGE,), _multirange_type, _multirange),
    Function("unnest", (_MULTIRANGE,), _range_type, _parts, returns_set=True),
)
AGGREGATES: tuple[Aggregate, ...] = (
    *(Aggregate("range_agg", (kind,), _union_type, _folding(is_union=True)) for kind in _SETS),
    *(Aggregate("range_intersect_agg", (kind,), kind, _folding(is_union=False)) for kind in _SETS),
)
