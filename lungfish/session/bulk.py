"""executemany by whole columns of parameters, or by sets of them: a plain INSERT ... VALUES is planned once and its rows are stored together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lungfish.database.plan_cache import ParsedText
from lungfish.executor import GivenSets, Run, insert_batches, insert_given_sets
from lungfish.executor.expressions.vectors import as_array
from lungfish.executor.programs import new_compiler
from lungfish.planner.expression_tree import has_subquery, map_children, walk
from lungfish.planner.expressions import BoundExpression, CastTo, ColumnRef, ParameterRef
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.session.parameter_columns import ParameterColumns, infer_columns
from lungfish.session.parameter_sets import NULL_VALUE, TEXT_VALUE, ParameterSets
from lungfish.session.parameters import is_plain_text
from lungfish.session.results import StatementResult
from lungfish.sql.ast import Statement, dml
from lungfish.types.batch import BATCH_ROW_COUNT, Batch
from lungfish.types.sql_type import SqlType
from lungfish.types.vectors import build_vector

if TYPE_CHECKING:
    from lungfish.session.session import Session


def run_sets(session: Session, parsed: ParsedText, given: ParameterSets) -> int | None:
    """Store a row for each set, whose values are taken as they are; answers how many. None where the statement is none that can be run so."""
    statement = parsed.statements[0]
    if not _is_plain_insert(statement):
        return None

    def store() -> StatementResult | None:
        found = _values_plan(session, parsed, given.types)
        if found is None or not _is_text_as_it_stands(given, found.parameter_types):
            return None
        nullable = [number for number, kinds in enumerate(given.kinds) if kinds & NULL_VALUE]
        sets = GivenSets(given.sets, frozenset(nullable))
        context = session.execution_context()
        if not insert_given_sets(found.root, found.row, sets, context):
            return None
        return StatementResult(None, "INSERT", len(given.sets))

    is_done = session.run_in_transaction(statement, store) is not None
    return len(given.sets) if is_done else None


def run_in_bulk(session: Session, parsed: ParsedText, bound: ParameterColumns) -> int | None:
    """Store a row for each set of parameters; answers how many. None where the statement is none that can be run so."""
    statement = parsed.statements[0]
    if not _is_plain_insert(statement):
        return None
    row_count = 0

    def store() -> StatementResult | None:
        nonlocal row_count
        found = _values_plan(session, parsed, bound.types)
        if found is None or (bound.is_mixed and not all(map(_only_assigns, found.row))):
            return None
        wanted = found.parameter_types
        columns = infer_columns(bound, wanted, session.settings.text)
        context = session.execution_context()
        batches = _rows(found.row, columns, wanted, Run(context))
        row_count = insert_batches(found.root.table, batches, context)
        return StatementResult(None, "INSERT", row_count)

    return row_count if session.run_in_transaction(statement, store) is not None else None


class _ValuesPlan(NamedTuple):
    """An INSERT of one row of VALUES."""

    root: InsertRows
    row: Sequence[BoundExpression]
    parameter_types: Sequence[SqlType]


def _is_plain_insert(statement: Statement) -> bool:
    return (
        isinstance(statement, dml.Insert) and not statement.on_conflict and not statement.returning
    )


def _values_plan(
    session: Session, parsed: ParsedText, types: tuple[SqlType | None, ...]
) -> _ValuesPlan | None:
    """The statement's plan, if it may be run; None if it is not one that makes a row of parameters. Raises what planning raises."""
    statement = parsed.statements[0]
    cached = session.locked_plan(statement, parsed.texts[0], types)
    root = cached.plan.root
    if not isinstance(root, InsertRows) or not isinstance(root.input, ValuesScan):
        return None
    if len(root.input.rows) != 1 or cached.plan.ctes or root.returning is not None:
        return None
    row = root.input.rows[0]
    if any(map(has_subquery, row)):
        return None
    session.require_writable(statement)
    return _ValuesPlan(root, row, cached.plan.parameter_types)


def _is_text_as_it_stands(given: ParameterSets, wanted: Sequence[SqlType]) -> bool:
    """Whether each parameter that is given text, whose type the statement infers, is to be text."""
    return all(
        is_plain_text(kind)
        for kinds, kind in zip(given.kinds, wanted, strict=True)
        if kinds & TEXT_VALUE
    )


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
