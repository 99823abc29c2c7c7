"""When checkpoints begin by themselves: once enough has been logged since the last one, or enough time has passed.

    consider() after each commit --enough logged--> wake
    the thread: waits for that, or for the interval to pass; then one checkpoint, if there is anything to write

Invariants:
1. There is no thread before `start`, or before the first checkpoint that `consider` asks for; `stop` waits until it has ended.
2. A checkpoint that fails is in the history with its reason, and is tried again when next asked for: never in a tight loop.
"""

from __future__ import annotations

import contextlib
import threading

from lungfish import errors
from lungfish.recovery.checkpoint import CheckpointCoordinator
from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger

REQUESTED_BY = "scheduler"


class CheckpointScheduler:
    """At most one thread, a daemon, that asks the coordinator for checkpoints."""

    def __init__(
        self, checkpoints: CheckpointCoordinator, *, wal_bytes: int, interval_s: float
    ) -> None:
        """Zero switches a trigger off."""
        self._checkpoints = checkpoints
        self._wal_bytes = wal_bytes
        self._interval_s = interval_s
        self._changed = threading.Condition()
        # Guarded by the condition.
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self._is_asked = False
        # Where the log was when a checkpoint was last asked for: the next one is due that much later.
        self._asked_at = checkpoints.log.end_lsn()

    @property
    def wal_bytes_since(self) -> int:
        """What has been logged since the last checkpoint, or since the database was opened."""
        checkpoints = self._checkpoints
        begun = max(checkpoints.memory.facts.redo_lsn, checkpoints.log.start.life_start)
        return max(0, checkpoints.log.end_lsn() - begun)

    def start(self) -> None:
        """Let time trigger checkpoints too, also while nobody commits."""
        if self._interval_s:
            with self._changed:
                self._ensure_thread()

    def consider(self) -> None:
        """Ask for a checkpoint if the log has grown enough. A hot path: called after each commit, outside fence and latches."""
        if not self._wal_bytes or self.wal_bytes_since < self._wal_bytes:
            return
        end = self._checkpoints.log.end_lsn()
        with self._changed:
            if self._is_asked or self._is_stopped or end - self._asked_at < self._wal_bytes:
                return
            self._is_asked = True
            self._asked_at = end
            self._ensure_thread()
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask for no more, and wait for the one that runs."""
        with self._changed:
            self._is_stopped = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _ensure_thread(self) -> None:
        if self._thread is None and not self._is_stopped:
            self._thread = threading.Thread(
                target=self._run, name="lungfish checkpoints", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._is_asked and not self._is_stopped:
                    self._changed.wait(self._interval_s or None)
                if self._is_stopped:
                    return
                trigger = (
                    CheckpointTrigger.WAL_BYTES if self._is_asked else CheckpointTrigger.INTERVAL
                )
                self._is_asked = False
            self._checkpoint(trigger)

    def _checkpoint(self, trigger: CheckpointTrigger) -> None:
        if trigger is CheckpointTrigger.INTERVAL and not self._checkpoints.differs_from_image():
            return
        request = CheckpointRequest(trigger=trigger, requested_by=REQUESTED_BY)
        # Invariant 2.
        with contextlib.suppress(errors.Error):
            self._checkpoints.run(request)
