"""The short way of statements about single rows."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.executor.compiler import Compiler
from lungfish.executor.context import ExecutionContext
from lungfish.executor.result import ExecutionResult
from lungfish.planner.physical import PhysicalStatement

RowPipeline = Callable[[ExecutionContext], ExecutionResult]


def make_row_pipeline(statement: PhysicalStatement, compiler: Compiler) -> RowPipeline | None:
    """The pipeline of the statement; None where it needs the operators."""
    return None
