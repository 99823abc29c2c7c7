"""Comparisons of values of two sides as comparisons of integers, which are found once for each row of both sides together.

    a < b      for values that take a Python call each: the *rank* of a value is its place among the distinct values of both sides
    a && b     for ranges: a begins before b ends, and b begins before a ends
    a @> b     a begins no later than b, and ends no sooner; b may be an element

A bound of a range is a *cut* between values, just before or just after one, so that inclusive and exclusive, lower and upper bounds are in one order. An
empty range begins after and ends before all of them, which makes it overlap nothing, and be within everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.executor.sort_keys import dense_ranks
from lungfish.planner.callees import find_operator
from lungfish.planner.expressions import AndAll, BoundExpression, Call, ColumnRef
from lungfish.planner.hash_keys import same_typed
from lungfish.types.batch import Vector
from lungfish.types.coercion import is_same_type
from lungfish.types.compare import comparison_key
from lungfish.types.range_value import RangeValue
from lungfish.types.sql_type import BIGINT, BOOLEAN, SqlType, TypeKind
from lungfish.types.vectors import concat_vectors, to_values

Columns = tuple[Vector, ...]
Refs = Sequence[ColumnRef]

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Kinds whose comparisons take a call each, or work on wide values.
_RANKED_KINDS = frozenset(
    {
        TypeKind.NUMERIC, TypeKind.INTERVAL, TypeKind.TIMETZ, TypeKind.JSONB, TypeKind.RANGE, TypeKind.MULTIRANGE,
        TypeKind.ARRAY,
    }
)  # fmt: skip
# Of arrays: kinds whose values can be compared, all of them.
_COMPARABLE_ITEMS = frozenset(
    {
        TypeKind.BOOLEAN, TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.REAL, TypeKind.DOUBLE,
        TypeKind.NUMERIC, TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP,
        TypeKind.TIMESTAMPTZ, TypeKind.UUID, TypeKind.BYTEA, TypeKind.INTERVAL, TypeKind.JSONB, TypeKind.RANGE,
    }
)  # fmt: skip
_RANGE_OPERATORS = frozenset({"&&", "@>", "<@"})


@dataclass(frozen=True, slots=True)
class JointForm:
    """An operator over its operands' columns of integers."""

    # The columns of both operands, made of all their values.
    columns: Callable[[Vector, Vector], tuple[Columns, Columns]]
    # How many each operand has.
    count: int
    test: Callable[[Refs, Refs], BoundExpression]


def joint_form(call: Call) -> JointForm | None:
    """How the call of an operator with two operands is one of integers, if that is worth while."""
    first, second = (argument.type for argument in call.arguments)
    symbol = call.function.name
    if not _is_built_in(call, symbol, first, second):
        return None
    if symbol in _COMPARISONS and is_same_type(first, second) and _is_ranked(first):
        return JointForm(
            lambda left, right: _ranks(left, right, first),
            1,
            lambda left, right: _compared(symbol, left[0], right[0]),
        )
    if symbol in _RANGE_OPERATORS and _are_on_one_line(first, second):
        return JointForm(
            lambda left, right: _cuts(left, right, first, second), 2, _RANGE_TESTS[symbol]
        )
    return None


def in_one_type(call: Call) -> Call:
    """The comparison of both operands cast to one type, if it is one across types that comes to that; else the very call."""
    first, second = call.arguments
    symbol = call.function.name
    if symbol not in _COMPARISONS or is_same_type(first.type, second.type):
        return call
    pair = same_typed(first, second)
    if pair is None or not _is_built_in(call, symbol, first.type, second.type):
        return call
    callee = find_operator(symbol, (pair[0].type, pair[1].type)).callee
    return Call(callee, pair, call.type, position=call.position)


def _is_built_in(call: Call, symbol: str, first: SqlType, second: SqlType) -> bool:
    if symbol not in _COMPARISONS and symbol not in _RANGE_OPERATORS:
        return False
    try:
        return find_operator(symbol, (first, second)).callee is call.function
    except errors.Error:
        return False


def _is_ranked(sql_type: SqlType) -> bool:
    if sql_type.kind is TypeKind.ARRAY:
        return sql_type.element is not None and sql_type.element.kind in _COMPARABLE_ITEMS
    return sql_type.kind in _RANKED_KINDS


def _are_on_one_line(first: SqlType, second: SqlType) -> bool:
    """Whether they are ranges of one type, or one is an element of the other."""
    if first.kind is TypeKind.RANGE:
        element = first.element
        return is_same_type(first, second) or (
            element is not None and is_same_type(element, second)
        )
    element = second.element
    return second.kind is TypeKind.RANGE and element is not None and is_same_type(element, first)


def _compared(symbol: str, left: ColumnRef, right: ColumnRef) -> BoundExpression:
    return Call(find_operator(symbol, (BIGINT, BIGINT)).callee, (left, right), BOOLEAN)


# Ranks.


def _ranks(left: Vector, right: Vector, sql_type: SqlType) -> tuple[Columns, Columns]:
    both = concat_vectors((left, right), sql_type)
    nulls = both.is_null().to_numpy(zero_copy_only=False) if both.null_count else None
    ranks = pa.array(dense_ranks(both, sql_type), mask=nulls)
    return (ranks.slice(0, len(left)),), (ranks.slice(len(left)),)


# Cuts.

Cut = tuple[Any, int]
# Before all values, and after all of them.
_START, _END = object(), object()


def _overlap(left: Refs, right: Refs) -> BoundExpression:
    return AndAll((_compared("<", left[0], right[1]), _compared("<", right[0], left[1])))


def _contain(left: Refs, right: Refs) -> BoundExpression:
    return AndAll((_compared("<=", left[0], right[0]), _compared("<=", right[1], left[1])))


_RANGE_TESTS: dict[str, Callable[[Refs, Refs], BoundExpression]] = {
    "&&": _overlap,
    "@>": _contain,
    "<@": lambda left, right: _contain(right, left),
}


def _cuts(left: Vector, right: Vector, first: SqlType, second: SqlType) -> tuple[Columns, Columns]:
    """Where the values of each side begin and end, as places in the order of all cuts."""
    pairs = (_bounds(left, first), _bounds(right, second))
    met = {cut for bounds in pairs for pair in bounds if pair is not None for cut in pair}
    order = {cut: place for place, cut in enumerate(sorted(met - {_START, _END}), 1)}
    order[_START], order[_END] = 0, len(order) + 1
    return _placed(pairs[0], order), _placed(pairs[1], order)


# The cuts of one value: none of an empty range. None of a null.
_Bounds = tuple[()] | tuple[Any, Any]


def _bounds(vector: Vector, sql_type: SqlType) -> list[_Bounds | None]:
    values = to_values(vector, sql_type)
    if sql_type.kind is not TypeKind.RANGE:
        key = comparison_key(sql_type) or (lambda value: value)
        return [None if each is None else ((key(each), 0), (key(each), 1)) for each in values]
    assert sql_type.element is not None
    key = comparison_key(sql_type.element) or (lambda value: value)
    return [None if each is None else _range_bounds(each, key) for each in values]


def _range_bounds(value: RangeValue, key: Callable[[Any], Any]) -> _Bounds:
    if value.is_empty:
        return ()
    lower: Any = _START
    if value.lower is not None:
        lower = (key(value.lower), 0 if value.is_lower_inclusive else 1)
    upper: Any = _END
    if value.upper is not None:
        upper = (key(value.upper), 1 if value.is_upper_inclusive else 0)
    return lower, upper


def _placed(bounds: Sequence[_Bounds | None], order: dict[Any, int]) -> Columns:
    # An empty range begins after all cuts and ends before all of them.
    empty = (len(order), -1)
    starts: list[int | None] = []
    ends: list[int | None] = []
    for pair in bounds:
        if pair is None:
            starts.append(None)
            ends.append(None)
            continue
        start, end = (order[pair[0]], order[pair[1]]) if pair else empty
        starts.append(start)
        ends.append(end)
    return pa.array(starts, pa.int64()), pa.array(ends, pa.int64())
