"""What a running statement knows: its transaction, snapshot, parameters and limits.

`ExecutionContext` belongs to one execution of one statement; the session makes it. Operators and expressions are handed a
`Run`: the context, and the current rows of the enclosing queries. A correlated subquery or the right side of a lateral
join runs under a `Run` of its own with one row more, so a generator that is suspended keeps the rows it
was started with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.executor.memory import MemoryBudget
from lungfish.executor.statement_progress import StatementProgress
from lungfish.functions.registry import FunctionContext
from lungfish.storage.ids import TransactionId
from lungfish.storage.snapshots import Snapshot

if TYPE_CHECKING:
    from lungfish.executor.constraint_events import ConstraintEvents, DeferredChecks
    from lungfish.executor.own_changes import OwnChanges
    from lungfish.executor.programs import Programs
    from lungfish.executor.session_facts import SessionFacts
    from lungfish.executor.spill import SpillSpace
    from lungfish.recovery.core import StorageCore
    from lungfish.storage.table import TableStore
    from lungfish.storage.transactions import Transaction

# A row: internal values, as types/sql_type.py has them.
Row = tuple[Any, ...]


class TableProvider(Protocol):
    """Where the executor finds the stored form of a table; the database implements it."""

    @property
    def transactions(self) -> SnapshotSource: ...

    @property
    def core(self) -> StorageCore:
        """Storage and recovery, for the system views."""

    def table_store(self, table: Table) -> TableStore: ...

    def session_facts(self, own_number: int) -> list[SessionFacts]:
        """Every session, for the system views; that of `own_number` is the one that asks."""


class SnapshotSource(Protocol):
    """What gives snapshots of now: the transaction manager."""

    def take_snapshot(self, own_id: TransactionId) -> Snapshot: ...

    def release(self, snapshot: Snapshot) -> None: ...


class Cancellation:
    """A flag that any thread may raise; the statement looks at it once a batch and in long loops."""

    __slots__ = ("error", "is_requested", "progress", "reason")

    def __init__(self) -> None:
        self.is_requested = False
        # What the statement tells those who wait for it; None: nothing yet.
        self.progress: StatementProgress | None = None
        self.reason = "canceling statement due to user request"
        # Raised in place of QueryCanceled.
        self.error: errors.Error | None = None

    def request(self, reason: str | None = None) -> None:
        """Ask the statement to stop; `reason` replaces the error's message."""
        if reason is not None:
            self.reason = reason
        self.is_requested = True

    def check(self) -> None:
        """Raise QueryCanceled (57014) if the statement was asked to stop."""
        if self.is_requested:
            raise self.error if self.error is not None else errors.QueryCanceled(self.reason)

    def reset(self) -> None:
        """A new statement begins: what was asked of an earlier one is over."""
        self.is_requested = False
        self.error = None
        self.progress = None

    def begin(self, phase: str, total: int, units: str = "rows") -> StatementProgress:
        """A part of the statement begins that counts anew, from 0 to `total` (0: unknown); what it counts its work on."""
        before = self.progress
        part = 0 if before is None else before.part + 1
        progress = self.progress = StatementProgress(phase, units, 0, total, part)
        return progress

    def expect(self, phase: str, total: int, units: str = "rows") -> StatementProgress:
        """Something begins that has `total` to do (0: unknown), beside what the statement does already; what it counts its work on."""
        progress = self.progress
        if progress is None or progress.units != units:
            progress = self.begin(phase, 0, units)
        progress.phase = phase
        progress.total += total
        return progress


@dataclass(slots=True)
class ExecutionContext:
    """One execution of one statement."""

    transaction: Transaction
    snapshot: Snapshot
    catalog: Catalog
    tables: TableProvider
    functions: FunctionContext
    # Compiled plans and tables' rules; one for the whole database.
    programs: Programs
    # Internal values, one a parameter.
    parameters: Row = ()
    cancellation: Cancellation = field(default_factory=Cancellation)
    memory: MemoryBudget = field(default_factory=MemoryBudget)
    # Where blocking operators put what memory cannot hold; None: they keep it all the same.
    spill: SpillSpace | None = None
    # Checks put off to the end of the transaction; the transaction's own, None where none may be put off.
    deferred: DeferredChecks | None = None
    # What is to be looked at when the statement has made all its changes.
    constraint_events: ConstraintEvents | None = None
    # Rows that this statement has changed, kept only when it also reads after its first change.
    own_changes: OwnChanges | None = None
    # Results kept for the statement's duration, by the identity of what they belong to.
    kept: dict[object, Any] = field(default_factory=dict)
    # Rows of WITH queries and of recursion's last round, by cte_id.
    ctes: dict[int, Any] = field(default_factory=dict)
    work_tables: dict[int, Any] = field(default_factory=dict)

    @contextmanager
    def snapshot_of_now(self) -> Iterator[Snapshot]:
        """A snapshot that sees what others have committed meanwhile and all of our own changes: for foreign keys."""
        source = self.tables.transactions
        snapshot = source.take_snapshot(self.transaction.id)
        try:
            yield snapshot
        finally:
            source.release(snapshot)


class Run:
    """An execution context, with the current rows of the enclosing queries, the nearest last."""

    __slots__ = ("context", "outer_rows")

    def __init__(
        self, context: ExecutionContext, outer_rows: tuple[Sequence[Any], ...] = ()
    ) -> None:
        self.context = context
        self.outer_rows = outer_rows

    def inside(self, row: Sequence[Any]) -> Run:
        """The run of a plan for which `row` is the nearest outer row."""
        return Run(self.context, (*self.outer_rows, row))

    def check_cancel(self) -> None:
        """Raise QueryCanceled if the statement was asked to stop."""
        cancellation = self.context.cancellation
        if cancellation.is_requested:
            cancellation.check()
