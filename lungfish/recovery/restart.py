"""Restart: from the files as a crash, or a close, left them to a database that holds every committed row and nothing else.

    locate     the newest whole image (the page store has found it), the facts in it
    hydrate    nothing is read ahead: a page is read, and checked, when it is first needed
    analyse    one pass over the log from the lowest mark: who committed, where the log ends
    undo       for each table with retained rows: put back, purge
    redo       the committed records past each table's mark; the catalog's own tables first, because they say
               how the others are laid out
    finish     build the indexes that had no image, drop the relations that the catalog does not know

It takes two steps, since the parts that redo works on need a log to be built, and a log needs to know where the last one ended: the
constructor locates and analyses, `replay` does the rest.

Invariants:
1. Nothing that was there is overwritten: pages go to fresh slots, which no image knows, and the new life of the log to fresh segments.
   So a crash at any moment of a restart just begins it again.
2. What was read is made durable before anything is built on it: a killed process may have left it in the system's cache, from
   where a loss of power would take it away again.
3. Nothing is removed, neither segments nor images, before the next checkpoint. (Redo of a long log takes images of its own:
   restart_checkpoint.py.)
4. Transaction ids, relation ids and generations go on above all that image and log speak of, committed or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.recovery.checkpoint_facts import CheckpointFacts, decode_facts
from lungfish.recovery.checkpoint_participants import SEQUENCES, TRANSACTIONS
from lungfish.recovery.history import RecoveryRecord
from lungfish.recovery.restart_changes import changes_of
from lungfish.recovery.restart_checkpoint import LogPlace, RestartCheckpoints
from lungfish.recovery.restart_estimate import predict
from lungfish.recovery.restart_log import (
    MEMORY_LIMIT_DEFAULT,
    LogFacts,
    Window,
    analyse,
    piece_size_for,
    windows,
)
from lungfish.recovery.restart_progress import ProgressTracker, RecoveryPhase, RecoveryProgress
from lungfish.recovery.restart_relations import RestartCatalog, RestartTables, TableRelations
from lungfish.recovery.restart_report import RecoveryReport
from lungfish.recovery.restart_tables import (
    ReplayCounts,
    redo_rows,
    settle_image,
)
from lungfish.recovery.wal_damage import WalRecoveryMode
from lungfish.recovery.wal_reader import LogReader, Tail
from lungfish.recovery.wal_segments import SEGMENT_SIZE_DEFAULT, LogStart, SegmentFolder
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock
from lungfish.storage.disk import Disk
from lungfish.storage.ids import LSN, RelationId, TransactionId
from lungfish.storage.page_store import PageStore
from lungfish.storage.row_states import distinct


class RecoveryDriver:
    """One restart. `facts`, `log_facts` and `log_start` are known from the constructor on."""

    def __init__(
        self,
        *,
        disk: Disk,
        store: PageStore,
        folder: SegmentFolder,
        clock: Clock,
        segment_size: int = SEGMENT_SIZE_DEFAULT,
        memory_limit: int = MEMORY_LIMIT_DEFAULT,
        mode: WalRecoveryMode = WalRecoveryMode.TAIL,
        on_progress: Callable[[RecoveryProgress], None] | None = None,
        is_historical: bool = False,
    ) -> None:
        """Locate and analyse. Raises CorruptDatabase, CorruptLog; nothing is changed then."""
        self._disk = disk
        self._store = store
        self._folder = folder
        self._clock = clock
        self._memory_limit = memory_limit
        self._mode = mode
        self._is_historical = is_historical
        self._reach = store.failpoints.reach
        self.progress = ProgressTracker(
            disk=disk,
            path=store.path,
            clock=clock,
            memory_limit=memory_limit,
            on_progress=on_progress,
        )
        with self.progress.in_phase(RecoveryPhase.LOCATE):
            self.facts: CheckpointFacts = decode_facts(store.image.payload)
            marks = [relation.mark_lsn for relation in store.image.relations.values()]
            # Restart needs the log from here on.
            self.lowest_mark = LSN(min(marks, default=self.facts.redo_lsn))
            if is_historical:
                # The image is to be shown as it is: there is no log, and none is missed.
                self.facts = replace(self.facts, is_clean=True)
                self.lowest_mark = self.facts.redo_lsn
            self._reach("restart.locate")
            self._reader = self._open_log()
        figures = self.progress.figures
        figures.recovery_id = max((each.recovery_id for each in self.facts.recoveries), default=0) + 1  # fmt: skip
        figures.start_lsn = figures.current_lsn = self.lowest_mark
        extent = self._reader.extent
        figures.end_lsn = max(self.lowest_mark, extent)
        total = figures.end_lsn - self.lowest_mark
        with self.progress.in_phase(RecoveryPhase.ANALYZE, total=total, units="bytes"):
            self._reach("restart.analyze")
            self.log_facts: LogFacts = analyse(
                self._reader, memory_limit=memory_limit, tell=self._tell_position
            )
            self.log_facts.start = self.lowest_mark
            self.log_start = self._start_of_next_life(segment_size)
        figures.end_lsn = self._reader.tail.end
        figures.losers_total = self.log_facts.loser_count
        self._reach("restart.sync")
        self._sync_what_was_read()

    @property
    def is_clean(self) -> bool:
        """Whether the database had been closed: there is nothing to undo or redo."""
        return self.facts.is_clean and not self.log_facts.record_count

    @property
    def log_generation(self) -> int:
        """The newest life of the log of which there are segments; 0 if there are none."""
        return self._reader.generation

    def log_reaches(self, lsn: LSN) -> bool:
        """Whether the log is there from a position on."""
        lives = self._reader.lives
        if not lives:
            return lsn >= self._reader.tail.end
        return any(life.start <= lsn for life in lives) or lives[0].previous_end <= lsn

    @property
    def highest_relation_id(self) -> int:
        """The highest relation id that image or log speak of: new ones go above it (invariant 4)."""
        return max([*self._store.image.relations, *self.log_facts.rows], default=0)

    @property
    def next_transaction_id(self) -> TransactionId:
        """The first transaction id that image and log do not speak of."""
        kept = int(self.facts.of(TRANSACTIONS).get("next_id", 1))
        return TransactionId(max(kept, self.log_facts.highest_transaction_id + 1))

    def sequence_states(self) -> dict[int, tuple[int, bool]]:
        """Last value and whether it was called, of every sequence: the image's state and the log's records past it."""
        states = {
            int(oid): (int(value), bool(is_called))
            for oid, (value, is_called) in self.facts.of(SEQUENCES).items()
        }
        return states | self.log_facts.sequences

    def replay(
        self,
        catalog: RestartCatalog,
        pool: BufferPool,
        recovery_id: int,
        *,
        past: Sequence[RecoveryRecord] = (),
        checkpoints: RestartCheckpoints | None = None,
    ) -> RecoveryReport:
        """Undo, redo and finish; `past` restarts say how long this one should take.

        Requires: no transaction, no snapshot, no checkpoint before it has returned, but for those that redo takes itself. Raises
        QueryCanceled if that is asked for; then what was done is not relied on.
        """
        self.progress.figures.recovery_id = recovery_id
        counts = ReplayCounts()
        missed_before = pool.figures().misses
        estimated_ms = self._estimate_ms(past)
        own = catalog.catalog_tables()
        self._replay_tables(RestartTables(self._store, pool, catalog, own, self.log_facts), counts)
        catalog.load()
        others = catalog.tables()
        self._replay_tables(
            RestartTables(self._store, pool, catalog, others, self.log_facts),
            counts,
            checkpoints,
            {relation_id for table in own for relation_id in table.all()},
        )
        with self.progress.in_phase(RecoveryPhase.CLEANUP):
            self._reach("restart.cleanup")
            dropped = self._drop_orphans(pool, [*own, *others])
        tail = self._reader.tail
        quarantined = self._keep_aside(tail)
        # Views into all that was read: they would keep the whole log in memory.
        self.log_facts.window = None
        self.progress.figures.pages_hydrated = pool.figures().misses - missed_before
        self.progress.figures.mem_bytes = 0
        self.progress.finish()
        self._reach("restart.done")
        return RecoveryReport(
            recovery_id=recovery_id,
            opened_at=self.progress.started_at,
            is_clean=self.is_clean,
            checkpoint_id=self.facts.checkpoint_id,
            fallback_used=self._store.fallback_used,
            redo_lsn=self.facts.redo_lsn,
            tail=tail,
            quarantined_path=quarantined,
            mode=self._mode,
            log_bytes=self.log_facts.byte_count,
            records_read=self.log_facts.record_count,
            times=self.progress.times,
            counts=counts,
            losers=self.log_facts.loser_count,
            relations_dropped=dropped,
            pages_hydrated=self.progress.figures.pages_hydrated,
            estimated_ms=estimated_ms,
            checkpoints=0 if checkpoints is None else checkpoints.taken,
        )

    # Locate and analyse

    def _open_log(self) -> LogReader:
        noted, known = self._store.noted_log_generation, self.facts.log_generation
        # A life that began after the image says so in the file itself, so that a log that is gone is missed.
        was_open = not self._is_historical and (not self.facts.is_clean or noted > known)
        return LogReader(
            self._folder,
            uuid=self._store.uuid,
            start=self.lowest_mark,
            durable_lsn=self.facts.redo_lsn,
            piece_size=piece_size_for(self._memory_limit),
            least_generation=max(noted, known) if was_open else 0,
            mode=self._mode,
        )

    def _keep_aside(self, tail: Tail) -> str | None:
        """Keep what was found in the log and is not used; answers where."""
        paths = []
        for damage in tail.damage:
            if not damage.data:
                continue
            try:
                paths.append(
                    self._folder.keep_aside(damage.lsn, damage.data, is_torn=damage.is_torn)
                )
            except errors.DiskFull:
                # A torn tail is nobody's work; anything else must not go before it is kept.
                if not damage.is_torn:
                    raise
        return ", ".join(paths) or None

    def _start_of_next_life(self, segment_size: int) -> LogStart:
        """A fresh segment, above all that are there, whole or not."""
        known = [each.header.size for each in self._reader.segments if each.header is not None]
        size = self.facts.segment_size or (known[0] if known else segment_size)
        start = LogStart(
            uuid=self._store.uuid,
            generation=max(
                self._reader.generation, self.facts.log_generation, self._store.noted_log_generation
            )
            + 1,
            segment_number=0,
            segment_size=size,
            previous_end=self._reader.tail.end,
        )
        last = max([each.number for each in self._reader.segments], default=0)
        number = max(last, self._reader.tail.end // start.capacity) + 1
        return replace(start, segment_number=number)

    def _sync_what_was_read(self) -> None:
        """Invariant 2. After a clean close nothing is left unsynced, and there is no log."""
        if not self._reader.segments:
            return
        file = self._disk.open(self._store.path)
        try:
            file.sync()
        finally:
            file.close()
        self._folder.sync_names_and([each.number for each in self._reader.segments])

    # Undo, redo, finish

    def _replay_tables(
        self,
        tables: RestartTables,
        counts: ReplayCounts,
        checkpoints: RestartCheckpoints | None = None,
        catalog: Collection[RelationId] = (),
    ) -> None:
        """Bring tables from their images and the log to their committed rows."""
        progress = self.progress
        with progress.in_phase(RecoveryPhase.HYDRATE):
            self._reach("restart.hydrate")
            tables.make_missing()
        heaps = tables.with_retained_rows()
        with progress.in_phase(RecoveryPhase.UNDO, total=len(heaps), units="tables"):
            self._reach("restart.undo")
            for number, heap in enumerate(heaps):
                progress.tell(sofar=number)
                counts.add(
                    settle_image(
                        tables.open(heap).rows,
                        tables.state(heap),
                        self.log_facts.committed,
                        tables.pool.trim,
                    )
                )
        progress.figures.losers_done = progress.figures.losers_total
        rows = sum(self.log_facts.rows.get(heap, 0) for heap in tables.heaps)
        with progress.in_phase(RecoveryPhase.REDO, total=rows, units="rows"):
            saved_at = progress.figures.current_lsn = self.lowest_mark
            for window in windows(self._open_log, self.log_facts, memory_limit=self._memory_limit):
                self._redo_window(window, tables, counts)
                if checkpoints is None or window.is_last:
                    continue
                if checkpoints.is_due(saved_at, window.end):
                    saved_at = window.end
                    self._save(window.end, tables, checkpoints, catalog)
        with progress.in_phase(RecoveryPhase.INDEX_REPAIR):
            self._reach("restart.index_repair")
            counts.indexes_built += tables.finish()
            counts.indexes_replayed += tables.indexes_replayed

    def _save(
        self,
        at: LSN,
        tables: RestartTables,
        checkpoints: RestartCheckpoints,
        catalog: Collection[RelationId],
    ) -> None:
        """Take an image of what was redone up to `at`."""
        place = LogPlace(
            generation=self.log_generation,
            segment_size=self.log_start.segment_size,
            end=self._reader.tail.end,
        )
        with self.progress.in_phase(RecoveryPhase.CHECKPOINT):
            self._reach("restart.checkpoint")
            checkpoints.take(
                at,
                tables,
                place=place,
                catalog=catalog,
                next_transaction_id=self.next_transaction_id,
                sequences=self.sequence_states(),
            )

    def _redo_window(self, window: Window, tables: RestartTables, counts: ReplayCounts) -> None:
        self._reach("restart.redo")
        figures = self.progress.figures
        figures.mem_bytes = window.memory_bytes
        relations = {heap for part in window.parts for heap in distinct(part.relations)}
        for heap in sorted(relations & set(tables.heaps)):
            self._reach("restart.redo.table")
            tables.note(RelationId(heap), window.parts)
            changes = changes_of(
                window.parts,
                RelationId(heap),
                mark=tables.mark(RelationId(heap)),
                committed=self.log_facts.committed,
            )
            counts.records_applied += changes.records_applied
            counts.records_skipped += changes.records_skipped
            figures.records_applied = counts.records_applied
            figures.records_skipped = counts.records_skipped
            before = figures.sofar
            if changes.states is not None:
                replay = tables.open(RelationId(heap))
                counts.rows_redone += redo_rows(
                    replay.rows,
                    changes.states,
                    tables.pool.trim,
                    lambda rows, pages: self._tell_redone(rows, pages),
                )
            # Rows of which only a later record counted are done too.
            figures.sofar = before + changes.row_count
        figures.current_lsn = self._reader.tail.end if window.is_last else window.end
        self.progress.tell()

    def _tell_position(self, position: LSN, held_bytes: int) -> None:
        """Analysis has come that far."""
        figures = self.progress.figures
        figures.current_lsn = position
        figures.mem_bytes = held_bytes
        self.progress.tell(sofar=position - self.lowest_mark)

    def _tell_redone(self, row_count: int, page_count: int) -> None:
        """Redo has brought some more rows, on so many pages, to where they belong."""
        figures = self.progress.figures
        figures.pages_repaired += page_count
        self.progress.tell(sofar=figures.sofar + row_count)

    def _estimate_ms(self, past: Sequence[RecoveryRecord]) -> float | None:
        """How long this restart should take, by those before it."""
        if self.is_clean:
            return None
        facts = self.log_facts
        return predict(past, log_bytes=facts.byte_count, record_count=facts.record_count).total_ms

    def _drop_orphans(self, pool: BufferPool, tables: Iterable[TableRelations]) -> int:
        """Drop relations of transactions that never committed, or whose drop did."""
        known = {relation_id for table in tables for relation_id in table.all()}
        orphans = [each for each in self._store.relations() if each not in known]
        for relation_id in orphans:
            pool.drop_relation(relation_id)
        return len(orphans)
