"""Errors about values (classes 21 and 22) and broken constraints (23, 44)."""

from __future__ import annotations

from lungfish.errors.base import DataError, IntegrityError, ProgrammingError


class CardinalityViolation(ProgrammingError):
    """A subquery used as a value gave more than one row, or MERGE met a row twice."""

    sqlstate = "21000"


class StringDataRightTruncation(DataError):
    """A text is longer than its type allows."""

    sqlstate = "22001"


class NumericValueOutOfRange(DataError):
    """A number does not fit its type."""

    sqlstate = "22003"


class NullValueNotAllowed(DataError):
    """PostgreSQL's 22004, null value not allowed."""

    sqlstate = "22004"


class ErrorInAssignment(DataError):
    """PostgreSQL's 22005, error in assignment."""

    sqlstate = "22005"


class InvalidDatetimeFormat(DataError):
    """A text is no date, time or interval."""

    sqlstate = "22007"


class DatetimeFieldOverflow(DataError):
    """A date or time is outside its range."""

    sqlstate = "22008"


class InvalidTimeZoneDisplacementValue(DataError):
    """PostgreSQL's 22009, invalid time zone displacement value."""

    sqlstate = "22009"


class EscapeCharacterConflict(DataError):
    """PostgreSQL's 2200B, escape character conflict."""

    sqlstate = "2200B"


class InvalidUseOfEscapeCharacter(DataError):
    """PostgreSQL's 2200C, invalid use of escape character."""

    sqlstate = "2200C"


class InvalidEscapeOctet(DataError):
    """PostgreSQL's 2200D, invalid escape octet."""

    sqlstate = "2200D"


class ZeroLengthCharacterString(DataError):
    """PostgreSQL's 2200F, zero length character string."""

    sqlstate = "2200F"


class SubstringError(DataError):
    """A substring has a negative length."""

    sqlstate = "22011"


class DivisionByZero(DataError):
    """PostgreSQL's 22012, division by zero."""

    sqlstate = "22012"


class InvalidPrecedingOrFollowingSize(DataError):
    """PostgreSQL's 22013, invalid preceding or following size."""

    sqlstate = "22013"


class InvalidArgumentForNtileFunction(DataError):
    """PostgreSQL's 22014, invalid argument for ntile function."""

    sqlstate = "22014"


class IntervalFieldOverflow(DataError):
    """PostgreSQL's 22015, interval field overflow."""

    sqlstate = "22015"


class InvalidArgumentForNthValueFunction(DataError):
    """PostgreSQL's 22016, invalid argument for nth value function."""

    sqlstate = "22016"


class InvalidCharacterValueForCast(DataError):
    """PostgreSQL's 22018, invalid character value for cast."""

    sqlstate = "22018"


class InvalidEscapeCharacter(DataError):
    """PostgreSQL's 22019, invalid escape character."""

    sqlstate = "22019"


class InvalidRegularExpression(DataError):
    """PostgreSQL's 2201B, invalid regular expression."""

    sqlstate = "2201B"


class InvalidArgumentForLogarithm(DataError):
    """PostgreSQL's 2201E, invalid argument for logarithm."""

    sqlstate = "2201E"


class InvalidArgumentForPowerFunction(DataError):
    """PostgreSQL's 2201F, invalid argument for power function."""

    sqlstate = "2201F"


class InvalidArgumentForWidthBucketFunction(DataError):
    """PostgreSQL's 2201G, invalid argument for width bucket function."""

    sqlstate = "2201G"


class InvalidRowCountInLimitClause(DataError):
    """PostgreSQL's 2201W, invalid row count in limit clause."""

    sqlstate = "2201W"


class InvalidRowCountInResultOffsetClause(DataError):
    """PostgreSQL's 2201X, invalid row count in result offset clause."""

    sqlstate = "2201X"


class CharacterNotInRepertoire(DataError):
    """PostgreSQL's 22021, character not in repertoire."""

    sqlstate = "22021"


class InvalidParameterValue(DataError):
    """PostgreSQL's 22023, invalid parameter value."""

    sqlstate = "22023"


class InvalidEscapeSequence(DataError):
    """PostgreSQL's 22025, invalid escape sequence."""

    sqlstate = "22025"


class NonstandardUseOfEscapeCharacter(DataError):
    """PostgreSQL's 22P06, nonstandard use of escape character."""

    sqlstate = "22P06"


class StringDataLengthMismatch(DataError):
    """PostgreSQL's 22026, string data length mismatch."""

    sqlstate = "22026"


class TrimError(DataError):
    """PostgreSQL's 22027, trim error."""

    sqlstate = "22027"


class ArraySubscriptError(DataError):
    """PostgreSQL's 2202E, array subscript error."""

    sqlstate = "2202E"


class InvalidTablesampleRepeat(DataError):
    """PostgreSQL's 2202G, invalid tablesample repeat."""

    sqlstate = "2202G"


class InvalidTablesampleArgument(DataError):
    """PostgreSQL's 2202H, invalid tablesample argument."""

    sqlstate = "2202H"


class InvalidTextRepresentation(DataError):
    """A text is not a value of the type."""

    sqlstate = "22P02"


class InvalidBinaryRepresentation(DataError):
    """PostgreSQL's 22P03, invalid binary representation."""

    sqlstate = "22P03"


class BadCopyFileFormat(DataError):
    """PostgreSQL's 22P04, bad copy file format."""

    sqlstate = "22P04"


class UntranslatableCharacter(DataError):
    """PostgreSQL's 22P05, untranslatable character."""

    sqlstate = "22P05"


class InvalidJsonDatetimeArgument(DataError):
    """PostgreSQL's 22031, invalid argument for sql json datetime function."""

    sqlstate = "22031"


class InvalidJsonText(DataError):
    """PostgreSQL's 22032, invalid json text."""

    sqlstate = "22032"


class InvalidSqlJsonSubscript(DataError):
    """PostgreSQL's 22033, invalid sql json subscript."""

    sqlstate = "22033"


class MoreThanOneSqlJsonItem(DataError):
    """PostgreSQL's 22034, more than one sql json item."""

    sqlstate = "22034"


class NoSqlJsonItem(DataError):
    """PostgreSQL's 22035, no sql json item."""

    sqlstate = "22035"


class SqlJsonArrayNotFound(DataError):
    """PostgreSQL's 22039, sql json array not found."""

    sqlstate = "22039"


class SqlJsonMemberNotFound(DataError):
    """PostgreSQL's 2203A, sql json member not found."""

    sqlstate = "2203A"


class SqlJsonObjectNotFound(DataError):
    """PostgreSQL's 2203C, sql json object not found."""

    sqlstate = "2203C"


class SqlJsonScalarRequired(DataError):
    """PostgreSQL's 2203F, sql json scalar required."""

    sqlstate = "2203F"


class NonNumericSqlJsonItem(DataError):
    """PostgreSQL's 22036, non numeric sql json item."""

    sqlstate = "22036"


class SingletonSqlJsonItemRequired(DataError):
    """PostgreSQL's 22038, singleton sql json item required."""

    sqlstate = "22038"


class SqlJsonNumberNotFound(DataError):
    """PostgreSQL's 2203B, sql json number not found."""

    sqlstate = "2203B"


class DuplicateJsonObjectKeyValue(DataError):
    """PostgreSQL's 22030, duplicate json object key value."""

    sqlstate = "22030"


class SequenceGeneratorLimitExceeded(DataError):
    """PostgreSQL's 2200H, sequence generator limit exceeded."""

    sqlstate = "2200H"


class RestrictViolation(IntegrityError):
    """PostgreSQL's 23001, restrict violation."""

    sqlstate = "23001"


class NotNullViolation(IntegrityError):
    """PostgreSQL's 23502, not null violation."""

    sqlstate = "23502"


class ForeignKeyViolation(IntegrityError):
    """PostgreSQL's 23503, foreign key violation."""

    sqlstate = "23503"


class UniqueViolation(IntegrityError):
    """PostgreSQL's 23505, unique violation."""

    sqlstate = "23505"


class CheckViolation(IntegrityError):
    """PostgreSQL's 23514, check violation."""

    sqlstate = "23514"


class ExclusionViolation(IntegrityError):
    """PostgreSQL's 23P01, exclusion violation."""

    sqlstate = "23P01"


class WithCheckOptionViolation(ProgrammingError):
    """PostgreSQL's 44000, with check option violation."""

    sqlstate = "44000"
