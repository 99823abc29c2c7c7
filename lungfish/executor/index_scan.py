"""IndexScan: from values for an index's columns to key ranges, and the rows of these.

The values may differ from run to run (parameters, outer rows), so ranges are made when the scan starts. A NULL among them finds
nothing: no comparison with NULL is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Index
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Row, Run
from lungfish.executor.filter import batch_filter
from lungfish.executor.partition_tests import behind_tests
from lungfish.executor.portions import RowPortions
from lungfish.executor.rows import rows_batch
from lungfish.executor.scan import output_types, stored_positions
from lungfish.planner.physical import IndexScan, KeyBound
from lungfish.storage.ids import TupleId
from lungfish.storage.keys import Bound, KeyCodec, KeyRange
from lungfish.types.batch import Batch
from lungfish.types.compare import comparison_key

if TYPE_CHECKING:
    from lungfish.storage.table import TableIndex, TableStore

_FIRST_ROW_COUNT = 64

# Answers the key ranges of one run, in the order in which they are to be read.
RangeMaker = Callable[[Run, KeyCodec], "Sequence[KeyRange]"]


def make_index_scan(plan: IndexScan, compiler: Compiler) -> Operator:
    """The operator of an IndexScan."""
    make_ranges = index_ranges(plan, compiler)
    keep = batch_filter(plan.filter, compiler)
    types = output_types(plan.table, plan.column_indexes, plan.with_tuple_id)
    pick = _picker(stored_positions(plan.table, plan.column_indexes), plan.with_tuple_id)

    def run_index_scan(run: Run) -> Iterator[Batch]:
        entries = _entries(plan, make_ranges, run)
        # A LIMIT above may want only the first few.
        portions = RowPortions(_FIRST_ROW_COUNT)
        while found := list(islice(entries, portions.row_count)):
            run.check_cancel()
            batch = rows_batch([pick(address, row) for address, row in found], types)
            portions.note_batch(batch)
            yield from keep(batch, run)

    return behind_tests(run_index_scan, plan.tests, compiler)


def _entries(plan: IndexScan, make_ranges: RangeMaker, run: Run) -> Iterator[tuple[TupleId, Row]]:
    """The visible rows of the ranges, whole and as stored, with their addresses."""
    context = run.context
    store = context.tables.table_store(plan.table)
    index = find_index(store, plan.index)
    ranges = make_ranges(run, index.btree.codec)
    if not ranges:
        return
    changes = context.own_changes
    if changes is not None and changes.has(plan.table):
        yield from changes.index_scan(plan, index, ranges, run)
        return
    for key_range in ranges:
        for chunk in store.index_scan(
            context.snapshot, index, key_range, is_backward=plan.is_backward
        ):
            run.check_cancel()
            yield from chunk


def _picker(
    positions: Sequence[int], with_tuple_id: bool
) -> Callable[[TupleId, Row], Sequence[Any]]:
    if with_tuple_id:
        return lambda address, row: [*[row[position] for position in positions], address]
    return lambda _address, row: [row[position] for position in positions]


def find_index(store: TableStore, index: Index) -> TableIndex:
    """The stored form of a table's index."""
    for found in store.indexes:
        if found.relation_id == index.relation_id:
            return found
    raise AssertionError(f"table store has no index {index.name}")


def index_ranges(plan: IndexScan, compiler: Compiler) -> RangeMaker:
    """What makes the key ranges of one run."""
    equals = compiler.rows(plan.equals)
    lower, upper = _bound(plan.lower, compiler), _bound(plan.upper, compiler)
    if plan.any_of:
        return _any_of_ranges(plan, compiler.rows(plan.any_of))

    def make_ranges(run: Run, codec: KeyCodec) -> Sequence[KeyRange]:
        values = [evaluate((), run) for evaluate in equals]
        if None in values:
            return ()
        low = None if lower is None else lower(run)
        high = None if upper is None else upper(run)
        if (lower is not None and low is None) or (upper is not None and high is None):
            return ()
        return (codec.range(values, low, high),)

    return make_ranges


def _bound(bound: KeyBound | None, compiler: Compiler) -> Callable[[Run], Bound | None] | None:
    """The evaluator of one end of a range; it answers None for NULL."""
    if bound is None:
        return None
    evaluate, is_inclusive = compiler.row(bound.value), bound.is_inclusive

    def make_bound(run: Run) -> Bound | None:
        value = evaluate((), run)
        return None if value is None else Bound(value, is_inclusive)

    return make_bound


def _any_of_ranges(plan: IndexScan, items: Sequence[RowEvaluator]) -> RangeMaker:
    """A range for each distinct value, in the index's order."""
    key = comparison_key(plan.any_of[0].type) or (lambda value: value)
    is_descending = plan.index.columns[0].is_descending is not plan.is_backward

    def make_ranges(run: Run, codec: KeyCodec) -> Sequence[KeyRange]:
        values = (evaluate((), run) for evaluate in items)
        distinct = {key(value): value for value in values if value is not None}
        ordered = sorted(distinct, reverse=is_descending)
        return [codec.range((distinct[item],)) for item in ordered]

    return make_ranges
