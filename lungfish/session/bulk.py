"""executemany by whole columns of parameters: a plain INSERT ... VALUES is planned once and its rows are made and stored together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.database.plan_cache import ParsedText
from lungfish.executor import Run, insert_batches
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.programs import new_compiler
from lungfish.planner.expression_tree import has_subquery, map_children, walk
from lungfish.planner.expressions import BoundExpression, CastTo, ColumnRef, ParameterRef
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.session.parameter_columns import ParameterColumns, infer_columns
from lungfish.session.results import StatementResult
from lungfish.sql.ast import dml
from lungfish.types.batch import BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector

if TYPE_CHECKING:
    from lungfish.session.session import Session


def run_in_bulk(session: Session, parsed: ParsedText, bound: ParameterColumns) -> int | None:
    """Store a row for each set of parameters; answers how many. None where the statement is none that can be run so."""
    statement = parsed.statements[0]
    if not isinstance(statement, dml.Insert) or statement.on_conflict or statement.returning:
        return None
    row_count = 0

    def store() -> StatementResult | None:
        nonlocal row_count
        cached = session.locked_plan(statement, parsed.texts[0], bound.types)
        root = cached.plan.root
        if not isinstance(root, InsertRows) or not isinstance(root.input, ValuesScan):
            return None
        if len(root.input.rows) != 1 or cached.plan.ctes or root.returning is not None:
            return None
        expressions = root.input.rows[0]
        if any(map(has_subquery, expressions)):
            return None
        if bound.is_mixed and not all(map(_only_assigns, expressions)):
            return None
        session.require_writable(statement)
        wanted = cached.plan.parameter_types
        columns = infer_columns(bound, wanted, session.settings.text)
        context = session.execution_context()
        batches = _rows(expressions, columns, wanted, Run(context))
        row_count = insert_batches(root.table, batches, context)
        return StatementResult(None, "INSERT", row_count)

    return row_count if session.run_in_transaction(statement, store) is not None else None


def _rows(
    expressions: Sequence[BoundExpression],
    columns: Sequence[Sequence[Any]],
    types: Sequence[SqlType],
    run: Run,
) -> Iterator[Batch]:
    """The rows of VALUES, each parameter being a column."""
    evaluators = new_compiler().vectors([_over_columns(each) for each in expressions])
    row_count = len(columns[0])
    for start in range(0, row_count, BATCH_ROW_COUNT):
        part = slice(start, start + BATCH_ROW_COUNT)
        vectors = [
            build_vector(column[part], kind) for column, kind in zip(columns, types, strict=True)
        ]
        batch = Batch(tuple(vectors), len(vectors[0]))
        count = batch.row_count
        made = [as_array(evaluate(batch, run), count) for evaluate in evaluators]
        yield Batch(tuple(made), count)


def _over_columns(expression: BoundExpression) -> BoundExpression:
    """The expression with a column in place of each parameter."""
    if isinstance(expression, ParameterRef):
        return ColumnRef(expression.index, expression.type, f"${expression.index + 1}")
    return map_children(expression, _over_columns)


def _only_assigns(expression: BoundExpression) -> bool:
    """Whether a parameter, if there is one, is all there is to the value."""
    while isinstance(expression, CastTo):
        expression = expression.operand
    return isinstance(expression, ParameterRef) or not any(
        isinstance(each, ParameterRef) for each in walk(expression)
    )
