"""One user's state, and the path of a statement: parse, choose the transaction, dispatch.

`plans.py` goes on from there: bind and plan, lock, execute. `transactions.py` has the ends of a transaction.

    autocommit        each statement outside BEGIN is a transaction of its own
    not autocommit    the first statement begins a transaction (PEP 249); commit() or rollback() ends it

A statement that fails inside a transaction leaves it *failed*: only ROLLBACK (also to a savepoint) is accepted then (25P02),
exactly as in PostgreSQL. Threads may share a session; `_mutex` lets their statements in one after the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from threading import enumerate as living_threads
from threading import get_ident
from typing import TYPE_CHECKING, Any

from lungfish.database.plan_cache import ParsedText
from lungfish.errors import (
    OWN_MISTAKES,
    Error,
    FeatureNotSupported,
    InFailedSqlTransaction,
    InterfaceError,
    LockNotAvailable,
    internal_error,
)
from lungfish.executor import DeferredChecks
from lungfish.executor.ddl import DdlContext, execute_ddl, is_ddl
from lungfish.executor.session_facts import SessionFacts
from lungfish.functions.interrupts import RUNNING
from lungfish.session.as_of import run_as_of
from lungfish.session.bulk import run_in_bulk, run_sets
from lungfish.session.function_context import SessionFunctions
from lungfish.session.parameter_columns import bind_columns, columns_of_sets
from lungfish.session.parameter_sets import look_at_sets
from lungfish.session.parameters import (
    BoundParameters,
    bind_parameters,
    parse_text,
)
from lungfish.session.plans import PLANNED, PlanningSession
from lungfish.session.prepared import Prepared
from lungfish.session.ready import ReadyStatement
from lungfish.session.results import StatementResult
from lungfish.session.routine_runs import RoutineRuns
from lungfish.session.runner import SessionRunner
from lungfish.session.serializable import note_ddl
from lungfish.session.string_reading import raise_worded, read_strings
from lungfish.session.utility import TRANSACTION_CONTROL, run_utility, runs_outside_transaction
from lungfish.sql.ast import Statement, ddl, dml, queries, utility
from lungfish.sql.normalize import lift_literals
from lungfish.storage.lock_modes import LockMode, LockTag, table_tag
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.database import Database


class Session(PlanningSession):
    """A session with a database. Made by `Database.session()`."""

    # As in TransactionalSession.
    __slots__ = ("_thread_number", "functions", "last_query")

    def __init__(
        self, database: Database, *, autocommit: bool = False, read_only: bool = False
    ) -> None:
        super().__init__(database, autocommit=autocommit, read_only=read_only)
        self.user = "lungfish"
        self.functions = SessionFunctions(self)
        self.settings.show_names(self.functions)
        self.settings.on_string_reading = self._ready.forget
        # By name.
        self.prepared: dict[str, Prepared] = {}
        self.routines = RoutineRuns(self)
        self.last_query = ""
        # The thread that ran it.
        self._thread_number = 0
        # What a COPY ... FROM STDIN reads, while one is running.
        self.copy_input: Iterable[str | bytes] | None = None

    # Running statements.

    def execute(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> list[StatementResult]:
        """Run the text's statements and answer a result for each. Raises lungfish.errors.Error, with the text attached."""
        with self._mutex:
            self._check_open()
            self._note_start(sql)
            parsed = read = None
            try:
                if self.settings.string_reading is not None:
                    read, sql = read_strings(self, sql)
                text = self._ready.text(sql, parameters is not None)
                if text is not None:
                    parsed = text.parsed
                    if parameters is None and self._is_untimed(timeout_s):
                        (statement,) = parsed.statements
                        if isinstance(statement, TRANSACTION_CONTROL):
                            return [self._control(statement)]
                    values, types = bind_parameters(parsed, parameters, self.settings.text)
                    ready = self._ready.find(text, types)
                    if ready is not None and self._is_valid(ready):
                        return [self._run_limited(ready, values, timeout_s)]
                else:
                    if parameters is None:
                        lifted = self._run_lifted(sql, timeout_s)
                        if lifted is not None:
                            return [lifted]
                    parsed = parse_text(
                        self.database.parsed_texts, sql, has_parameters=parameters is not None
                    )
                    values, types = bind_parameters(parsed, parameters, self.settings.text)
                if len(parsed.statements) == 1:
                    with self._limit_time(timeout_s):
                        result = self._run(parsed, 0, values, types)
                    self._make_ready(sql, parameters is not None, parsed, types)
                    return [result]
                return self._run_several(parsed, timeout_s)
            except Error as error:
                if parsed is None and self._transaction is not None and self._is_explicit:
                    # A text that cannot be parsed fails the transaction, as any failed statement does.
                    self._fail()
                raise_worded(error, sql, None if parsed is None else parsed.position_of, read)
            except OWN_MISTAKES as error:
                if self.copy_input is not None:
                    # What gives the data of a COPY is the caller's, and so are its exceptions.
                    raise
                raise_worded(error, sql, None)

    def run_ready(
        self, sql: str, ready: ReadyStatement, values: tuple[Any, ...], parsed: ParsedText | None
    ) -> StatementResult:
        """What `execute` does with a statement that is ready, of a parsed text or (None) one whose literals were lifted out of it.

        Requires: the mutex, and that all is so as `execute` finds it on its way there. Compiled code sees to both (native_runner.pyx).
        """
        self._note_start(sql)
        try:
            return self._run_ready(ready, values)
        except (Error, *OWN_MISTAKES) as error:
            text = lift_literals(sql) if parsed is None else parsed
            raise_worded(error, sql, None if text is None else text.position_of)

    def _note_start(self, sql: str) -> None:
        self.last_query, self._thread_number = sql, get_ident()
        cancellation = RUNNING.statement = self.cancellation
        cancellation.progress = None
        if cancellation.is_requested:
            self._forget_cancel()

    def copy_in(self, sql: str, pieces: Iterable[str | bytes]) -> StatementResult:
        """Run a COPY ... FROM STDIN over the pieces of its data."""
        with self._mutex:
            self.copy_input = pieces
            try:
                (result,) = self.execute(sql)
            finally:
                self.copy_input = None
            return result

    def execute_many(
        self, sql: str, parameter_sets: Iterable[Sequence[Any] | Mapping[str, Any]]
    ) -> StatementResult:
        """Run one statement for each set of parameters, in one transaction; answers the counts added up."""
        with self._mutex:
            self._check_open()
            self._note_start(sql)
            given = list(parameter_sets)
            opened = self._open_implicit()
            read = None
            try:
                read, sql = read_strings(self, sql)
                parsed = parse_text(self.database.parsed_texts, sql, has_parameters=True)
                if len(parsed.statements) != 1:
                    raise InterfaceError("executemany takes one statement")
                result = self._run_all_sets(parsed, given)
            except BaseException as error:
                self._close_implicit(opened, is_failed=True)
                if isinstance(error, Error):
                    raise_worded(error, sql, None, read)
                elif isinstance(error, OWN_MISTAKES):
                    raise internal_error(error).with_statement(sql) from error
                raise
            self._close_implicit(opened, is_failed=False)
            return result

    def _run_all_sets(
        self, parsed: ParsedText, sets: list[Sequence[Any] | Mapping[str, Any]]
    ) -> StatementResult:
        as_given = look_at_sets(parsed, sets)
        row_count = None if as_given is None else run_sets(self, parsed, as_given)
        if row_count is None:
            columns = bind_columns(parsed, sets, self.settings.text)
            row_count = None if columns is None else run_in_bulk(self, parsed, columns)
        if row_count is not None:
            return StatementResult(None, f"INSERT 0 {row_count}", row_count)
        bound = [bind_parameters(parsed, each, self.settings.text) for each in sets]
        return self._run_sets(parsed, bound)

    def _run_sets(self, parsed: ParsedText, bound: Sequence[BoundParameters]) -> StatementResult:
        """Runs of sets with the same types: inserted together where the statement allows it, else one by one."""
        row_count, tag = 0, "INSERT 0"
        for types, group in itertools.groupby(bound, key=itemgetter(1)):
            sets = [values for values, _ in group]
            result = None
            if len(sets) > 1 and types:
                result = run_in_bulk(self, parsed, columns_of_sets(sets, types))
            if result is not None:
                row_count += result
                continue
            for values in sets:
                found = self._run(parsed, 0, values, types)
                row_count += max(found.row_count, 0)
                tag = found.tag.rpartition(" ")[0]
        return StatementResult(None, f"{tag} {row_count}".strip(), row_count)

    def _run_several(self, parsed: ParsedText, timeout_s: float | None) -> list[StatementResult]:
        """Several statements in one text are one transaction, unless they say otherwise."""
        results = []
        opened = False
        try:
            with self._limit_time(timeout_s):
                for index, statement in enumerate(parsed.statements):
                    if not isinstance(statement, TRANSACTION_CONTROL):
                        # Again behind a COMMIT among them.
                        opened |= self._open_implicit()
                    results.append(self._run(parsed, index, (), ()))
        except BaseException:
            self._close_implicit(opened, is_failed=True)
            raise
        self._close_implicit(opened, is_failed=False)
        return results

    def _open_implicit(self) -> bool:
        """Hold a transaction open around several statements. False if one is open already."""
        if self._transaction is not None or not self.autocommit:
            return False
        self._begin()
        self._is_implicit_block = True
        return True

    def _close_implicit(self, opened: bool, *, is_failed: bool) -> None:
        """End what `_open_implicit` began, unless the statements themselves began or ended a transaction."""
        self._is_implicit_block = False
        if not opened or self._transaction is None or self._is_explicit:
            return
        if is_failed:
            self.rollback()
        else:
            self.commit()

    def _run(
        self,
        parsed: ParsedText,
        index: int,
        values: tuple[Any, ...],
        types: tuple[SqlType | None, ...],
    ) -> StatementResult:
        """One statement within the right transaction."""
        statement = parsed.statements[index]
        text = parsed.texts[index]
        result = self.run_in_transaction(
            statement, lambda: self._dispatch(statement, text, values, types)
        )
        assert result is not None, "dispatching answers a result"
        return result

    def run_in_transaction(
        self, statement: Statement, run: Callable[[], StatementResult | None]
    ) -> StatementResult | None:
        """Run a statement in the open transaction, or in one of its own; its failure marks or ends that."""
        if isinstance(statement, TRANSACTION_CONTROL):
            return self._control(statement)
        if self._is_failed:
            raise InFailedSqlTransaction(
                "current transaction is aborted, commands ignored until end of transaction block",
                hint="ROLLBACK ends it; ROLLBACK TO goes back to a savepoint.",
            )
        is_single = self._transaction is None and self.autocommit
        if self._transaction is None and runs_outside_transaction(statement):
            self._wait_until_taken_back(self.cancellation.check)
            return run_utility(self, statement)
        if self._transaction is None:
            self._begin()
            self._is_explicit = not is_single
        functions = self.functions
        functions.statement_time_us = self.database.clock.utc_us()
        try:
            if self._late is not None:
                self._wait_until_taken_back(self.cancellation.check)
            result = run()
        except BaseException:
            self._after_failure(is_single=is_single)
            raise
        if is_single:
            self.commit()
        else:
            assert self._transaction is not None
            self._transaction.end_statement()
        return result

    def _dispatch(
        self,
        statement: Statement,
        text: str,
        values: tuple[Any, ...],
        types: tuple[SqlType | None, ...],
    ) -> StatementResult:
        if isinstance(statement, PLANNED):
            return self._run_query(statement, text, values, types)
        if isinstance(statement, utility.AsOf):
            return run_as_of(self, statement, text, values, types)
        if is_ddl(statement):
            self.require_writable(statement)
            self.has_queried = True
            tag = execute_ddl(self.ddl_context(), statement)
            assert self._transaction is not None
            assert self._change is not None
            note_ddl(self._transaction, self._change)
            return StatementResult(None, tag)
        return run_utility(self, statement)

    def run_inside(
        self, statement: Statement, values: tuple[Any, ...], types: tuple[SqlType | None, ...]
    ) -> StatementResult:
        """Run a statement of a routine's body that is neither query nor change of rows. Raises FeatureNotSupported."""
        if runs_outside_transaction(statement):
            raise FeatureNotSupported(
                f"{type(statement).__name__} is not allowed in an SQL function"
            )
        return self._dispatch(statement, "", values, types)

    # DDL.

    def ddl_context(self) -> DdlContext:
        """What DDL works with; the first DDL of a transaction takes the catalog's lock, which it keeps to the end."""
        assert self._transaction is not None
        if self._change is None:
            self._change = self.database.begin_catalog_change(
                self._transaction, self.temporary, lambda: self.catalog
            )
        return DdlContext(self._change, SessionRunner(self), self.settings.search_path)

    @property
    def deferred_checks(self) -> DeferredChecks:
        """The checks that the transaction has put off."""
        return self._deferred

    def run_commit_actions(self) -> None:
        """Empty or drop the temporary tables whose ON COMMIT says so."""
        tables = self.catalog.commit_action_tables
        names = {
            action: tuple(
                queries.ObjectName(table.name, "pg_temp")
                for table in tables
                if table.on_commit == action
            )
            for action in ("drop", "delete rows")
        }
        if names["drop"]:
            execute_ddl(self.ddl_context(), ddl.Drop("table", names["drop"], is_cascade=True))
        assert self._transaction is not None
        if not self._transaction.id:
            return
        for name in names["delete rows"]:
            delete = dml.Delete(queries.TableReference(name, is_only=True))
            self.run_plan(self.locked_plan(delete, None, ()).plan, ())

    # The rest.

    def facts(self, asking_number: int) -> SessionFacts:
        """The session as the system views show it; from any thread."""
        is_running = asking_number == self.number
        if not is_running:
            is_running = not self._mutex.acquire(blocking=False)
            if not is_running:
                self._mutex.release()
        transaction = self._transaction
        return SessionFacts(
            number=self.number,
            user=self.user,
            application_name=self.settings.get("application_name"),
            thread_name=_thread_name(self._thread_number),
            begun_at=self.begun_at,
            query=self.last_query,
            query_began_at=self.functions.statement_time_us or None,
            is_running=is_running,
            is_failed=self._is_failed,
            transaction=None if transaction is None else transaction.facts(),
            progress=self.cancellation.progress,
            cancel=self.cancel,
        )

    @property
    def own_state(self) -> str:
        """What would end with the session, in words; "" if a new session could go on in its place. Numbers of currval do not count."""
        kept = (
            (self._transaction is not None and self._is_explicit, "a transaction"),
            (bool(self.temporary.objects), "temporary objects"),
            (bool(self.prepared), "prepared statements"),
            (bool(self.cursors.open), "cursors"),
            (bool(self.settings.snapshot()), "settings"),
            (bool(self._lock_owner.session_counts), "advisory locks"),
        )
        return ", ".join(name for is_there, name in kept if is_there)

    @property
    def blockers(self) -> list[int]:
        """The numbers of the sessions that its statement waits for just now."""
        return self.database.transactions.locks.blockers(self._lock_owner)

    @property
    def description(self) -> str:
        """The session as histories name it."""
        name = self.settings.get("application_name")
        return f"session {self.number}" + (f" ({name})" if name else "")

    @property
    def time_zone(self) -> str:
        """The name of the session's time zone."""
        return self.settings.get("TimeZone")

    def show(self, name: str) -> str:
        """The value of a setting, the transaction's own included. Raises UndefinedObject."""
        folded = name.lower()
        if folded == "transaction_isolation":
            open_one = self._transaction
            level = self.settings.default_isolation if open_one is None else open_one.isolation
            return level.value
        if folded == "transaction_read_only":
            if self._transaction is not None:
                return "on" if self._transaction.is_read_only else "off"
            return "on" if self.is_read_only or self.settings.is_read_only else "off"
        if folded == "wal_recovery_mode":
            return self.database.options.wal_recovery_mode
        if folded == "transaction_deferrable" and self._transaction is not None:
            return "on" if self._transaction.is_deferrable else "off"
        return self.settings.get(name)

    def set_default(self, name: str, value: str) -> None:
        """A setting that RESET goes back to: what the connection was opened with."""
        self.settings.set_default(name, value)

    def lock_relation(self, name: str, oid: int, mode: LockMode, *, is_nowait: bool) -> None:
        """Lock a table until the transaction ends. Raises LockNotAvailable with `is_nowait`."""
        locks, tag = self.database.transactions.locks, table_tag(oid)
        if not is_nowait:
            self._lock_owner.timeout_s = self.settings.lock_timeout_s
            locks.acquire(self._lock_owner, tag, mode)
        elif not locks.try_acquire(self._lock_owner, tag, mode):
            raise LockNotAvailable(f'could not obtain lock on relation "{name}"')

    def lock_advisory(self, tag: LockTag, mode: LockMode, *, is_session: bool, waits: bool) -> bool:
        """Take an advisory lock; False if it is not to be had without waiting."""
        locks = self.database.transactions.locks
        if not waits:
            return locks.try_acquire(self._lock_owner, tag, mode, is_session=is_session)
        self._lock_owner.timeout_s = self.settings.lock_timeout_s
        locks.acquire(self._lock_owner, tag, mode, is_session=is_session)
        return True

    def unlock_advisory(self, tag: LockTag, mode: LockMode) -> bool:
        """Give back one of the session's own advisory locks. False if it has none such."""
        return self.database.transactions.locks.release_session(self._lock_owner, tag, mode)

    def unlock_all_advisory(self) -> None:
        """Give back all of them."""
        self.database.transactions.locks.release_all_session(self._lock_owner)

    def close(self) -> None:
        """Roll back what is open and leave the database, which closes with its last session."""
        with self._mutex:
            if self.is_closed:
                return
            self.is_closed = True
            try:
                if not self.database.is_closed:
                    self.rollback()
                    self._wait_until_taken_back()
                    self.database.transactions.locks.dismiss(self._lock_owner)
                    self.database.drop_temporaries(self.temporary)
            finally:
                self.database.leave(self)


def _thread_name(number: int) -> str | None:
    """The name of a living thread."""
    return next((each.name for each in living_threads() if each.ident == number), None)
