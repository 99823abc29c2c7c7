r"""Rollbacks that are finished after the error has reached the user: what a statement has written may take long to take back.

    statement fails -> some rows are put back at once -> the error is raised
                         \-> the rest goes on here, in a thread -> the session's next statement waits until it is done

Invariants:
1. From `add` until `wait` has returned nobody but the thread touches the transaction, or the locks of its owner. The session runs nothing
   meanwhile; it may add what else is to be taken back.
2. To everybody else the transaction is still running, as it is during any rollback: its rows are seen in their old versions, its locks are held
   until they have been put back, and a checkpoint's image carries what is left of its undo list.
3. A step that has failed stays, and is gone on with by the next `add` or by `wait`, in the thread of whoever waits.
4. A database that closes waits for all of them. One that crashes leaves them where they are, which restart puts right.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from lungfish.errors import Error
from lungfish.storage.clock import Clock

# Puts about so many rows back (None: all that are left); True: it is done.
RollbackStep = Callable[[int | None], bool]

# How many rows are put back between two looks whether to stop.
_PORTION_ROW_COUNT = 200
_LOOK_S = 0.02
# The thread begins so much later: whoever has started it is to have the interpreter for the error first.
_HEAD_START_S = 0.005


class LateRollback:
    """What is left to be taken back of one session's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Guards all below.
        self._lock = threading.Lock()
        # In their order; only who runs them takes one off.
        self._steps: deque[RollbackStep] = deque()
        self._thread: threading.Thread | None = None
        self._is_abandoned = False
        # Held by who goes on where the thread has failed.
        self._turn = threading.Lock()

    def add(self, step: RollbackStep) -> None:
        """Take something else back, after all that was given before."""
        with self._lock:
            self._steps.append(step)
            if self._thread is None and not self._is_abandoned:
                self._thread = threading.Thread(
                    target=self._run, name="lungfish rollback", daemon=True
                )
                self._thread.start()

    def wait(self, check: Callable[[], None] = lambda: None) -> None:
        """Return when all is taken back. `check` may raise to give up waiting; raises what taking back raises."""
        while (thread := self._running_thread()) is not None:
            thread.join(_LOOK_S)
            check()
        with self._turn:
            while self._steps:
                self._steps[0](None)
                self._steps.popleft()

    def abandon(self) -> None:
        """Have the thread stop between two rows, and return when it has."""
        with self._lock:
            self._is_abandoned = True
        thread = self._running_thread()
        if thread is not None:
            thread.join()

    def _running_thread(self) -> threading.Thread | None:
        with self._lock:
            thread = self._thread
        return thread if thread is not None and thread.is_alive() else None

    def _run(self) -> None:
        try:
            self._clock.sleep(_HEAD_START_S)
            with contextlib.suppress(Error):
                while (step := self._next_step()) is not None:
                    if step(_PORTION_ROW_COUNT):
                        self._steps.popleft()
        finally:
            with self._lock:
                # Another one may have been started since this one found nothing to do.
                if self._thread is threading.current_thread():
                    self._thread = None

    def _next_step(self) -> RollbackStep | None:
        """What is to be done now; None: the thread has ended."""
        with self._lock:
            if self._steps and not self._is_abandoned:
                return self._steps[0]
            self._thread = None
            return None


class LateRollbacks:
    """Those of a database."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: set[LateRollback] = set()

    def begin(self) -> LateRollback:
        """One that has nothing to do yet."""
        made = LateRollback(self._clock)
        self._all.add(made)
        return made

    def forget(self, done: LateRollback) -> None:
        """It was waited for."""
        self._all.discard(done)

    def wait(self) -> None:
        """Return when all are done. Raises what taking back raises."""
        for each in list(self._all):
            each.wait()
            self.forget(each)

    def abandon(self) -> None:
        """Stop all of them where they are."""
        for each in list(self._all):
            each.abandon()
