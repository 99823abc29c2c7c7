"""How a checkpoint lets the interpreter's lock go.

CPython's lock is let go of in every call that may wait (a write, a sync), and taken back at once when the call returns: whoever waits for it
needs some tens of microseconds to wake up, and mostly finds it taken again. Only after `sys.getswitchinterval()`, 5 ms, does it ask
for the lock, and each of these short calls begins that time anew. So a thread that computes and writes in turn can hold up a commit for
many times what it works at a stretch. A short sleep does what the calls do not: it lasts longer than a wake-up.

A checkpoint therefore calls `GiveWay` between its pieces of work, each of some microseconds; every so often that sleeps.
Figures are in `docs/performance.md`.
"""

from __future__ import annotations

from lungfish.storage.clock import Clock

# So long a checkpoint works at most before it gives way, and so long it sleeps then.
WORK_S = 0.0003
PAUSE_S = 0.0001


class GiveWay:
    """Called between short pieces of work: sleeps a moment if the last time is long enough ago."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic_s()
        # How long it slept in all.
        self.paused_s = 0.0

    def __call__(self) -> None:
        clock = self._clock
        began = clock.monotonic_s()
        if began - self._since < WORK_S:
            return
        clock.sleep(PAUSE_S)
        self._since = clock.monotonic_s()
        self.paused_s += self._since - began
