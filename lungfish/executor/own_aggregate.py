"""The accumulator of an aggregate that CREATE AGGREGATE has made: a state for each group, taken further row by row.

Its expressions may call routines in SQL, so it runs within the statement's run, not in a computation beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Run
from lungfish.functions.group_state import GroupIds
from lungfish.functions.registry import Aggregate
from lungfish.planner.own_aggregates import AggregateSteps
from lungfish.types.batch import Vector
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector, to_values


@dataclass(frozen=True, slots=True)
class OwnAggregate:
    """The compiled steps of a user's aggregate; see `AggregateSteps`."""

    steps: AggregateSteps
    types: tuple[SqlType, ...]
    result: SqlType
    step: RowEvaluator
    initial: RowEvaluator
    final: RowEvaluator | None

    def create(self, run: Run) -> _States:
        """A fresh accumulator."""
        return _States(self, run)


def compile_own_aggregate(
    aggregate: Aggregate, result: SqlType, compiler: Compiler
) -> OwnAggregate | None:
    """The compiled steps; None if the aggregate is built in."""
    steps = aggregate.create
    if not isinstance(steps, AggregateSteps):
        return None
    types = tuple(kind for kind in aggregate.arguments if isinstance(kind, SqlType))
    return OwnAggregate(
        steps=steps,
        types=types,
        result=result,
        step=compiler.row(steps.step),
        initial=compiler.row(steps.initial),
        final=None if steps.final is None else compiler.row(steps.final),
    )


def call_plainly(call: Callable[..., Any], *arguments: Any) -> Any:
    """What the call answers, made here and now."""
    return call(*arguments)


class _States:
    """The states of all groups."""

    def __init__(self, own: OwnAggregate, run: Run) -> None:
        self._own = own
        self._run = run
        self._states: list[Any] = []
        # Of an aggregate whose first row is its first state: whether each group has had one.
        self._has_begun: list[bool] = []

    def _grow(self, group_count: int) -> None:
        missing = group_count - len(self._states)
        if missing > 0:
            first = self._own.initial((), self._run)
            self._states += [first] * missing
            self._has_begun += [not self._own.steps.starts_with_first] * missing

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        self._grow(group_count)
        own, run, states, has_begun = self._own, self._run, self._states, self._has_begun
        is_strict, step = own.steps.is_strict, own.step
        groups = group_ids.tolist()
        columns = [
            to_values(vector, kind) for vector, kind in zip(arguments, own.types, strict=True)
        ]
        rows = zip(*columns, strict=True) if columns else [()] * len(groups)
        for group, row in zip(groups, rows, strict=True):
            if is_strict and None in row:
                continue
            if not has_begun[group]:
                states[group], has_begun[group] = row[0], True
            elif not is_strict or states[group] is not None:
                states[group] = step((states[group], *row), run)

    def finish(self, group_count: int) -> Vector:
        self._grow(group_count)
        final, run, states = self._own.final, self._run, self._states[:group_count]
        values = states if final is None else [final((state,), run) for state in states]
        return build_vector(values, self._own.result)
