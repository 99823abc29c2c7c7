"""Running the statements that rules have made of one, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.executor.context import ExecutionContext
from lungfish.executor.result import ExecutionResult, command_tag
from lungfish.planner.physical import PhysicalStatement, RuleStep

Execute = Callable[[PhysicalStatement, ExecutionContext], ExecutionResult]


def run_rule_steps(
    tag: str, steps: tuple[RuleStep, ...], context: ExecutionContext, execute: Execute
) -> ExecutionResult:
    """Run the steps; each sees what those before it have done. `tag`: the word of the statement that they are made of.

    The step that sets the tag answers for all. Rows of another one answer where it has none, a SELECT's or those of RETURNING: they
    come with the tag of the statement, as PostgreSQL sends them.
    """
    answer = ExecutionResult(None, command_tag(tag, 0), 0)
    selected: ExecutionResult | None = None
    for step in steps:
        found = execute(step.statement, _next_context(context))
        if step.sets_tag:
            answer = found
        elif found.columns is not None:
            selected = found
    if answer.columns is None and selected is not None:
        answer.columns = selected.columns
        answer.batches, answer.rows = selected.batches, selected.rows
    return answer


def _next_context(context: ExecutionContext) -> ExecutionContext:
    """A context for the next step, which sees what our transaction has done so far."""
    return replace(
        context,
        snapshot=context.transaction.statement_snapshot(),
        constraint_events=None,
        kept={},
        ctes={},
        work_tables={},
    )
