"""Group commit: those who wait for a sync at the same time share one.

Whoever comes first leads: it writes and syncs what has been appended by then, for all. Whoever comes meanwhile waits. When the
leader is done, it wakes all whom its sync has served, and hands the lead to the first of the others, whose sync then
serves all of these (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). The alternative, a
thread of its own for syncing, costs a lone writer two thread switches for each commit.

Python may raise an exception from outside (Ctrl-C, no memory) between any two bytecodes, also where a leader has just taken the lead or
is about to hand it on. So nobody relies on a leader's last words: everyone who takes part holds a lock of its own (`alive`) by a `with`
statement, which is let go of however the thread leaves; a lead whose holder is not alive any more is taken over by the next who
comes, or by a waiter that has waited for a while.

The garbage collector may run a finalizer in a leading thread, and that may commit: it would wait for itself. It is refused, before anything of its
transaction's end is logged (`refuse_finalizer`).

Invariants:
1. At most one thread is inside `lead`.
2. A waiter that goes on either was served, or leads.
3. A lead that is held by nobody alive does not stay: whoever meets it takes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lungfish.errors import ObjectInUse
from lungfish.storage.ids import LSN

LSN_MAX = LSN(2**63 - 1)
# After so long a waiter looks whether its leader is still there.
LEADER_CHECK_S = 0.5


class Waiter:
    """One call: a thread that waits for `lsn` to be durable, or leads."""

    __slots__ = ("alive", "lsn", "thread", "wake")

    def __init__(self, lsn: LSN) -> None:
        self.lsn = lsn
        # Which one it is.
        self.thread = threading.get_ident()
        # Held by the thread for as long as it takes part.
        self.alive = threading.Lock()
        # Held until the waiter may go on: releasing it is all that waking takes.
        self.wake = threading.Lock()
        self.wake.acquire()


class GroupSync:
    """Lets one thread at a time run `lead`, which answers the position up to which the log is then durable."""

    # Named are those attributes that compiled code looks at for each commit.
    __slots__ = ("__dict__", "_durable", "_leader", "_waiters")

    def __init__(self, lead: Callable[[], LSN]) -> None:
        self._lead = lead
        # What a thread that need not wait goes by, where that is built: False if it was not done.
        self.quick: Callable[[LSN], bool] | None = None
        self._latch = threading.Lock()
        # Guarded by the latch.
        self._leader: Waiter | None = None
        self._waiters: list[Waiter] = []
        # The highest position that a `lead` has answered.
        self._durable = LSN(0)

    def sync_to(self, lsn: LSN) -> None:
        """Return once `lead` has answered a position of at least `lsn`, here or in another thread. Raises what `lead` raises, and ObjectInUse
        in a finalizer that runs within it.
        """
        if self.quick is not None and self.quick(lsn):
            # It has found that nobody leads, so this is no finalizer within a flush.
            return
        self.refuse_finalizer()
        waiter = Waiter(lsn)
        with waiter.alive:
            if self._wait_for_turn(waiter):
                durable = LSN(0)
                try:
                    durable = self._lead()
                finally:
                    self._pass_on(durable)

    def run_alone(self, action: Callable[[], None]) -> None:
        """Run something else that must not run beside `lead`. Raises ObjectInUse as `sync_to` does."""
        self.refuse_finalizer()
        waiter = Waiter(LSN_MAX)
        with waiter.alive:
            leads = self._wait_for_turn(waiter)
            assert leads, "no sync reaches the largest LSN"
            try:
                action()
            finally:
                self._pass_on(LSN(0))

    def is_led_here(self) -> bool:
        """Whether this very thread leads, so that who asks is a finalizer."""
        leader = self._leader
        return (
            leader is not None and leader.thread == threading.get_ident() and leader.alive.locked()
        )

    def refuse_finalizer(self) -> None:
        """Raise ObjectInUse if this very thread leads."""
        if self._leader is not None and self.is_led_here():
            raise ObjectInUse(
                "the write-ahead log is being written by the thread that this finalizer runs in",
                hint="A finalizer may run at any moment: leave what it has to commit to the program.",
            )

    def _wait_for_turn(self, waiter: Waiter) -> bool:
        """Wait until served or leading; whether leading. Requires: the waiter is alive."""
        with self._latch:
            if self._takes_lead(waiter):
                return True
            self._waiters.append(waiter)
        try:
            while not waiter.wake.acquire(timeout=LEADER_CHECK_S):
                with self._latch:
                    if waiter.lsn <= self._durable:
                        # Served by a leader that was cut off before it could say so.
                        return False
                    if self._takes_lead(waiter):
                        return True
        except BaseException:
            self._leave(waiter)
            raise
        return self._leader is waiter

    def _takes_lead(self, waiter: Waiter) -> bool:
        """Lead, if nobody alive does (invariant 3). Under the latch."""
        leader = self._leader
        if leader is not None and leader is not waiter and leader.alive.locked():
            return False
        self._leader = waiter
        if self._waiters and waiter in self._waiters:
            self._waiters.remove(waiter)
        return True

    def _leave(self, waiter: Waiter) -> None:
        """An exception from outside came into the waiting: do not keep a lead that was handed over meanwhile."""
        with self._latch:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            is_leader = self._leader is waiter
        if is_leader:
            self._pass_on(LSN(0))

    def _pass_on(self, durable: LSN) -> None:
        """Wake the served, and hand the lead to the first of the others."""
        with self._latch:
            if durable > self._durable:
                self._durable = durable
            if not self._waiters:
                self._leader = None
                return
            waiters = [each for each in self._waiters if each.alive.locked()]
            served = [each for each in waiters if each.lsn <= durable]
            self._waiters = [each for each in waiters if each.lsn > durable]
            self._leader = None
            if self._waiters:
                leader = self._leader = self._waiters.pop(0)
                served.append(leader)
        for waiter in served:
            waiter.wake.release()
