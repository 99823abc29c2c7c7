"""Rows that an operator keeps to read them again: in memory while the budget allows, then in a spill file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lungfish.executor.context import Run
from lungfish.executor.memory import MemoryBudget, batch_size_bytes
from lungfish.executor.spill import SpillFile, SpillSpace
from lungfish.types.batch import Batch


class KeptRows:
    """Batches in order. Read as often as wanted; `close` gives the memory back."""

    def __init__(self, memory: MemoryBudget, spill: SpillSpace | None) -> None:
        self._memory = memory
        self._spill_space = spill
        self._batches: list[Batch] = []
        self._spilled: SpillFile | None = None
        self._held_bytes = 0
        self.row_count = 0
        # Of all rows, spilled ones included.
        self.size_bytes = 0

    @property
    def is_spilled(self) -> bool:
        """Whether some of the batches are in a file."""
        return self._spilled is not None

    @property
    def held_count(self) -> int:
        """How many batches are in memory."""
        return len(self._batches)

    def held(self, index: int) -> Batch:
        """One of the batches in memory."""
        return self._batches[index]

    def append(self, batch: Batch) -> None:
        """Keep one batch more."""
        self.row_count += batch.row_count
        size = batch_size_bytes(batch)
        self.size_bytes += size
        if self._spilled is not None:
            self._spilled.append(batch)
            return
        if not self._memory.reserve(size):
            if self._spill_space is not None:
                self._spilled = self._spill_space.open()
                self._spilled.append(batch)
                return
            self._memory.take(size)
        self._held_bytes += size
        self._batches.append(batch)

    def __iter__(self) -> Iterator[Batch]:
        """The batches, in the order in which they came."""
        yield from self._batches
        if self._spilled is not None:
            yield from self._spilled.batches()

    def take_all(self) -> list[Batch]:
        """All batches at once, in memory, for the last time: here they are let go of, but still accounted for until `close`."""
        batches = list(self)
        self._batches = []
        return batches

    def close(self) -> None:
        """Let go of everything. Twice is harmless."""
        self._memory.release(self._held_bytes)
        self._held_bytes = 0
        self._batches = []
        if self._spilled is not None:
            self._spilled.close()
            self._spilled = None


def keep_batches(batches: Iterable[Batch], run: Run) -> KeptRows:
    """Read an input to its end and keep its rows."""
    kept = KeptRows(run.context.memory, run.context.spill)
    try:
        for batch in batches:
            run.check_cancel()
            kept.append(batch)
    except BaseException:
        kept.close()
        raise
    return kept
