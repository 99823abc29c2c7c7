"""What a trial of the crash matrix counts: states it looked at, of which kind, and what was wrong."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

# How much of a failure is kept.
FAILURE_SIZE_MAX = 3000


@dataclass(slots=True)
class Tally:
    """Counts by what was counted ("crash states", "kills", ...), and the failures."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    # How often each good end was met, where there is more than one.
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All that was tried."""
        return self.counts.total()

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] += number

    def fail(self, where: str) -> None:
        """Note the exception that is being handled: its end says most, and rows may be long."""
        self.failures.append(f"{where}\n{traceback.format_exc()[-FAILURE_SIZE_MAX:]}")

    def note(self, failure: str) -> None:
        """Note a failure that is no exception."""
        self.failures.append(failure[:FAILURE_SIZE_MAX])

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.failures += other.failures
        self.verdicts += other.verdicts

    def __str__(self) -> str:
        counts = ", ".join(f"{number:,} {what}" for what, number in self.counts.items())
        verdicts = ", ".join(f"{number:,} {what}" for what, number in self.verdicts.items())
        return f"{counts} ({verdicts})" if verdicts else counts


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a trial is to do: the sample of each commit, or all there is until the time is over."""

    seed: int = 1
    is_release: bool = False
    # By `time.monotonic`; None: no end.
    deadline: float | None = None

    @property
    def is_over(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def choose(self, sample: int, release: int) -> int:
        """A count: the sample's, or the release's."""
        return release if self.is_release else sample

    def seeds(self, sample: int, release: int) -> range:
        """So many seeds; the trial leaves them when `is_over`."""
        first = self.seed * 1_000
        return range(first, first + self.choose(sample, release))
