"""What a running statement knows: its transaction, snapshot, parameters and limits.

`ExecutionContext` belongs to one execution of one statement; the session makes it. Operators and expressions are handed a
`Run`: the context, and the current rows of the enclosing queries. A correlated subquery or the right side of a lateral
join runs under a `Run` of its own with one row more, so a generator that is suspended keeps the rows it
was started with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Table
from lungfish.executor.cancellation import Cancellation
from lungfish.executor.memory import MemoryBudget
from lungfish.functions.registry import FunctionContext
from lungfish.storage.ids import TransactionId
from lungfish.storage.snapshots import Snapshot
from lungfish.types.settings import CANONICAL, TextSettings

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
Result = TypeVar("Result")


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

    def compute(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """What the call answers: see `Cancellation.compute`."""
        return self.context.cancellation.compute(call, *arguments)

    def check_cancel(self) -> None:
        """Raise QueryCanceled if the statement was asked to stop."""
        cancellation = self.context.cancellation
        if cancellation.is_requested:
            cancellation.check()


class _Unstoppable:
    """The cancellation of what no statement does: nobody can ask it to stop."""

    is_requested = False

    @staticmethod
    def compute(call: Callable[..., Result], *arguments: Any) -> Result:
        return call(*arguments)


class _NoSession:
    """What is immutable reads literals of ranges and rows as under the usual settings, and asks for nothing else."""

    @staticmethod
    def session_fact(name: str) -> TextSettings:
        assert name == "text_settings", "nothing else is asked"
        return CANONICAL


class _NoStatement:
    """The context of what storage evaluates by itself."""

    cancellation = _Unstoppable()
    functions = _NoSession()


# For expressions that need nothing of a running statement: keys of indexes, operators of exclusion constraints.
DETACHED = Run(cast(ExecutionContext, _NoStatement()))
