"""BEGIN, COMMIT, ROLLBACK and savepoints as statements, and the modes of the open transaction: isolation, READ ONLY, DEFERRABLE.

A mode is set by BEGIN, also by one within an open transaction, by SET TRANSACTION and by SET transaction_isolation and its kin. Whatever raises
an error here has failed the transaction block, as any other statement does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lungfish.errors import (
    ActiveSqlTransaction,
    FeatureNotSupported,
    InFailedSqlTransaction,
    NoActiveSqlTransaction,
    ReadOnlySqlTransaction,
)
from lungfish.session.results import StatementResult
from lungfish.session.settings import SETTINGS
from lungfish.sql.ast import utility
from lungfish.storage.transactions import IsolationLevel

if TYPE_CHECKING:
    from lungfish.session.transactions import TransactionalSession

MODES: Final = ("transaction_isolation", "transaction_read_only", "transaction_deferrable")
# Isolation, READ ONLY, DEFERRABLE.
Modes = tuple[IsolationLevel, bool, bool]
_ABORTED = "current transaction is aborted, commands ignored until end of transaction block"


def control(session: TransactionalSession, statement: Any) -> StatementResult:
    """Run one of `TRANSACTION_CONTROL`."""
    try:
        return _controlled(session, statement)
    except BaseException:
        if session.in_transaction:
            session._fail()
        raise


def _controlled(session: TransactionalSession, statement: Any) -> StatementResult:
    match statement:
        case utility.Commit() | utility.Rollback(savepoint=None):
            return _end(session, statement)
        case utility.Rollback():
            assert statement.savepoint is not None
            session.rollback_to(statement.savepoint)
            return StatementResult(None, "ROLLBACK")
        case _ if session._is_failed:
            raise InFailedSqlTransaction(_ABORTED)
        case utility.Begin():
            return _begin(session, statement)
        case utility.Savepoint():
            session.savepoint(statement.name)
            return StatementResult(None, "SAVEPOINT")
        case _:
            session.release(statement.name)
            return StatementResult(None, "RELEASE")


def _begin(session: TransactionalSession, statement: utility.Begin) -> StatementResult:
    if not session.in_transaction:
        session._begin(statement.isolation, is_read_only=statement.is_read_only)
        set_modes(session, is_deferrable=statement.is_deferrable)
    else:
        if session._is_explicit:
            session.notice("there is already a transaction in progress", severity="WARNING")
        set_modes(
            session,
            isolation=statement.isolation,
            is_read_only=statement.is_read_only,
            is_deferrable=statement.is_deferrable,
        )
    session._is_explicit = True
    return StatementResult(None, statement.tag)


def _end(
    session: TransactionalSession, statement: utility.Commit | utility.Rollback
) -> StatementResult:
    word = "COMMIT" if isinstance(statement, utility.Commit) else "ROLLBACK"
    if not session._is_explicit:
        if statement.and_chain:
            raise NoActiveSqlTransaction(f"{word} AND CHAIN can only be used in transaction blocks")
        session.notice("there is no transaction in progress", severity="WARNING")
    before = session.transaction
    if before is None:
        return StatementResult(None, word)
    is_commit = isinstance(statement, utility.Commit) and not session._is_failed
    modes: Modes | None = (before.isolation, before.is_read_only, before.is_deferrable)
    if session._is_failed and not session.savepoint_count:
        # What has failed as a whole has lost the modes that were set in it, and has those that it came with.
        modes = session._chained_modes
    if is_commit:
        session.commit()
    else:
        session.rollback()
    if statement.and_chain:
        if modes is None:
            session._begin()
        else:
            isolation, is_read_only, is_deferrable = modes
            session._begin(isolation.value, is_read_only=is_read_only)
            set_modes(session, is_deferrable=is_deferrable)
        session._chained_modes = modes
        session._is_explicit = True
    return StatementResult(None, "COMMIT" if is_commit else "ROLLBACK")


def set_modes(
    session: TransactionalSession,
    *,
    isolation: str | None = None,
    is_read_only: bool | None = None,
    is_deferrable: bool | None = None,
    position: int | None = None,
) -> None:
    """Change modes of the open transaction; None leaves one. Raises ActiveSqlTransaction where it is too late, ReadOnlySqlTransaction."""
    if is_read_only is False and session.database.is_historical:
        raise no_writing_there(position)
    transaction = session.transaction
    assert transaction is not None
    level = None if isolation is None else IsolationLevel(isolation)
    if level is not None and level is not transaction.isolation:
        if session.has_queried or transaction.id:
            raise ActiveSqlTransaction(
                "SET TRANSACTION ISOLATION LEVEL must be called before any query", position=position
            )
        session.change_isolation(level)
        transaction = session.transaction
        assert transaction is not None
    if is_read_only is not None:
        if not is_read_only and transaction.is_read_only:
            if session.savepoint_count:
                raise ActiveSqlTransaction(
                    "cannot set transaction read-write mode inside a read-only transaction"
                )
            if session.has_queried:
                raise ActiveSqlTransaction(
                    "transaction read-write mode must be set before any query"
                )
        transaction.is_read_only = is_read_only
    if is_deferrable is not None:
        transaction.is_deferrable = is_deferrable


def set_mode(session: TransactionalSession, name: str, value: str | None) -> None:
    """SET transaction_isolation and its kin; None stands for RESET. Raises InvalidParameterValue and what `set_modes` raises."""
    if value is None:
        raise FeatureNotSupported(f'parameter "{name}" cannot be reset')
    value = SETTINGS[name].check(name, value)
    if name == "transaction_isolation":
        set_modes(session, isolation=value)
    elif name == "transaction_read_only":
        set_modes(session, is_read_only=value == "on")
    else:
        set_modes(session, is_deferrable=value == "on")


def no_writing_there(position: int | None) -> ReadOnlySqlTransaction:
    """READ WRITE over an older image of the database."""
    return ReadOnlySqlTransaction(
        "cannot set transaction read-write mode AS OF a checkpoint", position=position
    )
