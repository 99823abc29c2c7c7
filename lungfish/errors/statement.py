"""Errors about the statement itself: syntax, names, types, features (classes 0A, 2B, 3x and 42)."""

from __future__ import annotations

from lungfish.errors.base import NotSupportedError, ProgrammingError


class FeatureNotSupported(NotSupportedError):
    """The feature is not there; the message names it."""

    sqlstate = "0A000"


class StackedDiagnosticsError(ProgrammingError):
    """PostgreSQL's 0Z002, stacked diagnostics error."""

    sqlstate = "0Z002"


class CaseNotFound(ProgrammingError):
    """PostgreSQL's 20000, case not found."""

    sqlstate = "20000"


class InvalidSqlStatementName(ProgrammingError):
    """PostgreSQL's 26000, invalid sql statement name."""

    sqlstate = "26000"


class DependentObjectsStillExist(ProgrammingError):
    """PostgreSQL's 2BP01, dependent objects still exist."""

    sqlstate = "2BP01"


class InvalidCursorName(ProgrammingError):
    """PostgreSQL's 34000, invalid cursor name."""

    sqlstate = "34000"


class InvalidCatalogName(ProgrammingError):
    """PostgreSQL's 3D000, invalid catalog name."""

    sqlstate = "3D000"


class InvalidSchemaName(ProgrammingError):
    """PostgreSQL's 3F000, invalid schema name."""

    sqlstate = "3F000"


class SyntaxError(ProgrammingError):  # noqa: A001 - PostgreSQL's name.
    """PostgreSQL's 42601, syntax error."""

    sqlstate = "42601"


class InsufficientPrivilege(ProgrammingError):
    """PostgreSQL's 42501, insufficient privilege."""

    sqlstate = "42501"


class CannotCoerce(ProgrammingError):
    """PostgreSQL's 42846, cannot coerce."""

    sqlstate = "42846"


class GroupingError(ProgrammingError):
    """PostgreSQL's 42803, grouping error."""

    sqlstate = "42803"


class WindowingError(ProgrammingError):
    """PostgreSQL's 42P20, windowing error."""

    sqlstate = "42P20"


class InvalidRecursion(ProgrammingError):
    """PostgreSQL's 42P19, invalid recursion."""

    sqlstate = "42P19"


class InvalidForeignKey(ProgrammingError):
    """PostgreSQL's 42830, invalid foreign key."""

    sqlstate = "42830"


class InvalidGrantOperation(ProgrammingError):
    """PostgreSQL's 0LP01, invalid grant operation."""

    sqlstate = "0LP01"


class InvalidName(ProgrammingError):
    """PostgreSQL's 42602, invalid name."""

    sqlstate = "42602"


class NameTooLong(ProgrammingError):
    """PostgreSQL's 42622, name too long."""

    sqlstate = "42622"


class ReservedName(ProgrammingError):
    """PostgreSQL's 42939, reserved name."""

    sqlstate = "42939"


class DatatypeMismatch(ProgrammingError):
    """PostgreSQL's 42804, datatype mismatch."""

    sqlstate = "42804"


class IndeterminateDatatype(ProgrammingError):
    """PostgreSQL's 42P18, indeterminate datatype."""

    sqlstate = "42P18"


class CollationMismatch(ProgrammingError):
    """PostgreSQL's 42P21, collation mismatch."""

    sqlstate = "42P21"


class IndeterminateCollation(ProgrammingError):
    """PostgreSQL's 42P22, indeterminate collation."""

    sqlstate = "42P22"


class WrongObjectType(ProgrammingError):
    """PostgreSQL's 42809, wrong object type."""

    sqlstate = "42809"


class GeneratedAlways(ProgrammingError):
    """PostgreSQL's 428C9, generated always."""

    sqlstate = "428C9"


class UndefinedColumn(ProgrammingError):
    """PostgreSQL's 42703, undefined column."""

    sqlstate = "42703"


class UndefinedFunction(ProgrammingError):
    """PostgreSQL's 42883, undefined function."""

    sqlstate = "42883"


class UndefinedTable(ProgrammingError):
    """PostgreSQL's 42P01, undefined table."""

    sqlstate = "42P01"


class UndefinedParameter(ProgrammingError):
    """PostgreSQL's 42P02, undefined parameter."""

    sqlstate = "42P02"


class UndefinedObject(ProgrammingError):
    """PostgreSQL's 42704, undefined object."""

    sqlstate = "42704"


class DuplicateColumn(ProgrammingError):
    """PostgreSQL's 42701, duplicate column."""

    sqlstate = "42701"


class DuplicateCursor(ProgrammingError):
    """PostgreSQL's 42P03, duplicate cursor."""

    sqlstate = "42P03"


class DuplicateDatabase(ProgrammingError):
    """PostgreSQL's 42P04, duplicate database."""

    sqlstate = "42P04"


class DuplicateFunction(ProgrammingError):
    """PostgreSQL's 42723, duplicate function."""

    sqlstate = "42723"


class DuplicatePreparedStatement(ProgrammingError):
    """PostgreSQL's 42P05, duplicate prepared statement."""

    sqlstate = "42P05"


class DuplicateSchema(ProgrammingError):
    """PostgreSQL's 42P06, duplicate schema."""

    sqlstate = "42P06"


class DuplicateTable(ProgrammingError):
    """PostgreSQL's 42P07, duplicate table."""

    sqlstate = "42P07"


class DuplicateAlias(ProgrammingError):
    """PostgreSQL's 42712, duplicate alias."""

    sqlstate = "42712"


class DuplicateObject(ProgrammingError):
    """PostgreSQL's 42710, duplicate object."""

    sqlstate = "42710"


class AmbiguousColumn(ProgrammingError):
    """PostgreSQL's 42702, ambiguous column."""

    sqlstate = "42702"


class AmbiguousFunction(ProgrammingError):
    """PostgreSQL's 42725, ambiguous function."""

    sqlstate = "42725"


class AmbiguousParameter(ProgrammingError):
    """PostgreSQL's 42P08, ambiguous parameter."""

    sqlstate = "42P08"


class AmbiguousAlias(ProgrammingError):
    """PostgreSQL's 42P09, ambiguous alias."""

    sqlstate = "42P09"


class InvalidColumnReference(ProgrammingError):
    """PostgreSQL's 42P10, invalid column reference."""

    sqlstate = "42P10"


class InvalidColumnDefinition(ProgrammingError):
    """PostgreSQL's 42611, invalid column definition."""

    sqlstate = "42611"


class InvalidCursorDefinition(ProgrammingError):
    """PostgreSQL's 42P11, invalid cursor definition."""

    sqlstate = "42P11"


class InvalidFunctionDefinition(ProgrammingError):
    """PostgreSQL's 42P13, invalid function definition."""

    sqlstate = "42P13"


class InvalidPreparedStatementDefinition(ProgrammingError):
    """PostgreSQL's 42P14, invalid prepared statement definition."""

    sqlstate = "42P14"


class InvalidSchemaDefinition(ProgrammingError):
    """PostgreSQL's 42P15, invalid schema definition."""

    sqlstate = "42P15"


class InvalidTableDefinition(ProgrammingError):
    """PostgreSQL's 42P16, invalid table definition."""

    sqlstate = "42P16"


class InvalidObjectDefinition(ProgrammingError):
    """PostgreSQL's 42P17, invalid object definition."""

    sqlstate = "42P17"
