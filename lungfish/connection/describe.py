"""The columns that a statement would give, without running it."""

from __future__ import annotations

from typing import NamedTuple

from lungfish.errors import Error
from lungfish.planner.expressions import OutputColumn
from lungfish.session import Session, StatementResult
from lungfish.session.parameters import move_position, parse_text
from lungfish.session.plans import PLANNED
from lungfish.session.string_reading import read_strings


class ColumnFacts(NamedTuple):
    """A column's name, and its type with length or precision: `numeric(10,2)`."""

    name: str
    type_name: str


def describe_statement(session: Session, sql: str) -> list[ColumnFacts]:
    """The columns of a text's only statement; none where it gives no rows. Raises what parsing and planning raise."""
    read, text = read_strings(session, sql)
    parsed = parse_text(session.database.parsed_texts, text, has_parameters=False)
    if len(parsed.statements) != 1 or not isinstance(parsed.statements[0], PLANNED):
        return []
    statement = parsed.statements[0]
    columns: list[OutputColumn] = []

    def plan() -> StatementResult:
        columns.extend(session.plan(statement, None, ()).plan.root.columns)
        return StatementResult(None, "")

    try:
        session.run_in_transaction(statement, plan)
    except Error as error:
        move_position(error, parsed.position_of)
        if read is not None:
            read.restore(error)
        raise error.with_statement(sql)  # noqa: B904 - the same error, its text added.
    return [ColumnFacts(column.name, str(column.type)) for column in columns]
