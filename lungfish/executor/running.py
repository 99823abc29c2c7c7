"""Running forms of common aggregates: for frames that begin with the partition and only grow.

A fold goes once over a partition's values and answers the aggregate at each frame's end. It gives the very results
that the accumulators of `functions` give; aggregates without an entry here are done frame by frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lungfish import errors
from lungfish.functions import numeric_math
from lungfish.types.compare import comparison_key
from lungfish.types.sql_type import SqlType, TypeKind

# (values, first row of the partition, end of each row's frame) -> results. Null values are passed over.
Fold = Callable[[Sequence[Any], int, Sequence[int]], "list[Any]"]

_INTEGER_KINDS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})


def running_fold(name: str, types: Sequence[SqlType], result: SqlType) -> Fold | None:
    """The running form of an aggregate; None if it has none."""
    if name == "count" and len(types) <= 1:
        return _count
    if len(types) != 1:
        return None
    kind = types[0].kind
    if name in ("min", "max"):
        return _extreme(types[0], is_max=name == "max")
    if name == "sum":
        return _sum(kind, result)
    if name == "avg" and (kind in _INTEGER_KINDS or kind is TypeKind.NUMERIC):
        return _average
    return None


def _count(values: Sequence[Any], start: int, ends: Sequence[int]) -> list[Any]:
    results = []
    count, place = 0, start
    for end in ends:
        while place < end:
            if values[place] is not None:
                count += 1
            place += 1
        results.append(count)
    return results


def _sum(kind: TypeKind, result: SqlType) -> Fold | None:
    if kind in _INTEGER_KINDS:
        return _folded(lambda total, value: total + value, _integer_result(result))
    if kind is TypeKind.NUMERIC:
        return _folded(numeric_math.add, lambda total: total)
    return None


def _integer_result(result: SqlType) -> Callable[[int], Any]:
    if result.kind is TypeKind.NUMERIC:
        return Decimal

    def bounded(total: int) -> int:
        if not -(2**63) <= total < 2**63:
            raise errors.NumericValueOutOfRange("bigint out of range")
        return total

    return bounded


def _extreme(sql_type: SqlType, *, is_max: bool) -> Fold:
    key = comparison_key(sql_type) or (lambda value: value)

    def choose(best: Any, value: Any) -> Any:
        is_better = key(value) > key(best) if is_max else key(value) < key(best)
        return value if is_better else best

    return _folded(choose, lambda best: best)


def _folded(step: Callable[[Any, Any], Any], finish: Callable[[Any], Any]) -> Fold:
    """A fold whose state is None until the first value, which then is the state."""

    def fold(values: Sequence[Any], start: int, ends: Sequence[int]) -> list[Any]:
        results = []
        state: Any = None
        place = start
        for end in ends:
            while place < end:
                value = values[place]
                if value is not None:
                    state = value if state is None else step(state, value)
                place += 1
            results.append(None if state is None else finish(state))
        return results

    return fold


def _average(values: Sequence[Any], start: int, ends: Sequence[int]) -> list[Any]:
    results = []
    total, count, place = Decimal(0), 0, start
    for end in ends:
        while place < end:
            value = values[place]
            if value is not None:
                total = numeric_math.add(total, Decimal(value))
                count += 1
            place += 1
        results.append(numeric_math.divide(total, Decimal(count)) if count else None)
    return results
