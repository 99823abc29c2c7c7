"""LIMIT, OFFSET and FETCH FIRST ... WITH TIES."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lungfish import errors
from lungfish.executor.compiler import Compiler, Operator, RowEvaluator
from lungfish.executor.context import Run
from lungfish.executor.key_codes import RowCodes
from lungfish.executor.sort_keys import SortOrder, sort_order
from lungfish.planner.physical import Limit
from lungfish.types.batch import Batch


def evaluate_limit(limit: RowEvaluator | None, run: Run) -> int | None:
    """How many rows are wanted; None for all. Raises InvalidRowCountInLimitClause (2201W)."""
    value = None if limit is None else limit((), run)
    if value is None:
        return None
    if value < 0:
        raise errors.InvalidRowCountInLimitClause("LIMIT must not be negative")
    return int(value)


def evaluate_offset(offset: RowEvaluator | None, run: Run) -> int:
    """How many rows to pass over. Raises InvalidRowCountInResultOffsetClause (2201X)."""
    value = None if offset is None else offset((), run)
    if value is None:
        return 0
    if value < 0:
        raise errors.InvalidRowCountInResultOffsetClause("OFFSET must not be negative")
    return int(value)


def make_limit(plan: Limit, compiler: Compiler) -> Operator:
    """The operator of a Limit."""
    source = compiler.operator_below_limit(plan.input)
    limit = None if plan.limit is None else compiler.row(plan.limit)
    offset = None if plan.offset is None else compiler.row(plan.offset)
    ties = sort_order(plan.keys, compiler) if plan.has_ties else None

    def run_limit(run: Run) -> Iterator[Batch]:
        row_count_max = evaluate_limit(limit, run)
        skipped = evaluate_offset(offset, run)
        rows = after_offset(source(run), skipped)
        if row_count_max is None:
            yield from rows
        elif row_count_max > 0:
            yield from first_rows(rows, row_count_max, run, ties)

    return run_limit


def after_offset(batches: Iterator[Batch], skipped: int) -> Iterator[Batch]:
    """The rows without the first ones."""
    for batch in batches:
        if skipped >= batch.row_count:
            skipped -= batch.row_count
            continue
        yield batch.slice(skipped, batch.row_count) if skipped else batch
        skipped = 0


def first_rows(
    batches: Iterator[Batch], row_count: int, run: Run, ties: SortOrder | None = None
) -> Iterator[Batch]:
    """So many rows, and those that tie with the last of them."""
    left = row_count
    for batch in batches:
        if batch.row_count < left:
            left -= batch.row_count
            yield batch
            continue
        yield batch.slice(0, left)
        if ties is not None:
            last = batch.slice(left - 1, 1)
            yield from _tied(last, batch.slice(left, batch.row_count), batches, ties, run)
        return


def _tied(
    last: Batch, rest: Batch, batches: Iterator[Batch], ties: SortOrder, run: Run
) -> Iterator[Batch]:
    """The rows after `last` whose keys equal its."""
    codes = RowCodes(ties.types)
    codes.encode(ties.key_vectors(last, run), 1)
    while True:
        found = codes.lookup(ties.key_vectors(rest, run), rest.row_count)
        differing = np.flatnonzero(found != 0)
        count = int(differing[0]) if len(differing) else rest.row_count
        if count:
            yield rest.slice(0, count)
        if count < rest.row_count:
            return
        following = next(batches, None)
        if following is None:
            return
        rest = following
