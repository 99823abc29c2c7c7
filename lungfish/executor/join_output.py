"""From matches to the rows of a join, for every kind: shared by hash joins and nested loops.

inner   the pairs            semi   left rows that have a pair
left    and left rows        anti   left rows that have none
        without a pair
right, full: and, at the very end, right rows that never had a pair
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.context import Run
from lungfish.executor.join_condition import JoinCondition, PairTest
from lungfish.executor.portions import cuts, row_widths
from lungfish.executor.row_matches import NO_ROW, Matches, take_rows
from lungfish.executor.rows import split_batch
from lungfish.types.batch import BATCH_BYTES, Batch, Vector
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import null_vector

LEFT_ONLY_KINDS = frozenset({"semi", "anti", "null-aware anti"})


class JoinOutput:
    """Makes the rows of one kind of join. Belongs to one run: it remembers which right rows have had a pair."""

    def __init__(
        self,
        kind: str,
        condition: JoinCondition | None,
        right: Batch,
        left_types: Sequence[SqlType],
        right_types: Sequence[SqlType],
    ) -> None:
        self._kind = kind
        self._test = None if condition is None else PairTest(condition, right)
        self._right = right
        self._left_types = left_types
        self._right_types = right_types
        keeps_right = kind in ("right", "full")
        self._right_matched = np.zeros(right.row_count, np.bool_) if keeps_right else None
        self._right_widths = widths = row_widths(right.columns)
        self._right_width_max = 0 if widths is None or not len(widths) else int(widths.max())

    def join(self, left: Batch, candidates: Iterable[Matches], run: Run) -> Iterator[Batch]:
        """The rows that one left batch gives. `candidates` are the pairs for which the condition is still to be looked at."""
        kind = self._kind
        matched = None if kind in ("inner", "right") else np.zeros(left.row_count, np.bool_)
        for pairs in self._cut(left, candidates):
            run.check_cancel()
            pairs = self._holding(left, pairs, run)
            if kind not in LEFT_ONLY_KINDS:
                if len(pairs.left):
                    yield Batch(self._columns(left, pairs), len(pairs.left))
                if self._right_matched is not None:
                    self._right_matched[pairs.right] = True
            if matched is not None:
                matched[pairs.left] = True
        if matched is not None:
            yield from self._left_rows(left, matched)

    def join_in_order(self, left: Batch, candidates: Matches, run: Run) -> Iterator[Batch]:
        """As `join`, of all pairs of a batch, with each left row at its place also if it has no pair: what was sorted stays so."""
        if self._kind != "left":
            yield from self.join(left, (candidates,), run)
            return
        held = [self._holding(left, pairs, run) for pairs in self._cut(left, (candidates,))]
        lefts = np.concatenate([pairs.left for pairs in held])
        rights = np.concatenate([pairs.right for pairs in held])
        matched = np.zeros(left.row_count, np.bool_)
        matched[lefts] = True
        alone = np.flatnonzero(~matched)
        lefts = np.concatenate((lefts, alone))
        rights = np.concatenate((rights, np.full(len(alone), NO_ROW)))
        order = np.argsort(lefts, kind="stable")
        for pairs in self._cut(left, (Matches(lefts[order], rights[order]),)):
            yield Batch(self._columns(left, pairs), len(pairs.left))

    def _cut(self, left: Batch, candidates: Iterable[Matches]) -> Iterator[Matches]:
        """The candidates in pieces whose columns keep within the size of a batch."""
        widths, width_max = row_widths(left.columns), self._right_width_max
        if widths is not None and len(widths):
            width_max += int(widths.max())
        for pairs in candidates:
            count = len(pairs.left)
            if count * width_max <= BATCH_BYTES:
                yield pairs
                continue
            taken = np.zeros(count, np.int64)
            if widths is not None:
                taken += widths[pairs.left]
            if self._right_widths is not None:
                # What stands for no row counts as any other.
                taken += self._right_widths[pairs.right] if self._right.row_count else 0
            for piece in cuts(taken):
                yield Matches(pairs.left[piece], pairs.right[piece])

    def _holding(self, left: Batch, pairs: Matches, run: Run) -> Matches:
        """The pairs for which the condition holds."""
        if self._test is None or not len(pairs.left):
            return pairs
        mask = self._test.mask(left, pairs, run)
        if mask.true_count == len(pairs.left):
            return pairs
        kept = mask.to_numpy(zero_copy_only=False)
        return Matches(pairs.left[kept], pairs.right[kept])

    def _columns(self, left: Batch, pairs: Matches) -> tuple[Vector, ...]:
        return (*take_rows(left, pairs.left), *take_rows(self._right, pairs.right))

    def _left_rows(self, left: Batch, matched: npt.NDArray[np.bool_]) -> Iterator[Batch]:
        """What semi, anti, left and full joins add for the batch's rows."""
        wanted = matched if self._kind == "semi" else ~matched
        if not wanted.any():
            return
        rows = left if wanted.all() else left.filter(pa.array(wanted))
        count = int(wanted.sum())
        if self._kind in LEFT_ONLY_KINDS:
            yield Batch(rows.columns, count)
            return
        nulls = tuple(null_vector(sql_type, count) for sql_type in self._right_types)
        yield Batch((*rows.columns, *nulls), count)

    def rest(self) -> Iterator[Batch]:
        """At the end of right and full joins: the right rows that never had a pair."""
        if self._right_matched is None:
            return
        rows = np.flatnonzero(~self._right_matched)
        nulls = tuple(null_vector(sql_type, len(rows)) for sql_type in self._left_types)
        yield from split_batch(Batch((*nulls, *take_rows(self._right, rows)), len(rows)))
