"""Connection: PEP 249's, with psycopg's additions. A thin skin over one Session.

Leaving `with connect(...)` commits, or rolls back after an exception, and closes. `with conn.transaction()` nests as savepoints.
Threads may share a connection: its statements then run one after the other.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Unpack, overload

from lungfish import errors
from lungfish.connection.checkpoint_options import CheckpointOptions, checkpoint
from lungfish.connection.copy import Copy
from lungfish.connection.cursor import Cursor
from lungfish.connection.describe import ColumnFacts, describe_statement
from lungfish.connection.front import ConnectionFront
from lungfish.connection.plain_front import Parameters
from lungfish.connection.routines import RoutineFacts, list_routines
from lungfish.connection.row_factories import RowFactory
from lungfish.connection.script import ScriptResult, run_script
from lungfish.connection.transaction import RetriedTransaction, TransactionBlock, TransactionOptions
from lungfish.database.reader import newest_image_of
from lungfish.executor.statement_progress import StatementProgress
from lungfish.recovery.backup import BackupReport, BackupRequest, Progress
from lungfish.recovery.checkpoint_request import CheckpointResult
from lungfish.session import Session


class Connection(ConnectionFront):
    """One session with a database. Made by `lungfish.connect` or `Database.connect`."""

    # PEP 249's optional extension: the exceptions as attributes.
    Warning: ClassVar = errors.Warning
    Error: ClassVar = errors.Error
    InterfaceError: ClassVar = errors.InterfaceError
    DatabaseError: ClassVar = errors.DatabaseError
    DataError: ClassVar = errors.DataError
    OperationalError: ClassVar = errors.OperationalError
    IntegrityError: ClassVar = errors.IntegrityError
    InternalError: ClassVar = errors.InternalError
    ProgrammingError: ClassVar = errors.ProgrammingError
    NotSupportedError: ClassVar = errors.NotSupportedError

    cursor_type = Cursor

    # Statements.

    def cursor(self, row_factory: RowFactory | None = None) -> Cursor:
        """A new cursor."""
        self._check_open()
        return Cursor(self, row_factory or self.row_factory)

    def executemany(self, sql: str, params_seq: Iterable[Parameters]) -> Cursor:
        """Run a statement once for each set of parameters, on a new cursor."""
        return self.cursor().executemany(sql, params_seq)

    def run_script(
        self,
        source: str | os.PathLike[str],
        *,
        vars: Mapping[str, str] | None = None,  # noqa: A002 - the API's name.
        on_error: str = "stop",
    ) -> list[ScriptResult]:
        """Run a SQL script, a path (PathLike) or text, statement by statement.

        `:name` outside strings is replaced by `vars["name"]`. `on_error`: "stop" raises at the first error, "continue" records it in
        the results and goes on.
        """
        self._check_open()
        return run_script(self, source, variables=vars or {}, on_error=on_error)

    def copy(self, sql: str) -> Copy:
        """A COPY FROM STDIN to write data to, or a COPY TO STDOUT to read it from, for use in `with`."""
        self._check_open()
        return Copy(self._session, sql)

    def backup(
        self,
        target: str | os.PathLike[str],
        *,
        incremental_from: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> BackupReport:
        """Back the database up into one file, as committed, while others go on writing; `progress(done, total)` counts bytes."""
        self._check_open()
        request = BackupRequest(
            path=os.fspath(target),
            base_path="" if incremental_from is None else os.fspath(incremental_from),
            is_overwriting=overwrite,
            requested_by=self._session.description,
        )
        return self._session.database.backup(request, progress)

    # Transactions.

    def commit(self) -> None:
        """Make the transaction's changes durable and visible to others."""
        self._check_open()
        self._session.commit()

    def rollback(self) -> None:
        """Undo the transaction's changes."""
        self._check_open()
        self._session.rollback()

    @overload
    def transaction(
        self,
        name: str | None = None,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
    ) -> TransactionBlock: ...

    @overload
    def transaction(
        self,
        name: str | None = None,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
        retry: int,
    ) -> RetriedTransaction: ...

    def transaction(
        self,
        name: str | None = None,
        *,
        isolation: str | None = None,
        read_only: bool | None = None,
        retry: int | None = None,
    ) -> TransactionBlock | RetriedTransaction:
        """A transaction, or a savepoint inside one: committed at the end of its `with`, rolled back after an exception.

        With `retry` it is for a loop, which tries again after 40001 and 40P01: see `transaction.py`.
        """
        self._check_open()
        options = TransactionOptions(name, isolation, read_only)
        if retry is None:
            return TransactionBlock(self, options)
        return RetriedTransaction(self, options, retry)

    @property
    def has_standard_strings(self) -> bool:
        """Whether a backslash is a character like any other in '...': standard_conforming_strings is on."""
        return self._session.settings.get("standard_conforming_strings") == "on"

    @property
    def isolation_level(self) -> str:
        """The level of the open transaction, or of those to come: "read committed", "repeatable read", "serializable"."""
        return self._session.show("transaction_isolation")

    @isolation_level.setter
    def isolation_level(self, value: str) -> None:
        self._check_open()
        if self._session.in_transaction:
            raise errors.ProgrammingError(
                "isolation_level cannot be changed inside a transaction",
                hint="Commit or roll back first.",
            )
        self._session.settings.set("default_transaction_isolation", value)

    @property
    def read_only(self) -> bool:
        """Whether the open transaction, or those to come, may only read."""
        return self._session.show("transaction_read_only") == "on"

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._check_open()
        if self._session.in_transaction:
            raise errors.ProgrammingError(
                "read_only cannot be changed inside a transaction",
                hint="Commit or roll back first.",
            )
        self._session.settings.set("default_transaction_read_only", "on" if value else "off")

    @property
    def session(self) -> Session:
        """The session beneath."""
        return self._session

    @property
    def autocommit(self) -> bool:
        """Whether each statement outside BEGIN is a transaction of its own. False, as PEP 249 asks, unless set."""
        return self._session.autocommit

    @autocommit.setter
    def autocommit(self, value: bool) -> None:
        self._check_open()
        if self._session.in_transaction:
            raise errors.ProgrammingError(
                "autocommit cannot be changed inside a transaction",
                hint="Commit or roll back first.",
            )
        self._session.autocommit = value

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._session.in_transaction

    @property
    def transaction_status(self) -> str:
        """ "idle", "active" (in a transaction) or "failed" (in one that only accepts ROLLBACK)."""
        return self._session.transaction_status

    @property
    def changed_row_count(self) -> int:
        """Row changes of the open transaction that a rollback would undo, each time a row was changed; 0 outside one."""
        transaction = self._session.transaction
        return 0 if transaction is None else len(transaction.undo)

    def checkpoint(
        self, mode: str = "fast", **options: Unpack[CheckpointOptions]
    ) -> CheckpointResult:
        """Take a checkpoint: the statement CHECKPOINT, with its options by name. Raises as the statement does."""
        self._check_open()
        return checkpoint(self._session, mode, options)

    def refresh(self) -> bool:
        """Go on with the newest image of a database that is only read; whether there was a newer one.

        A read-only connection shows the database as of the checkpoint that was the newest when it was opened, as long as it is not
        refreshed. Settings stay; prepared statements, cursors and temporary objects end. On a connection to a database that this process
        has open to write, which sees every commit anyway, nothing happens. Raises ActiveSqlTransaction inside a transaction.
        """
        self._check_open()
        session = self._session
        if session.in_transaction:
            raise errors.ActiveSqlTransaction("refresh cannot run inside a transaction")
        newest = newest_image_of(session.database)
        if newest is session.database:
            return False
        self._session = Session(newest, autocommit=session.autocommit, read_only=True)
        self._session.settings.adopt(session.settings)
        self._session.on_notice = session.on_notice
        session.close()
        return True

    # Life.

    def cancel(self) -> None:
        """Stop the statement that is running, from any thread: it raises QueryCanceled (57014)."""
        self._session.cancel()

    def progress(self) -> StatementProgress | None:
        """How far the statement is that is running, asked from another thread; None: it has not told yet."""
        return self._session.cancellation.progress

    def describe(self, sql: str) -> list[ColumnFacts]:
        """The columns that a statement would give, without running it; none where it gives no rows."""
        self._check_open()
        return describe_statement(self._session, sql)

    def routines(self) -> list[RoutineFacts]:
        """The signatures of all functions, the user's own first."""
        self._check_open()
        return list_routines(self._session)

    def on_notice(self, callback: Callable[[str, str], None]) -> None:
        """Have `callback(severity, message)` called for each notice."""
        self._session.on_notice = callback

    def close(self) -> None:
        """Roll back what is open and close. The last connection to a database closes that as well."""
        self._session.close()

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return self._session.is_closed

    def __enter__(self) -> Connection:
        self._check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.closed:
            return
        try:
            if kind is None:
                self._session.commit()
            else:
                self._session.rollback()
        finally:
            self.close()

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        # With its database closed or crashed there is nothing left to leak.
        if session is not None and not session.is_closed and not session.database.is_closed:
            warnings.warn(
                "a lungfish connection was never closed", ResourceWarning, source=self, stacklevel=1
            )
            # As the interpreter ends its threads stand still, whatever locks they hold: the next opening recovers.
            if not sys.is_finalizing():
                session.close()

    def _check_open(self) -> None:
        if self._session.is_closed:
            raise errors.InterfaceError("the connection is closed")
