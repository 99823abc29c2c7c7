"""HashAggregate: GROUP BY, with grouping sets, and aggregation of everything.

Each grouping set numbers its groups (`RowCodes`) and feeds its accumulators batch by batch; nothing is kept but the groups. When the
groups outgrow the memory budget, no new ones are taken in: rows of unknown groups go to spill files, parted by the hash of their keys, and are aggregated
afterwards in the same way, part by part. (So does PostgreSQL's hybrid hash aggregation.)

No order is promised. But few groups come in the order of their keys all the same, as from PostgreSQL's sorted grouping: what
people read (`ORDER BY count(*) DESC`, where groups tie) then hangs on the data alone, not on the order of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lungfish.executor.accumulation import Accumulation, CompiledAggregate, compile_aggregate
from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.integer_codes import UNKNOWN, Codes, first_places
from lungfish.executor.key_codes import RowCodes
from lungfish.executor.memory import MemoryAccount
from lungfish.executor.partition import Overflow
from lungfish.executor.portions import Portions
from lungfish.executor.rows import split_batch
from lungfish.executor.sort_keys import ascending
from lungfish.planner.physical import HashAggregate
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import INTEGER, SqlType
from lungfish.types.vectors import concat_vectors, constant_vector, null_vector

# What a group takes beside its keys, for each aggregate: an estimate.
_STATE_BYTES = 32
# How many groups are put in order: as many as somebody may look at.
_ORDERED_GROUPS = 1000


@dataclass(frozen=True, slots=True)
class _Aggregation:
    """A compiled HashAggregate."""

    keys: tuple[VectorEvaluator, ...]
    key_types: tuple[SqlType, ...]
    aggregates: tuple[CompiledAggregate, ...]
    grouping_sets: tuple[tuple[int, ...], ...]


def make_hash_aggregate(plan: HashAggregate, compiler: Compiler) -> Operator:
    """The operator of a HashAggregate."""
    source = compiler.operator(plan.input)
    portions = Portions()
    aggregation = _Aggregation(
        keys=portions.vectors(plan.keys, compiler),
        key_types=tuple(key.type for key in plan.keys),
        aggregates=tuple(compile_aggregate(call, portions, compiler) for call in plan.aggregates),
        grouping_sets=plan.grouping_sets,
    )

    def run_hash_aggregate(run: Run) -> Iterator[Batch]:
        sets = [_Groups(aggregation, numbers, run) for numbers in aggregation.grouping_sets]
        try:
            for batch in portions.cut(source(run), run):
                run.check_cancel()
                keys = [as_array(key(batch, run), batch.row_count) for key in aggregation.keys]
                for groups in sets:
                    groups.update(batch, keys)
            for number, groups in enumerate(sets):
                for result in groups.results():
                    yield from split_batch(_with_set_number(result, number, len(sets)))
        finally:
            for groups in sets:
                groups.close()

    return run_hash_aggregate


def _with_set_number(batch: Batch, number: int, set_count: int) -> Batch:
    if set_count == 1:
        return batch
    column = constant_vector(number, INTEGER, batch.row_count)
    return Batch((*batch.columns, column), batch.row_count)


class _Groups:
    """The groups of one grouping set, in one run."""

    def __init__(self, aggregation: _Aggregation, numbers: Sequence[int], run: Run) -> None:
        self._aggregation = aggregation
        self._numbers = tuple(numbers)
        self._run = run
        self._account = MemoryAccount(run.context.memory)
        self._types = [aggregation.key_types[number] for number in self._numbers]
        self._level = 0
        self._overflow: Overflow | None = None
        self._begin()

    def _begin(self) -> None:
        """Start with no groups."""
        self._codes = RowCodes(self._types)
        self._accumulations: list[Accumulation] = [
            Accumulation(item, self._run) for item in self._aggregation.aggregates
        ]
        # The keys of the groups in order, in parts as they came.
        self._keys: list[list[Vector]] = [[] for _ in self._numbers]
        self._key_bytes = 0
        self._met_count = 0
        self._is_full = False

    def update(self, batch: Batch, keys: Sequence[Vector]) -> None:
        """Take in one batch, whose values of all keys are `keys`."""
        own_keys = [keys[number] for number in self._numbers]
        if self._is_full:
            codes = self._run.compute(self._codes.lookup, own_keys, batch.row_count)
            batch, codes = self._set_aside(batch, own_keys, codes)
        else:
            codes = self._run.compute(self._codes.encode, own_keys, batch.row_count)
            self._note_new_groups(codes, own_keys)
        if batch.row_count:
            count = self._codes.count
            for accumulation in self._accumulations:
                accumulation.update(batch, codes, count, self._run)
            if not self._account.grow_to(self._size_bytes()):
                self._is_full = self._run.context.spill is not None

    def _note_new_groups(self, codes: Codes, keys: Sequence[Vector]) -> None:
        added = self._codes.count - self._met_count if self._numbers else 0
        if not added:
            return
        places = pa.array(first_places(codes, self._met_count, added))
        for parts, key in zip(self._keys, keys, strict=True):
            taken = key.take(places)
            parts.append(taken)
            self._key_bytes += taken.nbytes
        self._met_count += added

    def _size_bytes(self) -> int:
        size = self._met_count * _STATE_BYTES * len(self._accumulations)
        size += self._codes.size_bytes + self._key_bytes
        return size + sum(accumulation.size_bytes for accumulation in self._accumulations)

    def _set_aside(self, batch: Batch, keys: Sequence[Vector], codes: Codes) -> tuple[Batch, Codes]:
        """Put rows of unknown groups away for later; answers the others."""
        is_known = codes != UNKNOWN
        if is_known.all():
            return batch, codes
        if self._overflow is None:
            self._overflow = Overflow(self._types, self._level, self._run)
        rest = pa.array(~is_known)
        self._overflow.add(batch.filter(rest), [key.filter(rest) for key in keys])
        return batch.filter(pa.array(is_known)), codes[is_known]

    def results(self) -> Iterator[Batch]:
        """The rows of all groups: those in memory, then, part by part, those that were set aside."""
        yield self._result()
        overflow, level = self._overflow, self._level
        if overflow is None:
            return
        try:
            for part in overflow.parts():
                self._let_go()
                self._overflow, self._level = None, level + 1
                self._begin()
                self._update_all(part)
                part.close()
                yield from self.results()
        finally:
            overflow.close()

    def _let_go(self) -> None:
        """The groups are done."""
        self._account.close()
        for accumulation in self._accumulations:
            accumulation.close()

    def _update_all(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            self._run.check_cancel()
            keys = self._aggregation.keys
            self.update(batch, [as_array(key(batch, self._run), batch.row_count) for key in keys])

    def _result(self) -> Batch:
        # The keys may take as much memory as there is, and the codes know them too.
        self._codes = RowCodes(())
        # Without keys there is one group, even if there was no row.
        count = self._met_count if self._numbers else 1
        found = {
            number: concat_vectors(parts, self._aggregation.key_types[number])
            for number, parts in zip(self._numbers, self._keys, strict=True)
        }
        keys = [
            found[number] if number in found else null_vector(sql_type, count)
            for number, sql_type in enumerate(self._aggregation.key_types)
        ]
        results = [accumulation.finish(count, self._run) for accumulation in self._accumulations]
        batch = Batch((*keys, *results), count)
        if found and 1 < count <= _ORDERED_GROUPS:
            order = ascending([self._aggregation.key_types[number] for number in found])
            return batch.take(order.indices_of(list(found.values()), count, self._run))
        return batch

    def close(self) -> None:
        """Give back the memory."""
        self._let_go()
        if self._overflow is not None:
            self._overflow.close()
