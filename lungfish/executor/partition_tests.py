"""Partitions in which a statement cannot find a row, as its parameters tell when it runs: their scans do not begin.

Where constants tell, the planner has left them out already (planner/rules/prune_partitions.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lungfish.executor.compiler import Compiler, Operator
from lungfish.executor.context import Run
from lungfish.planner.partition_facts import KeyTest
from lungfish.types.batch import Batch


def behind_tests(operator: Operator, tests: Sequence[KeyTest], compiler: Compiler) -> Operator:
    """The operator, which answers nothing where one of the tests cannot hold."""
    if not tests:
        return operator
    compiled = [(compiler.row(test.value), test.operator, test.fact.may_be) for test in tests]

    def run_if_rows_may_be_there(run: Run) -> Iterator[Batch]:
        for evaluate, comparison, may_be in compiled:
            if not may_be(comparison, evaluate((), run)):
                return
        yield from operator(run)

    return run_if_rows_may_be_there
