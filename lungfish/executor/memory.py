"""How much memory a statement's blocking operators may hold, and who asks.

A blocking operator (sort, hash table, kept rows) `reserve`s before it keeps a batch and releases what it took when it is done.
Refused, it spills: see `spill.py`. The budget is one for the whole statement, so that many operators cannot
each take a full share.
"""

from __future__ import annotations

import pyarrow as pa

from lungfish.types.batch import Batch

DEFAULT_BUDGET_BYTES = 256 * 1024 * 1024


class MemoryBudget:
    """Counts the bytes that a statement's operators hold. Used by one thread."""

    __slots__ = ("limit_bytes", "peak_bytes", "used_bytes")

    def __init__(self, limit_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self.peak_bytes = 0

    def reserve(self, size_bytes: int) -> bool:
        """Take `size_bytes` if the budget has them; False, and nothing taken, if it has not."""
        if self.used_bytes + size_bytes > self.limit_bytes:
            return False
        self.take(size_bytes)
        return True

    def take(self, size_bytes: int) -> None:
        """Take `size_bytes` in any case: for what an operator cannot do without."""
        self.used_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)

    def release(self, size_bytes: int) -> None:
        """Give back what was taken."""
        assert size_bytes <= self.used_bytes, "released more than was taken"
        self.used_bytes -= size_bytes


class MemoryAccount:
    """What one operator holds of the budget, as it grows."""

    __slots__ = ("_memory", "held_bytes")

    def __init__(self, memory: MemoryBudget) -> None:
        self._memory = memory
        self.held_bytes = 0

    def grow_to(self, size_bytes: int) -> bool:
        """Hold that much, if it is more than now. False if the budget did not have it; it is held all the same."""
        growth = size_bytes - self.held_bytes
        if growth <= 0:
            return True
        is_within = self._memory.reserve(growth)
        if not is_within:
            self._memory.take(growth)
        self.held_bytes = size_bytes
        return is_within

    def close(self) -> None:
        """Give everything back. Twice is harmless."""
        self._memory.release(self.held_bytes)
        self.held_bytes = 0


def batch_size_bytes(batch: Batch) -> int:
    """The memory of a batch's rows; of a slice only its own part."""
    return sum(vector_size_bytes(column) for column in batch.columns)


def vector_size_bytes(vector: pa.Array) -> int:
    """The memory of one vector's own rows."""
    return int(vector.nbytes)
