"""The fence: every row operation of a writer passes through it, and a checkpoint closes it for milliseconds.

Readers never pass here. Invariants:
1. While the fence is closed no writer is inside: the pages, the log's end and the undo lists agree with each other.
2. A writer never waits for anything else (a lock, I/O) while it is inside, so closing takes no longer than one row operation.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType


class Fence:
    """Counts the writers inside; closed, it lets those inside finish and holds new ones.

    `with fence:` around each row operation. Not reentrant: an operation enters once.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._inside = 0
        self._is_closed = False
        # Writers that are held just now, and how many were held since the fence was last closed.
        self.waiting = 0
        self.held_count = 0

    def __enter__(self) -> None:
        condition = self._condition
        with condition:
            if self._is_closed:
                self.waiting += 1
                self.held_count += 1
                while self._is_closed:
                    condition.wait()
                self.waiting -= 1
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        condition = self._condition
        with condition:
            self._inside -= 1
            if self._is_closed and not self._inside:
                condition.notify_all()

    def close(self, timeout_s: float) -> bool:
        """Hold new writers and wait until none is inside. False, and open again, if that took longer than `timeout_s`."""
        condition = self._condition
        deadline = time.monotonic() + timeout_s
        with condition:
            self._is_closed = True
            self.held_count = 0
            while self._inside:
                left = deadline - time.monotonic()
                if left <= 0 or not condition.wait(left):
                    if not self._inside:
                        break
                    self._is_closed = False
                    condition.notify_all()
                    return False
            return True

    def open(self) -> None:
        """Let writers pass again."""
        with self._condition:
            self._is_closed = False
            self._condition.notify_all()
