"""Group commit: those who wait for a sync at the same time share one.

Whoever comes first leads: it writes and syncs what has been appended by then, for all. Whoever comes meanwhile waits. When the
leader is done, it wakes all whom its sync has served, and hands the lead to the first of the others, whose sync then
serves all of these (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). The alternative, a
thread of its own for syncing, costs a lone writer two thread switches for each commit.

Invariants:
1. At most one thread is inside `lead`.
2. A waiter that is woken either was served, or leads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lungfish.storage.ids import LSN

LSN_MAX = LSN(2**63 - 1)


class _Waiter:
    """A thread that waits for `lsn` to be durable."""

    __slots__ = ("is_leader", "lsn", "wake")

    def __init__(self, lsn: LSN) -> None:
        self.lsn = lsn
        self.is_leader = False
        # Held until the waiter may go on: releasing it is all that waking takes.
        self.wake = threading.Lock()
        self.wake.acquire()


class GroupSync:
    """Lets one thread at a time run `lead`, which answers the position up to which the log is then durable."""

    def __init__(self, lead: Callable[[], LSN]) -> None:
        self._lead = lead
        self._latch = threading.Lock()
        # Guarded by the latch.
        self._is_led = False
        self._waiters: list[_Waiter] = []

    def sync_to(self, lsn: LSN) -> None:
        """Return once `lead` has answered a position of at least `lsn`, here or in another thread. Raises what `lead` raises."""
        if self._wait_for_turn(lsn):
            self._run_lead()

    def run_alone(self, action: Callable[[], None]) -> None:
        """Run something else that must not run beside `lead`."""
        leads = self._wait_for_turn(LSN_MAX)
        assert leads, "no sync reaches the largest LSN"
        try:
            action()
        finally:
            self._pass_on(LSN(0))

    def _wait_for_turn(self, lsn: LSN) -> bool:
        """Wait until served or leading; whether leading."""
        with self._latch:
            if not self._is_led:
                self._is_led = True
                return True
            waiter = _Waiter(lsn)
            self._waiters.append(waiter)
        try:
            waiter.wake.acquire()
        except BaseException:
            # An exception from outside (Ctrl-C) must not leave a leader behind that never leads.
            self._leave(waiter)
            raise
        return waiter.is_leader

    def _leave(self, waiter: _Waiter) -> None:
        with self._latch:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                return
        if waiter.is_leader:
            self._pass_on(LSN(0))

    def _run_lead(self) -> None:
        durable = LSN(0)
        try:
            durable = self._lead()
        finally:
            self._pass_on(durable)

    def _pass_on(self, durable: LSN) -> None:
        """Wake the served, and hand the lead to the first of the others."""
        with self._latch:
            waiters = self._waiters
            served = [each for each in waiters if each.lsn <= durable]
            self._waiters = [each for each in waiters if each.lsn > durable]
            if self._waiters:
                leader = self._waiters.pop(0)
                leader.is_leader = True
                served.append(leader)
            else:
                self._is_led = False
        for waiter in served:
            waiter.wake.release()
