"""Which units of the file are free. Nothing of this is stored: it is computed at open from the retained page tables.

One byte a unit (0 free, 1 used), so that searching is `bytearray.find` at memory speed and taking the same unit twice is
noticed. That is 256 KiB of memory for 1 GiB of file; a file of many terabytes would want extents instead.

Allocation is next fit: it goes on behind the last place given out, so that pages written one after another lie one after
another; after each checkpoint it starts again at the front, so that the file's end becomes free and can be cut off.
"""

from __future__ import annotations

import numpy as np

from lungfish.errors import CorruptDatabase, ProgramLimitExceeded
from lungfish.storage.page_table import UNIT_COUNT_MAX, Units


class FreeUnits:
    """The map of used units. Not safe for threads by itself: the page store's lock guards it."""

    def __init__(self, unit_count: int = 0) -> None:
        self._used = bytearray(unit_count)
        self._next = 0
        # No run of so many free units is in the map: set by a search that found none, until units are freed.
        self._hopeless_count = UNIT_COUNT_MAX

    @property
    def unit_count(self) -> int:
        """All units, free and used: where the file would end."""
        return len(self._used)

    @property
    def used_count(self) -> int:
        """How many units are in use. Counted each time: a number kept beside the map would not bear an exception between the two."""
        return self._used.count(1)

    def claim(self, first: int, count: int) -> None:
        """Mark units as used, at open. Raises CorruptDatabase if one is in use already."""
        end = first + count
        if end > len(self._used):
            self._used.extend(bytes(end - len(self._used)))
        if self._used.find(1, first, end) >= 0:
            raise CorruptDatabase(f"units {first} to {end - 1} of the file are used twice")
        self._used[first:end] = b"\1" * count

    def claim_runs(self, firsts: Units, counts: Units) -> None:
        """Claim many runs at once; the same as `claim` of each, but for the time it takes."""
        if not len(firsts):
            return
        order = firsts.argsort()
        firsts, counts = firsts[order], counts[order]
        ends = firsts + counts
        is_twice = bool((ends[:-1] > firsts[1:]).any())
        end = int(ends.max())
        if end > len(self._used):
            self._used.extend(bytes(end - len(self._used)))
        units = _units_of(firsts, counts)
        used = np.frombuffer(self._used, np.uint8)
        if is_twice or used[units].any():
            raise CorruptDatabase(
                f"of the units {firsts[0]} to {end - 1} of the file some are used twice"
            )
        used[units] = 1

    def release_runs(self, firsts: Units, counts: Units) -> None:
        """Give many runs back at once."""
        units = _units_of(firsts, counts)
        used = np.frombuffer(self._used, np.uint8)
        assert used[units].all(), "units are freed twice"
        used[units] = 0
        self._hopeless_count = UNIT_COUNT_MAX

    def allocate(self, count: int) -> int:
        """Take a run of free units, at the file's end if there is no other; answers the first."""
        first = self._find(count)
        end = first + count
        if end > len(self._used):
            if end > UNIT_COUNT_MAX:
                raise ProgramLimitExceeded(
                    "the database file has reached its maximum size of 16 TiB"
                )
            self._used.extend(bytes(end - len(self._used)))
        self._used[first:end] = b"\1" * count
        self._next = end
        return first

    def release(self, first: int, count: int) -> None:
        """Give units back."""
        end = first + count
        assert self._used.find(0, first, end) < 0, f"units {first} to {end - 1} are freed twice"
        self._used[first:end] = bytes(count)
        self._hopeless_count = UNIT_COUNT_MAX

    def start_at_front(self) -> None:
        """Let the next search begin at the front of the file."""
        self._next = 0
        self._hopeless_count = UNIT_COUNT_MAX

    def free_at_end(self) -> int:
        """How many units at the end are free."""
        return len(self._used) - (self._used.rfind(1) + 1)

    def cut_end(self) -> int:
        """Forget the free units at the end; answers how many units are left."""
        del self._used[self._used.rfind(1) + 1 :]
        self._next = min(self._next, len(self._used))
        return len(self._used)

    def is_used(self, unit: int) -> bool:
        return unit < len(self._used) and bool(self._used[unit])

    def _find(self, count: int) -> int:
        if count < self._hopeless_count:
            run = bytes(count)
            found = self._used.find(run, self._next)
            if found < 0:
                found = self._used.find(run, 0, self._next)
            if found >= 0:
                return found
            self._hopeless_count = count
        # Use the free units at the very end as the beginning of the new run.
        return self._used.rfind(1) + 1


def _units_of(firsts: Units, counts: Units) -> Units:
    """The units of all runs."""
    before = np.cumsum(counts) - counts
    return np.repeat(firsts - before, counts) + np.arange(counts.sum())
