"""How fast a checkpoint writes: after each page it waits for the I/O budget, and in MODE SPREAD until it is no longer ahead of its schedule.

MODE SPREAD means to be done when the part `checkpoint_completion_target` of the way to the next checkpoint is behind: measured by
time against `checkpoint_interval` and by the log against `checkpoint_wal_bytes`, whichever is further (PostgreSQL's
IsCheckpointOnSchedule). Somebody who waits for the checkpoint hurries it: it then goes on without a schedule. The last
checkpoint of a database waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from lungfish.recovery.checkpoint_request import CheckpointKind, CheckpointMode
from lungfish.recovery.checkpoint_run import CheckpointRun
from lungfish.recovery.io_budget import NAP_S, IoBudget, IoClass, TokenBucket
from lungfish.recovery.settings import StorageSettings
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN

# The measure of time where `checkpoint_interval` is off: a log that stops growing must not hold a checkpoint up for ever.
_INTERVAL_S = 300.0


class CheckpointPacer:
    """Holds one checkpoint back."""

    def __init__(
        self,
        run: CheckpointRun,
        *,
        budget: IoBudget,
        settings: StorageSettings,
        clock: Clock,
        end_lsn: Callable[[], LSN],
        progress: Callable[[], float],
    ) -> None:
        self._run = run
        self._budget = budget
        self._settings = settings
        self._clock = clock
        self._end_lsn = end_lsn
        # The part of the pages that is written.
        self._progress = progress
        self.is_hurried = False
        self._is_free = run.request.kind is CheckpointKind.FINAL
        self._is_spread = run.request.mode is CheckpointMode.SPREAD
        rate = run.request.io_rate
        self._own: TokenBucket | None = None
        if rate:
            # A tenth of a second's worth at once.
            self._own = TokenBucket(rate, rate / 10, clock.monotonic_s())

    def after_write(self, size: int) -> None:
        """Called after each page. Raises QueryCanceled if the checkpoint is to stop."""
        if self._is_free:
            return
        run, budget = self._run, self._budget
        seconds = budget.claim(IoClass.CHECKPOINT, size)
        if self._own is not None:
            seconds = max(seconds, self._own.take(size, self._clock.monotonic_s()))
        if seconds:
            run.throttled_ms += budget.sleep(IoClass.CHECKPOINT, seconds, run.check) * 1000
        if self._is_spread:
            self._keep_to_schedule()

    def _keep_to_schedule(self) -> None:
        clock, run = self._clock, self._run
        share = self._budget.shares[IoClass.CHECKPOINT]
        began = clock.monotonic_s()
        share.is_auto_tuned = True
        try:
            while not self.is_hurried and self._is_ahead():
                run.check()
                clock.sleep(NAP_S)
        finally:
            share.is_auto_tuned = False
            waited = clock.monotonic_s() - began
            if waited > NAP_S / 2:
                run.throttled_ms += waited * 1000
                self._budget.note_wait(IoClass.CHECKPOINT, waited)

    def _is_ahead(self) -> bool:
        """Whether more is written than the schedule asks for by now."""
        number = self._settings.number
        done = self._progress() * number("checkpoint_completion_target")
        interval_s = number("checkpoint_interval") or _INTERVAL_S
        elapsed = (self._clock.monotonic_s() - self._run.started_s) / interval_s
        wal_bytes = number("checkpoint_wal_bytes")
        if wal_bytes:
            logged = self._end_lsn() - self._run.context.redo_lsn
            elapsed = max(elapsed, logged / wal_bytes)
        return done > elapsed
