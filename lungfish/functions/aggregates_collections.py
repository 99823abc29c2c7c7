"""Aggregates that keep every value: string_agg, array_agg, and the ordered-set aggregates mode and percentile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lungfish.errors import NumericValueOutOfRange
from lungfish.functions.group_state import GroupIds
from lungfish.functions.registry import Aggregate, Polymorphic
from lungfish.functions.value_size import GroupSizes
from lungfish.types.array_value import ArrayValue, array_value, check_stackable, stack_arrays
from lungfish.types.batch import Vector
from lungfish.types.compare import comparison_key
from lungfish.types.sql_type import BYTEA, DOUBLE, INTERVAL, TEXT, Interval, SqlType, array_of
from lungfish.types.vectors import build_vector, to_values


def _identity(value: Any) -> Any:
    return value


class Joined:
    """string_agg(value, separator), of text or bytea. A null value is passed over with its separator."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._type = result_type
        self._empty: Any = b"" if result_type == BYTEA else ""
        # Per group the pieces: value, separator, value, ...
        self._pieces: dict[int, list[Any]] = {}
        self._sizes = GroupSizes()

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        values, separators = (to_values(vector, self._type) for vector in arguments)
        pieces, empty = self._pieces, self._empty
        for group, value, separator in zip(group_ids.tolist(), values, separators, strict=True):
            if value is None:
                continue
            known = pieces.get(group)
            if known is None:
                pieces[group] = [value]
            else:
                known.append(empty if separator is None else separator)
                known.append(value)
        self._sizes.add(arguments[0].nbytes, pieces)

    def finish(self, group_count: int) -> Vector:
        joined = [
            self._empty.join(self._pieces[group]) if group in self._pieces else None
            for group in range(group_count)
        ]
        return build_vector(joined, self._type)


class Collected:
    """array_agg(value): nulls are elements too."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._argument = argument_types[0]
        self._type = result_type
        self._values: dict[int, list[Any]] = {}
        self._sizes = GroupSizes("array size exceeds the maximum allowed ({})")

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        values = self._values
        for group, value in zip(
            group_ids.tolist(), to_values(arguments[0], self._argument), strict=True
        ):
            values.setdefault(group, []).append(value)
        self._sizes.add(arguments[0].nbytes, values)

    def finish(self, group_count: int) -> Vector:
        arrays = [
            array_value(self._values[group]) if group in self._values else None
            for group in range(group_count)
        ]
        return build_vector(arrays, self._type)


class Stacked:
    """array_agg(array): each array is one part of an array with a dimension more. Raises 22004, 2202E."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._type = result_type
        self._parts: dict[int, list[ArrayValue]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        arrays = to_values(arguments[0], self._type)
        for group, array in zip(group_ids.tolist(), arrays, strict=True):
            parts = self._parts.setdefault(group, [])
            parts.append(check_stackable(array, parts[0] if parts else None))

    def finish(self, group_count: int) -> Vector:
        stacked = [
            stack_arrays(self._parts[group]) if group in self._parts else None
            for group in range(group_count)
        ]
        return build_vector(stacked, self._type)


class _Ordered:
    """What the ordered-set aggregates share: each group's direct argument and its values in their order."""

    def __init__(self, argument_types: Sequence[SqlType], result_type: SqlType) -> None:
        self._type = argument_types[-1]
        self._direct_type = argument_types[0]
        self._result = result_type
        self._directs: dict[int, Any] = {}
        self._values: dict[int, list[Any]] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        if len(arguments) > 1:
            directs = to_values(arguments[0], self._direct_type)
            for group, direct in zip(group_ids.tolist(), directs, strict=True):
                self._directs.setdefault(group, direct)
        for group, value in zip(
            group_ids.tolist(), to_values(arguments[-1], self._type), strict=True
        ):
            if value is not None:
                self._values.setdefault(group, []).append(value)

    def finish(self, group_count: int) -> Vector:
        return build_vector(
            [
                self._answer(self._values[group], self._directs.get(group))
                if group in self._values
                else None
                for group in range(group_count)
            ],
            self._result,
        )

    def _answer(self, values: list[Any], direct: Any) -> Any:
        raise AssertionError("each ordered-set aggregate says how it answers")


def _checked_fraction(fraction: Any) -> float | None:
    if fraction is None:
        return None
    if math.isnan(fraction) or not 0 <= fraction <= 1:
        raise NumericValueOutOfRange(f"percentile value {fraction:g} is not between 0 and 1")
    return float(fraction)


class Percentile(_Ordered):
    """percentile_disc: the first value at or above the fraction. Values come in the order of WITHIN GROUP."""

    def _answer(self, values: list[Any], direct: Any) -> Any:
        if isinstance(direct, ArrayValue):
            found = tuple(self._answer(values, fraction) for fraction in direct.elements)
            return ArrayValue(found, direct.dimensions, direct.lower_bounds)
        fraction = _checked_fraction(direct)
        return None if fraction is None else self._at(values, fraction)

    def _at(self, values: list[Any], fraction: float) -> Any:
        return values[max(math.ceil(fraction * len(values)) - 1, 0)]


class InterpolatedPercentile(Percentile):
    """percentile_cont: between neighbours, linearly."""

    def _at(self, values: list[Any], fraction: float) -> Any:
        place = fraction * (len(values) - 1)
        low, high = values[math.floor(place)], values[math.ceil(place)]
        share = place - math.floor(place)
        if isinstance(low, Interval):
            parts = [int(one + (other - one) * share) for one, other in zip(low, high, strict=True)]
            return Interval(*parts)
        if isinstance(low, Decimal):
            low, high = float(low), float(high)
        return low if share == 0 else low + share * (high - low)


class Mode(_Ordered):
    """mode: the most frequent value, the first in order among equals."""

    def _answer(self, values: list[Any], direct: Any) -> Any:
        key_of = comparison_key(self._type) or _identity
        counts: dict[Any, int] = {}
        first: dict[Any, Any] = {}
        for value in values:
            key = key_of(value)
            counts[key] = counts.get(key, 0) + 1
            first.setdefault(key, value)
        return first[max(counts, key=counts.__getitem__)]


COLLECTION_AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate("string_agg", (TEXT, TEXT), TEXT, Joined, is_order_sensitive=True),
    Aggregate("string_agg", (BYTEA, BYTEA), BYTEA, Joined, is_order_sensitive=True),
    Aggregate(
        "array_agg",
        (Polymorphic.ANYNONARRAY,),
        Polymorphic.ANYARRAY,
        Collected,
        is_order_sensitive=True,
    ),
    Aggregate(
        "array_agg", (Polymorphic.ANYARRAY,), Polymorphic.ANYARRAY, Stacked, is_order_sensitive=True
    ),
    Aggregate(
        "percentile_disc",
        (DOUBLE, Polymorphic.ANYELEMENT),
        Polymorphic.ANYELEMENT,
        Percentile,
        is_ordered_set=True,
    ),
    Aggregate(
        "percentile_cont", (DOUBLE, DOUBLE), DOUBLE, InterpolatedPercentile, is_ordered_set=True
    ),
    Aggregate(
        "percentile_cont", (DOUBLE, INTERVAL), INTERVAL, InterpolatedPercentile, is_ordered_set=True
    ),
    Aggregate(
        "percentile_disc",
        (array_of(DOUBLE), Polymorphic.ANYELEMENT),
        Polymorphic.ANYARRAY,
        Percentile,
        is_ordered_set=True,
    ),
    *(
        Aggregate(
            "percentile_cont",
            (array_of(DOUBLE), kind),
            array_of(kind),
            InterpolatedPercentile,
            is_ordered_set=True,
        )
        for kind in (DOUBLE, INTERVAL)
    ),
    Aggregate("mode", (Polymorphic.ANYELEMENT,), Polymorphic.ANYELEMENT, Mode, is_ordered_set=True),
)
