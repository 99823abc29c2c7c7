"""NestedLoopJoin: any condition at all; and lateral joins, whose right side is run again for each left row.

Not lateral: the right input is kept, and each left batch is paired with all of it, in pieces. Lateral: the rows that
the right side gives are remembered by the left values that it uses, so equal left rows run it once. A right side that finds a few rows by an
index gives them as rows (`row_source.py`), of which a batch is made for many left rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Row, Run
from lungfish.executor.join_condition import JoinCondition, join_condition
from lungfish.executor.join_output import JoinOutput
from lungfish.executor.kept_rows import keep_batches
from lungfish.executor.memo import memo_key, outer_columns_of
from lungfish.executor.memory import batch_size_bytes
from lungfish.executor.portions import LONG_KINDS, RowPortions
from lungfish.executor.row_matches import Matches, cross_matches
from lungfish.executor.row_source import RowSource, make_row_source
from lungfish.executor.rows import batch_rows, concat_batches, rows_batch
from lungfish.planner.physical import NestedLoopJoin
from lungfish.types.batch import BATCH_BYTES, Batch
from lungfish.types.sql_type import SqlType

# How many right sides a lateral join remembers.
_MEMO_ENTRIES_MAX = 1024


@dataclass(frozen=True, slots=True)
class _Join:
    kind: str
    left: Operator
    right: Operator
    # What gives the right side's rows, of a lateral join, where they are few; None: the operator does.
    right_rows: RowSource | None
    condition: JoinCondition | None
    left_types: tuple[SqlType, ...]
    right_types: tuple[SqlType, ...]


def make_nested_loop_join(plan: NestedLoopJoin, compiler: Compiler) -> Operator:
    """The operator of a NestedLoopJoin."""
    join = _Join(
        kind=plan.kind,
        left=compiler.operator(plan.left),
        right=compiler.operator(plan.right),
        right_rows=_right_rows(plan, compiler),
        condition=join_condition(
            plan.condition,
            len(plan.left.columns),
            len(plan.left.columns) + len(plan.right.columns),
            compiler,
        ),
        left_types=tuple(column.type for column in plan.left.columns),
        right_types=tuple(column.type for column in plan.right.columns),
    )
    if not plan.is_lateral:
        return lambda run: _run_product(join, run)
    if plan.kind in ("right", "full"):
        raise errors.FeatureNotSupported(f"{plan.kind} join with a lateral right side")
    used = outer_columns_of(plan.right)
    return lambda run: _run_lateral(join, used, run)


def _right_rows(plan: NestedLoopJoin, compiler: Compiler) -> RowSource | None:
    """The right side's row source, unless what each of its nodes does is to be measured."""
    if not plan.is_lateral or compiler.is_measuring:
        return None
    return make_row_source(plan.right, compiler)


def _run_product(join: _Join, run: Run) -> Iterator[Batch]:
    kept = keep_batches(join.right(run), run)
    try:
        right = concat_batches(kept.take_all(), join.right_types)
        if not right.row_count and join.kind in ("inner", "semi", "right"):
            return
        output = JoinOutput(join.kind, join.condition, right, join.left_types, join.right_types)
        right_rows = np.arange(right.row_count)
        if join.condition is None and join.kind in ("semi", "anti"):
            right_rows = right_rows[:1]
        for left in join.left(run):
            candidates = cross_matches(np.arange(left.row_count), right_rows)
            yield from output.join(left, candidates, run)
        yield from output.rest()
    finally:
        kept.close()


def _run_lateral(join: _Join, used: tuple[int, ...] | None, run: Run) -> Iterator[Batch]:
    right_sides = _RightSides(join, used, run)
    portions = RowPortions.of_types(join.right_types)
    for left in join.left(run):
        rows = batch_rows(left, join.left_types)
        start, pending = 0, _Pending()
        for number, row in enumerate(rows, 1):
            pending.append(right_sides.of(row))
            if pending.row_count >= portions.row_count or number == len(rows):
                part = left.slice(start, number - start)
                right = pending.all_rows(join.right_types)
                portions.note_batch(right)
                yield from _join_part(join, part, right, pending.counts, run)
                start, pending = number, _Pending()


class _Pending:
    """The right sides of some left rows in a row, not yet joined."""

    def __init__(self) -> None:
        # As the right side gives them: batches or rows.
        self._batches: list[Batch] = []
        self._rows: list[Row] = []
        self.counts: list[int] = []
        self.row_count = 0

    def append(self, right: Batch | list[Row]) -> None:
        if isinstance(right, list):
            count = len(right)
            self._rows += right
        else:
            count = right.row_count
            if count:
                self._batches.append(right)
        self.counts.append(count)
        self.row_count += count

    def all_rows(self, types: Sequence[SqlType]) -> Batch:
        """Them all, one after the other."""
        return rows_batch(self._rows, types) if self._rows else concat_batches(self._batches, types)


def _join_part(
    join: _Join, left: Batch, right: Batch, counts: list[int], run: Run
) -> Iterator[Batch]:
    output = JoinOutput(join.kind, join.condition, right, join.left_types, join.right_types)
    left_rows = np.repeat(np.arange(left.row_count), np.array(counts, np.int64))
    pairs = Matches(left_rows, np.arange(right.row_count))
    # The planner counts on it that rows come in the order of the left ones.
    yield from output.join_in_order(left, pairs, run)


class _RightSides:
    """The right side's rows for a left row."""

    def __init__(self, join: _Join, used: tuple[int, ...] | None, run: Run) -> None:
        """`used`: the left columns that the right side looks at; None where it must be run each time."""
        self._join = join
        self._run = run
        self._memo: dict[Hashable, Batch | list[Row]] = {}
        types = (*join.left_types, *join.right_types)
        self._is_long = any(sql_type.kind in LONG_KINDS for sql_type in types)
        # What is long in it, about.
        self._memo_bytes = 0
        # What the statement has changed itself is for the operator to see.
        self._rows = None if run.context.own_changes is not None else join.right_rows
        self._key = _key_getter(used, join.left_types)

    def of(self, row: tuple[Any, ...]) -> Batch | list[Row]:
        """The rows of the right side, run with `row` as its nearest outer row."""
        if self._key is None:
            return self._evaluate(row)
        key = self._key(row)
        found = self._memo.get(key)
        if found is None:
            found = self._evaluate(row)
            if len(self._memo) >= _MEMO_ENTRIES_MAX or self._memo_bytes >= BATCH_BYTES:
                self._memo.clear()
                self._memo_bytes = 0
            self._memo[key] = found
            if isinstance(found, Batch):
                self._memo_bytes += batch_size_bytes(found)
            if self._is_long:
                rows = found if isinstance(found, list) else ()
                self._memo_bytes += _size_of(key) + sum(map(_size_of, rows))
        return found

    def _evaluate(self, row: tuple[Any, ...]) -> Batch | list[Row]:
        self._run.check_cancel()
        if self._rows is not None:
            return self._rows(self._run.inside(row))
        batches = list(self._join.right(self._run.inside(row)))
        return concat_batches(batches, self._join.right_types)


def _size_of(key: object) -> int:
    """About what the long parts of a key or a row take."""
    if isinstance(key, (str, bytes)):
        return len(key)
    return sum(map(_size_of, key)) if isinstance(key, tuple) else 0


def _key_getter(
    used: tuple[int, ...] | None, types: Sequence[SqlType]
) -> Callable[[Sequence[Any]], Hashable] | None:
    if used is None:
        return None
    key = memo_key([types[index] for index in used])
    return lambda row: key([row[index] for index in used])
