"""The half of a session that begins and ends transactions: autocommit or not, BEGIN to COMMIT, savepoints, failure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lungfish.catalog import Catalog
from lungfish.database.late_rollback import LateRollback
from lungfish.errors import (
    ActiveSqlTransaction,
    ConnectionDoesNotExist,
    Error,
    InterfaceError,
    InvalidParameterValue,
    InvalidSavepointSpecification,
    NoActiveSqlTransaction,
)
from lungfish.executor import Cancellation, DeferredChecks, ExecutionContext
from lungfish.executor.constraint_events import DeferredMark
from lungfish.executor.context import TableProvider
from lungfish.executor.ddl import CatalogChange
from lungfish.executor.session_facts import SessionFacts
from lungfish.functions.seeded_random import SeededRandom
from lungfish.session.cursors import SessionCursors
from lungfish.session.mutex import SessionMutex
from lungfish.session.results import StatementResult
from lungfish.session.serializable import begin_transaction, change_level
from lungfish.session.settings import SessionSettings
from lungfish.session.transaction_control import Modes, control
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionState
from lungfish.storage.undo_list import roll_back_some

if TYPE_CHECKING:
    from lungfish.database import Database

# A failed statement takes back at once so much, some milliseconds' worth; if there is more, or that many locks, after its error was raised.
_ROW_COUNT_AT_ONCE = 256
_LOCK_COUNT_AT_ONCE = 2_000


class _Savepoint(NamedTuple):
    """An open savepoint, and what the session goes back to with it."""

    name: str
    change: CatalogChange | None
    catalog: Catalog
    is_read_only: bool
    deferred: DeferredMark
    settings: Mapping[str, str]
    local_settings: Mapping[str, str | None]


class TransactionalSession:
    """A session's transaction, settings and catalog. `Session` is the other half: it runs statements."""

    # What compiled code reads (connection/native_front.pyx) stands in slots, where it needs no look-up.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_change",
        "_is_failed",
        "_late",
        "_lock_owner",
        "_mutex",
        "_transaction",
        "autocommit",
        "cancellation",
        "database",
        "has_queried",
        "is_closed",
        "settings",
        "tables",
        "temporary",
    )

    def __init__(self, database: Database, *, autocommit: bool, read_only: bool) -> None:
        self.database = database
        self.number = database.join(self, self.facts)
        self.begun_at = database.clock.utc_us()
        self.autocommit = autocommit
        self.is_read_only = read_only
        self.settings = SessionSettings(database.core.settings)
        self.random = random.Random(database.random.random())
        # What random() draws from; setseed puts another in its place.
        self.draws: random.Random | SeededRandom = self.random
        self.cancellation = Cancellation()
        self.is_closed = False
        self.on_notice: Callable[[str, str], None] | None = None
        # When the transaction began, in microseconds since 1970 UTC.
        self.transaction_time_us = 0
        self._mutex = SessionMutex()
        self._lock_owner: LockOwner = database.transactions.locks.new_owner(self.number)
        # Where statements find tables: the database, but for a serializable transaction.
        self.tables: TableProvider = database
        self.temporary = database.new_temporaries(self.number)
        self._transaction: Transaction | None = None
        # Whether BEGIN (or PEP 249's implicit one) holds the transaction open beyond its statement.
        self._is_explicit = False
        self._is_failed = False
        # What a failed statement has left to be taken back: nothing runs before that is done.
        self._late: LateRollback | None = None
        # Whether several statements of one text are one transaction.
        self._is_implicit_block = False
        # Whether a query has run in the transaction: then it is too late for SET TRANSACTION.
        self.has_queried = False
        self.cursors = SessionCursors()
        self._change: CatalogChange | None = None
        self._deferred = DeferredChecks()
        # Newest last.
        self._savepoints: list[_Savepoint] = []
        self._settings_before: Mapping[str, str] = {}
        # The modes that a transaction was chained with; None: it was begun otherwise.
        self._chained_modes: Modes | None = None
        # Used again for each single statement that only reads: see `_begin_reading`.
        self._reader: Transaction | None = None

    def execution_context(
        self, values: tuple[Any, ...] = (), snapshot: Snapshot | None = None
    ) -> ExecutionContext:
        """What the executor knows of the statement that runs now."""
        raise AssertionError("Session implements it")

    def facts(self, asking_number: int) -> SessionFacts:
        """The session as the system views show it; from any thread. It is running if the one that asks is itself or cannot enter."""
        raise AssertionError("Session implements it")

    def run_commit_actions(self) -> None:
        """Empty or drop the temporary tables whose ON COMMIT says so."""
        raise AssertionError("Session implements it")

    def notice(self, message: str, *, severity: str = "NOTICE") -> None:
        """Tell the client something that is no error."""
        if self.on_notice is not None:
            self.on_notice(severity, message)

    def _check_open(self) -> None:
        if self.is_closed:
            raise InterfaceError("the connection is closed")
        if self.database.is_closed:
            raise ConnectionDoesNotExist("the database is closed")

    @property
    def catalog(self) -> Catalog:
        """What exists, with this transaction's own changes."""
        if self._change is not None:
            return self._change.catalog
        return self.temporary.over(self.database.catalog)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._transaction is not None

    @property
    def is_in_block(self) -> bool:
        """Whether what comes next runs in the same transaction: after BEGIN, or in a text of several statements."""
        return self._is_explicit or self._is_implicit_block

    @property
    def savepoint_count(self) -> int:
        """How many savepoints are open."""
        return len(self._savepoints)

    @property
    def transaction(self) -> Transaction | None:
        """The open transaction."""
        return self._transaction

    @property
    def lock_owner(self) -> LockOwner:
        """Who holds the session's locks."""
        return self._lock_owner

    @property
    def transaction_status(self) -> str:
        """ "idle", "active" or "failed"."""
        if self._transaction is None:
            return "idle"
        return "failed" if self._is_failed else "active"

    def begin(self, isolation: str | None = None, *, is_read_only: bool | None = None) -> None:
        """Begin a transaction that lasts until commit or rollback."""
        with self._mutex:
            self._check_open()
            if self._transaction is not None:
                raise ActiveSqlTransaction("there is already a transaction in progress")
            self._begin(isolation, is_read_only=is_read_only)
            self._is_explicit = True

    def _begin(self, isolation: str | None = None, *, is_read_only: bool | None = None) -> None:
        level = self.settings.default_isolation
        if isolation is not None:
            try:
                level = IsolationLevel(isolation.lower())
            except ValueError:
                raise InvalidParameterValue(f'there is no isolation level "{isolation}"') from None
        self._lock_owner.cancel_message = None
        self._lock_owner.timeout_s = self.settings.lock_timeout_s
        self.cancellation.reset()
        self._wait_until_taken_back(self.cancellation.check)
        if is_read_only is None:
            is_read_only = self.is_read_only or self.settings.is_read_only
        self._transaction = begin_transaction(
            self, level, is_read_only=is_read_only or self.database.is_historical
        )
        self._transaction.on_expired = self._give_up_snapshot
        self._is_failed = False
        self.has_queried = False
        self._deferred = DeferredChecks()
        self._settings_before = self.settings.snapshot()
        self._chained_modes = None
        self.transaction_time_us = self.database.clock.utc_us()

    def _begin_reading(self) -> Transaction:
        """Begin the transaction of a single statement that only reads: the one of the last such statement, if it may be used again."""
        reader = self._reader
        if reader is None or reader.isolation is not self.settings.default_isolation:
            self._begin()
            assert self._transaction is not None
            return self._transaction
        owner = self._lock_owner
        owner.cancel_message = None
        owner.timeout_s = self.settings.lock_timeout_s
        self.cancellation.reset()
        self._wait_until_taken_back(self.cancellation.check)
        reader.expired = None
        now = self.database.clock.utc_us()
        reader.begun_at = self.transaction_time_us = now
        # Kept only while it is unused: an exception from here on leaves the session without it.
        self._reader = None
        self.database.transactions.members.enter(reader)
        self._transaction = reader
        self._settings_before = self.settings.snapshot()
        return reader

    def _end_reading(self, reader: Transaction) -> None:
        """End it; with a commit if the statement did more than read (a function may)."""
        settings = self.settings
        if (
            reader.id
            or reader.on_commit
            or self._deferred.is_pending
            or settings.snapshot() is not self._settings_before
        ):
            self._reader = None
            self.commit()
            return
        manager = self.database.transactions
        reader.snapshot = None
        manager.members.forget(reader)
        manager.locks.end_transaction(self._lock_owner, reader.id)
        self._transaction = None
        self._reader = reader

    def _give_up_snapshot(self, error: Error) -> None:
        """The transaction's snapshot is too old: stop the statement that runs, or let go of it at once. From any thread."""
        if not self._mutex.acquire(blocking=False):
            self.cancellation.error = error
            self.cancellation.request()
            self.database.transactions.locks.cancel(self._lock_owner, error.message)
            return
        try:
            if self._transaction is not None and self._transaction.expired is not None:
                self._transaction.snapshot = None
        finally:
            self._mutex.release()

    def commit(self) -> None:
        """Commit what is open. A failed transaction is rolled back instead, as in PostgreSQL."""
        with self._mutex:
            transaction = self._transaction
            if transaction is None:
                return
            if self._is_failed:
                self.rollback()
                return
            self._wait_until_taken_back()
            try:
                if self._deferred.is_pending:
                    self._deferred.run(self.execution_context())
                if self.catalog.commit_action_tables:
                    self.run_commit_actions()
                transaction.commit()
            except BaseException:
                self._roll_back_after_failed_commit(transaction)
                raise
            self._forget_transaction()
            self.cursors.end_transaction(is_committed=True)
            self.settings.end_transaction()
        self.database.after_commit()

    def _roll_back_after_failed_commit(self, transaction: Transaction) -> None:
        """A commit that was refused is undone; one whose fate is unknown is left for the next opening to find out."""
        if transaction.state is TransactionState.RUNNING:
            self.rollback()
        else:
            # Committed just before an interrupt, or its fate is for the next opening to find out.
            self._forget_transaction()

    def rollback(self) -> None:
        """Undo what is open."""
        with self._mutex:
            if self._transaction is None:
                return
            self._take_back(self._transaction, None)
            self.settings.restore(self._settings_before, {})
            self.cursors.end_transaction(is_committed=False)
            self._forget_transaction()

    def _take_back(self, transaction: Transaction, savepoint: str | None) -> None:
        """Roll back to a savepoint (None: all), at once if that is little; else it goes on while the session does nothing."""
        if savepoint is None:
            # What it saw is of no more interest, and must not hold back the purge.
            transaction.snapshot = None
        step = partial(roll_back_some, transaction, savepoint)
        late = self._late
        if late is None:
            if not self.database.options.has_thread:
                step(None)
                return
            is_little = len(self._lock_owner.log) <= _LOCK_COUNT_AT_ONCE
            if is_little and step(_ROW_COUNT_AT_ONCE):
                return
            late = self._late = self.database.late_rollbacks.begin()
        late.add(step)

    def _wait_until_taken_back(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait for what earlier statements have left to be taken back. What `check` raises ends the wait only."""
        late = self._late
        if late is not None:
            late.wait(check)
            self._late = None
            self.database.late_rollbacks.forget(late)

    def _fail(self) -> None:
        """A statement has failed: what the transaction did, since its last savepoint if it has one, is undone now, and its locks are free.

        Only the block itself stays, until someone says ROLLBACK. Should undoing fail, ROLLBACK goes on with it.
        """
        transaction = self._transaction
        assert transaction is not None
        self._is_failed = True
        try:
            if self._savepoints:
                self.rollback_to(self._savepoints[-1].name)
                self._is_failed = True
            elif transaction.state is TransactionState.RUNNING:
                self._take_back(transaction, None)
                self._change = None
                self.cursors.end_transaction(is_committed=False)
        except Error:
            self._is_failed = True

    def _forget_transaction(self) -> None:
        self._transaction = None
        self._is_explicit = False
        self._is_failed = False
        self._change = None
        self._savepoints.clear()

    def savepoint(self, name: str) -> None:
        """SAVEPOINT. Raises NoActiveSqlTransaction outside a transaction."""
        self._wait_until_taken_back()
        transaction = self._open_transaction("SAVEPOINT")
        transaction.savepoint(name)
        settings = self.settings
        self._savepoints.append(
            _Savepoint(
                name, self._change, self.catalog, transaction.is_read_only, self._deferred.mark(),
                settings.snapshot(), settings.locals(),
            )
        )  # fmt: skip

    def release(self, name: str) -> None:
        """RELEASE SAVEPOINT."""
        transaction = self._open_transaction("RELEASE SAVEPOINT")
        index = self._savepoint_index(name)
        if self._late is None:
            transaction.release(name)
        else:
            self._late.add(partial(_release_later, transaction, name))
        # READ ONLY that was set since holds for the subtransaction only.
        transaction.is_read_only = self._savepoints[index].is_read_only
        del self._savepoints[index:]
        self.cursors.release(index)

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO SAVEPOINT; a failed transaction works again afterwards."""
        transaction = self._open_transaction("ROLLBACK TO SAVEPOINT")
        index = self._savepoint_index(name)
        self._take_back(transaction, name)
        # A change that began after the savepoint has given its lock back: the next DDL begins another.
        point = self._savepoints[index]
        self._change, transaction.is_read_only = point.change, point.is_read_only
        if self._change is not None:
            self._change.catalog = point.catalog
        self._deferred.go_back(point.deferred)
        self.settings.restore(point.settings, point.local_settings)
        del self._savepoints[index + 1 :]
        self.cursors.roll_back_to(index)
        self._is_failed = False

    def _savepoint_index(self, name: str) -> int:
        """The newest of that name. Raises InvalidSavepointSpecification."""
        for index in reversed(range(len(self._savepoints))):
            if self._savepoints[index].name == name:
                return index
        raise InvalidSavepointSpecification(f'savepoint "{name}" does not exist')

    def _open_transaction(self, what: str) -> Transaction:
        if self._transaction is None:
            if self.autocommit:
                raise NoActiveSqlTransaction(f"{what} can only be used in transaction blocks")
            self._begin()
            self._is_explicit = True
        elif not self._is_explicit:
            raise NoActiveSqlTransaction(f"{what} can only be used in transaction blocks")
        assert self._transaction is not None
        return self._transaction

    def _control(self, statement: Any) -> StatementResult:
        """BEGIN, COMMIT, ROLLBACK and savepoints."""
        return control(self, statement)

    def change_isolation(self, level: IsolationLevel) -> None:
        """Let the open transaction, which has done nothing yet, go on at another level. Raises ActiveSqlTransaction."""
        assert self._transaction is not None
        self._transaction = change_level(self, self._transaction, level)

    def assign_transaction_id(self) -> int:
        """The transaction's id, handed out now if it has none."""
        assert self._transaction is not None
        return self._transaction.assign_id()


def _release_later(transaction: Transaction, savepoint: str, _row_count: int | None) -> bool:
    """A step of `LateRollback`."""
    transaction.release(savepoint)
    return True
