"""One checkpoint's course: its phase, its times, and what it becomes in the history."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lungfish import errors
from lungfish.recovery.checkpoint_contract import CheckpointContext, Forecast
from lungfish.recovery.checkpoint_facts import CheckpointFacts
from lungfish.recovery.checkpoint_memory import CheckpointMemory
from lungfish.recovery.checkpoint_party import Party, RollCall
from lungfish.recovery.checkpoint_request import (
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
)
from lungfish.recovery.history import CheckpointRecord
from lungfish.recovery.retention import RetentionHolder
from lungfish.recovery.wal import PruneReport
from lungfish.storage.clock import Clock
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN
from lungfish.storage.image_builder import PublishReport


def _go_on() -> None:
    """Nobody gives up."""


class Pacer(Protocol):
    """What holds a checkpoint back; see `checkpoint_pacing.py`."""

    is_hurried: bool

    def after_write(self, size: int) -> None: ...


class Phase(enum.Enum):
    """Where a checkpoint is; the values are those of `lungfish.checkpoint_status`."""

    IDLE = "idle"
    BEGIN = "begin"
    PREPARE = "prepare"
    FENCE = "fence"
    CAPTURE = "capture"
    WRITE = "write"
    SYNC = "sync"
    COMMIT = "commit"
    RETENTION = "retention"
    ABORT = "abort"


@dataclass(slots=True)
class CheckpointRun:
    """A checkpoint under way."""

    context: CheckpointContext
    clock: Clock
    calls: RollCall
    merged_count: int
    queue_wait_ms: float
    started_at: int
    started_s: float
    phase: Phase = Phase.BEGIN
    # Milliseconds in each phase so far.
    times: dict[Phase, float] = field(default_factory=dict)
    outcome: CheckpointOutcome = CheckpointOutcome.ABORTED
    reason: str = ""
    est_pages: int | None = None
    est_bytes: int | None = None
    est_total_ms: float | None = None
    est_fence_ms: float | None = None
    # Of the log, at the fence: another number after the flush means that a commit was taken back meanwhile.
    take_backs: int | None = 0
    # Set once the image is current, and what it says of itself.
    report: PublishReport | None = None
    facts: CheckpointFacts | None = None
    pruned: PruneReport | None = None
    segments_archived: int = 0
    wal_held_bytes: int = 0
    held_by: str | None = None
    # Segments that the log had made when the checkpoint began, and how many it made meanwhile.
    segments_before: int = 0
    segments_added: int = 0
    distance_bytes: int | None = None
    checkpoint_lsn: LSN | None = None
    end_lsn: LSN | None = None
    finished_at: int | None = None
    # Writers that the fence held.
    blocked_count: int = 0
    blocked_total_ms: float = 0.0
    blocked_max_ms: float = 0.0
    # How long an I/O budget held it back.
    throttled_ms: float = 0.0
    # How long a restart would take, before and after; None: not known.
    recovery_before_ms: float | None = None
    recovery_after_ms: float | None = None
    # Holds it back while it writes.
    pacer: Pacer | None = None
    error: errors.Error | None = None
    # Raises if whoever takes it is to give up.
    check_caller: Callable[[], None] = _go_on
    # Why it is to stop.
    _cancel_reason: str | None = None
    # The image is being published: too late to stop.
    is_past_cancel: bool = False

    @staticmethod
    def begin(
        context: CheckpointContext,
        *,
        clock: Clock,
        parties: Sequence[Party],
        merged_count: int,
        queue_wait_ms: float,
    ) -> CheckpointRun:
        """A checkpoint begins now."""
        run = CheckpointRun(
            context=context,
            clock=clock,
            calls=RollCall(parties, context, clock),
            merged_count=merged_count,
            queue_wait_ms=queue_wait_ms,
            started_at=clock.utc_us(),
            started_s=clock.monotonic_s(),
        )
        context.check = run.check
        context.is_late = run.is_late
        return run

    def cancel(self, reason: str) -> bool:
        """Have it stop at its next `check`; False if it is too late for that."""
        if self.is_past_cancel:
            return False
        self._cancel_reason = reason
        return True

    def check(self) -> None:
        """Raise QueryCanceled if it was cancelled or its time is over."""
        self.check_caller()
        if self._cancel_reason is not None:
            raise errors.QueryCanceled(self._cancel_reason)
        if self.is_late() and not self.context.may_be_partial:
            raise errors.QueryCanceled(
                "canceling checkpoint due to its timeout",
                detail=f"TIMEOUT was {self.request.timeout_ms:g} ms.",
            )

    def is_late(self) -> bool:
        """Whether its time is over."""
        timeout_ms = self.request.timeout_ms
        return timeout_ms is not None and self.total_ms > timeout_ms

    def fail(self, error: BaseException) -> None:
        """Note what ended it."""
        is_given_up = isinstance(error, (errors.QueryCanceled, errors.ObjectNotInPrerequisiteState))
        self.outcome = CheckpointOutcome.ABORTED if is_given_up else CheckpointOutcome.FAILED
        self.error = error if isinstance(error, errors.Error) else None
        self.reason = self.error.message if self.error is not None else type(error).__name__

    def predict(self, forecast: Forecast, memory: CheckpointMemory) -> None:
        """Say what it will cost, by what the last ones did."""
        self.est_pages = forecast.pages
        self.est_bytes = forecast.bytes
        self.est_total_ms = memory.predict_ms(forecast.bytes)

    def note_blocked(self, fence: Fence) -> None:
        """Add up the writers that the fence held the last time it was closed."""
        self.blocked_count += fence.held_count
        self.blocked_total_ms += fence.held_total_s * 1000
        self.blocked_max_ms = max(self.blocked_max_ms, fence.held_max_s * 1000)

    def note_held(self, binding: RetentionHolder | None, end: LSN) -> None:
        """Who keeps how much of the log."""
        if binding is not None:
            self.wal_held_bytes = max(0, end - binding.pinned_lsn)
            self.held_by = f"{binding.kind.value} {binding.id}"

    def end(self, end_lsn: LSN, segments_made: int) -> None:
        """It is over."""
        self.finished_at = self.clock.utc_us()
        self.end_lsn = end_lsn
        self.segments_added = segments_made - self.segments_before

    @property
    def write_ms(self) -> float:
        """The write phase so far."""
        return self.times.get(Phase.WRITE, 0.0)

    @property
    def request(self) -> CheckpointRequest:
        """What was asked for."""
        return self.context.request

    @contextlib.contextmanager
    def in_phase(self, phase: Phase) -> Iterator[None]:
        """Be in a phase, and count its time."""
        self.phase = phase
        began = self.clock.monotonic_s()
        try:
            yield
        finally:
            took = (self.clock.monotonic_s() - began) * 1000
            self.times[phase] = self.times.get(phase, 0.0) + took

    @property
    def total_ms(self) -> float:
        """Since it began."""
        return (self.clock.monotonic_s() - self.started_s) * 1000

    @property
    def pages_dirty(self) -> int:
        """What the participants held still for the image."""
        return sum(each.pages for each in self.calls.prepared.values())

    def result(self) -> CheckpointResult:
        """The row that CHECKPOINT answers."""
        request, report, pruned = self.request, self.report, self.pruned
        redo_lsn = self.context.redo_lsn
        return CheckpointResult(
            checkpoint_id=self.context.checkpoint_id,
            outcome=self.outcome,
            reason=self.reason or request.reason,
            mode=request.mode,
            kind=request.kind,
            redo_lsn=redo_lsn or None,
            checkpoint_lsn=self.checkpoint_lsn,
            pages_written=0 if report is None else report.pages_written,
            bytes_written=0 if report is None else report.bytes_written,
            image_bytes=0 if report is None else report.image_bytes,
            wal_bytes_freed=0 if pruned is None else pruned.freed_bytes,
            wal_bytes_still_held=self.wal_held_bytes,
            held_by=self.held_by,
            fence_ms=self.times.get(Phase.FENCE, 0.0),
            prepare_ms=self.times.get(Phase.PREPARE, 0.0),
            write_ms=self.times.get(Phase.WRITE, 0.0),
            sync_ms=0.0 if report is None else report.sync_s * 1000,
            commit_ms=self.times.get(Phase.COMMIT, 0.0),
            total_ms=self.total_ms,
            blocked_txns=self.blocked_count,
            blocked_max_ms=self.blocked_max_ms,
            throttled_ms=self.throttled_ms,
            est_pages=self.est_pages,
            est_bytes=self.est_bytes,
            est_total_ms=self.est_total_ms,
            est_fence_ms=self.est_fence_ms,
            recovery_estimate_before_ms=self.recovery_before_ms,
            recovery_estimate_after_ms=self.recovery_after_ms,
            warnings=tuple(self.calls.warnings),
        )

    def record(self) -> CheckpointRecord:
        """The row of the history, as far as things have gone."""
        request, report, pruned, times = self.request, self.report, self.pruned, self.times
        return CheckpointRecord(
            checkpoint_id=self.context.checkpoint_id,
            kind=request.kind.value,
            mode=request.mode.value,
            trigger=request.trigger.value,
            requested_by=request.requested_by,
            name=request.name or None,
            outcome=self.outcome.value,
            started_at=self.started_at,
            finished_at=self.finished_at,
            begin_ms=times.get(Phase.BEGIN),
            prepare_ms=times.get(Phase.PREPARE),
            fence_ms=times.get(Phase.FENCE),
            capture_ms=times.get(Phase.CAPTURE),
            write_ms=times.get(Phase.WRITE),
            sync_ms=None if report is None else report.sync_s * 1000,
            commit_ms=times.get(Phase.COMMIT),
            retention_ms=times.get(Phase.RETENTION),
            total_ms=self.total_ms,
            redo_lsn=self.context.redo_lsn or None,
            checkpoint_lsn=self.checkpoint_lsn,
            end_lsn=self.end_lsn,
            pages_dirty=self.pages_dirty,
            pages_written=None if report is None else report.pages_written,
            bytes_written=None if report is None else report.bytes_written,
            image_bytes=None if report is None else report.image_bytes,
            files_synced=None if report is None else 1,
            longest_sync_ms=None if report is None else report.longest_sync_s * 1000,
            average_sync_ms=None if report is None else report.sync_s * 1000 / report.sync_count,
            wal_segments_added=self.segments_added,
            wal_segments_removed=None if pruned is None else pruned.removed_count,
            wal_segments_recycled=None if pruned is None else pruned.recycled_count,
            wal_segments_archived=self.segments_archived,
            wal_distance_bytes=self.distance_bytes,
            blocked_txns=self.blocked_count,
            blocked_total_ms=self.blocked_total_ms,
            blocked_max_ms=self.blocked_max_ms,
            queue_wait_ms=self.queue_wait_ms,
            throttled_ms=self.throttled_ms,
            error_sqlstate=None if self.error is None else self.error.sqlstate,
            error_text=None if self.error is None else self.error.message,
            blocker=self.held_by,
        )
