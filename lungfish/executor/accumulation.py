"""One aggregate call over groups: FILTER, DISTINCT and ORDER BY are seen to here, the rest is the aggregate's accumulator.

Rows whose order matters are kept and given to the accumulator sorted, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.executor.aside import run_aside
from lungfish.executor.compiler import Compiler, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array, true_mask
from lungfish.executor.integer_codes import Codes, first_places
from lungfish.executor.key_codes import RowCodes
from lungfish.executor.memory import vector_size_bytes
from lungfish.executor.own_aggregate import OwnAggregate, call_plainly, compile_own_aggregate
from lungfish.executor.portions import Portions
from lungfish.executor.sort_keys import SortOrder, sort_order
from lungfish.functions.registry import Accumulator
from lungfish.planner.bind_arguments import given_argument
from lungfish.planner.expressions import AggregateCall, Constant, SortKey
from lungfish.types.batch import BATCH_ROW_COUNT, Batch, Vector
from lungfish.types.sql_type import BIGINT, SqlType
from lungfish.types.vectors import concat_vectors


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
        self._distinct = RowCodes((BIGINT, *compiled.compared_types)) if is_distinct else None
        self._kept = (
            _KeptInput(compiled.types, compiled.order) if compiled.order is not None else None
        )

    @property
    def size_bytes(self) -> int:
        """What is held beside the accumulator's own state."""
        size = 0 if self._distinct is None else self._distinct.size_bytes
        return size if self._kept is None else size + self._kept.size_bytes

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
        if self._distinct is not None:
            compared = arguments
            if compiled.compared is not None:
                compared = [
                    as_array(each(batch, run), batch.row_count) for each in compiled.compared
                ]
            rows = run.compute(self._new_rows, group_ids, compared)
            if rows is not None:
                indices = pa.array(rows)
                group_ids = group_ids[rows]
                arguments = [argument.take(indices) for argument in arguments]
                keys = [key.take(indices) for key in keys]
        if self._kept is not None:
            self._kept.append(group_ids, arguments, keys)
        else:
            self._compute(run)(self._accumulator.update, group_ids, group_count, arguments)

    def _compute(self, run: Run) -> Callable[..., Any]:
        """How the accumulator is called: one that runs routines does more than compute."""
        return run.compute if self._compiled.own is None else call_plainly

    def _new_rows(self, group_ids: Codes, arguments: Sequence[Vector]) -> Codes | None:
        """The rows whose arguments their group has not had yet; None for all."""
        distinct = self._distinct
        assert distinct is not None, "only for DISTINCT"
        before = distinct.count
        codes = distinct.encode([pa.array(group_ids), *arguments], len(group_ids))
        added = distinct.count - before
        if added == len(group_ids):
            return None
        return np.sort(first_places(codes, before, added))

    def finish(self, group_count: int, run: Run) -> Vector:
        """The results of all groups."""
        run.check_cancel()
        if self._kept is not None:
            group_ids, arguments = self._kept.sorted(run)
            # An accumulator may go row by row.
            for start in range(0, max(len(group_ids), 1), BATCH_ROW_COUNT):
                part = slice(start, start + BATCH_ROW_COUNT)
                arguments_of_part = [each.slice(start, BATCH_ROW_COUNT) for each in arguments]
                self._compute(run)(
                    self._accumulator.update, group_ids[part], group_count, arguments_of_part
                )
        result: Vector = self._compute(run)(self._accumulator.finish, group_count)
        return result


class _KeptInput:
    """The rows of an aggregate with ORDER BY, until all are there."""

    def __init__(self, types: Sequence[SqlType], order: SortOrder) -> None:
        self._types = types
        self._order = order
        self._group_ids: list[Codes] = []
        self._arguments: list[list[Vector]] = [[] for _ in types]
        self._keys: list[list[Vector]] = [[] for _ in order.types]
        self.size_bytes = 0

    def append(self, group_ids: Codes, arguments: Sequence[Vector], keys: Sequence[Vector]) -> None:
        self._group_ids.append(group_ids)
        self.size_bytes += group_ids.nbytes + sum(map(vector_size_bytes, (*arguments, *keys)))
        for kept, vector in zip(self._arguments, arguments, strict=True):
            kept.append(vector)
        for kept, vector in zip(self._keys, keys, strict=True):
            kept.append(vector)

    def sorted(self, run: Run) -> tuple[Codes, list[Vector]]:
        """All rows in order. Groups are mixed, which does not matter to an accumulator."""
        if not self._group_ids:
            return np.empty(0, np.int64), [concat_vectors([], item) for item in self._types]
        group_ids = np.concatenate(self._group_ids)
        keys = [
            concat_vectors(vectors, sql_type)
            for vectors, sql_type in zip(self._keys, self._order.types, strict=True)
        ]
        row_count = len(group_ids)
        indices = self._order.indices_of(keys, row_count, run)

        def arguments_in_order() -> list[Vector]:
            return [
                concat_vectors(vectors, sql_type).take(indices)
                for vectors, sql_type in zip(self._arguments, self._types, strict=True)
            ]

        arguments = run_aside(run, row_count, arguments_in_order)
        return group_ids[indices.to_numpy()], arguments
