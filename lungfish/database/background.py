"""Checkpoints that begin by themselves, in a thread of their own: once enough has been logged since the last one."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from lungfish.errors import Error
from lungfish.recovery.checkpoint_request import CheckpointRequest, CheckpointTrigger

if TYPE_CHECKING:
    from lungfish.database.database import Database


class BackgroundCheckpoints:
    """At most one thread at a time; it ends when its checkpoint is done, so an idle database has none."""

    def __init__(self, database: Database, wal_bytes: int) -> None:
        self._database = database
        self._wal_bytes = wal_bytes
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._thread: threading.Thread | None = None
        self._is_stopped = False

    def consider(self) -> None:
        """Begin a checkpoint if the log has grown enough. A hot path: called after each commit."""
        core = self._database.core
        if not self._wal_bytes or core.log.end_lsn() - core.memory.facts.redo_lsn < self._wal_bytes:
            return
        with self._lock:
            if self._is_stopped or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(
                target=self._run, name="lungfish checkpoint", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Begin no more, and wait for the one that runs."""
        with self._lock:
            self._is_stopped = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        request = CheckpointRequest(trigger=CheckpointTrigger.WAL_BYTES, requested_by="scheduler")
        # A failure stands in the checkpoint's history, and the next commit tries again.
        with contextlib.suppress(Error):
            self._database.checkpoint(request)
