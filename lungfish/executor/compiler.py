"""Turns plans into operators and bound expressions into evaluators: closures, made once and run many times.

    PhysicalPlan    -> Operator          run -> iterator of batches
    BoundExpression -> VectorEvaluator   (batch, run) -> an array of the batch's length, or a scalar for all its rows
                    -> RowEvaluator      (row, run) -> one internal value

Each kind of node has its maker in one of the tables of `programs.py`. A closure holds nothing that belongs to one
execution: what does is in `Run`, so one compiled plan may run in many sessions at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from lungfish import errors
from lungfish.executor.context import Run
from lungfish.executor.slices import in_slices, stoppable_row
from lungfish.planner.expressions import BoundExpression
from lungfish.planner.physical import PhysicalPlan
from lungfish.types.batch import Batch

Operator = Callable[[Run], Iterator[Batch]]
VectorEvaluator = Callable[[Batch, Run], "pa.Array | pa.Scalar"]
RowEvaluator = Callable[[Sequence[Any], Run], Any]

OperatorMaker = Callable[[Any, "Compiler"], Operator]
VectorMaker = Callable[[Any, "Compiler"], VectorEvaluator]
RowMaker = Callable[[Any, "Compiler"], RowEvaluator]


class OperatorWrapper(Protocol):
    """What EXPLAIN ANALYZE puts around each operator."""

    def wrap(self, plan: PhysicalPlan, operator: Operator) -> Operator: ...


class Compiler:
    """Compiles one plan, and whatever plans are inside its expressions."""

    def __init__(
        self,
        operators: Mapping[type, OperatorMaker],
        vectors: Mapping[type, VectorMaker],
        rows: Mapping[type, RowMaker],
        wrapper: OperatorWrapper | None = None,
    ) -> None:
        self._operators = operators
        self._vectors = vectors
        self._rows = rows
        self._wrapper = wrapper
        # Whether a LIMIT is above what is being compiled: who does more than read must then go no further than it is asked to.
        self.is_below_limit = False
        # Whether what is being compiled is part of an expression.
        self._is_inside = False

    def operator(self, plan: PhysicalPlan) -> Operator:
        """The operator of a plan node, with those of its inputs."""
        maker = self._operators.get(type(plan))
        if maker is None:
            raise errors.FeatureNotSupported(f"plan node {type(plan).__name__} is not supported")
        inside, self._is_inside = self._is_inside, False
        try:
            operator = maker(plan, self)
        finally:
            self._is_inside = inside
        return operator if self._wrapper is None else self._wrapper.wrap(plan, operator)

    @property
    def is_measuring(self) -> bool:
        """Whether what each plan node does is to be told, so that none may be passed over."""
        return self._wrapper is not None

    def operator_below_limit(self, plan: PhysicalPlan) -> Operator:
        """The operator of a plan of which perhaps only the first rows are wanted."""
        before, self.is_below_limit = self.is_below_limit, True
        try:
            return self.operator(plan)
        finally:
            self.is_below_limit = before

    def vector(self, expression: BoundExpression) -> VectorEvaluator:
        """The evaluator of an expression over batches."""
        maker = self._vectors.get(type(expression))
        if maker is None:
            raise _unsupported(expression)
        if self._is_inside:
            return maker(expression, self)
        self._is_inside = True
        try:
            return in_slices(maker(expression, self), expression)
        finally:
            self._is_inside = False

    def vectors(self, expressions: Sequence[BoundExpression]) -> tuple[VectorEvaluator, ...]:
        """The evaluators of several expressions over batches."""
        return tuple(self.vector(expression) for expression in expressions)

    def row(self, expression: BoundExpression) -> RowEvaluator:
        """The evaluator of an expression over one row."""
        maker = self._rows.get(type(expression))
        if maker is None:
            raise _unsupported(expression)
        if self._is_inside:
            return maker(expression, self)
        self._is_inside = True
        try:
            return stoppable_row(maker(expression, self), expression)
        finally:
            self._is_inside = False

    def rows(self, expressions: Sequence[BoundExpression]) -> tuple[RowEvaluator, ...]:
        """The evaluators of several expressions over one row."""
        return tuple(self.row(expression) for expression in expressions)


def _unsupported(expression: object) -> errors.Error:
    return errors.FeatureNotSupported(f"expression {type(expression).__name__} is not supported")
