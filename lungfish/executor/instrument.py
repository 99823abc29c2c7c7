"""EXPLAIN ANALYZE: a statement run with every operator measured.

The compiler is given a wrapper, so that a statement that is not measured pays nothing. Measured statements are compiled afresh
and never take the row pipelines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import ExecutionContext, Run
from lungfish.executor.execute import run_program
from lungfish.executor.expressions.makers import ROW_MAKERS, VECTOR_MAKERS
from lungfish.executor.operators import OPERATOR_MAKERS
from lungfish.executor.programs import compile_operators
from lungfish.planner.physical import PhysicalPlan, PhysicalStatement
from lungfish.storage.clock import Clock
from lungfish.types.batch import Batch


@dataclass(slots=True)
class Measurement:
    """What one plan node did, over all its runs. Times and memory include those of the nodes below."""

    # How often it was started: more than once below a lateral join or in a correlated subquery.
    loop_count: int = 0
    row_count: int = 0
    batch_count: int = 0
    # Until the first batch of the first run, and altogether.
    startup_s: float = 0.0
    total_s: float = 0.0
    # The most that the statement held while the node was at work, less what was held when it started.
    memory_bytes: int = 0


class Measurements:
    """The measurements of a statement's nodes; the wrapper for `Compiler`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By identity; the plans are kept alive beside them.
        self._by_node: dict[int, tuple[PhysicalPlan, Measurement]] = {}

    def of(self, plan: PhysicalPlan) -> Measurement | None:
        """What a node did; None if it never was compiled."""
        found = self._by_node.get(id(plan))
        return None if found is None else found[1]

    def wrap(self, plan: PhysicalPlan, operator: Operator) -> Operator:
        """The operator with its measurement around it."""
        _, measurement = self._by_node.setdefault(id(plan), (plan, Measurement()))

        def run_measured(run: Run) -> Iterator[Batch]:
            return _measured(operator, run, measurement, self._clock)

        return run_measured


def _measured(
    operator: Operator, run: Run, measurement: Measurement, clock: Clock
) -> Iterator[Batch]:
    memory = run.context.memory
    held_before = memory.used_bytes
    is_first_run = not measurement.loop_count
    measurement.loop_count += 1
    begun = clock.monotonic_s()
    batches = iter(operator(run))
    is_started = False
    while True:
        batch = next(batches, None)
        now = clock.monotonic_s()
        measurement.total_s += now - begun
        if is_first_run and not is_started:
            measurement.startup_s = now - begun
        is_started = True
        held = memory.used_bytes - held_before
        measurement.memory_bytes = max(measurement.memory_bytes, held)
        if batch is None:
            return
        measurement.row_count += batch.row_count
        measurement.batch_count += 1
        yield batch
        begun = clock.monotonic_s()


def execute_measured(
    statement: PhysicalStatement, context: ExecutionContext, clock: Clock
) -> Measurements:
    """Run a statement to its end, throw its rows away and answer what its nodes did. What it changes is changed."""
    measurements = Measurements(clock)
    compiler = Compiler(OPERATOR_MAKERS, VECTOR_MAKERS, ROW_MAKERS, measurements)
    program = compile_operators(statement, compiler)
    for _ in run_program(program, statement, context):
        pass
    return measurements
