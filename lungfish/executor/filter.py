"""Predicates over batches: WHERE, HAVING, the filters of scans and joins.

Conjuncts that cannot raise are evaluated over the whole batch and combined; then the batch is cut down once, and
each of the others sees only the rows that are left. So `WHERE x <> 0 AND 1 / x > 1` does not divide by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from lungfish.executor.compiler import Compiler, Operator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.safety import is_safe
from lungfish.executor.failing_rows import rows_before_failing
from lungfish.planner.expression_tree import conjuncts_of
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.physical import Filter
from lungfish.types.batch import Batch
from lungfish.types.compute import pc

# Answers the rows of the batch that pass, in order; no batch of them is empty.
BatchFilter = Callable[[Batch, Run], Iterator[Batch]]


def make_filter(plan: Filter, compiler: Compiler) -> Operator:
    """The operator of a Filter."""
    source = compiler.operator(plan.input)
    keep = batch_filter(plan.predicate, compiler)

    def run_filter(run: Run) -> Iterator[Batch]:
        for batch in source(run):
            yield from keep(batch, run)

    return run_filter


def batch_filter(predicate: BoundExpression | None, compiler: Compiler) -> BatchFilter:
    """What keeps the rows for which `predicate` is true."""
    conjuncts = conjuncts_of(predicate)
    at_once = compiler.vectors([item for item in conjuncts if is_safe(item)])
    one_by_one = compiler.vectors([item for item in conjuncts if not is_safe(item)])
    if not at_once and not one_by_one:
        return lambda batch, _run: iter((batch,) if batch.row_count else ())

    def cut(batch: Batch, run: Run) -> Batch:
        if at_once:
            batch = _cut(batch, _conjunction(at_once, batch, run))
        for evaluate in one_by_one:
            if not batch.row_count:
                break
            batch = _cut(batch, evaluate(batch, run))
        return batch

    parts = rows_before_failing(cut, conjuncts)

    def keep(batch: Batch, run: Run) -> Iterator[Batch]:
        for kept in parts(batch, run):
            if kept.row_count:
                yield kept

    return keep


def _conjunction(
    conjuncts: tuple[VectorEvaluator, ...], batch: Batch, run: Run
) -> pa.Array | pa.Scalar:
    result = conjuncts[0](batch, run)
    for evaluate in conjuncts[1:]:
        result = pc.and_kleene(result, evaluate(batch, run))
    return result


def _cut(batch: Batch, mask: pa.Array | pa.Scalar) -> Batch:
    if isinstance(mask, pa.Scalar):
        return batch if mask.as_py() else batch.slice(0, 0)
    true_count = mask.true_count
    if true_count == batch.row_count:
        return batch
    if true_count == 0:
        return batch.slice(0, 0)
    return batch.filter(mask)
