"""Plans of a few rows, run row by row: the second gear of the executor, with no vector in it.

A `RowSource` answers all rows of a plan at once, as tuples of internal values. It is made of the plans that short transactions
consist of: a key looked up or a short range read in an index, literal rows, filters, projections, aggregates, sorts and limits
above, and indexes probed by such rows. Any other plan has none, and goes through the operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.index_scan import find_index, index_ranges
from lungfish.executor.limit import evaluate_limit, evaluate_offset
from lungfish.executor.row_aggregate import make_row_aggregate
from lungfish.executor.values_scan import literal_row
from lungfish.planner.cost import SHORT_ROW_COUNT
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef, Constant, SortKey
from lungfish.planner.physical import (
    Filter,
    HashAggregate,
    IndexScan,
    Limit,
    NestedLoopJoin,
    PhysicalPlan,
    Project,
    Sort,
    TopN,
    ValuesScan,
)
from lungfish.storage.ids import TupleId
from lungfish.types.compare import comparison_key

RowSource = Callable[[Run], "list[Row]"]
_Pick = Callable[[TupleId, Row], Row]
# Like a `RowSource`, but answers no more rows than are wanted (None: all).
_FirstRows = Callable[[Run, "int | None"], "list[Row]"]

# Of plans that are expected to give more rows, the operators are faster.
_ROW_COUNT_MAX = SHORT_ROW_COUNT


def make_row_source(plan: PhysicalPlan, compiler: Compiler) -> RowSource | None:
    """The row source of a plan; None where operators are needed."""
    match plan:
        case ValuesScan():
            return _values(plan, compiler) if len(plan.rows) <= _ROW_COUNT_MAX else None
        case IndexScan():
            return _all_rows(plan, compiler) if _is_short(plan) else None
        case NestedLoopJoin():
            return _joined(plan, compiler)
        case HashAggregate():
            source = make_row_source(plan.input, compiler)
            return None if source is None else make_row_aggregate(plan, source, compiler)
        case Limit(input=IndexScan() as scan) if not plan.has_ties:
            return _first_rows(plan, scan, compiler)
        case Filter() | Project() | Sort() | TopN() | Limit():
            source = make_row_source(plan.input, compiler)
            return None if source is None else _above(plan, source, compiler)
    return None


def _above(
    plan: Filter | Project | Sort | TopN | Limit, source: RowSource, compiler: Compiler
) -> RowSource | None:
    """The row source of a node with one input."""
    match plan:
        case Filter():
            return _filtered(source, plan.predicate, compiler)
        case Project():
            if any(map(_returns_set, plan.expressions)):
                return None
            return _projected(source, plan.expressions, compiler)
        case Sort():
            return _sorted(source, plan.keys, compiler)
        case TopN():
            ordered = _sorted(source, plan.keys, compiler)
            return _limited(ordered, plan.limit, plan.offset, compiler)
        case Limit():
            if plan.has_ties:
                return None
            return _limited(source, plan.limit, plan.offset, compiler)


def _first_rows(plan: Limit, scan: IndexScan, compiler: Compiler) -> RowSource | None:
    """The first rows of an index scan, of which no more are read."""
    limit = plan.limit
    has_few = (
        isinstance(limit, Constant)
        and limit.value is not None
        and limit.value <= _ROW_COUNT_MAX
        and plan.offset is None
        and scan.filter is None
    )
    if not has_few and not _is_short(scan):
        return None
    count_of = None if limit is None else compiler.row(limit)
    skipped_of = None if plan.offset is None else compiler.row(plan.offset)
    found = _index_rows(scan, compiler)

    def rows(run: Run) -> list[Row]:
        count = evaluate_limit(count_of, run)
        skipped = evaluate_offset(skipped_of, run)
        if count is None:
            return found(run, None)[skipped:]
        return found(run, skipped + count)[skipped:] if count else []

    return rows


def _is_short(plan: IndexScan) -> bool:
    is_one_row = plan.index.is_key and len(plan.equals) == len(plan.index.columns)
    return is_one_row or plan.estimate.rows <= _ROW_COUNT_MAX


def _returns_set(expression: BoundExpression) -> bool:
    return isinstance(expression, Call) and expression.function.returns_set


def _values(plan: ValuesScan, compiler: Compiler) -> RowSource:
    makers = [literal_row(row, compiler) for row in plan.rows]
    if len(makers) == 1:
        (maker,) = makers
        return lambda run: [maker(run)]
    return lambda run: [make(run) for make in makers]


def _filtered(source: RowSource, predicate: BoundExpression, compiler: Compiler) -> RowSource:
    holds = compiler.row(predicate)
    return lambda run: [row for row in source(run) if holds(row, run) is True]


def _projected(
    source: RowSource, expressions: Sequence[BoundExpression], compiler: Compiler
) -> RowSource:
    make = row_maker(expressions, compiler)
    return lambda run: [make(row, run) for row in source(run)]


def _sorted(source: RowSource, keys: Sequence[SortKey], compiler: Compiler) -> RowSource:
    """Sorted by one key after the other, the last one first: a sort that keeps equal rows in place makes that one order."""
    passes = [
        (compiler.row(key.expression), nullable_order(key), key.is_descending)
        for key in reversed(keys)
    ]

    def rows(run: Run) -> list[Row]:
        found = source(run)
        for evaluate, order, is_descending in passes:
            found = sorted(found, key=lambda row: order(evaluate(row, run)), reverse=is_descending)
        return found

    return rows


def nullable_order(key: SortKey) -> Callable[[Any], tuple[Any, ...]]:
    """What puts the values of a sort key in order, nulls included; reversed if the key is descending."""
    compare = comparison_key(key.expression.type)
    # Reversed, what comes first must be the greatest.
    null_place = (0,) if key.nulls_first is not key.is_descending else (2,)

    def order(value: Any) -> tuple[Any, ...]:
        if value is None:
            return null_place
        return 1, value if compare is None else compare(value)

    return order


def _limited(
    source: RowSource,
    limit: BoundExpression | None,
    offset: BoundExpression | None,
    compiler: Compiler,
) -> RowSource:
    count_of = None if limit is None else compiler.row(limit)
    skipped_of = None if offset is None else compiler.row(offset)

    def rows(run: Run) -> list[Row]:
        count = evaluate_limit(count_of, run)
        skipped = evaluate_offset(skipped_of, run)
        if count == 0:
            return []
        found = source(run)
        return found[skipped:] if count is None else found[skipped : skipped + count]

    return rows


def _joined(plan: NestedLoopJoin, compiler: Compiler) -> RowSource | None:
    """A join of a few rows with a few others: mostly an index probed by the rows of another one."""
    if plan.kind not in _PAIR_MAKERS or plan.estimate.rows > _ROW_COUNT_MAX:
        return None
    left = make_row_source(plan.left, compiler)
    right = None if left is None else make_row_source(plan.right, compiler)
    if left is None or right is None:
        return None
    make_pairs = _PAIR_MAKERS[plan.kind]
    holds = None if plan.condition is None else compiler.row(plan.condition)
    nulls = (None,) * len(plan.right.columns)
    is_lateral = plan.is_lateral

    def rows(run: Run) -> list[Row]:
        found: list[Row] = []
        kept = None if is_lateral else right(run)
        for row in left(run):
            candidates = right(run.inside(row)) if kept is None else kept
            pairs = [row + other for other in candidates]
            if holds is not None:
                pairs = [pair for pair in pairs if holds(pair, run) is True]
            found.extend(make_pairs(row, pairs, nulls))
        return found

    return rows


# What each kind of join makes of a left row and its pairs.
_PAIR_MAKERS: dict[str, Callable[[Row, list[Row], Row], list[Row]]] = {
    "inner": lambda _row, pairs, _nulls: pairs,
    "left": lambda row, pairs, nulls: pairs or [row + nulls],
    "semi": lambda row, pairs, _nulls: [row] if pairs else [],
    "anti": lambda row, pairs, _nulls: [] if pairs else [row],
}


def row_maker(
    expressions: Sequence[BoundExpression], compiler: Compiler
) -> Callable[[Sequence[Any], Run], Row]:
    """What makes a row of expressions over another row. Hot: plain columns are picked by C code."""
    if expressions and all(isinstance(item, ColumnRef) for item in expressions):
        pick = _picker([item.index for item in expressions if isinstance(item, ColumnRef)])
        return lambda row, _run: pick(row)
    evaluators: tuple[RowEvaluator, ...] = compiler.rows(expressions)
    return lambda row, run: tuple([evaluate(row, run) for evaluate in evaluators])


def _picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], Row]:
    """Picks fields of a row, always as a tuple."""
    if len(positions) == 1:
        (only,) = positions
        return lambda row: (row[only],)
    if not positions:
        return lambda _row: ()
    return itemgetter(*positions)


def _all_rows(plan: IndexScan, compiler: Compiler) -> RowSource:
    found = _index_rows(plan, compiler)
    return lambda run: found(run, None)


def _index_rows(plan: IndexScan, compiler: Compiler) -> _FirstRows:
    """The rows of an index scan. Hot: the point select of bench/."""
    table, index, is_backward = plan.table, plan.index, plan.is_backward
    make_ranges = index_ranges(plan, compiler)
    positions = [table.stored_positions[column] for column in plan.column_indexes]
    holds = None if plan.filter is None else compiler.row(plan.filter)
    pick = _with_tuple_id(positions) if plan.with_tuple_id else _without_tuple_id(positions, table)
    if len(plan.equals) == len(index.columns) and not plan.any_of:
        return _key_rows(plan, compiler, pick, holds)

    def rows(run: Run, wanted: int | None) -> list[Row]:
        context = run.context
        store = context.tables.table_store(table)
        stored_index = find_index(store, index)
        snapshot = context.snapshot
        found: list[Row] = []
        for key_range in make_ranges(run, stored_index.btree.codec):
            chunks = store.index_scan(snapshot, stored_index, key_range, is_backward=is_backward)
            for chunk in chunks:
                run.check_cancel()
                picked = [pick(address, stored) for address, stored in chunk]
                if holds is not None:
                    picked = [row for row in picked if holds(row, run) is True]
                found += picked
                if wanted is not None and len(found) >= wanted:
                    return found[:wanted]
        return found

    return rows


def _key_rows(
    plan: IndexScan, compiler: Compiler, pick: _Pick, holds: RowEvaluator | None
) -> _FirstRows:
    """The rows of a whole key."""
    table, index = plan.table, plan.index
    key_of = compiler.rows(plan.equals)
    step = -1 if plan.is_backward else 1

    def rows(run: Run, wanted: int | None) -> list[Row]:
        context = run.context
        values = [evaluate((), run) for evaluate in key_of]
        if None in values:
            return []
        store = context.tables.table_store(table)
        stored_index = find_index(store, index)
        found = store.key_lookup(context.snapshot, stored_index, values)
        picked = [pick(address, stored) for address, stored in found[::step]]
        if holds is not None:
            picked = [row for row in picked if holds(row, run) is True]
        return picked if wanted is None else picked[:wanted]

    return rows


def _with_tuple_id(positions: Sequence[int]) -> Callable[[TupleId, Row], Row]:
    if list(positions) == list(range(len(positions))):
        count = len(positions)
        return lambda address, stored: (*stored[:count], address)
    pick = _picker(positions)
    return lambda address, stored: (*pick(stored), address)


def _without_tuple_id(positions: Sequence[int], table: Any) -> Callable[[TupleId, Row], Row]:
    if list(positions) == list(range(len(table.stored_types))):
        return lambda _address, stored: stored
    pick = _picker(positions)
    return lambda _address, stored: pick(stored)
