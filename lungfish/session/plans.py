"""The part of a session that plans statements and runs plans: `_run_query` is the way of each, `_run_ready` the short one.

What makes a statement ready for the short way is in `ready.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lungfish.catalog import Catalog
from lungfish.database.plan_cache import CachedPlan, ParsedText
from lungfish.errors import Error, ReadOnlySqlTransaction, UndefinedParameter
from lungfish.executor import ExecutionContext, MemoryBudget, execute
from lungfish.planner import plan_statement
from lungfish.planner.physical import PhysicalStatement
from lungfish.session.dated_literals import check_dated_literals
from lungfish.session.function_context import SessionFunctions
from lungfish.session.parameters import (
    infer_values,
    move_position,
    parse_text,
)
from lungfish.session.read_only import command_tag_of
from lungfish.session.ready import (
    ReadyStatement,
    ReadyStatements,
    literal_values,
    looks_up_keys,
    make_ready_statement,
    plain_literal_values,
    refresh,
)
from lungfish.session.results import StatementResult
from lungfish.session.table_locks import locks_of_plan
from lungfish.session.time_limit import limit_time
from lungfish.session.transactions import TransactionalSession
from lungfish.sql.ast import Statement, dml, queries, utility
from lungfish.sql.literal_shapes import LiteralShapes
from lungfish.sql.normalize import lift_literals
from lungfish.storage.lock_modes import LockMode, table_tag
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import Transaction
from lungfish.types.sql_type import SqlType, TypeKind

if TYPE_CHECKING:
    from lungfish.database import Database

PLANNED = (queries.Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)
# Their few texts come again and again.
BLOCK_ENDS = (utility.Begin, utility.Commit, utility.Rollback)


class PlanningSession(TransactionalSession):
    """A session's way from a statement to its result. `Session` is what comes before: texts and their statements."""

    # As in TransactionalSession.
    __slots__ = ("_ready", "_shapes")

    # Made by `Session`.
    functions: SessionFunctions

    def __init__(self, database: Database, *, autocommit: bool, read_only: bool) -> None:
        super().__init__(database, autocommit=autocommit, read_only=read_only)
        self._ready = ReadyStatements()
        self._shapes = LiteralShapes()

    # Statements that run again.

    def _is_valid(self, ready: ReadyStatement) -> bool:
        return (
            self._sees(ready.catalog)
            and ready.search_path is self.settings.search_path
            and not self._is_failed
            and self._late is None
            and not ready.cached.is_outgrown
        )

    def _sees(self, catalog: Catalog) -> bool:
        """Whether this is the session's catalog. Hot: twice in each short statement."""
        if self._change is None and not self.temporary.objects:
            return catalog is self.database.catalog
        return catalog is self.catalog

    def _make_ready(
        self, sql: str, has_parameters: bool, parsed: ParsedText, types: tuple[SqlType | None, ...]
    ) -> ReadyStatement | None:
        """Keep a statement that has just run, if it is one whose next run can be shorter."""
        statement = parsed.statements[0]
        if isinstance(statement, BLOCK_ENDS):
            self._ready.know(sql, has_parameters, parsed)
        if not isinstance(statement, PLANNED) or self._change is not None:
            return None
        cached = self.plan(statement, parsed.texts[0], types)
        pipeline = self.database.programs.program(cached.plan).pipeline
        if pipeline is None or cached.plan.dated_literals:
            return None
        made = make_ready_statement(
            statement,
            types,
            cached,
            pipeline,
            catalog=self.catalog,
            settings=self.settings,
            tables=self.database,
        )
        self._ready.keep(sql, has_parameters, parsed, made)
        return made

    def _run_lifted(self, sql: str, timeout_s: float | None) -> StatementResult | None:
        """Run a statement that differs from an earlier one in its literals only; None where that is not known to be so.

        Only plans that look up keys are shared: for others the literals may ask for another plan. And whatever goes wrong before it
        runs is left to the ordinary way, which words the error with its place.
        """
        known = self._shapes.find(sql)
        if known is not None:
            shape, literals = known
            values, types = plain_literal_values(literals)
        else:
            lifted = lift_literals(sql)
            if lifted is None:
                return None
            self._shapes.note(sql, lifted)
            shape = lifted.shape
            values, types = literal_values(lifted.literals)
        if self._ready.is_refused(shape, types):
            return None
        try:
            text = self._ready.text(shape, True)
            ready = None if text is None else self._ready.find(text, types)
            if ready is None or not self._is_valid(ready):
                ready = self._make_lifted_ready(shape, types)
                if ready is None:
                    return None
            if ready.is_inferring:
                wanted = ready.cached.plan.parameter_types
                values = infer_values(values, types, wanted, self.settings.text)
        except Error:
            return None
        try:
            return self._run_limited(ready, values, timeout_s, is_inferred=True)
        except Error as error:
            lifted = lift_literals(sql)
            if lifted is None:
                # Only a shape that is known takes texts that look like parameters; where their error lies cannot be told then.
                error.position = None
                raise
            raise move_position(error, lifted.position_of)  # noqa: B904 - the same error, its place mapped back.

    def _run_limited(
        self,
        ready: ReadyStatement,
        values: tuple[Any, ...],
        timeout_s: float | None,
        *,
        is_inferred: bool = False,
    ) -> StatementResult:
        """`_run_ready` under the statement's time limit, if it has one."""
        if self._is_untimed(timeout_s):
            return self._run_ready(ready, values, is_inferred=is_inferred)
        with self._limit_time(timeout_s):
            return self._run_ready(ready, values, is_inferred=is_inferred)

    def _make_lifted_ready(
        self, shape: str, types: tuple[SqlType | None, ...]
    ) -> ReadyStatement | None:
        """Plan a shape for the first time, or for literals of other types."""
        if self._is_failed or self._change is not None:
            return None
        parsed = parse_text(self.database.parsed_texts, shape, has_parameters=True)
        statement = parsed.statements[0]
        if isinstance(statement, PLANNED):
            plan = self.plan(statement, parsed.texts[0], types).plan
            if looks_up_keys(plan.root) and not any(map(_reads_by_place, plan.parameter_types)):
                made = self._make_ready(shape, True, parsed, types)
                if made is not None:
                    return made
        self._ready.refuse(shape, types)
        return None

    def _run_ready(
        self, ready: ReadyStatement, values: tuple[Any, ...], *, is_inferred: bool = False
    ) -> StatementResult:
        """What `run_in_transaction` and `_run_query` do, for a statement that is ready. Hot: every short statement of bench/."""
        transaction, plan = self._transaction, ready.cached.plan
        is_single = transaction is None and self.autocommit
        is_reading = is_single and plan.is_read_only
        if is_reading:
            transaction = self._begin_reading()
        elif transaction is None:
            self._begin()
            self._is_explicit = not is_single
            transaction = self._transaction
        assert transaction is not None
        self.has_queried = True
        self.functions.statement_time_us = self.database.clock.utc_us()
        try:
            locks, owner = self.database.transactions.locks, self._lock_owner
            for tag, mode, bit in ready.locks:
                if not locks.fast_path.take(owner, tag, bit):
                    locks.acquire(owner, tag, mode)
            if not self._sees(ready.catalog):
                # It has changed before the locks were there.
                result = self._run_query(ready.statement, None, values, ready.types)
            else:
                if not plan.is_read_only:
                    self.require_writable(ready.statement, ready.cached)
                if ready.is_inferring and not is_inferred:
                    wanted = plan.parameter_types
                    values = infer_values(values, ready.types, wanted, self.settings.text)
                by_lane = self._run_lane(ready, values, transaction)
                result = by_lane or self._run_pipeline(ready, values, transaction)
        except BaseException:
            self._after_failure(is_single=is_single)
            raise
        if is_reading:
            self._end_reading(transaction)
        elif is_single:
            self.commit()
        else:
            transaction.end_statement()
        return result

    def _run_lane(
        self, ready: ReadyStatement, values: tuple[Any, ...], transaction: Transaction
    ) -> StatementResult | None:
        """The result by the statement's lane, if it has one that will do it. Raises if the transaction's snapshot was given up."""
        lane = ready.lane
        if lane is None or self.tables is not self.database or self.cancellation.is_requested:
            return None
        transaction.begin_step()
        outcome = lane.run(values, transaction)
        if outcome is None and not (transaction.id or ready.is_read_only):
            # There is a row to write: the first of the transaction, most likely.
            transaction.assign_id()
            outcome = lane.run(values, transaction)
        return None if outcome is None else ready.result(outcome)

    def _run_pipeline(
        self, ready: ReadyStatement, values: tuple[Any, ...], transaction: Transaction
    ) -> StatementResult:
        context, ready.context = ready.context, None
        if context is None or context.tables is not self.tables:
            context = self.execution_context(values)
        else:
            refresh(context, transaction, values, self._deferred)
        result = ready.pipeline(context)
        ready.context = context
        return result

    def _run_query(
        self,
        statement: Statement,
        text: str | None,
        values: tuple[Any, ...],
        types: tuple[SqlType | None, ...],
    ) -> StatementResult:
        """The way of a query or a change of rows: plan (or find the plan), lock its tables, execute."""
        self.has_queried = True
        cached = self.locked_plan(statement, text, types)
        if not cached.plan.is_read_only:
            self.require_writable(statement, cached)
        wanted = cached.plan.parameter_types
        if len(wanted) > len(values):
            # Also one that no row asks for, as in coalesce(1, $1).
            raise UndefinedParameter(f"there is no parameter ${len(values) + 1}")
        return self.run_plan(cached.plan, infer_values(values, types, wanted, self.settings.text))

    def locked_plan(
        self, statement: Statement, text: str | None, types: tuple[SqlType | None, ...]
    ) -> CachedPlan:
        """The statement's plan, with its tables locked: planned again if the catalog changed while we waited."""
        while True:
            catalog = self.catalog
            cached = self.plan(statement, text, types)
            check_dated_literals(cached.plan.dated_literals, self.settings.text)
            self._lock_tables(cached)
            if self.catalog is catalog:
                return cached

    def plan(
        self, statement: Statement, text: str | None, types: tuple[SqlType | None, ...]
    ) -> CachedPlan:
        """The statement's plan, from the cache if its text is known there."""
        catalog = self.catalog
        key = (text, types, catalog.version, self.settings.search_path)
        if text is not None:
            found = self.database.plans.get(key)
            if found is not None and not found.is_outgrown:
                return found
        plan = plan_statement(
            statement,
            catalog,
            parameter_types=types,
            search_path=self.settings.search_path,
            statistics=self.database.statistics,
        )
        locks = locks_of_plan(plan)
        cached = CachedPlan(plan, locks, self.database.page_counts(catalog, locks))
        if text is not None:
            self.database.plans.put(key, cached)
        return cached

    def _lock_tables(self, cached: CachedPlan) -> None:
        """Lock the plan's tables, waiting if need be."""
        locks = self.database.transactions.locks
        for oid, mode in cached.locks:
            locks.acquire(self._lock_owner, table_tag(oid), mode)

    def run_plan(self, plan: PhysicalStatement, values: tuple[Any, ...]) -> StatementResult:
        """Execute a plan whose tables are locked."""
        return execute(plan, self.execution_context(values))

    def lock_plan(self, cached: CachedPlan) -> None:
        """Lock a plan's tables."""
        self._lock_tables(cached)

    def execution_context(
        self, values: tuple[Any, ...] = (), snapshot: Snapshot | None = None
    ) -> ExecutionContext:
        """What the executor knows of the statement that runs now; without `snapshot` it sees what is there now."""
        assert self._transaction is not None
        database = self.database
        return ExecutionContext(
            transaction=self._transaction,
            snapshot=self._transaction.statement_snapshot() if snapshot is None else snapshot,
            catalog=self.catalog,
            tables=self.tables,
            functions=self.functions,
            programs=database.programs,
            parameters=values,
            cancellation=self.cancellation,
            memory=MemoryBudget(self.settings.work_mem_bytes),
            spill=database.spill,
            deferred=self._deferred,
        )

    def require_writable(self, statement: Any, cached: CachedPlan | None = None) -> None:
        """Raise ReadOnlySqlTransaction in a read-only transaction, unless the plan writes temporary tables only."""
        if self._transaction is not None and self._transaction.is_read_only:
            if cached is not None and self._writes_own_tables(cached):
                return
            name = command_tag_of(statement)
            raise ReadOnlySqlTransaction(f"cannot execute {name} in a read-only transaction")

    def _writes_own_tables(self, cached: CachedPlan) -> bool:
        own = {item.oid for item in self.catalog.temporaries()}
        written = [oid for oid, mode in cached.locks if mode >= LockMode.ROW_SHARE]
        return bool(written) and own.issuperset(written)

    def _after_failure(self, *, is_single: bool) -> None:
        if is_single:
            self.rollback()
        elif self._transaction is not None:
            self._fail()

    # Stopping.

    def cancel(self, reason: str = "canceling statement due to user request") -> None:
        """Stop the statement that is running, from any thread."""
        self.cancellation.request(reason)
        self.database.transactions.locks.cancel(self._lock_owner, reason)

    def _forget_cancel(self) -> None:
        """What was asked of an earlier statement of the transaction, or of none, is no matter of the next one."""
        self.cancellation.reset()
        self._lock_owner.cancel_message = None

    def _is_untimed(self, timeout_s: float | None) -> bool:
        return timeout_s is None and self.settings.statement_timeout_s <= 0

    def _limit_time(self, timeout_s: float | None) -> Any:
        if timeout_s is None:
            timeout_s = self.settings.statement_timeout_s
        return limit_time(timeout_s, self.cancel)


def _reads_by_place(kind: SqlType | None) -> bool:
    """Whether a literal of the type says something else than a parameter's text: an interval is read by its column's fields, a
    name while the statement is planned."""
    return kind is not None and kind.kind in (TypeKind.INTERVAL, TypeKind.REGISTERED)
