"""What checkpoints count since the database was opened: for `pg_stat_checkpointer`, `fence_stats` and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger
from lungfish.recovery.telemetry import StorageTelemetryRegistry

if TYPE_CHECKING:
    from lungfish.recovery.checkpoint_run import CheckpointRun

# Who else asks for a checkpoint is the scheduler, as PostgreSQL's num_timed counts them.
_REQUESTED = (CheckpointTrigger.FORCED, CheckpointTrigger.SHUTDOWN)


class CheckpointCounters:
    """The instruments of one coordinator."""

    def __init__(self, registry: StorageTelemetryRegistry) -> None:
        counter, histogram = registry.counter, registry.histogram
        self.done = counter("checkpoints", unit="checkpoints", help="images published")
        self.timed = counter("checkpoints_timed", unit="checkpoints", help="begun by the scheduler")
        self.requested = counter("checkpoints_requested", unit="checkpoints", help="asked for")
        self.pages = counter("checkpoint_pages", unit="pages", help="pages written into images")
        self.bytes = counter("checkpoint_bytes", unit="bytes", help="bytes written into images")
        self.write_ms = counter("checkpoint_write_time", unit="ms", help="time in the write phase")
        self.sync_ms = counter("checkpoint_sync_time", unit="ms", help="time in syncs of the file")
        self.abandoned = counter("fence_abandoned", unit="", help="times the fence was given up")
        self.fence = histogram("fence", unit="ms", help="time the fence was closed")
        self.waits = histogram("fence_wait", unit="ms", help="time that writers were held")

    def count_request(self, request: CheckpointRequest) -> None:
        """A checkpoint begins, though it may be skipped."""
        if not request.is_dry_run:
            (self.requested if request.trigger in _REQUESTED else self.timed).add()

    def count_done(self, run: CheckpointRun) -> None:
        """An image was published."""
        self.done.add()
        if run.report is not None:
            self.pages.add(run.report.pages_written)
            self.bytes.add(run.report.bytes_written)
            self.sync_ms.add(run.report.sync_s * 1000)
        self.write_ms.add(run.write_ms)

    def count_abandoned(self) -> None:
        """The fence could not be closed in time."""
        self.abandoned.add()

    def observe_fence(self, closed_ms: float) -> None:
        """The fence was closed, and is open again."""
        self.fence.observe(closed_ms)

    def observe_wait(self, held_s: float) -> None:
        """A writer was held."""
        self.waits.observe(held_s * 1000)
