"""Stopping a statement from another thread: a flag that it looks at, and an exception sent to where it computes.

Operators look at the flag between batches and every so many rows. A computation that has no such place, as a function over a long array, is run by
`compute`, and may be ended by an exception that another thread sends it (`PyThreadState_SetAsyncExc`), at any instruction, as Ctrl-C may. Invariants:

1. What runs in `compute` only computes: it holds no lock, takes none, starts no thread, does no I/O, and changes nothing that outlives the statement.
   Caches that do are filled in one step; modules are loaded elsewhere (`types/late_loading.py`).
2. A stop is sent only while the thread computes, and never comes later: `_computing` is taken back under the latch under which stops are
   sent, and one that has not come by then is waited for.
3. It is sent again every `INSIST_S` while the thread computes, since an exception that is raised in a finalizer is lost. The end of a computation
   takes microseconds; one stop may cut it off, and the next could when it is done anew, if the thread had to wait for so long.
4. From the first sending to the end the garbage collector rests, which would run finalizers just where a stop can come.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Lock, RLock, Thread, current_thread, get_ident
from typing import Any, TypeVar

from lungfish import errors
from lungfish.executor.resting_collector import rest_collector, wake_collector
from lungfish.executor.statement_progress import StatementProgress
from lungfish.types.late_loading import start_loader

Result = TypeVar("Result")

# A stop that has had no effect for so long is sent anew.
INSIST_S = 0.05


class StopComputing(BaseException):
    """Sent to a thread that computes. No error, so that no function takes it for one of its own."""


def raise_in(thread_number: int, kind: type[BaseException]) -> None:
    """Have an exception raised in a thread soon, in place of one that has not been raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_number), ctypes.py_object(kind)
    )


def swallow_stop() -> None:
    """Let a stop come that this thread may have been sent.

    Taking it back (by NULL in place of an exception) would leave CPython 3.11 looking for it for ever: its interpreter loop clears that
    flag only when it raises something, is slower meanwhile, and does not go on at all where it traces lines.
    """
    try:
        raise_in(get_ident(), StopComputing)
        while True:
            pass
    except StopComputing:
        pass


class Cancellation:
    """A flag that any thread may raise; the statement looks at it once a batch and in long loops."""

    __slots__ = (
        "_computing",
        "_is_sent",
        "_latch",
        "_pause",
        "_turn",
        "error",
        "is_requested",
        "progress",
        "reason",
    )

    def __init__(self) -> None:
        self.is_requested = False
        # Guards the next four: the thread that computes (0: none does), whether it was sent a stop, how many computations there were, and what the
        # thread that insists on a stop waits for. That is a bare lock, since a stop may cut off what is written in Python, such as an event.
        # One that is entered again: a signal's handler may ask the thread that it runs in.
        self._latch = RLock()
        self._computing = 0
        self._is_sent = False
        self._turn = 0
        self._pause = Lock()
        # What the statement tells those who wait for it; None: nothing yet.
        self.progress: StatementProgress | None = None
        self.reason = "canceling statement due to user request"
        # Raised in place of QueryCanceled.
        self.error: errors.Error | None = None

    def request(self, reason: str | None = None) -> None:
        """Ask the statement to stop; `reason` replaces the error's message."""
        if reason is not None:
            self.reason = reason
        self.is_requested = True
        with self._latch:
            if not self._computing or self._is_sent:
                return
            self._is_sent = True
            self._pause = pause = Lock()
            pause.acquire()
            insister = Thread(target=self._insist, args=(self._turn, pause), daemon=True)
            rest_collector(insister)
            try:
                insister.start()
            except RuntimeError:
                # The system has no thread to give: one stop has to do.
                wake_collector(insister)
            # Last, since this may be the thread that computes.
            raise_in(self._computing, StopComputing)

    def _insist(self, turn: int, pause: Lock) -> None:
        """Send the stop again and again while the computation goes on (invariants 3 and 4)."""
        try:
            while not pause.acquire(timeout=INSIST_S):
                with self._latch:
                    if not (self._computing and self._is_sent and self._turn == turn):
                        return
                    raise_in(self._computing, StopComputing)
        finally:
            wake_collector(current_thread())

    def check(self) -> None:
        """Raise QueryCanceled (57014) if the statement was asked to stop."""
        if self.is_requested:
            raise self.error if self.error is not None else errors.QueryCanceled(self.reason)

    def compute(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """What the call answers; a request stops it wherever it is. Raises QueryCanceled.

        Requires: the call computes, and nothing else (invariant 1).
        """
        if self._computing:
            return call(*arguments)
        start_loader()
        try:
            try:
                self._turn += 1
                self._computing = get_ident()
                # If it was asked for before that, nobody has sent a stop.
                if not self.is_requested:
                    return call(*arguments)
            finally:
                self._end_computing()
        except BaseException as error:
            # A stop may have cut off the end, and the second one may do that here, in line: no function begins before `try` guards it.
            try:
                self._end_computing()
            except StopComputing:
                self._end_computing()
            if not isinstance(error, StopComputing):
                raise
        self.check()
        raise AssertionError("a computation stops only when it was asked to")

    def _end_computing(self) -> None:
        """From now on no stop is sent, and one that was sent and has not come is let come (invariant 2). Can be done again."""
        with self._latch:
            self._computing = 0
            is_sent, self._is_sent = self._is_sent, False
        if is_sent:
            self._pause.release()
            swallow_stop()

    def reset(self) -> None:
        """A new statement begins: what was asked of an earlier one is over."""
        self.is_requested = False
        self.error = None
        self.progress = None

    def begin(self, phase: str, total: int, units: str = "rows") -> StatementProgress:
        """A part of the statement begins that counts anew, from 0 to `total` (0: unknown); what it counts its work on."""
        before = self.progress
        part = 0 if before is None else before.part + 1
        progress = self.progress = StatementProgress(phase, units, 0, total, part)
        return progress

    def expect(self, phase: str, total: int, units: str = "rows") -> StatementProgress:
        """Something begins that has `total` to do (0: unknown), beside what the statement does already; what it counts its work on."""
        progress = self.progress
        if progress is None or progress.units != units:
            progress = self.begin(phase, 0, units)
        progress.phase = phase
        progress.total += total
        return progress
