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
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from lungfish import errors
from lungfish.recovery.checkpoint_facts import CheckpointFacts, encode_facts
from lungfish.recovery.checkpoint_images import CheckpointImageStore
from lungfish.recovery.checkpoint_memory import CheckpointMemory
from lungfish.recovery.checkpoint_merge import RequestQueue
from lungfish.recovery.checkpoint_participants import (
    CheckpointContext,
    CheckpointParticipant,
    PagesParticipant,
)
from lungfish.recovery.checkpoint_request import (
    CheckpointKind,
    CheckpointMode,
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
)
from lungfish.recovery.checkpoint_run import CheckpointRun, Phase
from lungfish.recovery.history import encode_record
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.recovery.telemetry import StorageTelemetryRegistry
from lungfish.recovery.wal import WriteAheadLog
from lungfish.recovery.wal_records import NoteKind
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock
from lungfish.storage.fence import Fence
from lungfish.storage.measured_disk import CHECKPOINTER, IoTotals

# How often the fence is tried before the checkpoint is deferred, and how long writers get in between.
FENCE_ATTEMPTS = 2
FENCE_PAUSE_S = 0.001


class CheckpointCoordinator:
    """Drives checkpoints; `run` may be called from any thread."""

    def __init__(
        self,
        *,
        pool: BufferPool,
        log: WriteAheadLog,
        fence: Fence,
        retention: WalRetentionManager,
        clock: Clock,
        memory: CheckpointMemory,
        images: CheckpointImageStore,
        participants: Sequence[CheckpointParticipant],
        telemetry: StorageTelemetryRegistry | None = None,
        io: IoTotals | None = None,
    ) -> None:
        """`io`: where the checkpoint's reads and writes are counted."""
        self._io = io if io is not None else IoTotals()
        registry = telemetry if telemetry is not None else StorageTelemetryRegistry()
        self.memory = memory
        self.retention = retention
        self.images = images
        self.log = log
        self._fence = fence
        self._clock = clock
        self._pages = PagesParticipant(pool)
        self._participants: list[CheckpointParticipant] = [self._pages, *participants]
        self._queue = RequestQueue(self._perform, clock.monotonic_s)
        # The checkpoint under way, for the status view; None: idle.
        self.current: CheckpointRun | None = None
        # Where the log ended when the last image was complete: nothing to do while that is still so.
        self._quiet_end = log.end_lsn()
        self._pool = pool
        self._fence_times = registry.histogram("fence", unit="ms", help="time the fence was closed")
        self._done = registry.counter("checkpoints", unit="checkpoints", help="images published")

    def register(self, participant: CheckpointParticipant) -> None:
        """Let one more party take part, from the next checkpoint on."""
        self._participants.append(participant)

    @property
    def waiting_count(self) -> int:
        """How many requests wait for the next checkpoint."""
        return self._queue.merged_count

    @property
    def pages(self) -> PagesParticipant:
        """How far the pages of the current checkpoint have got."""
        return self._pages

    def run(self, request: CheckpointRequest) -> CheckpointResult:
        """Take a checkpoint that begins after this call; several calls may share one.

        Raises LockNotAvailable if the fence could not be closed in time (not in PASSIVE mode), IoError on a poisoned log or file,
        DiskFull, and what participants raise; then nothing has changed (invariant 5).
        """
        return self._queue.submit(request)

    def has_changes(self) -> bool:
        """Whether the database differs from its newest image, or that image from one that a clean close leaves."""
        return not self.memory.facts.is_clean or self.differs_from_image()

    def differs_from_image(self) -> bool:
        """Whether anything was logged or changed since the newest image."""
        return self.log.end_lsn() != self._quiet_end or self._pool.figures().dirty_pages > 0

    # One checkpoint

    def _perform(
        self, request: CheckpointRequest, merged_count: int, queue_wait_ms: float
    ) -> CheckpointResult:
        run = CheckpointRun(
            context=CheckpointContext(self.memory.take_checkpoint_id(), request),
            clock=self._clock,
            merged_count=merged_count,
            queue_wait_ms=queue_wait_ms,
            started_at=self._clock.utc_us(),
            started_s=self._clock.monotonic_s(),
        )
        if request.kind is CheckpointKind.FINAL and not self.has_changes():
            run.outcome = CheckpointOutcome.SKIPPED
            run.reason = "nothing has changed since the last image"
            return run.result()
        self.current = run
        try:
            with self._io.acting_as(CHECKPOINTER):
                self._take(run)
        except BaseException as error:
            run.outcome = CheckpointOutcome.FAILED
            run.error = error if isinstance(error, errors.Error) else None
            run.reason = run.error.message if run.error is not None else type(error).__name__
            self._abort(run)
            raise
        finally:
            self._finish(run)
        if run.outcome is CheckpointOutcome.DEFERRED and request.mode is not CheckpointMode.PASSIVE:
            raise errors.LockNotAvailable(
                "the checkpoint was deferred: writers could not be held for a moment in time",
                detail=f"The fence was tried {FENCE_ATTEMPTS} times for {request.fence_timeout_ms} ms.",
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
            run.est_bytes = self._pages.stored_bytes()
            run.est_total_ms = self.memory.predict_ms(run.est_bytes)
            run.outcome = CheckpointOutcome.DRY_RUN
            self._abort(run)
            return
        with run.in_phase(Phase.WRITE):
            self._write(run)
        with run.in_phase(Phase.COMMIT):
            self._commit(run)
        with run.in_phase(Phase.RETENTION):
            self._retain(run)

    def _begin(self, run: CheckpointRun) -> None:
        if run.request.name:
            self.images.admit(run.request.name)
        # Nothing to flush there, but a poisoned log refuses: the checkpoint could not be published.
        self.log.flush_to(self.log.durable_lsn)
        self.retention.pin_lowest(
            HolderKind.CHECKPOINT_IN_PROGRESS,
            str(run.context.checkpoint_id),
            owner=run.request.requested_by,
        )
        forecasts = [each.begin(run.context) for each in self._participants]
        run.est_pages = sum(each.pages for each in forecasts)
        run.est_bytes = sum(each.bytes for each in forecasts)
        run.est_total_ms = self.memory.predict_ms(run.est_bytes)

    def _prepare(self, run: CheckpointRun) -> bool:
        """Hold everything still for a moment; False if the fence could not be closed in time."""
        timeout_s = run.request.fence_timeout_ms / 1000
        for attempt in range(FENCE_ATTEMPTS):
            with run.in_phase(Phase.PREPARE):
                if attempt:
                    self._clock.sleep(FENCE_PAUSE_S)
                is_closed = self._fence.close(timeout_s)
            if is_closed:
                break
        else:
            return False
        try:
            with run.in_phase(Phase.FENCE):
                self._hold_still(run)
        finally:
            self._fence.open()
            self._fence_times.observe(run.times[Phase.FENCE])
        return True

    def _hold_still(self, run: CheckpointRun) -> None:
        """Inside the closed fence."""
        run.context.redo_lsn = self.log.end_lsn()
        run.take_backs = self.log.take_backs()
        for participant in self._participants:
            run.prepared[participant.name] = participant.prepare(run.context)

    def _write(self, run: CheckpointRun) -> None:
        # Invariant 3.
        self.log.flush_to(run.context.redo_lsn)
        if run.take_backs is None or run.take_backs != self.log.take_backs():
            raise errors.DiskFull(
                "the checkpoint was given up: a commit that it had counted was refused for lack of space",
                hint="Free some space, and try again.",
            )
        for prepared in run.prepared.values():
            prepared.write(run.context)

    def _commit(self, run: CheckpointRun) -> None:
        request, context = run.request, run.context
        run.checkpoint_lsn = self.log.end_lsn()
        run.distance_bytes = context.redo_lsn - self.memory.facts.redo_lsn
        run.outcome = CheckpointOutcome.COMPLETE
        self.images.expire(run.started_at)
        facts = CheckpointFacts(
            checkpoint_id=context.checkpoint_id,
            redo_lsn=context.redo_lsn,
            log_generation=self.log.newest_generation,
            segment_size=self.log.start.segment_size,
            is_clean=request.kind is CheckpointKind.FINAL,
            taken_at=run.started_at,
            keep_until=0 if request.keep_us is None else run.started_at + request.keep_us,
            retains_log=request.retains_log,
            verdicts=self.images.verdicts(),
            participants={name: each.facts for name, each in run.prepared.items() if each.facts},
            checkpoints=(*self.memory.checkpoints.rows(), run.record()),
            recoveries=tuple(self.memory.recoveries.rows()),
        )
        context.image.set_payload(encode_facts(facts))
        if request.name:
            context.image.set_name(request.name)
        run.phase = Phase.SYNC
        run.report = self._pages.frozen.publish()
        self.memory.facts = facts
        self._done.add()

    def _retain(self, run: CheckpointRun) -> None:
        """The image is durable: what only the one before needed may go. A failure here is no failure of the checkpoint."""
        checkpoint_id = str(run.context.checkpoint_id)
        try:
            for participant in self._participants:
                participant.commit(run.context)
            self.images.hold_log()
            self.retention.release(HolderKind.CHECKPOINT_IN_PROGRESS, checkpoint_id)
            run.pruned = self.log.prune(self.retention.prune_below())
        except errors.Error as error:
            run.warnings.append(f"after the image was published: {error.message}")
        binding = self.retention.binding()
        if binding is not None:
            run.wal_held_bytes = max(0, self.log.end_lsn() - binding.pinned_lsn)
            run.held_by = f"{binding.kind.value} {binding.id}"

    def _abort(self, run: CheckpointRun) -> None:
        """Let every participant go back; what one of them raises does not keep the others from it."""
        with run.in_phase(Phase.ABORT):
            for participant in self._participants:
                try:
                    participant.abort(run.context)
                except errors.Error as error:
                    run.warnings.append(f"{participant.name} could not abort: {error.message}")

    def _finish(self, run: CheckpointRun) -> None:
        """Remember how it went."""
        self.retention.release(HolderKind.CHECKPOINT_IN_PROGRESS, str(run.context.checkpoint_id))
        run.blocked_count = self._fence.held_count
        run.blocked_total_ms = self._fence.held_total_s * 1000
        run.blocked_max_ms = self._fence.held_max_s * 1000
        run.finished_at = self._clock.utc_us()
        run.end_lsn = self.log.end_lsn()
        record = run.record()
        self.memory.checkpoints.add(record)
        if run.request.kind is not CheckpointKind.FINAL:
            # A poisoned log takes no note; then the row lives as long as the process.
            with contextlib.suppress(errors.IoError):
                self.log.append_note(NoteKind.CHECKPOINT, encode_record(record))
        if run.outcome is CheckpointOutcome.COMPLETE:
            self._quiet_end = self.log.end_lsn()
        self.current = None
