"""HashJoin: the right input is kept and its keys are coded; batches of the left input look theirs up.

The "hash table" is `RowCodes` (keys to dense codes) and `RowLists` (codes to rows), so build and probe are Arrow and NumPy over
whole batches. For NOT IN see `_NullAwareProbe`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lungfish import errors
from lungfish.executor.aside import run_aside
from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.join_condition import JoinCondition, join_condition
from lungfish.executor.join_output import LEFT_ONLY_KINDS, JoinOutput
from lungfish.executor.kept_rows import KeptRows, keep_batches
from lungfish.executor.key_codes import Codes, RowCodes
from lungfish.executor.partition import Parts, parts_for
from lungfish.executor.row_matches import Matches, RowLists, cross_matches
from lungfish.executor.rows import concat_batches
from lungfish.planner.physical import HashJoin
from lungfish.types.batch import BATCH_ROW_COUNT, Batch
from lungfish.types.compute import pc
from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class _Join:
    """A compiled HashJoin."""

    kind: str
    left: Operator
    right: Operator
    left_keys: tuple[VectorEvaluator, ...]
    right_keys: tuple[VectorEvaluator, ...]
    key_types: tuple[SqlType, ...]
    null_equals: tuple[bool, ...]
    condition: JoinCondition | None
    left_types: tuple[SqlType, ...]
    right_types: tuple[SqlType, ...]


def make_hash_join(plan: HashJoin, compiler: Compiler) -> Operator:
    """The operator of a HashJoin."""
    join = _Join(
        kind=plan.kind,
        left=compiler.operator(plan.left),
        right=compiler.operator(plan.right),
        left_keys=compiler.vectors(plan.left_keys),
        right_keys=compiler.vectors(plan.right_keys),
        key_types=tuple(key.type for key in plan.left_keys),
        null_equals=plan.null_equals,
        condition=join_condition(
            plan.condition,
            len(plan.left.columns),
            len(plan.left.columns) + len(plan.right.columns),
            compiler,
        ),
        left_types=tuple(column.type for column in plan.left.columns),
        right_types=tuple(column.type for column in plan.right.columns),
    )
    if plan.kind == "null-aware anti" and len(plan.left_keys) != 1:
        raise errors.FeatureNotSupported("NOT IN over rows of several columns as a hash join")

    def run_hash_join(run: Run) -> Iterator[Batch]:
        kept = keep_batches(join.right(run), run)
        try:
            if kept.is_spilled and join.kind != "null-aware anti":
                yield from _join_by_parts(join, kept, run)
                return
            right = _whole(kept, join.right_types, run)
            if right.row_count or join.kind not in ("inner", "semi", "right"):
                yield from _probe(join, join.left(run), right, run)
        finally:
            kept.close()

    return run_hash_join


def _probe(join: _Join, left_batches: Iterable[Batch], right: Batch, run: Run) -> Iterator[Batch]:
    codes = RowCodes(join.key_types, join.null_equals)
    right_keys = _keys(join.right_keys, right, run)
    right_codes = _encode(codes, right_keys, right.row_count, run)
    lists = run_aside(run, right.row_count, lambda: RowLists(right_codes, codes.count))
    output = JoinOutput(join.kind, join.condition, right, join.left_types, join.right_types)
    null_aware = None
    if join.kind == "null-aware anti":
        null_aware = _NullAwareProbe(lists, right_keys[0], has_condition=join.condition is not None)
    one_is_enough = join.kind in LEFT_ONLY_KINDS and join.condition is None
    for left in left_batches:
        keys = _keys(join.left_keys, left, run)
        left_codes = run.compute(codes.lookup, keys, left.row_count)
        if null_aware is not None:
            candidates = null_aware.candidates(left_codes, keys[0])
        elif one_is_enough:
            candidates = iter((lists.first_matches(left_codes),))
        else:
            candidates = lists.matches(left_codes)
        yield from output.join(left, candidates, run)
    yield from output.rest()


def _join_by_parts(join: _Join, right: KeptRows, run: Run) -> Iterator[Batch]:
    """The right side does not fit into memory: both sides are parted by the hash of their keys, and the parts joined one by one.

    Equal keys are in the same part, so that each kind of join is the union of the joins of the parts (the "grace" hash join of
    Kitsuregawa, Tanaka and Moto-oka, 1983). A part that is still too large is taken into memory all the same.
    """
    parts = Parts(parts_for(right, run), run)
    try:
        parts.fill(0, right, join.right_keys, join.key_types)
        right.close()
        parts.fill(1, join.left(run), join.left_keys, join.key_types)
        for right_part, left_part in parts.pairs():
            rows = _whole(right_part, join.right_types, run)
            yield from _probe(join, left_part, rows, run)
            right_part.close()
            left_part.close()
    finally:
        parts.close()


def _whole(kept: KeptRows, types: tuple[SqlType, ...], run: Run) -> Batch:
    batches = kept.take_all()
    return run_aside(run, kept.row_count, lambda: concat_batches(batches, types))


def _encode(codes: RowCodes, keys: list[pa.Array], row_count: int, run: Run) -> Codes:
    """The codes of any number of rows: some at a time, so that the statement can be stopped in between."""
    parts = []
    for start in range(0, max(row_count, 1), BATCH_ROW_COUNT):
        part = [key.slice(start, BATCH_ROW_COUNT) for key in keys]
        count = min(row_count - start, BATCH_ROW_COUNT)
        parts.append(run.compute(codes.encode, part, count))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _keys(evaluators: tuple[VectorEvaluator, ...], batch: Batch, run: Run) -> list[pa.Array]:
    return [as_array(evaluate(batch, run), batch.row_count) for evaluate in evaluators]


class _NullAwareProbe:
    """NOT IN: a left row passes only if its key differs from every right key for certain.

    So a left row's candidates, the rows that can keep it from passing, are those with an equal key and those with a null key; for
    a left row whose own key is null they are all rows. The condition is then looked at for each candidate.
    """

    def __init__(self, lists: RowLists, right_key: pa.Array, *, has_condition: bool) -> None:
        self._lists = lists
        self._null_rows: Codes = np.flatnonzero(np.asarray(pc.is_null(right_key)))
        self._all_rows: Codes = np.arange(len(right_key))
        if not has_condition:
            # One row that keeps a left row from passing is as good as all of them.
            self._null_rows, self._all_rows = self._null_rows[:1], self._all_rows[:1]

    def candidates(self, codes: Codes, left_key: pa.Array) -> Iterator[Matches]:
        """The candidates of each left row."""
        yield from self._lists.matches(codes)
        is_null = np.asarray(pc.is_null(left_key))
        if len(self._null_rows):
            yield from cross_matches(np.flatnonzero(~is_null), self._null_rows)
        if is_null.any() and len(self._all_rows):
            yield from cross_matches(np.flatnonzero(is_null), self._all_rows)
