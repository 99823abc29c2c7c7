"""Time, as everything that needs it receives it: the machine's own, or one that a test moves by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one that never goes back, for durations, and one for the calendar."""

    def monotonic_s(self) -> float:
        """Seconds since an unspecified moment; never goes back."""

    def utc_us(self) -> int:
        """Microseconds since 1970-01-01 00:00 UTC; follows the machine's clock, so it may go back."""

    def sleep(self, seconds: float) -> None:
        """Wait. The only way in which Lungfish waits for time to pass without waiting for anything else."""


class SystemClock:
    """The machine's clock."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def utc_us(self) -> int:
        return time.time_ns() // 1000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """Stands still until it is moved; sleeping moves it, so that nothing really waits."""

    def __init__(self, *, utc_us: int = 1_700_000_000_000_000) -> None:
        self._lock = threading.Lock()
        self._elapsed_s = 0.0
        self._start_us = utc_us

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def utc_us(self) -> int:
        return self._start_us + round(self._elapsed_s * 1_000_000)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass, for both times."""
        with self._lock:
            self._elapsed_s += seconds
