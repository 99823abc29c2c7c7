"""Errors about the surroundings: transactions, locks, limits, disk and damage."""

from __future__ import annotations

from json import JSONDecodeError

from lungfish.errors.base import DatabaseError, InternalError, OperationalError


class ConnectionDoesNotExist(OperationalError):
    """The connection, session or database is closed."""

    sqlstate = "08003"


class InvalidTransactionInitiation(InternalError):
    """PostgreSQL's 0B000, invalid transaction initiation."""

    sqlstate = "0B000"


class TriggeredDataChangeViolation(OperationalError):
    """PostgreSQL's 27000, triggered data change violation."""

    sqlstate = "27000"


class InvalidCursorState(InternalError):
    """PostgreSQL's 24000, invalid cursor state."""

    sqlstate = "24000"


class InvalidTransactionState(InternalError):
    """PostgreSQL's 25000, invalid transaction state."""

    sqlstate = "25000"


class ActiveSqlTransaction(InternalError):
    """The statement cannot run inside a transaction block."""

    sqlstate = "25001"


class NoActiveSqlTransaction(InternalError):
    """PostgreSQL's 25P01, no active sql transaction."""

    sqlstate = "25P01"


class InFailedSqlTransaction(InternalError):
    """A statement of this transaction failed: only ROLLBACK is accepted."""

    sqlstate = "25P02"


class ReadOnlySqlTransaction(InternalError):
    """PostgreSQL's 25006, read only sql transaction."""

    sqlstate = "25006"


class IdleInTransactionSessionTimeout(InternalError):
    """PostgreSQL's 25P03, idle in transaction session timeout."""

    sqlstate = "25P03"


class InvalidTransactionTermination(InternalError):
    """PostgreSQL's 2D000, invalid transaction termination."""

    sqlstate = "2D000"


class ExternalRoutineException(OperationalError):
    """Code that the user has registered raised something; the message says what."""

    sqlstate = "38000"


class InvalidSavepointSpecification(InternalError):
    """PostgreSQL's 3B001, invalid savepoint specification."""

    sqlstate = "3B001"


class SerializationFailure(OperationalError):
    """The transaction must be run again: it met a concurrent change."""

    sqlstate = "40001"


class StatementCompletionUnknown(OperationalError):
    """PostgreSQL's 40003, statement completion unknown."""

    sqlstate = "40003"


class DeadlockDetected(OperationalError):
    """PostgreSQL's 40P01, deadlock detected."""

    sqlstate = "40P01"


class InsufficientResources(OperationalError):
    """PostgreSQL's 53000, insufficient resources."""

    sqlstate = "53000"


class DiskFull(OperationalError):
    """The disk is full; nothing committed is lost, and work goes on once there is room."""

    sqlstate = "53100"


class OutOfMemory(OperationalError):
    """PostgreSQL's 53200, out of memory."""

    sqlstate = "53200"


class ConfigurationLimitExceeded(OperationalError):
    """PostgreSQL's 53400, configuration limit exceeded."""

    sqlstate = "53400"


class ProgramLimitExceeded(OperationalError):
    """PostgreSQL's 54000, program limit exceeded."""

    sqlstate = "54000"


class StatementTooComplex(OperationalError):
    """PostgreSQL's 54001, statement too complex."""

    sqlstate = "54001"


class TooManyColumns(OperationalError):
    """PostgreSQL's 54011, too many columns."""

    sqlstate = "54011"


class TooManyArguments(OperationalError):
    """PostgreSQL's 54023, too many arguments."""

    sqlstate = "54023"


class ObjectNotInPrerequisiteState(OperationalError):
    """PostgreSQL's 55000, object not in prerequisite state."""

    sqlstate = "55000"


class UnsafeNewEnumValueUsage(OperationalError):
    """PostgreSQL's 55P04: a label of an enum that the transaction itself has added."""

    sqlstate = "55P04"


class ObjectInUse(OperationalError):
    """PostgreSQL's 55006, object in use."""

    sqlstate = "55006"


class LockNotAvailable(OperationalError):
    """PostgreSQL's 55P03, lock not available."""

    sqlstate = "55P03"


class CantChangeRuntimeParam(OperationalError):
    """PostgreSQL's 55P02, cant change runtime param."""

    sqlstate = "55P02"


class DatabaseInUse(OperationalError):
    """Another process has the database open; the message names it."""

    sqlstate = "55006"


class QueryCanceled(OperationalError):
    """PostgreSQL's 57014, query canceled."""

    sqlstate = "57014"


class CrashShutdown(OperationalError):
    """PostgreSQL's 57P02, crash shutdown."""

    sqlstate = "57P02"


class IoError(OperationalError):
    """The operating system reports a failed read, write or sync."""

    sqlstate = "58030"


class UndefinedFile(OperationalError):
    """PostgreSQL's 58P01, undefined file."""

    sqlstate = "58P01"


class DuplicateFile(OperationalError):
    """PostgreSQL's 58P02, duplicate file."""

    sqlstate = "58P02"


class SnapshotTooOld(OperationalError):
    """The transaction's snapshot was given up: it was older than `max_snapshot_age`."""

    sqlstate = "72000"


class CorruptDatabase(DatabaseError):
    """Bytes read from the file are not what was written."""

    sqlstate = "XX001"


class CorruptPage(CorruptDatabase):
    """A page does not match its checksum or its own rules."""

    sqlstate = "XX001"


class CorruptLog(CorruptDatabase):
    """The write-ahead log is damaged before its end."""

    sqlstate = "XX001"


class IndexCorrupted(CorruptDatabase):
    """An index disagrees with its table."""

    sqlstate = "XX002"


def internal_error(mistake: Exception) -> DatabaseError:
    """The error that a user sees where Lungfish itself, or what it has read, is wrong; `mistake` is to be its cause."""
    if isinstance(mistake, UnicodeDecodeError | JSONDecodeError):
        # What comes from users is checked; whole columns of stored rows are not on their way through Arrow.
        return CorruptDatabase(
            f"a stored value is damaged: {mistake}",
            hint='"lungfish check" tells of which rows.',
        )
    if isinstance(mistake, MemoryError):
        return OutOfMemory("out of memory", detail=str(mistake) or None)
    return InternalError(
        f"internal error: {type(mistake).__name__}: {mistake}",
        hint="This is a bug in Lungfish. The statement has had no effect.",
    )
