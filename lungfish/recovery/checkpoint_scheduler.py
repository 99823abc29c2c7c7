"""When checkpoints begin by themselves.

    wal_bytes         enough was logged since the last one (`checkpoint_wal_bytes`, or a third of `wal_max_size`)
    dirty_pages       enough pages are dirty (`checkpoint_dirty_pages`)
    recovery_target   a restart now would take longer than it may (`recovery_target_time_ms`)
    interval          enough time has passed (`checkpoint_interval`), if anything has changed

    consider() after each commit --something may be due--> wake
    the thread: `tick`, then waits for that, or until the interval is over

All that is decided is decided in `due`, of figures and the clock: without a thread (`has_thread` false) the commit that finds a
checkpoint due takes it itself, so that a run under a clock moved by hand is the same each time.

Invariants:
1. There is no thread before the first commit that has changed something; `stop` waits until it has ended.
2. A checkpoint that fails is in the history with its reason, and is tried again when next due: never in a tight loop.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from lungfish import errors
from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_request import (
    CheckpointMode,
    CheckpointOutcome,
    CheckpointRequest,
    CheckpointResult,
    CheckpointTrigger,
)
from lungfish.recovery.settings import StorageSettings
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN

REQUESTED_BY = "scheduler"
# How many bytes of log pass between two looks at figures that cost more than comparing positions.
LOOK_BYTES = 1 << 20
# A checkpoint begins when this part of `wal_max_size` was logged: the image before the newest holds the log since itself, too.
_WAL_SHARE = 0.3
# A checkpoint for the restart's sake must spare it at least this part of the target.
_REPLAY_SHARE_MIN = 0.25


class CheckpointScheduler:
    """At most one thread, a daemon, that asks the coordinator for checkpoints."""

    def __init__(
        self,
        checkpoints: CheckpointCoordinator,
        *,
        pool: BufferPool,
        settings: StorageSettings,
        clock: Clock,
        has_thread: bool = True,
    ) -> None:
        self._checkpoints = checkpoints
        self._pool = pool
        self._settings = settings
        self._clock = clock
        self._has_thread = has_thread
        # Called at each tick: upkeep that goes by time; answers in how many seconds it wants the next one, None if it does not.
        self.upkeep: Callable[[], float | None] = lambda: None
        self._changed = threading.Condition()
        # Guarded by the condition.
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self._is_asked = False
        self._requests: deque[CheckpointRequest] = deque()
        # Where the log was, and when, at the last checkpoint that was asked for (or at the opening): the next one is due that much later.
        self._asked_at = checkpoints.log.end_lsn()
        self._asked_s = clock.monotonic_s()
        # Before this position nothing but time can be due; and in runs without a thread, before this time.
        self._look_at = LSN(0)
        self._look_s = 0.0
        settings.on_change.append(self._look_again)

    @property
    def wal_bytes_since(self) -> int:
        """What has been logged since the last checkpoint, or since the database was opened."""
        checkpoints = self._checkpoints
        begun = max(checkpoints.memory.facts.redo_lsn, checkpoints.log.start.life_start)
        return max(0, checkpoints.log.end_lsn() - begun)

    def consider(self) -> None:
        """See whether a checkpoint is due. A hot path: called after each commit, outside fence and latches."""
        if self._checkpoints.log.end_lsn() < self._look_at and (
            self._has_thread or self._clock.monotonic_s() < self._look_s
        ):
            return
        self._consider()

    def due(self) -> CheckpointTrigger | None:
        """What calls for a checkpoint now; None: nothing does."""
        number = self._settings.number
        wal_limit = self._wal_limit()
        since = min(self.wal_bytes_since, self._checkpoints.log.end_lsn() - self._asked_at)
        if wal_limit and since >= wal_limit:
            return CheckpointTrigger.WAL_BYTES
        if since > 0:
            dirty_limit = self._dirty_limit()
            if dirty_limit and self._pool.figures().dirty_pages >= dirty_limit:
                return CheckpointTrigger.DIRTY_PAGES
            target_ms = number("recovery_target_time_ms")
            if target_ms and self._is_restart_too_long(target_ms):
                return CheckpointTrigger.RECOVERY_TARGET
        interval_s = number("checkpoint_interval")
        if (
            interval_s
            and self._clock.monotonic_s() - self._asked_s >= interval_s
            and self._checkpoints.differs_from_image()
        ):
            return CheckpointTrigger.INTERVAL
        return None

    def tick(self) -> CheckpointResult | None:
        """Take the checkpoint that is due, in this thread; None if none is, or if it failed (invariant 2)."""
        trigger = self.due()
        if trigger is None:
            return None
        self._asked_at, self._asked_s = self._checkpoints.log.end_lsn(), self._clock.monotonic_s()
        return self._run(
            CheckpointRequest(
                # Whoever takes it in passing does not want to be kept.
                mode=CheckpointMode.SPREAD if self._has_thread else CheckpointMode.FAST,
                trigger=trigger,
                requested_by=REQUESTED_BY,
                fence_timeout_ms=self._settings.number("fence_timeout_ms"),
            )
        )

    def ask(self, request: CheckpointRequest) -> CheckpointResult:
        """Have a checkpoint taken in the background; answers that it has been asked for."""
        with self._changed:
            if self._is_stopped:
                raise errors.ConnectionDoesNotExist("the database is closed")
            self._requests.append(request)
            self._ensure_thread()
            self._changed.notify_all()
        return CheckpointResult(
            checkpoint_id=None,
            outcome=CheckpointOutcome.REQUESTED,
            reason=request.reason,
            mode=request.mode,
            kind=request.kind,
        )

    def stop(self) -> None:
        """Ask for no more. The one that runs is given up, for the last one will do its work; returns when it has ended."""
        with self._changed:
            self._is_stopped = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            while thread.is_alive():
                self._checkpoints.cancel("canceling checkpoint because the database is closed")
                thread.join(0.02)

    def _consider(self) -> None:
        if not self._has_thread:
            wanted_s = self.upkeep()
            self._archive_sealed()
            self.tick()
            self._plan_next_look(wanted_s)
            return
        is_due = self.due() is not None or self._checkpoints.archive.has_work()
        with self._changed:
            if self._is_stopped:
                return
            self._plan_next_look(None)
            if is_due and not self._is_asked:
                self._is_asked = True
                self._changed.notify_all()
            if is_due or self._settings.number("checkpoint_interval") or self.upkeep() is not None:
                self._ensure_thread()

    def _archive_sealed(self) -> None:
        """Copy away what was sealed, so that the archive is never far behind. What fails is shown, and tried again at the next look."""
        if self._checkpoints.archive.has_work():
            self._checkpoints.archive.run()

    def _plan_next_look(self, wanted_s: float | None) -> None:
        """Say from where on `consider` has to look more closely again."""
        step = LOOK_BYTES
        limit = self._wal_limit()
        if limit:
            step = max(1, min(step, int(limit / 8)))
        self._look_at = LSN(self._checkpoints.log.end_lsn() + step)
        archive = self._checkpoints.archive
        if archive.is_on:
            self._look_at = min(self._look_at, archive.next_seal())
        self._look_s = self._clock.monotonic_s() + self._wait_s(wanted_s)

    def _look_again(self) -> None:
        """The settings have changed."""
        self._look_at, self._look_s = LSN(0), 0.0
        with self._changed:
            self._changed.notify_all()

    def _wal_limit(self) -> float:
        limits = (
            self._settings.number("checkpoint_wal_bytes"),
            self._settings.number("wal_max_size"),
        )
        given = [each for each in (limits[0], limits[1] * _WAL_SHARE) if each]
        return min(given, default=0.0)

    def _dirty_limit(self) -> float:
        limit = self._settings.number("checkpoint_dirty_pages")
        if limit < 0:
            return self._pool.budget_bytes / self._pool.store.page_size_bytes / 2
        return limit

    def _wait_s(self, wanted_s: float | None) -> float:
        """How long nothing is due by time."""
        interval_s = self._settings.number("checkpoint_interval")
        waits = [3600.0]
        if interval_s:
            left = self._asked_s + interval_s - self._clock.monotonic_s()
            # Once overdue because nothing has changed: by the next interval.
            waits.append(left if left > 0 else interval_s)
        if wanted_s is not None:
            waits.append(wanted_s)
        return min(waits)

    def _is_restart_too_long(self, target_ms: float) -> bool:
        """Whether a restart now would miss its target, for the log that a checkpoint could spare it."""
        checkpoints = self._checkpoints
        now_ms = checkpoints.estimate_ms(checkpoints.memory.facts.redo_lsn) or 0.0
        if now_ms <= target_ms:
            return False
        # What any restart costs no checkpoint can help: then it must be worth it.
        least_ms = checkpoints.estimate_ms(checkpoints.log.end_lsn()) or 0.0
        return now_ms - least_ms > target_ms * _REPLAY_SHARE_MIN

    def _ensure_thread(self) -> None:
        if self._thread is None and not self._is_stopped:
            self._thread = threading.Thread(
                target=self._serve, name="lungfish checkpoints", daemon=True
            )
            self._thread.start()

    def _serve(self) -> None:
        while True:
            wanted_s = self.upkeep()
            with self._changed:
                if not (self._is_asked or self._requests or self._is_stopped):
                    self._changed.wait(self._wait_s(wanted_s))
                if self._is_stopped:
                    return
                self._is_asked = False
                requests = list(self._requests)
                self._requests.clear()
            self._archive_sealed()
            for request in requests:
                self._run(request)
            self.tick()

    def _run(self, request: CheckpointRequest) -> CheckpointResult | None:
        # Invariant 2.
        with contextlib.suppress(errors.Error):
            return self._checkpoints.run(request)
        return None
