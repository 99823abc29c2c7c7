"""Tables on real storage in memory, plans made by hand, and rows out of them: what the executor's tests share."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import PUBLIC_OID, Column, Constraint, Index, IndexColumn, Oid, Table
from lungfish.database.table_stores import TableStores
from lungfish.executor import DeferredChecks, ExecutionContext, ExecutionResult, Programs, execute
from lungfish.executor.context import Row
from lungfish.executor.memory import MemoryBudget
from lungfish.executor.programs import compile_operators, new_compiler
from lungfish.executor.rows import batch_rows
from lungfish.executor.spill import SpillSpace
from lungfish.functions import resolve_aggregate, resolve_operator
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    ColumnRef,
    Constant,
    OutputColumn,
    SortKey,
)
from lungfish.planner.physical import (
    InsertRows,
    PhysicalPlan,
    PhysicalStatement,
    SeqScan,
    ValuesScan,
)
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import ManualClock
from lungfish.storage.fence import Fence
from lungfish.storage.log import NoLog
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.storage.table import TableStore
from lungfish.storage.table_rows import purge_undo_list
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionManager
from lungfish.types.settings import CANONICAL
from lungfish.types.sql_type import BIGINT, BOOLEAN, SqlType


class NoFunctions:
    """The facts that evaluation asks for without any session."""

    def session_fact(self, name: str) -> Any:
        assert name == "text_settings"
        return CANONICAL


class World:
    """A database without SQL: tables, a transaction, and plans that run in it."""

    def __init__(self, *, has_pipelines: bool = False) -> None:
        """`has_pipelines`: statements take the short ways that they can take; else all go through the operators."""
        self.has_pipelines = has_pipelines
        clock = ManualClock()
        self.disk = MemoryDisk()
        pages = PageStore.create(
            self.disk, "w.db", page_size_bytes=16384, uuid=uuid.UUID(int=1), clock=clock
        )
        self.transactions = TransactionManager(NoLog(), Fence(), clock)
        self.transactions.purge_queue.hooks.append(purge_undo_list)
        self.stores = TableStores(
            BufferPool(pages, 64 << 20), pages, self.transactions, _no_expressions
        )
        self.catalog = Catalog.empty(())
        self.programs = Programs()
        self.memory_bytes = 256 << 20
        self.deferred = DeferredChecks()
        self.transaction = self.begin()
        self._oids = itertools.count(20000)
        self._relations = itertools.count(100, 2)

    def begin(self, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED) -> Transaction:
        """Begin a transaction and go on in it."""
        self.transaction = self.transactions.begin(isolation)
        return self.transaction

    def table_store(self, table: Table) -> TableStore:
        """As the database does it."""
        return self.stores.get(table)

    def create_table(
        self,
        name: str,
        columns: dict[str, SqlType],
        *,
        unique: Sequence[Sequence[str]] = (),
        plain: Sequence[Sequence[str]] = (),
        not_null: Sequence[str] = (),
        foreign_keys: Sequence[dict[str, Any]] = (),
    ) -> Table:
        """Make a table. `unique` and `plain` are the columns of its indexes; foreign keys: see `_foreign_key`."""
        names = list(columns)
        oid = Oid(next(self._oids))
        relation = next(self._relations)
        indexes = tuple(
            self._index(name, oid, names, list(columns.values()), keys, is_unique=is_unique)
            for is_unique, group in ((True, unique), (False, plain))
            for keys in group
        )
        table = Table(
            oid,
            name,
            PUBLIC_OID,
            relation,
            tuple(
                Column(each, columns[each], number, is_not_null=each in not_null)
                for number, each in enumerate(names, 1)
            ),
            tuple(columns.values()),
            tuple(range(len(names))),
            indexes,
            tuple(self._foreign_key(name, oid, names, indexes, each) for each in foreign_keys),
        )
        self.catalog = self.catalog.with_object(table)
        self.stores.create(table)
        return table

    def _index(
        self,
        table: str,
        oid: Oid,
        names: list[str],
        types: list[SqlType],
        keys: Sequence[str],
        *,
        is_unique: bool,
    ) -> Index:
        return Index(
            Oid(next(self._oids)),
            f"{table}_{'_'.join(keys)}_{'key' if is_unique else 'idx'}",
            PUBLIC_OID,
            oid,
            next(self._relations),
            tuple(IndexColumn(names.index(key) + 1, type=types[names.index(key)]) for key in keys),
            is_unique=is_unique,
        )

    def _foreign_key(
        self,
        table: str,
        oid: Oid,
        names: list[str],
        indexes: tuple[Index, ...],
        given: dict[str, Any],
    ) -> Constraint:
        """`given`: columns, parent (None: the table itself), referenced (columns), and fields of Constraint."""
        options = dict(given)
        columns, parent = options.pop("columns"), options.pop("parent")
        referenced = options.pop("referenced")
        parent_names = names if parent is None else [column.name for column in parent.columns]
        numbers = tuple(parent_names.index(each) + 1 for each in referenced)
        parent_indexes = indexes if parent is None else parent.indexes
        index = next(
            each
            for each in parent_indexes
            if sorted(part.column_number for part in each.columns) == sorted(numbers)
        )
        return Constraint(
            Oid(next(self._oids)),
            f"{table}_{'_'.join(columns)}_fkey",
            "foreign key",
            tuple(names.index(each) + 1 for each in columns),
            referenced_table_oid=oid if parent is None else parent.oid,
            referenced_columns=numbers,
            referenced_index_oid=index.oid,
            **options,
        )

    def context(self, parameters: Row = ()) -> ExecutionContext:
        """A statement's context in the transaction at hand."""
        return ExecutionContext(
            transaction=self.transaction,
            snapshot=self.transaction.statement_snapshot(),
            catalog=self.catalog,
            tables=self,
            functions=NoFunctions(),  # type: ignore[arg-type]
            programs=self.programs,
            parameters=parameters,
            memory=MemoryBudget(self.memory_bytes),
            spill=SpillSpace(self.disk, "spill", StorageTelemetryRegistry()),
            deferred=self.deferred,
        )

    def execute(self, plan: PhysicalPlan, tag: str = "SELECT", **options: Any) -> ExecutionResult:
        """Run a plan as a statement; what it changed is taken back if it fails."""
        parameters = options.pop("parameters", ())
        statement = PhysicalStatement(plan, tag, **options)
        if not self.has_pipelines:
            self.programs.keep(statement, compile_operators(statement, new_compiler()))
        context = self.context(parameters)
        self.transaction.savepoint("statement")
        try:
            result = execute(statement, context)
        except BaseException:
            self.transaction.rollback_to("statement")
            raise
        assert context.memory.used_bytes == 0, "a finished statement holds no memory"
        self.transaction.release("statement")
        return result

    def rows(self, plan: PhysicalPlan, tag: str = "SELECT", **options: Any) -> list[Row]:
        """The rows that a plan yields."""
        return result_rows(self.execute(plan, tag, **options))

    def insert(self, table: Table, *rows: Row) -> ExecutionResult:
        """INSERT INTO table VALUES rows."""
        source = values(rows, *(column.type for column in table.columns))
        return self.execute(InsertRows(table, source, None, None, ()), "INSERT")

    def contents(self, table: Table) -> list[Row]:
        """The table's rows, sorted."""
        return sorted(self.rows(scan(table)), key=repr)


def _no_expressions(table: Table, text: str) -> Any:
    raise NotImplementedError(text)


def result_rows(result: ExecutionResult) -> list[Row]:
    """The rows of a result, however they are held."""
    if result.rows is not None:
        return list(result.rows)
    types = [column.type for column in result.columns or ()]
    return [row for batch in result.batches for row in batch_rows(batch, types)]


def columns(*types: SqlType) -> tuple[OutputColumn, ...]:
    """Output columns of these types."""
    return tuple(OutputColumn(f"c{index}", each) for index, each in enumerate(types))


def values(rows: Sequence[Row], *types: SqlType) -> ValuesScan:
    """Literal rows."""
    return ValuesScan(
        tuple(
            tuple(Constant(value, kind) for value, kind in zip(row, types, strict=True))
            for row in rows
        ),
        columns(*types),
    )


def scan(
    table: Table, *, with_tuple_id: bool = False, where: BoundExpression | None = None
) -> SeqScan:
    """All columns of a table."""
    types = [column.type for column in table.columns]
    output = columns(*types, BIGINT) if with_tuple_id else columns(*types)
    return SeqScan(table, tuple(range(len(types))), where, with_tuple_id, output)


def op(symbol: str, *arguments: BoundExpression, position: int = -1) -> Call:
    """An operator's call."""
    found = resolve_operator(symbol, [argument.type for argument in arguments])
    return Call(found.callee, arguments, found.result, position=position)


def col(index: int, sql_type: SqlType) -> ColumnRef:
    """A column of the input."""
    return ColumnRef(index, sql_type)


def const(value: Any, sql_type: SqlType) -> Constant:
    """A constant."""
    return Constant(value, sql_type)


def aggregate(name: str, *arguments: BoundExpression, **options: Any) -> AggregateCall:
    """An aggregate's call."""
    found = resolve_aggregate(
        name, [argument.type for argument in arguments], is_star=not arguments
    )
    return AggregateCall(found.callee, arguments, found.result, **options)


def key(
    index: int, sql_type: SqlType, *, is_descending: bool = False, nulls_first: bool = False
) -> SortKey:
    """A sort key over a column."""
    return SortKey(ColumnRef(index, sql_type), is_descending, nulls_first)


def in_another_thread(work: Callable[[], object]) -> threading.Thread:
    """Start some work that will have to wait."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_until_someone_waits(world: World) -> None:
    """Return once a transaction waits for a lock."""
    pause = threading.Event()
    for _ in range(5000):
        if any(not fact.is_granted for fact in world.transactions.locks.facts()):
            return
        pause.wait(0.001)
    raise AssertionError("nobody waits")


TRUE = Constant(True, BOOLEAN)
