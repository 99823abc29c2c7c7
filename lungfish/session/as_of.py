"""SELECT ... AS OF CHECKPOINT 'name': the statement runs in a session of its own with the database as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lungfish.database.historical import open_historical
from lungfish.errors import Error, FeatureNotSupported, ReadOnlySqlTransaction
from lungfish.session.results import StatementResult
from lungfish.sql.ast import dml, queries, utility
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.session.session import Session

_CHANGES = (dml.Insert, dml.Update, dml.Delete, dml.Merge, dml.Truncate)


def run_as_of(
    session: Session,
    statement: utility.AsOf,
    text: str,
    values: tuple[Any, ...],
    types: tuple[SqlType | None, ...],
) -> StatementResult:
    """Run a query, or EXPLAIN of one, with the asking session's settings.

    Raises UndefinedObject if no checkpoint has the name, ReadOnlySqlTransaction for what would change something.
    """
    inner = statement.statement
    if isinstance(inner, _CHANGES):
        raise ReadOnlySqlTransaction(
            f"cannot execute {type(inner).__name__.upper()} AS OF a checkpoint",
            position=statement.position,
            hint="What a checkpoint has cannot be changed.",
        )
    if not isinstance(inner, (queries.Query, utility.Explain)):
        raise FeatureNotSupported(
            "AS OF CHECKPOINT is only supported behind a query", position=statement.position
        )
    try:
        # A session is made by the class of the one that asks, which this module cannot import.
        past = open_historical(
            session.database,
            statement.checkpoint,
            reader=session.description,
            use=lambda database: type(session)(database, autocommit=True, read_only=True),
        )
    except Error as error:
        error.at(statement.position)
        raise
    try:
        past.settings.restore(session.settings.snapshot(), {})
        past.cancellation = session.cancellation
        result = past.run_in_transaction(inner, lambda: past._dispatch(inner, text, values, types))
    finally:
        past.close()
    assert result is not None, "a query answers a result"
    return result
