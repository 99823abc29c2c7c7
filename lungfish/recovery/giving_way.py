"""How a checkpoint lets the interpreter's lock go.

CPython's lock is let go of in every call that may wait (a write, a sync), and taken back at once when the call returns: whoever waits for it
needs some tens of microseconds to wake up, and mostly finds it taken again. Only after `sys.getswitchinterval()`, 5 ms, does it ask
for the lock, and each of these short calls begins that time anew. So a thread that computes and writes in turn can hold up a commit for
many times what it works at a stretch. A short sleep does what the calls do not: it lasts longer than a wake-up.

A checkpoint therefore calls `GiveWay` between its pieces of work, each of some microseconds; every so often that sleeps, unless the log
shows that nobody else is at work. Figures are in `docs/performance.md`.
"""

from __future__ import annotations

from collections.abc import Callable

from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN

# So long a checkpoint works at most before it gives way, and so long it sleeps then.
WORK_S = 0.0002
PAUSE_S = 0.0001
# Nothing was logged for so long: nobody waits.
QUIET_S = 0.02


class GiveWay:
    """Called between short pieces of work: sleeps a moment if the last time is long enough ago."""

    def __init__(self, clock: Clock, end_lsn: Callable[[], LSN]) -> None:
        self._clock = clock
        self._end_lsn = end_lsn
        now = clock.monotonic_s()
        self._since = now
        # Where the log ended, and since when.
        self._end = end_lsn()
        self._ends_there_since = now

    def __call__(self) -> None:
        clock = self._clock
        if clock.monotonic_s() - self._since < WORK_S:
            return
        if not self.is_needless():
            clock.sleep(PAUSE_S)
        self._since = clock.monotonic_s()

    def is_needless(self) -> bool:
        """Whether nobody has logged anything for a while."""
        now, end = self._clock.monotonic_s(), self._end_lsn()
        if end != self._end:
            self._end, self._ends_there_since = end, now
            return False
        return now - self._ends_there_since >= QUIET_S
