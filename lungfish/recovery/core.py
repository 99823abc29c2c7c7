"""A database's storage and recovery, wired together beneath the catalog: opening, closing, and dropping as a crash would.

    open                                       close
      the page file: opened, or made             final checkpoint: the image says that the database was closed
      restart locates and analyses               log folder removed, lowest segment first
      log, transactions, sequences               page file closed
      `recover`: redo, with the catalog's help

Invariants:
1. A new database's file, with an empty image in it and its name, is durable before there is a log beside it. A log beside no database,
   or beside another one (its UUID says so), is never used and never removed.
2. The log folder is removed only after an image is durable that says so: a crash in between leaves a log that holds nothing past
   the image, and the next close removes it.
3. After `close` or `crash` every use of the parts raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from lungfish import errors
from lungfish.recovery.archive import WalArchive
from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_contract import CheckpointParticipant
from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.checkpoint_images import CheckpointImageStore
from lungfish.recovery.checkpoint_memory import CheckpointMemory
from lungfish.recovery.checkpoint_pages import ImagePages
from lungfish.recovery.checkpoint_participants import (
    SEQUENCES,
    FactsParticipant,
    FreeSpaceParticipant,
    TransactionsParticipant,
)
from lungfish.recovery.checkpoint_request import (
    CheckpointKind,
    CheckpointRequest,
    CheckpointTrigger,
)
from lungfish.recovery.gauges import register_gauges
from lungfish.recovery.history import CheckpointRecord, RecoveryRecord, decode_record, encode_record
from lungfish.recovery.index_marks import IndexCheckpointRegistry
from lungfish.recovery.integrity_watch import (
    INTEGRITY,
    note_log_damage,
    open_integrity,
    watch,
)
from lungfish.recovery.io_budget import IoBudget, IoClass
from lungfish.recovery.relation_names import RelationNames
from lungfish.recovery.restart import RecoveryDriver
from lungfish.recovery.restart_checkpoint import (
    RESTART_CHECKPOINT_BYTES_DEFAULT,
    RestartCheckpoints,
)
from lungfish.recovery.restart_estimate import estimate_restart_ms
from lungfish.recovery.restart_log import MEMORY_LIMIT_DEFAULT
from lungfish.recovery.restart_progress import RecoveryProgress
from lungfish.recovery.restart_relations import RestartCatalog, TableRelations
from lungfish.recovery.restart_report import RESTORED, RecoveryReport
from lungfish.recovery.retention import WalRetentionManager
from lungfish.recovery.segment_checks import SegmentChecks
from lungfish.recovery.settings import StorageSettings
from lungfish.recovery.stored_settings import SETTINGS, StoredSettings
from lungfish.recovery.stored_statistics import STATISTICS, StoredStatistics
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_gate import WalGate
from lungfish.recovery.wal_records import NoteKind
from lungfish.recovery.wal_segments import SEGMENT_SIZE_DEFAULT, SegmentFolder
from lungfish.storage.buffer_pool import BUDGET_BYTES_DEFAULT, BufferPool
from lungfish.storage.clock import Clock, SystemClock
from lungfish.storage.disk import Disk
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.fence import Fence
from lungfish.storage.ids import RelationId
from lungfish.storage.image import Image
from lungfish.storage.measured_disk import CLIENT, RECOVERY, WAL, MeasuredDisk
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_slots import IMAGES_KEPT_MIN
from lungfish.storage.page_store import PAGE_SIZE_DEFAULT, PageStore
from lungfish.storage.sequences import Sequences
from lungfish.storage.table import TableStore
from lungfish.storage.table_rows import purge_undo_list
from lungfish.storage.transactions import TransactionManager

LOG_SUFFIX = "-wal"
# A close waits longer for writers than a checkpoint does: there should be none left.
CLOSE_FENCE_TIMEOUT_MS = 10_000.0
# Bound once, for each read and write.
_WAL_CLASS, _FOREGROUND_CLASS = IoClass.WAL, IoClass.FOREGROUND


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """How storage is opened. Sizes in bytes; those of pages and segments count for a new database only."""

    page_size: int = PAGE_SIZE_DEFAULT
    segment_size: int = SEGMENT_SIZE_DEFAULT
    buffer_size: int = BUDGET_BYTES_DEFAULT
    # How much of the log restart keeps in memory at once.
    recovery_memory_limit: int = MEMORY_LIMIT_DEFAULT
    # Redo takes an image of its own each time it has come so much further.
    recovery_checkpoint_bytes: int = RESTART_CHECKPOINT_BYTES_DEFAULT
    # How the process before ended if it did not close the database, as far as that is known; how long its lock was waited for.
    unclean_cause: str = "unknown"
    lock_ms: float | None = None
    # What restart does where the log is damaged.
    wal_recovery_mode: WalRecoveryMode = WalRecoveryMode.TAIL
    # False: the log is not archived, whatever `archive_path` says.
    archives_log: bool = True
    # Called while restart runs.
    on_recovery: Callable[[RecoveryProgress], None] | None = None
    # Images that must not be opened though they look whole, by generation, each with what was found wrong with it.
    avoid_images: Mapping[int, str] = field(default_factory=dict)
    # The database is what its image says, and a log is neither there nor looked for.
    is_historical: bool = False
    # In place of the settings' defaults; what ALTER SYSTEM SET has kept comes before them.
    settings: Mapping[str, str] = field(default_factory=dict)
    # Moments at which a test may step in; None: the database makes its own.
    failpoints: Failpoints | None = None


class StorageCore:
    """An open database without its catalog. Use `open`, then `recover`."""

    def __init__(
        self, disk: MeasuredDisk, store: PageStore, *, clock: Clock, options: CoreOptions
    ) -> None:
        self.disk = disk
        self._options = options
        self.io = disk.totals
        self.store = store
        self.failpoints = store.failpoints
        self.clock = clock
        self.telemetry = StorageTelemetryRegistry()
        self.folder = SegmentFolder(disk, store.path + LOG_SUFFIX)
        self.segment_checks = SegmentChecks(self.folder)
        self.driver = self._begin_restart(options)
        self.memory = CheckpointMemory(self.driver.facts)
        self.fence = Fence()
        self.log = self._new_life()
        self.pool = BufferPool(store, options.buffer_size)
        self.transactions = TransactionManager(self.log, self.fence, clock)
        self.transactions.restore(self.driver.next_transaction_id)
        self.transactions.purge_queue.hooks.append(purge_undo_list)
        self.sequences = Sequences(self.log, self.fence)
        self.sequences.restore(self.driver.sequence_states())
        self.retention = WalRetentionManager(clock)
        self.integrity = open_integrity(self)
        self.images = CheckpointImageStore(
            store, self.retention, clock, log_reaches=self.driver.log_reaches
        )
        self.images.hold_log(is_opening=True)
        self.archive = WalArchive(
            disk, self.folder, self.log, self.retention, clock=clock, uuid=store.uuid
        )
        self._is_historical = options.is_historical
        self._archives_log = options.archives_log and not options.is_historical
        # Set by `recover`: the tables that are open, and the relations of the committed catalog.
        self._tables: Callable[[], Iterable[TableStore]] = tuple
        self._settled: Callable[[], set[RelationId]] = set
        # Set by `recover`: the heap of each index of the committed catalog.
        self._heaps: Callable[[], Mapping[RelationId, RelationId]] = dict
        self.index_marks = IndexCheckpointRegistry(store, lambda: self._heaps())
        # What relations are called, for the views; set by whoever has a catalog.
        self.relation_names: Callable[[], RelationNames] = dict
        # The catalog's own relations; known from `recover` on.
        self._own_relations: frozenset[RelationId] = frozenset()
        self.settings = StorageSettings(options.settings)
        if store.reader_pins is not None:
            store.reader_pins.age_limit_s = lambda: self.settings.number("max_snapshot_age")
        self.stored_settings = StoredSettings(self.settings, self.log, self.fence)
        self.stored_statistics = StoredStatistics(self.log, self.fence)
        self.io_budget = IoBudget(clock, self.settings)
        self.checkpoints = self._coordinator()
        self.wal_gate = WalGate(
            self.checkpoints, log=self.log, retention=self.retention, settings=self.settings
        )
        self._connect()
        register_gauges(self)
        self.report: RecoveryReport | None = None
        self.is_closed = False
        # When counting began: microseconds since 1970, UTC.
        self.opened_at: int = clock.utc_us()

    def _begin_restart(self, options: CoreOptions) -> RecoveryDriver:
        """Locate and analyse: the rest of the parts are made by what that finds."""
        return RecoveryDriver(
            disk=self.disk,
            store=self.store,
            folder=self.folder,
            clock=self.clock,
            segment_size=options.segment_size,
            memory_limit=options.recovery_memory_limit,
            mode=options.wal_recovery_mode,
            on_progress=options.on_recovery,
            is_historical=options.is_historical,
        )

    def _connect(self) -> None:
        """Let the parts ask each other."""
        if not self._is_historical:
            watch(self)
        self.io.charge = self._charge
        self.log.after_relief = self.wal_gate.slow_down
        self.transactions.admit = self.wal_gate.admit
        self.settings.on_change.append(self._apply_settings)
        self.checkpoints.estimate_ms = lambda redo_lsn: estimate_restart_ms(self, redo_lsn)

    def _apply_settings(self) -> None:
        number = self.settings.number
        self.store.set_images_kept(int(number("images_kept")))
        self.memory.checkpoints.resize(int(number("checkpoint_history_rows")))
        if self._archives_log:
            self.archive.set_path(self.settings.word("archive_path"))

    def _charge(self, purpose: str, kind: str, size: int) -> None:
        """Charge what clients read and write. A checkpoint and a backup claim theirs themselves, as they can be stopped while they wait."""
        if kind == WAL and purpose != RECOVERY:
            self.io_budget.charge(_WAL_CLASS, size)
        elif purpose == CLIENT:
            self.io_budget.charge(_FOREGROUND_CLASS, size)

    def _coordinator(self) -> CheckpointCoordinator:
        return CheckpointCoordinator(
            pages=ImagePages(self.pool, lambda: self._own_relations),
            pool=self.pool,
            log=self.log,
            fence=self.fence,
            retention=self.retention,
            clock=self.clock,
            memory=self.memory,
            images=self.images,
            settings=self.settings,
            budget=self.io_budget,
            archive=self.archive,
            participants=self._participants(),
            telemetry=self.telemetry,
            io=self.io,
            failpoints=self.failpoints,
        )

    def _new_life(self) -> WriteAheadLog:
        """The log of this life. That it has begun is noted in the file, so that its absence would be noticed."""
        generation = self.driver.log_start.generation
        return WriteAheadLog(
            self.folder,
            self.driver.log_start,
            clock=self.clock,
            previous_generation=self.driver.log_generation,
            fence=self.fence,
            telemetry=self.telemetry,
            on_first_segment=lambda: self.store.note_log(generation),
            failpoints=self.failpoints,
        )

    def _participants(self) -> list[CheckpointParticipant]:
        """The built-in parties to a checkpoint, beside the pages themselves."""
        return [
            FreeSpaceParticipant(lambda: self._tables()),
            TransactionsParticipant(
                self.store, self.transactions, lambda: self._settled(), self.index_marks
            ),
            FactsParticipant(SEQUENCES, self._sequence_facts),
            FactsParticipant(INTEGRITY, self.integrity.facts),
            FactsParticipant(SETTINGS, self.stored_settings.facts),
            FactsParticipant(STATISTICS, self.stored_statistics.facts),
        ]

    @classmethod
    def open(
        cls,
        disk: Disk,
        path: str,
        *,
        create_with: UUID | None,
        clock: Clock | None = None,
        options: CoreOptions | None = None,
    ) -> StorageCore:
        """Open a database file; with a UUID at hand, make it if it is not there.

        Requires: this process holds the file's lock. Raises UndefinedFile, CorruptDatabase, CorruptLog, and
        ObjectNotInPrerequisiteState for a new database beside the log of one that is gone.
        """
        used_clock = clock if clock is not None else SystemClock()
        used_options = options if options is not None else CoreOptions()
        measured = MeasuredDisk(disk, path, used_clock)
        with measured.totals.acting_as(RECOVERY):
            return cls._open_measured(measured, path, create_with, used_clock, used_options)

    @classmethod
    def _open_measured(
        cls,
        disk: MeasuredDisk,
        path: str,
        create_with: UUID | None,
        clock: Clock,
        options: CoreOptions,
    ) -> StorageCore:
        if create_with is not None and not PageStore.exists(disk, path):
            _refuse_foreign_log(disk, path)
            store = PageStore.create(
                disk,
                path,
                page_size_bytes=options.page_size,
                uuid=create_with,
                clock=clock,
                failpoints=options.failpoints,
            )
        else:
            store = PageStore.open(
                disk,
                path,
                clock=clock,
                avoid=options.avoid_images,
                failpoints=options.failpoints,
            )
        try:
            return cls(disk, store, clock=clock, options=options)
        except BaseException:
            store.abandon()
            raise

    def at_image(self, image: Image, *, buffer_size: int) -> StorageCore:
        """The database as one of its images has it, to be recovered and read; what changes in it stays in memory.

        Requires: the image is pinned until that core is dropped with `crash`.
        """
        disk = MeasuredDisk(MemoryDisk(), self.store.path, self.clock)
        options = CoreOptions(buffer_size=buffer_size, is_historical=True)
        return StorageCore(disk, self.store.at_image(image), clock=self.clock, options=options)

    def recover(
        self,
        catalog: RestartCatalog,
        tables: Callable[[], Iterable[TableStore]],
        settled: Callable[[], Iterable[TableRelations]] | None = None,
    ) -> RecoveryReport:
        """Undo and redo; afterwards the database may be used.

        Both callables are asked at each checkpoint, inside the closed fence: `tables` answers the open ones, `settled` those of the
        committed catalog. An index beyond them may be under construction, so its image is not relied on. Without
        `settled` that is every index that has no image yet.
        """
        notes = self.driver.log_facts.notes
        self.stored_settings.restore(
            self.driver.facts.of(SETTINGS),
            [payload for kind, payload in notes if kind == NoteKind.SETTINGS],
        )
        self.stored_statistics.restore(
            self.driver.facts.of(STATISTICS),
            [payload for kind, payload in notes if kind == NoteKind.STATISTICS],
        )
        self._tables = tables
        own = {each for table in catalog.catalog_tables() for each in table.all()}
        self._own_relations = frozenset(own)

        def settled_relations() -> set[RelationId]:
            if settled is None:
                return own | set(self.store.image.relations)
            return own.union(*(table.all() for table in settled()))

        def heaps() -> Mapping[RelationId, RelationId]:
            tables = [*catalog.catalog_tables(), *(settled() if settled is not None else ())]
            return {index: table.heap for table in tables for index in table.indexes}

        self._settled, self._heaps = settled_relations, heaps
        for kind, payload in notes:
            if kind == NoteKind.CHECKPOINT:
                self.memory.checkpoints.add(decode_record(CheckpointRecord, payload))
            elif kind == NoteKind.RECOVERY:
                self.memory.recoveries.add(decode_record(RecoveryRecord, payload))
        recovery_id = self.memory.recoveries.last_id + 1
        with self.io.acting_as(RECOVERY):
            report = self.report = self.driver.replay(
                catalog,
                self.pool,
                recovery_id,
                past=self.memory.recoveries.rows(),
                checkpoints=self._restart_checkpoints(),
            )
        report.cause = self._options.unclean_cause
        report.lock_ms = self._options.lock_ms
        record = report.record()
        self.memory.recoveries.add(record)
        note_log_damage(self)
        if not report.is_clean or report.cause == RESTORED:
            self.log.append_note(NoteKind.RECOVERY, encode_record(record))
        return report

    def _restart_checkpoints(self) -> RestartCheckpoints:
        """What takes images in redo; they have settings and events as image and log have told them."""
        return RestartCheckpoints(
            pool=self.pool,
            images=self.images,
            memory=self.memory,
            clock=self.clock,
            noted=lambda: {
                INTEGRITY: self.integrity.facts(),
                SETTINGS: self.stored_settings.facts(),
                STATISTICS: self.stored_statistics.facts(),
            },
            interval_bytes=self._options.recovery_checkpoint_bytes,
        )

    def close(self) -> None:
        """Take the final checkpoint and leave the single file; on a poisoned handle, or if that fails, leave the log too.

        With `close_checkpoint` off, leave the log: the next opening recovers.

        Requires: no transaction runs. Twice is harmless.
        """
        if self.is_closed:
            return
        try:
            if self.log.failure is None and self.transactions.poison_error is None:
                if self.settings.number("close_checkpoint"):
                    self._leave_single_file()
                else:
                    self.log.close()
        finally:
            self.crash()

    def check_open(self) -> None:
        """Raise ConnectionDoesNotExist if the database was closed meanwhile."""
        if self.is_closed:
            raise errors.ConnectionDoesNotExist("the database is closed")

    def crash(self) -> None:
        """Drop everything as a killed process would: nothing is flushed, nothing written."""
        self.is_closed = True
        self.log.abandon()
        self.store.abandon()

    def _leave_single_file(self) -> None:
        self.transactions.purge()
        self.checkpoints.run(
            CheckpointRequest(
                kind=CheckpointKind.FINAL,
                trigger=CheckpointTrigger.SHUTDOWN,
                requested_by="close",
                fence_timeout_ms=CLOSE_FENCE_TIMEOUT_MS,
            )
        )
        self._repeat_last_image()
        if self.log.segments_made:
            self.log.close()
        else:
            # What it may still hold in memory are notes that the image has too. A segment made now would be missed at the next opening.
            self.log.abandon()
        self.failpoints.reach("close.log")
        # What could not be archived stays, to be archived after the next open.
        if not self.archive.run(is_final=True):
            self.folder.remove_folder()
        self.failpoints.reach("close.file")
        self.store.close()

    def _repeat_last_image(self) -> None:
        """Put the image of a closed database under both superblocks: the image before would need the log, which goes now."""
        images = self.store.images
        is_twice = len(images) >= IMAGES_KEPT_MIN and images[-2].payload == images[-1].payload
        if self.store.damage or not is_twice:
            self.store.repeat_image()

    def _sequence_facts(self) -> Facts:
        return {str(oid): list(state) for oid, state in self.sequences.checkpoint_state().items()}


def _refuse_foreign_log(disk: Disk, path: str) -> None:
    """A log without its database may hold the only copy of committed work: a new database must not take its place."""
    folder = SegmentFolder(disk, path + LOG_SUFFIX)
    if folder.numbers():
        raise errors.ObjectNotInPrerequisiteState(
            f'database "{path}" does not exist, but the write-ahead log of one does: "{folder.path}"',
            hint="Put the database file back beside it, or move the log away.",
        )
