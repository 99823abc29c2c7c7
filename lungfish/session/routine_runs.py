"""Routines written in SQL, run: each statement of the body in its turn, within the transaction of the statement that calls.

What a statement of a body sees (PostgreSQL: functions.c):

    volatile            a snapshot of its own, and all that the transaction has changed so far, the caller's statement included
    stable, immutable   the caller's snapshot, without what the caller's statement has changed; it may not change anything

The rows of the last statement become the result as `planner/routine_body.py: shape_of` says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

from lungfish import errors
from lungfish.database.plan_cache import CachedPlan
from lungfish.executor import ExecutionContext, Run, execute, execute_batches
from lungfish.executor.execute import run_program
from lungfish.executor.own_changes import OwnChanges
from lungfish.executor.programs import IdentityCache, Program, compile_operators, new_compiler
from lungfish.executor.rows import batch_rows
from lungfish.planner import bind_procedure_call, plan_statement, routine_shape
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.routine_body import body_statements
from lungfish.planner.routine_calls import RoutineCall, procedure_call
from lungfish.planner.routine_frame import frame_of_types
from lungfish.session.results import StatementResult
from lungfish.session.table_locks import locks_of_plan
from lungfish.sql.ast import Statement, dml, queries, routines, utility
from lungfish.types.sql_type import TypeKind

if TYPE_CHECKING:
    from lungfish.catalog import Catalog
    from lungfish.session.session import Session

_PROGRAMS_MAX = 512
# Python frames that must be left when a routine begins: a statement takes some 60 from here to its innermost row.
_FRAMES_LEFT = 250
# From this depth on the frames are counted.
_DEPTH_COUNTED = 3

_PLANNED = (queries.Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)
_CONTROL = (
    utility.Begin,
    utility.Commit,
    utility.Rollback,
    utility.Savepoint,
    utility.Release,
)
_CASTS = Callable[[Sequence[Any]], Any]


class _Step:
    """A statement of a body, with its plan for the catalog that was last seen."""

    __slots__ = ("_catalog", "_path", "cached", "program", "statement")

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.cached: CachedPlan | None = None
        # Its operators, for callers whose own changes it must not see.
        self.program: Program | None = None
        self._catalog: Catalog | None = None
        self._path: tuple[str, ...] = ()

    def plan(self, session: Session, call: RoutineCall) -> CachedPlan:
        """The plan with its tables locked, made anew if the catalog has changed."""
        while True:
            catalog, path = session.catalog, session.settings.search_path
            cached = self.cached
            if cached is None or self._catalog is not catalog or self._path != path:
                cached = self._planned(session, call)
                self.cached, self._catalog, self._path = cached, catalog, path
                self.program = None
            session.lock_plan(cached)
            if session.catalog is catalog:
                return cached

    def _planned(self, session: Session, call: RoutineCall) -> CachedPlan:
        routine = call.routine
        catalog = session.catalog
        try:
            plan = plan_statement(
                self.statement,
                catalog,
                parameter_types=call.argument_types,
                search_path=session.settings.search_path,
                statistics=session.database.statistics,
                routine=frame_of_types(routine.name, routine.parameter_names, call.argument_types),
            )
        except errors.Error as error:
            error.position = None
            raise
        locks = locks_of_plan(plan)
        return CachedPlan(plan, locks, session.database.page_counts(catalog, locks))


@dataclass(slots=True)
class _Body:
    """A body for one kind of call."""

    steps: tuple[_Step, ...]
    # The plan of the last step for which `convert` was made.
    converted: CachedPlan | None = None
    convert: _CASTS | None = None


class RoutineRuns:
    """The routines that a session runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bodies: IdentityCache[RoutineCall, _Body] = IdentityCache(_PROGRAMS_MAX)
        self._depth = 0

    def run(self, call: RoutineCall, arguments: Sequence[Any], caller: ExecutionContext) -> Any:
        """The value of a call; of one that answers a set, the list of its values."""
        body = self._bodies.get(call)
        if body is None:
            steps = tuple(map(_Step, body_statements(call.routine.body)))
            body = self._bodies.put(call, _Body(steps))
        self._enter()
        try:
            with self._settings_of(call):
                if call.routine.volatility == "volatile":
                    with self._own_snapshots(caller):
                        return self._run_steps(body, call, tuple(arguments), caller)
                return self._run_steps(body, call, tuple(arguments), caller)
        except errors.Error as error:
            # The place is one in the body.
            error.position = None
            raise
        finally:
            self._depth -= 1

    def _enter(self) -> None:
        """Raise StatementTooComplex while there is still room to raise it in order."""
        if self._depth >= _DEPTH_COUNTED:
            count = 0
            frame: FrameType | None = sys._getframe()
            while frame is not None:
                count += 1
                frame = frame.f_back
            if count + _FRAMES_LEFT > sys.getrecursionlimit():
                raise errors.StatementTooComplex(
                    "stack depth limit exceeded",
                    hint="A function calls itself too often; sys.setrecursionlimit() allows more.",
                )
        self._depth += 1

    @contextmanager
    def _settings_of(self, call: RoutineCall) -> Iterator[None]:
        """The settings that hold while the routine runs."""
        routine, settings = call.routine, self._session.settings
        if not routine.settings and not routine.is_standard:
            yield
            return
        before, local = settings.snapshot(), settings.locals()
        try:
            if routine.is_standard:
                settings.search_path = routine.search_path
            for name, value in routine.settings:
                settings.set(name, value, is_local=True)
            yield
        finally:
            settings.restore(before, local)

    @contextmanager
    def _own_snapshots(self, caller: ExecutionContext) -> Iterator[None]:
        """Statements inside take snapshots of their own; the caller goes on with its own afterwards."""
        transaction = caller.transaction
        transactions = self._session.database.transactions
        before = transaction.snapshot
        held = {caller.snapshot} if before is None else {caller.snapshot, before}
        for snapshot in held:
            transactions.hold(snapshot)
        try:
            yield
        finally:
            if transaction.snapshot is not before and transaction.snapshot is not None:
                transactions.members.restore_snapshot(transaction, before)
            if transaction.id and caller.own_changes is not None:
                caller.snapshot.own_id = transaction.id
            for snapshot in held:
                transactions.release(snapshot)

    def call(self, statement: routines.Call) -> StatementResult:
        """Run CALL: a procedure with output parameters answers one row of them."""
        session = self._session
        node = statement.call
        routine, bound = bind_procedure_call(node, session.catalog, session.settings.search_path)
        context = session.execution_context()
        run, compiler = Run(context), new_compiler()
        values = [compiler.row(argument)((), run) for argument in bound]
        call = procedure_call(routine, tuple(argument.type for argument in bound))
        row = self.run(call, values, context)
        if not routine.outputs:
            return StatementResult(None, "CALL")
        columns = tuple(map(OutputColumn, call.result.labels, call.result.fields))
        rows = [(None,) * len(columns) if row is None else row]
        return StatementResult(columns, "CALL", 1, rows=rows)

    def _call_inside(
        self,
        statement: routines.Call,
        call: RoutineCall,
        values: tuple[Any, ...],
        caller: ExecutionContext,
    ) -> None:
        """Run CALL in a body, whose parameters the arguments may use."""
        session, routine = self._session, call.routine
        frame = frame_of_types(routine.name, routine.parameter_names, call.argument_types)
        called, bound = bind_procedure_call(
            statement.call, session.catalog, session.settings.search_path, frame
        )
        run, compiler = Run(self._context(caller, values, is_steady=False)), new_compiler()
        given = [compiler.row(argument)((), run) for argument in bound]
        types = tuple(argument.type for argument in bound)
        self.run(procedure_call(called, types), given, run.context)

    # The statements.

    def _run_steps(
        self, body: _Body, call: RoutineCall, values: tuple[Any, ...], caller: ExecutionContext
    ) -> Any:
        steps = body.steps
        if not steps:
            _require_result(call)
            return [] if call.routine.returns_set else None
        for step in steps[:-1]:
            self._run_step(step, call, values, caller)
        last = steps[-1]
        if not isinstance(last.statement, _PLANNED):
            _require_result(call)
        if not isinstance(last.statement, _PLANNED) or call.result.kind is TypeKind.VOID:
            self._run_step(last, call, values, caller)
            return [] if call.routine.returns_set else None
        return self._run_last(body, call, values, caller)

    def _run_step(
        self, step: _Step, call: RoutineCall, values: tuple[Any, ...], caller: ExecutionContext
    ) -> None:
        """Run a statement for what it does."""
        statement = step.statement
        if isinstance(statement, _PLANNED):
            for _ in self._rows(step, call, values, caller):
                pass
            return
        self._check_allowed(statement, call, is_changing=True)
        if isinstance(statement, routines.Call):
            self._call_inside(statement, call, values, caller)
            return
        self._session.run_inside(statement, values, call.argument_types)

    def _run_last(
        self, body: _Body, call: RoutineCall, values: tuple[Any, ...], caller: ExecutionContext
    ) -> Any:
        """Run the statement whose rows are the result."""
        step = body.steps[-1]
        cached = step.plan(self._session, call)
        if body.convert is None or body.converted is not cached:
            body.convert, body.converted = self._converter(cached, call), cached
        convert = body.convert
        rows = self._rows(step, call, values, caller)
        if call.routine.returns_set:
            return [convert(row) for row in rows]
        first = next(rows, None)
        if cached.plan.is_read_only:
            rows.close()
        else:
            # It changes rows: all of them, though only the first is asked for.
            for _ in rows:
                pass
        return None if first is None else convert(first)

    def _rows(
        self, step: _Step, call: RoutineCall, values: tuple[Any, ...], caller: ExecutionContext
    ) -> Generator[tuple[Any, ...], None, None]:
        """The rows of a planned statement, as they are asked for."""
        session = self._session
        cached = step.plan(session, call)
        plan = cached.plan
        self._check_allowed(step.statement, call, is_changing=not plan.is_read_only)
        is_steady = call.routine.volatility != "volatile"
        context = self._context(caller, values, is_steady=is_steady)
        types = [column.type for column in plan.root.columns]
        if not plan.is_read_only:
            session.require_writable(step.statement)
            result = execute(plan, context)
            if result.rows is not None:
                yield from result.rows
                return
            batches = iter(result.batches)
        elif is_steady and context.own_changes is not None:
            if step.program is None:
                made = compile_operators(plan, new_compiler())
                step.program = replace(made, needs_own_changes=False)
            batches = run_program(step.program, plan, context)
        else:
            batches = execute_batches(plan, context)
        for batch in batches:
            if types:
                yield from batch_rows(batch, types)
            else:
                yield from [()] * batch.row_count

    def _context(
        self, caller: ExecutionContext, values: tuple[Any, ...], *, is_steady: bool
    ) -> ExecutionContext:
        snapshot = caller.snapshot if is_steady else None
        context = self._session.execution_context(values, snapshot)
        if is_steady:
            context.own_changes = caller.own_changes
        elif caller.own_changes is not None:
            context.own_changes = OwnChanges(caller.own_changes)
        return context

    def _check_allowed(self, statement: Statement, call: RoutineCall, *, is_changing: bool) -> None:
        word = command_words(statement)
        if isinstance(statement, _CONTROL):
            raise errors.FeatureNotSupported(f"{word} is not allowed in an SQL function")
        if is_changing and call.routine.volatility != "volatile":
            raise errors.FeatureNotSupported(f"{word} is not allowed in a non-volatile function")

    def _converter(self, cached: CachedPlan, call: RoutineCall) -> _CASTS:
        """What makes a value of the result of a row."""
        session = self._session
        plan = cached.plan
        columns = plan.root.columns
        answers = plan.tag == "SELECT" or bool(columns)
        result = call.result
        shape = routine_shape(
            call.routine,
            result,
            columns if answers else None,
            session.catalog,
            session.settings.search_path,
        )
        if shape.is_plain:
            return (lambda row: row[0]) if shape.kind == "value" else tuple
        compiler = new_compiler()
        assert session.transaction is not None
        run = Run(session.execution_context((), session.transaction.snapshot))
        casts = [
            (lambda row, _run, at=at: row[at]) if cast is None else compiler.row(cast)
            for at, cast in enumerate(shape.casts)
        ]
        if shape.kind == "value":
            only = casts[0]
            return lambda row: only(row, run)
        return lambda row: tuple([cast(row, run) for cast in casts])


def command_words(statement: Statement) -> str:
    """What a statement is called: CreateTable is CREATE TABLE, a query SELECT."""
    if isinstance(statement, queries.Query):
        return "SELECT"
    name = type(statement).__name__
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip().upper()


def _require_result(call: RoutineCall) -> None:
    """Raise InvalidFunctionDefinition where a last statement without rows cannot make the result."""
    if call.result.kind is not TypeKind.VOID:
        raise errors.InvalidFunctionDefinition(
            f"return type mismatch in {call.routine.kind} declared to return {call.result}",
            detail="Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING.",
        )
