"""Running a planned statement: the door of the executor."""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.executor.context import ExecutionContext, Run
from lungfish.executor.cte import CteRows
from lungfish.executor.kept_rows import KeptRows
from lungfish.executor.memory import MemoryBudget
from lungfish.executor.own_changes import OwnChanges
from lungfish.executor.programs import Program
from lungfish.executor.referential_actions import finish_constraints
from lungfish.executor.result import ExecutionResult, command_tag
from lungfish.executor.rule_steps import run_rule_steps
from lungfish.planner.physical import PhysicalStatement
from lungfish.types.batch import Batch


def execute(statement: PhysicalStatement, context: ExecutionContext) -> ExecutionResult:
    """Run a statement to its end.

    Raises lungfish.errors.Error; the caller then rolls back what the statement has changed.
    """
    if statement.steps is not None:
        return run_rule_steps(statement.tag, statement.steps, context, execute)
    program = context.programs.program(statement)
    if program.pipeline is not None:
        return program.pipeline(context)
    # What work_mem cannot hold of the result itself waits in a file until whoever has the result lets go of it.
    kept = KeptRows(MemoryBudget(context.memory.limit_bytes), context.spill)
    for batch in run_program(program, statement, context):
        kept.append(batch)
    row_count = kept.row_count
    batches = kept if kept.is_spilled else kept.take_all()
    # Without RETURNING a changing statement yields nothing; its batches only count.
    columns = statement.root.columns
    has_rows = statement.tag == "SELECT" or bool(columns)
    return ExecutionResult(
        columns=columns if has_rows else None,
        tag=command_tag(statement.tag, row_count),
        row_count=row_count,
        batches=batches if has_rows else (),
    )


def execute_batches(statement: PhysicalStatement, context: ExecutionContext) -> Iterator[Batch]:
    """Run a query batch by batch, as they are asked for: for cursors and large results."""
    if statement.steps is not None:
        yield from execute(statement, context).as_batches()
        return
    program = context.programs.program(statement)
    if program.pipeline is None:
        yield from run_program(program, statement, context)
    else:
        yield from program.pipeline(context).as_batches()


def run_program(
    program: Program, statement: PhysicalStatement, context: ExecutionContext
) -> Iterator[Batch]:
    """The batches of a program's root; with the last of them all that the statement changes is done and checked."""
    assert program.root is not None, "what has a pipeline does not come here"
    run = Run(context)
    if program.needs_own_changes:
        context.own_changes = OwnChanges(context.own_changes)
    for cte_id, operator in program.ctes:
        context.ctes[cte_id] = CteRows(operator, context)
    try:
        # In their order: a changing WITH query may read the ones before it.
        for cte_id, _ in program.ctes:
            if cte_id in statement.modifying_ctes:
                context.ctes[cte_id].run_to_end()
        yield from program.root(run)
        finish_constraints(run)
    finally:
        for rows in context.ctes.values():
            rows.close()
