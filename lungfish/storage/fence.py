"""The fence: every row operation of a writer passes through it, and a checkpoint closes it for milliseconds.

Readers never pass here. Invariants:
1. While the fence is closed no writer is inside: the pages, the log's end and the undo lists agree with each other.
2. A writer never waits for anything else (a lock, I/O) while it is inside, so closing takes no longer than one row operation.
3. A writer that has just left holds no latch. So what was put off because of latches is done there: see `relief`.
4. A thread that an exception from outside (Ctrl-C) takes out of `__enter__` or `__exit__` is not inside afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from threading import get_ident
from types import TracebackType


class Fence:
    """Knows the threads inside; closed, it lets those inside finish and holds new ones.

    `with fence:` around each row operation. Not reentrant: an operation enters once. Passing an open fence is on the hot path
    of every write: it takes the bare latch twice and touches the condition only while the fence is closed.

    Threads are kept by their number, not counted: taking one off twice is harmless (invariant 4).
    """

    # Named are those attributes that compiled code looks at for each row.
    __slots__ = ("__dict__", "__weakref__", "_is_closed", "relief")

    def __init__(self) -> None:
        self._latch = threading.Lock()
        self._changed = threading.Condition(self._latch)
        # All below are guarded by the latch.
        self._inside: set[int] = set()
        self._is_closed = False
        self._closed_at = 0.0
        # The threads of writers that are held just now.
        self._held: set[int] = set()
        # How many were held since the fence was last closed, and for how long, in seconds.
        self.held_count = 0
        self.held_total_s = 0.0
        self.held_max_s = 0.0
        # How long it was closed the last time, the wait for those inside included.
        self.closed_s = 0.0
        # Called with each held writer's seconds, under the latch.
        self.observe_wait: Callable[[float], None] | None = None
        # Set by the log when its memory is full: called once, by the next writer that leaves (invariant 3).
        self.relief: Callable[[], None] | None = None

    @property
    def waiting(self) -> int:
        """How many writers are held just now."""
        return len(self._held)

    def __enter__(self) -> None:
        try:
            with self._latch:
                if self._is_closed:
                    self._wait_until_open()
                self._inside.add(get_ident())
        except BaseException:
            self._leave()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._latch:
                self._inside.discard(get_ident())
                if self._is_closed and not self._inside:
                    self._changed.notify_all()
        except BaseException:
            self._leave()
            raise
        if self.relief is not None and kind is None:
            self._relieve()

    def _leave(self) -> None:
        """Cut off on the way in or out: nobody is to wait for this thread (invariant 4)."""
        with self._latch:
            self._inside.discard(get_ident())
            self._changed.notify_all()

    def close(self, timeout_s: float) -> bool:
        """Hold new writers and wait until none is inside. False, and open again, if that took longer than `timeout_s`.

        With no time at all nobody is ever held up by a close that fails.
        """
        began = time.monotonic()
        deadline = began + timeout_s
        with self._latch:
            assert not self._is_closed, "one checkpoint at a time"
            self.held_count = 0
            self.held_total_s = self.held_max_s = self.closed_s = 0.0
            self._closed_at = began
            try:
                self._is_closed = True
                while self._inside:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self._open()
                        return False
                    self._changed.wait(left)
            except BaseException:
                self._open()
                raise
            return True

    def open(self) -> None:
        """Let writers pass again. Twice is harmless."""
        with self._latch:
            self._open()

    def _open(self) -> None:
        """Under the latch."""
        if self._is_closed:
            self._is_closed = False
            self.closed_s = time.monotonic() - self._closed_at
            self._changed.notify_all()

    def _wait_until_open(self) -> None:
        """Wait for `open`. Requires: the latch, which is let go meanwhile."""
        began = time.monotonic()
        try:
            self._held.add(get_ident())
            while self._is_closed:
                self._changed.wait()
        finally:
            self._held.discard(get_ident())
            held = time.monotonic() - began
            self.held_count += 1
            self.held_total_s += held
            self.held_max_s = max(self.held_max_s, held)
            if self.observe_wait is not None:
                self.observe_wait(held)

    def _relieve(self) -> None:
        with self._latch:
            relief, self.relief = self.relief, None
        if relief is not None:
            relief()
