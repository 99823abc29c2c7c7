"""The I/O budget: one token bucket for all that reads and writes, with limits, floors and bursts for each class.

    foreground   clients' reads and early writes         charged, and waits for its own limit only
    wal          the log                                 charged, and waits for its own limit only
    checkpoint   pages of images                         waits
    backup       copies of images                        waits

A class takes tokens from the bucket that all share (`io_rate`, `io_burst`) and from its own (`io_rate_<class>`, ...). Both are
filled by time. A request is never refused and never split: it takes its tokens at once, into debt if it must, and its class waits
until the debt is paid.

Invariants:
1. Nothing starves: a class with a floor never waits longer for a request than its size divided by the floor.
2. The debt of those who do not wait (foreground, log) is forgiven beyond one burst: it slows others down, it does not shut them out.
3. Nobody sleeps under the latch; whoever sleeps looks every so often whether it is to stop.

After the token bucket of traffic shaping (Turner, 1986), with debt in place of refusal: a bucket that refuses what is larger than its burst
refuses it for ever.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass

from lungfish.recovery.settings import StorageSettings
from lungfish.storage.clock import Clock

# How long somebody who waits sleeps at most before looking whether to stop.
NAP_S = 0.05


class IoClass(enum.Enum):
    """Who reads or writes."""

    FOREGROUND = "foreground"
    WAL = "wal"
    CHECKPOINT = "checkpoint"
    BACKUP = "backup"

    # As the members are compared: without the call of a Python function that an enumeration has there, for each read and write.
    __hash__ = object.__hash__


_WAITS = (IoClass.CHECKPOINT, IoClass.BACKUP)


class TokenBucket:
    """Tokens are bytes. Not safe for threads by itself."""

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        # Bytes a second; 0: no limit.
        self.rate = rate
        self.burst = burst
        # Negative: debt.
        self.tokens = burst
        self._filled_at = now_s

    def fill(self, now_s: float) -> None:
        """Add what time has brought."""
        if self.rate:
            gained = (now_s - self._filled_at) * self.rate
            self.tokens = min(self.burst, self.tokens + max(0.0, gained))
        self._filled_at = now_s

    def take(self, size: float, now_s: float) -> float:
        """Take tokens; answers for how many seconds there is debt."""
        if not self.rate:
            return 0.0
        self.fill(now_s)
        self.tokens -= size
        return max(0.0, -self.tokens / self.rate)

    def change(self, rate: float, burst: float, now_s: float) -> None:
        """Go on with other figures, with the same tokens."""
        self.fill(now_s)
        self.rate, self.burst = rate, burst
        self.tokens = min(self.tokens, burst)


@dataclass(slots=True)
class IoShare:
    """One class, as `lungfish.io_budget` shows it."""

    bucket: TokenBucket
    floor: float = 0.0
    granted_bytes: int = 0
    deferred_count: int = 0
    wait_total_ms: float = 0.0
    wait_max_ms: float = 0.0
    # The rate is being chosen by a checkpoint that spreads its writes.
    is_auto_tuned: bool = False


class IoBudget:
    """The budget of one database."""

    def __init__(self, clock: Clock, settings: StorageSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._latch = threading.Lock()
        now = clock.monotonic_s()
        self.shared = TokenBucket(0.0, settings.number("io_burst"), now)
        self.shares = {each: IoShare(TokenBucket(0.0, 0.0, now)) for each in IoClass}
        self._configure()
        for share in self.shares.values():
            share.bucket.tokens = share.bucket.burst
        settings.on_change.append(self._configure)

    def _configure(self) -> None:
        number, now = self._settings.number, self._clock.monotonic_s()
        with self._latch:
            self.shared.change(number("io_rate"), number("io_burst"), now)
            for io_class, share in self.shares.items():
                name = io_class.value
                share.bucket.change(number(f"io_rate_{name}"), number(f"io_burst_{name}"), now)
                share.floor = number(f"io_floor_{name}")

    def claim(self, io_class: IoClass, size: int) -> float:
        """Take tokens for a request; answers how many seconds its class should wait before the next one."""
        share = self.shares[io_class]
        with self._latch:
            share.granted_bytes += size
            if not self.shared.rate and not share.bucket.rate:
                return 0.0
            now = self._clock.monotonic_s()
            own = share.bucket.take(size, now)
            shared = self.shared.take(size, now)
            if io_class not in _WAITS:
                # Invariant 2.
                self.shared.tokens = max(self.shared.tokens, -self.shared.burst)
                shared = 0.0
            elif share.floor:
                # Invariant 1.
                shared = min(shared, size / share.floor)
            return max(own, shared)

    def charge(self, io_class: IoClass, size: int) -> None:
        """Take tokens for a request that was made, and wait if the class has a limit of its own."""
        seconds = self.claim(io_class, size)
        if seconds:
            self.sleep(io_class, seconds, _go_on)

    def wait(self, io_class: IoClass, size: int, check: Callable[[], None]) -> float:
        """Take tokens, and wait until the debt is paid; answers the seconds waited. `check` raises to stop the wait."""
        seconds = self.claim(io_class, size)
        return self.sleep(io_class, seconds, check) if seconds else 0.0

    def sleep(self, io_class: IoClass, seconds: float, check: Callable[[], None]) -> float:
        """Let a class wait; answers the seconds waited. Raises what `check` raises."""
        began = self._clock.monotonic_s()
        try:
            while (left := began + seconds - self._clock.monotonic_s()) > 1e-9:
                check()
                self._clock.sleep(min(left, NAP_S))
        finally:
            waited = self._clock.monotonic_s() - began
            self.note_wait(io_class, waited)
        return waited

    def note_wait(self, io_class: IoClass, seconds: float) -> None:
        """Count a wait."""
        share = self.shares[io_class]
        with self._latch:
            share.deferred_count += 1
            share.wait_total_ms += seconds * 1000
            share.wait_max_ms = max(share.wait_max_ms, seconds * 1000)

    def fill(self) -> None:
        """Bring the figures up to date, for the view."""
        now = self._clock.monotonic_s()
        with self._latch:
            self.shared.fill(now)
            for share in self.shares.values():
                share.bucket.fill(now)


def _go_on() -> None:
    """Nothing stops the wait."""
