"""The checkpoint: one coordinator that drives all participants through one image of the database.

    begin       pin the log; ask what is dirty
    prepare     close the fence; take the redo LSN; let every participant hold still what belongs to the image; open the fence
    write       sync the log past the redo LSN; frozen pages and facts into the image
    commit      page tables and manifest, sync, superblock, sync
    retention   move the redo pin; let go of the checkpoint's own; prune the log

    on disk:    log synced past redo -> pages to fresh slots -> tables and manifest -> sync -> superblock -> sync
                -> old slots and the pin let go -> log pruned, its directory synced

Invariants:
1. One checkpoint at a time. Requests that wait for their turn meanwhile merge into one.
2. The log is pinned from before anything is read until after the superblock is synced (`retention.py`, invariant 1).
3. An image is published only when the log is durable up to its redo LSN: a transaction that was committing at the fence counts as
   committed in the image, and its commit record lies before that.
4. The fence is open again before any I/O, whatever happens.
5. A checkpoint that fails before the superblock is written leaves the database as if it had not been asked for.
6. What an exception from outside (Ctrl-C) has cut off, be it the going back itself, is put right before the next one begins (`_settle`).
   If the image is current by then the checkpoint is complete, and what is left of it is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from lungfish import errors
from lungfish.recovery.archive import WalArchive
from lungfish.recovery.checkpoint_contract import (
    CheckpointContext,
    CheckpointParticipant,
    PhaseDeadlines,
)
from lungfish.recovery.checkpoint_counters import CheckpointCounters
from lungfish.recovery.checkpoint_facts import CheckpointFacts, encode_facts
from lungfish.recovery.checkpoint_images import CheckpointImageStore
from lungfish.recovery.checkpoint_memory import CheckpointMemory
from lungfish.recovery.checkpoint_merge import RequestQueue
from lungfish.recovery.checkpoint_pacing import CheckpointPacer
from lungfish.recovery.checkpoint_pages import ImagePages
from lungfish.recovery.checkpoint_party import Party
from lungfish.recovery.checkpoint_request import (
    CheckpointKind,
    CheckpointMode,
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
)
from lungfish.recovery.checkpoint_run import CheckpointRun, Phase
from lungfish.recovery.giving_way import GiveWay
from lungfish.recovery.history import encode_record
from lungfish.recovery.io_budget import IoBudget
from lungfish.recovery.log_keeping import LogKeeping
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.recovery.settings import StorageSettings
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_records import NoteKind
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock
from lungfish.storage.failpoints import Failpoints
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN
from lungfish.storage.measured_disk import CHECKPOINTER, IoTotals

# How often the fence is tried before the checkpoint is deferred. Each try holds writers for the fence's time at most, and in between they
# get a pause, which doubles each time: under any load some try meets a moment in which those inside get to run.
FENCE_ATTEMPTS = 10
FENCE_ATTEMPTS_PASSIVE = 2
FENCE_PAUSE_S = 0.001
FENCE_PAUSE_MAX_S = 0.1


class CheckpointCoordinator:
    """Drives checkpoints; `run` may be called from any thread."""

    def __init__(
        self,
        *,
        pages: ImagePages,
        pool: BufferPool,
        log: WriteAheadLog,
        fence: Fence,
        retention: WalRetentionManager,
        clock: Clock,
        memory: CheckpointMemory,
        images: CheckpointImageStore,
        settings: StorageSettings,
        budget: IoBudget,
        archive: WalArchive,
        participants: Sequence[CheckpointParticipant],
        telemetry: StorageTelemetryRegistry | None = None,
        io: IoTotals | None = None,
        failpoints: Failpoints | None = None,
    ) -> None:
        """`io`: where the checkpoint's reads and writes are counted."""
        self._io = io if io is not None else IoTotals()
        self.memory = memory
        self.retention = retention
        self.images = images
        self.archive = archive
        self.log = log
        # How far the pages of the current checkpoint have got.
        self.pages = pages
        pages.pace = self._pace
        self._settings = settings
        self._budget = budget
        # Answers how long a restart would take that reads the log from a position on; None: not known.
        self.estimate_ms: Callable[[LSN], float | None] = lambda redo_lsn: None
        self._fence = fence
        self._clock = clock
        self._parties = [Party(each) for each in (*pages.participants(), *participants)]
        self._queue = RequestQueue(self._perform, clock.monotonic_s)
        # The checkpoint under way, for the status view; None: idle.
        self.current: CheckpointRun | None = None
        # Where the log ended when the last image was complete: nothing to do while that is still so.
        self._quiet_end = log.end_lsn()
        self._pool = pool
        self._failpoints = failpoints if failpoints is not None else Failpoints()
        self._log_keeping = LogKeeping(
            log, retention, images, archive, settings=settings, failpoints=self._failpoints
        )
        self.counters = CheckpointCounters(telemetry or StorageTelemetryRegistry())
        fence.observe_wait = self.counters.observe_wait

    def register(
        self,
        participant: CheckpointParticipant,
        *,
        deadlines: PhaseDeadlines | None = None,
    ) -> None:
        """Let one more party take part, from the next checkpoint on. Raises DuplicateObject if there is one of that name."""
        name = participant.name
        if any(each.participant.name == name for each in self._parties):
            raise errors.DuplicateObject(f'checkpoint participant "{name}" already exists')
        party = Party(participant, deadlines or PhaseDeadlines(), is_foreign=True)
        self._parties = [*self._parties, party]

    def unregister(self, name: str) -> None:
        """Let a registered party take part no longer. Raises UndefinedObject; the built-in ones stay."""
        kept = [
            each
            for each in self._parties
            if not (each.is_foreign and each.participant.name == name)
        ]
        if len(kept) == len(self._parties):
            raise errors.UndefinedObject(f'checkpoint participant "{name}" does not exist')
        self._parties = kept

    @property
    def waiting_count(self) -> int:
        """How many requests wait for the next checkpoint."""
        return self._queue.merged_count

    def run(
        self, request: CheckpointRequest, check: Callable[[], None] | None = None
    ) -> CheckpointResult:
        """Take a checkpoint that begins after this call; several calls may share one. `check` raises to give up.

        Raises LockNotAvailable if the fence could not be closed in time (not in PASSIVE mode), QueryCanceled if it was cancelled or
        its time was over, IoError on a poisoned log or file, DiskFull, and what participants raise; then nothing has changed
        (invariant 5).
        """
        if request.mode is not CheckpointMode.SPREAD:
            # Somebody waits: the one under way need not take its time.
            self.hurry()
        return self._queue.submit(request, check or _go_on)

    def hurry(self) -> None:
        """Let a checkpoint that spreads its writes go on without a schedule."""
        run = self.current
        if run is not None and run.pacer is not None:
            run.pacer.is_hurried = True

    def cancel(self, reason: str = "canceling checkpoint due to user request") -> bool:
        """Ask the checkpoint under way to stop before its image counts. False if there is none, or it is past that."""
        run = self.current
        return run is not None and run.cancel(reason)

    def has_changes(self) -> bool:
        """Whether the database differs from its newest image, or that image from one that a clean close leaves."""
        facts = self.memory.facts
        # A life of the log that the file speaks of, and whose only batch a crash has lost: at a close its segments go, and would be missed.
        has_later_log = self._pool.store.noted_log_generation > facts.log_generation
        return not facts.is_clean or has_later_log or self.differs_from_image()

    def differs_from_image(self) -> bool:
        """Whether anything was logged or changed since the newest image."""
        return self.log.end_lsn() != self._quiet_end or self._pool.figures().dirty_pages > 0

    # One checkpoint

    def _perform(
        self,
        request: CheckpointRequest,
        check: Callable[[], None],
        merged_count: int,
        queue_wait_ms: float,
    ) -> CheckpointResult:
        self._settle()
        run = CheckpointRun.begin(
            CheckpointContext(self.memory.take_checkpoint_id(), request),
            clock=self._clock,
            parties=self._parties,
            merged_count=merged_count,
            queue_wait_ms=queue_wait_ms,
        )
        run.check_caller = check
        if request.kind is not CheckpointKind.FINAL:
            give_way = GiveWay(self._clock, self.log.end_lsn)
            run.context.give_way, run.context.is_alone = give_way, give_way.is_needless
        self.counters.count_request(request)
        run.recovery_before_ms = self.estimate_ms(self.memory.facts.redo_lsn)
        if request.kind is CheckpointKind.FINAL and not self.has_changes():
            run.outcome = CheckpointOutcome.SKIPPED
            run.reason = "nothing has changed since the last image"
            return run.result()
        run.pacer = self._pacer(run)
        try:
            self.current = run
            try:
                with self._io.acting_as(CHECKPOINTER):
                    self._take(run)
            except BaseException as error:
                if self._is_published(run):
                    self._end_published(run)
                else:
                    run.fail(error)
                    self._abort(run)
                raise
            finally:
                self._finish(run)
        finally:
            self._settle()
        if run.outcome is CheckpointOutcome.DEFERRED and request.mode is not CheckpointMode.PASSIVE:
            raise errors.LockNotAvailable(
                "the checkpoint was deferred: writers could not be held for a moment in time",
                detail=f"The fence was tried {FENCE_ATTEMPTS} times for {request.fence_timeout_ms:g} ms.",
                hint="Try again, or allow more time with FENCE_TIMEOUT.",
            )
        return run.result()

    def _take(self, run: CheckpointRun) -> None:
        """The phases in their order."""
        with run.in_phase(Phase.BEGIN):
            self._begin(run)
        if not self._prepare(run):
            run.outcome = CheckpointOutcome.DEFERRED
            run.reason = "writers could not be held in time"
            self._abort(run)
            return
        if run.request.is_dry_run:
            with run.in_phase(Phase.WRITE):
                self._rehearse(run)
            run.outcome = CheckpointOutcome.DRY_RUN
            self._abort(run)
            return
        with run.in_phase(Phase.WRITE):
            self._write(run)
        with run.in_phase(Phase.COMMIT):
            self._commit(run)
        with run.in_phase(Phase.RETENTION):
            self._log_keeping.settle(run)

    def _begin(self, run: CheckpointRun) -> None:
        if run.request.name:
            self.images.admit(run.request.name)
        if run.request.archives:
            self.archive.require()
        # Nothing to flush there, but a poisoned log refuses: the checkpoint could not be published.
        self.log.flush_to(self.log.durable_lsn)
        self.retention.pin_lowest(
            HolderKind.CHECKPOINT_IN_PROGRESS,
            str(run.context.checkpoint_id),
            owner=run.request.requested_by,
        )
        self._failpoints.reach("checkpoint.begin")
        run.segments_before = self.log.segments_made
        run.predict(run.calls.begin(), self.memory)

    def _prepare(self, run: CheckpointRun) -> bool:
        """Hold everything still for a moment; False if the fence could not be closed in time."""
        is_passive = run.request.mode is CheckpointMode.PASSIVE
        for attempt in range(FENCE_ATTEMPTS_PASSIVE if is_passive else FENCE_ATTEMPTS):
            with run.in_phase(Phase.PREPARE):
                if attempt:
                    pause_s = FENCE_PAUSE_S * 2 ** (attempt - 1)
                    self._clock.sleep(min(pause_s, FENCE_PAUSE_MAX_S))
                run.context.check()
                is_closed = self._close_fence(run.request)
            if is_closed:
                break
            run.note_blocked(self._fence)
            self.counters.count_abandoned()
        else:
            return False
        try:
            with run.in_phase(Phase.FENCE):
                self._hold_still(run)
        finally:
            self._fence.open()
            run.times[Phase.FENCE] = self._fence.closed_s * 1000
            run.note_blocked(self._fence)
            self.counters.observe_fence(run.times[Phase.FENCE])
        return True

    def _close_fence(self, request: CheckpointRequest) -> bool:
        """Close the fence within its time. PASSIVE never lets a writer wait for others: it closes when nobody is inside, or not at all."""
        try:
            if request.mode is not CheckpointMode.PASSIVE:
                return self._fence.close(request.fence_timeout_ms / 1000)
            deadline = self._clock.monotonic_s() + request.fence_timeout_ms / 1000
            while not self._fence.close(0.0):
                if self._clock.monotonic_s() >= deadline:
                    return False
                self._clock.sleep(FENCE_PAUSE_S)
            return True
        except BaseException:
            # An exception from outside may come when it is closed and nobody has been told yet.
            self._fence.open()
            raise

    def _pacer(self, run: CheckpointRun) -> CheckpointPacer:
        return CheckpointPacer(
            run,
            budget=self._budget,
            settings=self._settings,
            clock=self._clock,
            end_lsn=self.log.end_lsn,
            progress=self.pages.progress,
        )

    def _pace(self, size: int) -> None:
        """After each page."""
        run = self.current
        if run is not None and run.pacer is not None:
            if self._queue.is_awaited:
                run.pacer.is_hurried = True
            run.pacer.after_write(size)

    def _hold_still(self, run: CheckpointRun) -> None:
        """Inside the closed fence."""
        self._failpoints.reach("checkpoint.fence")
        run.context.redo_lsn = self.log.end_lsn()
        run.take_backs = self.log.take_backs()
        run.calls.prepare()
        self._failpoints.reach("checkpoint.capture")

    def _write(self, run: CheckpointRun) -> None:
        self._failpoints.reach("checkpoint.write")
        # Invariant 3.
        self.log.flush_to(run.context.redo_lsn)
        if run.take_backs is None or run.take_backs != self.log.take_backs():
            raise errors.DiskFull(
                "the checkpoint was given up: a commit that it had counted was refused for lack of space",
                hint="Free some space, and try again.",
            )
        self._failpoints.reach("checkpoint.pages")
        run.calls.write()
        if run.request.verifies:
            self.pages.verify()
        run.context.check()

    def _rehearse(self, run: CheckpointRun) -> None:
        """What writing would cost, and what of the log could go."""
        run.predict(run.calls.rehearse(), self.memory)
        run.est_fence_ms = run.times[Phase.FENCE]
        holders = self.retention.holders()
        images = [each for each in holders if each.kind is HolderKind.REDO_LSN]
        # The newest image becomes the one before; what held the log for that lets go.
        keeps = [
            each
            for each in holders
            if each.kind is not HolderKind.CHECKPOINT_IN_PROGRESS
            and not (len(images) > 1 and each is images[0])
        ]
        floor = min([run.context.redo_lsn, *(each.pinned_lsn for each in keeps)])
        run.pruned = self.log.would_prune(floor)
        run.note_held(
            min(keeps, key=lambda each: each.pinned_lsn, default=None), self.log.end_lsn()
        )

    def _commit(self, run: CheckpointRun) -> None:
        request, context = run.request, run.context
        run.is_past_cancel = True
        self._failpoints.reach("checkpoint.commit")
        run.checkpoint_lsn = self.log.end_lsn()
        run.distance_bytes = context.redo_lsn - self.memory.facts.redo_lsn
        run.outcome = CheckpointOutcome.PARTIAL if context.left_out else CheckpointOutcome.COMPLETE
        prepared = run.calls.prepared
        self.images.expire(run.started_at)
        # Without a log, nothing was written since a clean close: this image needs none either, and none will be missed.
        has_log = self.log.newest_generation > 0
        noted = self._pool.store.noted_log_generation
        facts = CheckpointFacts(
            checkpoint_id=context.checkpoint_id,
            redo_lsn=context.redo_lsn,
            log_generation=self.log.newest_generation if has_log else noted,
            segment_size=self.log.start.segment_size,
            is_clean=request.kind is CheckpointKind.FINAL or not has_log,
            taken_at=run.started_at,
            keep_until=0 if request.keep_us is None else run.started_at + request.keep_us,
            retains_log=request.retains_log,
            verdicts=self.images.verdicts(),
            participants={name: each.facts for name, each in prepared.items() if each.facts},
            checkpoints=(*self.memory.checkpoints.rows(), run.record()),
            recoveries=tuple(self.memory.recoveries.rows()),
        )
        context.image.set_payload(encode_facts(facts))
        if request.name:
            context.image.set_name(request.name)
        run.facts = facts
        run.phase = Phase.SYNC
        self.pages.publish()
        self._take_over(run)

    def _is_published(self, run: CheckpointRun) -> bool:
        """Whether the checkpoint is complete although an exception from outside cut it off (`ImageBuilder.publish`)."""
        if run.report is None and self.pages.published is not None:
            self._take_over(run)
        return run.report is not None

    def _end_published(self, run: CheckpointRun) -> None:
        """Do what the phase after it was kept from, but for what the next checkpoint will do. Again changes nothing."""
        run.calls.commit()
        self.images.hold_log()

    def _take_over(self, run: CheckpointRun) -> None:
        """The image is current: its facts are the database's. Again changes nothing."""
        assert run.facts is not None, "they are in the image"
        if run.report is None:
            self.memory.facts = run.facts
            self.images.remember(run.facts)
            run.report = self.pages.published
            self.counters.count_done(run)

    def _estimate_after(self, run: CheckpointRun) -> float | None:
        """How long a restart would take from now on; of a dry run, if it had been none."""
        is_rehearsal = run.outcome is CheckpointOutcome.DRY_RUN
        return self.estimate_ms(
            run.context.redo_lsn if is_rehearsal else self.memory.facts.redo_lsn
        )

    def _abort(self, run: CheckpointRun) -> None:
        """Let every participant go back; what one of them raises does not keep the others from it."""
        with run.in_phase(Phase.ABORT):
            run.calls.abort()

    def _finish(self, run: CheckpointRun) -> None:
        """Remember how it went."""
        self.retention.release(HolderKind.CHECKPOINT_IN_PROGRESS, str(run.context.checkpoint_id))
        run.end(self.log.end_lsn(), self.log.segments_made)
        run.recovery_after_ms = self._estimate_after(run)
        record = run.record()
        self.memory.checkpoints.add(record)
        self.memory.remember_parties(run.calls.rows)
        if run.request.kind is not CheckpointKind.FINAL:
            # A poisoned log takes no note; then the row lives as long as the process.
            with contextlib.suppress(errors.IoError):
                self.log.append_note(NoteKind.CHECKPOINT, encode_record(record))
        if run.outcome is CheckpointOutcome.COMPLETE:
            self._quiet_end = self.log.end_lsn()
        self.current = None

    def _settle(self) -> None:
        """Put right what a checkpoint left that was cut off in going back itself (invariant 6)."""
        run = self.current
        if run is None:
            return
        self._fence.open()
        if self._is_published(run):
            self._end_published(run)
        else:
            run.calls.abort()
        self.retention.release(HolderKind.CHECKPOINT_IN_PROGRESS, str(run.context.checkpoint_id))
        self.current = None


def _go_on() -> None:
    """Nobody gives up."""
