"""executemany by whole tables of parameters: a plain INSERT ... VALUES is planned once and its rows are stored together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lungfish.database.plan_cache import ParsedText
from lungfish.executor import Run, insert_rows
from lungfish.executor.programs import new_compiler
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.session.parameters import infer_values
from lungfish.session.results import StatementResult
from lungfish.sql.ast import dml
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.session.session import Session


def run_in_bulk(
    session: Session,
    parsed: ParsedText,
    sets: Sequence[tuple[Any, ...]],
    types: tuple[SqlType | None, ...],
) -> int | None:
    """Store a row for each set; answers how many. None where the statement is none that can be run so."""
    statement = parsed.statements[0]
    if not isinstance(statement, dml.Insert) or statement.on_conflict or statement.returning:
        return None
    row_count = 0

    def store() -> StatementResult | None:
        nonlocal row_count
        cached = session.locked_plan(statement, parsed.texts[0], types)
        root = cached.plan.root
        if not isinstance(root, InsertRows) or not isinstance(root.input, ValuesScan):
            return None
        if len(root.input.rows) != 1 or cached.plan.ctes:
            return None
        session.require_writable(statement)
        context = session.execution_context()
        run = Run(context)
        evaluators = new_compiler().rows(root.input.rows[0])
        rows = []
        for values in sets:
            context.parameters = infer_values(
                values, types, cached.plan.parameter_types, session.settings.text
            )
            rows.append(tuple([evaluate((), run) for evaluate in evaluators]))
        row_count = insert_rows(root.table, rows, context)
        return StatementResult(None, "INSERT", row_count)

    return row_count if session.run_in_transaction(statement, store) is not None else None
