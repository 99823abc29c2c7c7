"""One aggregate call over groups: FILTER, DISTINCT and ORDER BY are seen to here, the rest is the aggregate's accumulator.

Rows whose order matters are kept and given to the accumulator sorted, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.executor.compiler import Compiler, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.distinct_arguments import DistinctArguments
from lungfish.executor.expressions.vectors import as_array, true_mask
from lungfish.executor.external_sort import ExternalSort
from lungfish.executor.integer_codes import Codes
from lungfish.executor.memory import vector_size_bytes
from lungfish.executor.own_aggregate import OwnAggregate, call_plainly, compile_own_aggregate
from lungfish.executor.portions import LONG_KINDS, Portions
from lungfish.executor.sort_keys import SortOrder, sort_order
from lungfish.functions.registry import Accumulator
from lungfish.planner.bind_arguments import given_argument
from lungfish.planner.expressions import AggregateCall, Constant, SortKey
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import BIGINT, SqlType

# What an object of Python's takes beside the text in it.
_VALUE_BYTES = 64


@dataclass(frozen=True, slots=True)
class CompiledAggregate:
    """An aggregate call, compiled."""

    call: AggregateCall
    arguments: tuple[VectorEvaluator, ...]
    types: tuple[SqlType, ...]
    # What DISTINCT looks at, where that is not the arguments themselves.
    compared: tuple[VectorEvaluator, ...] | None
    compared_types: tuple[SqlType, ...]
    filter: VectorEvaluator | None
    # The order in which the rows of a group are to be taken in, if that matters.
    order: SortOrder | None

    # Of a user's aggregate.
    own: OwnAggregate | None = None

    def create(self, run: Run) -> Accumulator:
        """A fresh accumulator."""
        if self.own is not None:
            return self.own.create(run)
        return self.call.aggregate.create(self.types, self.call.type)


def compile_aggregate(
    call: AggregateCall, portions: Portions, compiler: Compiler
) -> CompiledAggregate:
    """Compile an aggregate call, whose input `portions` cuts. What an ordered-set aggregate sorts by is its last arguments."""
    aggregate = call.aggregate
    arguments = call.arguments
    if aggregate.is_ordered_set:
        arguments = (*arguments, *(key.expression for key in call.order_by))
    compared = tuple(map(given_argument, arguments)) if call.is_distinct else arguments
    matters = aggregate.is_ordered_set or aggregate.is_order_sensitive
    keys = call.order_by
    if call.is_distinct and matters:
        # PostgreSQL finds by sorting what comes twice.
        taken = [key.expression for key in keys]
        rest = [each for each in compared if each not in taken and not isinstance(each, Constant)]
        keys = (*keys, *(SortKey(each, False, False) for each in rest))
    return CompiledAggregate(
        call=call,
        arguments=portions.vectors(arguments, compiler),
        types=tuple(argument.type for argument in arguments),
        compared=compiler.vectors(compared) if compared != arguments else None,
        compared_types=tuple(argument.type for argument in compared),
        filter=None if call.filter is None else compiler.vector(call.filter),
        order=sort_order(keys, compiler) if keys and matters else None,
        own=compile_own_aggregate(aggregate, call.type, compiler),
    )


class Accumulation:
    """The running state of one aggregate call over the groups of one grouping set."""

    def __init__(self, compiled: CompiledAggregate, run: Run) -> None:
        self._compiled = compiled
        self._accumulator = compiled.create(run)
        is_distinct = compiled.call.is_distinct
        self._is_long = bool(compiled.types) and any(
            sql_type.kind in LONG_KINDS for sql_type in (*compiled.types, compiled.call.type)
        )
        self._keeps_all = compiled.call.aggregate.is_order_sensitive
        self._value_bytes = 0
        self._group_count = 0
        self._distinct = DistinctArguments(compiled.compared_types) if is_distinct else None
        # The rows of a call with ORDER BY, until all are there: group, arguments, keys. Groups are mixed in it, which does not matter to an accumulator.
        self._sort = None if compiled.order is None else _sort_of_arguments(compiled, run)

    @property
    def size_bytes(self) -> int:
        """What is held beside the accumulator's counters and sums."""
        if self._distinct is None:
            return self._value_bytes
        return self._value_bytes + self._distinct.size_bytes

    def update(self, batch: Batch, group_ids: Codes, group_count: int, run: Run) -> None:
        """Take in one batch."""
        compiled = self._compiled
        if compiled.filter is not None:
            mask = true_mask(compiled.filter(batch, run), batch.row_count)
            if mask.true_count < batch.row_count:
                group_ids = group_ids[np.asarray(mask)]
                batch = Batch(
                    tuple(column.filter(mask) for column in batch.columns), len(group_ids)
                )
        arguments = [
            as_array(evaluate(batch, run), batch.row_count) for evaluate in compiled.arguments
        ]
        keys = [] if compiled.order is None else compiled.order.key_vectors(batch, run)
        if self._distinct is None:
            self._take_in(group_ids, group_count, arguments, keys, run)
            return
        compared = arguments
        if compiled.compared is not None:
            compared = [as_array(each(batch, run), batch.row_count) for each in compiled.compared]
        columns = (pa.array(group_ids), *compared, *arguments, *keys)
        rows = run.compute(self._distinct.new_rows, Batch(columns, batch.row_count), run)
        self._take_in_rows(rows, group_count, run)

    def _take_in_rows(self, rows: Batch, group_count: int, run: Run) -> None:
        """Take in rows of which a group has not had the like: group, what was compared, arguments, keys."""
        first = 1 + len(self._compiled.compared_types)
        last = first + len(self._compiled.types)
        columns = rows.columns
        group_ids = columns[0].to_numpy()
        self._take_in(group_ids, group_count, columns[first:last], columns[last:], run)

    def _take_in(
        self,
        group_ids: Codes,
        group_count: int,
        arguments: Sequence[Vector],
        keys: Sequence[Vector],
        run: Run,
    ) -> None:
        if self._sort is not None:
            self._sort.add(Batch((pa.array(group_ids), *arguments, *keys), len(group_ids)))
            return
        self._note_values(arguments, group_count)
        self._compute(run)(self._accumulator.update, group_ids, group_count, arguments)

    def _note_values(self, arguments: Sequence[Vector], group_count: int) -> None:
        """Count what the accumulator keeps of long values: all that it is given, or one a group."""
        if not self._is_long:
            return
        row_count = len(arguments[0])
        taken = row_count if self._keeps_all else min(group_count - self._group_count, row_count)
        self._group_count = group_count
        if taken > 0:
            size = sum(map(vector_size_bytes, arguments)) * taken // row_count
            self._value_bytes += size + _VALUE_BYTES * taken

    def _compute(self, run: Run) -> Callable[..., Any]:
        """How the accumulator is called: one that runs routines does more than compute."""
        return run.compute if self._compiled.own is None else call_plainly

    def finish(self, group_count: int, run: Run) -> Vector:
        """The results of all groups."""
        run.check_cancel()
        if self._distinct is not None:
            for rows in self._distinct.rest(run):
                self._take_in_rows(rows, group_count, run)
        if self._sort is not None:
            end = 1 + len(self._compiled.types)
            for batch in self._sort.rows():
                arguments = batch.columns[1:end]
                self._note_values(arguments, group_count)
                self._compute(run)(
                    self._accumulator.update, batch.columns[0].to_numpy(), group_count, arguments
                )
        result: Vector = self._compute(run)(self._accumulator.finish, group_count)
        return result

    def close(self) -> None:
        """Let go of what was kept to be sorted."""
        if self._sort is not None:
            self._sort.close()


def _sort_of_arguments(compiled: CompiledAggregate, run: Run) -> ExternalSort:
    order = compiled.order
    assert order is not None, "only for what has an order"
    types = (BIGINT, *compiled.types, *order.types)
    return ExternalSort(order.of_columns(1 + len(compiled.types)), types, run)
