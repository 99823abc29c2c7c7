"""What a correlated plan depends on, and keys under which its results may be remembered.

Two rows may share a result only if the values used are the same in every respect: 1.0 and 1.00 are equal in SQL, yet a
plan can tell them apart (by their text). So keys here are finer than equality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from lungfish.catalog.objects import Index, SystemView, Table
from lungfish.functions.registry import Aggregate, Function, Volatility, WindowFunction
from lungfish.planner.expressions import Call, OuterRef, SubqueryExpr
from lungfish.planner.physical import NestedLoopJoin, PhysicalPlan
from lungfish.types.sql_type import SqlType, TypeKind

MemoKey = Callable[[Sequence[Any]], Hashable]

# Objects in a plan that hold no expressions.
_OPAQUE = (Table, Index, SystemView, Function, Aggregate, WindowFunction, SqlType)
# Kinds of which equal values may differ.
_WITH_UNLIKE_EQUALS = frozenset(
    {
        TypeKind.NUMERIC, TypeKind.REAL, TypeKind.DOUBLE, TypeKind.ARRAY, TypeKind.RECORD,
        TypeKind.RANGE, TypeKind.MULTIRANGE,
    }
)  # fmt: skip


def memo_key(types: Sequence[SqlType]) -> MemoKey:
    """The key of some values of these types."""
    unlike = [number for number, item in enumerate(types) if item.kind in _WITH_UNLIKE_EQUALS]
    if not unlike:
        return tuple

    def key(values: Sequence[Any]) -> Hashable:
        parts = list(values)
        for number in unlike:
            if parts[number] is not None:
                parts[number] = repr(parts[number])
        return tuple(parts)

    return key


def outer_columns_of(plan: PhysicalPlan) -> tuple[int, ...] | None:
    """The columns of the nearest outer row that the plan uses; None if its result may change although they do not."""
    found: set[int] = set()
    for part, depth in _parts(plan, 1):
        if isinstance(part, OuterRef) and part.level == depth:
            found.add(part.index)
        elif isinstance(part, Call) and part.function.volatility is Volatility.VOLATILE:
            return None
    return tuple(sorted(found))


def _parts(item: object, depth: int) -> Iterator[tuple[object, int]]:
    """Everything in a plan, each part with the level by which an OuterRef there means the plan's own outer row."""
    if isinstance(item, tuple):
        for each in item:
            yield from _parts(each, depth)
        return
    if not dataclasses.is_dataclass(item) or isinstance(item, _OPAQUE):
        return
    yield item, depth
    deeper = _deeper_field(item)
    for each in dataclasses.fields(item):
        yield from _parts(getattr(item, each.name), depth + (each.name == deeper))


def _deeper_field(item: object) -> str | None:
    if isinstance(item, SubqueryExpr):
        return "plan"
    if isinstance(item, NestedLoopJoin) and item.is_lateral:
        return "right"
    return None
