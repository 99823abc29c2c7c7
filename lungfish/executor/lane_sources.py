"""From plans that read a few rows by indexes to the sources of native_sources.pyx: what row_source.py makes of the same plans, in compiled code.

Known are ranges of indexes whose keys compiled code can make, with a condition; above them filters, projections, limits, sorts and aggregates
over whole numbers, and joins that read their right side once or for each left row. What else a plan has leaves it without a source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lungfish.executor.context import TableProvider
from lungfish.executor.index_scan import find_index
from lungfish.executor.lane_expressions import make_condition, make_nodes, outer
from lungfish.native import compiled_module
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    SortKey,
)
from lungfish.planner.physical import (
    Filter,
    HashAggregate,
    IndexScan,
    KeyBound,
    Limit,
    NestedLoopJoin,
    PhysicalPlan,
    Project,
    Sort,
    TopN,
)
from lungfish.types.sql_type import SqlType, TypeKind

_ranges: Any = compiled_module("lungfish.storage.native_ranges")
_sources: Any = compiled_module("lungfish.executor.native_sources")
_aggregates: Any = compiled_module("lungfish.executor.native_aggregates")

# Of native_sources.pyx: a `NativeSource`, a `KeyRange`, a node.
Source = Any
KeyRange = Any
Node = Any

_INTEGERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
# Whose internal values are whole numbers.
_NUMBERS = _INTEGERS | {TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ}
_JOINS = frozenset({"inner", "left", "semi", "anti"})


def make_source(plan: PhysicalPlan, tables: TableProvider, outer_width: int = 0) -> Source | None:
    """The source of a plan's rows; None if it has none.

    `outer_width`: how many columns the row has for which the plan is run, as the right side of a join; 0: it is not one.
    """
    if _sources is None or _aggregates is None or _ranges is None:
        return None
    match plan:
        case IndexScan():
            return _range(plan, tables, outer_width)
        case NestedLoopJoin():
            return _join(plan, tables, outer_width)
        case HashAggregate() | Filter() | Project() | Sort() | TopN() | Limit():
            below = make_source(plan.input, tables, outer_width)
            return None if below is None else _above(plan, below)
    return None


def make_key_range(
    plan: IndexScan, tables: TableProvider, places: Mapping[int, int]
) -> KeyRange | None:
    """The range of an index that a scan reads; `places`: where the outer row has each of its columns."""
    if _sources is None or _ranges is None or plan.any_of or plan.tests:
        return None
    store = tables.table_store(plan.table)
    index = find_index(store, plan.index)
    native = store.rows.native
    bounds = [bound.value for bound in (plan.lower, plan.upper) if bound is not None]
    ends = make_nodes((*plan.equals, *bounds), places)
    if native is None or ends is None or not native.serves(index):
        return None
    columns, equals = len(plan.index.columns), len(plan.equals)
    shape = _ranges.RangeShape(columns, equals, _is_within(plan.lower), _is_within(plan.upper))
    return _sources.KeyRange(native, index, shape, ends, plan.is_backward)


def _is_within(bound: KeyBound | None) -> bool | None:
    return None if bound is None else bound.is_inclusive


def _range(plan: IndexScan, tables: TableProvider, outer_width: int) -> Source | None:
    if plan.with_tuple_id:
        return None
    places = {outer(index): index for index in range(outer_width)}
    key_range = make_key_range(plan, tables, places)
    if key_range is None:
        return None
    fields = tuple(plan.table.stored_positions[column] for column in plan.column_indexes)
    if not key_range.table.row_format.is_plain(fields):
        return None
    condition = None
    if plan.filter is not None:
        # It is evaluated over the outer row with the table's behind it.
        places.update((index, outer_width + index) for index in range(len(fields)))
        condition = make_condition(plan.filter, places)
        if condition is None:
            return None
    return _sources.RangeSource(key_range, fields, condition)


def _join(plan: NestedLoopJoin, tables: TableProvider, outer_width: int) -> Source | None:
    if plan.kind not in _JOINS:
        return None
    width = len(plan.left.columns)
    left = make_source(plan.left, tables, outer_width)
    right = None
    if left is not None:
        right = make_source(plan.right, tables, width if plan.is_lateral else outer_width)
    if left is None or right is None:
        return None
    right_width = len(plan.right.columns)
    condition = None
    if plan.condition is not None:
        condition = make_condition(plan.condition, _columns(width + right_width))
        if condition is None:
            return None
    return _sources.JoinSource(plan.kind, left, right, condition, right_width, plan.is_lateral)


def _above(
    plan: HashAggregate | Filter | Project | Sort | TopN | Limit, below: Source
) -> Source | None:
    """The source of a node with one input."""
    places = _columns(len(plan.input.columns))
    match plan:
        case HashAggregate():
            return _aggregate(plan, below, places)
        case Filter():
            condition = make_condition(plan.predicate, places)
            return None if condition is None else _sources.FilterSource(below, condition)
        case Project():
            nodes = make_nodes(plan.expressions, places)
            return None if nodes is None else _sources.ProjectSource(below, nodes)
        case Sort():
            return _sorted(plan.keys, below, places)
        case TopN():
            ordered = _sorted(plan.keys, below, places)
            return None if ordered is None else _limited(plan, ordered)
        case Limit():
            return None if plan.has_ties else _limited(plan, below)


def _limited(plan: Limit | TopN, below: Source) -> Source | None:
    limit, offset = _count(plan.limit), _count(plan.offset)
    if (limit is None) != (plan.limit is None) or (offset is None) != (plan.offset is None):
        return None
    return _sources.LimitSource(below, limit, offset)


def _count(expression: BoundExpression | None) -> Node | None:
    return None if expression is None else make_condition(expression, {})


def _sorted(keys: Sequence[SortKey], below: Source, places: Mapping[int, int]) -> Source | None:
    expressions = [key.expression for key in keys]
    if not all(_is_number(each.type) for each in expressions):
        return None
    nodes = make_nodes(expressions, places)
    if nodes is None:
        return None
    return _sources.SortSource(
        below,
        nodes,
        tuple(key.is_descending for key in keys),
        tuple(key.nulls_first for key in keys),
    )


def _aggregate(plan: HashAggregate, below: Source, places: Mapping[int, int]) -> Source | None:
    if plan.keys or plan.grouping_sets != ((),):
        return None
    made = [_aggregate_call(call, places) for call in plan.aggregates]
    return None if None in made else _aggregates.AggregateSource(below, made)


def _aggregate_call(call: AggregateCall, places: Mapping[int, int]) -> Any:
    """One aggregate; None if compiled code cannot compute it."""
    condition = None
    if call.filter is not None:
        condition = make_condition(call.filter, places)
        if condition is None:
            return None
    if not call.arguments:
        is_count = call.aggregate.name == "count"
        return _aggregates.Aggregate("rows", None, condition, False) if is_count else None
    (argument, *others) = call.arguments
    kind = None if others else _aggregate_kind(call, argument.type)
    node = None if kind is None else make_condition(argument, places)
    if node is None:
        return None
    return _aggregates.Aggregate(kind, node, condition, call.is_distinct)


def _aggregate_kind(call: AggregateCall, argument: SqlType) -> str | None:
    """How native_aggregates.pyx calls it."""
    match call.aggregate.name:
        case "count" if _is_number(argument) or not call.is_distinct:
            return "count"
        case "min" | "max" if _is_number(argument):
            return call.aggregate.name
        case "sum" if argument.kind is TypeKind.BIGINT:
            return "numeric sum"
        case "sum" if argument.kind in _INTEGERS:
            return "sum"
    return None


def _is_number(sql_type: SqlType) -> bool:
    return sql_type.kind in _NUMBERS


def _columns(count: int) -> dict[int, int]:
    """Where the columns of a row stand in it."""
    return {index: index for index in range(count)}
