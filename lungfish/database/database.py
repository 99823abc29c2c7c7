"""`Database`: an open file and its parts, wired together here and nowhere else.

    StorageCore    pages, log, transactions, sequences, checkpoints, restart (recovery/core.py)
    TableStores    the tables' heaps and indexes, opened as they are asked for
    CatalogStore   the catalog's own heap; `catalog` is its committed content
    caches         parsed texts, plans, compiled programs, statistics

`catalog` is replaced under the transaction manager's mutex, in the step in which the transaction that changed it becomes visible: so no
session sees a table without its catalog entry, or the other way round.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Index, Oid, Sequence, Table
from lungfish.catalog.store import CatalogRowWriter, CatalogStore
from lungfish.database.expressions import stored_expression
from lungfish.database.late_rollback import LateRollbacks
from lungfish.database.number_counters import NumberCounters
from lungfish.database.options import DatabaseOptions
from lungfish.database.plan_cache import CachedPlan, LruCache, ParsedText
from lungfish.database.relation_names import relation_names
from lungfish.database.restart_catalog import DatabaseRestartCatalog, relations_of
from lungfish.database.snapshot_limit import SnapshotLimit
from lungfish.database.statistics import TableStatistics
from lungfish.database.table_stores import StoredExpression, TableStores
from lungfish.database.temporaries import TemporaryObjects
from lungfish.errors import (
    ConnectionDoesNotExist,
    CorruptDatabase,
    CorruptLog,
    Error,
    ObjectNotInPrerequisiteState,
    UndefinedFile,
)
from lungfish.executor.ddl import CatalogChange, relation_ids
from lungfish.executor.programs import Programs
from lungfish.executor.session_facts import SessionFacts
from lungfish.executor.spill import SpillSpace
from lungfish.executor.violations import duplicated_key
from lungfish.recovery.backup import BackupReport, BackupRequest, Progress, take_backup
from lungfish.recovery.checkpoint_request import (
    CheckpointRequest,
    CheckpointResult,
    CheckpointTrigger,
)
from lungfish.recovery.checkpoint_scheduler import CheckpointScheduler
from lungfish.recovery.core import StorageCore
from lungfish.recovery.restart_report import RESTORED, RecoveryReport
from lungfish.recovery.wal_reader import TailState
from lungfish.storage import Disk, LocalDisk, RelationPages
from lungfish.storage.disk import Lock
from lungfish.storage.ids import RelationId
from lungfish.storage.lock_modes import LockMode, table_tag
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.table import TableStore, UniqueConflict
from lungfish.storage.table_build import TellBuild
from lungfish.storage.transactions import Transaction

if TYPE_CHECKING:
    from lungfish.database.fork import ForkContent

# The catalog's lock stands among the table locks, under an oid that no table has.
# Beside the database: temporary files of statements.
SPILL_SUFFIX = "-temp"
_CATALOG_LOCK = table_tag(1)


class Database:
    """An open database, shared by the sessions of this process."""

    # What compiled code reads (connection/native_front.pyx) stands in slots, where it needs no look-up.
    __slots__ = ("__dict__", "__weakref__", "catalog", "clock", "is_closed")

    # Nothing can be changed, whoever asks: it shows what once was (`historical.py`).
    is_historical = False

    def __init__(
        self, core: StorageCore, file_lock: Lock, *, name: str, options: DatabaseOptions
    ) -> None:
        """Recover, and be ready. Use `open`."""
        self.name = name
        self.options = options
        self.core = core
        self.clock = core.clock
        self.random = options.random
        self.is_closed = False
        # Called after each commit, in its thread: the crash drill watches by it.
        self.commit_watchers: list[Callable[[], None]] = []
        # Called once when it closes, whichever way.
        self.on_close: list[Callable[[], None]] = []
        # The images of it that are open, by generation, the one used last at the end; guarded by the lock.
        self.past: dict[int, Database] = {}
        self.past_lock = threading.Lock()
        # What the next fork begins with, unless something changes.
        self.fork_content: ForkContent | None = None
        self.parsed_texts: LruCache[ParsedText] = LruCache()
        self.plans: LruCache[CachedPlan] = LruCache()
        self.programs = Programs()
        self.statistics, self.late_rollbacks = TableStatistics(self), LateRollbacks(core.clock)
        # None where rows that memory cannot hold have no better place: in memory, and beside the file of another process.
        self.spill: SpillSpace | None = None
        self.transactions = core.transactions
        self.sequences = core.sequences
        self._file_lock = file_lock
        self._number_counters = NumberCounters()
        self._session_numbers = itertools.count(1)
        # Guards `_members` and the way to closing.
        self._lock = threading.RLock()
        self._members: dict[object, Callable[[int], SessionFacts] | None] = {}
        self._temporaries: list[TemporaryObjects] = []
        # Of the one session that changes the catalog, as it has the catalog's lock: its thread, and the catalog as it sees it.
        self._changing: tuple[int, Callable[[], Catalog]] | None = None
        self.stores = TableStores(core.pool, core.store, core.transactions, self._stored_expression)
        restart = DatabaseRestartCatalog(self)
        self.recovery_report: RecoveryReport = core.recover(
            restart, self.stores.all, lambda: relations_of(self.catalog)
        )
        self._catalog_store: CatalogStore = restart.catalog_store
        self.catalog: Catalog = restart.catalog
        self._number_counters.go_on_from(
            self.catalog.next_oid,
            max(self.catalog.next_relation_id, core.driver.highest_relation_id + 2),
        )
        self.statistics.restore()
        core.relation_names = lambda: relation_names(self.catalog)
        self.sequences.keep_only(self.catalog.sequences())
        self.scheduler = CheckpointScheduler(
            core.checkpoints,
            pool=core.pool,
            settings=core.settings,
            clock=core.clock,
            has_thread=options.has_thread,
        )
        self.scheduler.upkeep = SnapshotLimit(self).enforce
        if self.recovery_report.tail.state is TailState.GAP:
            self._leave_damage_behind()

    @classmethod
    def open(
        cls, disk: Disk, path: str, *, name: str, create: bool, options: DatabaseOptions
    ) -> Database:
        """Open the file, or make it.

        Raises UndefinedFile where it is not there and `create` is false, DatabaseInUse naming the holder, CorruptDatabase, CorruptLog.
        """
        # Looked at before the lock is taken, which would make the file.
        if not create and not disk.exists(path):
            raise UndefinedFile(f'database "{path}" does not exist')
        identity = UUID(int=options.random.getrandbits(128), version=4)
        clock = options.clock
        began_s = clock.monotonic_s()
        file_lock = disk.lock(path)
        lock_ms = (clock.monotonic_s() - began_s) * 1000
        try:
            return cls._open_whole(
                disk,
                path,
                file_lock,
                name=name,
                create_with=identity if create else None,
                lock_ms=lock_ms,
                options=options,
            )
        except BaseException:
            # What was not closed before still is not.
            file_lock.release(is_crash=file_lock.last_end != "unknown")
            raise

    @classmethod
    def _open_whole(
        cls,
        disk: Disk,
        path: str,
        file_lock: Lock,
        *,
        name: str,
        create_with: UUID | None,
        lock_ms: float,
        options: DatabaseOptions,
    ) -> Database:
        """Open at the newest image; where that turns out to be damaged while it is recovered, at the one before."""
        damage: CorruptDatabase | None = None
        avoid: dict[int, str] = {}
        while True:
            try:
                core = StorageCore.open(
                    disk,
                    path,
                    create_with=create_with,
                    clock=options.clock,
                    options=replace(
                        options.core(),
                        avoid_images=avoid,
                        unclean_cause=RESTORED if options.is_restore else file_lock.last_end,
                        lock_ms=lock_ms,
                    ),
                )
            except CorruptDatabase as error:
                if damage is None:
                    raise
                raise damage from error
            try:
                database = cls(core, file_lock, name=name, options=options)
                if not isinstance(disk, MemoryDisk):
                    database.spill = SpillSpace(disk, path + SPILL_SUFFIX, core.telemetry)
                    database.spill.clear()
                return database
            except CorruptDatabase as error:
                core.crash()
                if damage is not None:
                    raise damage from error
                if isinstance(error, CorruptLog):
                    raise
                # What is wrong with the newer image is what to say if the one before does not help.
                damage = error
                avoid[core.store.generation] = error.message
            except BaseException:
                core.crash()
                raise

    @property
    def page_size_bytes(self) -> int:
        """The size of the file's pages."""
        return self.core.store.page_size_bytes

    # Tables.

    def table_store(self, table: Table) -> TableStore:
        """The stored form of a table: `executor.context.TableProvider`. Raises for a materialised view without rows."""
        if not table.is_populated:
            raise ObjectNotInPrerequisiteState(
                f'materialized view "{table.name}" has not been populated',
                hint="Use the REFRESH MATERIALIZED VIEW command.",
            )
        return self.stores.get(table)

    def page_counts(
        self, catalog: Catalog, locks: Iterable[tuple[int, LockMode]]
    ) -> tuple[tuple[RelationPages, int], ...]:
        """The pages of the tables that a plan locks, and how many there are now."""
        tables = (catalog.object(Oid(oid)) for oid, _ in locks)
        pages = [self.stores.get(item).heap.pages for item in tables if isinstance(item, Table)]
        return tuple((each, each.page_count) for each in pages)

    def create_table(self, table: Table) -> None:
        """Make a table's relations: `executor.ddl.context.Relations`."""
        self.stores.create(table)

    def build_index(self, table: Table, index: Index, tell: TellBuild | None = None) -> None:
        """Make an index and fill it from its table. Raises UniqueViolation, and what `tell` raises."""
        # A table that is opened only now has no tree yet for what is about to be built.
        existing = self.core.store.relations()
        built = tuple(item for item in table.indexes if item.relation_id in existing)
        store = self.stores.get(replace(table, indexes=built))
        made = self.stores.new_index(table, index)
        try:
            store.build_index(made, tell)
        except UniqueConflict as conflict:
            raise duplicated_key(table, conflict) from conflict
        store.set_indexes((*store.indexes, made))

    def new_oid(self) -> int:
        """A number for an object."""
        return self._number_counters.new_oid()

    def new_relation_id(self) -> int:
        """A number for a relation."""
        return self._number_counters.new_relation_id()

    def counters(self) -> tuple[int, int]:
        """The numbers that will be handed out next."""
        return self._number_counters.counters()

    def _stored_expression(self, table: Table, text: str) -> StoredExpression:
        return stored_expression(table, text, self._visible_catalog)

    def _visible_catalog(self) -> Catalog:
        """The committed catalog; in the thread of the session that changes it, that one's: an index may use a new function."""
        changing = self._changing
        if changing is not None and changing[0] == threading.get_ident():
            return changing[1]()
        return self.catalog

    # DDL.

    def begin_catalog_change(
        self, transaction: Transaction, temporary: TemporaryObjects, seen: Callable[[], Catalog]
    ) -> CatalogChange:
        """Take the catalog's lock for the transaction, and begin its successor, which has the session's temporary objects too.

        `seen` answers the catalog as the session sees it, then and later.
        """
        self.transactions.locks.acquire(transaction.lock_owner, _CATALOG_LOCK, LockMode.EXCLUSIVE)
        self.core.failpoints.reach("catalog.change")
        writer = CatalogRowWriter(self._catalog_store, transaction)
        change = CatalogChange(temporary.over(self.catalog), writer, self)
        self._changing = threading.get_ident(), seen
        transaction.on_publish.append(lambda: self._publish(change, temporary))
        transaction.on_commit.append(lambda: self._after_catalog_commit(change))
        transaction.on_rollback.append(lambda: self._after_catalog_rollback(change))
        return change

    def _publish(self, change: CatalogChange, temporary: TemporaryObjects) -> None:
        """Under the manager's mutex, in the step that makes the transaction visible."""
        catalog = change.catalog.settled()
        temporaries = catalog.temporaries()
        if change.is_shared:
            self.catalog = catalog.without_temporaries() if temporaries else catalog
        temporary.keep(temporaries)

    def _after_catalog_commit(self, change: CatalogChange) -> None:
        self._changing = None
        self.core.failpoints.reach("catalog.settle")
        self._settle_relations(change.catalog, change.leftover_relations(is_committed=True))
        # Not all that the catalog does not have: the next transaction may have begun to change it, with sequences of its own.
        kept = {item.oid for item in change.catalog.sequences()}
        self.sequences.drop(item.oid for item in change.base.sequences() if item.oid not in kept)

    def _after_catalog_rollback(self, change: CatalogChange) -> None:
        self._changing = None
        self._settle_relations(change.base, change.leftover_relations(is_committed=False))

    def _settle_relations(self, catalog: Catalog, leftover: set[RelationId]) -> None:
        """Bring the open tables in line with the catalog that holds from now on."""
        for table in catalog.tables():
            self.stores.keep_indexes(table)
        self.stores.drop(leftover)
        self.statistics.forget(leftover)

    # Temporary objects.

    def new_temporaries(self, session_number: int) -> TemporaryObjects:
        """The place for a session's temporary objects."""
        made = TemporaryObjects(session_number)
        with self._lock:
            self._temporaries.append(made)
        return made

    def drop_temporaries(self, temporary: TemporaryObjects) -> None:
        """Let go of a session's temporary objects, at its end."""
        with self._lock:
            self._temporaries.remove(temporary)
        if temporary.objects:
            leftover = relation_ids(temporary.over(self.catalog)) - relation_ids(self.catalog)
            sequences = [item.oid for item in temporary.objects if isinstance(item, Sequence)]
            temporary.keep(())
            self.stores.drop(leftover)
            self.statistics.forget(leftover)
            self.sequences.drop(sequences)

    # Checkpoints.

    def _leave_damage_behind(self) -> None:
        """Take a checkpoint before anything is acknowledged: the damaged part of the log, kept aside, is not needed any more.

        If it fails the database does not open, and everything is still as it was found.
        """
        self.checkpoint(
            CheckpointRequest(
                trigger=CheckpointTrigger.FORCED,
                requested_by="recovery",
                reason=f"the log was damaged; wal_recovery_mode is {self.options.wal_recovery_mode}",
            )
        )

    def checkpoint(
        self, request: CheckpointRequest, check: Callable[[], None] | None = None
    ) -> CheckpointResult:
        """Take a checkpoint now, in the calling thread, or have it taken in the background where the request does not wait.

        `check` raises to stop waiting. Raises as `CheckpointCoordinator.run`.
        """
        if not request.waits and not request.is_dry_run:
            return self.scheduler.ask(request)
        return self.core.checkpoints.run(request, check)

    def backup(self, request: BackupRequest, progress: Progress | None = None) -> BackupReport:
        """Back up into a file, while others go on writing."""
        identity = UUID(int=self.random.getrandbits(128), version=4)
        return take_backup(
            self.core, self.outside_disk, request, backup_id=identity, progress=progress
        )

    @property
    def outside_disk(self) -> Disk:
        """Where files beside the database's own are: those of backups."""
        return self.options.disk or LocalDisk(self.clock)

    def after_commit(self) -> None:
        """What is looked at after each commit: whether a checkpoint is due."""
        self.scheduler.consider()
        for watch in self.commit_watchers:
            watch()

    # Sessions.

    def join(self, member: object, facts: Callable[[int], SessionFacts] | None = None) -> int:
        """Take in a session, or another who needs the database open; answers its number.

        `facts` is a session's own account of itself, given the number of the session that asks.
        """
        with self._lock:
            if self.is_closed:
                raise ConnectionDoesNotExist("the database is closed")
            self._members[member] = facts
            return next(self._session_numbers)

    def session_facts(self, own_number: int) -> list[SessionFacts]:
        """Every session, for the system views; that of `own_number` is the one that asks."""
        with self._lock:
            accounts = [facts for facts in self._members.values() if facts is not None]
        return [facts(own_number) for facts in accounts]

    def leave(self, member: object) -> None:
        """Let a member go; the last one closes the database."""
        with self._lock:
            self._members.pop(member, None)
            if not self._members and not self.is_closed:
                self.close()

    # The end.

    def close(self) -> None:
        """Roll back what is open, checkpoint, and leave the single file. Twice is harmless."""
        with self._lock:
            if self.is_closed:
                return
            self.scheduler.stop()
            is_poisoned = self.core.log.failure is not None
            if is_poisoned:
                self.late_rollbacks.abandon()
            else:
                self.late_rollbacks.wait()
                for transaction in self.transactions.running():
                    transaction.rollback()
            self._end(self.core.close, is_crash=is_poisoned)

    def crash(self) -> None:
        """Drop everything as a killed process would: nothing is flushed, nothing written. What was acknowledged comes back at the next open."""
        with self._lock:
            if self.is_closed:
                return
            self.scheduler.stop()
            self.late_rollbacks.abandon()
            self._end(self.core.crash, is_crash=True)

    def disown(self, reason: Error) -> None:
        """Make the database unusable in a forked child, without touching the files: they belong to the parent."""
        self.is_closed = True
        self.transactions.poison(reason)

    def _end(self, finish: Callable[[], None], *, is_crash: bool) -> None:
        self.is_closed = True
        with self.past_lock:
            for past in self.past.values():
                past.crash()
            self.past.clear()
        try:
            if self.spill is not None and not is_crash:
                self.spill.clear()
            finish()
        finally:
            self._file_lock.release(is_crash=is_crash)
            for callback in self.on_close:
                callback()
