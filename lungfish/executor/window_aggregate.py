"""Aggregates over window frames. Four ways, the fastest that fits:

    the frame is the whole partition                  one group a partition
    count, sum, avg, min, max, bool_and, bool_or      a few steps a row (`frame_aggregates.py`)
    long frames that only grow                        one group a partition, asked for its result after each row
    any other                                         one group a row: each row is given to the groups of all frames that it is in

The last takes as many steps as the frames have rows altogether; the rows are expanded in pieces, so memory stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.executor.compiler import Compiler, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import true_mask
from lungfish.executor.frame_aggregates import FrameCall, aggregate_frames
from lungfish.executor.frame_ranges import frame_ranges
from lungfish.executor.integer_codes import Codes
from lungfish.executor.own_aggregate import OwnAggregate, compile_own_aggregate
from lungfish.executor.row_matches import pieces, ranges
from lungfish.executor.window_frame import Frames, Partitions
from lungfish.functions.registry import Accumulator, Aggregate
from lungfish.planner.expressions import WindowCall
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import concat_vectors

Mask = npt.NDArray[np.bool_]

# How many rows' frames are aggregated at a time.
_FRAME_COUNT_MAX = 65_536
# Of how many rows frames must be on average for it to pay to take in and ask row by row: that costs so many rows of a vector.
_LONG_FRAME = 64


@dataclass(frozen=True, slots=True)
class WindowAggregate:
    """A compiled aggregate call over a window."""

    aggregate: Aggregate
    types: tuple[SqlType, ...]
    result: SqlType
    filter: VectorEvaluator | None
    # Of a user's aggregate.
    own: OwnAggregate | None = None

    def create(self, run: Run) -> Accumulator:
        """A fresh accumulator."""
        if self.own is not None:
            return self.own.create(run)
        return self.aggregate.create(self.types, self.result)

    def evaluate(
        self,
        rows: Batch,
        arguments: Sequence[Vector],
        frames: Frames,
        partitions: Partitions,
        run: Run,
    ) -> Vector:
        """The aggregate's value for each row."""
        wanted = None
        if self.filter is not None:
            wanted = np.asarray(true_mask(self.filter(rows, run), rows.row_count))
        if frames.exclude == "no others" and _are_whole(frames, partitions):
            return self._by_partition(arguments, partitions, wanted, run)
        call = FrameCall(
            name=self.aggregate.name,
            types=self.types,
            result=self.result,
            arguments=arguments,
            wanted=wanted,
            ranges=frame_ranges(frames, partitions),
            check=run.check_cancel,
        )
        found = aggregate_frames(call)
        if found is not None:
            return found
        if frames.exclude == "no others" and _are_growing(frames, partitions):
            return self._by_growth(arguments, frames, partitions, wanted, run)
        return self._by_frame(arguments, frames, partitions, wanted, run)

    def _by_partition(
        self, arguments: Sequence[Vector], partitions: Partitions, wanted: Mask | None, run: Run
    ) -> Vector:
        groups = partitions.number
        if wanted is not None:
            mask = pa.array(wanted)
            groups, arguments = groups[wanted], [item.filter(mask) for item in arguments]
        accumulator = self.create(run)
        count = len(partitions.starts)
        accumulator.update(groups, count, arguments)
        return accumulator.finish(count).take(pa.array(partitions.number))

    def _by_growth(
        self,
        arguments: Sequence[Vector],
        frames: Frames,
        partitions: Partitions,
        wanted: Mask | None,
        run: Run,
    ) -> Vector:
        """Frames that begin where their partition does and never lose a row: each takes in what it has more than the one before."""
        first_of_all = pa.array([0])
        results: list[Vector] = []
        # Of each row the number of its frame among the different ones.
        numbers = np.zeros(partitions.row_count, np.int64)
        start = end = -1
        for row, (own_start, own_end) in enumerate(
            zip(frames.starts.tolist(), frames.ends.tolist(), strict=True)
        ):
            if own_start != start:
                start = end = own_start
                accumulator = self.create(run)
            elif own_end == end:
                numbers[row] = len(results) - 1
                continue
            run.check_cancel()
            taken = slice(end, own_end)
            part = [item.slice(end, own_end - end) for item in arguments]
            if wanted is not None:
                mask = pa.array(wanted[taken])
                part = [item.filter(mask) for item in part]
            row_count = own_end - end if wanted is None else int(wanted[taken].sum())
            accumulator.update(np.zeros(row_count, np.int64), 1, part)
            end = own_end
            numbers[row] = len(results)
            # A copy: the accumulator goes on with its own.
            results.append(accumulator.finish(1).take(first_of_all))
        return concat_vectors(results, self.result).take(pa.array(numbers))

    def _by_frame(
        self,
        arguments: Sequence[Vector],
        frames: Frames,
        partitions: Partitions,
        wanted: Mask | None,
        run: Run,
    ) -> Vector:
        results: list[Vector] = []
        for first in range(0, partitions.row_count, _FRAME_COUNT_MAX):
            last = min(first + _FRAME_COUNT_MAX, partitions.row_count)
            accumulator = self.create(run)
            for groups, members in _members(frames, partitions, first, last):
                run.check_cancel()
                if wanted is not None:
                    kept = wanted[members]
                    groups, members = groups[kept], members[kept]
                indices = pa.array(members)
                accumulator.update(groups, last - first, [item.take(indices) for item in arguments])
            results.append(accumulator.finish(last - first))
        return concat_vectors(results, self.result)


def compile_window_aggregate(call: WindowCall, compiler: Compiler) -> WindowAggregate:
    """Compile an aggregate call over a window."""
    assert isinstance(call.callee, Aggregate), "asked for aggregates only"
    return WindowAggregate(
        aggregate=call.callee,
        types=tuple(argument.type for argument in call.arguments),
        result=call.type,
        filter=None if call.filter is None else compiler.vector(call.filter),
        own=compile_own_aggregate(call.callee, call.type, compiler),
    )


def _are_whole(frames: Frames, partitions: Partitions) -> bool:
    return np.array_equal(frames.starts, partitions.start) and np.array_equal(
        frames.ends, partitions.end
    )


def _are_growing(frames: Frames, partitions: Partitions) -> bool:
    """Whether they begin with their partition, end no earlier than the one before, and are long."""
    lengths = frames.ends - frames.starts
    return (
        lengths.sum() > _LONG_FRAME * partitions.row_count
        and np.array_equal(frames.starts, partitions.start)
        and bool((np.diff(frames.ends) >= 0).all())
    )


def _members(
    frames: Frames, partitions: Partitions, first: int, last: int
) -> Iterator[tuple[Codes, Codes]]:
    """The rows in the frames of the rows `first` to `last`: (number of the frame, row), in pieces, in order."""
    starts, ends = frames.starts[first:last], frames.ends[first:last]
    lengths = ends - starts
    for part in pieces(lengths):
        groups = np.repeat(np.arange(part.start, part.stop), lengths[part])
        members = ranges(starts[part], lengths[part])
        if frames.exclude != "no others":
            kept = ~_excluded(frames.exclude, groups + first, members, partitions)
            groups, members = groups[kept], members[kept]
        yield groups, members


def _excluded(exclude: str, rows: Codes, members: Codes, partitions: Partitions) -> Mask:
    """Whether EXCLUDE takes the member out of the row's frame."""
    is_self: Mask = rows == members
    if exclude == "current row":
        return is_self
    are_peers: Mask = partitions.peer_number[rows] == partitions.peer_number[members]
    taken: Mask = are_peers if exclude == "group" else are_peers & ~is_self
    return taken
