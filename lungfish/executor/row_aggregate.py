"""Aggregates of a few rows without groups, row by row: what the vectors of aggregate.py are too heavy for.

count, sum, min and max, with FILTER and DISTINCT, over values that Python compares as PostgreSQL does: whole numbers, dates and times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.planner.expressions import AggregateCall
from lungfish.planner.physical import HashAggregate
from lungfish.types.sql_type import SqlType, TypeKind

_RowSource = Callable[[Run], "list[Row]"]
# From the rows' values, none of them NULL, to the result.
_Fold = Callable[[Sequence[Any]], Any]
_Aggregator = Callable[[Sequence[Row], Run], Any]

_NUMBERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
_PLAIN = _NUMBERS | {TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ}


def make_row_aggregate(
    plan: HashAggregate, source: _RowSource, compiler: Compiler
) -> _RowSource | None:
    """The one row of the aggregates over the rows of a source; None where vectors are needed."""
    if plan.keys or plan.grouping_sets != ((),):
        return None
    made = [_aggregator(call, compiler) for call in plan.aggregates]
    aggregators = [each for each in made if each is not None]
    if len(aggregators) != len(made):
        return None

    def rows(run: Run) -> list[Row]:
        found = source(run)
        return [tuple([aggregate(found, run) for aggregate in aggregators])]

    return rows


def _aggregator(call: AggregateCall, compiler: Compiler) -> _Aggregator | None:
    """What computes one aggregate over rows."""
    if len(call.arguments) > 1:
        return None
    condition = None if call.filter is None else compiler.row(call.filter)
    if not call.arguments:
        return _count_rows(condition) if call.aggregate.name == "count" else None
    (argument,) = call.arguments
    fold = _fold(call, argument.type)
    if fold is None:
        return None
    evaluate, is_distinct = compiler.row(argument), call.is_distinct

    def aggregate(rows: Sequence[Row], run: Run) -> Any:
        if condition is not None:
            rows = [row for row in rows if condition(row, run) is True]
        values = [value for row in rows if (value := evaluate(row, run)) is not None]
        return fold(list(dict.fromkeys(values)) if is_distinct else values)

    return aggregate


def _count_rows(condition: RowEvaluator | None) -> _Aggregator:
    if condition is None:
        return lambda rows, _run: len(rows)
    return lambda rows, run: sum(condition(row, run) is True for row in rows)


def _fold(call: AggregateCall, argument: SqlType) -> _Fold | None:
    """The function of the values; no rows have a count of 0, all else is NULL then."""
    kind = argument.kind
    match call.aggregate.name:
        case "count" if kind in _PLAIN or not call.is_distinct:
            return len
        case "min" if kind in _PLAIN:
            return lambda values: min(values, default=None)
        case "max" if kind in _PLAIN:
            return lambda values: max(values, default=None)
        case "sum" if kind is TypeKind.BIGINT:
            return lambda values: Decimal(sum(values)) if values else None
        case "sum" if kind in _NUMBERS:
            return lambda values: sum(values) if values else None
    return None
