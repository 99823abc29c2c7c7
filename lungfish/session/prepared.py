"""PREPARE, EXECUTE, DEALLOCATE; CREATE TABLE AS EXECUTE and EXPLAIN EXECUTE are told here what they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungfish.errors import (
    DataError,
    DuplicatePreparedStatement,
    FeatureNotSupported,
    InvalidPreparedStatementDefinition,
    InvalidSqlStatementName,
    SyntaxError,
    WrongObjectType,
)
from lungfish.executor import Run
from lungfish.executor.programs import new_compiler
from lungfish.planner import describe_statement, resolve_type_name
from lungfish.planner.bind_execute import bind_execute_argument
from lungfish.planner.physical import PhysicalStatement
from lungfish.session.dated_literals import check_dated_literals, settle_statement
from lungfish.session.results import StatementResult
from lungfish.sql.ast import Statement, dml, queries, utility
from lungfish.types.sql_type import SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.session.session import Session

# A statement, and the texts of those of its literals that were settled.
Settled = tuple[Statement, tuple[str, ...]]
_PLANNED = (queries.Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What PREPARE made. `types` are the parameters', `columns` those of the result where it has any."""

    statement: Statement
    # The texts of the literals in it that would have meant something else under other settings.
    settled: tuple[str, ...]
    text: str
    made_us: int
    types: tuple[SqlType | None, ...]
    columns: tuple[tuple[str, SqlType], ...] | None
    # The catalog by which it was planned.
    catalog_version: int

    @property
    def result(self) -> tuple[SqlType, ...] | None:
        """The types of the result's columns."""
        return None if self.columns is None else tuple(kind for _, kind in self.columns)

    @property
    def query(self) -> queries.Query:
        """The statement, of which `query_of` has made sure that it is a query."""
        assert isinstance(self.statement, queries.Query)
        return self.statement


def _columns_of(plan: PhysicalStatement) -> tuple[tuple[str, SqlType], ...]:
    return tuple((column.name, column.type) for column in plan.root.columns)


def _described(
    session: Session, statement: Statement, declared: tuple[SqlType | None, ...]
) -> tuple[tuple[tuple[str, SqlType], ...], tuple[SqlType | None, ...], Settled]:
    """The columns, the types of the parameters, and the statement with its literals settled. What goes wrong when constants are computed goes wrong at EXECUTE, as in PostgreSQL."""
    try:
        plan = session.plan(statement, None, declared).plan
    except DataError:
        path = session.settings.search_path
        columns, types = describe_statement(statement, session.catalog, path, declared)
        return tuple((column.name, column.type) for column in columns), types, (statement, ())
    literals = plan.dated_literals
    check_dated_literals(literals, session.settings.text)
    settings = session.execution_context().functions.session_fact("text_settings")
    return (
        _columns_of(plan),
        plan.parameter_types,
        settle_statement(statement, literals, settings),
    )


def prepare(session: Session, statement: utility.Prepare) -> StatementResult:
    """Run PREPARE. Raises what is wrong with the statement."""
    if statement.name in session.prepared:
        raise DuplicatePreparedStatement(
            f'prepared statement "{statement.name}" already exists', position=statement.position
        )
    if not isinstance(statement.statement, _PLANNED):
        raise InvalidPreparedStatementDefinition("utility statements cannot be prepared")
    declared: tuple[SqlType | None, ...] = tuple(
        # PostgreSQL passes over what stands in brackets.
        resolve_type_name(name, session.catalog, session.settings.search_path).unmodified
        for name in statement.parameter_types
    )
    columns, found, settled = _described(session, statement.statement, declared)
    types = (*found, *declared[len(found) :])
    has_rows = isinstance(settled[0], queries.Query) or bool(columns)
    session.prepared[statement.name] = Prepared(
        settled[0],
        settled[1],
        session.last_query,
        session.functions.statement_time_us,
        types,
        columns if has_rows else None,
        session.catalog.version,
    )
    return StatementResult(None, "PREPARE")


def find_prepared(session: Session, statement: utility.Execute) -> Prepared:
    """The statement that EXECUTE names. Raises InvalidSqlStatementName; SyntaxError for another number of arguments."""
    found = session.prepared.get(statement.name)
    if found is None:
        raise InvalidSqlStatementName(
            f'prepared statement "{statement.name}" does not exist', position=statement.position
        )
    # Of a statement without parameters PostgreSQL does not look at the arguments at all.
    if found.types and len(found.types) != len(statement.arguments):
        raise SyntaxError(
            f'wrong number of parameters for prepared statement "{statement.name}"',
            detail=f"Expected {len(found.types)} parameters but got {len(statement.arguments)}.",
        )
    return found


def argument_values(
    session: Session, statement: utility.Execute, found: Prepared
) -> tuple[tuple[Any, ...], tuple[SqlType | None, ...]]:
    """The values of the arguments, cast as the parameters ask, with their types."""
    values, types = [], []
    if not found.types:
        return (), ()
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
    if found.columns is not None and found.catalog_version != session.catalog.version:
        plan = session.plan(found.statement, None, found.types).plan
        if _columns_of(plan) != found.columns:
            raise FeatureNotSupported("cached plan must not change result type")
    text = f"prepared: {found.text} {found.settled}"
    return session._dispatch(found.statement, text, values, types)


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
