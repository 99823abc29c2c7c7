"""The fence: every row operation of a writer passes through it, and a checkpoint closes it for milliseconds.

Readers never pass here. Invariants:
1. While the fence is closed no writer is inside: the pages, the log's end and the undo lists agree with each other.
2. A writer never waits for anything else (a lock, I/O) while it is inside, so closing takes no longer than one row operation.
3. A writer that has just left holds no latch. So what was put off because of latches is done there: see `relief`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType


class Fence:
    """Counts the writers inside; closed, it lets those inside finish and holds new ones.

    `with fence:` around each row operation. Not reentrant: an operation enters once. Passing an open fence is on the hot path
    of every write: it takes the bare latch twice and touches the condition only while the fence is closed.
    """

    def __init__(self) -> None:
        self._latch = threading.Lock()
        self._changed = threading.Condition(self._latch)
        # The three below are guarded by the latch.
        self._inside = 0
        self._is_closed = False
        # Writers that are held just now.
        self.waiting = 0
        # How many were held since the fence was last closed, and for how long, in seconds.
        self.held_count = 0
        self.held_total_s = 0.0
        self.held_max_s = 0.0
        # Set by the log when its memory is full: called once, by the next writer that leaves (invariant 3).
        self.relief: Callable[[], None] | None = None

    def __enter__(self) -> None:
        with self._latch:
            if self._is_closed:
                self._wait_until_open()
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._latch:
            self._inside -= 1
            if self._is_closed and not self._inside:
                self._changed.notify_all()
        if self.relief is not None and kind is None:
            self._relieve()

    def close(self, timeout_s: float) -> bool:
        """Hold new writers and wait until none is inside. False, and open again, if that took longer than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self._latch:
            assert not self._is_closed, "one checkpoint at a time"
            self._is_closed = True
            self.held_count = 0
            self.held_total_s = self.held_max_s = 0.0
            while self._inside:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._is_closed = False
                    self._changed.notify_all()
                    return False
                self._changed.wait(left)
            return True

    def open(self) -> None:
        """Let writers pass again."""
        with self._latch:
            self._is_closed = False
            self._changed.notify_all()

    def _wait_until_open(self) -> None:
        """Wait for `open`. Requires: the latch, which is let go meanwhile."""
        began = time.monotonic()
        self.waiting += 1
        self.held_count += 1
        try:
            while self._is_closed:
                self._changed.wait()
        finally:
            self.waiting -= 1
            held = time.monotonic() - began
            self.held_total_s += held
            self.held_max_s = max(self.held_max_s, held)

    def _relieve(self) -> None:
        with self._latch:
            relief, self.relief = self.relief, None
        if relief is not None:
            relief()
