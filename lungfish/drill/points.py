"""Where to crash: after which operation of the disk, and what of the unsynced ones survives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """One state of the disk: the crash's place, what survived it, and a seed for the choice."""

    operation: int
    persistence: Persistence
    seed: int = 0

    def __str__(self) -> str:
        return f"operation {self.operation}, {self.persistence.name}, seed {self.seed}"


def crash_points(
    disk: SimulatedDisk, *, count: int | None, seed: int, first: int = 0
) -> Iterator[CrashPoint]:
    """So many points spread evenly over the operations from `first` on, with a persistence each; None: every operation with every one."""
    total = disk.operation_count - first
    kinds = list(Persistence)
    if count is None:
        for operation in range(first, first + total + 1):
            for persistence in kinds:
                yield CrashPoint(operation, persistence, seed)
        return
    chance = random.Random(f"points {seed}")
    for index in range(count):
        operation = first + index * (total + 1) // count
        yield CrashPoint(operation, chance.choice(kinds), seed * 100_000 + index)
