"""PREPARE, EXECUTE, DEALLOCATE; CREATE TABLE AS EXECUTE and EXPLAIN EXECUTE are told here what they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungfish.errors import (
    DuplicatePreparedStatement,
    IndeterminateDatatype,
    InvalidPreparedStatementDefinition,
    InvalidSqlStatementName,
    SyntaxError,
    WrongObjectType,
)
from lungfish.executor import Run
from lungfish.executor.programs import new_compiler
from lungfish.planner import resolve_type_name
from lungfish.planner.bind_execute import bind_execute_argument
from lungfish.session.results import StatementResult
from lungfish.sql.ast import Statement, dml, queries, utility
from lungfish.types.sql_type import SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.session.session import Session

_PLANNED = (queries.Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What PREPARE made. `types` are the parameters' (None: known only with their values), `result` the columns' where it has any."""

    statement: Statement
    text: str
    made_us: int
    types: tuple[SqlType | None, ...]
    result: tuple[SqlType, ...] | None
    # How many parameters it takes; None where the statement does not tell before their types are known.
    count: int | None


def prepare(session: Session, statement: utility.Prepare) -> StatementResult:
    """Run PREPARE. Raises what is wrong with the statement."""
    if statement.name in session.prepared:
        raise DuplicatePreparedStatement(
            f'prepared statement "{statement.name}" already exists', position=statement.position
        )
    if not isinstance(statement.statement, _PLANNED):
        raise InvalidPreparedStatementDefinition("utility statements cannot be prepared")
    declared: tuple[SqlType | None, ...] = tuple(
        resolve_type_name(name, session.catalog, session.settings.search_path)
        for name in statement.parameter_types
    )
    types, count, result = declared, None, None
    try:
        plan = session.plan(statement.statement, None, declared).plan
    except IndeterminateDatatype:
        pass
    else:
        types = (*plan.parameter_types, *declared[len(plan.parameter_types) :])
        count = len(types)
        if plan.tag == "SELECT" or plan.root.columns:
            result = tuple(column.type for column in plan.root.columns)
    made_us = session.functions.statement_time_us
    session.prepared[statement.name] = Prepared(
        statement.statement, session.last_query, made_us, types, result, count
    )
    return StatementResult(None, "PREPARE")


def find_prepared(session: Session, statement: utility.Execute) -> Prepared:
    """The statement that EXECUTE names. Raises InvalidSqlStatementName; SyntaxError for another number of arguments."""
    found = session.prepared.get(statement.name)
    if found is None:
        raise InvalidSqlStatementName(
            f'prepared statement "{statement.name}" does not exist', position=statement.position
        )
    if found.count not in (None, len(statement.arguments)):
        raise SyntaxError(
            f'wrong number of parameters for prepared statement "{statement.name}"',
            detail=f"Expected {found.count} parameters but got {len(statement.arguments)}.",
        )
    return found


def argument_values(
    session: Session, statement: utility.Execute, found: Prepared
) -> tuple[tuple[Any, ...], tuple[SqlType | None, ...]]:
    """The values of the arguments, cast as the parameters ask, with their types."""
    values, types = [], []
    for index, argument in enumerate(statement.arguments):
        wanted = found.types[index] if index < len(found.types) else None
        bound = bind_execute_argument(
            argument, wanted, index, session.catalog, session.settings.search_path
        )
        run = Run(session.execution_context())
        values.append(new_compiler().row(bound)((), run))
        types.append(None if bound.type.kind is TypeKind.UNKNOWN else bound.type)
    return tuple(values), tuple(types)


def execute_prepared(session: Session, statement: utility.Execute) -> StatementResult:
    """Run EXECUTE."""
    found = find_prepared(session, statement)
    values, types = argument_values(session, statement, found)
    return session._dispatch(found.statement, f"prepared: {found.text}", values, types)


def query_of(session: Session, statement: utility.Execute) -> Prepared:
    """The prepared query whose rows CREATE TABLE AS EXECUTE takes. Raises WrongObjectType."""
    found = find_prepared(session, statement)
    if not isinstance(found.statement, queries.Query):
        raise WrongObjectType("prepared statement is not a SELECT")
    return found


def deallocate(session: Session, statement: utility.Deallocate) -> StatementResult:
    """Run DEALLOCATE."""
    if statement.name is None:
        session.prepared.clear()
        return StatementResult(None, "DEALLOCATE ALL")
    if session.prepared.pop(statement.name, None) is None:
        raise InvalidSqlStatementName(
            f'prepared statement "{statement.name}" does not exist', position=statement.position
        )
    return StatementResult(None, "DEALLOCATE")
