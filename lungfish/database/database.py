"""`Database`: an open file and its parts, wired together here and nowhere else."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Index, Table
from lungfish.catalog.store import CatalogRowWriter, CatalogStore
from lungfish.database.catalog_relations import (
    NumberCounters,
    create_catalog_relations,
    open_catalog_table,
)
from lungfish.database.expressions import stored_expression
from lungfish.database.options import DatabaseOptions
from lungfish.database.plan_cache import CachedPlan, LruCache, ParsedText
from lungfish.database.statistics import TableStatistics
from lungfish.database.table_stores import StoredExpression, TableStores
from lungfish.errors import ConnectionDoesNotExist, Error
from lungfish.executor.ddl import CatalogChange
from lungfish.executor.programs import Programs
from lungfish.executor.system_views import SYSTEM_VIEWS
from lungfish.storage import BufferPool, Disk, PageStore
from lungfish.storage.fence import Fence
from lungfish.storage.ids import RelationId
from lungfish.storage.lock_modes import LockMode, table_tag
from lungfish.storage.log import NoLog
from lungfish.storage.sequences import Sequences
from lungfish.storage.table import TableStore
from lungfish.storage.transactions import Transaction, TransactionManager

# The catalog's lock stands among the table locks under an oid that no table has.
_CATALOG_LOCK = table_tag(1)


class Database:
    """An open database, shared by the sessions of this process.

    `catalog` is the committed one; it is replaced, under the transaction manager's mutex, in the same step in which the transaction that
    changed it becomes visible.
    """

    def __init__(self, disk: Disk, path: str, *, name: str, options: DatabaseOptions) -> None:
        self.name = name
        self.path = path
        self.options = options
        self.clock = options.clock
        self.random = options.random
        self.is_closed = False
        self.on_close: list[Callable[[], None]] = []
        self.parsed_texts: LruCache[ParsedText] = LruCache()
        self.plans: LruCache[CachedPlan] = LruCache()
        self.programs = Programs()
        self._number_counters = NumberCounters()
        self.statistics = TableStatistics(self)
        self._session_numbers = itertools.count(1)
        self._members: set[object] = set()
        self._lock = threading.RLock()
        self._open_parts(disk)

    @classmethod
    def open(
        cls, disk: Disk, path: str, *, name: str, create: bool, options: DatabaseOptions
    ) -> Database:
        """Open the file, or make it. Raises UndefinedFile, DatabaseInUse, CorruptDatabase."""
        return cls(disk, path, name=name, options=options)

    def _open_parts(self, disk: Disk) -> None:
        self.pages = PageStore.create(disk, self.path)
        self.pool = BufferPool(self.pages, self.options.buffer_bytes)
        self.fence = Fence()
        self.log = NoLog()
        self.transactions = TransactionManager(self.log, self.fence, self.clock)
        self.sequences = Sequences(self.log, self.fence)
        self.stores = TableStores(self.pool, self.pages, self.transactions, self._stored_expression)
        create_catalog_relations(self.pool)
        self._catalog_store = CatalogStore(
            open_catalog_table(self.pool, self.pages, self.transactions)
        )
        self.catalog = self._load_catalog()

    def _load_catalog(self) -> Catalog:
        snapshot = self.transactions.take_snapshot()
        try:
            catalog = self._catalog_store.load(snapshot, SYSTEM_VIEWS)
        finally:
            self.transactions.release(snapshot)
        self._number_counters.go_on_from(catalog.next_oid, catalog.next_relation_id)
        return catalog

    @property
    def page_size_bytes(self) -> int:
        """The size of the file's pages."""
        return self.pages.page_size_bytes

    # Tables.

    def table_store(self, table: Table) -> TableStore:
        """The stored form of a table: `executor.context.TableProvider`."""
        return self.stores.get(table)

    def create_table(self, table: Table) -> None:
        """Make a table's relations: `executor.ddl.context.Relations`."""
        self.stores.create(table)

    def build_index(self, table: Table, index: Index) -> None:
        """Make an index and fill it from its table."""
        store = self.stores.get(table)
        made = self.stores.new_index(table, index)
        store.build_index(made)

    def new_oid(self) -> int:
        """A number for an object."""
        return self._number_counters.new_oid()

    def new_relation_id(self) -> int:
        """A number for a relation."""
        return self._number_counters.new_relation_id()

    def _stored_expression(self, table: Table, text: str) -> StoredExpression:
        return stored_expression(table, text, self.catalog)

    # DDL.

    def begin_catalog_change(self, transaction: Transaction) -> CatalogChange:
        """Take the catalog's lock for the transaction, and begin its successor."""
        self.transactions.locks.acquire(transaction.lock_owner, _CATALOG_LOCK, LockMode.EXCLUSIVE)
        change = CatalogChange(self.catalog, CatalogRowWriter(self._catalog_store, transaction), self)
        transaction.on_publish.append(lambda: self._publish(change))
        transaction.on_commit.append(lambda: self._after_catalog_commit(change))
        transaction.on_rollback.append(
            lambda: self._drop_relations(change.leftover_relations(is_committed=False))
        )
        return change

    def counters(self) -> tuple[int, int]:
        """What will be handed out next."""
        return self._number_counters.counters()

    def _publish(self, change: CatalogChange) -> None:
        """Under the manager's mutex, in the step that makes the transaction visible."""
        self.catalog = change.catalog

    def _after_catalog_commit(self, change: CatalogChange) -> None:
        for table in change.catalog.tables():
            self.stores.keep_indexes(table)
        self._drop_relations(change.leftover_relations(is_committed=True))

    def _drop_relations(self, relation_ids: set[RelationId]) -> None:
        self.stores.drop(relation_ids)
        self.statistics.forget(relation_ids)

    # Sessions.

    def join(self, member: object) -> int:
        """Take in a session; answers its number."""
        with self._lock:
            if self.is_closed:
                raise ConnectionDoesNotExist("the database is closed")
            self._members.add(member)
            return next(self._session_numbers)

    def leave(self, member: object) -> None:
        """Let a session go; the last one closes the database."""
        with self._lock:
            self._members.discard(member)
            if not self._members and not self.is_closed:
                self.close()

    def after_commit(self) -> None:
        """What is looked at after each commit: memory, and whether a checkpoint is due."""
        self.pool.trim()

    def run_deferred_checks(self, transaction: Transaction) -> None:
        """Checks that were put off to the end of the transaction."""

    # The end.

    def close(self) -> None:
        """Checkpoint and close."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            self.pages.close()
            for callback in self.on_close:
                callback()

    def disown(self, reason: Error) -> None:
        """Make the database unusable here without touching its files: it belongs to another process."""
        self.is_closed = True


